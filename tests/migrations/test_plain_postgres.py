"""Making a plain PostgreSQL look like a Supabase."""

import asyncio
import json
from uuid import uuid4

import asyncpg
import pytest

from aihub.kit.migrate import migrate, pending
from aihub.kit.plain_postgres import PreparationNotPermitted, is_prepared, prepare


async def test_a_superuser_prepares_for_the_owner(connect, plain) -> None:
    admin, hub = await connect(plain, admin=True), await connect(plain)
    assert not await is_prepared(hub)
    await prepare(admin)
    assert await is_prepared(hub)
    assert await is_prepared(admin)
    assert await migrate(hub)
    assert await pending(hub) == []


async def test_the_second_time_nothing_is_done(connect, plain) -> None:
    admin = await connect(plain, admin=True)
    await prepare(admin)
    said = []
    admin.add_query_logger(lambda record: said.append(record.query))
    await prepare(admin)
    await asyncio.sleep(0)
    assert [sql for sql in said if sql.split()[0] in {"create", "grant", "alter"}] == []


async def test_the_hubs_role_prepares_for_itself(connect, plain) -> None:
    hub = await connect(plain)  # the roles are there already, they are the whole server's
    await prepare(await connect("postgres", admin=True))
    await prepare(hub)
    assert await is_prepared(hub)


async def test_several_at_once(connect, server) -> None:
    databases = [await server.create() for _ in range(3)]
    admins = [await connect(name, admin=True) for name in databases for _ in range(2)]
    await asyncio.gather(*(prepare(admin) for admin in admins))
    assert await asyncio.gather(*(is_prepared(admin) for admin in admins)) == [True] * 6


async def test_the_roles_are_supabases(connect, empty) -> None:
    hub = await connect(empty)
    rows = await hub.fetch(
        "select rolname, rolcanlogin, rolinherit, rolsuper, rolbypassrls from pg_roles "
        "where rolname in ('anon', 'authenticated', 'service_role') order by 1"
    )
    assert [tuple(row) for row in rows] == [
        ("anon", False, False, False, False),
        ("authenticated", False, False, False, False),
        ("service_role", False, False, False, True),
    ]


async def test_the_claims_are_read(connect, empty) -> None:
    hub = await connect(empty)
    who = uuid4()
    ask = "select auth.uid(), auth.role(), auth.jwt()"
    assert tuple(await hub.fetchrow(ask)) == (None, None, None)
    for role in ("anon", "authenticated", "service_role", "postgres"):
        async with hub.transaction():
            claims = json.dumps({"sub": str(who), "role": role})
            await hub.execute(
                "select set_config('role', $1, true), set_config('request.jwt.claims', $2, true)",
                *(role, claims),
            )
            uid, told, jwt = await hub.fetchrow(ask)
            assert (uid, told, json.loads(jwt)) == (who, role, json.loads(claims))
    # after the transaction the setting is not null but empty
    assert tuple(await hub.fetchrow(ask)) == (None, None, None)


async def test_new_objects_get_supabases_default_privileges(connect, empty) -> None:
    hub = await connect(empty)
    await hub.execute(
        "create table public.t (n serial);"
        "create function public.f() returns integer language sql as 'select 1'"
    )
    for role in ("anon", "authenticated", "service_role"):
        assert await hub.fetchval(
            "select has_table_privilege($1, 'public.t', 'truncate') "
            "and has_sequence_privilege($1, 'public.t_n_seq', 'usage') "
            "and has_function_privilege($1, 'public.f()', 'execute')",
            role,
        )


async def test_whoever_may_not_is_told_what_to_run(connect, server, plain) -> None:
    admin = await connect(plain, admin=True)
    await admin.execute("create role guest login password 'guest'")
    guest_dsn = server.hub(plain).replace(
        server.hub(plain).split("@")[0], "postgresql://guest:guest"
    )
    guest = await asyncpg.connect(guest_dsn)
    try:
        with pytest.raises(PreparationNotPermitted) as caught:
            await prepare(guest)
        assert f"in database {plain}" in str(caught.value)
        assert not await is_prepared(guest)
        await admin.execute("".join(f"{line};" for line in caught.value.statements))
        assert await is_prepared(guest)
        assert await migrate(guest)
    finally:
        await guest.close()
        await admin.execute("drop owned by guest cascade; drop role guest")


async def test_on_a_supabase_nothing_is_done(connect, plain) -> None:
    admin = await connect(plain, admin=True)
    await admin.execute("create role supabase_auth_admin")
    try:
        assert await is_prepared(admin)
        await prepare(admin)
        assert await admin.fetchval("select to_regnamespace('auth') is null")
    finally:
        await admin.execute("drop role supabase_auth_admin")


async def test_what_superusers_call_cannot_be_replaced(connect, plain) -> None:
    hub, admin = await connect(plain), await connect(plain, admin=True)
    await hub.execute(
        "create function public.quote_ident(name) returns text language plpgsql "
        "as $$ begin raise exception 'caught'; end $$"
    )
    await prepare(admin)
    assert await is_prepared(hub)
