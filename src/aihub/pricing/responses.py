"""Where in a provider's answer its usage object is: plain bodies, batch lines and streams."""

from collections.abc import Mapping

from msgspec.structs import replace

from aihub.pricing.models import FoundUsage

_USAGE_KEYS = ("usage", "usageMetadata", "usage_metadata")
_TOP_LEVEL_KEYS = ("prompt_eval_count", "eval_count", "prompt_tokens", "input_tokens")
# a batch result, a line of a batch file, a stream event and Bedrock's metadata wrap the body
_WRAPPERS = (
    ("result",),
    ("result", "message"),
    ("response", "body"),
    ("response",),
    ("message",),
    ("metadata",),
    ("x_groq",),
)


def find_usage(response: object) -> FoundUsage | None:
    """The usage of a raw body or of `{"stream_events": [...]}`; None where none is stated.

    In a stream the last usage wins, as every provider's counts are cumulative. Anthropic spreads it
    over `message_start` and `message_delta`: there the last value of each field wins.
    """
    if not isinstance(response, dict):
        return None
    events = response.get("stream_events")
    if isinstance(events, list):
        return _find_in_stream(events)
    return _find_in_body(response, "response")


def name_model(response: object) -> str | None:
    """The model that a body or stream without any usage names."""
    if not isinstance(response, dict):
        return None
    events = response.get("stream_events")
    bodies = events if isinstance(events, list) else [response]
    named = (_text(part, "model") for body in bodies for part, _ in _unwrap(body, ""))
    return next((model for model in named if model), None)


def _find_in_body(body: object, path: str) -> FoundUsage | None:
    found: FoundUsage | None = None
    for part, at in _unwrap(body, path):
        usage, usage_at = _take_usage(part, at)
        if usage is not None and found is None:
            found = FoundUsage(usage, usage_at)
        if found is not None:
            found = replace(
                found,
                model=found.model or _text(part, "model") or _text(part, "modelVersion"),
                service_tier=found.service_tier or _text(part, "service_tier"),
            )
    return found


def _take_usage(part: Mapping[str, object], path: str) -> tuple[object, str]:
    for key in _USAGE_KEYS:
        if part.get(key) is not None:
            return part[key], f"{path}.{key}"
    if any(part.get(key) is not None for key in _TOP_LEVEL_KEYS):
        return part, path
    return None, path


def _unwrap(body: object, path: str) -> list[tuple[dict[str, object], str]]:
    """The body and every object it may be wrapped in, outermost first."""
    if not isinstance(body, dict):
        return []
    parts = [(body, path)]
    for wrapper in _WRAPPERS:
        inner: object = body
        for key in wrapper:
            inner = inner.get(key) if isinstance(inner, dict) else None
        if isinstance(inner, dict):
            parts.append((inner, f"{path}.{'.'.join(wrapper)}"))
    return parts


def _find_in_stream(events: list[object]) -> FoundUsage | None:
    last: FoundUsage | None = None
    for index, event in enumerate(events):
        found = _find_in_body(event, f"response.stream_events[{index}]")
        if found is None:
            continue
        if last is not None:
            found = _follow(last, found, is_delta=_text(event, "type") == "message_delta")
        last = found
    return last


def _follow(last: FoundUsage, found: FoundUsage, *, is_delta: bool) -> FoundUsage:
    usage = found.usage
    if is_delta and isinstance(last.usage, dict) and isinstance(usage, dict):
        usage = last.usage | {key: value for key, value in usage.items() if value is not None}
    return replace(
        found,
        usage=usage,
        model=found.model or last.model,
        service_tier=found.service_tier or last.service_tier,
    )


def _text(part: object, key: str) -> str | None:
    value = part.get(key) if isinstance(part, dict) else None
    return value if isinstance(value, str) and value else None
