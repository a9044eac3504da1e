"""What is billed by the second, the character, the page or the picture, where no token is counted.

- `whisper-1`, Groq and others bill a transcript by the seconds of its audio: `duration` of a
  verbose answer, or the context's `audio_seconds`.
- Speech by character of the request, which only the context knows: `input_characters`.
- Pictures by number, where the model counts no tokens (dall-e, Imagen, FLUX).
- Rerankers by the query, which Bedrock does not count in its answers.
- Videos by second (Sora, Veo). Mistral's OCR by page; annotated pages have their own price, in
  place of the plain one.
"""

from collections.abc import Mapping

from aihub.pricing.models import CallFacts, Payload, Usage
from aihub.pricing.quantities import count_of, read_count, read_number
from aihub.pricing.usage.splitting import Parts

PAGE_KEYS = frozenset({"pages_processed"})
FACTS = frozenset({"audio_seconds", "video_seconds", "images", "annotated_pages", "reranked"})


def read_pages(usage: Mapping[str, object], path: str, payload: Payload) -> Usage:
    """The pages of an OCR's usage_info."""
    pages = count_of(usage, path, "pages_processed")
    annotated = read_count(usage, path, "pages_processed_annotation")
    if annotated is None:
        annotated = count_of(payload.facts, "facts", "annotated_pages")
    annotated = min(annotated, pages)
    parts: Parts = {"page": pages - annotated, "annotated_page": annotated}
    return Usage(parts={name: count for name, count in parts.items() if count})


def measure_media(call: CallFacts, payload: Payload) -> Parts:
    """What is known beside tokens, from the answer first, then from the context."""
    facts, context = payload.facts, call.context
    parts: Parts = {}
    for name, part in (("audio_seconds", "audio_second"), ("video_seconds", "video_second")):
        for held, at in ((facts, "facts"), (context, "context")):
            value = held.get(name)
            if value is not None:
                seconds = read_number(value, f"{at}.{name}")
                if seconds:
                    parts[part] = seconds
                break
    if facts.get("reranked") is True and call.provider == "bedrock":
        parts["search_unit"] = 1  # a query with up to a hundred texts
    characters = read_count(context, "context", "input_characters", "characters")
    if characters:
        parts["character"] = characters
    if "audio_second" in parts or "video_second" in parts:
        return parts
    pictures = read_count(facts, "facts", "images")
    if pictures is None:
        pictures = read_count(context, "context", "images")
    if pictures:
        parts["image"] = pictures
    pages = read_count(context, "context", "pages")
    if pages:
        parts["page"] = pages
    return parts
