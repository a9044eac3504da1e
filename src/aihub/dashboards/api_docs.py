"""`/docs`: the API as a page, made from its OpenAPI document."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_REF = "#/components/schemas/"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a body, or a parameter: its name, its type in words, whether it must be given."""

    name: str
    kind: str
    is_required: bool


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint as the page shows it; `answers` are (status, meaning)."""

    method: str
    path: str
    anchor: str
    summary: str
    description: str
    parameters: list[Field]
    body: list[Field]
    answers: list[tuple[str, str]]


def list_endpoints(document: Mapping[str, Any]) -> dict[str, list[Endpoint]]:
    """The endpoints of an OpenAPI document by tag, in its order."""
    schemas = document["components"]["schemas"]
    found: dict[str, list[Endpoint]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            endpoint = Endpoint(
                method=method.upper(),
                path=path,
                anchor=operation["operationId"],
                summary=operation["summary"],
                description=operation["description"],
                parameters=list(_list_parameters(operation)),
                body=list(_list_fields(operation, schemas)),
                answers=[(s, a["description"]) for s, a in operation["responses"].items()],
            )
            found.setdefault(operation["tags"][0], []).append(endpoint)
    return found


def _list_parameters(operation: Mapping[str, Any]) -> Iterator[Field]:
    for parameter in operation["parameters"]:
        name = f"{parameter['name']} ({parameter['in']})"
        yield Field(name, _name_kind(parameter["schema"]), parameter.get("required", False))


def _list_fields(operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> Iterator[Field]:
    if "requestBody" not in operation:
        return
    reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    schema = schemas[reference.removeprefix(_REF)]
    for name, kind in schema["properties"].items():
        yield Field(name, _name_kind(kind), name in schema.get("required", ()))


def _name_kind(schema: Mapping[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_name_kind(option) for option in schema["anyOf"])
    if "enum" in schema:
        return " | ".join("null" if value is None else str(value) for value in schema["enum"])
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix(_REF)
    if schema.get("type") == "array":
        return f"list of {_name_kind(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type") or "any JSON") + _name_bounds(schema)


def _name_bounds(schema: Mapping[str, Any]) -> str:
    low = schema.get("minimum", schema.get("minLength"))
    high = schema.get("maximum", schema.get("maxLength"))
    if low is None and high is None:
        return ""
    return f" ({'' if low is None else low}…{'' if high is None else high})"
