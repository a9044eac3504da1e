set lock_timeout = '5s';

-- What the figures of /metrics and panels of Grafana read: one definition for both. Times are in a column `time`.
-- Every view obeys its reader: who may read it has to be let in to the tables below it (docs/grafana/reader.sql),
-- of which none holds content or a person.

-- ---------- use ----------
create or replace view hub.v_usage_slots with (security_invoker = true) as
select s.slot as time, o.external_id as organization, s.provider, s.model, s.module, s.source, s.endpoint,
  s.calls, s.errors, s.unpriced, s.estimated, s.input_tokens, s.cached_input_tokens, s.output_tokens, s.reasoning_tokens,
  s.total_tokens, s.cost, s.price
from public.ai_usage_slots s join public.ai_organizations o on o.id = s.organization_id;
comment on view hub.v_usage_slots is 'calls by 15 minutes: the finest there is, and the fastest to filter by time';

create or replace view hub.v_usage_hourly with (security_invoker = true) as
select date_trunc('hour', s.slot, 'UTC') as time, o.external_id as organization, s.provider, s.model, s.module, s.source, s.endpoint,
  sum(s.calls)::bigint as calls, sum(s.errors)::bigint as errors, sum(s.unpriced)::bigint as unpriced,
  sum(s.estimated)::bigint as estimated, sum(s.input_tokens)::bigint as input_tokens,
  sum(s.cached_input_tokens)::bigint as cached_input_tokens, sum(s.output_tokens)::bigint as output_tokens,
  sum(s.reasoning_tokens)::bigint as reasoning_tokens, sum(s.total_tokens)::bigint as total_tokens,
  sum(s.cost) as cost, sum(s.price) as price
from public.ai_usage_slots s join public.ai_organizations o on o.id = s.organization_id
group by 1, 2, 3, 4, 5, 6, 7;

-- from slots and not from the rows by day, which do not hold while a day is being computed again
create or replace view hub.v_usage_daily with (security_invoker = true) as
select (s.slot at time zone o.timezone)::date as day, o.external_id as organization, o.timezone, s.provider, s.model, s.module,
  sum(s.calls)::bigint as calls, sum(s.errors)::bigint as errors, sum(s.unpriced)::bigint as unpriced,
  sum(s.estimated)::bigint as estimated, sum(s.total_tokens)::bigint as total_tokens, sum(s.cost) as cost, sum(s.price) as price
from public.ai_usage_slots s join public.ai_organizations o on o.id = s.organization_id
group by 1, 2, 3, 4, 5, 6;
comment on view hub.v_usage_daily is 'by the days of each organization''s own time zone';

-- the bucket i holds calls up to 1.02^i ms and stands for 2 * 1.02^i / 2.02
create or replace view hub.v_latency_hourly with (security_invoker = true) as
select c.time, c.organization, max(c.total)::bigint as calls,
  (2 * power(1.02, min(c.bucket) filter (where c.so_far >= 0.50 * c.total)) / 2.02)::float8 as p50_ms,
  (2 * power(1.02, min(c.bucket) filter (where c.so_far >= 0.95 * c.total)) / 2.02)::float8 as p95_ms,
  (2 * power(1.02, min(c.bucket) filter (where c.so_far >= 0.99 * c.total)) / 2.02)::float8 as p99_ms
from (
  select b.time, b.organization, b.bucket,
    sum(b.n) over (partition by b.time, b.organization order by b.bucket) as so_far,
    sum(b.n) over (partition by b.time, b.organization) as total
  from (
    select date_trunc('hour', s.slot, 'UTC') as time, o.external_id as organization, u.bucket, sum(u.n) as n
    from public.ai_usage_slots s join public.ai_organizations o on o.id = s.organization_id
    cross join lateral unnest(s.latency_buckets, s.latency_counts) as u(bucket, n)
    group by 1, 2, 3) b) c
group by c.time, c.organization;

create or replace view hub.v_conversations_hourly with (security_invoker = true) as
select date_trunc('hour', s.slot, 'UTC') as time, o.external_id as organization, s.module, s.source,
  sum(s.conversations)::bigint as conversations, sum(s.messages)::bigint as messages, sum(s.completed)::bigint as completed,
  sum(s.feedbacks)::bigint as feedbacks, sum(s.score_sum) / nullif(sum(s.feedbacks), 0) as mean_score
from public.ai_conversation_slots s join public.ai_organizations o on o.id = s.organization_id
where s.kind = 0
group by 1, 2, 3, 4;

-- organization by organization: the key of the slots begins with it
create or replace view hub.v_unpriced with (security_invoker = true) as
select s.provider, s.model, sum(s.calls)::bigint as calls, sum(s.unpriced)::bigint as unpriced,
  count(distinct o.id) filter (where s.unpriced > 0) as organizations
from public.ai_organizations o
cross join lateral (
  select x.provider, x.model, x.calls, x.unpriced from public.ai_usage_slots x
  where x.organization_id = o.id and x.slot >= now() - interval '24 hours') s
group by s.provider, s.model;
comment on view hub.v_unpriced is 'models of the last 24 hours, and how many of their calls have no price';

-- ---------- how the hub does ----------
-- A tick takes in what is committed, up to a number of rows: mostly what is not in the rollups is younger than the last
-- one. Transactions from next_xid on are looked at again; a long one, or a large import, makes them many.
create or replace view hub.v_rollups with (security_invoker = true) as
select clock_timestamp() as time, s.ticked_at, s.rebuild_from is not null as is_rebuilding,
  extract(epoch from clock_timestamp() - s.ticked_at)::float8 as seconds_since_tick,
  greatest(pg_snapshot_xmax(pg_current_snapshot())::text::bigint - s.next_xid::text::bigint, 0) as lag_transactions,
  case when u.created_at is null then 0
    else greatest(extract(epoch from clock_timestamp() - coalesce(s.ticked_at, u.created_at)), 0) end::float8 as lag_seconds
from hub.rollup_state s
left join lateral (
  select k.created_at from public.ai_calls k where k.ingest_xid >= s.next_xid order by k.ingest_xid limit 1) u on true;
comment on view hub.v_rollups is 'lag_seconds: since the last tick while a call waits to be taken in, else 0';

create or replace view hub.v_jobs with (security_invoker = true) as
select q.entrypoint as name,
  count(*) filter (where q.status = 'queued' and q.execute_after <= clock_timestamp()) as waiting,
  count(*) filter (where q.status = 'queued' and q.execute_after > clock_timestamp()) as planned,
  count(*) filter (where q.status = 'picked') as running,
  count(*) filter (where q.status = 'failed') as failed,
  coalesce(greatest(extract(epoch from clock_timestamp() - min(q.execute_after) filter (where q.status = 'queued')), 0), 0)::float8
    as oldest_waiting_seconds
from hub.pgqueuer q group by q.entrypoint;

create or replace view hub.v_job_runs with (security_invoker = true) as
select r.started_at as time, r.name, r.attempt, r.outcome, r.finished_at,
  extract(epoch from coalesce(r.finished_at, clock_timestamp()) - r.started_at)::float8 as seconds
from hub.job_runs r;

create or replace view hub.v_job_schedules with (security_invoker = true) as
select s.name, s.cron, s.timezone, s.enabled, s.last_run_at, s.next_run_at,
  greatest(extract(epoch from clock_timestamp() - s.next_run_at), 0)::float8 as late_seconds
from hub.job_schedules s;

create or replace view hub.v_workers with (security_invoker = true) as
select w.host, w.process, w.started_at, w.seen_at, w.seen_at > clock_timestamp() - interval '30 seconds' as is_alive
from hub.job_workers w;

create or replace view hub.v_storage with (security_invoker = true) as
select regexp_replace(c.relname, '_[0-9]{6}$', '') as table_name, to_date(right(c.relname, 6), 'YYYYMM') as month,
  greatest(c.reltuples, 0)::bigint as rows_estimate, pg_table_size(c.oid) as table_bytes, pg_indexes_size(c.oid) as index_bytes
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'hub_part' and c.relkind = 'r' and c.relname ~ '_[0-9]{6}$';
comment on view hub.v_storage is 'a row for each monthly partition';

revoke all on hub.v_usage_slots, hub.v_usage_hourly, hub.v_usage_daily, hub.v_latency_hourly, hub.v_conversations_hourly, hub.v_unpriced,
  hub.v_rollups, hub.v_jobs, hub.v_job_runs, hub.v_job_schedules, hub.v_workers, hub.v_storage from public;
