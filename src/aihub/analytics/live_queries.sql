-- What the poller of the live views asks. A second that was touched is read again whole: exact, and nothing is counted twice.

-- name: get_snapshot()$
select pg_current_snapshot()::text;

-- name: list_stirred(next_xid, open_xids)
-- Organizations whose conversations began, went on, ended or were erased in transactions not seen yet.
select c.organization_id from public.ai_conversations c where c.ingest_xid >= :next_xid::text::xid8 or c.ingest_xid = any (:open_xids::text[]::xid8[])
union
select m.organization_id from public.ai_messages m where m.ingest_xid >= :next_xid::text::xid8 or m.ingest_xid = any (:open_xids::text[]::xid8[])
union
select t.organization_id from public.ai_transitions t
where t.to_status = 'completed' and (t.ingest_xid >= :next_xid::text::xid8 or t.ingest_xid = any (:open_xids::text[]::xid8[]))
union
select k.organization_id from hub.kept_conversations k where k.ingest_xid >= :next_xid::text::xid8 or k.ingest_xid = any (:open_xids::text[]::xid8[]);

-- name: list_seconds(ids, unread, next_xid, open_xids, since, to)
-- Of `ids` the seconds that got rows of transactions not seen yet; of `unread` all seconds.
with stored as materialized (
  select k.organization_id as org, k.occurred_at as at from public.ai_calls k
  where k.occurred_at >= :since::timestamptz and k.occurred_at < :to::timestamptz
    and (k.ingest_xid >= :next_xid::text::xid8 or k.ingest_xid = any (:open_xids::text[]::xid8[]))
), ranges as (
  select distinct s.org, date_bin('1 second', s.at, '2000-01-01 00:00:00+00') as starts, date_bin('1 second', s.at, '2000-01-01 00:00:00+00') + interval '1 second' as ends
  from stored s where s.org = any (:ids::uuid[])
  union all
  select u, :since::timestamptz, :to::timestamptz from unnest(:unread::uuid[]) u
)
select r.org as organization_id, date_bin('1 second', k.occurred_at, '2000-01-01 00:00:00+00') as second, count(*) as calls, count(k.error) as errors,
  sum(k.total_tokens)::bigint as tokens, array_agg(hub.latency_bucket(k.latency_ms)) filter (where k.latency_ms is not null) as buckets
from ranges r join public.ai_calls k on k.organization_id = r.org and k.occurred_at >= r.starts and k.occurred_at < r.ends
  and k.occurred_at >= :since::timestamptz and k.occurred_at < :to::timestamptz
group by 1, 2;

-- name: list_seconds_of_all(is_unread, next_xid, open_xids, since, to)
-- The same of all organizations together. Organization by organization: the index is by organization and time.
with stored as materialized (
  select k.occurred_at as at from public.ai_calls k
  where k.occurred_at >= :since::timestamptz and k.occurred_at < :to::timestamptz and not :is_unread::boolean
    and (k.ingest_xid >= :next_xid::text::xid8 or k.ingest_xid = any (:open_xids::text[]::xid8[]))
), ranges as (
  select distinct date_bin('1 second', s.at, '2000-01-01 00:00:00+00') as starts, date_bin('1 second', s.at, '2000-01-01 00:00:00+00') + interval '1 second' as ends from stored s
  union all
  select :since::timestamptz, :to::timestamptz where :is_unread
)
select null::uuid as organization_id, date_bin('1 second', k.occurred_at, '2000-01-01 00:00:00+00') as second, count(*) as calls, count(k.error) as errors,
  sum(k.total_tokens)::bigint as tokens, array_agg(hub.latency_bucket(k.latency_ms)) filter (where k.latency_ms is not null) as buckets
from ranges r cross join public.ai_organizations o
join public.ai_calls k on k.organization_id = o.id and k.occurred_at >= r.starts and k.occurred_at < r.ends
  and k.occurred_at >= :since::timestamptz and k.occurred_at < :to::timestamptz
group by 1, 2;

-- name: list_sessions(ids, since)
select c.organization_id, count(*) as sessions
from unnest(:ids::uuid[]) i(id)
join public.ai_conversations c on c.organization_id = i.id and c.status = 'active' and c.last_activity_at > :since
group by 1;
