"""The usage and the facts of a recorded stream, in one pass over its events. Never raises.

- Counts are cumulative with every provider: the last usage wins, and of Anthropic's deltas the last
  value of each field. A delta whose input counts are all zero does not take back those before it.
- Gemini's last chunk counts everything, unless it leaves the prompt out.
- Responses that follow one another on one connection (realtime's `response.done`, messages of an
  agent's loop, turns of a live session) are billed each: they add up.
- Of OpenAI's responses the last event repeats all items; of an aborted one the items are counted.
- An error after some output leaves what was generated to be billed (`partial`).
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from aihub.pricing.models import Payload
from aihub.pricing.payload_facts import collect_facts, find_usage, note_error, note_look
from aihub.pricing.payload_tools import Facts, count_items, name_model, note_grounding, note_other

_TERMINAL = frozenset(
    {"response.completed", "response.done", "response.incomplete", "response.failed"}
)
_TRANSCRIBED = "conversation.item.input_audio_transcription.completed"
_INPUT_COUNTS = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
_OUTPUT = ("choices", "candidates", "contentBlockDelta", "message", "chunk")
_INNER = ("metadata", "x_groq", "delta", "message", "response", "result")
_PROMPT_COUNTS = ("promptTokenCount", "prompt_token_count")
_ADDED = frozenset(
    {"web_searches", "file_searches", "code_sessions", "unmetered_images", "other_usages"}
)
_LARGEST = 10**30


def read_stream(events: list[object], path: str) -> Payload:
    """The usage and the facts of a stream's events."""
    stream = _Stream(path)
    for index, event in enumerate(events):
        if isinstance(event, dict):
            stream.take(_open(event), index)
    return stream.finish()


def _open(event: dict[str, object]) -> dict[str, object]:
    """The event itself, out of what server-sent events and Bedrock's chunks wrap it in."""
    data = event.get("data")
    if isinstance(data, dict) and ("event" in event or len(event) == 1):
        return data
    chunk = event.get("chunk")
    if isinstance(chunk, dict):
        inner = chunk.get("bytes", chunk)
        return inner if isinstance(inner, dict) else event
    return event


class _Stream:
    """What is known after each event."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.at = "usage"
        self.usage: object | None = None
        self.done: object | None = None  # of earlier responses of the same stream
        self.facts: Facts = {}
        self.items: list[object] = []
        self.queries: set[str] = set()
        self.has_output = False
        self.is_live = False
        self.responses: set[str] = set()

    def take(self, event: dict[str, object], index: int) -> None:
        kind = event.get("type")
        if kind is None or not isinstance(kind, str):
            self._take_chunk(event, index)
        elif kind in _TERMINAL:
            self._take_response(event, index)
        elif kind == "message_start":
            self._start_message(event, index)
        elif kind == "message_delta":
            self._take_delta(event, index)
        elif kind == "error":
            self._take_error(event)
        elif kind == "response.output_item.done":
            self.items.append(event.get("item"))
            self.has_output = True
        elif kind == _TRANSCRIBED:
            self._take_transcript(event)
        elif kind.endswith(("delta", "_start", "_stop", ".added")):
            self.has_output = True  # content, of which there is much
            if kind == "message_stop":
                self._take_chunk(event, index)
        else:
            self._take_chunk(event, index)

    def finish(self) -> Payload:
        usage = _add(self.done, self.usage) if self.done is not None else self.usage
        if self.items and not self.responses:
            for name, count in count_items(self.items).items():
                self.facts.setdefault(name, count)
        if self.facts.get("is_error") and self.has_output:
            self.facts["partial"] = True
        return Payload(usage=usage, path=self.at, facts=self.facts)

    def _take_chunk(self, event: dict[str, object], index: int) -> None:
        """Chat chunks, Gemini's chunks, Bedrock's and whatever else has a usage or a name."""
        if not self.has_output:
            self.has_output = any(event.get(key) for key in _OUTPUT)
        if "candidates" in event:
            note_grounding(event["candidates"], self.queries, self.facts)
        if "model" not in self.facts:
            self._name(event)
        if event.get("quality") or event.get("size"):
            note_look(event, self.facts)
        tier = event.get("service_tier")
        if isinstance(tier, str):
            rated: Facts = {}
            collect_facts({"service_tier": tier}, rated)
            self.facts.update(rated)
        if event.get("error"):
            note_error(event["error"], self.facts)
        usage, at = find_usage(event, f"{self.path}[{index}]")
        if usage is None:
            usage, at = self._look_inside(event, index)
        if usage is not None:
            self._take_usage(usage, at, event)
        self._follow_live(event)

    def _look_inside(self, event: dict[str, object], index: int) -> tuple[object | None, str]:
        for key in _INNER:
            inner = event.get(key)
            if isinstance(inner, dict):
                collect_facts(inner, self.facts)
                usage, at = find_usage(inner, f"{self.path}[{index}].{key}")
                if usage is not None:
                    return usage, at
        return None, ""

    def _take_usage(self, usage: object, at: str, event: Mapping[str, object]) -> None:
        last = self.usage
        is_split = isinstance(last, dict) and "output_tokens" in last
        if is_split and "amazon-bedrock-invocationMetrics" in event:
            return  # Anthropic's events said it with the split of the cache
        if isinstance(usage, dict) and isinstance(last, dict):
            is_short = any(key in last and key not in usage for key in _PROMPT_COUNTS)
            usage = last | usage if is_short else usage
        self.usage, self.at = usage, at

    def _follow_live(self, event: Mapping[str, object]) -> None:
        """Gemini's live sessions bill each turn."""
        content = event.get("serverContent")
        if not isinstance(content, dict):
            return
        self.is_live = self.has_output = True
        if content.get("turnComplete") and self.usage is not None:
            self.done = self.usage if self.done is None else _add(self.done, self.usage)
            self.usage = None

    def _take_response(self, event: dict[str, object], index: int) -> None:
        body = event.get("response")
        if not isinstance(body, dict):
            return
        name = body.get("id")
        known = isinstance(name, str) and name in self.responses
        facts: Facts = {}
        collect_facts(body, facts)
        usage, at = find_usage(body, f"{self.path}[{index}].response")
        if known or not self.responses:
            self.facts.update(facts)
        else:
            self._add_facts(facts)
        self.responses.add(name if isinstance(name, str) else f"[{index}]")
        if usage is None:
            return
        if self.usage is not None and not known:
            self.done = self.usage if self.done is None else _add(self.done, self.usage)
        self.usage, self.at = usage, at

    def _add_facts(self, facts: Facts) -> None:
        for name, value in facts.items():
            is_added = name in _ADDED and name in self.facts
            self.facts[name] = self.facts[name] + value if is_added else value

    def _start_message(self, event: dict[str, object], index: int) -> None:
        message = event.get("message")
        if not isinstance(message, dict):
            return
        collect_facts(message, self.facts)
        if message.get("usage") is None:
            return
        if self.usage is not None:  # the message before is billed by itself
            self.done = self.usage if self.done is None else _add(self.done, self.usage)
        self.usage, self.at = message["usage"], f"{self.path}[{index}].message.usage"

    def _take_delta(self, event: dict[str, object], index: int) -> None:
        self.has_output = True
        delta, usage = event.get("delta"), event.get("usage")
        if isinstance(delta, dict):
            collect_facts({"stop_reason": delta.get("stop_reason")}, self.facts)
        if not isinstance(usage, dict):
            self.usage = self.usage if usage is None else usage
            return
        known = {key: value for key, value in usage.items() if value is not None}
        last = self.usage
        if isinstance(last, dict):
            if not any(known.get(key) for key in _INPUT_COUNTS):
                known = {key: known[key] for key in known if key not in _INPUT_COUNTS}
            known = last | known
        self.usage, self.at = known, f"{self.path}[{index}].usage"

    def _take_transcript(self, event: dict[str, object]) -> None:
        """Billed at the rates of a transcribing model, which the event does not name."""
        usage = event.get("usage")
        if isinstance(usage, dict):
            note_other(self.facts, None, "audio.transcriptions", usage)

    def _take_error(self, event: dict[str, object]) -> None:
        note_error(event.get("error", event), self.facts)

    def _name(self, event: dict[str, object]) -> None:
        model = name_model(event)
        for key in ("response", "message", "session"):
            inner = event.get(key)
            if model is None and isinstance(inner, dict):
                model = name_model(inner)
        if model is not None:
            self.facts["model"] = model


def _add(one: Any, other: Any) -> Any:
    """Two usage objects added field by field; what cannot be added is kept to be refused."""
    if other is None:
        return one
    if isinstance(one, dict) and isinstance(other, dict):
        summed = dict(one)
        for key, value in other.items():
            summed[key] = _add(summed[key], value) if summed.get(key) is not None else value
        return summed
    if isinstance(one, list) and isinstance(other, list):
        return one + other
    if _is_count(one) and _is_count(other):
        return one + other
    return one if _is_count(other) else other


def _is_count(value: object) -> bool:
    if isinstance(value, Decimal):
        return value.is_finite() and abs(value) < _LARGEST
    return type(value) is int
