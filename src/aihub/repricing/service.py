"""Pricing stored calls again: a preview that changes nothing, or a run that leaves entries."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from aihub.conversations.api import Meter, RecordCall
from aihub.kit.db import Database
from aihub.kit.ids import uuid7
from aihub.pricing import api as pricing
from aihub.repricing import store
from aihub.repricing.models import CallToPrice, RepriceFilters, RepriceResult

Progress = Callable[[int, int], None]

_CHUNK = 2_000
_decode = msgspec.json.Decoder(float_hook=Decimal).decode


async def reprice(
    db: Database,
    meter: Meter,
    filters: RepriceFilters,
    *,
    created_by: str | None = None,
    on_progress: Progress = lambda _done, _all: None,
    most: int | None = None,
) -> RepriceResult:
    """Price the calls that `filters` let through with the book and the rules of now.

    Without `created_by` nothing is stored: a preview. With it each call whose cost, price, status
    or usage comes out otherwise is changed, and an adjustment tells what it was. Each chunk is a
    transaction of its own; a run that was cut short is simply begun again, since a call that is
    priced right already is left alone. `most`: no more calls than that are looked at.
    """
    result = RepriceResult(meter.book().version)
    to = filters.to or datetime.now(UTC)
    async with db.read() as connection:
        total = await store.count_calls(connection, filters, to)
    total = min(total, most) if most is not None else total
    on_progress(0, total)
    async for calls in _read_chunks(db, filters, to, total):
        changed = _price(meter, calls, result)
        if created_by is not None and changed:
            run_id = result.run_id
            async with db.write() as connection:
                if run_id is None:
                    run_id = uuid7()
                    await store.insert_run(
                        connection,
                        run_id,
                        created_by=created_by,
                        filters=filters,
                        price_book_version=result.price_book_version,
                    )
                await store.reprice_calls(connection, run_id, changed)
            result.run_id = run_id
        on_progress(result.calls, total)
    return result


async def _read_chunks(
    db: Database, filters: RepriceFilters, to: datetime, total: int
) -> AsyncIterator[list[CallToPrice]]:
    after: tuple[datetime, UUID] | None = None
    left = total
    while left > 0:
        async with db.read() as connection:
            calls = await store.list_calls(
                connection, filters, to, after=after, limit=min(_CHUNK, left)
            )
        if not calls:
            return
        after = (calls[-1].occurred_at, calls[-1].id)
        left -= len(calls)
        yield calls


def _price(
    meter: Meter, calls: list[CallToPrice], result: RepriceResult
) -> list[tuple[CallToPrice, RecordCall]]:
    changed = []
    for old in calls:
        new = price_again(meter, old)
        line = result.line(old.provider, old.model)
        line.calls += 1
        line.cost_before += old.cost or 0
        line.price_before += old.price or 0
        line.unpriced_before += old.cost is None
        line.cost_after += new.cost or 0
        line.price_after += new.price or 0
        line.unpriced_after += new.cost is None
        if _differs(old, new):
            line.changed += 1
            changed.append((old, new))
    return changed


def price_again(meter: Meter, call: CallToPrice) -> RecordCall:
    """What a stored call comes to by the book and the rules of now."""
    command = RecordCall(
        organization=call.organization_id,
        id=call.id,
        conversation=None,
        conversation_at=None,
        occurred_at=call.occurred_at,
        user=None,
        user_uuid=None,
        module=call.module,
        model=call.model,
        provider=call.provider,
        api=call.api,
        context="{}",
        latency_ms=None,
        error=call.error,
        look_up=False,
    )
    meter.measure(command, _facts(call), plan=call.plan, has_failed=call.error is not None)
    return command


def _facts(call: CallToPrice) -> pricing.CallFacts:
    """The call as it was known when it was stored."""
    kept: dict[str, Any] = _decode(call.cost_facts)
    # calls of before the facts were kept have their context alone
    context = kept.get("context") or _decode(call.context)
    usage = _decode(call.usage) if call.usage is not None else None
    quantities = _decode(call.quantities) if call.quantities else {}
    tokens = None
    if usage is None and quantities.keys() == {"total_tokens"}:
        tokens = int(quantities["total_tokens"])
    elif usage is None and quantities and not kept:
        usage = quantities
    return pricing.CallFacts(
        provider=call.provider,
        model=call.model,
        api=call.api,
        occurred_at=call.occurred_at,
        tokens=tokens,
        usage=usage,
        usage_source=call.usage_source,
        usage_method=call.usage_method,
        response_facts=kept.get("response", {}),
        context=context,
        organization=str(call.organization_id),
    )


def _differs(old: CallToPrice, new: RecordCall) -> bool:
    return (
        (old.cost, old.price, old.cost_status, old.total_tokens)
        != (new.cost, new.price, new.cost_status, new.tokens)
        or old.cost_note != new.cost_note
    )  # fmt: skip
