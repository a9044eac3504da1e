"""Our own form of a usage: one name for every billable quantity, and the way there and back.

Counts of tokens are nested as most providers nest them, so that a caller can copy them over:

- `input_tokens`: the whole prompt. In it: `cached_input_tokens` (read from a cache),
  `cache_write_5m_tokens`, `cache_write_1h_tokens`, and by modality `input_audio_tokens`,
  `input_image_tokens`, `input_video_tokens`. What of these was read from a cache is in
  `cached_audio_tokens`, `cached_image_tokens`, `cached_video_tokens`, and in the cached input.
- `output_tokens`: all that was generated. In it: `reasoning_tokens`, and of those
  `output_reasoning_tokens` where they have a price of their own; `output_audio_tokens`,
  `output_image_tokens`, `output_video_tokens`.
- `total_tokens`: input and output together, alone when there is no split.
- Everything else is in `COUNTS`: it overlaps with nothing.
"""

from collections.abc import Mapping

from aihub.pricing.models import Flag, Quantity, Usage
from aihub.pricing.quantities import count_of, read_count, read_number
from aihub.pricing.usage import flags as say
from aihub.pricing.usage.openai_responses import read_halves
from aihub.pricing.usage.splitting import check_total, settle_cache, split_input, split_output

COUNTS = {
    "citation_tokens": "citation",
    "characters": "character",
    "pages": "page",
    "annotated_pages": "annotated_page",
    "images": "image",
    "search_units": "search_unit",
    "classifications": "classification",
    "web_searches": "web_search",
    "search_sources": "search_source",
    "file_searches": "file_search",
    "grounding_prompts": "grounding_prompt",
    "grounding_queries": "grounding_query",
    "maps_prompts": "maps_prompt",
    "code_sessions": "code_session",
    "tool_calls": "tool_call",
    "requests": "request",
}
SECONDS = {
    "audio_seconds": "audio_second",
    "video_seconds": "video_second",
    "session_seconds": "session_second",
}
_KINDS = ("audio", "image", "video")
_NESTED = frozenset(
    {
        "cached_input_tokens",
        "cache_write_5m_tokens",
        "cache_write_1h_tokens",
        "reasoning_tokens",
        "output_reasoning_tokens",
        *(f"{way}_{kind}_tokens" for way in ("input", "cached", "output") for kind in _KINDS),
    }
)
# Under which keys a part is shown. Audio from a cache is in the audio of the input as well.
_SHOWN: dict[str, tuple[str, ...]] = {
    **{
        name: (f"{name}_tokens",)
        for name in ("cache_write_5m", "cache_write_1h", "output_reasoning")
    },
    **{
        f"{way}_{kind}": (f"{way}_{kind}_tokens",) for way in ("input", "output") for kind in _KINDS
    },
    **{f"cached_{kind}": (f"input_{kind}_tokens", f"cached_{kind}_tokens") for kind in _KINDS},
    **{part: (name,) for name, part in (*COUNTS.items(), *SECONDS.items())},
}
ONLY_KEYS = _NESTED | COUNTS.keys() | SECONDS.keys()
_HALVES = frozenset({"input_tokens", "output_tokens"})


def read_own(usage: Mapping[str, object], path: str) -> Usage:
    """The quantities of a usage in our own form."""
    flags: list[Flag] = []
    total = read_count(usage, path, "total_tokens")
    parts: dict[str, Quantity] = {}
    reasoning = tokens_out = 0
    is_split = any(usage.get(key) is not None for key in (*_HALVES, *_NESTED))
    if is_split:
        tokens_in, tokens_out = read_halves(usage, path, total)
        parts = _read_input(usage, path, (tokens_in, tokens_out, total), flags)
        apart = count_of(usage, path, "output_reasoning_tokens")
        reasoning = max(apart, count_of(usage, path, "reasoning_tokens"))
        if reasoning > tokens_out:
            flags.append(say.reasoning_above_output(reasoning, tokens_out))
        apart = min(apart, tokens_out)
        parts |= split_output(
            tokens_out - apart,
            **{kind: count_of(usage, path, f"output_{kind}_tokens") for kind in _KINDS},
            flags=flags,
        )
        if apart:
            parts["output_reasoning"] = apart
        check_total(parts, total, flags)
    elif total:
        parts["input_text"] = total
    counted = _read_counts(usage, path)
    return Usage(
        parts=parts | counted,
        reasoning_tokens=min(reasoning, tokens_out),
        is_split=is_split or not total,
        flags=tuple(flags),
    )


def show_usage(usage: Usage) -> dict[str, Quantity]:
    """A usage in our own form: reading it again gives the same parts."""
    parts = usage.parts
    shown: dict[str, Quantity] = {"total_tokens": usage.total_tokens}
    if usage.is_split:
        shown = {
            "input_tokens": usage.input_tokens,
            "cached_input_tokens": usage.cached_input_tokens,
            "output_tokens": usage.output_tokens,
            "reasoning_tokens": usage.reasoning_tokens,
            "total_tokens": usage.total_tokens,
        }
    for name, count in parts.items():
        if not count:
            continue
        for key in _SHOWN.get(name, ()):
            shown[key] = shown.get(key, 0) + count
    return shown


def _read_input(
    usage: Mapping[str, object],
    path: str,
    halves: tuple[int, int, int | None],
    flags: list[Flag],
) -> dict[str, Quantity]:
    tokens_in, tokens_out, total = halves
    cached = count_of(usage, path, "cached_input_tokens")
    known = {f"cached_{kind}": count_of(usage, path, f"cached_{kind}_tokens") for kind in _KINDS}
    written = count_of(usage, path, "cache_write_5m_tokens")
    written_1h = count_of(usage, path, "cache_write_1h_tokens")
    cached = max(cached, sum(known.values()))
    used = cached + written + written_1h
    tokens_in = settle_cache(tokens_in, used, tokens_out, total, flags)
    kinds = {kind: count_of(usage, path, f"input_{kind}_tokens") for kind in _KINDS}
    return split_input(
        tokens_in,
        cached=cached,
        written=written,
        written_1h=written_1h,
        **kinds,
        **known,
        flags=flags,
    )


def _read_counts(usage: Mapping[str, object], path: str) -> dict[str, Quantity]:
    parts: dict[str, Quantity] = {}
    for name, part in COUNTS.items():
        if name in usage:
            count = count_of(usage, path, name)
            if count:
                parts[part] = count
    for name, part in SECONDS.items():
        value = usage.get(name)
        if value is not None:
            seconds = read_number(value, f"{path}.{name}")
            if seconds:
                parts[part] = seconds
    return parts
