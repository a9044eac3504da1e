-- name: list_latest(organization_id, since, until, n)
-- Bounds in time, so that PostgreSQL looks into few months.
select c.id, u.external_id as user_id, c.module, c.status, c.message_count, c.total_tokens, c.total_cost,
  c.unpriced_calls, c.satisfaction_score, c.models, c.started_at
from (
  select c.* from public.ai_conversations c
  where c.organization_id = :organization_id and c.created_at >= :since and c.created_at < :until
  order by c.created_at desc, c.id desc limit :n
) c
left join public.ai_users u on u.organization_id = :organization_id and u.id = c.user_id
order by c.created_at desc, c.id desc;

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

-- name: has_bills(first, last)$
-- Whether a provider has billed, or was asked about, some of these days.
select exists (select from hub.provider_bills b where b.day between :first::date and :last::date)
  or exists (select from hub.fetch_progress p where p.finished_at is not null
    and p.window_end > :first::date and p.window_start <= :last::date);
