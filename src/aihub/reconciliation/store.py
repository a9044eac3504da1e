"""One typed function for each query; no decisions."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from aihub.kit.db import Connection
from aihub.kit.sql import fetch, load_queries
from aihub.reconciliation.matching import FEE_COMPONENTS
from aihub.reconciliation.models import ZERO, Account, BilledRow, HubRow, Run, Tokens

_queries: Any = load_queries(__file__)


async def sum_calls(
    connection: Connection,
    first_day: date,
    last_day: date,
    provider: str | None,
    *,
    with_fees: bool,
) -> list[HubRow]:
    """The hub's sums of all organizations, by UTC day, provider and model.

    `with_fees`: also what of it is for other things than tokens.
    """
    bounds = {
        "from_at": datetime.combine(first_day, time(), UTC),
        "to_at": datetime.combine(last_day + timedelta(days=1), time(), UTC),
        "provider": provider,
    }
    fees: dict[Any, list[tuple[str, Decimal]]] = {}
    if with_fees:
        names = list(FEE_COMPONENTS)
        for row in await fetch(_queries.sum_fees(connection, **bounds, components=names)):
            key = (row["day"], row["provider"], row["model"])
            fees.setdefault(key, []).append((row["component"], row["amount"]))
    return [
        HubRow(
            day=row["day"],
            provider=row["provider"],
            model=row["model"],
            cost=row["cost"] or ZERO,
            tokens=Tokens(row["input_tokens"], row["cached_input_tokens"], row["output_tokens"]),
            calls=row["calls"],
            unpriced_calls=row["unpriced_calls"],
            price_book_versions=tuple(sorted(row["price_book_versions"])),
            fees=tuple(fees.get((row["day"], row["provider"], row["model"]), ())),
        )
        for row in await fetch(_queries.sum_calls(connection, **bounds))
    ]


async def list_bills(
    connection: Connection, first_day: date, last_day: date, provider: str | None
) -> list[BilledRow]:
    """Every line of those days."""
    rows = await fetch(
        _queries.list_bills(connection, first_day=first_day, last_day=last_day, provider=provider)
    )
    return [_to_billed_row(row) for row in rows]


def _to_billed_row(row: Any) -> BilledRow:
    tokens = None
    if row["input_tokens"] is not None:
        tokens = Tokens(
            row["input_tokens"],
            row["cached_input_tokens"],
            row["output_tokens"],
            row["cache_write_tokens"],
            row["cache_write_1h_tokens"],
        )
    names = ("day", "provider", "model", "line", "kind", "component", "requests", "quantity")
    return BilledRow(
        **{name: row[name] for name in names},
        tokens=tokens,
        amount=row["amount"],
        list_amount=row["list_amount"],
        currency=row["currency"],
    )


async def list_covered(
    connection: Connection, first_day: date, last_day: date, sources: Sequence[str]
) -> set[tuple[str, date]]:
    """The providers and days of which bills of these kinds were fetched."""
    rows = await fetch(
        _queries.list_covered(
            connection, first_day=first_day, last_day=last_day, sources=list(sources)
        )
    )
    found = set()
    for row in rows:
        day, end = max(row["window_start"], first_day), min(row["window_end"], last_day + _DAY)
        while day < end:
            found.add((row["provider"], day))
            day += _DAY
    return found


_DAY = timedelta(days=1)


async def lock_source(connection: Connection, source: str) -> None:
    """Be alone in replacing bills of this kind, until the end of the transaction."""
    await _queries.lock_source(connection, source=source)


async def insert_bills(
    connection: Connection,
    rows: Sequence[BilledRow],
    *,
    account_id: UUID | None,
    source: str,
    run_id: UUID,
) -> None:
    """Add lines to those of a run."""
    if not rows:
        return
    counts = [row.tokens for row in rows]
    await _queries.insert_bills(
        connection,
        account_id=account_id,
        source=source,
        run_id=run_id,
        providers=[row.provider for row in rows],
        days=[row.day for row in rows],
        models=[row.model for row in rows],
        lines=[row.line for row in rows],
        kinds=[row.kind for row in rows],
        components=[row.component for row in rows],
        input_tokens=[t and t.input for t in counts],
        cached_input_tokens=[t and t.cached_input for t in counts],
        cache_write_tokens=[t and t.cache_write for t in counts],
        cache_write_1h_tokens=[t and t.cache_write_1h for t in counts],
        output_tokens=[t and t.output for t in counts],
        requests=[row.requests for row in rows],
        quantities=[row.quantity for row in rows],
        amounts=[row.amount for row in rows],
        list_amounts=[row.list_amount for row in rows],
        currencies=[row.currency for row in rows],
    )


async def delete_bills(
    connection: Connection,
    *,
    account_id: UUID | None,
    source: str,
    run_id: UUID,
    first_day: date,
    last_day: date,
    days: Iterable[date] | None = None,
) -> None:
    """Delete what other runs stored of these days; None: of all between first and last."""
    await _queries.delete_bills(
        connection,
        account_id=account_id,
        source=source,
        run_id=run_id,
        first_day=first_day,
        last_day=last_day,
        days=None if days is None else list(days),
    )


async def delete_bills_of_account(connection: Connection, account_id: UUID) -> None:
    """Delete all that came from an account."""
    await _queries.delete_bills_of_account(connection, account_id=account_id)


# ---------- accounts ----------


async def insert_account(
    connection: Connection,
    *,
    account_id: UUID,
    provider: str,
    kind: str,
    name: str,
    base_url: str | None,
    credentials: bytes | None,
    created_by: str,
) -> Account:
    """A new one."""
    row = await _queries.insert_account(
        connection,
        id=account_id,
        provider=provider,
        kind=kind,
        name=name,
        base_url=base_url,
        credentials=credentials,
        created_by=created_by,
    )
    return Account(**row)


async def list_accounts(connection: Connection) -> list[Account]:
    """All of them, newest first."""
    return [Account(**row) for row in await fetch(_queries.list_accounts(connection))]


async def get_account(connection: Connection, account_id: UUID) -> Account | None:
    """None when there is none."""
    row = await _queries.get_account(connection, id=account_id)
    return Account(**row) if row else None


async def get_credentials(connection: Connection, account_id: UUID) -> bytes | None:
    """Encrypted, as they are stored."""
    found: bytes | None = await _queries.get_credentials(connection, id=account_id)
    return found


async def delete_account(connection: Connection, account_id: UUID) -> Account | None:
    """What was deleted; its bills stay, without an account."""
    row = await _queries.delete_account(connection, id=account_id)
    return Account(**row) if row else None


async def update_account_fetched(connection: Connection, account_id: UUID) -> None:
    """All of its sources are fetched."""
    await _queries.update_account_fetched(connection, id=account_id)


async def update_account_failed(connection: Connection, account_id: UUID, error: str) -> None:
    """Why the last fetch ended."""
    await _queries.update_account_failed(connection, id=account_id, error=error)


# ---------- runs ----------


async def get_fetched_until(connection: Connection, account_id: UUID, source: str) -> date | None:
    """The first day that no finished run has reached."""
    found: date | None = await _queries.get_fetched_until(
        connection, account_id=account_id, source=source
    )
    return found


async def get_open_run(connection: Connection, account_id: UUID, source: str) -> Run | None:
    """The run that has not come to its end."""
    row = await _queries.get_open_run(connection, account_id=account_id, source=source)
    return Run(**row) if row else None


async def insert_run(
    connection: Connection,
    *,
    run_id: UUID,
    account_id: UUID,
    source: str,
    window_start: date,
    window_end: date,
) -> Run | None:
    """A run at its first page; None when another is open."""
    row = await _queries.insert_run(
        connection,
        id=run_id,
        account_id=account_id,
        source=source,
        window_start=window_start,
        window_end=window_end,
    )
    return Run(**row) if row else None


async def delete_open_runs(connection: Connection, account_id: UUID, source: str) -> None:
    """Give up what was begun; rows that it stored are replaced by the next run."""
    await _queries.delete_open_runs(connection, account_id=account_id, source=source)


async def update_run(
    connection: Connection, run: Run, *, page: str | None, is_finished: bool
) -> Run | None:
    """The run a page further; None when somebody else has taken it there."""
    row = await _queries.update_run(
        connection,
        id=run.id,
        was_page=run.page,
        was_pages=run.pages,
        page=page,
        is_finished=is_finished,
    )
    return Run(**row) if row else None
