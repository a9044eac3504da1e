"""Usage as Cohere sends it: what is billed stands in `billed_units`.

`tokens` beside it count the template of the chat and are not billed; `cached_tokens` have no price
(types of the cohere package: `Usage`, `ApiMeta`). Without billed units the tokens stand in for
them, flagged. Pictures are billed as tokens where those are counted, else by number.
"""

from collections.abc import Mapping

from aihub.pricing.models import CallFacts, Usage
from aihub.pricing.quantities import read_count, read_details
from aihub.pricing.usage import flags as say
from aihub.pricing.usage.splitting import Parts, split_input, split_output

KEYS = frozenset({"billed_units"})
_UNITS = {"search_units": "search_unit", "classifications": "classification", "pages": "page"}


def read_cohere(usage: Mapping[str, object], path: str, call: CallFacts) -> Usage | None:
    """The quantities of a `usage` or `meta` object; None when it counts nothing."""
    del call
    if usage.get("billed_units") is None:
        if not isinstance(usage.get("tokens"), Mapping):
            return None
        tokens = read_details(usage, path, "tokens")
        return Usage(parts=_read_tokens(tokens, f"{path}.tokens"), flags=(say.UNBILLED_UNITS,))
    units, at = read_details(usage, path, "billed_units"), f"{path}.billed_units"
    parts = _read_tokens(units, at)
    for key, name in _UNITS.items():
        count = read_count(units, at, key)
        if count:
            parts[name] = count
    pictures = read_count(units, at, "images")
    if pictures and "input_image" not in parts:
        parts["image"] = pictures
    return Usage(parts=parts)


def _read_tokens(units: Mapping[str, object], at: str) -> Parts:
    text = read_count(units, at, "input_tokens", "text_tokens") or 0
    image = read_count(units, at, "image_tokens") or 0
    parts = split_input(text) | split_output(read_count(units, at, "output_tokens") or 0)
    if image:
        parts["input_image"] = image
    return parts
