"""The functions that other roots call with a connection."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from aihub.identity import api
from aihub.kit.errors import Invalid, NotFound


async def test_twenty_at_once(dsn: str, connection: Any) -> None:
    async def create() -> api.Organization:
        own = await asyncpg.connect(dsn)
        try:
            async with own.transaction():
                return await api.create_organization(own, external_id="busy")
        finally:
            await own.close()

    found = await asyncio.gather(*(create() for _ in range(20)))
    assert len({each.id for each in found}) == 1


async def test_idempotent(connection: Any) -> None:
    first = await api.create_organization(connection, external_id="a", name="A", plan="pro")
    again = await api.create_organization(connection, external_id="a", name="B")
    assert first == again == await api.get_organization(connection, "a")
    assert await api.get_organization(connection, str(first.id)) == first


async def test_a_uuid_is_the_id_in_every_spelling(connection: Any) -> None:
    name = str(uuid4()).upper()
    made = await api.create_organization(connection, external_id=name)
    assert (made.id, made.external_id) == (UUID(name), name)
    assert await api.create_organization(connection, external_id=name.lower()) == made
    assert await api.get_organization(connection, name.lower()) == made
    other = await api.create_organization(connection, external_id=UUID(name).hex)
    assert other.id != made.id


async def test_nobody_takes_the_id_of_another(connection: Any) -> None:
    first = await api.create_organization(connection, external_id="a")
    assert await api.create_organization(connection, external_id=str(first.id)) == first


@pytest.mark.parametrize("name", ["", "x" * 256, "a\x00"])
async def test_unusable_ids(connection: Any, name: str) -> None:
    with pytest.raises(Invalid):
        await api.create_organization(connection, external_id=name)
    assert await api.get_organization(connection, name) is None


@pytest.mark.parametrize(
    "options",
    [{"plan": "gold"}, {"timezone": "Nowhere"}, {"name": ""}, {"name": "x" * 256}],
)
async def test_unusable_settings(connection: Any, options: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        await api.create_organization(connection, external_id="a", **options)


async def test_operator_keys(connection: Any) -> None:
    new = await api.create_api_key(
        connection, organization_id=None, name="x", scopes=api.SCOPES, created_by="test"
    )
    assert new.key.startswith("aho_")
    (listed,) = (await api.list_api_keys(connection, None)).items
    assert (listed.id, listed.prefix, listed.scopes) == (new.id, new.prefix, api.SCOPES)
    revoked = await api.revoke_api_key(connection, new.id)
    assert revoked.revoked_at is not None
    with pytest.raises(NotFound):
        await api.revoke_api_key(connection, uuid4())


@pytest.mark.parametrize(
    "options",
    [
        {"scopes": []},
        {"scopes": ["operate"]},
        {"name": ""},
        {"expires_at": datetime.now(UTC) - timedelta(seconds=1)},
    ],
)
async def test_unusable_keys(connection: Any, options: dict[str, Any]) -> None:
    usual = {"organization_id": None, "name": "x", "scopes": ["read"], "created_by": "test"}
    with pytest.raises(Invalid):
        await api.create_api_key(connection, **{**usual, **options})


async def test_accounts(connection: Any) -> None:
    made = await api.create_account(connection, email="A@b.test", name="A", is_operator=True)
    assert (made.email, made.has_password, made.is_operator) == ("a@b.test", False, True)
    again = await api.create_account(connection, email="a@B.test", password="long enough")
    assert (again.id, again.name, again.has_password, again.is_operator) == (
        made.id,
        "A",
        True,
        True,
    )


@pytest.mark.parametrize(
    "options",
    [
        {"email": "x"},
        {"email": "a b@c.test"},
        {"email": "a@b.test\x00"},
        {"email": "a@b.test", "password": "short"},
        {"email": "a@b.test", "password": "x" * 1025},
        {"email": "a@b.test", "name": "x" * 256},
    ],
)
async def test_unusable_accounts(connection: Any, options: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        await api.create_account(connection, **options)


async def test_unusable_role(connection: Any) -> None:
    made = await api.create_organization(connection, external_id="a")
    with pytest.raises(Invalid):
        await api.add_member(connection, made.id, uuid4(), "king")


@pytest.mark.parametrize("email", ["İstanbul@b.test", "ΑΣ@b.test", "ẞ@b.test", "ა@b.test"])
async def test_addresses_beyond_ascii(connection: Any, email: str) -> None:
    made = await api.create_account(connection, email=email)
    assert (await api.create_account(connection, email=email)).id == made.id
