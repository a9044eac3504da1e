-- A role for Grafana: it reads the views hub.v_*, and in the tables below them nothing that people wrote and nobody's
-- name. Run it once as the role that owns the hub's tables, after a role was made by somebody who may:
--
--   create role aihub_reader login password '…';
--
-- Run it again after an upgrade that brings new views.

grant usage on schema hub to aihub_reader;

do $$
declare
  v text;
  t record;
begin
  for v in
    select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'hub' and c.relkind = 'v' and c.relname like 'v\_%'
  loop
    execute format('grant select on %s to aihub_reader', v);
  end loop;
  for t in
    select * from (values
      ('public.ai_organizations', 'id, external_id, timezone'),
      ('public.ai_usage_slots', null),
      ('public.ai_conversation_slots', null),
      ('public.ai_calls', 'created_at, ingest_xid'),
      ('hub.rollup_state', null),
      ('hub.pgqueuer', 'entrypoint, status, execute_after'),
      ('hub.job_runs', 'name, attempt, outcome, started_at, finished_at'),
      ('hub.job_schedules', null),
      ('hub.job_workers', 'host, process, started_at, seen_at')
    ) as x(name, columns)
  loop
    execute format('grant select %s on %s to aihub_reader', '(' || t.columns || ')', t.name);
    execute format('drop policy if exists reader_read on %s', t.name);
    execute format('create policy reader_read on %s for select to aihub_reader using (true)', t.name);
  end loop;
end $$;
