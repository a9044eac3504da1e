-- What a day's figures are made of: raw rows, and what rows that are gone had given (hub.kept_*).

-- name: list_usage(organization_id, starts_at, ends_at)
with calls as (
  select module, provider, model,
         hub.latency_bucket(latency_ms) as bucket,
         1::bigint as calls, (error is not null)::int as errors, (cost_status = 'unpriced')::int as unpriced_calls,
         (cost_status = 'estimated')::int as estimated_calls, input_tokens, cached_input_tokens, output_tokens,
         reasoning_tokens, total_tokens, cost, price
    from public.ai_calls
   where organization_id = :organization_id and occurred_at >= :starts_at and occurred_at < :ends_at
  union all
  select nullif(module, ''), nullif(provider, ''), nullif(model, ''), bucket, calls, errors, unpriced, estimated,
         input_tokens, cached_input_tokens, output_tokens, reasoning_tokens, total_tokens, cost, price
    from hub.kept_calls
   where organization_id = :organization_id and slot >= :starts_at and slot < :ends_at
)
select nullif(module, '') as module, nullif(provider, '') as provider, nullif(model, '') as model, bucket,
       sum(calls)::bigint as calls, sum(errors)::bigint as errors, sum(unpriced_calls)::bigint as unpriced_calls,
       sum(estimated_calls)::bigint as estimated_calls, sum(input_tokens)::bigint as input_tokens,
       sum(cached_input_tokens)::bigint as cached_input_tokens, sum(output_tokens)::bigint as output_tokens,
       sum(reasoning_tokens)::bigint as reasoning_tokens, sum(total_tokens)::bigint as total_tokens,
       coalesce(sum(cost), 0) as cost, coalesce(sum(price), 0) as price
  from calls group by 1, 2, 3, 4

-- name: list_conversation_counts(organization_id, starts_at, ends_at)
with started as (
  select module, message_count::bigint as messages, satisfaction_score is not null as is_rated
    from public.ai_conversations
   where organization_id = :organization_id and created_at >= :starts_at and created_at < :ends_at
  union all
  select module, messages, is_rated from hub.kept_conversations
   where organization_id = :organization_id and slot >= :starts_at and slot < :ends_at
)
select nullif(module, '') as module, count(*) as conversations, sum(messages)::bigint as messages,
       count(*) filter (where is_rated) as rated
  from started group by 1

-- name: list_user_counts(organization_id, day, starts_at, ends_at)
select grouping(u.module) = 1 as is_total, u.module, count(distinct u.user_id) as users
  from hub.user_days_v1(array[:organization_id::uuid], array[:day::date], array[:starts_at::timestamptz], array[:ends_at::timestamptz]) u
 where u.user_id <> '00000000-0000-0000-0000-000000000000' and u.calls + u.conversations > 0
 group by grouping sets ((u.module), ())

-- name: list_scores(organization_id, starts_at, ends_at)
with given as (
  select score from public.ai_feedback
   where organization_id = :organization_id and created_at >= :starts_at and created_at < :ends_at
  union all
  select score from hub.kept_moments
   where organization_id = :organization_id and slot >= :starts_at and slot < :ends_at and score is not null
)
select round(score)::int as score, count(*) as feedback, sum(score) as total from given group by 1

-- name: list_intents(organization_id, day, starts_at, ends_at, n)
select u.intent, sum(u.conversations)::bigint as conversations,
       count(distinct u.user_id) filter (where u.user_id <> '00000000-0000-0000-0000-000000000000') as users
  from hub.user_intents_v1(array[:organization_id::uuid], array[:day::date], array[:starts_at::timestamptz], array[:ends_at::timestamptz]) u
 group by u.intent order by conversations desc, u.intent limit :n

-- Reports.

-- name: list_standings(since, organization_id)
select o.id as organization_id, o.timezone, o.created_at,
       least((select min(u.slot) from public.ai_usage_slots u where u.organization_id = o.id),
             (select min(c.slot) from public.ai_conversation_slots c where c.organization_id = o.id and c.kind = 0)) as first_at,
       coalesce(r.days, '{}') as days, coalesce(r.starts, '{}') as starts, coalesce(r.ends, '{}') as ends
  from public.ai_organizations o
  left join lateral (select array_agg(r.day) as days, array_agg(r.starts_at) as starts, array_agg(r.ends_at) as ends
                       from public.ai_reports r where r.organization_id = o.id and r.version = 1 and r.day >= :since) r on true
 where :organization_id::uuid is null or o.id = :organization_id
 order by o.created_at, o.id

-- name: get_latest(organization_id, day)^
select version, timezone, starts_at, ends_at, due_at, digest from public.ai_reports
 where organization_id = :organization_id and day = :day order by version desc limit 1

-- name: insert_report(id, organization_id, day, version, timezone, starts_at, ends_at, due_at, reason, digest, content)$
insert into public.ai_reports
  (id, organization_id, day, version, timezone, starts_at, ends_at, due_at, reason, digest, content)
values (:id, :organization_id, :day, :version, :timezone, :starts_at, :ends_at, :due_at, :reason, :digest, :content::text::json)
on conflict do nothing returning created_at

-- name: list_reports(organization_id, first, last, is_latest_only, cursor_at, cursor_id, id, n)
select r.id, r.organization_id, r.day, r.version, r.timezone, r.starts_at, r.ends_at, r.due_at, r.created_at, r.reason,
       f.created_at as first_at,
       not exists (select from public.ai_reports n where n.organization_id = r.organization_id and n.day = r.day
                     and n.version > r.version) as is_latest
  from public.ai_reports r
  join public.ai_reports f on f.organization_id = r.organization_id and f.day = r.day and f.version = 1
 where r.organization_id = :organization_id
   and (:id::uuid is null or r.id = :id)
   and (:first::date is null or r.day >= :first) and (:last::date is null or r.day <= :last)
   and (not :is_latest_only::boolean or not exists (select from public.ai_reports n
         where n.organization_id = r.organization_id and n.day = r.day and n.version > r.version))
   and (:cursor_at::timestamptz is null or (r.starts_at, r.id) < (:cursor_at, :cursor_id::uuid))
 order by r.starts_at desc, r.id desc limit :n

-- name: get_content(organization_id, id)$
select content::text from public.ai_reports where organization_id = :organization_id and id = :id

-- name: get_progress()^
select case when next_xid > pg_snapshot_xmax(pg_current_snapshot()) then '0' else next_xid end::text as next_xid,
       pg_snapshot_xmin(pg_current_snapshot())::text as now_xid
  from hub.report_progress where is_only

-- name: move_progress(now_xid)!
update hub.report_progress
   set next_xid = least(last_xid, :now_xid::text::xid8), last_xid = :now_xid::text::xid8, updated_at = now()
 where is_only

-- name: list_touched_days(next_xid, since)
with touched as (
  select organization_id, occurred_at as at from public.ai_calls
   where ingest_xid >= :next_xid::text::xid8 and occurred_at >= :since
  union all select organization_id, created_at from public.ai_conversations
   where ingest_xid >= :next_xid::text::xid8 and created_at >= :since
  union all select organization_id, conversation_created_at from public.ai_messages
   where ingest_xid >= :next_xid::text::xid8 and conversation_created_at >= :since
  union all select organization_id, unnest(array[created_at, conversation_created_at]) from public.ai_feedback
   where ingest_xid >= :next_xid::text::xid8 and conversation_created_at >= :since
), slots as (
  select distinct organization_id, date_bin('15 minutes', at, '2000-01-01 00:00:00+00'::timestamptz) as at from touched
)
select distinct r.organization_id, r.day
  from slots s
  join public.ai_reports r on r.organization_id = s.organization_id and r.version = 1
                          and s.at >= r.starts_at and s.at < r.ends_at
 order by r.day, r.organization_id

-- Engagement.

-- name: list_zones()
select id as organization_id, timezone from public.ai_organizations order by id

-- name: upsert_engagement(organization_id, day, hour, users, scores, recency, frequency, depth, feedback, conversations, active_days)!
insert into public.ai_engagement_scores as e
  (organization_id, user_id, day, hour, score, recency, frequency, depth, feedback, conversations, active_days)
select :organization_id, u.*
  from (select user_id, :day::date, :hour::timestamptz, score, recency, frequency, depth, feedback, conversations, active_days
          from unnest(:users::uuid[], :scores::numeric[], :recency::numeric[], :frequency::numeric[], :depth::numeric[],
                      :feedback::numeric[], :conversations::bigint[], :active_days::int[])
            as t(user_id, score, recency, frequency, depth, feedback, conversations, active_days)) u
on conflict (organization_id, user_id, day) do update set
  hour = excluded.hour, score = excluded.score, recency = excluded.recency, frequency = excluded.frequency,
  depth = excluded.depth, feedback = excluded.feedback, conversations = excluded.conversations,
  active_days = excluded.active_days
where e.hour <= excluded.hour

-- name: list_engagement(organization_id, day, n)
select e.user_id, e.hour, e.score, e.recency, e.frequency, e.depth, e.feedback, e.conversations, e.active_days,
  count(*) over () as users, sum(e.score) over () as total
  from public.ai_engagement_scores e
 where e.organization_id = :organization_id and e.day = :day::date
 order by e.score desc, e.conversations desc, e.user_id limit :n
