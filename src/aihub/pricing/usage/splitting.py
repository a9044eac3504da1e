"""The parts of a prompt and of an answer, made disjoint; the rules when numbers contradict.

Rules, for every shape in which the cache is inside the input:

- Audio, picture and film tokens are what their details say; text is the rest. Where they are more
  than the whole they are cut off, films last (`details_mismatch`).
- What was read from a cache is of the modality its details say, else text first, then pictures,
  films, audio: providers cache the head of a prompt, which is text.
- What was written to a cache is taken from what was not read from it, in the same order.
- More read and written than the input: the total decides whether they are beside it (Anthropic's
  way behind another provider's names), without a total they are beside it and flagged. Where the
  total leaves no room for them, all of the input is cached and flagged: OpenRouter replays a cached
  answer with the cache counts of the first one.
"""

from collections.abc import Mapping

from aihub.pricing.models import Flag, Quantity
from aihub.pricing.usage import flags as say

Parts = dict[str, Quantity]
_KINDS = ("text", "image", "video", "audio")


def split_input(
    whole: int,
    *,
    cached: int = 0,
    written: int = 0,
    written_1h: int = 0,
    audio: int = 0,
    image: int = 0,
    video: int = 0,
    cached_audio: int = 0,
    cached_image: int = 0,
    cached_video: int = 0,
    flags: list[Flag] | None = None,
) -> Parts:
    """Disjoint parts of an input of `whole` tokens; `written` is what went into a cache for 5
    minutes, `written_1h` for an hour. Zero parts are left out."""
    used = cached + written + written_1h
    if used <= whole and not (audio or image or video):  # nearly every call
        return _lay_text(whole - used, cached, written, written_1h)
    flags = [] if flags is None else flags
    if used > whole:
        flags.append(say.cached_above_input(used, whole))
        cached = min(cached, whole)
        written = min(written, whole - cached)
        written_1h = min(written_1h, whole - cached - written)
    rest = _cut(whole, {"audio": audio, "image": image, "video": video}, "input", flags)
    known = {"audio": cached_audio, "image": cached_image, "video": cached_video}
    return _lay(rest, cached, known, written, written_1h)


def split_output(
    whole: int,
    *,
    audio: int = 0,
    image: int = 0,
    video: int = 0,
    flags: list[Flag] | None = None,
) -> Parts:
    """Disjoint parts of an output of `whole` tokens, reasoning in its text."""
    if not (audio or image or video):
        return {"output_text": whole} if whole else {}
    rest = _cut(
        whole,
        {"audio": audio, "image": image, "video": video},
        "output",
        [] if flags is None else flags,
    )
    return {f"output_{kind}": count for kind, count in rest.items() if count}


def settle_cache(whole: int, used: int, output: int, total: int | None, flags: list[Flag]) -> int:
    """The input with what was read from and written to the cache inside it."""
    if used <= whole:
        return whole + used if used and total == whole + used + output else whole
    if total is None:
        flags.append(say.cache_beside(used, whole))
        return whole + used
    return whole + used if total == whole + used + output else whole


def take_details(value: object, key: str, flags: list[Flag]) -> Mapping[str, object]:
    """Details as an object. What is none tells nothing, and the whole is billed without it."""
    if isinstance(value, dict):
        return value
    if value:
        flags.append(say.details_unreadable(key))
    return {}


def check_total(parts: Parts, stated: int | None, flags: list[Flag], *, beside: int = 0) -> None:
    """Flags a stated total that is not what the token parts add up to."""
    if stated is None:
        return
    summed = int(sum(parts.values())) + beside
    if summed != stated:
        flags.append(say.total_mismatch(summed, stated))


def _lay_text(fresh: int, cached: int, written: int, written_1h: int) -> Parts:
    parts: Parts = {}
    if fresh:
        parts["input_text"] = fresh
    if cached:
        parts["cached_text"] = cached
    if written:
        parts["cache_write_5m"] = written
    if written_1h:
        parts["cache_write_1h"] = written_1h
    return parts


def _cut(whole: int, kinds: dict[str, int], what: str, flags: list[Flag]) -> dict[str, int]:
    if sum(kinds.values()) > whole:
        flags.append(say.details_mismatch(what, sum(kinds.values()), whole))
    left = whole
    cut = {}
    for kind, count in kinds.items():
        cut[kind] = min(count, left)
        left -= cut[kind]
    return {"text": left, **cut}


def _lay(
    rest: dict[str, int], cached: int, known: dict[str, int], written: int, written_1h: int
) -> Parts:
    read = dict.fromkeys(_KINDS, 0)
    for kind, count in known.items():
        read[kind] = min(count, rest[kind], cached)
        cached -= read[kind]
    for kind in _KINDS:
        more = min(cached, rest[kind] - read[kind])
        read[kind] += more
        cached -= more
    fresh = {kind: rest[kind] - read[kind] for kind in _KINDS}
    to_write = written + written_1h
    for kind in _KINDS:
        taken = min(to_write, fresh[kind])
        fresh[kind] -= taken
        to_write -= taken
    parts: Parts = {f"input_{kind}": count for kind, count in fresh.items() if count}
    parts.update({f"cached_{kind}": count for kind, count in read.items() if count})
    return parts | _lay_text(0, 0, written, written_1h)
