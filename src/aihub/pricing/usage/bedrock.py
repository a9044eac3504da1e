"""Usage as Amazon Bedrock sends it: Converse, its own models' bodies, and headers.

From botocore's model of Converse (`TokenUsage`) and the pages of each model's parameters:

- `inputTokens` is without what was read from and written to the cache; the `…TokenCount` twins
  repeat the same numbers. `cacheDetails` splits the writes by lifetime, the rest is five minutes.
- Camel case with `cachedInputTokens`, `inputTokenDetails` or `promptTokens` is not Bedrock but the
  AI SDK and n8n, where the cache and the reasoning are inside.
- InvokeModel: Titan counts `inputTextTokenCount` and a `tokenCount` for each result, Llama
  `prompt_token_count` and `generation_token_count`. Streams end with invocation metrics.
- Headers `x-amzn-bedrock-…-token-count` hold the same numbers as text.
"""

from collections.abc import Mapping

from aihub.pricing.errors import InvalidUsage
from aihub.pricing.models import CallFacts, Flag, Usage
from aihub.pricing.quantities import (
    count_of,
    read_count,
    read_details,
    read_list,
    read_object,
)
from aihub.pricing.usage import flags as say
from aihub.pricing.usage.splitting import check_total, settle_cache, split_input, split_output

CONVERSE_KEYS = frozenset({"inputTokens", "outputTokens", "inputTokenCount", "outputTokenCount"})
SDK_KEYS = frozenset({"promptTokens", "completionTokens", "cachedInputTokens", "inputTokenDetails"})
TITAN_KEYS = frozenset({"inputTextTokenCount"})
LLAMA_KEYS = frozenset({"generation_token_count"})
HEADER_PLACES = ("headers", "response_headers")
"""Where a context may have the headers of an answer, beside itself."""
_HEADER = "x-amzn-bedrock-"
_LONGEST_COUNT = 12


def read_converse(usage: Mapping[str, object], path: str) -> Usage:
    """The quantities of Converse and of the metrics at the end of a stream."""
    flags: list[Flag] = []
    cached = read_count(usage, path, "cacheReadInputTokens", "cacheReadInputTokenCount") or 0
    written = read_count(usage, path, "cacheWriteInputTokens", "cacheWriteInputTokenCount")
    long, listed = _sum_writes(usage, path)
    written = listed if written is None else written
    long = min(long, written)
    fresh = read_count(usage, path, "inputTokens", "inputTokenCount") or 0
    output = read_count(usage, path, "outputTokens", "outputTokenCount") or 0
    parts = split_input(
        fresh + cached + written, cached=cached, written=written - long, written_1h=long
    )
    parts |= split_output(output)
    check_total(parts, read_count(usage, path, "totalTokens", "totalTokenCount"), flags)
    return Usage(parts=parts, flags=tuple(flags))


def read_sdk(usage: Mapping[str, object], path: str) -> Usage:
    """The quantities as the AI SDK and n8n name them, cache and reasoning inside."""
    flags: list[Flag] = []
    given = read_details(usage, path, "inputTokenDetails")
    made = read_details(usage, path, "outputTokenDetails")
    cached = count_of(given, f"{path}.inputTokenDetails", "cacheReadTokens")
    cached = cached or count_of(usage, path, "cachedInputTokens")
    written = count_of(given, f"{path}.inputTokenDetails", "cacheWriteTokens")
    reasoning = count_of(made, f"{path}.outputTokenDetails", "reasoningTokens")
    reasoning = reasoning or count_of(usage, path, "reasoningTokens")
    total = read_count(usage, path, "totalTokens")
    tokens_in = read_count(usage, path, "promptTokens", "inputTokens")
    tokens_out = read_count(usage, path, "completionTokens", "outputTokens")
    if tokens_in is None and tokens_out is None:
        return Usage(parts={"input_text": total} if total else {}, is_split=False)
    rest = max(0, (total or 0) - (tokens_in or 0) - (tokens_out or 0))
    tokens_in = rest if tokens_in is None else tokens_in
    tokens_out = rest if tokens_out is None else tokens_out
    if reasoning > tokens_out:
        flags.append(say.reasoning_above_output(reasoning, tokens_out))
    tokens_in = settle_cache(tokens_in, cached + written, tokens_out, total, flags)
    parts = split_input(tokens_in, cached=cached, written=written, flags=flags)
    parts |= split_output(tokens_out)
    check_total(parts, total, flags)
    return Usage(parts=parts, reasoning_tokens=min(reasoning, tokens_out), flags=tuple(flags))


def read_titan(usage: Mapping[str, object], path: str) -> Usage:
    """The quantities of Amazon's Titan text and embedding models."""
    tokens_in = count_of(usage, path, "inputTextTokenCount")
    tokens_out = read_count(usage, path, "totalOutputTextTokenCount", "tokenCount") or 0
    if not tokens_out:
        for index, value in enumerate(read_list(usage, path, "results")):
            at = f"{path}.results[{index}]"
            tokens_out += count_of(read_object(value, at), at, "tokenCount")
    return Usage(parts=split_input(tokens_in) | split_output(tokens_out))


def read_llama(usage: Mapping[str, object], path: str) -> Usage:
    """The quantities of Meta's models by InvokeModel."""
    tokens_in = count_of(usage, path, "prompt_token_count")
    tokens_out = count_of(usage, path, "generation_token_count")
    return Usage(parts=split_input(tokens_in) | split_output(tokens_out))


def read_headers(call: CallFacts) -> Usage | None:
    """The quantities of the answer's headers in the context; None when there are none."""
    for place in ("", *HEADER_PLACES):
        held = call.context.get(place) if place else call.context
        if not isinstance(held, Mapping):
            continue
        counts = {
            name.lower()[len(_HEADER) :]: _read_text(value, f"context.{name[:100]}")
            for name, value in held.items()
            if isinstance(name, str)
            and name.lower().startswith(_HEADER)
            and name.lower().endswith("token-count")
        }
        if counts:
            cached = counts.get("cache-read-input-token-count", 0)
            written = counts.get("cache-write-input-token-count", 0)
            fresh = counts.get("input-token-count", 0)
            parts = split_input(fresh + cached + written, cached=cached, written=written)
            return Usage(parts=parts | split_output(counts.get("output-token-count", 0)))
    return None


def _read_text(value: object, path: str) -> int:
    if isinstance(value, str):
        if value.isascii() and value.isdecimal() and len(value) <= _LONGEST_COUNT:
            return int(value)
        raise InvalidUsage(path, "must be a whole number from 0 to 10^12")
    return read_count({"count": value}, path, "count") or 0


def _sum_writes(usage: Mapping[str, object], path: str) -> tuple[int, int]:
    """Tokens written for an hour, and all that are listed."""
    long = listed = 0
    if usage.get("cacheDetails"):
        for index, value in enumerate(read_list(usage, path, "cacheDetails")):
            at = f"{path}.cacheDetails[{index}]"
            item = read_object(value, at)
            count = count_of(item, at, "inputTokens")
            listed += count
            long += count if item.get("ttl") == "1h" else 0
    return long, listed
