"""Under which names the price book may have a model, the most exact first.

A model is asked for by many spellings: with a router's prefix, as a cloud's resource name, with the
date of a snapshot. An unknown model must stay unknown, so only what never changes a price is left
out: a path before the name, and an ending that says which snapshot is meant. A snapshot with a
price of its own stands in the book under its whole name, and is found first.
"""

import re

from aihub.pricing.price_files import strip_snapshot

_ENDINGS = 3  # `-v1:0` behind `-20250929`, `@default` behind `-001`
_HYPHENATED_GPT = re.compile(r"^gpt-(\d)-(\d)(?!\d)")
# what a router does with a request; what costs more by it stands in the book under its whole name
_ROUTING = re.compile(r":(?:nitro|floor|exacto|online|beta|extended)$")


def spell(provider: str, model: str) -> list[str]:
    """Spellings of `model` at `provider`, lower case."""
    whole = _respell(provider, model.strip().lower())
    names = [whole]
    if provider == "openrouter":
        names.append(_ROUTING.sub("", whole))
    names += [_respell(provider, name.rsplit("/", 1)[1]) for name in names if "/" in name]
    for name in tuple(names):
        for _ in range(_ENDINGS):
            stripped = strip_snapshot(name)
            if stripped == name:
                break
            names.append(stripped)
            name = stripped  # noqa: PLW2901 - one ending after the other
    return list(dict.fromkeys(names))


def _respell(provider: str, name: str) -> str:
    if name.startswith("ft:"):  # ft:<base model>:<organisation>:<name>:<id>
        return ":".join(name.split(":", 2)[:2])
    if name.startswith("arn:"):  # arn:aws:bedrock:<region>:<account>:inference-profile/<model>
        return name.rsplit("/", 1)[-1]
    if provider == "anthropic":
        return name.replace(".", "-")
    if provider in ("openai", "azure"):
        return _HYPHENATED_GPT.sub(r"gpt-\1.\2", name).replace("gpt-35", "gpt-3.5")
    return name
