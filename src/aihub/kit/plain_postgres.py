"""Preparing a plain PostgreSQL (15 or newer): it gets what every Supabase has.

The migrations and their policies are written for Supabase's roles and its `auth` functions. With
these in place, the same files serve the embedded server, a PostgreSQL of one's own, and Supabase.
"""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg

OLDEST_VERSION = 150000
_MEMBERSHIP_IS_FINE_SINCE = 160000  # from then on a membership says whether it allows `set role`
_API_ROLES = ("anon", "authenticated", "service_role")
_SCHEMAS = ("auth", "extensions")
_ATTEMPTS = 5
_PASSING = (  # another preparation of this server was quicker
    asyncpg.DuplicateObjectError,
    asyncpg.DuplicateSchemaError,
    asyncpg.DuplicateFunctionError,
    asyncpg.UniqueViolationError,
    asyncpg.InternalServerError,  # "tuple concurrently updated"
)

_CREATE_ROLE = {
    "anon": "create role anon nologin noinherit",
    "authenticated": "create role authenticated nologin noinherit",
    "service_role": "create role service_role nologin noinherit bypassrls",
}
_CLAIMS = "nullif(current_setting('request.jwt.claims', true), '')::jsonb"
_CREATE_FUNCTION = {
    "auth.jwt()": (
        f"create function auth.jwt() returns jsonb language sql stable as $$ select {_CLAIMS} $$"
    ),
    "auth.uid()": (
        "create function auth.uid() returns uuid language sql stable as "
        f"$$ select ({_CLAIMS} ->> 'sub')::uuid $$"
    ),
    "auth.role()": (
        "create function auth.role() returns text language sql stable as "
        f"$$ select {_CLAIMS} ->> 'role' $$"
    ),
}
_DEFAULT_PRIVILEGES = {"r": "tables", "f": "functions", "S": "sequences"}

# the role that will run the migrations: the connected one, or the database's owner if that one is
# a superuser, who only prepares
_SITUATION = """
select current_setting('server_version_num')::integer as version,
  exists (select from pg_roles where rolname = 'supabase_auth_admin') as is_supabase,
  case when me.rolsuper then d.datdba::regrole::text else quote_ident(me.rolname) end as role,
  case when me.rolsuper then d.datdba else me.oid end as role_oid,
  quote_ident(d.datname) as database
from pg_roles me, pg_database d
where me.rolname = current_user and d.datname = current_database()
"""


class PreparationError(Exception):
    """The PostgreSQL cannot be prepared for AI Hub."""


class ServerTooOld(PreparationError):
    """The server is older than PostgreSQL 15."""


class PreparationNotPermitted(PreparationError):
    """The connected role may not do it; `statements` is what an administrator has to run."""

    def __init__(self, message: str, statements: list[str]) -> None:
        super().__init__(message)
        self.statements = statements


@dataclass(frozen=True)
class _Situation:
    version: int
    is_supabase: bool
    role: str  # quoted where needed
    role_oid: int
    database: str  # quoted where needed


async def is_prepared(connection: asyncpg.Connection) -> bool:
    """Whether the migrations find what they need. Changes nothing. Raises ServerTooOld."""
    async with _careful(connection):
        return not await _missing(connection, await _situation(connection))


async def prepare(connection: asyncpg.Connection) -> None:
    """Make what is missing, all or nothing; on a Supabase, and the second time, do nothing.

    The role that will run the migrations gets what it needs: the connected role, or, when a
    superuser is connected, the owner of the database. Needs a superuser, or the role itself with
    `createrole` (and `bypassrls`, from PostgreSQL 16 on). Raises PreparationNotPermitted or
    ServerTooOld.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            await _prepare(connection)
        except _PASSING:
            if attempt == _ATTEMPTS:
                raise
        else:
            return


async def _prepare(connection: asyncpg.Connection) -> None:
    statements: list[str] = []
    database = ""
    try:
        async with _careful(connection):
            situation = await _situation(connection)
            database = situation.database
            if not await _missing(connection, situation):
                return
            await connection.execute(
                "select pg_advisory_xact_lock(hashtextextended('aihub.plain_postgres', 0))"
            )
            statements = await _missing(connection, situation)
            for statement in statements:
                await connection.execute(statement)
    except asyncpg.InsufficientPrivilegeError as error:
        script = "".join(f"{statement};\n" for statement in statements)
        raise PreparationNotPermitted(
            f"This PostgreSQL lacks what AI Hub needs, and the connected role may not make it "
            f"({error}). Have a superuser run this in database {database}, then start AI Hub "
            f"again:\n{script}",
            statements,
        ) from error


@contextlib.asynccontextmanager
async def _careful(connection: asyncpg.Connection) -> AsyncIterator[None]:
    """A transaction in which a superuser calls nothing that others have put into `public`."""
    async with connection.transaction():
        await connection.execute("set local search_path = ''")
        yield


async def _situation(connection: asyncpg.Connection) -> _Situation:
    situation = _Situation(**await connection.fetchrow(_SITUATION))
    if situation.version < OLDEST_VERSION:
        raise ServerTooOld(
            f"AI Hub needs PostgreSQL {OLDEST_VERSION // 10000} or newer; this server is "
            f"{situation.version // 10000}. Connect to a newer one."
        )
    return situation


async def _missing(connection: asyncpg.Connection, situation: _Situation) -> list[str]:
    """The statements that are still to be run, in order."""
    if situation.is_supabase:
        return []
    return [
        *await _missing_roles(connection, situation),
        *await _missing_rights(connection, situation),
        *await _missing_schemas(connection),
        *await _missing_functions(connection),
        *await _missing_default_privileges(connection, situation),
    ]


async def _missing_roles(connection: asyncpg.Connection, situation: _Situation) -> list[str]:
    kind = "SET" if situation.version >= _MEMBERSHIP_IS_FINE_SINCE else "MEMBER"
    rows = await connection.fetch(
        """
        select name, r.oid is not null as is_there,
          r.oid is not null and pg_has_role($2::oid, r.oid, $3) as may_become
        from unnest($1::text[]) with ordinality as wanted(name, ord)
        left join pg_roles r on r.rolname = name
        order by ord
        """,
        _API_ROLES,
        situation.role_oid,
        kind,
    )
    return [
        *(_CREATE_ROLE[row["name"]] for row in rows if not row["is_there"]),
        *(f"grant {row['name']} to {situation.role}" for row in rows if not row["may_become"]),
    ]


async def _missing_rights(connection: asyncpg.Connection, situation: _Situation) -> list[str]:
    may_create_schemas, may_create_tables, may_all_use = await connection.fetchrow(
        """
        select has_database_privilege($1::oid, current_database(), 'create'),
          has_schema_privilege($1::oid, 'public', 'create'),
          (select count(*) = $3 from pg_namespace n,
             aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
           left join pg_roles r on r.oid = a.grantee
           where n.nspname = 'public' and a.privilege_type = 'USAGE' and r.rolname = any ($2))
        """,
        situation.role_oid,
        _API_ROLES,
        len(_API_ROLES),
    )
    statements = []
    if not may_create_schemas:
        statements.append(f"grant create on database {situation.database} to {situation.role}")
    if not may_create_tables:
        statements.append(f"grant create on schema public to {situation.role}")
    if not may_all_use:
        statements.append(f"grant usage on schema public to {', '.join(_API_ROLES)}")
    return statements


async def _missing_schemas(connection: asyncpg.Connection) -> list[str]:
    rows = await connection.fetch(
        "select nspname as name from pg_namespace where nspname = any ($1)", _SCHEMAS
    )
    there = {row["name"] for row in rows}
    statements = []
    for schema in _SCHEMAS:
        if schema not in there:
            statements.append(f"create schema {schema}")
            statements.append(f"grant usage on schema {schema} to public")
    return statements


async def _missing_functions(connection: asyncpg.Connection) -> list[str]:
    # not to_regprocedure(): its cache misses what was committed while we waited for the lock
    rows = await connection.fetch(
        "select n.nspname || '.' || p.proname || '()' as name from pg_proc p "
        "join pg_namespace n on n.oid = p.pronamespace where n.nspname = 'auth' and p.pronargs = 0"
    )
    there = {row["name"] for row in rows}
    return [sql for function, sql in _CREATE_FUNCTION.items() if function not in there]


async def _missing_default_privileges(
    connection: asyncpg.Connection, situation: _Situation
) -> list[str]:
    rows = await connection.fetch(
        """
        select d.defaclobjtype::text as kind
        from pg_default_acl d, aclexplode(d.defaclacl) a join pg_roles r on r.oid = a.grantee
        where d.defaclrole = $1 and d.defaclnamespace = 'public'::regnamespace
          and r.rolname = any ($2)
        group by 1 having count(distinct r.rolname) = $3
        """,
        situation.role_oid,
        _API_ROLES,
        len(_API_ROLES),
    )
    there = {row["kind"] for row in rows}
    return [
        f"alter default privileges for role {situation.role} in schema public "
        f"grant all on {objects} to {', '.join(_API_ROLES)}"
        for kind, objects in _DEFAULT_PRIVILEGES.items()
        if kind not in there
    ]
