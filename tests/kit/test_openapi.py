"""The OpenAPI document of the whole application: complete, and one that tools can read."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from aihub.main import openapi_document

DOCUMENT = openapi_document()
PARAMETER = re.compile(r"\{(\w+)\}")
OPERATIONS = [
    (method, path, operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]
each_operation = pytest.mark.parametrize(
    ("method", "path", "operation"), OPERATIONS, ids=[f"{m} {p}" for m, p, _ in OPERATIONS]
)


def _walk(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _walk(item)


def test_every_reference_leads_somewhere() -> None:
    references = {node["$ref"] for node in _walk(DOCUMENT) if isinstance(node.get("$ref"), str)}
    schemas = DOCUMENT["components"]["schemas"]
    assert references
    for reference in references:
        root, _, name = reference.rpartition("/")
        assert (root, name in schemas) == ("#/components/schemas", True), reference


def test_every_schema_is_used() -> None:
    references = {node["$ref"] for node in _walk(DOCUMENT) if isinstance(node.get("$ref"), str)}
    names = set(DOCUMENT["components"]["schemas"])
    queries = {name for name in names if name.endswith(("Query", "Options"))}
    unused = names - queries - {reference.rpartition("/")[2] for reference in references}
    assert unused == set()


def test_operation_ids_are_unique() -> None:
    counted = Counter(operation["operationId"] for _, _, operation in OPERATIONS)
    assert [name for name, times in counted.items() if times > 1] == []
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in counted)


@each_operation
def test_every_operation_is_described(method: str, path: str, operation: Any) -> None:
    assert operation["summary"]
    assert operation["tags"]
    declared = Counter((p["in"], p["name"]) for p in operation.get("parameters", []))
    assert set(declared.values()) <= {1}
    assert {name for where, name in declared if where == "path"} == set(PARAMETER.findall(path))
    assert ("requestBody" in operation) <= (method in ("post", "patch", "put"))
    good = [status for status in operation["responses"] if status.startswith("2")]
    assert good or path.startswith(("/health", "/openapi"))


@each_operation
def test_every_refusal_is_a_problem(method: str, path: str, operation: Any) -> None:
    refusals = {s: r for s, r in operation["responses"].items() if not s.startswith("2")}
    assert "422" in refusals
    assert ({"401", "403"} <= set(refusals)) == bool(operation.get("security"))
    for response in refusals.values():
        assert list(response["content"]) == ["application/problem+json"]
        assert response["description"]
