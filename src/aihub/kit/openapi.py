"""The OpenAPI 3.1 document, made from the operations: what is checked is what is described."""

import inspect
import re
from collections.abc import Iterable, Mapping
from types import NoneType
from typing import Any, get_args

import msgspec

from aihub.kit.errors import AppError
from aihub.kit.http import Operation

_PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")
_ALWAYS = (401, 403, 429, 500, 503)
_WRITING = (400, 413, 415, 422, 507)
_REF = "#/components/schemas/{name}"

_PROBLEM = {
    "type": "object",
    "description": "RFC 9457 problem document; `code` is a stable word.",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}


def describe(operations: Iterable[Operation], *, title: str, version: str) -> dict[str, Any]:
    """The document of `operations`."""
    operations = list(operations)
    kinds = _kinds(operations)
    _, components = msgspec.json.schema_components(kinds, ref_template=_REF, schema_hook=_schema)
    schemas = {**components, "Problem": _PROBLEM}
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        path = _PARAMETER.sub(r"{\1}", operation.path)
        paths.setdefault(path, {})[operation.method.lower()] = _describe(operation, components)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version, "license": {"name": "Apache-2.0"}},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "`ahk_…` (an organization's key), `aho_…` (an operator's, with "
                    "`X-Organization-Id`) or a Supabase JWT.",
                }
            },
        },
    }


def _kinds(operations: Iterable[Operation]) -> list[Any]:
    found: dict[Any, None] = {}
    for operation in operations:
        for kind in (operation.body, operation.query, *operation.answers.values()):
            for part in get_args(kind) or (kind,):
                if part is not None and part is not NoneType:
                    found[part] = None
    return list(found)


def _schema(kind: type) -> dict[str, Any]:
    if kind is msgspec.Raw:
        return {"description": "any JSON"}
    raise NotImplementedError(kind)


def _describe(operation: Operation, components: Mapping[str, Any]) -> dict[str, Any]:
    text = inspect.cleandoc(operation.handler.__doc__ or "")
    found: dict[str, Any] = {
        "operationId": operation.handler.__name__,
        "tags": [operation.tag],
        "summary": text.split("\n", 1)[0].split(": ")[0].rstrip("."),
        "description": text,
        "parameters": _parameters(operation, components),
        "responses": _responses(operation),
    }
    if operation.scope is not None:
        found["security"] = [{"bearer": []}]
    if operation.body is not None:
        found["requestBody"] = {
            "required": not operation.is_body_optional,
            "content": {"application/json": {"schema": _ref(operation.body)}},
        }
    return found


def _parameters(operation: Operation, components: Mapping[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PARAMETER.findall(operation.path)
    ]
    if operation.query is not None:
        schema = components[operation.query.__name__]
        required = schema.get("required", [])
        for name, kind in schema["properties"].items():
            plain = {k: v for k, v in kind.items() if not (k == "default" and v is None)}
            if "anyOf" in plain:  # a query has no null
                options = [o for o in plain.pop("anyOf") if o != {"type": "null"}]
                plain |= options[0] if len(options) == 1 else {"anyOf": options}
            if "enum" in plain:
                plain["enum"] = [value for value in plain["enum"] if value is not None]
            found.append(
                {"name": name, "in": "query", "required": name in required, "schema": plain}
            )
    if operation.scope is not None:
        found.append(_header("X-Organization-Id", "for which organization an operator asks"))
    if operation.method == "POST":
        found.append(_header("Idempotency-Key", "the same key and body: the first answer again"))
    return found


def _header(name: str, description: str) -> dict[str, Any]:
    schema = {"type": "string", "maxLength": 255}
    return {"name": name, "in": "header", "description": description, "schema": schema}


def _responses(operation: Operation) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for status, kind in operation.answers.items():
        answer: dict[str, Any] = {"description": _reason(status)}
        if kind is not None:
            answer["content"] = {operation.media_type: {"schema": _ref(kind)}}
        found[str(status)] = answer
    statuses = {*operation.errors, 422}
    if operation.scope is not None:
        statuses |= {*_ALWAYS}
    if operation.is_write:
        statuses |= {*_WRITING}
    if operation.method == "POST":
        statuses.add(409)
    problem = {"application/problem+json": {"schema": {"$ref": _REF.format(name="Problem")}}}
    for status in sorted(statuses):
        found.setdefault(str(status), {"description": _reason(status), "content": problem})
    return found


def _ref(kind: Any) -> dict[str, Any]:
    parts = [part for part in get_args(kind) if part is not NoneType]
    if parts:
        return {"anyOf": [_ref(part) for part in parts]}
    return {"$ref": _REF.format(name=kind.__name__)}


_TITLES = {200: "As asked", 201: "Stored", 204: "Done", 207: "A result for each"}


def _reason(status: int) -> str:
    if status in _TITLES:
        return _TITLES[status]
    for kind in _subclasses(AppError):
        if kind.status == status:
            return kind.title
    return "Refused"


def _subclasses(kind: type[AppError]) -> Iterable[type[AppError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _subclasses(child)
