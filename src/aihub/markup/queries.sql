-- Rules of a process are read whole, and again when the revision has changed. Amounts as text in JSON: exact.

-- name: get_revision()$
select s.revision from hub.markup_state s;

-- name: take_turn()^
-- Writers of rules wait here for each other; the time is that after the wait.
update hub.markup_state set revision = revision + 1 returning revision, clock_timestamp() as now;

-- name: list_every_rule()
select r.id, r.rule_key, r.version, r.sequence, r.organization_id, o.external_id as organization, r.plan, r.module, r.provider,
  r.model, r.priority, r.percentage, r.fixed_per_request, r.per_million, r.minimum_per_request, r.cap_per_request, r.tiers,
  r.included, r.period_minimum, r.period_cap, r.valid_from, r.valid_to, r.is_closing, r.is_backdated, r.created_at,
  r.created_by, r.note
from hub.markup_rules r left join public.ai_organizations o on o.id = r.organization_id
order by r.sequence;

-- name: list_rules(at, includes_past, before_at, before_id, limit)
select r.id, r.rule_key, r.version, r.sequence, r.organization_id, o.external_id as organization, r.plan, r.module, r.provider,
  r.model, r.priority, r.percentage, r.fixed_per_request, r.per_million, r.minimum_per_request, r.cap_per_request, r.tiers,
  r.included, r.period_minimum, r.period_cap, r.valid_from, r.valid_to, r.is_closing, r.is_backdated, r.created_at,
  r.created_by, r.note
from hub.markup_rules r left join public.ai_organizations o on o.id = r.organization_id
where (:includes_past or (not r.is_closing and (r.valid_to is null or (r.valid_to > :at and r.valid_to > r.valid_from))))
  and (:before_at::timestamptz is null or (r.created_at, r.id) < (:before_at::timestamptz, :before_id::uuid))
order by r.created_at desc, r.id desc
limit :limit;

-- name: list_rules_of(organization_id, plan, at, before_at, before_id, limit)
-- What may price calls of an organization now: its own, its plan's, everybody's.
select r.id, r.rule_key, r.version, r.sequence, r.organization_id, o.external_id as organization, r.plan, r.module, r.provider,
  r.model, r.priority, r.percentage, r.fixed_per_request, r.per_million, r.minimum_per_request, r.cap_per_request, r.tiers,
  r.included, r.period_minimum, r.period_cap, r.valid_from, r.valid_to, r.is_closing, r.is_backdated, r.created_at,
  r.created_by, r.note
from hub.markup_rules r left join public.ai_organizations o on o.id = r.organization_id
where (r.organization_id = :organization_id or (r.organization_id is null and (r.plan is null or r.plan = :plan)))
  and not r.is_closing and r.valid_from <= :at and (r.valid_to is null or r.valid_to > :at)
  and (:before_at::timestamptz is null or (r.created_at, r.id) < (:before_at::timestamptz, :before_id::uuid))
order by r.created_at desc, r.id desc
limit :limit;

-- name: list_versions(rule_key)
select r.id, r.rule_key, r.version, r.sequence, r.organization_id, o.external_id as organization, r.plan, r.module, r.provider,
  r.model, r.priority, r.percentage, r.fixed_per_request, r.per_million, r.minimum_per_request, r.cap_per_request, r.tiers,
  r.included, r.period_minimum, r.period_cap, r.valid_from, r.valid_to, r.is_closing, r.is_backdated, r.created_at,
  r.created_by, r.note
from hub.markup_rules r left join public.ai_organizations o on o.id = r.organization_id
where r.rule_key = :rule_key
order by r.version desc;

-- name: cut_versions(rule_key, at)!
-- What was to be valid at `at` or later no longer is; a version that would have begun later never begins.
update hub.markup_rules r set valid_to = greatest(r.valid_from, :at)
where r.rule_key = :rule_key and (r.valid_to is null or r.valid_to > greatest(r.valid_from, :at));

-- name: insert_rule(id, rule_key, version, organization_id, plan, module, provider, model, priority, percentage, fixed_per_request, per_million, minimum_per_request, cap_per_request, tiers, included, period_minimum, period_cap, valid_from, valid_to, is_closing, is_backdated, created_at, created_by, note)$
insert into hub.markup_rules (id, rule_key, version, organization_id, plan, module, provider, model, priority, percentage,
  fixed_per_request, per_million, minimum_per_request, cap_per_request, tiers, included, period_minimum, period_cap,
  valid_from, valid_to, is_closing, is_backdated, created_at, created_by, note)
values (:id, :rule_key, :version, :organization_id, :plan, :module, :provider, :model, :priority, :percentage,
  :fixed_per_request, :per_million, :minimum_per_request, :cap_per_request, :tiers, :included, :period_minimum, :period_cap,
  :valid_from, :valid_to, :is_closing, :is_backdated, :created_at, :created_by, :note)
returning sequence;

-- ---------- what if ----------

-- name: count_calls(organization_id, from_, to)
-- By organization and hour: how to cut the work into pieces. Null: of every organization (operators alone ask so).
select k.organization_id, o.external_id as organization, o.plan, date_trunc('hour', k.occurred_at, 'UTC') as hour, count(*) as calls
from public.ai_calls k left join public.ai_organizations o on o.id = k.organization_id
where k.occurred_at >= :from_ and k.occurred_at < :to
  and (:organization_id::uuid is null or k.organization_id = :organization_id)
group by k.organization_id, o.external_id, o.plan, hour
order by k.organization_id, hour;

-- name: sum_calls(organization_id, from_, to)
-- `used`: calls that a fixed amount is charged for, as aihub.markup.request_prices decides it.
select k.module, k.provider, k.model, json_build_array(k.module, k.provider, k.model)::text as key,
  count(*) as calls, count(k.cost) as costed,
  count(*) filter (where k.cost > 0) as costly,
  count(k.cost) filter (where k.cost > 0 or k.cost_lines <> '[]' or exists (
    select from jsonb_each_text(coalesce(k.quantities, '{}')) q where q.value <> '0')) as used,
  coalesce(sum(k.cost), 0) as cost, count(k.price) as priced, coalesce(sum(k.price), 0) as price,
  coalesce(sum(k.total_tokens), 0)::bigint as tokens, coalesce(max(min_scale(k.cost)), 0) as decimals
from public.ai_calls k
where k.organization_id = :organization_id and k.occurred_at >= :from_ and k.occurred_at < :to
group by k.module, k.provider, k.model
order by k.module, k.provider, k.model;

-- name: list_calls(organization_id, keys, from_, to, after_at, after_id, limit)
-- Page by page along the index, oldest first.
select json_build_array(k.module, k.provider, k.model)::text as key, k.cost, k.cost_status, k.cost_lines, k.quantities,
  k.occurred_at, k.id
from public.ai_calls k
where k.organization_id = :organization_id and k.occurred_at >= :from_ and k.occurred_at < :to
  and (:after_at::timestamptz is null
    or (k.occurred_at >= :after_at and (k.occurred_at, k.id) > (:after_at, :after_id::uuid)))
  and json_build_array(k.module, k.provider, k.model)::text = any (:keys::text[])
order by k.occurred_at, k.id
limit :limit;
