"""Pricing one call: find its usage, normalise it, find its price, multiply."""

from decimal import Decimal

import msgspec
from msgspec.structs import replace

from aihub.pricing.book import choose_row, find_rows, load_book
from aihub.pricing.circumstances import find_rate, find_stated_charge, is_refused, list_doubts
from aihub.pricing.models import CallFacts, CostLine, FoundUsage, PricedCall, Usage
from aihub.pricing.providers import guess_provider
from aihub.pricing.quantities import read_whole
from aihub.pricing.responses import find_usage, name_model
from aihub.pricing.rules import compute_cost
from aihub.pricing.shapes import normalise_usage

LOCAL_PROVIDERS = frozenset({"ollama", "lmstudio", "vllm", "llamacpp", "local"})
_NO_USAGE = Usage()


class _Verdict(msgspec.Struct, frozen=True):
    status: str
    note: str | None
    cost: Decimal | None = None
    lines: tuple[CostLine, ...] = ()


def price_call(facts: CallFacts) -> PricedCall:
    """See `aihub.pricing.api.price_call`."""
    found = _find_usage(facts)
    answered = found.model if found else name_model(facts.response)
    model = facts.model or answered
    provider = facts.provider or guess_provider(model)
    facts = replace(facts, provider=provider.lower() if provider else None, model=model)
    usage = _normalise(facts, found)
    verdict = _judge(facts, found, usage, answered)
    known = usage or _NO_USAGE
    return PricedCall(
        provider=provider,
        model=model,
        input_tokens=known.input_tokens,
        cached_input_tokens=known.cached_input_tokens,
        output_tokens=known.output_tokens,
        reasoning_tokens=known.reasoning_tokens,
        total_tokens=known.total_tokens,
        quantities=_show_quantities(usage),
        usage_raw=found.usage if found else None,
        usage_source=_name_source(facts, found),
        cost=verdict.cost,
        price=verdict.cost,
        cost_status=verdict.status,
        cost_note=verdict.note,
        cost_lines=verdict.lines,
        price_book_version=load_book().version,
    )


def is_metered(facts: CallFacts) -> bool:
    """See `aihub.pricing.api.is_metered`."""
    given = (facts.tokens, facts.usage, facts.response)
    return bool(facts.model) or any(value is not None for value in given)


def _find_usage(facts: CallFacts) -> FoundUsage | None:
    """What the caller gives as usage goes before what the body says."""
    found = find_usage(facts.response)
    if facts.usage is None:
        return found
    if found is None:
        return FoundUsage(facts.usage, "usage", model=name_model(facts.response))
    return replace(found, usage=facts.usage, path="usage")


def _normalise(facts: CallFacts, found: FoundUsage | None) -> Usage | None:
    tokens = None if facts.tokens is None else read_whole(facts.tokens, "tokens")
    usage = None
    if found is not None:
        usage = normalise_usage(found.usage, provider=facts.provider, path=found.path)
    if tokens is None:
        return usage
    if usage is None:
        return Usage(input_tokens=tokens, is_split=False)
    if tokens == usage.total_tokens:
        return usage
    doubt = f"tokens is {tokens}, the usage adds up to {usage.total_tokens}"
    return replace(usage, doubts=(*usage.doubts, doubt))


def _judge(
    facts: CallFacts, found: FoundUsage | None, usage: Usage | None, answered: str | None
) -> _Verdict:
    if facts.provider in LOCAL_PROVIDERS:
        return _Verdict("free", "local model", Decimal(0))
    charge = find_stated_charge(found)
    if charge is not None:
        line = CostLine("stated", 1, charge, charge, "stated")
        return _Verdict("priced", "stated by the provider", charge, (line,))
    if usage is None:
        if found is None and is_refused(facts):
            return _Verdict("free", "refused by the provider", Decimal(0))
        reason = "no usage was given" if found is None else "the shape of the usage is not known"
        return _Verdict("unpriced", reason)
    return _compute(facts, found, usage, answered)


def _compute(
    facts: CallFacts, found: FoundUsage | None, usage: Usage, answered: str | None
) -> _Verdict:
    if facts.model is None:
        return _Verdict("unpriced", "no model was given")
    provider = facts.provider or ""
    # the answer names the snapshot that an alias meant at that time
    rows = (answered and find_rows(provider, answered)) or find_rows(provider, facts.model)
    if not rows:
        return _Verdict("unpriced", f"no price for {_name(facts.provider, facts.model)}")
    row, is_early = choose_row(rows, facts.occurred_at)
    cost = compute_cost(usage, row, rate=find_rate(facts, found))
    if cost is None:
        name = _name(facts.provider, facts.model)
        return _Verdict("unpriced", f"no price for output of {name}")
    early = (f"before the first known price of {row.since:%Y-%m-%d}",) if is_early else ()
    doubts = (
        *_doubt_counting(facts, usage),
        *early,
        *usage.doubts,
        *cost.doubts,
        *list_doubts(facts, found),
    )
    status = "estimated" if doubts else "priced"
    return _Verdict(status, "; ".join(doubts) or None, cost.amount, cost.lines)


def _doubt_counting(facts: CallFacts, usage: Usage) -> tuple[str, ...]:
    doubts = () if usage.is_split else ("a total with no split, priced at the input rate",)
    if facts.usage_source != "estimated":
        return doubts
    how = f": {facts.usage_method}" if facts.usage_method else ""
    return (*doubts, f"counted by the caller{how}")


def _show_quantities(usage: Usage | None) -> dict[str, int]:
    if usage is None:
        return {}
    if not usage.is_split:
        return {"total_tokens": usage.total_tokens}
    shown = {
        "input_tokens": usage.input_tokens,
        "cached_input_tokens": usage.cached_input_tokens,
        "output_tokens": usage.output_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
        "total_tokens": usage.total_tokens,
    }
    for name in ("cache_write_5m_tokens", "cache_write_1h_tokens"):
        if getattr(usage, name):
            shown[name] = getattr(usage, name)
    return shown


def _name_source(facts: CallFacts, found: FoundUsage | None) -> str | None:
    if facts.usage_source == "estimated":
        return "estimated"
    return "provider" if found is not None or facts.usage_source == "provider" else None


def _name(provider: str | None, model: str) -> str:
    name = model if len(model) <= 200 else f"{model[:200]}…"  # noqa: PLR2004 - a note, not a book
    return f"{provider}/{name}" if provider else name
