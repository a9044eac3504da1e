"""What the people and assistants of the demo say, in eight languages."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

LANGUAGES = ("ar", "de", "en", "es", "fr", "hi", "ja", "pt")

_WIDE_FROM = "⺀"  # from here on (Chinese, Japanese, Korean) a character is about a token
_OTHER_FROM = "Ԁ"  # Arabic, Devanagari and their neighbours: about two characters a token
_WIDE_TOKENS, _OTHER_TOKENS, _LATIN_TOKENS = 0.8, 0.45, 0.25


@dataclass(frozen=True, slots=True)
class IntentPhrases:
    """What is asked and answered for one intent; `follow` are questions with their answers."""

    ask: tuple[str, ...]
    answer: tuple[str, ...]
    follow: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Phrases:
    """One language's phrases, with slots such as `{reference}` in them.

    `date` is the pattern of a date, `details` are long passages that an answer may end with,
    `comments` belong to feedback and are `good`, `mixed` or `bad`.
    """

    date: str
    greetings: tuple[str, ...]
    thanks: tuple[str, ...]
    goodbyes: tuple[str, ...]
    follow: tuple[tuple[str, str], ...]
    details: tuple[str, ...]
    comments: Mapping[str, tuple[str, ...]]
    intents: Mapping[str, IntentPhrases]


@lru_cache(maxsize=len(LANGUAGES))
def load_phrases(language: str) -> Phrases:
    """The phrases of one of `LANGUAGES`."""
    text = files(__package__).joinpath("phrases", f"{language}.json").read_text(encoding="utf-8")
    raw: dict[str, Any] = json.loads(text)
    return Phrases(
        date=raw["date"],
        greetings=tuple(raw["greetings"]),
        thanks=tuple(raw["thanks"]),
        goodbyes=tuple(raw["goodbyes"]),
        follow=_pair(raw["follow"]),
        details=tuple(raw["details"]),
        comments={mood: tuple(texts) for mood, texts in raw["comments"].items()},
        intents={
            intent: IntentPhrases(
                ask=tuple(part["ask"]), answer=tuple(part["answer"]), follow=_pair(part["follow"])
            )
            for intent, part in raw["intents"].items()
        },
    )


def estimate_tokens(text: str) -> float:
    """About how many tokens a model would make of the text; by script, without a tokenizer."""
    wide = sum(char >= _WIDE_FROM for char in text)
    other = sum(char >= _OTHER_FROM for char in text) - wide
    latin = len(text) - wide - other
    return wide * _WIDE_TOKENS + other * _OTHER_TOKENS + latin * _LATIN_TOKENS


def _pair(items: list[list[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((question, answer) for question, answer in items)
