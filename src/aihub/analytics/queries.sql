-- Rows come from hub.*_rows_v1 (days that hold, slots of those that do not). The parts of a grouping that were not asked
-- for are null; plans are made for the values (kit.db), so that they cost nothing.

-- name: list_usage(organization_id, by_days, first, last, from_, to, zone, grain, by_organization, by_provider, by_model, by_module, by_source, by_endpoint, provider, model, module, source)
select case :grain::text when 'hour' then to_char(date_trunc('hour', r.slot, :zone::text) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
    when 'day' then r.day::text when 'week' then date_trunc('week', r.day::timestamp)::date::text
    when 'month' then date_trunc('month', r.day::timestamp)::date::text end as at,
  r.organization_id, r.provider, r.model, r.module, r.source, r.endpoint,
  sum(r.calls)::bigint as calls, sum(r.errors)::bigint as errors, sum(r.unpriced)::bigint as unpriced, sum(r.estimated)::bigint as estimated,
  sum(r.input_tokens)::bigint as input_tokens, sum(r.cached_input_tokens)::bigint as cached_input_tokens,
  sum(r.output_tokens)::bigint as output_tokens, sum(r.reasoning_tokens)::bigint as reasoning_tokens,
  sum(r.total_tokens)::bigint as total_tokens, sum(r.cost) as cost, sum(r.price) as price
from (
  select case when :grain::text = 'hour' then r.slot end as slot, case when :grain::text in ('day', 'week', 'month') then r.day end as day,
    case when :by_organization::boolean then r.organization_id end as organization_id, case when :by_provider::boolean then r.provider end as provider,
    case when :by_model::boolean then r.model end as model, case when :by_module::boolean then r.module end as module,
    case when :by_source::boolean then r.source end as source, case when :by_endpoint::boolean then r.endpoint end as endpoint,
    sum(r.calls)::bigint as calls, sum(r.errors)::bigint as errors, sum(r.unpriced)::bigint as unpriced, sum(r.estimated)::bigint as estimated,
    sum(r.input_tokens)::bigint as input_tokens, sum(r.cached_input_tokens)::bigint as cached_input_tokens,
    sum(r.output_tokens)::bigint as output_tokens, sum(r.reasoning_tokens)::bigint as reasoning_tokens,
    sum(r.total_tokens)::bigint as total_tokens, sum(r.cost) as cost, sum(r.price) as price
  from hub.usage_rows_v1(:organization_id::uuid, not :by_organization::boolean,
      case when :by_module or :by_source or :module::text is not null or :source::text is not null then 2
        when :by_provider or :by_model or :by_endpoint or :provider::text is not null or :model::text is not null then 1 else 0 end, :by_days::boolean, :first::date, :last::date, :from_::timestamptz, :to::timestamptz, :zone::text) r
  where (:provider::text is null or r.provider = :provider) and (:model::text is null or r.model = :model)
    and (:module::text is null or r.module = :module) and (:source::text is null or r.source = :source)
  group by 1, 2, 3, 4, 5, 6, 7, 8
) r group by 1, 2, 3, 4, 5, 6, 7;

-- name: list_latencies(organization_id, by_days, first, last, from_, to, zone, grain, by_organization, by_provider, by_model, by_module, by_source, by_endpoint, provider, model, module, source)
-- The histograms of the same groups.
select q.at, q.organization_id, q.provider, q.model, q.module, q.source, q.endpoint, array_agg(q.bucket) as buckets, array_agg(q.n) as counts
from (
  select x.at, x.organization_id, x.provider, x.model, x.module, x.source, x.endpoint, x.bucket, sum(x.n)::bigint as n
  from (
    select case :grain::text when 'hour' then to_char(date_trunc('hour', r.slot, :zone::text) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
        when 'day' then r.day::text when 'week' then date_trunc('week', r.day::timestamp)::date::text
        when 'month' then date_trunc('month', r.day::timestamp)::date::text end as at,
      case when :by_organization::boolean then r.organization_id end as organization_id, case when :by_provider::boolean then r.provider end as provider,
      case when :by_model::boolean then r.model end as model, case when :by_module::boolean then r.module end as module,
      case when :by_source::boolean then r.source end as source, case when :by_endpoint::boolean then r.endpoint end as endpoint,
      -- here, not in a lateral join: that costs twice as much
      unnest(r.latency_buckets) as bucket, unnest(r.latency_counts) as n
    from hub.usage_rows_v1(:organization_id::uuid, not :by_organization::boolean,
      case when :by_module or :by_source or :module::text is not null or :source::text is not null then 2
        when :by_provider or :by_model or :by_endpoint or :provider::text is not null or :model::text is not null then 1 else 0 end, :by_days::boolean, :first::date, :last::date, :from_::timestamptz, :to::timestamptz, :zone::text) r
    where (:provider::text is null or r.provider = :provider) and (:model::text is null or r.model = :model)
      and (:module::text is null or r.module = :module) and (:source::text is null or r.source = :source)
  ) x group by 1, 2, 3, 4, 5, 6, 7, 8
) q group by 1, 2, 3, 4, 5, 6, 7;

-- name: list_histograms(organization_id, first, last, zone, grain, by_provider, by_model, by_endpoint, provider, model)
-- The same of one organization by its days, as they are stored: several rows of a group may come, few in all.
select case :grain::text when 'day' then r.day::text when 'week' then date_trunc('week', r.day::timestamp)::date::text
    when 'month' then date_trunc('month', r.day::timestamp)::date::text end as at,
  case when :by_provider::boolean then r.provider end as provider, case when :by_model::boolean then r.model end as model,
  case when :by_endpoint::boolean then r.endpoint end as endpoint, r.latency_buckets as buckets, r.latency_counts as counts
from hub.usage_rows_v1(:organization_id::uuid, true,
  case when :by_provider or :by_model or :by_endpoint or :provider::text is not null or :model::text is not null then 1 else 0 end,
  true, :first::date, :last::date, null::timestamptz, null::timestamptz, :zone::text) r
where (:provider::text is null or r.provider = :provider) and (:model::text is null or r.model = :model);

-- name: list_conversations(organization_id, kind, by_days, first, last, from_, to, zone, grain, by_organization, by_provider, by_model, by_module, by_source, provider, model, module, source)
select case :grain::text when 'hour' then to_char(date_trunc('hour', r.slot, :zone::text) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
    when 'day' then r.day::text when 'week' then date_trunc('week', r.day::timestamp)::date::text
    when 'month' then date_trunc('month', r.day::timestamp)::date::text end as at,
  r.organization_id, r.provider, r.model, r.module, r.source,
  sum(r.conversations)::bigint as conversations, sum(r.rated)::bigint as rated, sum(r.feedbacks)::bigint as feedbacks,
  sum(r.score_sum) as score_sum, sum(r.score_squares) as score_squares,
  array[sum(r.scores[1]), sum(r.scores[2]), sum(r.scores[3]), sum(r.scores[4]), sum(r.scores[5]), sum(r.scores[6])]::bigint[] as scores
from (
  select case when :grain::text = 'hour' then r.slot end as slot, case when :grain::text in ('day', 'week', 'month') then r.day end as day,
    case when :by_organization::boolean then r.organization_id end as organization_id, case when :by_provider::boolean then r.provider end as provider,
    case when :by_model::boolean then r.model end as model, case when :by_module::boolean then r.module end as module,
    case when :by_source::boolean then r.source end as source,
    sum(r.conversations)::bigint as conversations, sum(r.rated)::bigint as rated, sum(r.feedbacks)::bigint as feedbacks,
    sum(r.score_sum) as score_sum, sum(r.score_squares) as score_squares,
    array[sum(r.scores[1]), sum(r.scores[2]), sum(r.scores[3]), sum(r.scores[4]), sum(r.scores[5]), sum(r.scores[6])]::bigint[] as scores
  from hub.conversation_rows_v1(:organization_id::uuid, not :by_organization::boolean, :kind::integer, :by_days::boolean, :first::date, :last::date, :from_::timestamptz,
    :to::timestamptz, :zone::text) r
  where (:provider::text is null or r.provider = :provider) and (:model::text is null or r.model = :model)
    and (:module::text is null or r.module = :module) and (:source::text is null or r.source = :source)
  group by 1, 2, 3, 4, 5, 6, 7
) r group by 1, 2, 3, 4, 5, 6;

-- name: count_conversations(organization_id, kind, by_days, first, last, from_, to, zone, grain, by_organization, by_provider, by_model, by_module, by_source, provider, model, module, source)
-- The same with nothing but how many: of many organizations that is three times as fast.
select case :grain::text when 'hour' then to_char(date_trunc('hour', r.slot, :zone::text) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
    when 'day' then r.day::text when 'week' then date_trunc('week', r.day::timestamp)::date::text
    when 'month' then date_trunc('month', r.day::timestamp)::date::text end as at,
  case when :by_organization::boolean then r.organization_id end as organization_id, case when :by_provider::boolean then r.provider end as provider,
  case when :by_model::boolean then r.model end as model, case when :by_module::boolean then r.module end as module,
  case when :by_source::boolean then r.source end as source, sum(r.conversations)::bigint as conversations
from hub.conversation_rows_v1(:organization_id::uuid, not :by_organization::boolean, :kind::integer, :by_days::boolean, :first::date, :last::date,
  :from_::timestamptz, :to::timestamptz, :zone::text) r
where (:provider::text is null or r.provider = :provider) and (:model::text is null or r.model = :model)
  and (:module::text is null or r.module = :module) and (:source::text is null or r.source = :source)
group by 1, 2, 3, 4, 5, 6;

-- name: list_user_usage(organization_id, first, last, grain, by_module, module, limit)
-- With the histograms: a person's are short.
with r as materialized (
  select case :grain::text when 'day' then r.day::text when 'week' then date_trunc('week', r.day::timestamp)::date::text
      when 'month' then date_trunc('month', r.day::timestamp)::date::text end as at,
    r.organization_id, r.user_id, case when :by_module::boolean then r.module end as module, r.calls, r.errors, r.unpriced, r.estimated, r.input_tokens,
    r.cached_input_tokens, r.output_tokens, r.reasoning_tokens, r.total_tokens, r.cost, r.price, r.conversations, r.latency_buckets, r.latency_counts
  from hub.user_rows_v1(:organization_id::uuid, :first::date, :last::date) r
  where (:module::text is null or r.module = :module)
), sums as (
  select r.at, r.organization_id, r.user_id, r.module, sum(r.calls)::bigint as calls, sum(r.errors)::bigint as errors, sum(r.unpriced)::bigint as unpriced, sum(r.estimated)::bigint as estimated,
    sum(r.input_tokens)::bigint as input_tokens, sum(r.cached_input_tokens)::bigint as cached_input_tokens,
    sum(r.output_tokens)::bigint as output_tokens, sum(r.reasoning_tokens)::bigint as reasoning_tokens,
    sum(r.total_tokens)::bigint as total_tokens, sum(r.cost) as cost, sum(r.price) as price, sum(r.conversations)::bigint as conversations
  from r group by 1, 2, 3, 4
  having sum(r.calls) > 0 or sum(r.conversations) > 0  -- feedback alone is no use
  order by sum(r.cost) desc, sum(r.calls) desc, r.organization_id, r.user_id, r.at, r.module limit :limit
), latencies as (
  select h.at, h.organization_id, h.user_id, h.module, array_agg(h.bucket) as buckets, array_agg(h.n) as counts from (
    select r.at, r.organization_id, r.user_id, r.module, x.bucket, sum(x.n)::bigint as n
    from r cross join lateral unnest(r.latency_buckets, r.latency_counts) as x(bucket, n) group by 1, 2, 3, 4, 5) h group by 1, 2, 3, 4
)
select s.*, u.external_id as user_name, coalesce(l.buckets, '{}') as buckets, coalesce(l.counts, '{}') as counts
from sums s
left join latencies l on l.organization_id = s.organization_id and l.user_id = s.user_id and l.at is not distinct from s.at
  and l.module is not distinct from s.module
left join public.ai_users u on u.organization_id = s.organization_id and u.id = s.user_id;

-- name: list_user_calls(organization_id, from_, to, zone, grain, by_provider, by_model, by_module, by_source, provider, model, module, source, limit)
-- What the rollups of people do not hold (by model, provider, source, hour or another zone): from the calls, as far as they are kept.
select q.*, u.external_id as user_name from (
  select h.at, h.organization_id, h.user_id, h.provider, h.model, h.module, h.source, sum(h.calls)::bigint as calls, sum(h.errors)::bigint as errors,
    sum(h.unpriced)::bigint as unpriced, sum(h.estimated)::bigint as estimated,
    sum(h.input_tokens)::bigint as input_tokens, sum(h.cached_input_tokens)::bigint as cached_input_tokens, sum(h.output_tokens)::bigint as output_tokens,
    sum(h.reasoning_tokens)::bigint as reasoning_tokens, sum(h.total_tokens)::bigint as total_tokens, sum(h.cost) as cost, sum(h.price) as price,
    coalesce(array_agg(h.bucket) filter (where h.bucket is not null), '{}') as buckets,
    coalesce(array_agg(h.calls) filter (where h.bucket is not null), '{}') as counts
  from (
    select case :grain::text when 'hour' then to_char(date_trunc('hour', k.occurred_at, :zone::text) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
        when 'day' then (k.occurred_at at time zone :zone::text)::date::text
        when 'week' then date_trunc('week', k.occurred_at at time zone :zone::text)::date::text
        when 'month' then date_trunc('month', k.occurred_at at time zone :zone::text)::date::text end as at,
      k.organization_id, coalesce(k.user_id, '00000000-0000-0000-0000-000000000000') as user_id,
      case when :by_provider::boolean then coalesce(k.provider, '') end as provider, case when :by_model::boolean then coalesce(k.model, '') end as model,
      case when :by_module::boolean then coalesce(k.module, '') end as module, case when :by_source::boolean then coalesce(k.source, '') end as source,
      hub.latency_bucket(k.latency_ms) as bucket, count(*) as calls, count(k.error) as errors,
      count(*) filter (where k.cost_status = 'unpriced') as unpriced, count(*) filter (where k.cost_status = 'estimated') as estimated, sum(k.input_tokens) as input_tokens,
      sum(k.cached_input_tokens) as cached_input_tokens, sum(k.output_tokens) as output_tokens, sum(k.reasoning_tokens) as reasoning_tokens,
      sum(k.total_tokens) as total_tokens, coalesce(sum(k.cost), 0) as cost, coalesce(sum(k.price), 0) as price
    from public.ai_calls k
    where (:organization_id::uuid is null or k.organization_id = :organization_id) and k.occurred_at >= :from_ and k.occurred_at < :to
      and (:provider::text is null or coalesce(k.provider, '') = :provider) and (:model::text is null or coalesce(k.model, '') = :model)
      and (:module::text is null or coalesce(k.module, '') = :module) and (:source::text is null or coalesce(k.source, '') = :source)
    group by 1, 2, 3, 4, 5, 6, 7, 8
  ) h group by 1, 2, 3, 4, 5, 6, 7
  order by sum(h.cost) desc, sum(h.calls) desc, h.user_id, h.at limit :limit
) q left join public.ai_users u on u.organization_id = q.organization_id and u.id = q.user_id;

-- name: rank_spenders(organization_id, first, last, module, limit)
-- Who cost the most, and how many there are who are known.
select coalesce(p.organization_id, :organization_id::uuid) as organization_id, p.user_id,
  count(*) filter (where p.user_id <> '00000000-0000-0000-0000-000000000000') over () as people
from (
  select case when :organization_id::uuid is null then r.organization_id end as organization_id, r.user_id, sum(r.cost) as cost,
    sum(r.calls::integer) as calls
  from hub.user_rows_v1(:organization_id::uuid, :first::date, :last::date) r
  where (:module::text is null or r.module = :module) and (r.calls > 0 or r.conversations > 0)
  group by 1, 2
) p order by p.cost desc, p.calls desc, p.organization_id, p.user_id limit :limit;

-- name: list_spenders(organization_id, first, middle, last, module, users)
-- The sums of `users` (null: of all) from `middle` on, and their cost of the days before that.
select s.*, u.external_id as user_name
from (
  select r.organization_id, r.user_id, sum(r.calls) filter (where r.day >= :middle::date)::bigint as calls,
    sum(r.errors) filter (where r.day >= :middle::date)::bigint as errors, sum(r.unpriced) filter (where r.day >= :middle::date)::bigint as unpriced,
    sum(r.estimated) filter (where r.day >= :middle::date)::bigint as estimated,
    sum(r.input_tokens) filter (where r.day >= :middle::date)::bigint as input_tokens,
    sum(r.cached_input_tokens) filter (where r.day >= :middle::date)::bigint as cached_input_tokens,
    sum(r.output_tokens) filter (where r.day >= :middle::date)::bigint as output_tokens,
    sum(r.reasoning_tokens) filter (where r.day >= :middle::date)::bigint as reasoning_tokens,
    sum(r.total_tokens) filter (where r.day >= :middle::date)::bigint as total_tokens, sum(r.cost) filter (where r.day >= :middle::date) as cost,
    sum(r.price) filter (where r.day >= :middle::date) as price, sum(r.cost) filter (where r.day < :middle::date) as old_cost
  from hub.user_rows_v1(:organization_id::uuid, :first::date, :last::date) r
  where (:module::text is null or r.module = :module) and (r.calls > 0 or r.conversations > 0)
    and (:users::uuid[] is null or r.user_id = any (:users::uuid[]))
  group by 1, 2
) s left join public.ai_users u on u.organization_id = s.organization_id and u.id = s.user_id;

-- name: list_use(organization_id, since, until, first, middle, last, weeks_from, weeks_to, zone)
-- What people do, in one reading of the days from `since` until before `until`. By module: who used it in the days from `middle` (bit 1 of `times`), and from
-- `first` until then (bit 2); in total people, whatever they used. By week from the Monday `weeks_from` on (63 at most: a bit each; null: not asked for): who
-- was first seen at all in it, and in which weeks since. Who came before is in the months of people, unless a day before is to be stored again or the days are of another zone:
-- then the days before are read as well.
with short as materialized (
  select :zone::text is null and not exists (select from hub.rollup_days d where d.day < :weeks_from::date and d.until is null
    and (:organization_id::uuid is null or d.organization_id = :organization_id)) as is_enough
), older as (
  select m.organization_id, m.user_id from hub.user_months m
  where (select s.is_enough from short s) and m.month <= :weeks_from::date and m.first_day < :weeks_from::date
    and (:organization_id::uuid is null or m.organization_id = :organization_id)
  union all
  select r.organization_id, r.user_id from hub.user_rows_v1(:organization_id::uuid, '-infinity'::date, :weeks_from::date, :zone::text) r
  where :weeks_from::date is not null and not (select s.is_enough from short s) and (r.calls > 0 or r.conversations > 0)
), uses as materialized (
  select case when :organization_id::uuid is null then r.organization_id end as organization_id, r.user_id, r.module,
    bit_or(case when r.day >= :last::date then 0 when r.day >= :middle::date then 1 when r.day >= :first::date then 2 else 0 end) as times,
    sum(case when r.day >= :middle::date and r.day < :last::date then r.conversations::integer end) as conversations,
    min(case when r.day < :weeks_to::date then r.day end) as first_day,
    bit_or(case when r.day < :weeks_to::date then 1::bigint << greatest((r.day - :weeks_from::date) / 7, 0) end) as weeks
  from hub.user_rows_v1(:organization_id::uuid, :since::date, :until::date, :zone::text) r
  where r.calls > 0 or r.conversations > 0
  group by 1, 2, 3
), people as materialized (
  select coalesce(u.organization_id, :organization_id::uuid) as organization_id, u.user_id, bit_or(u.times) as times, min(u.first_day) as first_day,
    bit_or(u.weeks) as weeks
  from uses u where u.user_id <> '00000000-0000-0000-0000-000000000000' group by 1, 2
), newcomers as (
  select (p.first_day - :weeks_from::date) / 7 as week, p.weeks, count(*) as users
  from people p
  where p.first_day >= :weeks_from::date and not exists (select from older o where o.organization_id = p.organization_id and o.user_id = p.user_id)
  group by 1, 2
)
select 'module' as kind, nullif(u.module, '') as name, null::date as week, null::integer as later,
  count(*) filter (where u.times & 1 > 0 and u.user_id <> '00000000-0000-0000-0000-000000000000') as users,
  count(*) filter (where u.times & 2 > 0 and u.user_id <> '00000000-0000-0000-0000-000000000000') as old_users,
  coalesce(sum(u.conversations), 0)::bigint as conversations
from uses u group by u.module having bit_or(u.times) & 1 > 0
union all
select 'total', null, null, null, count(*) filter (where p.times & 1 > 0), count(*) filter (where p.times & 2 > 0), 0 from people p
union all
select 'week', null, :weeks_from::date + 7 * n.week, w.later, sum(n.users)::bigint, 0, 0
from newcomers n cross join generate_series(0, (:weeks_to::date - 1 - :weeks_from::date) / 7) as w(later)
where n.weeks & (1::bigint << (n.week + w.later)) <> 0
group by 3, 4;

-- name: list_intent_adopters(organization_id, first, middle, last, zone)
-- By intent: who had it from `middle` on (bit 1 of `times`), and from `first` until then (bit 2).
with people as materialized (
  select case when :organization_id::uuid is null then r.organization_id end as organization_id, r.user_id, r.intent as name,
    bit_or(case when r.day >= :middle::date then 1 else 2 end) as times,
    sum(case when r.day >= :middle::date then r.conversations::integer end) as conversations
  from hub.intent_rows_v1(:organization_id::uuid, :first::date, :last::date, :zone::text) r
  group by 1, 2, 3
)
select 'intent' as kind, p.name, count(*) filter (where p.times & 1 > 0 and p.user_id <> '00000000-0000-0000-0000-000000000000') as users,
  count(*) filter (where p.times & 2 > 0 and p.user_id <> '00000000-0000-0000-0000-000000000000') as old_users,
  coalesce(sum(p.conversations), 0)::bigint as conversations
from people p group by p.name having bit_or(p.times) & 1 > 0;

-- name: list_people(organization_id, first, last, zone, users)
with people as (
  select r.organization_id, r.user_id, max(r.day) filter (where r.calls > 0 or r.conversations > 0) as last_day,
    count(distinct r.day) filter (where r.calls > 0 or r.conversations > 0) as active_days, sum(r.conversations)::bigint as conversations,
    sum(r.messages)::bigint as messages, sum(r.calls)::bigint as calls, sum(r.cost) as cost, sum(r.feedbacks)::bigint as feedbacks, sum(r.score_sum) as score_sum
  from hub.user_rows_v1(:organization_id::uuid, :first::date, :last::date, :zone::text) r
  where r.user_id <> '00000000-0000-0000-0000-000000000000' and (:users::uuid[] is null or r.user_id = any (:users))
  group by 1, 2
  having sum(r.calls) > 0 or sum(r.conversations) > 0
)
select p.*, o.external_id as organization, u.external_id as user_name
from people p
join public.ai_organizations o on o.id = p.organization_id
left join public.ai_users u on u.organization_id = p.organization_id and u.id = p.user_id;

-- name: count_people(organization_id, first, last)$
-- Of a month until some day: from the months of people, unless one of the days they begin on is to be stored again.
with dirty as materialized (
  select d.* from hub.rollup_days d where d.day >= :first::date and d.day < :last::date and (:organization_id::uuid is null or d.organization_id = :organization_id)
), short as materialized (
  select date_trunc('month', :first::timestamp) = :first::timestamp and :last::timestamp <= :first::timestamp + interval '1 month'
    and not exists (select from dirty d join hub.user_months m on m.organization_id = d.organization_id and m.month = :first and m.first_day = d.day
      where d.until is null) as is_enough
)
select count(*) from (
  select m.organization_id, m.user_id from hub.user_months m
  where (select s.is_enough from short s) and m.month = :first and m.first_day < :last and (:organization_id is null or m.organization_id = :organization_id)
  union
  select u.organization_id, u.user_id from public.ai_user_days u
  where not (select s.is_enough from short s) and u.day >= :first and u.day < :last and (:organization_id is null or u.organization_id = :organization_id)
    and (u.calls > 0 or u.conversations > 0)
    and not exists (select from dirty d where d.organization_id = u.organization_id and d.day = u.day and d.until is null)
  union
  select k.organization_id, k.user_id from dirty d
  join public.ai_calls k on k.organization_id = d.organization_id and k.occurred_at >= coalesce(d.until, d.starts) and k.occurred_at < d.ends
  union
  select c.organization_id, c.user_id from dirty d
  join public.ai_conversations c on c.organization_id = d.organization_id and c.created_at >= coalesce(d.until, d.starts) and c.created_at < d.ends
  union
  select k.organization_id, k.user_id from dirty d
  join hub.kept_calls k on k.organization_id = d.organization_id and k.slot >= coalesce(d.until, d.starts) and k.slot < d.ends
  union
  select k.organization_id, k.user_id from dirty d
  join hub.kept_conversations k on k.organization_id = d.organization_id and k.slot >= coalesce(d.until, d.starts) and k.slot < d.ends
) x where x.user_id <> '00000000-0000-0000-0000-000000000000';

-- name: count_people_between(organization_id, from_, to)$
select count(*) from (
  select k.organization_id, k.user_id from public.ai_calls k
  where (:organization_id::uuid is null or k.organization_id = :organization_id) and k.occurred_at >= :from_ and k.occurred_at < :to
    and k.user_id is not null
  union
  select c.organization_id, c.user_id from public.ai_conversations c
  where (:organization_id::uuid is null or c.organization_id = :organization_id) and c.created_at >= :from_ and c.created_at < :to
    and c.user_id is not null
  union
  select k.organization_id, k.user_id from hub.kept_calls k
  where (:organization_id::uuid is null or k.organization_id = :organization_id) and k.slot >= :from_ and k.slot < :to and k.user_id is not null
  union
  select k.organization_id, k.user_id from hub.kept_conversations k
  where (:organization_id::uuid is null or k.organization_id = :organization_id) and k.slot >= :from_ and k.slot < :to and k.user_id is not null
) x;

-- name: list_names(ids)
select o.id, o.external_id from public.ai_organizations o where o.id = any (:ids::uuid[]);

-- name: count_sessions(organization_id, since)$
select count(*) from public.ai_conversations c
where (:organization_id::uuid is null or c.organization_id = :organization_id) and c.status = 'active' and c.last_activity_at > :since;

-- name: get_live(organization_id, since_minute, since, to)^
-- Organization by organization: the index is by organization and time.
select coalesce(sum(x.tokens), 0)::bigint as tokens, coalesce(sum(x.calls), 0)::bigint as calls, coalesce(sum(x.errors), 0)::bigint as errors,
  coalesce(array_agg(x.bucket) filter (where x.bucket is not null), '{}') as buckets,
  coalesce(array_agg(x.calls) filter (where x.bucket is not null), '{}') as counts
from (
  select hub.latency_bucket(k.latency_ms) as bucket, count(*) as calls, count(k.error) as errors,
    sum(k.total_tokens) filter (where k.occurred_at > :since_minute) as tokens
  from public.ai_organizations o
  join public.ai_calls k on k.organization_id = o.id and k.occurred_at > :since and k.occurred_at <= :to
  where :organization_id::uuid is null or o.id = :organization_id
  group by 1
) x;

-- name: tick_rollups(most, days)^
select t.ran, t.slots, t.more, t.behind from hub.tick_rollups_v1(:most, :days) t;

-- name: settle_days(most)$
select hub.settle_days_v1(:most);

-- name: hold_open_days(most)$
select hub.hold_open_days_v1(:most);

-- name: sum_slots(most)$
select hub.sum_slots_v1(:most);

-- name: rebuild_rollups(from_, to)$
select hub.rebuild_rollups_v1(:from_::timestamptz, :to::timestamptz);

-- name: get_status()^
select s.ticked_at, pg_snapshot_xmax(pg_current_snapshot())::text::bigint - s.next_xid::text::bigint as behind,
  (select count(*) from hub.rollup_days) as open_days, (select count(*) from hub.rollup_days d where d.ends <= now()) as due_days,
  case when s.rebuild_from = '-infinity' then timestamptz '1970-01-01 00:00:00+00' else s.rebuild_from end as rebuild_from,
  case when s.rebuild_to = 'infinity' then now() else s.rebuild_to end as rebuild_to,
  (select count(*) from public.ai_usage_slots) as usage_slots
from hub.rollup_state s;
