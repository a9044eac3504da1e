"""The quantities that providers bill: their names, units, and what stands in for a missing price.

A usage is split into parts that do not overlap, so that a price is a sum of products. Names of
tokens say direction and modality: `input_text` is text that was neither read from a cache nor
written to one, `cached_text` was read from one.
"""

import msgspec

TOKENS_PER = 1_000_000
_THOUSAND = 1_000

INPUT_TOKENS = (
    "input_text",
    "input_audio",
    "input_image",
    "input_video",
    "cached_text",
    "cached_audio",
    "cached_image",
    "cached_video",
    "cache_write_5m",
    "cache_write_1h",
)
OUTPUT_TOKENS = ("output_text", "output_reasoning", "output_audio", "output_image", "output_video")
CACHED_TOKENS = ("cached_text", "cached_audio", "cached_image", "cached_video")
TOKENS = frozenset((*INPUT_TOKENS, *OUTPUT_TOKENS))


class Component(msgspec.Struct, frozen=True):
    """One billable kind: its unit, and for how many units a price in the book stands."""

    unit: str
    per: int
    spoken: str


_OTHERS = {
    "audio_second": Component("second", 1, "seconds of audio"),
    "video_second": Component("second", 1, "seconds of video"),
    "session_second": Component("second", 1, "seconds of a session"),
    "character": Component("character", TOKENS_PER, "characters"),
    "page": Component("page", _THOUSAND, "pages"),
    "annotated_page": Component("page", _THOUSAND, "annotated pages"),
    "image": Component("image", 1, "images"),
    "citation": Component("token", TOKENS_PER, "citation tokens"),
    "search_unit": Component("search unit", _THOUSAND, "search units"),
    "classification": Component("classification", _THOUSAND, "classifications"),
    "web_search": Component("search", _THOUSAND, "web searches"),
    "search_source": Component("source", _THOUSAND, "sources of a live search"),
    "file_search": Component("search", _THOUSAND, "file searches"),
    "grounding_prompt": Component("prompt", _THOUSAND, "grounded prompts"),
    "grounding_query": Component("query", _THOUSAND, "grounding queries"),
    "maps_prompt": Component("prompt", _THOUSAND, "prompts grounded in maps"),
    "code_session": Component("session", 1, "sessions of a code interpreter"),
    "tool_call": Component("call", _THOUSAND, "calls of a provider's tool"),
    "request": Component("request", 1, "requests"),
}


def _speak(name: str) -> str:
    if name.startswith("cache_write"):
        return "one-hour cache writes" if name.endswith("1h") else "cache writes"
    direction, kind = name.split("_", 1)
    spoken = "cached input" if direction == "cached" else direction
    return spoken if kind == "text" else f"{kind} {spoken}"


COMPONENTS: dict[str, Component] = {
    **{
        name: Component("token", TOKENS_PER, _speak(name))
        for name in (*INPUT_TOKENS, *OUTPUT_TOKENS)
    },
    **_OTHERS,
}

# Whose price a part without one of its own takes. Pictures and films in a prompt are tokens like
# any other unless the book says otherwise (told by no flag); the rest is an estimate.
QUIET_STAND_INS = {
    "input_image": ("input_text",),
    "input_video": ("input_image", "input_text"),
    "cached_image": ("cached_text",),
    "cached_video": ("cached_image", "cached_text"),
    "output_reasoning": ("output_text",),
}
STAND_INS = {
    "cached_text": ("input_text",),
    "cached_audio": ("input_audio", "cached_text", "input_text"),
    "cached_image": ("input_image", "input_text"),
    "cached_video": ("input_video", "input_text"),
    "cache_write_5m": ("input_text",),
    "cache_write_1h": ("cache_write_5m", "input_text"),
    "input_audio": ("input_text",),
    "output_audio": ("output_text",),
    "output_image": ("output_text",),
    "output_video": ("output_text",),
    "annotated_page": ("page",),
    "citation": ("input_text",),
}


def describe_unit(component: str) -> str:
    """For what a price in the book stands: `1,000,000 tokens`, `1,000 searches`, `1 image`."""
    found = COMPONENTS[component]
    ending = "" if found.per == 1 else "es" if found.unit.endswith("ch") else "s"
    plural = "queries" if found.unit == "query" and ending else found.unit + ending
    return f"{found.per:,} {plural}"
