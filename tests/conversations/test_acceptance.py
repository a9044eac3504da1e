"""What the issue asks for, word for word."""

from typing import Any

from aihub.identity import api as identities

from .conftest import Cast, Person


async def test_a_new_conversation_gives_back_the_callers_ids(cast: Cast) -> None:
    olga = cast.olga.with_headers(X_Organization_Id="org_123")
    made = await olga.post("/conversations", {"user_id": "user_456"})
    assert (made["organization_id"], made["user_id"]) == ("org_123", "user_456")
    assert made["status"] == "active"
    found = await olga.read(made["id"])
    assert found | {"updated_at": None} == made | {"updated_at": None}


async def test_another_organization_gets_nothing(cast: Cast, conversation: str) -> None:
    reply = await cast.cleo.ask("GET", f"/conversations/{conversation}")
    assert (reply.status, reply.json["code"]) == (404, "conversation_not_found")
    assert await cast.cleo.ids("/conversations") == []


async def test_a_message_with_tokens_is_priced(ada: Person, conversation: str) -> None:
    message = await ada.say(conversation, "test message", model="gpt-4", tokens=150)
    assert (message["content"], message["tokens"]) == ("test message", 150)
    reply = await ada.ask("GET", f"/conversations/{conversation}")
    assert '"total_tokens":150,' in reply.text
    assert '"total_cost":0.0045,' in reply.text


async def test_what_is_acknowledged_is_committed(
    cast: Cast, conversation: str, connection: Any
) -> None:
    message = await cast.ada.say(conversation, "kept")
    kept = await connection.fetchval(
        "select content from public.ai_messages where id = $1", message["id"]
    )
    assert kept == "kept"


async def test_both_forms_of_an_organizations_name_mean_the_same(cast: Cast) -> None:
    made = await cast.ada.read(await cast.ada.converse())
    stored = str(cast.ada.organization)
    for name in (made["organization_id"], stored):
        again = await cast.olga.with_headers(X_Organization_Id=name).read(made["id"])
        assert again["organization_id"] == made["organization_id"]


async def test_an_organization_may_be_named_by_a_uuid(cast: Cast, connection: Any) -> None:
    name = "0191f3c0-7b1a-4d2e-9f00-000000000001"
    olga = cast.olga.with_headers(X_Organization_Id=name)
    made = await olga.post("/conversations", {"user_id": name})
    assert (made["organization_id"], made["user_id"]) == (name, name)
    found = await identities.get_organization(connection, name)
    assert found is not None
    assert str(found.id) == name
