"""Usage as tracing tools pass it on: OpenTelemetry, OpenInference, Langfuse.

- OpenTelemetry's `gen_ai.usage.*` and OpenInference's `llm.token_count.*`: the cache is inside the
  input, the reasoning inside the output. Some instrumentations report them beside it: the total
  proves it, or more of them than there is to be inside of.
- Langfuse's details (`input`, `output`, `input_cached_tokens`, …) are buckets that do not overlap,
  unless its `total` is that of `input` and `output` alone. Its older form has a `unit`.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal

from aihub.pricing.models import Flag, Usage
from aihub.pricing.quantities import read_count, read_number
from aihub.pricing.usage import flags as say
from aihub.pricing.usage.splitting import check_total, settle_cache, split_input, split_output

_PREFIXES = ("gen_ai.usage.", "llm.token_count.", "llm.usage.")
LANGFUSE_KEYS = frozenset({"input", "output"})
_INPUT = ("input_tokens", "prompt_tokens", "prompt")
_OUTPUT = ("output_tokens", "completion_tokens", "completion")
_TOTAL = ("total_tokens", "total")
_CACHED = (
    "cache_read.input_tokens",
    "cache_read_input_tokens",
    "details.cache_read_tokens",
    "prompt_tokens_cached",
    "cached_input_tokens",
    "prompt_details.cache_read",
    "prompt_details.cache_input",
)
_WRITTEN = (
    "cache_write.input_tokens",
    "cache_creation.input_tokens",
    "cache_creation_input_tokens",
    "details.cache_write_tokens",
    "cache_write_tokens",
    "prompt_details.cache_write",
)
_REASONING = ("reasoning.output_tokens", "reasoning_tokens", "completion_details.reasoning")
_AUDIO_IN = ("audio.input_tokens", "prompt_details.audio")
_AUDIO_OUT = ("audio.output_tokens", "completion_details.audio")
_LF_CACHED = ("input_cached_tokens", "input_cache_read", "cache_read_input_tokens")
_LF_WRITTEN = ("input_cache_creation", "cache_creation_input_tokens", "input_cache_write")
_LF_REASONING = ("output_reasoning_tokens", "output_reasoning")
_UNITS = {"CHARACTERS": "character", "IMAGES": "image", "REQUESTS": "request"}
_SECONDS = "audio_second"
_MILLI = Decimal("0.001")


def find_prefix(usage: Mapping[str, object]) -> str | None:
    """Under which prefix a flat set of attributes counts tokens; None when it does not."""
    for key in usage:
        if isinstance(key, str) and "." in key:
            for prefix in _PREFIXES:
                if key.startswith(prefix):
                    return prefix
    return None


def read_attributes(usage: Mapping[str, object], path: str, prefix: str) -> Usage:
    """The quantities of flat attributes under `prefix`."""
    flags: list[Flag] = []

    def count(keys: tuple[str, ...]) -> int | None:
        return read_count(usage, path, *(prefix + key for key in keys))

    total, tokens_in, tokens_out = count(_TOTAL), count(_INPUT), count(_OUTPUT)
    if tokens_in is None and tokens_out is None:
        return Usage(parts={"input_text": total} if total else {}, is_split=False)
    rest = max(0, (total or 0) - (tokens_in or 0) - (tokens_out or 0))
    tokens_in = rest if tokens_in is None else tokens_in
    tokens_out = rest if tokens_out is None else tokens_out
    cached, written, reasoning = (count(keys) or 0 for keys in (_CACHED, _WRITTEN, _REASONING))
    if reasoning and total == tokens_in + tokens_out + reasoning:
        tokens_out += reasoning
    elif reasoning > tokens_out:
        flags.append(say.reasoning_beside(reasoning))
        tokens_out += reasoning
    tokens_in = settle_cache(tokens_in, cached + written, tokens_out, total, flags)
    audio = count(_AUDIO_IN) or 0
    parts = split_input(tokens_in, cached=cached, written=written, audio=audio, flags=flags)
    parts |= split_output(tokens_out, audio=count(_AUDIO_OUT) or 0, flags=flags)
    check_total(parts, total, flags)
    return Usage(parts=parts, reasoning_tokens=reasoning, flags=tuple(flags))


def read_langfuse(usage: Mapping[str, object], path: str) -> Usage | None:
    """The quantities of Langfuse's usage or usage details; None when they are of another kind."""
    unit = usage.get("unit")
    if isinstance(unit, str) and unit.upper() not in ("", "TOKENS"):
        return _read_units(usage, path, unit.upper())
    total, tokens_in, tokens_out = (
        read_count(usage, path, key) for key in ("total", "input", "output")
    )
    if tokens_in is None and tokens_out is None:
        return Usage(parts={"input_text": total} if total else {}, is_split=False)
    return _read_buckets(
        lambda *keys: read_count(usage, path, *keys) or 0, tokens_in or 0, tokens_out or 0, total
    )


def _read_buckets(
    count: Callable[..., int], tokens_in: int, tokens_out: int, total: int | None
) -> Usage:
    flags: list[Flag] = []
    cached, written = count(*_LF_CACHED), count(*_LF_WRITTEN)
    audio_in = count("input_audio_tokens", "input_audio")
    audio_out = count("output_audio_tokens", "output_audio")
    reasoning = count(*_LF_REASONING)
    if total != tokens_in + tokens_out:  # buckets beside each other
        tokens_in += cached + written + audio_in
        tokens_out += reasoning + audio_out
    parts = split_input(tokens_in, cached=cached, written=written, audio=audio_in, flags=flags)
    parts |= split_output(tokens_out, audio=audio_out, flags=flags)
    check_total(parts, total, flags)
    return Usage(parts=parts, reasoning_tokens=min(reasoning, tokens_out), flags=tuple(flags))


def _read_units(usage: Mapping[str, object], path: str, unit: str) -> Usage | None:
    for key in ("total", "input", "output"):
        if usage.get(key) is not None:
            break
    else:
        return None
    if unit in ("SECONDS", "MILLISECONDS"):
        seconds = read_number(usage[key], f"{path}.{key}")
        if unit == "MILLISECONDS":
            seconds = read_number(seconds * _MILLI, f"{path}.{key}")
        return Usage(parts={_SECONDS: seconds} if seconds else {})
    if unit not in _UNITS:
        return None
    number = read_count(usage, path, key)
    return Usage(parts={_UNITS[unit]: number} if number else {})
