"""What an answer used beside its own tokens: tools, searches, other models. Never raises."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

Facts = dict[str, Any]
Body = Mapping[str, object]
CODE = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_NAME = re.compile(r"\S{1,200}")
_DEEPEST_USAGE = 3


def name_model(body: Body) -> str | None:
    """The model that one body or event names."""
    for key in ("model", "modelVersion", "model_version"):
        value = body.get(key)
        if isinstance(value, str) and _NAME.fullmatch(value):
            return value
    return None


def note_other(facts: Facts, model: str | None, api: str | None, usage: Body) -> None:
    """Usage of another model in the same answer: its numbers and nothing else."""
    kept = {"model": model, "api": api, "usage": _keep_numbers(usage, _DEEPEST_USAGE)}
    facts.setdefault("other_usages", []).append(kept)


def count_items(items: object) -> Facts:
    """The billed uses of OpenAI's tools among the items of an answer."""
    searches = files = pictures = 0
    containers: set[str] = set()
    for item in items if isinstance(items, list) else ():
        if not isinstance(item, dict) or item.get("status") == "failed":
            continue
        kind = item.get("type")
        if kind == "web_search_call":
            action = item.get("action")
            searches += not isinstance(action, dict) or action.get("type", "search") == "search"
        elif kind == "file_search_call":
            files += 1
        elif kind == "image_generation_call":
            pictures += 1
        elif kind == "code_interpreter_call":
            container = item.get("container_id")
            containers.add(container if isinstance(container, str) else "")
    counts = {
        "web_searches": searches,
        "file_searches": files,
        "code_sessions": len(containers),
        "unmetered_images": pictures,
    }
    return {name: count for name, count in counts.items() if count}


def note_grounding(candidates: object, queries: set[str], facts: Facts) -> None:
    """Google's searches: `queries` gathers them over a stream, the facts hold how many."""
    for candidate in candidates if isinstance(candidates, list) else ():
        metadata = candidate.get("groundingMetadata") if isinstance(candidate, dict) else None
        if metadata is None and isinstance(candidate, dict):
            metadata = candidate.get("grounding_metadata")
        if not isinstance(metadata, dict):
            continue
        for key in (
            "webSearchQueries",
            "web_search_queries",
            "imageSearchQueries",
            "image_search_queries",
        ):
            found = metadata.get(key)
            if isinstance(found, list):
                queries.update(query for query in found if isinstance(query, str) and query.strip())
        chunks = metadata.get("groundingChunks") or metadata.get("grounding_chunks")
        chunks = chunks if isinstance(chunks, list) else []
        kinds = [chunk for chunk in chunks if isinstance(chunk, dict)]
        if queries or any("web" in chunk for chunk in kinds):
            facts["grounding_prompts"] = 1
        if any("maps" in chunk for chunk in kinds):
            facts["maps_prompts"] = 1
    if queries:
        facts["grounding_queries"] = len(queries)


def note_output(value: object, body: Body, facts: Facts) -> None:
    del body
    for name, count in count_items(value).items():
        facts.setdefault(name, count)
    pictures = [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
    if any("groundingMetadata" in item for item in pictures):
        note_grounding(value, set(), facts)


def note_tool_usage(value: object, body: Body, facts: Facts) -> None:
    """OpenAI's own count of what is billed goes before ours."""
    if not isinstance(value, dict):
        return
    search, pictures = value.get("web_search"), value.get("image_gen")
    if isinstance(search, dict) and type(search.get("num_requests")) is int:
        facts["web_searches"] = max(0, search["num_requests"])
    if isinstance(pictures, dict) and pictures.get("total_tokens"):
        named = _name_picture_model(body)
        note_other(facts, named, "images", pictures)


def note_drawing(value: object, body: Body, facts: Facts) -> None:
    """The author of an SVG is another model than the one that paints."""
    del body
    if isinstance(value, dict) and value.get("total_tokens"):
        note_other(facts, name_model(value), None, value)


def note_tools(value: object, body: Body, facts: Facts) -> None:
    del body
    tools = value if isinstance(value, list) else []
    kinds = [tool.get("type") for tool in tools if isinstance(tool, dict)]
    if any(isinstance(kind, str) and kind.startswith("web_search_preview") for kind in kinds):
        facts["search_tool"] = "preview"


def _name_picture_model(body: Body) -> str | None:
    tools = body.get("tools")
    for tool in tools if isinstance(tools, list) else ():
        if isinstance(tool, dict) and tool.get("type") == "image_generation":
            return name_model(tool)
    return None


def _keep_numbers(usage: Body, depth: int) -> Facts:
    kept: Facts = {}
    for key, value in usage.items():
        is_number = isinstance(value, int | float | Decimal)
        if not CODE.fullmatch(key):
            continue
        if is_number or (key == "type" and isinstance(value, str) and CODE.fullmatch(value)):
            kept[key] = value
        elif isinstance(value, dict) and depth:
            kept[key] = _keep_numbers(value, depth - 1)
    return kept
