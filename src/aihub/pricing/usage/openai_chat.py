"""Usage as OpenAI's chat completions send it, and as many others copy it.

Cached and written tokens are inside `prompt_tokens`, reasoning and both kinds of prediction tokens
inside `completion_tokens` (types of the openai package, `CompletionUsage`). Likenesses differ:

- Cached tokens stand in `prompt_tokens_details`, or beside the counts as `cached_tokens`
  (Together, Fireworks, Moonshot), `prompt_cache_hit_tokens` (DeepSeek, whose misses make up the
  rest of the prompt), `num_cached_tokens` (Mistral), `cache_read_input_tokens` (LiteLLM).
- xAI counts reasoning beside `completion_tokens`. The total proves where it is; where it proves
  nothing it is beside for xAI, and wherever it is more than the output.
- Mistral bills `prompt_audio_seconds`; of a transcription the tokens beside them are not billed.
  `connector_tokens` are further input where the total says so, `connectors` are fees.
- xAI's live search is billed by `num_sources_used`; routers pass on `server_tool_use`.
- Perplexity's deep research counts `reasoning_tokens` and `citation_tokens` beside the output and
  outside of the total, each at its own rate; `num_search_queries` are billed there. Its other
  models bill each request by the size of its search context.
- Google's endpoint of this kind leaves the thoughts out of the output and counts them in the total.
- A half that is missing is the rest of the total: embeddings have no output.
"""

from collections.abc import Mapping

from aihub.pricing.models import CallFacts, Flag, Usage
from aihub.pricing.quantities import count_of, read_count, read_details, read_number
from aihub.pricing.usage import flags as say
from aihub.pricing.usage.splitting import (
    Parts,
    check_total,
    settle_cache,
    split_input,
    split_output,
    take_details,
)

KEYS = frozenset({"prompt_tokens", "completion_tokens", "prompt_cache_hit_tokens"})
_CACHED = (
    "cached_tokens",
    "prompt_cache_hit_tokens",
    "num_cached_tokens",
    "cache_read_input_tokens",
)
_CONNECTORS = (("web_search", "web_search"), ("image_generation", "image"))
_TOOLS = frozenset({"num_sources_used", "connectors", "server_tool_use"})
_NOTHING: dict[str, object] = {}


def read_chat(usage: Mapping[str, object], path: str, call: CallFacts) -> Usage:
    """The quantities of a usage object with `prompt_tokens`."""
    flags: list[Flag] = []
    given = usage.get("prompt_tokens_details")
    made = usage.get("completion_tokens_details")
    if given is not None:
        given = take_details(given, "prompt_tokens_details", flags)
    if made is not None:
        made = take_details(made, "completion_tokens_details", flags)
    given, made = given or _NOTHING, made or _NOTHING
    at = f"{path}.prompt_tokens_details"
    total = read_count(usage, path, "total_tokens")
    tokens_in, tokens_out = _read_halves(usage, path, total)
    beside = 0
    if call.provider == "google" and total is not None and not made.get("reasoning_tokens"):
        beside = max(0, total - tokens_in - tokens_out)
        tokens_out += beside
    cached = count_of(given, at, "cached_tokens")
    if not cached:
        cached = read_count(usage, path, *_CACHED) or 0
    written, written_1h = _read_writes(usage, path, given, at)
    reasoning = read_count(made, f"{path}.completion_tokens_details", "reasoning_tokens")
    if call.provider == "perplexity":
        apart = count_of(usage, path, "reasoning_tokens")
    else:
        apart, reasoning = 0, reasoning or count_of(usage, path, "reasoning_tokens")
    reasoning = reasoning or beside
    connectors = count_of(usage, path, "connector_tokens")
    if connectors and total == tokens_in + tokens_out + connectors:
        tokens_in += connectors
    used = cached + written + written_1h
    if used and (not reasoning or total != tokens_in + tokens_out + reasoning):
        tokens_in = settle_cache(tokens_in, used, tokens_out, total, flags)
    tokens_out = _settle_reasoning(tokens_in, tokens_out, reasoning, total, call.provider, flags)
    parts = split_input(
        tokens_in,
        cached=cached,
        written=written,
        written_1h=written_1h,
        audio=count_of(given, at, "audio_tokens"),
        image=count_of(given, at, "image_tokens"),
        video=count_of(given, at, "video_tokens"),
        flags=flags,
    )
    at = f"{path}.completion_tokens_details"
    parts |= split_output(
        tokens_out,
        audio=count_of(made, at, "audio_tokens"),
        image=count_of(made, at, "image_tokens"),
        video=count_of(made, at, "video_tokens"),
        flags=flags,
    )
    check_total(parts, total, flags)
    if "prompt_audio_seconds" in usage:
        parts = _bill_seconds(usage, path, parts, call)
        if "input_text" not in parts and "output_text" not in parts:
            flags, reasoning = [], 0
    if not _TOOLS.isdisjoint(usage):
        _add_tools(usage, path, parts)
    if apart or call.provider == "perplexity":
        _add_research(usage, path, parts, apart)
    return Usage(
        parts=parts, reasoning_tokens=min(reasoning, tokens_out) + apart, flags=tuple(flags)
    )


def _read_halves(usage: Mapping[str, object], path: str, total: int | None) -> tuple[int, int]:
    tokens_in = read_count(usage, path, "prompt_tokens")
    tokens_out = read_count(usage, path, "completion_tokens")
    if tokens_in is not None and tokens_out is not None:
        return tokens_in, tokens_out
    if tokens_in is None and "prompt_cache_hit_tokens" in usage:
        tokens_in = count_of(usage, path, "prompt_cache_hit_tokens")
        tokens_in += count_of(usage, path, "prompt_cache_miss_tokens")
    rest = max(0, (total or 0) - (tokens_in or 0) - (tokens_out or 0))
    if tokens_in is None:
        return rest, tokens_out or 0
    return tokens_in, rest if tokens_out is None else tokens_out


def _read_writes(
    usage: Mapping[str, object], path: str, given: Mapping[str, object], at: str
) -> tuple[int, int]:
    written = read_count(given, at, "cache_write_tokens", "cache_creation_tokens")
    if written is None and "cache_creation_input_tokens" in usage:
        written = count_of(usage, path, "cache_creation_input_tokens")
    if not written:
        return 0, 0
    kept = given.get("cache_write_tokens_details")
    if not kept:
        return written, 0
    details = read_details(given, at, "cache_write_tokens_details")
    long = count_of(details, f"{at}.cache_write_tokens_details", "ttl_12h_tokens")
    return written - min(long, written), min(long, written)


def _settle_reasoning(
    tokens_in: int,
    tokens_out: int,
    reasoning: int,
    total: int | None,
    provider: str | None,
    flags: list[Flag],
) -> int:
    """The output with its reasoning inside."""
    if not reasoning or total == tokens_in + tokens_out:
        if reasoning > tokens_out:
            flags.append(say.reasoning_above_output(reasoning, tokens_out))
        return tokens_out
    if total == tokens_in + tokens_out + reasoning:
        return tokens_out + reasoning
    if provider == "xai":
        return tokens_out + reasoning
    if reasoning > tokens_out:
        flags.append(say.reasoning_beside(reasoning))
        return tokens_out + reasoning
    return tokens_out


def _bill_seconds(usage: Mapping[str, object], path: str, parts: Parts, call: CallFacts) -> Parts:
    value = usage["prompt_audio_seconds"]
    seconds = 0 if value is None else read_number(value, f"{path}.prompt_audio_seconds")
    api = (call.api or "").lower()
    if not seconds:
        return parts
    is_chat = "chat" in api or "conversation" in api or "agent" in api or "fim" in api
    return {**(parts if is_chat else {}), "audio_second": seconds}


def _add_tools(usage: Mapping[str, object], path: str, parts: Parts) -> None:
    sources = count_of(usage, path, "num_sources_used")
    if sources:
        parts["search_source"] = sources
    served = read_details(usage, path, "server_tool_use")
    searches = count_of(served, f"{path}.server_tool_use", "web_search_requests")
    if searches:
        parts["web_search"] = searches
    connectors = read_details(usage, path, "connectors")
    for name in connectors:
        count = count_of(connectors, f"{path}.connectors", name)
        part = next((part for word, part in _CONNECTORS if word in name), "tool_call")
        if count:
            parts[part] = parts.get(part, 0) + count


def _add_research(usage: Mapping[str, object], path: str, parts: Parts, apart: int) -> None:
    citations = count_of(usage, path, "citation_tokens")
    searches = count_of(usage, path, "num_search_queries")
    if apart:
        parts["output_reasoning"] = apart
    if citations:
        parts["citation"] = citations
    if apart or citations:
        if searches:
            parts["web_search"] = searches
    elif parts:
        parts["request"] = 1
