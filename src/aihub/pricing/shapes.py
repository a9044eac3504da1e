"""Usage payloads of the providers, each turned into the one normalised form.

The keys present decide which shape it is, since many servers speak another provider's dialect:

| shape | told by | cached input | reasoning |
| --- | --- | --- | --- |
| OpenAI chat and its many likenesses | `prompt_tokens`, `completion_tokens` | inside | inside |
| OpenAI responses, realtime | `input_tokens_details`, `input_token_details` | inside | inside |
| Anthropic | `cache_read_input_tokens`, `cache_creation…`, … | beside | inside |
| our own | `input_tokens`, `output_tokens` with none of those | inside | inside |
| Gemini | `promptTokenCount` | inside | beside |
| Bedrock Converse | `inputTokens` | beside | inside |
| Ollama | `prompt_eval_count` | none | inside |

With neither cache nor details the three shapes with `input_tokens` mean the same. A reasoning count
of the chat shape that only adds up to the provider's total from beside the output (xAI) is added to
it. A half that is missing is the rest of the total. Parts that do not add up to the stated total
are priced as they are, and the difference is written into `doubts`.
"""

from collections.abc import Mapping

from msgspec.structs import replace

from aihub.pricing.errors import InvalidUsage
from aihub.pricing.models import Usage
from aihub.pricing.quantities import read_count, read_details, read_object, read_whole

_ANTHROPIC_KEYS = (
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
    "cache_creation",
    "server_tool_use",
    "iterations",
)
_TOTAL_KEYS = ("total_tokens", "totalTokens", "totalTokenCount")
_IN_KEYS = ("input_tokens_details", "input_token_details")
_OUT_KEYS = ("output_tokens_details", "output_token_details")


def normalise_usage(raw: object, *, provider: str | None, path: str = "usage") -> Usage | None:
    """The normalised form of a usage object; None when its shape is not known."""
    usage = read_object(raw, path)
    keys = usage.keys()
    if keys & {"promptTokenCount", "candidatesTokenCount", "prompt_token_count"}:
        return _read_gemini(usage, path)
    if keys & {"inputTokens", "outputTokens"}:
        return _read_bedrock(usage, path)
    if keys & {"prompt_eval_count", "eval_count"}:
        return _read_ollama(usage, path)
    if keys & {"prompt_tokens", "completion_tokens"}:
        return _read_openai_chat(usage, path, provider)
    if keys & {"input_tokens", "output_tokens"}:
        return _read_input_output(usage, path, provider)
    total = read_count(usage, path, *_TOTAL_KEYS)
    return None if total is None else Usage(input_tokens=total, is_split=False)


def _read_input_output(usage: Mapping[str, object], path: str, provider: str | None) -> Usage:
    if any(key in usage for key in _IN_KEYS):
        return _read_openai_responses(usage, path)
    if provider == "anthropic" or any(key in usage for key in _ANTHROPIC_KEYS):
        return _read_anthropic(usage, path)
    if any(key in usage for key in _OUT_KEYS):
        return _read_openai_responses(usage, path)
    return _read_own(usage, path)


def _read_openai_chat(usage: Mapping[str, object], path: str, provider: str | None) -> Usage:
    given = read_details(usage, path, "prompt_tokens_details")
    made = read_details(usage, path, "completion_tokens_details")
    cached = read_count(given, f"{path}.prompt_tokens_details", "cached_tokens")
    if cached is None:
        cached = read_count(
            usage,
            path,
            "cached_tokens",  # Fireworks, Together
            "prompt_cache_hit_tokens",  # DeepSeek
            "num_cached_tokens",  # Mistral
            "cache_read_input_tokens",
        )
    written = read_count(given, f"{path}.prompt_tokens_details", "cache_write_tokens")
    reasoning = read_count(made, f"{path}.completion_tokens_details", "reasoning_tokens")
    total = read_count(usage, path, "total_tokens")
    tokens_in, tokens_out = _complete(usage, path, "prompt_tokens", "completion_tokens", total)
    if _is_beside(tokens_in, tokens_out, reasoning or 0, total, provider):
        tokens_out += reasoning or 0
    normalised = Usage(
        input_tokens=tokens_in,
        cached_input_tokens=cached or 0,
        cache_write_5m_tokens=written or 0,
        output_tokens=tokens_out,
        reasoning_tokens=reasoning or 0,
        doubts=_doubt_modalities(given, made),
    )
    return _check(
        normalised,
        total,
        path,
        cached_at="prompt_tokens_details.cached_tokens",
        reasoning_at="completion_tokens_details.reasoning_tokens",
    )


def _read_openai_responses(usage: Mapping[str, object], path: str) -> Usage:
    given = read_details(usage, path, *_IN_KEYS)
    made = read_details(usage, path, *_OUT_KEYS)
    total = read_count(usage, path, "total_tokens")
    tokens_in, tokens_out = _complete(usage, path, "input_tokens", "output_tokens", total)
    cached = read_count(given, f"{path}.input_tokens_details", "cached_tokens", "cache_read")
    written = read_count(
        given, f"{path}.input_tokens_details", "cache_write_tokens", "cache_creation"
    )
    reasoning = read_count(made, f"{path}.output_tokens_details", "reasoning_tokens", "reasoning")
    normalised = Usage(
        input_tokens=tokens_in,
        cached_input_tokens=cached or 0,
        cache_write_5m_tokens=written or 0,
        output_tokens=tokens_out,
        reasoning_tokens=reasoning or 0,
        doubts=_doubt_modalities(given, made),
    )
    return _check(
        normalised,
        total,
        path,
        cached_at="input_tokens_details.cached_tokens",
        reasoning_at="output_tokens_details.reasoning_tokens",
    )


def _read_own(usage: Mapping[str, object], path: str) -> Usage:
    total = read_count(usage, path, "total_tokens")
    tokens_in, tokens_out = _complete(usage, path, "input_tokens", "output_tokens", total)
    normalised = Usage(
        input_tokens=tokens_in,
        cached_input_tokens=read_count(usage, path, "cached_input_tokens") or 0,
        cache_write_5m_tokens=read_count(usage, path, "cache_write_5m_tokens") or 0,
        cache_write_1h_tokens=read_count(usage, path, "cache_write_1h_tokens") or 0,
        output_tokens=tokens_out,
        reasoning_tokens=read_count(usage, path, "reasoning_tokens") or 0,
    )
    return _check(normalised, total, path)


def _read_anthropic(usage: Mapping[str, object], path: str) -> Usage:
    at = "output_tokens_details.thinking_tokens"
    top = _read_anthropic_turn(usage, path)
    iterations = usage.get("iterations")
    if not isinstance(iterations, list) or not iterations:
        total = read_count(usage, path, "total_tokens")
        return _check(top, total, path, reasoning_at=at)
    # compaction and advisor turns are billed, but the numbers at the top leave them out
    turns = [
        _read_anthropic_turn(
            read_object(turn, f"{path}.iterations[{index}]"), f"{path}.iterations[{index}]"
        )
        for index, turn in enumerate(iterations)
    ]
    summed = _add(turns)
    return _check(
        summed if summed.total_tokens > top.total_tokens else top, None, path, reasoning_at=at
    )


def _read_anthropic_turn(usage: Mapping[str, object], path: str) -> Usage:
    split = read_details(usage, path, "cache_creation")
    made = read_details(usage, path, "output_tokens_details")
    write_1h = read_count(split, f"{path}.cache_creation", "ephemeral_1h_input_tokens") or 0
    write_5m = read_count(split, f"{path}.cache_creation", "ephemeral_5m_input_tokens") or 0
    written = read_count(usage, path, "cache_creation_input_tokens") or 0
    write_5m = max(write_5m, written - write_1h)  # old payloads have no split: all of it is 5m
    cached = read_count(usage, path, "cache_read_input_tokens") or 0
    reasoning = read_count(made, f"{path}.output_tokens_details", "thinking_tokens")
    return Usage(
        input_tokens=(read_count(usage, path, "input_tokens") or 0) + cached + write_5m + write_1h,
        cached_input_tokens=cached,
        cache_write_5m_tokens=write_5m,
        cache_write_1h_tokens=write_1h,
        output_tokens=read_count(usage, path, "output_tokens") or 0,
        reasoning_tokens=reasoning or 0,
    )


def _read_gemini(usage: Mapping[str, object], path: str) -> Usage:
    prompt = read_count(usage, path, "promptTokenCount", "prompt_token_count") or 0
    tools = read_count(usage, path, "toolUsePromptTokenCount", "tool_use_prompt_token_count") or 0
    thoughts = read_count(usage, path, "thoughtsTokenCount", "thoughts_token_count") or 0
    cached = read_count(usage, path, "cachedContentTokenCount", "cached_content_token_count")
    answer = read_count(
        usage, path, "candidatesTokenCount", "candidates_token_count", "responseTokenCount"
    )
    normalised = Usage(
        input_tokens=prompt + tools,
        cached_input_tokens=cached or 0,
        output_tokens=(answer or 0) + thoughts,
        reasoning_tokens=thoughts,
    )
    total = read_count(usage, path, "totalTokenCount", "total_token_count")
    return _check(normalised, total, path, cached_at="cachedContentTokenCount")


def _read_bedrock(usage: Mapping[str, object], path: str) -> Usage:
    cached = read_count(usage, path, "cacheReadInputTokens", "cacheReadInputTokenCount") or 0
    written = read_count(usage, path, "cacheWriteInputTokens", "cacheWriteInputTokenCount") or 0
    write_1h = min(_sum_hour_writes(usage.get("cacheDetails"), path), written)
    normalised = Usage(
        input_tokens=(read_count(usage, path, "inputTokens") or 0) + cached + written,
        cached_input_tokens=cached,
        cache_write_5m_tokens=written - write_1h,
        cache_write_1h_tokens=write_1h,
        output_tokens=read_count(usage, path, "outputTokens") or 0,
    )
    return _check(normalised, read_count(usage, path, "totalTokens"), path)


def _sum_hour_writes(details: object, path: str) -> int:
    if not isinstance(details, list):
        return 0
    hours = (item for item in details if isinstance(item, dict) and item.get("ttl") == "1h")
    return sum(read_count(item, f"{path}.cacheDetails", "inputTokens") or 0 for item in hours)


def _read_ollama(usage: Mapping[str, object], path: str) -> Usage:
    return Usage(
        input_tokens=read_count(usage, path, "prompt_eval_count") or 0,
        output_tokens=read_count(usage, path, "eval_count") or 0,
    )


def _complete(
    usage: Mapping[str, object], path: str, key_in: str, key_out: str, total: int | None
) -> tuple[int, int]:
    """Input and output; where one is missing it is the rest of the total."""
    tokens_in, tokens_out = read_count(usage, path, key_in), read_count(usage, path, key_out)
    rest = max(0, (total or 0) - (tokens_in or 0) - (tokens_out or 0))
    return (
        rest if tokens_in is None else tokens_in,
        rest if tokens_out is None and tokens_in is not None else tokens_out or 0,
    )


def _is_beside(
    tokens_in: int, tokens_out: int, reasoning: int, total: int | None, provider: str | None
) -> bool:
    """Whether the reasoning of a chat payload comes on top of its completion tokens."""
    if not reasoning:
        return False
    if total is not None and total != tokens_in + tokens_out:
        return total == tokens_in + tokens_out + reasoning
    return reasoning > tokens_out or (total is None and provider == "xai")


def _add(turns: list[Usage]) -> Usage:
    return Usage(
        input_tokens=sum(turn.input_tokens for turn in turns),
        cached_input_tokens=sum(turn.cached_input_tokens for turn in turns),
        cache_write_5m_tokens=sum(turn.cache_write_5m_tokens for turn in turns),
        cache_write_1h_tokens=sum(turn.cache_write_1h_tokens for turn in turns),
        output_tokens=sum(turn.output_tokens for turn in turns),
        reasoning_tokens=sum(turn.reasoning_tokens for turn in turns),
    )


def _doubt_modalities(given: Mapping[str, object], made: Mapping[str, object]) -> tuple[str, ...]:
    """Audio costs more than text; the book has only prices of text."""
    is_heard = any(part.get("audio_tokens") for part in (given, made))
    return ("audio tokens are priced as text",) if is_heard else ()


def _check(
    usage: Usage,
    stated_total: int | None,
    path: str,
    *,
    cached_at: str = "cached_input_tokens",
    reasoning_at: str = "reasoning_tokens",
) -> Usage:
    if usage.fresh_input_tokens < 0:
        raise InvalidUsage(f"{path}.{cached_at}", "must not be more than the input tokens")
    if usage.reasoning_tokens > usage.output_tokens:
        raise InvalidUsage(f"{path}.{reasoning_at}", "must not be more than the output tokens")
    read_whole(usage.total_tokens, f"{path}.total_tokens")
    if stated_total is None or stated_total == usage.total_tokens:
        return usage
    doubt = f"the parts add up to {usage.total_tokens} tokens, the stated total is {stated_total}"
    return replace(usage, doubts=(*usage.doubts, doubt))
