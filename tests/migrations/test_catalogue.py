"""The same files make the same schema on the oldest and the newest server."""

import asyncpg

OURS = "array['public', 'hub', 'hub_part']::regnamespace[]"
CATALOGUE = """
select 'table', c.oid::regclass::text, concat_ws(' ', c.relkind, c.relrowsecurity, c.reloptions)
from pg_class c where c.relkind in ('r', 'p', 'v', 'm', 'S') and c.relnamespace = any (:ours)
union all
select 'column', a.attrelid::regclass::text || '.' || a.attname, concat_ws(' ', a.attnum,
  format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attgenerated,
  pg_get_expr(d.adbin, d.adrelid), col_description(a.attrelid, a.attnum))
from pg_attribute a join pg_class c on c.oid = a.attrelid
left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
where a.attnum > 0 and c.relkind in ('r', 'p', 'v', 'm') and c.relnamespace = any (:ours)
union all
select 'index', i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) || i.indisvalid
from pg_index i join pg_class c on c.oid = i.indexrelid where c.relnamespace = any (:ours)
union all
-- from 18 on "not null" is a constraint as well; here it is with the columns
select 'constraint', conrelid::regclass::text || '.' || conname,
  pg_get_constraintdef(oid) || convalidated
from pg_constraint where contype <> 'n' and connamespace = any (:ours)
union all
select 'partition', oid::regclass::text, pg_get_expr(relpartbound, oid)
from pg_class where relispartition and relkind = 'r' and relnamespace = any (:ours)
union all
select 'function', oid::regprocedure::text, pg_get_functiondef(oid)
from pg_proc where pronamespace = any (:ours)
union all
select 'policy', schemaname || '.' || tablename || '.' || policyname,
  concat_ws(' ', permissive, roles::text, cmd, qual, with_check)
from pg_policies where schemaname::regnamespace = any (:ours)
union all
select 'trigger', tgrelid::regclass::text || '.' || tgname, pg_get_triggerdef(t.oid)
from pg_trigger t join pg_class c on c.oid = t.tgrelid
where not t.tgisinternal and c.relnamespace = any (:ours)
union all
-- from 17 on ALL on a table includes MAINTAIN; the owner has it anyway
select 'table grant', c.oid::regclass::text, string_agg(r.grantee, ' ' order by r.grantee)
from pg_class c, lateral (
  select coalesce(a.grantee::regrole::text, 'public') || '=' || a.privilege_type as grantee
  from aclexplode(c.relacl) a where a.grantee <> c.relowner) r
where c.relnamespace = any (:ours) group by c.oid
union all
select 'function grant', p.oid::regprocedure::text, string_agg(r.grantee, ' ' order by r.grantee)
from pg_proc p, lateral (
  select case a.grantee when 0 then 'public' else a.grantee::regrole::text end as grantee
  from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a) r
where p.pronamespace = any (:ours) group by p.oid
union all
select 'schema grant', n.nspname, string_agg(r.grantee, ' ' order by r.grantee)
from pg_namespace n, lateral (
  select a.grantee::regrole::text || '=' || a.privilege_type as grantee
  from aclexplode(n.nspacl) a where a.grantee not in (0, n.nspowner)) r
where n.nspname in ('hub', 'hub_part') group by n.nspname
order by 1, 2
"""


async def catalogue(dsn: str) -> dict[tuple[str, str], str]:
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(CATALOGUE.replace(":ours", OURS))
    finally:
        await connection.close()
    return {(row[0], row[1]): row[2] for row in rows}


async def test_the_oldest_server_gets_the_same_schema(server, server_15, migrated) -> None:
    new = await catalogue(server.hub(migrated))
    old = await catalogue(server_15.hub(await server_15.create_migrated()))
    assert len(new) > 300
    assert old == new
