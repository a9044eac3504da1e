"""Usage with `input_tokens` and details: OpenAI's responses, realtime, images, speech, transcripts.

Cached and written tokens are inside the input, per modality in `cached_tokens_details` (types of
the openai package: `ResponseUsage`, `RealtimeResponseUsage`, `ImagesResponse.Usage`,
`Transcription.UsageTokens`). xAI's responses are the same, with reasoning inside. LangChain and
LangSmith say `cache_read`, `cache_creation`, `ephemeral_…`, `audio`, `reasoning` in theirs.

- What an image model puts out is pictures, unless `output_tokens_details` says what is text.
- What a speech model puts out is audio; what a transcription reads is audio, unless details say.
- Tokens written for 30 minutes are the short writes (`cache_write_5m`), for 12 hours the long ones.
- A usage of `type: duration` has seconds instead of tokens; a live session has `seconds` alone.
- xAI counts its tools in `server_side_tool_usage_details`: searches of the web and of X, of files,
  and other calls; Perplexity in `tool_calls_details`. OpenAI's tools are counted in the answer (see
  `aihub.pricing.payloads`).
"""

from collections.abc import Mapping

from aihub.pricing.models import CallFacts, Flag, Payload, Usage
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

IN_DETAILS = ("input_tokens_details", "input_token_details")
OUT_DETAILS = ("output_tokens_details", "output_token_details")
_SEARCHES = ("web_search_calls", "x_search_calls")
_FILE_SEARCHES = ("file_search_calls", "document_search_calls")
_CALLS = ("code_interpreter_calls", "code_execution_calls")


def read_responses(
    usage: Mapping[str, object], path: str, call: CallFacts, payload: Payload
) -> Usage:
    """The quantities of a usage object with `input_tokens` and details."""
    flags: list[Flag] = []
    given_key = IN_DETAILS[0] if usage.get(IN_DETAILS[0]) is not None else IN_DETAILS[1]
    made_key = OUT_DETAILS[0] if usage.get(OUT_DETAILS[0]) is not None else OUT_DETAILS[1]
    given = take_details(usage.get(given_key), given_key, flags)
    made = take_details(usage.get(made_key), made_key, flags)
    total = read_count(usage, path, "total_tokens")
    tokens_in, tokens_out = read_halves(usage, path, total)
    parts = _read_input(
        given, f"{path}.{given_key}", usage, path, (tokens_in, tokens_out, total), flags
    )
    at = f"{path}.{made_key}"
    reasoning = read_count(made, at, "reasoning_tokens", "reasoning", "thinking_tokens") or 0
    image = read_count(made, at, "image_tokens", "image") or 0
    audio = read_count(made, at, "audio_tokens", "audio") or 0
    if not (image or audio or made.get("text_tokens")):
        kind = _assume_output(call, payload, usage, given)
        image, audio = (tokens_out * (kind == word) for word in ("image", "audio"))
    if reasoning > tokens_out:
        flags.append(say.reasoning_above_output(reasoning, tokens_out))
    if not parts.keys() & {"input_audio"} and _is_transcript(call, payload, given):
        parts = split_input(tokens_in, audio=tokens_in)
        flags.append(say.no_modality("audio"))
    parts |= split_output(tokens_out, audio=audio, image=image, flags=flags)
    check_total(parts, total, flags)
    _count_tools(usage, path, parts)
    return Usage(parts=parts, reasoning_tokens=min(reasoning, tokens_out), flags=tuple(flags))


def read_duration(usage: Mapping[str, object], path: str) -> Usage:
    """The seconds of a usage billed by time."""
    is_session = usage.get("type") != "duration"
    seconds = usage.get("seconds", usage.get("duration"))
    number = 0 if seconds is None else read_number(seconds, f"{path}.seconds")
    name = "session_second" if is_session else "audio_second"
    return Usage(parts={name: number} if number else {})


def read_halves(usage: Mapping[str, object], path: str, total: int | None) -> tuple[int, int]:
    """Input and output; where one is missing it is the rest of the total."""
    tokens_in = read_count(usage, path, "input_tokens")
    tokens_out = read_count(usage, path, "output_tokens")
    rest = max(0, (total or 0) - (tokens_in or 0) - (tokens_out or 0))
    if tokens_in is None:
        return rest, tokens_out or 0
    return tokens_in, rest if tokens_out is None else tokens_out


def _read_input(
    given: Mapping[str, object],
    at: str,
    usage: Mapping[str, object],
    path: str,
    halves: tuple[int, int, int | None],
    flags: list[Flag],
) -> Parts:
    tokens_in, tokens_out, total = halves
    cached = read_count(given, at, "cached_tokens", "cache_read")
    if cached is None:
        cached = read_count(usage, path, "cached_tokens") or 0
    written = read_count(given, at, "cache_write_tokens", "cache_creation") or 0
    kept = read_details(given, at, "cache_write_tokens_details")
    long = min(count_of(kept, f"{at}.cache_write_tokens_details", "ttl_12h_tokens"), written)
    hour = count_of(given, at, "ephemeral_1h_input_tokens")
    written = max(written, hour + count_of(given, at, "ephemeral_5m_input_tokens"))
    long = max(long, min(hour, written))
    tokens_in = settle_cache(tokens_in, cached + written, tokens_out, total, flags)
    read = read_details(given, at, "cached_tokens_details")
    return split_input(
        tokens_in,
        cached=cached,
        written=written - long,
        written_1h=long,
        audio=read_count(given, at, "audio_tokens", "audio") or 0,
        image=read_count(given, at, "image_tokens", "image") or 0,
        cached_audio=count_of(read, f"{at}.cached_tokens_details", "audio_tokens"),
        cached_image=count_of(read, f"{at}.cached_tokens_details", "image_tokens"),
        flags=flags,
    )


def _assume_output(
    call: CallFacts, payload: Payload, usage: Mapping[str, object], given: Mapping[str, object]
) -> str:
    api, model = (call.api or "").lower(), (payload.model or call.model or "").lower()
    if "images" in api or "image" in model:
        return "image"
    if "speech" in api or "-tts" in model:
        return "audio"
    is_bare = not model and "image_tokens" in given and "cached_tokens" not in given
    return "image" if is_bare and not any(key in usage for key in OUT_DETAILS) else "text"


def _is_transcript(call: CallFacts, payload: Payload, given: Mapping[str, object]) -> bool:
    if "audio_tokens" in given or "audio" in given:
        return False
    api, model = (call.api or "").lower(), (payload.model or call.model or "").lower()
    return "transcription" in api or "-transcribe" in model


def _count_tools(usage: Mapping[str, object], path: str, parts: Parts) -> None:
    if usage.get("tool_calls_details") is not None:
        calls = read_details(usage, path, "tool_calls_details")
        for name in calls:
            at = f"{path}.tool_calls_details"
            tool = read_details(calls, at, name)
            count = count_of(tool, f"{at}.{name[:100]}", "invocation")
            part = "web_search" if "search" in name else "tool_call"
            if count:
                parts[part] = parts.get(part, 0) + count
    if usage.get("server_side_tool_usage_details") is None:
        return
    tools = read_details(usage, path, "server_side_tool_usage_details")
    at = f"{path}.server_side_tool_usage_details"
    for part, keys in (
        ("web_search", _SEARCHES),
        ("file_search", _FILE_SEARCHES),
        ("tool_call", _CALLS),
    ):
        count = sum(count_of(tools, at, key) for key in keys)
        if count:
            parts[part] = count
