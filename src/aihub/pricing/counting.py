"""Tokens counted from text, where no provider reported any: an estimate, told as such.

A stream without usage or one that was broken off is billed for what was generated all the same.
The prompt is `context.request_messages`, the answer `context.completion_text`, or else what the
recorded stream or body says. How close the counts come is in `token_counts`.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from aihub.pricing.models import CallFacts, Flag, Usage
from aihub.pricing.token_counts import PromptCounter, TextCounter, find_count_rule

REQUEST, COMPLETION = "request_messages", "completion_text"
_MAX_CHARACTERS = 8_000_000

_texts = TextCounter(cached_texts=2_000)


class Counted(msgspec.Struct, frozen=True):
    """A usage in our own form, and how it was counted; `flags` say what could not be."""

    usage: dict[str, int]
    method: str
    flags: tuple[Flag, ...] = ()


def count_call(call: CallFacts) -> Counted | None:
    """The tokens of a call by its text; None where there is no text of it."""
    prompt = list(_read_messages(call.context.get(REQUEST)))
    said = call.context.get(COMPLETION)
    answer = [said] if isinstance(said, str) else list(_read_answer(call.response))
    size = sum(len(text) for _, texts, _ in prompt for text in texts) + sum(map(len, answer))
    if not size or size > _MAX_CHARACTERS:
        return None
    rule = find_count_rule(call.model)
    counter = PromptCounter(rule, _texts)
    for role, texts, name in prompt:
        counter.add_prompt(role=role, texts=texts, name=name)
    tokens = counter.meter_answer(("".join(answer),) if answer else ())
    flags = []
    if not prompt:
        flags.append(Flag("prompt_unknown", "the prompt could not be counted: it was not given"))
    if not answer and not isinstance(said, str):
        flags.append(Flag("answer_unknown", "the answer could not be counted: it was not given"))
    return Counted(
        {
            "input_tokens": tokens.input_tokens if prompt else 0,
            "output_tokens": tokens.output_tokens,
        },
        rule.method,
        tuple(flags),
    )


def count_rest(call: CallFacts, usage: Usage) -> Counted | None:
    """The usage of a stream that was broken off: what it began with, and the answer counted."""
    answer = "".join(_read_answer(call.response))
    if not answer or len(answer) > _MAX_CHARACTERS:
        return None
    rule = find_count_rule(call.model)
    counted = PromptCounter(rule, _texts).meter_answer((answer,)).output_tokens
    return Counted(
        {
            "input_tokens": usage.input_tokens,
            "cached_input_tokens": usage.cached_input_tokens,
            "cache_write_5m_tokens": int(usage.parts.get("cache_write_5m", 0)),
            "cache_write_1h_tokens": int(usage.parts.get("cache_write_1h", 0)),
            "output_tokens": max(counted, usage.output_tokens),
        },
        rule.method,
    )


def is_cut_off(response: object) -> bool:
    """Whether a recorded stream of Anthropic's ended before it told what it had generated.

    Its first event counts the prompt and one token of output; the last one counts all.
    """
    events = response.get("stream_events") if isinstance(response, dict) else None
    if not isinstance(events, list) or not events:
        return False
    kinds = [event.get("type") for event in events if isinstance(event, dict)]
    return "message_start" in kinds and "message_delta" not in kinds


def _read_messages(messages: object) -> Iterator[tuple[str, tuple[str, ...], str | None]]:
    """Role, texts and name of each message that has any text."""
    for message in messages if isinstance(messages, list) else ():
        if isinstance(message, dict):
            role, name = message.get("role"), message.get("name")
            texts = tuple(_read_content(message.get("content")))
            yield (
                role if isinstance(role, str) else "user",
                texts,
                name if isinstance(name, str) else None,
            )


def _read_content(content: object) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    for part in content if isinstance(content, list) else ():
        if isinstance(part, dict) and isinstance(part.get("text"), str):
            yield part["text"]


def _read_answer(response: object) -> Iterator[str]:
    if not isinstance(response, dict):
        return
    events = response.get("stream_events")
    for event in events if isinstance(events, list) else [response]:
        if isinstance(event, dict):
            yield from _read_event(event)


def _read_event(event: dict[str, Any]) -> Iterator[str]:
    """The text in one event or body of any provider: deltas of text, of thoughts, of tool calls."""
    for choice in _list(event.get("choices")):  # OpenAI and its many likenesses
        yield from _read_turn(choice.get("delta") or choice.get("message"))
        yield from _words(choice, "text")
    delta = event.get("delta")
    kind = event.get("type")
    if isinstance(delta, str) and isinstance(kind, str) and kind.endswith(".delta"):
        yield delta  # OpenAI responses
    elif isinstance(delta, dict):  # Anthropic, Cohere
        yield from _words(delta, "text", "thinking", "partial_json")
        yield from _read_turn(delta.get("message"))
    block = event.get("contentBlockDelta")  # Bedrock
    if isinstance(block, dict) and isinstance(block.get("delta"), dict):
        yield from _words(block["delta"], "text")
    for candidate in _list(event.get("candidates")):  # Gemini
        content = candidate.get("content")
        if isinstance(content, dict):
            yield from _read_content(content.get("parts"))
    message = event.get("message")
    if isinstance(message, dict) and kind is None:  # Ollama
        yield from _read_turn(message)


def _read_turn(turn: object) -> Iterator[str]:
    if not isinstance(turn, dict):
        return
    content = turn.get("content")
    yield from _read_content([content] if isinstance(content, dict) else content)
    yield from _words(turn, "reasoning_content", "refusal")
    for call in _list(turn.get("tool_calls")):
        function = call.get("function")
        if isinstance(function, dict):
            yield from _words(function, "name", "arguments")


def _words(found: dict[str, Any], *names: str) -> Iterator[str]:
    for name in names:
        value = found.get(name)
        if isinstance(value, str):
            yield value


def _list(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
