"""The facts of one body that count beside its usage, and where in it the usage is. Never raises."""

import re
from collections.abc import Callable
from decimal import Decimal

from aihub.pricing.payload_tools import (
    CODE,
    Body,
    Facts,
    name_model,
    note_drawing,
    note_grounding,
    note_output,
    note_tool_usage,
    note_tools,
)

_LONGEST_COUNT = 12
_SIZE = re.compile(r"[A-Za-z0-9_]{1,16}")
_USAGE_KEYS = ("usage", "usageMetadata", "usage_metadata", "usage_info")
# Bodies whose counts stand among the answer itself, and usage objects that came alone: of these
# only numbers are taken, what is known to be nested, and words of the rate.
_BARE = frozenset(
    {
        "prompt_eval_count",
        "eval_count",
        "generation_token_count",
        "prompt_tokens",
        "completion_tokens",
        "input_tokens",
        "output_tokens",
        "total_tokens",
        "promptTokenCount",
        "totalTokenCount",
        "inputTokens",
        "outputTokens",
        "billed_units",
    }
)
_TRANSCRIPT = frozenset({"text", "segments", "task", "language"})
_NESTED = frozenset(
    {
        "cache_creation",
        "server_tool_use",
        "iterations",
        "billed_units",
        "tokens",
        "cacheDetails",
        "server_side_tool_usage_details",
        "connectors",
        "cost",
    }
)
_WORDS = frozenset({"service_tier", "serviceTier", "speed", "inference_geo", "trafficType", "type"})
_METRICS = "amazon-bedrock-invocationMetrics"
_HEADERS = {
    "x-amzn-bedrock-input-token-count": "inputTokenCount",
    "x-amzn-bedrock-output-token-count": "outputTokenCount",
    "x-amzn-bedrock-cache-read-input-token-count": "cacheReadInputTokenCount",
    "x-amzn-bedrock-cache-write-input-token-count": "cacheWriteInputTokenCount",
}


def collect_facts(body: Body, facts: Facts) -> None:
    """Adds what `body` says to `facts`; what an outer wrapper said stays."""
    for key in body.keys() & _COLLECTORS.keys():
        value = body[key]
        if value is not None:
            _COLLECTORS[key](value, body, facts)
    if "other_usages" in facts:
        facts.pop("unmetered_images", None)


def find_usage(body: Body, path: str) -> tuple[object | None, str]:
    """The usage object of one body and the path to it; None when it has none."""
    usage = body.get("usage")
    if usage is not None:
        if "native_tokens_prompt" in body:
            return _take_generation(body), path
        return usage, f"{path}.usage"
    for key in _USAGE_KEYS:
        usage = body.get(key)
        if usage is not None:
            return usage, f"{path}.{key}"
    meta = body.get("meta")
    if isinstance(meta, dict) and (meta.get("billed_units") or meta.get("tokens")):
        kept = ("billed_units", "tokens", "cached_tokens")
        return {key: meta[key] for key in kept if key in meta}, f"{path}.meta"
    is_bare = not _BARE.isdisjoint(body) and _METRICS not in body
    if is_bare and any(body.get(key) is not None for key in _BARE):
        return _take_bare(body), path
    if body.get(_METRICS) is not None:
        return body[_METRICS], f"{path}.{_METRICS}"
    if body.get("inputTextTokenCount") is not None:
        return _take_titan(body), path
    return _take_embeddings(body), path


def read_headers(body: Body) -> dict[str, int] | None:
    """The counts that boto3 leaves in the headers of InvokeModel; None when there are none."""
    metadata = body.get("ResponseMetadata")
    headers = metadata.get("HTTPHeaders") if isinstance(metadata, dict) else None
    if not isinstance(headers, dict):
        return None
    counts = {}
    for header, name in _HEADERS.items():
        value = headers.get(header)
        if isinstance(value, str) and value.isascii() and value.isdecimal():
            counts[name] = int(value[:_LONGEST_COUNT])
    return counts or None


def note_status(inner: Body, facts: Facts) -> None:
    """How a line of a batch ended: its type, its HTTP status."""
    kind, status = inner.get("type"), inner.get("status_code")
    if isinstance(kind, str) and kind in ("succeeded", "errored", "canceled", "expired"):
        facts["status"] = kind
    if type(status) is int:
        facts["http_status"] = status


def note_error(error: object, facts: Facts) -> None:
    """That an answer is an error, and its code."""
    facts["is_error"] = True
    if not isinstance(error, dict):
        return
    inner = error.get("error")
    if isinstance(inner, dict):
        error = inner
    for key in ("code", "status", "type", "__type"):
        value = error.get(key)
        if type(value) is int:
            facts.setdefault("error_status", value)
        elif isinstance(value, str) and CODE.fullmatch(value):
            facts.setdefault("error_type", value)


def note_look(body: Body, facts: Facts) -> None:
    """Quality and size of pictures or films, as far as the answer names them."""
    for key in ("quality", "size"):
        value = body.get(key)
        if isinstance(value, str) and _SIZE.fullmatch(value):
            facts[key] = value.lower()


def _take_bare(body: Body) -> dict[str, object]:
    return {
        key: value
        for key, value in body.items()
        if (isinstance(value, int | float | Decimal) and key != "duration")
        or (isinstance(value, dict | list) and (key in _NESTED or key.lower().endswith("details")))
        or (key in _WORDS and isinstance(value, str) and CODE.fullmatch(value))
    }


def _take_titan(body: Body) -> dict[str, object]:
    taken: dict[str, object] = {"inputTextTokenCount": body["inputTextTokenCount"]}
    results = body.get("results")
    if isinstance(results, list):
        taken["results"] = [
            {"tokenCount": result.get("tokenCount")}
            for result in results
            if isinstance(result, dict)
        ]
    if body.get("totalOutputTextTokenCount") is not None:
        taken["totalOutputTextTokenCount"] = body["totalOutputTextTokenCount"]
    return taken


def _take_embeddings(body: Body) -> dict[str, object] | None:
    """What Google counts for each text beside its vector, added up: tokens, billable characters."""
    many = body.get("embeddings") or body.get("predictions") or body.get("embedding")
    tokens, is_counted = 0, False
    for item in many if isinstance(many, list) else (many,):
        inner = item.get("embeddings", item) if isinstance(item, dict) else None
        statistics = inner.get("statistics") if isinstance(inner, dict) else None
        if not isinstance(statistics, dict):
            continue
        count = statistics.get("tokenCount", statistics.get("token_count"))
        if isinstance(count, float) and count.is_integer():
            count = int(count)
        if type(count) is int and 0 <= count <= 10**_LONGEST_COUNT:
            tokens, is_counted = tokens + count, True
    metadata = body.get("metadata")
    characters = metadata.get("billableCharacterCount") if isinstance(metadata, dict) else None
    taken: dict[str, object] = {"embeddedTokenCount": tokens} if is_counted else {}
    if characters is not None and many is not None:
        taken["billableCharacterCount"] = characters
    return taken or None


def _take_generation(body: Body) -> dict[str, object]:
    """OpenRouter's record of a past request, where `usage` is the charge."""
    return {
        "prompt_tokens": body.get("native_tokens_prompt"),
        "completion_tokens": body.get("native_tokens_completion"),
        "prompt_tokens_details": {"cached_tokens": body.get("native_tokens_cached")},
        "completion_tokens_details": {"reasoning_tokens": body.get("native_tokens_reasoning")},
        "cost": body.get("total_cost"),
        "is_byok": body.get("is_byok"),
        "cost_details": {"upstream_inference_cost": body.get("upstream_inference_cost")},
    }


def _note_results(value: object, body: Body, facts: Facts) -> None:
    """Texts in the order of a reranker."""
    del body
    first = value[0] if isinstance(value, list) and value else None
    if isinstance(first, dict) and not {"relevanceScore", "relevance_score"}.isdisjoint(first):
        facts["reranked"] = True


def _note_model(value: object, body: Body, facts: Facts) -> None:
    del value
    if "model" not in facts:
        model = name_model(body)
        if model:
            facts["model"] = model


def _note_tier(value: object, body: Body, facts: Facts) -> None:
    del body
    tier = value.get("type") if isinstance(value, dict) else value
    if isinstance(tier, str) and CODE.fullmatch(tier):
        facts.setdefault("service_tier", tier)


def _note_latency(value: object, body: Body, facts: Facts) -> None:
    del body
    if isinstance(value, dict) and value.get("latency") == "optimized":
        facts["latency"] = "optimized"


def _note_error_field(value: object, body: Body, facts: Facts) -> None:
    del body
    if value:
        note_error(value, facts)


def _note_aws_error(value: object, body: Body, facts: Facts) -> None:
    """An error as boto3 has it: its code and, beside it, the HTTP status."""
    if not isinstance(value, dict):
        return
    metadata = body.get("ResponseMetadata")
    status = metadata.get("HTTPStatusCode") if isinstance(metadata, dict) else None
    note_error({"type": value.get("Code"), "status": status}, facts)


def _note_error_type(value: object, body: Body, facts: Facts) -> None:
    if isinstance(value, str):
        note_error(body, facts)


def _note_type(value: object, body: Body, facts: Facts) -> None:
    del body
    if value == "error":
        facts["is_error"] = True


def _note_stop(value: object, body: Body, facts: Facts) -> None:
    del body
    if value == "refusal":
        facts["refused"] = True


def _note_object(value: object, body: Body, facts: Facts) -> None:
    if value == "batch":
        facts["batch"] = True
    status = body.get("status")
    has_status = value in ("response", "video", "realtime.response") and isinstance(status, str)
    if has_status and status != "completed" and CODE.fullmatch(str(status)):
        facts["status"] = status
    if value == "video":
        seconds = _read_seconds(body.get("seconds"))
        if seconds is not None:
            facts["video_seconds"] = seconds
        note_look(body, facts)


def _note_candidates(value: object, body: Body, facts: Facts) -> None:
    del body
    note_grounding(value, set(), facts)


def _note_data(value: object, body: Body, facts: Facts) -> None:
    """Pictures; a list of embeddings or of models is none."""
    if not isinstance(value, list) or not value:
        return
    first = value[0]
    if isinstance(first, dict) and not {"b64_json", "url", "image_url"}.isdisjoint(first):
        facts["images"] = len(value)
        note_look(body, facts)


def _note_pictures(value: object, body: Body, facts: Facts) -> None:
    if not isinstance(value, list) or not value:
        return
    first = value[0]
    is_picture = isinstance(first, str) or (
        isinstance(first, dict)
        and not {"bytesBase64Encoded", "gcsUri", "image", "url", "mimeType"}.isdisjoint(first)
    )
    if is_picture:
        facts["images"] = len(value)
        note_look(body, facts)


def _note_duration(value: object, body: Body, facts: Facts) -> None:
    """The length of a transcript's audio; other durations are of no interest."""
    if not _TRANSCRIPT.isdisjoint(body):
        seconds = _read_seconds(value)
        if seconds is not None:
            facts["audio_seconds"] = seconds


def _note_annotation(value: object, body: Body, facts: Facts) -> None:
    """Pages of an OCR that were annotated: all, when the document or its pictures were."""
    info, pages = body.get("usage_info"), body.get("pages")
    count = info.get("pages_processed") if isinstance(info, dict) else None
    if type(count) is not int or count < 0:
        return
    pages = pages if isinstance(pages, list) else []
    pictures = [
        picture
        for page in pages
        if isinstance(page, dict) and isinstance(page.get("images"), list)
        for picture in page["images"]
    ]
    is_annotated = body.get("document_annotation") or any(
        isinstance(picture, dict) and picture.get("image_annotation") for picture in pictures
    )
    if is_annotated:
        facts["annotated_pages"] = count
    del value


def _read_seconds(value: object) -> int | float | None:
    """Seconds that JSON can hold again; what is no such number is not kept."""
    if isinstance(value, str):
        is_plain = value.isascii() and value.isdecimal() and len(value) <= _LONGEST_COUNT
        return int(value) if is_plain else None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not number.is_finite() or not 0 <= number <= 10**_LONGEST_COUNT:
        return None
    return int(number) if number % 1 == 0 else float(number)


_COLLECTORS: dict[str, Callable[[object, Body, Facts], None]] = {
    "model": _note_model,
    "modelVersion": _note_model,
    "model_version": _note_model,
    "service_tier": _note_tier,
    "serviceTier": _note_tier,
    "performanceConfig": _note_latency,
    "error": _note_error_field,
    "Error": _note_aws_error,
    "__type": _note_error_type,
    "type": _note_type,
    "stop_reason": _note_stop,
    "object": _note_object,
    "output": note_output,
    "results": _note_results,
    "tool_usage": note_tool_usage,
    "tools": note_tools,
    "svg_usage": note_drawing,
    "candidates": _note_candidates,
    "data": _note_data,
    "predictions": _note_pictures,
    "generatedImages": _note_pictures,
    "images": _note_pictures,
    "duration": _note_duration,
    "usage_info": _note_annotation,
}
