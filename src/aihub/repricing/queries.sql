-- name: list_calls(organization_id, provider, model, from_, to, statuses, after_at, after_id, limit)
select k.id, k.occurred_at, k.organization_id, o.plan, k.module, k.provider, k.model, k.api, k.quantities, k.usage, k.usage_source,
  k.usage_method, k.context, k.cost_facts, k.total_tokens, k.cost, k.price, k.cost_status, k.cost_note, k.price_book_version, k.error,
  k.ingest_xid::text as xid
from public.ai_calls k join public.ai_organizations o on o.id = k.organization_id
where (:organization_id::uuid is null or k.organization_id = :organization_id::uuid)
  and (:provider::text is null or k.provider = :provider::text)
  and (:model::text is null or k.model = :model::text)
  and (:from_::timestamptz is null or k.occurred_at >= :from_::timestamptz)
  and k.occurred_at < :to::timestamptz
  and (:statuses::text[] is null or k.cost_status = any(:statuses::text[]))
  and (:after_at::timestamptz is null or (k.occurred_at >= :after_at::timestamptz
    and (k.occurred_at, k.id) > (:after_at::timestamptz, :after_id::uuid)))
order by k.occurred_at, k.id
limit :limit;

-- name: count_calls(organization_id, provider, model, from_, to, statuses)$
select count(*) from public.ai_calls k
where (:organization_id::uuid is null or k.organization_id = :organization_id::uuid)
  and (:provider::text is null or k.provider = :provider::text)
  and (:model::text is null or k.model = :model::text)
  and (:from_::timestamptz is null or k.occurred_at >= :from_::timestamptz)
  and k.occurred_at < :to::timestamptz
  and (:statuses::text[] is null or k.cost_status = any(:statuses::text[]));

-- name: insert_run(id, created_by, filters, price_book_version)!
insert into hub.reprice_runs (id, created_by, filters, price_book_version)
values (:id, :created_by, :filters::jsonb, :price_book_version);

-- name: reprice_calls(run_id, organization_id, id, occurred_at, xid, input_tokens, cached_input_tokens, output_tokens, reasoning_tokens, tokens, quantities, cost, price, computed_cost, cost_status, cost_note, cost_lines, markup, price_book_version)
select f.organization_id, f.call_id
from hub.reprice_calls_v1(:run_id, :organization_id::uuid[], :id::uuid[], :occurred_at::timestamptz[], :xid::text[],
  :input_tokens::bigint[], :cached_input_tokens::bigint[], :output_tokens::bigint[], :reasoning_tokens::bigint[], :tokens::bigint[],
  :quantities::text[], :cost::numeric[], :price::numeric[], :computed_cost::numeric[], :cost_status::text[], :cost_note::text[],
  :cost_lines::text[], :markup::text[], :price_book_version::text[]) f;

-- name: list_adjustments(organization_id, call_id)
select a.run_id, a.call_id, a.occurred_at, a.adjusted_at, a.cost_before, a.price_before, a.status_before, a.price_book_version_before,
  a.cost_after, a.price_after, a.status_after, a.price_book_version_after
from hub.cost_adjustments a where a.organization_id = :organization_id and a.call_id = :call_id
order by a.adjusted_at;

-- name: list_unpriced(organization_id, since)
-- what has no price, for the operator: by provider and model, and why
select k.provider, k.model, coalesce(split_part(k.cost_note, ':', 1), '') as reason, count(*) as calls,
  min(k.occurred_at) as first_at, max(k.occurred_at) as last_at
from public.ai_calls k
where k.cost_status = 'unpriced' and k.occurred_at >= :since
  and (:organization_id::uuid is null or k.organization_id = :organization_id::uuid)
group by 1, 2, 3 order by calls desc, k.provider, k.model
limit 200;
