"""Usage as Google's Gemini sends it, from the types of google-genai.

`GenerateContentResponseUsageMetadata`, `UsageMetadata` (Live) and the interactions' `Usage`; the
total is prompt + candidates + thoughts + tool prompts.

- The cache is inside the prompt, also per modality. Thoughts are beside the candidates, unless
  only a total without them adds up. Tool prompts are further input.
- Candidates are left out when there are none: they are the rest of the total.
- Details by modality need not add up to their whole: what is in no detail is text, DOCUMENT too.
  Details that alone explain the total stand in for a missing or smaller whole.
- An image or speech model without details put out pictures or audio (flagged).
- Which of grounded prompts and queries is billed is a matter of the model (`usage.fees`).
- Embeddings are counted beside each vector. Those before Gemini's are billed by the character.
"""

from collections.abc import Mapping

from aihub.pricing.models import CallFacts, Flag, Payload, Usage
from aihub.pricing.quantities import count_of, read_count, read_list, read_object
from aihub.pricing.usage import flags as say
from aihub.pricing.usage.splitting import (
    check_total,
    settle_cache,
    split_input,
    split_output,
)

KEYS = frozenset(
    {
        "promptTokenCount",
        "candidatesTokenCount",
        "responseTokenCount",
        "thoughtsTokenCount",
        "totalTokenCount",
        "prompt_token_count",
        "candidates_token_count",
        "response_token_count",
        "thoughts_token_count",
        "total_token_count",
    }
)
INTERACTION_KEYS = frozenset({"total_input_tokens", "total_output_tokens"})
EMBEDDING_KEYS = frozenset({"embeddedTokenCount", "billableCharacterCount"})
_KINDS = {"AUDIO": "audio", "IMAGE": "image", "VIDEO": "video"}
_SNAKE_KINDS = {word.lower(): kind for word, kind in _KINDS.items()}
_NO_KINDS = {"audio": 0, "image": 0, "video": 0}
_MAKERS = (
    ("image", "image", "pictures"),
    ("nano-banana", "image", "pictures"),
    ("tts", "audio", "audio"),
)


def read_gemini(usage: Mapping[str, object], path: str, call: CallFacts, payload: Payload) -> Usage:
    """The quantities of a usageMetadata object, in camelCase or snake_case."""
    flags: list[Flag] = []
    prompt = read_count(usage, path, "promptTokenCount", "prompt_token_count")
    tools = read_count(usage, path, "toolUsePromptTokenCount", "tool_use_prompt_token_count") or 0
    thoughts = read_count(usage, path, "thoughtsTokenCount", "thoughts_token_count") or 0
    cached = read_count(usage, path, "cachedContentTokenCount", "cached_content_token_count") or 0
    answer = read_count(
        usage,
        path,
        "candidatesTokenCount",
        "candidates_token_count",
        "responseTokenCount",
        "response_token_count",
    )
    total = read_count(usage, path, "totalTokenCount", "total_token_count") or None
    given, _ = _sum_kinds(usage, path, flags, "promptTokensDetails", "prompt_tokens_details")
    for_tools, _ = _sum_kinds(
        usage, path, flags, "toolUsePromptTokensDetails", "tool_use_prompt_tokens_details"
    )
    made, listed = _sum_kinds(
        usage, path, flags, "candidatesTokensDetails", "candidates_tokens_details"
    )
    if not listed:
        made, listed = _sum_kinds(
            usage, path, flags, "responseTokensDetails", "response_tokens_details"
        )
    read, _ = _sum_kinds(usage, path, flags, "cacheTokensDetails", "cache_tokens_details")
    counts = _Counts(prompt, tools, thoughts, cached, answer, total, listed)
    kinds = ({kind: given[kind] + for_tools[kind] for kind in given}, read, made)
    return _measure(counts, kinds, call, payload, flags)


def read_interaction(
    usage: Mapping[str, object], path: str, call: CallFacts, payload: Payload
) -> Usage:
    """The quantities of an interaction's usage."""
    flags: list[Flag] = []
    given, _ = _sum_kinds(usage, path, flags, "input_tokens_by_modality")
    for_tools, _ = _sum_kinds(usage, path, flags, "tool_use_tokens_by_modality")
    made, listed = _sum_kinds(usage, path, flags, "output_tokens_by_modality")
    read, _ = _sum_kinds(usage, path, flags, "cached_tokens_by_modality")
    counts = _Counts(
        read_count(usage, path, "total_input_tokens"),
        count_of(usage, path, "total_tool_use_tokens"),
        count_of(usage, path, "total_thought_tokens"),
        count_of(usage, path, "total_cached_tokens"),
        read_count(usage, path, "total_output_tokens"),
        read_count(usage, path, "total_tokens") or None,
        listed,
    )
    kinds = ({kind: given[kind] + for_tools[kind] for kind in given}, read, made)
    return _measure(counts, kinds, call, payload, flags)


def read_embeddings(
    usage: Mapping[str, object], path: str, call: CallFacts, payload: Payload
) -> Usage:
    """The quantities that `payload_facts` gathered from an answer with vectors."""
    tokens = read_count(usage, path, "embeddedTokenCount")
    characters = read_count(usage, path, "billableCharacterCount")
    by_token = "gemini" in (payload.model or call.model or "").lower()
    if characters is None or (by_token and tokens is not None):
        return Usage(parts={"input_text": tokens} if tokens else {})
    return Usage(parts={"character": characters} if characters else {})


class _Counts:
    """The counts of one usage under one set of names."""

    __slots__ = ("answer", "cached", "listed", "prompt", "thoughts", "tools", "total")

    def __init__(
        self,
        prompt: int | None,
        tools: int,
        thoughts: int,
        cached: int,
        answer: int | None,
        total: int | None,
        listed: int,
    ) -> None:
        self.prompt, self.tools, self.thoughts, self.cached = prompt, tools, thoughts, cached
        self.answer, self.total, self.listed = answer, total, listed


def _measure(
    counts: _Counts,
    kinds: tuple[Mapping[str, int], Mapping[str, int], Mapping[str, int]],
    call: CallFacts,
    payload: Payload,
    flags: list[Flag],
) -> Usage:
    given, read, made = kinds
    prompt, answer, output = _settle(counts)
    tokens_in = prompt + counts.tools
    tokens_in = settle_cache(tokens_in, counts.cached, output, counts.total, flags)
    if answer and not counts.listed:
        made = _assume(answer, call, payload, flags)
    parts = split_input(
        tokens_in,
        cached=counts.cached,
        audio=given["audio"],
        image=given["image"],
        video=given["video"],
        cached_audio=read["audio"],
        cached_image=read["image"],
        cached_video=read["video"],
        flags=flags,
    )
    parts |= split_output(
        output, audio=made["audio"], image=made["image"], video=made["video"], flags=flags
    )
    check_total(parts, counts.total, flags)
    return Usage(parts=parts, reasoning_tokens=min(counts.thoughts, output), flags=tuple(flags))


def _settle(counts: _Counts) -> tuple[int, int, int]:
    """The prompt, the candidates and the whole output, as far as possible by the total."""
    tools, thoughts, total = counts.tools, counts.thoughts, counts.total
    prompt, answer = counts.prompt, counts.answer
    if prompt is None:
        known = tools + thoughts + (answer or counts.listed)
        prompt = max(0, (total or 0) - known)
    if answer is None:
        rest = max(0, (total or 0) - prompt - tools - thoughts)
        answer = rest if total else counts.listed
    elif total == prompt + tools + thoughts + counts.listed:
        answer = max(answer, counts.listed)
    is_inside = thoughts <= answer and total == prompt + tools + answer
    return prompt, answer, answer if is_inside else answer + thoughts


def _assume(answer: int, call: CallFacts, payload: Payload, flags: list[Flag]) -> Mapping[str, int]:
    model = (payload.model or call.model or "").lower()
    for mark, kind, word in _MAKERS:
        if mark in model and "embedding" not in model:
            flags.append(say.no_modality(word))
            return {**_NO_KINDS, kind: answer}
    return _NO_KINDS


def _sum_kinds(
    usage: Mapping[str, object], path: str, flags: list[Flag], *keys: str
) -> tuple[Mapping[str, int], int]:
    """Tokens by modality, and all that are listed."""
    for key in keys:
        if usage.get(key):
            break
    else:
        return _NO_KINDS, 0
    if not isinstance(usage[key], list):
        flags.append(say.details_unreadable(key))
        return _NO_KINDS, 0
    kinds, listed = dict(_NO_KINDS), 0
    for index, value in enumerate(read_list(usage, path, key)):
        at = f"{path}.{key}[{index}]"
        item = read_object(value, at)
        count = read_count(item, at, "tokenCount", "token_count", "tokens") or 0
        listed += count
        word = item.get("modality")
        kind = _SNAKE_KINDS.get(word.lower()) if isinstance(word, str) else None
        if kind:
            kinds[kind] += count
    return kinds, listed
