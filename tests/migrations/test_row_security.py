"""Who sees and may do what, by every door that the catalogue knows."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from . import filling
from .filling import Tenant

TABLES = """
select format('%I.%I', n.nspname, c.relname)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname = any ($1) order by 1
"""
FUNCTIONS = """
select p.oid, p.proname, p.prorettype::regtype::text as returns,
  array(select format('(case when random() > 2 then null end)::%s', a::regtype)
    from unnest(p.proargtypes::oid[]) a) as nulls  -- not constants: they would be folded, uncalled
from pg_proc p where p.pronamespace = 'hub'::regnamespace order by 2, 1
"""
# of views, before rights are looked at
_UNWRITABLE = (asyncpg.WrongObjectTypeError, asyncpg.ObjectNotInPrerequisiteStateError)
OURS = ["public", "hub", "hub_part"]
OPEN_TO_MEMBERS = {"visible_organizations", "uuid7", "uuid7_time"}
WRITES = {
    "insert": "insert into {} default values",
    "update": "update {} set organization_id = organization_id",
    "delete": "delete from {}",
    "truncate": "truncate {}",
    "lock": "lock table {} in exclusive mode",
}


@dataclass(frozen=True)
class World:
    """Two organizations, and somebody who is a member of both."""

    database: str
    alpha: Tenant
    beta: Tenant
    both: UUID


@pytest.fixture(scope="module")
def world(server: Any) -> World:
    """Made once: every test gives its transaction up."""
    return asyncio.run(_make_world(server))


async def _make_world(server: Any) -> World:
    database = await server.create_migrated()
    hub = await asyncpg.connect(server.hub(database))
    alpha = await filling.create_tenant(hub, "alpha")
    beta = await filling.create_tenant(hub, "beta")
    both = uuid4()
    await hub.executemany(
        "insert into public.ai_members (organization_id, account_id) values ($1, $2)",
        [(alpha.id, both), (beta.id, both)],
    )
    # a partition that was made later, with rows in it
    old = datetime(2024, 5, 6, tzinfo=UTC)
    await hub.fetchval("select hub.ensure_partitions($1, $1)", old)
    for tenant in (alpha, beta):
        conversation = await filling.create_conversation(hub, tenant.id, old)
        row = filling.Row(tenant.id, conversation, filling.uuid7(), at=old)
        assert await filling.add_messages(hub, row) == [("created", 1)]
    await hub.close()
    return World(database, alpha, beta, both)


@pytest.fixture
async def visitor(connect, world: World) -> AsyncIterator[asyncpg.Connection]:
    """A connection whose transaction is given up after the test."""
    connection = await connect(world.database)
    transaction = connection.transaction()
    await transaction.start()
    yield connection
    await transaction.rollback()


async def become(
    connection: asyncpg.Connection, role: str, claims: dict[str, Any] | str | None = None
) -> None:
    """What PostgREST does at the start of each request."""
    text = claims if isinstance(claims, str) else json.dumps(claims) if claims is not None else ""
    await connection.execute(
        "select set_config('role', $1, true), set_config('request.jwt.claims', $2, true)",
        role,
        text,
    )


async def attempt(
    connection: asyncpg.Connection, sql: str, *values: Any
) -> list[asyncpg.Record] | None:
    """The rows, or None when permission was denied, or when it is a view that nobody can write.

    Another error is an error of the test.
    """
    try:
        async with connection.transaction():
            return await connection.fetch(sql, *values)
    except (asyncpg.InsufficientPrivilegeError, *_UNWRITABLE):
        return None


async def names(connection: asyncpg.Connection, schemas: list[str]) -> list[str]:
    found = [row[0] for row in await connection.fetch(TABLES, schemas)]
    assert found
    return found


async def test_every_table_has_row_security_and_rows(visitor) -> None:
    unprotected = await visitor.fetch(
        "select c.oid::regclass::text from pg_class c where c.relkind in ('r', 'p') "
        "and c.relnamespace::regnamespace::text = any ($1) and not c.relrowsecurity",
        OURS,
    )
    assert unprotected == []
    for table in await names(visitor, ["public", "hub"]):  # else the other tests prove nothing
        assert await visitor.fetchval(f"select count(*) from {table}"), table


async def test_views_obey_the_reader(visitor) -> None:
    owners_eyes = await visitor.fetch(
        "select c.oid::regclass::text from pg_class c where c.relkind = 'v' "
        "and c.relnamespace::regnamespace::text = any ($1) "
        "and not coalesce('security_invoker=true' = any (c.reloptions), false)",
        OURS,
    )
    assert owners_eyes == []


@pytest.mark.parametrize("claims", [None, {"role": "anon"}, "members"])
async def test_anon_sees_nothing(world, visitor, claims) -> None:
    tables = await names(visitor, OURS)
    claims = {"sub": str(world.alpha.member)} if claims == "members" else claims
    await become(visitor, "anon", claims)
    seen = {table: await attempt(visitor, f"select * from {table}") for table in tables}
    assert {table for table, rows in seen.items() if rows} == set()


@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role"])
@pytest.mark.parametrize("what", WRITES)
async def test_nobody_but_the_hub_writes(world, visitor, role, what) -> None:
    tables = await names(visitor, OURS)
    await become(visitor, role, {"sub": str(world.both)})
    for table in tables:
        sql = WRITES[what].format(table)
        if what == "update":  # any column will do
            column = await visitor.fetchval(
                "select quote_ident(attname) from pg_attribute where attnum = 1 and attrelid = "
                "(select c.oid from pg_class c where format('%I.%I', c.relnamespace::regnamespace, "
                "c.relname) = $1)",
                table,
            )
            sql = f"update {table} set {column} = {column}"
        assert await attempt(visitor, sql) is None, sql


@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role"])
async def test_the_hubs_functions_are_the_hubs(visitor, world, role) -> None:
    functions = await visitor.fetch(FUNCTIONS)
    assert len(functions) > 10
    await become(visitor, role, {"sub": str(world.both)})
    allowed = set()
    for function in functions:
        nulls = ", ".join(function["nulls"])
        if await visitor.fetchval(
            "select has_function_privilege($1::oid, 'execute')", function["oid"]
        ):
            allowed.add(function["proname"])
        elif function["returns"] != "trigger":  # nobody can call one of those
            assert await attempt(visitor, f"select hub.{function['proname']}({nulls})") is None
    assert allowed == (set() if role == "anon" else OPEN_TO_MEMBERS)


@pytest.mark.parametrize("role", ["anon", "authenticated"])
async def test_nothing_internal_can_be_named(visitor, world, role) -> None:
    tables = await names(visitor, ["hub", "hub_part"])
    await become(visitor, role, {"sub": str(world.both)})
    for table in tables:
        assert await attempt(visitor, f"select * from {table}") is None, table
    for schema in ("hub", "hub_part", "public"):
        assert await attempt(visitor, f"create table {schema}.mine (n integer)") is None


ALPHA, BETA = {"alpha"}, {"beta"}
CLAIMS = [
    # who, further claims, whose rows are shown
    ("alpha", {}, ALPHA),
    ("beta", {}, BETA),
    ("both", {}, ALPHA | BETA),
    ("nobody", {}, set()),
    (None, {}, set()),
    # the signed name of an organization narrows
    ("both", {"app_metadata": {"organization_id": "alpha"}}, ALPHA),
    ("both", {"app_metadata": {"organization_id": "<beta>"}}, BETA),
    ("both", {"app_metadata": {"organization_id": None}}, ALPHA | BETA),
    ("both", {"app_metadata": {"organization_id": "gamma"}}, set()),
    ("both", {"app_metadata": {"organization_id": ""}}, set()),
    ("both", {"app_metadata": {"organization_id": "%"}}, set()),
    ("both", {"app_metadata": {"organization_id": ["alpha", "beta"]}}, set()),
    ("both", {"app_metadata": {"organization_id": "alpha' or true --"}}, set()),
    # what users may write about themselves gives nothing
    ("alpha", {"user_metadata": {"organization_id": "beta"}}, ALPHA),
    ("nobody", {"user_metadata": {"organization_id": "beta"}}, set()),
    ("nobody", {"user_metadata": {"app_metadata": {"organization_id": "beta"}}}, set()),
    ("nobody", {"organization_id": "beta"}, set()),
    ("nobody", {"app_metadata": "beta"}, set()),
    ("nobody", {"app_metadata": [{"organization_id": "beta"}]}, set()),
    ("nobody", {"APP_METADATA": {"organization_id": "beta"}}, set()),
    ("alpha", {"role": "service_role"}, ALPHA),
    ("alpha", {"role": "postgres", "is_operator": True}, ALPHA),
]


@pytest.mark.parametrize(("who", "further", "shown"), CLAIMS)
async def test_a_member_sees_the_own_organizations(world, visitor, who, further, shown) -> None:
    subject = {
        "alpha": world.alpha.member,
        "beta": world.beta.member,
        "both": world.both,
        "nobody": uuid4(),
    }
    text = json.dumps(further).replace("<beta>", str(world.beta.id))
    claims = {**({"sub": str(subject[who])} if who else {}), **json.loads(text)}
    ids = {tenant.id for tenant in (world.alpha, world.beta) if tenant.external_id in shown}
    tables = await names(visitor, ["public"])
    await become(visitor, "authenticated", claims)
    for table in tables:
        column = "id" if table == "public.ai_organizations" else "organization_id"
        rows = await visitor.fetch(f"select distinct {column} from {table}")
        assert {row[0] for row in rows} == ids, table


@pytest.mark.parametrize("claims", ["", "{}", "null", "[]", '"alpha"'])
async def test_odd_claims_show_nothing(visitor, claims) -> None:
    await become(visitor, "authenticated", claims)
    assert await attempt(visitor, "select * from public.ai_conversations") == []


async def test_a_name_that_fits_two_organizations_shows_neither(world, visitor) -> None:
    await filling.create_tenant(visitor, str(world.beta.id))
    await become(
        visitor, "authenticated", {"app_metadata": {"organization_id": str(world.beta.id)}}
    )
    assert await visitor.fetch("select * from public.ai_organizations") == []


async def test_the_others_cannot_be_asked_for_by_name(world, visitor) -> None:
    await become(visitor, "authenticated", {"sub": str(world.alpha.member)})
    rows = await visitor.fetch(
        "select * from public.ai_messages where conversation_id = $1", world.beta.conversation
    )
    assert rows == []
    joined = await visitor.fetchval(
        "select count(*) from public.ai_calls k right join public.ai_conversations c "
        "on c.id = k.conversation_id where c.organization_id <> $1",
        world.alpha.id,
    )
    assert joined == 0
