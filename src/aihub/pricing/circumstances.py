"""What beside the quantities decides a price: tiers, batches, regions, stated charges, refusals."""

import re
from collections.abc import Mapping
from decimal import Decimal
from urllib.parse import urlsplit

import msgspec

from aihub.pricing.models import CallFacts, Payload
from aihub.pricing.quantities import read_amount, read_whole

CONTEXT_KEYS = frozenset(
    {
        "audio_seconds",
        "base_url",
        "batch",
        "characters",
        "data_residency",
        "deployment_type",
        "free_grounding_allowance_used_up",
        "http_status",
        "images",
        "inference_geo",
        "input_tokens",
        "input_characters",
        "location",
        "output_tokens",
        "pages",
        "quality",
        "region",
        "request_service_tier",
        "search_context_size",
        "size",
        "speed",
        "video_seconds",
        "x-amzn-bedrock-cache-read-input-token-count",
        "x-amzn-bedrock-cache-write-input-token-count",
        "x-amzn-bedrock-input-token-count",
        "x-amzn-bedrock-output-token-count",
    }
)
"""What of a call's context decides its quantities or its rate."""
_STANDARD_TIERS = frozenset(
    {"", "auto", "default", "standard", "not_available", "on_demand", "unspecified", "null"}
)
_EVERYWHERE = frozenset({"", "global", "not_available", "none", "default"})
_COUNTRIES = {
    "europe": "eu",
    "european union": "eu",
    "united states": "us",
    "usa": "us",
    "united kingdom": "gb",
    "australia": "au",
    "canada": "ca",
    "india": "in",
    "japan": "jp",
    "singapore": "sg",
    "south korea": "kr",
}
_TIER_KEYS = ("serviceTier", "trafficType", "traffic_type")
_TRAFFIC = {"flex": "flex", "priority": "priority", "offpeak": "offpeak"}
_AZURE_DEPLOYMENTS = {
    "datazone": ("data_zone", False),
    "datazonestandard": ("data_zone", False),
    "datazonebatch": ("data_zone", True),
    "developer": ("developer", False),
    "developertier": ("developer", False),
    "globalbatch": (None, True),
    "regional": ("regional", False),
    "regionalstandard": ("regional", False),
    "standard": ("regional", False),
}
_PROVISIONED = ("provisioned", "ptu")
_WORD = re.compile(r"[^a-z0-9]")
_TICKS_EXPONENT = 10  # xAI states its charge in 10^-10 USD
_PERPLEXITY_COSTS = frozenset({"request_cost", "input_tokens_cost", "tool_calls_cost"})
_MAX_TICKS = 10**18
_MAYBE_BILLED = frozenset({408, 499})  # a timeout or a client that left: the model may have worked
# errors of the provider's own: it says that it delivered nothing. A gateway that gave up waiting
# (502, 504) knows nothing of what the model did behind it.
_FAILED = frozenset({500, 503, 529})
_NOT_PROCESSED = frozenset({"errored", "expired", "canceled"})
_REFUSALS = re.compile(
    r"rate_?limit|quota|invalid_?(request|argument|api_key|value)|authentication|permission"
    r"|not_?found|request_too_large|context_length|resource_?exhausted|unauthenticated|throttling"
    r"|validation|access_?denied|failed_?precondition|unsupported|billing|insufficient"
    r"|overloaded|^unavailable$|^server_error$|^api_error$|^internal(_server_error)?$"
    r"|serviceunavailable|internalserver|modelnotready|^batch_(expired|cancelled)$",
    re.IGNORECASE,
)
_FREE_MODERATION = ("omni-moderation", "text-moderation")
_COUNTING = ("count_tokens", "counttokens", "input_tokens/count")


class Facets(msgspec.Struct, frozen=True):
    """What chooses the rate. `required` must find one in the book, else the standard rate is an
    estimate; `optional` changes the price only where the book knows it.

    Required: `processing`, `service_tier`, `speed`, `geo`, `residency`, `deployment`, `traffic`,
    `latency`. Optional: `region`, `endpoint`, `quality`, `size`, `search`, `search_context`.
    """

    required: dict[str, str]
    optional: dict[str, str]


def find_facets(call: CallFacts, payload: Payload) -> Facets:
    """The circumstances of a call that its rate depends on, in lower-case words."""
    usage = payload.usage if isinstance(payload.usage, dict) else {}
    context = call.context
    required: dict[str, str] = {}
    tier = _find_tier(usage, call, payload)
    if tier is not None:
        required["service_tier"] = tier
    if usage.get("speed") == "fast" or (context and context.get("speed") == "fast"):
        required["speed"] = "fast"
    geo = usage.get("inference_geo")
    if isinstance(geo, str) and geo.lower() not in _EVERYWHERE:
        required["geo"] = geo.lower()
    if payload.facts.get("latency") == "optimized":
        required["latency"] = "optimized"
    if _is_provisioned_traffic(usage):
        required["traffic"] = "provisioned"
    optional: dict[str, str] = {}
    is_batch = _is_batch(usage, call, payload)
    if context:
        is_batch = _read_context(call, required, optional) or is_batch
    if is_batch:
        required["processing"] = "batch"
        required.pop("service_tier", None)
    if payload.facts or context or call.provider == "bedrock":
        _find_looks(usage, call, payload, optional)
    return Facets(required, optional)


def find_stated_charge(call: CallFacts, payload: Payload) -> Decimal | None:
    """The charge in USD that the provider itself states, exact; None when it states none.

    Believed are OpenRouter's `cost`, xAI's `cost_in_usd_ticks` (10^-10 USD) and Perplexity's
    `cost.total_cost`, of these providers or of an unnamed one whose usage has the fields that come
    with them; the same fields of another provider are somebody's reckoning. OpenRouter's `cost`
    with `is_byok` is only its fee: the upstream cost comes on top, and without it nothing is
    stated. Raises InvalidUsage when the charge is no amount of money.
    """
    usage, path = payload.usage, payload.path
    if not isinstance(usage, dict):
        return None
    ticks, cost = usage.get("cost_in_usd_ticks"), usage.get("cost")
    if ticks is not None and call.provider in ("xai", "x-ai", None):
        whole = read_whole(ticks, f"{path}.cost_in_usd_ticks", limit=_MAX_TICKS)
        return Decimal(whole).scaleb(-_TICKS_EXPONENT)
    if cost is None:
        return None
    if isinstance(cost, dict):
        total = cost.get("total_cost")
        is_theirs = call.provider == "perplexity" or (
            call.provider is None and not _PERPLEXITY_COSTS.isdisjoint(cost)
        )
        is_stated = is_theirs and total is not None
        return read_amount(total, f"{path}.cost.total_cost") if is_stated else None
    is_router = call.provider == "openrouter" or (
        call.provider is None and not {"cost_details", "is_byok"}.isdisjoint(usage)
    )
    return _add_upstream(usage, path) if is_router else None


def is_not_billed(call: CallFacts, payload: Payload) -> str | None:
    """Why nothing is billed, as `code: words`; None when something may be.

    Providers charge for answers alone, not for their own errors. A call that timed out, lost its
    client or was given up by a gateway may have reached the model: it is not taken for free.
    """
    context, facts = call.context, payload.facts
    if (call.model or "").endswith(":free") or (payload.model or "").endswith(":free"):
        return "free_model: a free variant of the router"
    if _is_provisioned(call, payload):
        return "provisioned: paid by the hour, whatever it is used for"
    if _is_free_endpoint(call, payload):
        return "free_endpoint: the provider does not charge for it"
    ended = facts.get("status")
    if isinstance(ended, str) and ended in _NOT_PROCESSED and payload.usage is None:
        return "not_processed: the batch did not answer it"
    if ended == "failed" and "video_seconds" in facts:
        return "not_processed: the provider made no video"
    if _is_declined(call, payload):
        return "declined: a classifier declined before any output"
    if payload.usage is not None or call.tokens is not None or facts.get("partial"):
        return None
    status = context.get("http_status") or facts.get("http_status")
    if context.get("completion_text"):
        return None
    if isinstance(status, int | float | Decimal) and not isinstance(status, bool):
        return _judge_status(status)
    if facts.get("is_error") and facts.get("batch"):
        return "not_processed: the batch did not answer it"
    return _judge_error(facts) if facts.get("is_error") else None


def _find_tier(usage: Mapping[str, object], call: CallFacts, payload: Payload) -> str | None:
    """The tier of the answer, else that of the request; the names differ, `fast` is `priority`."""
    tier = usage.get("service_tier")
    if tier is None:
        tier = next((usage[key] for key in _TIER_KEYS if usage.get(key) is not None), None)
    if not isinstance(tier, str):
        tier = payload.facts.get("service_tier")
        if tier is None and call.context:
            tier = call.context.get("request_service_tier")
    if not isinstance(tier, str):
        return None
    word = tier.lower()
    if word in _STANDARD_TIERS or word == "batch":
        return None
    if word.startswith("on_demand_"):
        return _TRAFFIC.get(word.removeprefix("on_demand_"))
    if word in ("provisioned_throughput", "traffic_type_unspecified"):
        return None
    if word == "fast" and call.provider in (None, "openai", "azure"):
        return "priority"  # OpenAI's new name of it
    return word


def _is_batch(usage: Mapping[str, object], call: CallFacts, payload: Payload) -> bool:
    api = call.api
    if api is not None and "batch" in (word := api.lower()) and "batchembed" not in word:
        return True
    return usage.get("service_tier") == "batch" or payload.facts.get("batch") is True


def _read_context(call: CallFacts, required: dict[str, str], optional: dict[str, str]) -> bool:
    """Adds what only the context knows; whether it is a batch."""
    context = call.context
    is_batch = context.get("batch") is True
    deployment = _word(context.get("deployment_type"))
    if deployment:
        name, batched = _AZURE_DEPLOYMENTS.get(deployment, (None, False))
        is_batch = is_batch or batched
        if any(mark in deployment for mark in _PROVISIONED):
            name = "provisioned"
        if name is not None:
            required["deployment"] = name
    residency = _find_residency(call)
    if residency is not None:
        required["geo" if call.provider == "anthropic" else "residency"] = residency
    region = context.get("region") or context.get("location")
    if isinstance(region, str) and region:
        optional["region"] = region.lower().replace(" ", "")
    return is_batch


def _find_residency(call: CallFacts) -> str | None:
    """Where OpenAI keeps the data, or Anthropic computes, by the context or the host."""
    named = call.context.get("data_residency") or call.context.get("inference_geo")
    if isinstance(named, str):
        word = named.lower()
        return None if word in _EVERYWHERE else _COUNTRIES.get(word, word)
    region, _, rest = _host(call).partition(".")
    return region if rest == "api.openai.com" else None


def _find_looks(
    usage: Mapping[str, object], call: CallFacts, payload: Payload, optional: dict[str, str]
) -> None:
    """Facets that change only some prices: pictures' looks, kinds of search, endpoints."""
    facts, context = payload.facts, call.context
    for name in ("quality", "size"):
        value = facts.get(name) or context.get(name)
        if isinstance(value, str) and value:
            optional[name] = value.lower()
    if facts.get("search_tool") == "preview":
        optional["search"] = "preview"
    depth = usage.get("search_context_size") or context.get("search_context_size")
    if isinstance(depth, str) and depth:
        optional["search_context"] = depth.lower()
    endpoint = _find_endpoint(call)
    if endpoint is not None:
        optional["endpoint"] = endpoint


def _find_endpoint(call: CallFacts) -> str | None:
    """`regional` for Bedrock's and Vertex's endpoints that are not global."""
    model = call.model or ""
    if call.provider == "bedrock":
        return None if model.startswith("global.") else "regional"
    if call.provider not in ("google", "vertex", "anthropic"):
        return None
    host = _host(call)
    if host.endswith(("aiplatform.googleapis.com", ".rep.googleapis.com")):
        return None if host == "aiplatform.googleapis.com" else "regional"
    location = call.context.get("location") or call.context.get("region")
    if call.provider == "anthropic" or not isinstance(location, str) or not location:
        return None
    return None if location.lower() in _EVERYWHERE else "regional"


def _add_upstream(usage: Mapping[str, object], path: str) -> Decimal | None:
    charge = read_amount(usage["cost"], f"{path}.cost")
    if usage.get("is_byok") is not True:
        return charge
    details = usage.get("cost_details")
    upstream = details.get("upstream_inference_cost") if isinstance(details, dict) else None
    if upstream is None:
        return None
    added = read_amount(upstream, f"{path}.cost_details.upstream_inference_cost")
    return _sum_exactly(charge, added)


def _sum_exactly(one: Decimal, other: Decimal) -> Decimal:
    exponents = [number.as_tuple().exponent for number in (one, other)]
    finest = min(exponent for exponent in exponents if isinstance(exponent, int))
    units = sum(int(number.scaleb(-finest)) for number in (one, other))
    return Decimal(units).scaleb(finest)


def _is_provisioned(call: CallFacts, payload: Payload) -> bool:
    if call.context:
        deployment = _word(call.context.get("deployment_type"))
        if any(mark in deployment for mark in _PROVISIONED):
            return True
    usage = payload.usage
    if isinstance(usage, dict) and _is_provisioned_traffic(usage):
        return True
    if call.provider == "bedrock" and payload.facts.get("service_tier") == "reserved":
        return True
    return ":provisioned-model/" in (call.model or "")


def _is_provisioned_traffic(usage: Mapping[str, object]) -> bool:
    kind = usage.get("trafficType", usage.get("traffic_type"))
    return isinstance(kind, str) and kind.upper() == "PROVISIONED_THROUGHPUT"


def _is_free_endpoint(call: CallFacts, payload: Payload) -> bool:
    api, model = (call.api or "").lower(), (payload.model or call.model or "").lower()
    if any(word in api for word in _COUNTING):
        return True
    if call.provider not in (None, "openai", "azure"):
        return False
    is_theirs = call.provider is not None or not model or model.startswith(_FREE_MODERATION)
    return model.startswith(_FREE_MODERATION) or ("moderation" in api and is_theirs)


def _is_declined(call: CallFacts, payload: Payload) -> bool:
    """Anthropic does not bill a refusal without output; after output it does."""
    if payload.facts.get("refused") is not True or call.provider not in (None, "anthropic"):
        return False
    usage = payload.usage
    if not isinstance(usage, dict) or usage.get("iterations"):
        return False
    output = usage.get("output_tokens")
    return type(output) is int and output == 0


def _judge_status(status: int | float | Decimal) -> str | None:
    if isinstance(status, Decimal) and not status.is_finite():
        return None
    is_refusal = 400 <= status < 500 and status not in _MAYBE_BILLED  # noqa: PLR2004 - HTTP classes
    if is_refusal or status in _FAILED:
        return f"refused: the provider answered {int(status)}"
    return None


def _judge_error(facts: Mapping[str, object]) -> str | None:
    status, kind = facts.get("error_status"), facts.get("error_type")
    if type(status) is int:
        return _judge_status(status)
    if isinstance(kind, str) and _REFUSALS.search(kind):
        return f"refused: the provider answered {kind}"
    return None


def _host(call: CallFacts) -> str:
    url = call.context.get("base_url")
    if not isinstance(url, str):
        return ""
    try:
        return (urlsplit(url if "://" in url else f"//{url}").hostname or "").lower()
    except ValueError:
        return ""


def _word(value: object) -> str:
    return _WORD.sub("", value.lower()) if isinstance(value, str) else ""
