"""What beside the tokens decides a price: batch and service tier, regions, fees, stated charges."""

from collections.abc import Mapping
from decimal import Decimal

from aihub.pricing.models import CallFacts, FoundUsage
from aihub.pricing.quantities import read_amount, read_whole
from aihub.pricing.rules import add_up

_STANDARD_TIERS = frozenset({"", "auto", "default", "standard", "not_available", "on_demand"})
_EVERYWHERE = frozenset({"", "global", "not_available"})
_TICKS_EXPONENT = 10  # xAI states its charge in 10^-10 USD
_MAX_TICKS = 10**18
_FEE_ITEMS = frozenset({"web_search_call", "file_search_call", "code_interpreter_call"})


def find_rate(facts: CallFacts, found: FoundUsage | None) -> str | None:
    """The rate that applies in place of the standard one: `batch`, `flex`, `priority`, `fast`.

    What the answer says about the tier counts for more than what the request asked for.
    """
    usage = _fields(found)
    tier = _word(usage.get("service_tier")) or (found.service_tier if found else None)
    tier = (tier or _word(facts.context.get("request_service_tier")) or "").lower()
    rates = [] if tier in _STANDARD_TIERS else [_rename(tier, facts.provider)]
    if usage.get("speed") == "fast":
        rates.append("fast")
    if _is_batch(facts):
        rates.append("batch")
    return " and ".join(sorted(set(rates))) or None


def list_doubts(facts: CallFacts, found: FoundUsage | None) -> tuple[str, ...]:
    """What would change the price by a rule or a fee that the book does not have."""
    usage = _fields(found)
    doubts = []
    geography = _word(usage.get("inference_geo")) or ""
    if geography not in _EVERYWHERE or facts.context.get("data_residency"):
        doubts.append("without the surcharge of a region")
    if _has_fees(usage, facts.response):
        doubts.append("without the fees of tools")
    return tuple(doubts)


def find_stated_charge(found: FoundUsage | None) -> Decimal | None:
    """The charge in USD that the provider itself states, exact; None when it states none.

    OpenRouter's `cost` with `is_byok` is only its fee: the upstream cost comes on top. xAI states
    ticks of 10^-10 USD.
    """
    usage, path = _fields(found), found.path if found else "usage"
    cost, ticks = usage.get("cost"), usage.get("cost_in_usd_ticks")
    if ticks is not None and cost is None:
        whole = read_whole(ticks, f"{path}.cost_in_usd_ticks", limit=_MAX_TICKS)
        return Decimal(whole).scaleb(-_TICKS_EXPONENT)
    if cost is None or isinstance(cost, dict):  # an object is a breakdown, not a charge
        return None
    charge = read_amount(cost, f"{path}.cost")
    details = usage.get("cost_details")
    if usage.get("is_byok") is True and isinstance(details, dict):
        upstream = details.get("upstream_inference_cost")
        if upstream is not None:
            at = f"{path}.cost_details.upstream_inference_cost"
            return add_up(iter((charge, read_amount(upstream, at))))
    return charge


def is_refused(facts: CallFacts) -> bool:
    """Whether the provider turned the call away (a 4xx): such a call is not billed."""
    status = facts.context.get("http_status")
    return isinstance(status, int | float) and 400 <= status < 500  # noqa: PLR2004 - HTTP classes


def _fields(found: FoundUsage | None) -> Mapping[str, object]:
    return found.usage if found is not None and isinstance(found.usage, dict) else {}


def _word(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _rename(tier: str, provider: str | None) -> str:
    """OpenAI calls its priority tier `fast` since autumn 2026; the book has the older name."""
    return "priority" if tier == "fast" and provider in {None, "openai"} else tier


def _is_batch(facts: CallFacts) -> bool:
    api = facts.api or ""
    is_named = api.startswith("batch:") or api.endswith(("batches", ".batch"))
    return is_named or facts.context.get("batch") is True


def _has_fees(usage: Mapping[str, object], response: object) -> bool:
    tools = usage.get("server_tool_use")
    if isinstance(tools, dict) and tools.get("web_search_requests"):
        return True
    output = response.get("output") if isinstance(response, dict) else None
    items = output if isinstance(output, list) else []
    return any(
        isinstance(item, dict) and isinstance(kind := item.get("type"), str) and kind in _FEE_ITEMS
        for item in items
    )
