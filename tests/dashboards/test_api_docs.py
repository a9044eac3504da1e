"""The page about the API tells every endpoint and every field."""

from aihub.dashboards.api_docs import list_endpoints
from aihub.main import openapi_document


def test_every_endpoint_is_listed_once() -> None:
    document = openapi_document()
    listed = [(e.path, e.method) for tag in list_endpoints(document).values() for e in tag]
    described = [(path, m.upper()) for path, ms in document["paths"].items() for m in ms]
    assert sorted(listed) == sorted(described)


def test_fields_are_told_with_type_and_bounds() -> None:
    endpoints = {e.anchor: e for tag in list_endpoints(openapi_document()).values() for e in tag}
    body = {f.name: f for f in endpoints["create_conversation"].body}
    assert body["user_id"].is_required
    assert body["user_id"].kind == "string (1…255)"
    assert body["source"].kind == "api | mobile | web"
    assert not body["key"].is_required
    parameters = {f.name for f in endpoints["list_conversations"].parameters}
    assert {"status (query)", "from (query)", "X-Organization-Id (header)"} <= parameters
