"""What a provider's answer says about its bill, wherever in it that stands.

`read_payload` finds the usage object in plain bodies, lines of batch files, wrappers and streams,
and keeps, as `Payload.facts`, what else decides the cost. Facts are stored with the call for ever:
counts, codes and names of models only, never a text that somebody wrote.

| fact | meaning |
| --- | --- |
| `model` | the model that answered |
| `service_tier`, `latency` | as the answer names them, outside the usage |
| `batch` | true: the answer is a line of a batch, or a batch |
| `status`, `http_status` | how it ended: `failed`, `expired`; of a batch's line |
| `is_error`, `error_type`, `error_status`, `partial` | an error, its code, after some output |
| `refused` | true: a classifier declined (Anthropic) |
| `web_searches`, `file_searches`, `code_sessions` | uses of OpenAI's tools that are billed |
| `search_tool` | `preview`: the older web search tool with another price |
| `grounding_queries`, `grounding_prompts`, `maps_prompts` | Google's, both ways it bills |
| `images`, `video_seconds`, `audio_seconds`, `annotated_pages` | billed without tokens |
| `quality`, `size` | of pictures and videos |
| `reranked` | true: an answer of a reranker that counts nothing (Bedrock) |
| `other_usages` | usage of other models in the same answer: `model`, `api`, `usage` |
| `unmetered_images` | pictures a tool made whose usage is not stated |
"""

from collections.abc import Mapping

from aihub.pricing.models import Payload
from aihub.pricing.payload_facts import collect_facts, find_usage, note_status, read_headers
from aihub.pricing.payload_streams import read_stream
from aihub.pricing.payload_tools import Facts

_DEEPEST = 6
_WRAPPERS = (
    "result",
    "response",
    "body",
    "message",
    "modelOutput",
    "metadata",
    "x_groq",
    "delta",
    "data",
)
_LINES = frozenset({"custom_id", "recordId", "key"})


def read_payload(response: object, *, api: str | None, provider: str | None) -> Payload:
    """The usage and the facts of an answer as it came: a body, or `{"stream_events": [...]}`.

    Never raises: what has another form than a provider sends is not found. `api` and `provider` are
    what the caller knows; the answer's own keys go before them.
    """
    del provider
    if isinstance(response, dict):
        events = response.get("stream_events")
        if isinstance(events, list):
            return read_stream(events, "response.stream_events")
        return _read_body(response, api)
    if isinstance(response, list):  # a stream that came as one JSON array
        return read_stream(response, "response")
    return Payload()


def _read_body(response: Mapping[str, object], api: str | None) -> Payload:
    facts: Facts = {}
    body, path = response, "response"
    for _ in range(_DEEPEST):
        collect_facts(body, facts)
        usage, at = find_usage(body, path)
        if usage is not None:
            return Payload(usage=usage, path=at, facts=facts)
        inner = _unwrap(body, facts)
        if inner is None:
            break
        body, path = body[inner], f"{path}.{inner}"  # type: ignore[assignment] # _unwrap saw that it is a mapping
    _count_pictures(response, api, facts)
    headers = read_headers(response)
    if headers is None:
        return Payload(facts=facts)
    return Payload(usage=headers, path="response.ResponseMetadata.HTTPHeaders", facts=facts)


def _unwrap(body: Mapping[str, object], facts: Facts) -> str | None:
    """In which of its fields a wrapper has the answer; None when it is none."""
    if not _LINES.isdisjoint(body) and ("result" in body or "response" in body):
        facts["batch"] = True
    if "recordId" in body and "modelOutput" in body:
        facts["batch"] = True
    for key in _WRAPPERS:
        inner = body.get(key)
        if not isinstance(inner, dict):
            continue
        is_record = key == "data" and "native_tokens_prompt" in inner
        if key in ("metadata", "data") and not (isinstance(inner.get("usage"), dict) or is_record):
            continue  # what the caller wrote for itself
        if key in ("result", "response"):
            note_status(inner, facts)
        return key
    return None


def _count_pictures(response: Mapping[str, object], api: str | None, facts: Facts) -> None:
    """Pictures in a body of an image API that names them in no way we know."""
    data = response.get("data")
    if "images" not in facts and "image" in (api or "").lower() and isinstance(data, list) and data:
        facts["images"] = len(data)
