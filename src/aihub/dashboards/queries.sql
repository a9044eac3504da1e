-- name: get_home(organization_id, zone, since, previous_since, recent_since, until, month_start, time_of_day)$
-- Everything Home shows, in one round trip. Days are days of the organization's zone; the sums up to
-- `time_of_day` compare a day that is not over with as much of another. Both tables are read within
-- [since, until) alone, so that PostgreSQL looks into no other month.
with conversations as materialized (
  select (c.created_at at time zone :zone) as local_at, c.created_at, c.module, c.satisfaction_score
  from public.ai_conversations c
  where c.organization_id = :organization_id and c.created_at >= :since and c.created_at < :until
), calls as materialized (
  select x.local_at::date as day, x.unpriced_model, x.is_unpriced, x.in_month, count(*) as calls,
    coalesce(sum(x.cost), 0) as cost, coalesce(sum(x.cost) filter (where x.is_early), 0) as cost_early,
    sum(x.total_tokens) as tokens, coalesce(sum(x.total_tokens) filter (where x.is_early), 0) as tokens_early
  from (
    select l.local_at, k.cost, k.total_tokens, k.cost_status = 'unpriced' as is_unpriced,
      case when k.cost_status = 'unpriced' then k.model end as unpriced_model,
      k.occurred_at >= :month_start as in_month, l.local_at::time <= :time_of_day as is_early
    from public.ai_calls k cross join lateral (select k.occurred_at at time zone :zone as local_at) l
    where k.organization_id = :organization_id and k.occurred_at >= :since and k.occurred_at < :until
  ) x
  group by 1, 2, 3, 4
), conversation_days as (
  select c.local_at::date as day, count(*) as conversations,
    count(*) filter (where c.local_at::time <= :time_of_day) as conversations_early,
    count(c.satisfaction_score) as rated, coalesce(sum(c.satisfaction_score), 0) as score_sum
  from conversations c group by 1
), call_days as (
  select k.day, sum(k.cost) as cost, sum(k.cost_early) as cost_early, sum(k.tokens)::bigint as tokens,
    sum(k.tokens_early)::bigint as tokens_early
  from calls k group by 1
), days as (
  select day, coalesce(c.conversations, 0) as conversations, coalesce(c.conversations_early, 0) as conversations_early,
    coalesce(c.rated, 0) as rated, coalesce(c.score_sum, 0) as score_sum, coalesce(k.cost, 0) as cost,
    coalesce(k.cost_early, 0) as cost_early, coalesce(k.tokens, 0) as tokens, coalesce(k.tokens_early, 0) as tokens_early
  from conversation_days c full join call_days k using (day)
), modules as (
  select c.module, count(*) filter (where c.created_at >= :recent_since) as conversations,
    count(*) filter (where c.created_at < :recent_since) as before
  from conversations c where c.created_at >= :previous_since
  group by 1 having count(*) filter (where c.created_at >= :recent_since) > 0
  order by 2 desc, 1 nulls last limit 6
), unpriced as (
  select k.unpriced_model as model, sum(k.calls)::bigint as calls
  from calls k where k.is_unpriced and k.in_month group by 1 order by 2 desc, 1 nulls last
), latest as (
  select c.id, u.external_id as user_id, c.module, c.status, c.message_count, c.total_tokens, c.total_cost,
    c.unpriced_calls, c.satisfaction_score, c.models, c.started_at, c.created_at
  from (
    select c.id, c.user_id, c.module, c.status, c.message_count, c.total_tokens, c.total_cost, c.unpriced_calls,
      c.satisfaction_score, c.models, c.started_at, c.created_at
    from public.ai_conversations c
    where c.organization_id = :organization_id and c.created_at >= :since and c.created_at < :until
    order by c.created_at desc, c.id desc limit 8
  ) c
  left join public.ai_users u on u.organization_id = :organization_id and u.id = c.user_id
)
select json_build_object(
  'days', (select coalesce(json_agg(d order by d.day), '[]') from days d),
  'modules', (select coalesce(json_agg(m order by m.conversations desc, m.module nulls last), '[]') from modules m),
  'unpriced', (select coalesce(json_agg(p order by p.calls desc, p.model nulls last), '[]') from unpriced p),
  'latest', (select coalesce(json_agg(l order by l.created_at desc, l.id desc), '[]') from latest l))::text;

-- name: get_known_values(organization_id, since)^
-- What the last conversations used, as suggestions in the filter.
with recent as materialized (
  select c.module, c.models from public.ai_conversations c
  where c.organization_id = :organization_id and c.created_at >= :since
  order by c.created_at desc limit 500
)
select array(select distinct r.module from recent r where r.module is not null order by 1) as modules,
  array(select distinct m from recent r cross join unnest(r.models) m order by 1) as models;

-- name: get_call_facts(organization_id, id, occurred_at)$
-- What of the answer and the context decided the cost.
select k.cost_facts from public.ai_calls k
where k.organization_id = :organization_id and k.id = :id and k.occurred_at = :occurred_at;

-- name: list_used_models(organization_id, since)
select k.provider, k.model, count(*) as calls, count(*) filter (where k.cost_status = 'unpriced') as unpriced_calls,
  coalesce(sum(k.cost), 0) as cost, coalesce(sum(k.total_tokens), 0)::bigint as tokens
from public.ai_calls k
where k.organization_id = :organization_id and k.occurred_at >= :since and k.model is not null
group by 1, 2;
