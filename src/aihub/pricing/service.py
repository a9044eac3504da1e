"""Pricing one call: read the answer, measure its usage, find the rates, multiply."""

import ipaddress
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import replace

from aihub.pricing.book import Book, Chain
from aihub.pricing.circumstances import (
    CONTEXT_KEYS,
    Facets,
    find_facets,
    find_stated_charge,
    is_not_billed,
)
from aihub.pricing.components import TOKENS
from aihub.pricing.counting import count_call, count_rest, is_cut_off
from aihub.pricing.errors import InvalidUsage
from aihub.pricing.models import CallFacts, CostLine, Flag, Payload, PricedCall, Usage
from aihub.pricing.payloads import read_payload
from aihub.pricing.providers import canonical_provider, guess_provider
from aihub.pricing.quantities import read_whole
from aihub.pricing.rules import Cost, NoPrice, add_up, compute_cost
from aihub.pricing.usage import measure_others, measure_usage, show_usage
from aihub.pricing.usage.anthropic import name_fallback
from aihub.pricing.usage.bedrock import HEADER_PLACES
from aihub.pricing.usage.flags import OTHER_MODEL

LOCAL_PROVIDERS = frozenset(
    {"ollama", "lmstudio", "vllm", "llamacpp", "llamafile", "localai", "local", "sglang", "tgi"}
)
_NO_USAGE = Usage()
_LONGEST_SHOWN = 200


class _Verdict(msgspec.Struct, frozen=True):
    status: str
    note: str | None
    cost: Decimal | None = None
    lines: tuple[CostLine, ...] = ()
    computed: Decimal | None = None


def price_call(facts: CallFacts, book: Book) -> PricedCall:
    """See `aihub.pricing.api.price_call`."""
    payload = _read(facts)
    model = facts.model or payload.model
    provider = canonical_provider(facts.provider) or guess_provider(model)
    call = replace(facts, provider=provider, model=model)
    try:
        usage, fault = _measure(call, payload), None
        if usage is None or is_cut_off(call.response):
            call, payload, usage = _count(call, payload, usage)
    except InvalidUsage as error:
        usage, fault = None, f"invalid_usage: {error.field} {error.message}"
    if call.fault is not None:
        fault = f"invalid_usage: {call.fault}"
    verdict = _judge(call, payload, usage, fault, book)
    known = _with_others(usage, call, payload) or _NO_USAGE
    return PricedCall(
        provider=provider,
        model=model,
        input_tokens=known.input_tokens,
        cached_input_tokens=known.cached_input_tokens,
        output_tokens=known.output_tokens,
        reasoning_tokens=known.reasoning_tokens,
        total_tokens=known.total_tokens,
        quantities={} if usage is None else show_usage(known),
        usage_raw=payload.usage,
        usage_source=_name_source(call, payload),
        usage_method=call.usage_method if call.usage_source == "estimated" else None,
        response_facts=payload.facts,
        cost=verdict.cost,
        computed_cost=verdict.computed,
        cost_status=verdict.status,
        cost_note=verdict.note,
        cost_lines=verdict.lines,
        price_book_version=book.version,
    )


def is_metered(facts: CallFacts) -> bool:
    """See `aihub.pricing.api.is_metered`."""
    given = (facts.tokens, facts.usage, facts.response, facts.fault)
    return bool(facts.model) or any(value is not None for value in given)


def _read(facts: CallFacts) -> Payload:
    """What the caller gives as usage goes before what the body says."""
    if facts.response is None:
        return Payload(usage=facts.usage, facts=dict(facts.response_facts))
    payload = read_payload(facts.response, api=facts.api, provider=facts.provider)
    if facts.usage is None:
        return payload
    return replace(payload, usage=facts.usage, path="usage")


def _measure(call: CallFacts, payload: Payload) -> Usage | None:
    tokens = None if call.tokens is None else read_whole(call.tokens, "tokens")
    usage = measure_usage(call, payload)
    if tokens is None:
        return usage
    if usage is None:
        return Usage(parts={"input_text": tokens}, is_split=False)
    if tokens == usage.total_tokens:
        return usage
    text = f"tokens is {tokens}, the usage adds up to {usage.total_tokens}"
    return replace(usage, flags=(*usage.flags, Flag("total_mismatch", text)))


def _count(
    call: CallFacts, payload: Payload, usage: Usage | None
) -> tuple[CallFacts, Payload, Usage | None]:
    """The call with its tokens counted from its text, where it is billed and has any."""
    if call.usage_source == "estimated" or is_not_billed(call, payload) is not None:
        return call, payload, usage
    if usage is None:
        if payload.usage is not None:
            return call, payload, None
        counted = count_call(call)
    else:
        counted = count_rest(call, usage)
    if counted is None:
        return call, payload, usage
    call = replace(call, usage_source="estimated", usage_method=counted.method)
    payload = replace(payload, usage=counted.usage, path="context")
    measured = measure_usage(call, payload)
    assert measured is not None
    return call, payload, replace(measured, flags=(*measured.flags, *counted.flags))


def _judge(
    call: CallFacts, payload: Payload, usage: Usage | None, fault: str | None, book: Book
) -> _Verdict:
    chain = _find_prices(call, payload, book)
    if call.provider in LOCAL_PROVIDERS and chain is None:
        return _Verdict("free", "local: a model on one's own machine", Decimal(0))
    reason = is_not_billed(call, payload)
    if reason is not None:
        return _Verdict("free", reason, Decimal(0))
    try:
        charge = find_stated_charge(call, payload)
    except InvalidUsage as error:
        charge, fault = None, f"invalid_usage: {error.field} {error.message}"
    if charge is not None:
        return _take_stated(call, payload, usage, chain, book, charge)
    if fault is not None:
        return _Verdict("unpriced", fault)
    if usage is None:
        if payload.usage is None:
            return _Verdict("unpriced", "no_usage: no usage was given")
        return _Verdict("unpriced", "unknown_shape: the shape of the usage is not known")
    if chain is None:
        return _miss(call)
    return _compute(call, payload, usage, chain, book)


def _find_prices(call: CallFacts, payload: Payload, book: Book) -> Chain | None:
    """The answer names the snapshot that an alias meant at that time: it goes first. Before it
    goes the model that a fallback says it was served by."""
    provider = call.provider or ""
    served = None
    if isinstance(payload.usage, dict) and "iterations" in payload.usage:
        served = name_fallback(payload.usage)
    for name in dict.fromkeys((served, payload.model, call.model)):
        if name:
            chain = book.find(provider, name, call.organization)
            if chain is not None:
                return chain
    return None


def _take_stated(
    call: CallFacts,
    payload: Payload,
    usage: Usage | None,
    chain: Chain | None,
    book: Book,
    charge: Decimal,
) -> _Verdict:
    """What the provider says it charges is the cost; what the book says stands beside it."""
    computed = None
    if usage is not None and chain is not None:
        computed = _compute(call, payload, usage, chain, book).cost
    line = CostLine("stated", 1, charge, charge, "stated")
    status = "priced" if charge else "free"
    return _Verdict(status, "stated: the provider's own charge", charge, (line,), computed)


def _miss(call: CallFacts) -> _Verdict:
    if call.model is None:
        return _Verdict("unpriced", "no_model: no model was given")
    if _is_own_host(call.context.get("base_url")):
        return _Verdict("free", "local: a server on one's own machine", Decimal(0))
    return _Verdict("unpriced", f"no_price: no price for {_name(call.provider, call.model)}")


def _compute(call: CallFacts, payload: Payload, usage: Usage, chain: Chain, book: Book) -> _Verdict:
    facets = find_facets(call, payload)
    try:
        cost = _price_usage(usage, chain, book, call.occurred_at, facets)
    except NoPrice as error:
        name = _name(call.provider, call.model or "")
        return _Verdict("unpriced", f"no_price: no price for {error.component} of {name}")
    flags = usage.flags
    if any(flag.code == OTHER_MODEL for flag in flags):
        others = _price_others(call, payload, book, facets)
        if others is not None:
            cost = _join((cost, *others))
            flags = tuple(flag for flag in flags if flag.code != OTHER_MODEL)
    return _conclude(cost, (*_flag_counting(call, usage), *flags, *cost.flags))


def _price_usage(usage: Usage, chain: Chain, book: Book, at: datetime, facets: Facets) -> Cost:
    """The cost of one model's part, with what is uncertain about its rates. Raises NoPrice."""
    if len(usage.turns) > 1 and chain.thresholds and usage.input_tokens > chain.thresholds[0]:
        fees = {name: count for name, count in usage.parts.items() if name not in TOKENS}
        parts = [turn for turn in (*usage.turns, fees) if turn]
        alone = [replace(usage, parts=part, turns=(), reasoning_tokens=0) for part in parts]
        return _join([_price_usage(one, chain, book, at, facets) for one in alone])
    rates = book.resolve(
        chain,
        at,
        required=facets.required,
        optional=facets.optional,
        prompt_tokens=usage.input_tokens,
    )
    cost = compute_cost(usage, rates)
    flags: list[Flag] = []
    if rates.is_early:
        flags.append(Flag("early", "older than the first known price, taken at that one"))
    if rates.inherited_from:
        flags.append(Flag("inherited", f"priced like {rates.inherited_from}"))
    for facet in rates.unmatched:
        text = f"no rate for {facet} {facets.required[facet]}, taken at the standard one"
        flags.append(Flag("no_rate", text))
    return replace(cost, flags=(*flags, *cost.flags)) if flags else cost


def _price_others(
    call: CallFacts, payload: Payload, book: Book, facets: Facets
) -> list[Cost] | None:
    """What other models did for the same answer; None where one of them has no price."""
    costs = []
    for model, usage in measure_others(call, payload):
        chain = book.find(call.provider or "", model, call.organization) if model else None
        if chain is None:
            return None
        try:
            cost = _price_usage(usage, chain, book, call.occurred_at, facets)
        except NoPrice:
            return None
        costs.append(replace(cost, flags=(*usage.flags, *cost.flags)))
    return costs


def _join(costs: Iterable[Cost]) -> Cost:
    lines = tuple(line for cost in costs for line in cost.lines)
    flags = tuple(dict.fromkeys(flag for cost in costs for flag in cost.flags))
    return Cost(add_up(line.amount for line in lines), lines, flags)


def _with_others(usage: Usage | None, call: CallFacts, payload: Payload) -> Usage | None:
    """The usage together with that of other models."""
    if usage is None or not any(flag.code == OTHER_MODEL for flag in usage.flags):
        return usage
    parts, reasoning = dict(usage.parts), usage.reasoning_tokens
    for _, other in measure_others(call, payload):
        reasoning += other.reasoning_tokens
        for name, quantity in other.parts.items():
            parts[name] = parts.get(name, 0) + quantity
    return replace(usage, parts=parts, reasoning_tokens=reasoning)


def _conclude(cost: Cost, flags: Iterable[Flag]) -> _Verdict:
    note = "; ".join(str(flag) for flag in flags) or None
    status = "estimated" if note else "priced"
    if note is None and cost.lines and not any(line.unit_price for line in cost.lines):
        status, note = "free", "free: the price in the book is 0"
    return _Verdict(status, note, cost.amount, cost.lines, cost.amount)


def _flag_counting(call: CallFacts, usage: Usage) -> Iterable[Flag]:
    if not usage.is_split:
        yield Flag("no_split", "a total with no split, priced at the input rate")
    if call.usage_source == "estimated":
        how = f" ({call.usage_method})" if call.usage_method else ""
        yield Flag("counted", f"the tokens were counted, not reported{how}")


def _name_source(facts: CallFacts, payload: Payload) -> str | None:
    if facts.usage_source == "estimated":
        return "estimated"
    if payload.usage is not None or facts.usage_source == "provider":
        return "provider"
    return None


def _name(provider: str | None, model: str) -> str:
    name = model if len(model) <= _LONGEST_SHOWN else f"{model[:_LONGEST_SHOWN]}…"
    return f"{provider}/{name}" if provider else name


def _is_own_host(url: object) -> bool:
    """Whether an address is this machine's or a private network's."""
    if not isinstance(url, str):
        return False
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
        return True
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return False


def keep_context(context: Mapping[str, object]) -> dict[str, object]:
    """See `aihub.pricing.api.keep_context`. Headers that are nested are kept flat."""
    flat = dict(context)
    for place in HEADER_PLACES:
        held = context.get(place)
        if isinstance(held, Mapping):
            flat |= {name.lower(): held[name] for name in held if isinstance(name, str)}
    return {
        name: value for name, value in flat.items() if name in CONTEXT_KEYS and _is_short(value)
    }


def _is_short(value: object) -> bool:
    return isinstance(value, bool | int | float | Decimal) or (
        isinstance(value, str) and len(value) <= _LONGEST_SHOWN
    )
