"""From a call's normalised usage, as it is stored, to the components that prices are given for.

Prices per million need it where the cost has no lines of its own: the call is unpriced, the model
is a local one, or the provider stated one charge for everything.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TypeAlias

Quantity: TypeAlias = int | Decimal

_KINDS = ("audio", "image", "video")
_WRITES = ("cache_write_5m", "cache_write_1h")
_COUNTS = {
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
    "audio_seconds": "audio_second",
    "video_seconds": "video_second",
    "session_seconds": "session_second",
}
_TOKENS = frozenset(
    {
        "total_tokens", "input_tokens", "cached_input_tokens", "output_tokens", "reasoning_tokens",
        "output_reasoning_tokens", *(f"{name}_tokens" for name in _WRITES),
        *(f"{way}_{kind}_tokens" for way in ("input", "cached", "output") for kind in _KINDS),
    }
)  # fmt: skip


def list_components(usage: Mapping[str, Quantity]) -> Iterator[tuple[str, Quantity]]:
    """The components of a normalised usage that are not 0; a bare total counts as input.

    Tokens are nested in it (the cached ones are inside the input, and so on); components do not
    overlap. What is not known is a component by its own name.
    """
    for name, quantity in _list_parts(usage):
        if quantity > 0:
            yield name, quantity


def _list_parts(usage: Mapping[str, Quantity]) -> Iterator[tuple[str, Quantity]]:
    get = usage.get
    if get("input_tokens") is None and get("output_tokens") is None:
        yield "input_text", get("total_tokens", 0)
    else:
        text, cached = get("input_tokens", 0), get("cached_input_tokens", 0)
        output = get("output_tokens", 0)
        text -= cached
        for name in _WRITES:
            text -= get(f"{name}_tokens", 0)
            yield name, get(f"{name}_tokens", 0)
        for kind in _KINDS:
            kept = get(f"cached_{kind}_tokens", 0)
            fresh = get(f"input_{kind}_tokens", 0) - kept
            made = get(f"output_{kind}_tokens", 0)
            text, cached, output = text - fresh, cached - kept, output - made
            yield from ((f"input_{kind}", fresh), (f"cached_{kind}", kept))
            yield f"output_{kind}", made
        apart = get("output_reasoning_tokens", 0)
        yield from (("input_text", text), ("cached_text", cached), ("output_reasoning", apart))
        yield "output_text", output - apart
    for name, quantity in usage.items():
        if name not in _TOKENS:
            yield _COUNTS.get(name, name), quantity
