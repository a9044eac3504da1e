"""From any provider's usage to disjoint quantities: which shape it is, then what is beside it.

The keys that are present decide, since many servers speak another provider's dialect.
"""

from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from aihub.pricing.components import TOKENS
from aihub.pricing.models import CallFacts, Payload, Usage
from aihub.pricing.quantities import read_count, read_object
from aihub.pricing.usage import (
    anthropic,
    bedrock,
    cohere,
    fees,
    gemini,
    media,
    openai_chat,
    openai_responses,
    own,
    telemetry,
)
from aihub.pricing.usage import flags as say

_DETAILS = (*openai_responses.IN_DETAILS, *openai_responses.OUT_DETAILS)
_OLLAMA_KEYS = frozenset({"prompt_eval_count", "eval_count"})
_TOTALS = ("total_tokens", "totalTokens")
_WITHOUT_OUTPUT = ("embed", "rerank", "voyage", "jina")
_OTHER_FACTS = fees.FACTS | media.FACTS | {"other_usages", "unmetered_images"}
_COUNTED = ("input_tokens", "output_tokens")


def measure_usage(call: CallFacts, payload: Payload) -> Usage | None:
    """What was used, in parts that do not overlap; None when nothing billable is known.

    Raises InvalidUsage for what no provider can have counted, naming the field.
    """
    usage = None
    if payload.usage is not None:
        usage = _read_shape(payload.usage, payload.path, call, payload)
    elif call.context:
        usage = bedrock.read_headers(call) or _read_context(call)
    is_plain = payload.facts.keys().isdisjoint(_OTHER_FACTS)
    if usage is not None and is_plain and not call.context:
        if fees.searches_once(call, payload) and "web_search" not in usage.parts:
            usage.parts["web_search"] = 1
        return usage
    return _add_others(usage, call, payload)


def measure_others(call: CallFacts, payload: Payload) -> Iterator[tuple[str | None, Usage]]:
    """What one answer used of other models (an advisor, a model that declined, a picture tool).

    Each has its model's name, None when it was not told. `measure_usage` leaves them out and says
    so by the flag `other_model`.
    """
    usage = payload.usage
    if isinstance(usage, Mapping) and usage.get("iterations"):
        yield from anthropic.list_others(usage, payload.path, call, payload)
    for index, item in enumerate(_list_other_usages(payload)):
        path = f"facts.other_usages[{index}]"
        model = item.get("model")
        named = model if isinstance(model, str) else None
        api = item.get("api")
        other = replace(call, model=named, api=api if isinstance(api, str) else None)
        measured = _read_shape(item.get("usage"), f"{path}.usage", other, Payload())
        if measured is not None:
            yield named, measured


def _read_shape(  # noqa: C901, PLR0912 - one line for each shape
    raw: object, path: str, call: CallFacts, payload: Payload
) -> Usage | None:
    usage = read_object(raw, path)
    if usage.get("prompt_tokens") is not None or usage.get("completion_tokens") is not None:
        return openai_chat.read_chat(usage, path, call)
    if usage.get("billed_units") is not None or _is_unbilled(usage):
        return cohere.read_cohere(usage, path, call)
    if usage.get("input_tokens") is not None or usage.get("output_tokens") is not None:
        return _read_input_output(usage, path, call, payload)
    keys = usage.keys()
    if keys & openai_chat.KEYS and _has(usage, openai_chat.KEYS):
        return openai_chat.read_chat(usage, path, call)
    if _has(usage, bedrock.LLAMA_KEYS):
        return bedrock.read_llama(usage, path)
    if _has(usage, bedrock.SDK_KEYS):
        return bedrock.read_sdk(usage, path)
    if _has(usage, bedrock.CONVERSE_KEYS):
        return bedrock.read_converse(usage, path)
    if _has(usage, gemini.KEYS):
        return gemini.read_gemini(usage, path, call, payload)
    if _has(usage, gemini.INTERACTION_KEYS):
        return gemini.read_interaction(usage, path, call, payload)
    if _has(usage, gemini.EMBEDDING_KEYS):
        return gemini.read_embeddings(usage, path, call, payload)
    if _has(usage, bedrock.TITAN_KEYS):
        return bedrock.read_titan(usage, path)
    if _has(usage, _OLLAMA_KEYS):
        return _read_ollama(usage, path)
    if _has(usage, telemetry.LANGFUSE_KEYS):
        return telemetry.read_langfuse(usage, path)
    if _has(usage, anthropic.KEYS):
        return anthropic.read_anthropic(usage, path, call, payload)
    if _has(usage, media.PAGE_KEYS):
        return media.read_pages(usage, path, payload)
    if usage.get("type") == "duration" or _has(usage, {"seconds", "duration"}):
        return openai_responses.read_duration(usage, path)
    if _has(usage, own.ONLY_KEYS):
        return own.read_own(usage, path)
    return _read_rest(usage, path, call, payload)


def _read_rest(
    usage: Mapping[str, object], path: str, call: CallFacts, payload: Payload
) -> Usage | None:
    prefix = telemetry.find_prefix(usage)
    if prefix is not None:
        return telemetry.read_attributes(usage, path, prefix)
    if usage.get("total") is not None:
        return telemetry.read_langfuse(usage, path)
    total = read_count(usage, path, *_TOTALS)
    if total is None:
        return None
    said = " ".join((call.api or "", call.provider or "", payload.model or call.model or ""))
    is_input = any(word in said.lower() for word in _WITHOUT_OUTPUT)
    return Usage(parts={"input_text": total} if total else {}, is_split=is_input)


def _read_input_output(
    usage: Mapping[str, object], path: str, call: CallFacts, payload: Payload
) -> Usage:
    keys = usage.keys()
    if not keys.isdisjoint(own.ONLY_KEYS) and not _is_answer(usage):
        return own.read_own(usage, path)
    if usage.get(_DETAILS[0]) is not None or usage.get(_DETAILS[1]) is not None:
        return openai_responses.read_responses(usage, path, call, payload)
    if not keys.isdisjoint(anthropic.KEYS) or call.provider == "anthropic":
        return anthropic.read_anthropic(usage, path, call, payload)
    return openai_responses.read_responses(usage, path, call, payload)


def _read_context(call: CallFacts) -> Usage | None:
    """Tokens that the caller knows although the answer counts none, as Google's embeddings do."""
    known = {name: call.context[name] for name in _COUNTED if name in call.context}
    return own.read_own(known, "context") if known else None


def _is_answer(usage: Mapping[str, object]) -> bool:
    """Whether details of a provider's own show that it is not our form."""
    return any(isinstance(usage.get(key), dict) for key in _DETAILS) or not (
        usage.keys().isdisjoint(anthropic.KEYS)
    )


def _is_unbilled(usage: Mapping[str, object]) -> bool:
    return "tokens" in usage and isinstance(usage["tokens"], dict)


def _read_ollama(usage: Mapping[str, object], path: str) -> Usage:
    """Ollama leaves `prompt_eval_count` out when the prompt was cached."""
    prompt = read_count(usage, path, "prompt_eval_count")
    output = read_count(usage, path, "eval_count") or 0
    parts = {"input_text": prompt or 0, "output_text": output}
    flags = () if prompt is not None else (say.NO_PROMPT,)
    return Usage(parts={name: count for name, count in parts.items() if count}, flags=flags)


def _add_others(usage: Usage | None, call: CallFacts, payload: Payload) -> Usage | None:
    """What the answer and the context know beside the usage."""
    known = Usage() if usage is None else usage
    parts, flags = dict(known.parts), list(known.flags)
    if TOKENS.isdisjoint(parts) and not (usage is not None and parts):
        parts |= media.measure_media(call, payload)
    if usage is not None and fees.searches_once(call, payload):
        parts.setdefault("web_search", 1)
    fees.add_fees(parts, call, payload, flags)
    others = [model or "another model" for model, _ in _name_others(payload)]
    if others:
        flags.append(say.other_model(", ".join(name[:100] for name in others)))
    if payload.facts.get("unmetered_images"):
        flags.append(say.IMAGES_UNMETERED)
    if usage is None and not parts:
        return None
    return replace(known, parts=parts, flags=tuple(flags))


def _name_others(payload: Payload) -> Iterator[tuple[str | None, None]]:
    for item in _list_other_usages(payload):
        model = item.get("model")
        yield (model if isinstance(model, str) else None), None


def _list_other_usages(payload: Payload) -> list[Mapping[str, object]]:
    listed = payload.facts.get("other_usages")
    return [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []


def _has(usage: Mapping[str, object], keys: frozenset[str] | set[str]) -> bool:
    return any(usage.get(key) is not None for key in usage.keys() & keys)
