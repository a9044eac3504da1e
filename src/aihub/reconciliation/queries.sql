-- name: sum_calls(from_at, to_at, provider)
-- of all organizations: a provider's bill does not tell them apart
select (c.occurred_at at time zone 'UTC')::date as day, coalesce(c.provider, 'unknown') as provider,
  case when c.provider = 'azure' and c.context ->> 'deployment_type' ~* 'data.?zone'
    then coalesce(c.model, '(no model)') || ' data zone' else coalesce(c.model, '(no model)') end as model,
  sum(c.cost) as cost, sum(c.input_tokens)::bigint as input_tokens,
  sum(c.cached_input_tokens)::bigint as cached_input_tokens, sum(c.output_tokens)::bigint as output_tokens,
  count(*) as calls, count(*) filter (where c.cost_status = 'unpriced') as unpriced_calls,
  array_agg(distinct c.price_book_version) as price_book_versions
from public.ai_calls c
where c.occurred_at >= :from_at and c.occurred_at < :to_at
  and (:provider::text is null or c.provider = :provider::text)
group by 1, 2, 3;

-- name: sum_fees(from_at, to_at, provider, components)
-- what calls cost beside their tokens: bills have lines of their own for it
select (c.occurred_at at time zone 'UTC')::date as day, coalesce(c.provider, 'unknown') as provider,
  case when c.provider = 'azure' and c.context ->> 'deployment_type' ~* 'data.?zone'
    then coalesce(c.model, '(no model)') || ' data zone' else coalesce(c.model, '(no model)') end as model,
  l.value ->> 'component' as component, sum((l.value ->> 'amount')::numeric) as amount
from public.ai_calls c cross join lateral jsonb_array_elements(c.cost_lines) as l
where c.occurred_at >= :from_at and c.occurred_at < :to_at
  and (:provider::text is null or c.provider = :provider::text)
  -- most calls have none, and are not unpacked
  and c.cost_lines @? '$[*].component ? (@ == "web_search" || @ == "search_source" || @ == "file_search"
    || @ == "code_session" || @ == "maps_prompt" || @ == "grounding_prompt" || @ == "grounding_query")'
  and l.value ->> 'component' = any (:components::text[])
group by 1, 2, 3, 4;

-- name: list_bills(first_day, last_day, provider)
select b.day, b.provider, b.model, b.line, b.kind, b.component, b.input_tokens, b.cached_input_tokens,
  b.cache_write_tokens, b.cache_write_1h_tokens, b.output_tokens, b.requests, b.quantity, b.amount,
  b.list_amount, b.currency
from hub.provider_bills b
where b.day between :first_day and :last_day and (:provider::text is null or b.provider = :provider::text);

-- name: list_covered(first_day, last_day, sources)
-- what was fetched to the end, also where a day had nothing on it
select a.provider, p.window_start, p.window_end
from hub.fetch_progress p join hub.provider_accounts a on a.id = p.account_id
where p.finished_at is not null and p.window_end > :first_day and p.window_start <= :last_day
  and p.source = any (:sources::text[]);

-- name: lock_source(source)$
-- who replaces days waits for the other who does, or both would add theirs to what neither saw
select pg_advisory_xact_lock(hashtextextended('aihub.provider_bills.' || :source::text, 0)) is null;

-- name: insert_bills(account_id, source, run_id, providers, days, models, lines, kinds, components, input_tokens, cached_input_tokens, cache_write_tokens, cache_write_1h_tokens, output_tokens, requests, quantities, amounts, list_amounts, currencies)!
insert into hub.provider_bills (account_id, source, run_id, provider, day, model, line, kind, component,
  input_tokens, cached_input_tokens, cache_write_tokens, cache_write_1h_tokens, output_tokens, requests, quantity,
  amount, list_amount, currency)
select :account_id::uuid, :source::text, :run_id::uuid, u.*
from unnest(:providers::text[], :days::date[], :models::text[], :lines::text[], :kinds::text[], :components::text[],
  :input_tokens::bigint[], :cached_input_tokens::bigint[], :cache_write_tokens::bigint[],
  :cache_write_1h_tokens::bigint[], :output_tokens::bigint[], :requests::bigint[], :quantities::numeric[],
  :amounts::numeric[], :list_amounts::numeric[], :currencies::text[]) as u;

-- name: delete_bills(account_id, source, run_id, first_day, last_day, days)!
-- what other runs stored; also what was uploaded before there was an account
delete from hub.provider_bills b
where b.source = :source and (b.account_id = :account_id::uuid or b.account_id is null)
  and b.run_id <> :run_id::uuid and b.day between :first_day and :last_day
  and (:days::date[] is null or b.day = any (:days::date[]));

-- name: delete_bills_of_account(account_id)!
delete from hub.provider_bills b where b.account_id = :account_id;

-- name: insert_account(id, provider, kind, name, base_url, credentials, created_by)^
insert into hub.provider_accounts as a (id, provider, kind, name, base_url, credentials, created_by)
values (:id, :provider, :kind, :name, :base_url, :credentials, :created_by)
returning a.id, a.provider, a.kind, a.name, a.base_url, a.created_at, a.created_by, a.last_fetched_at, a.last_error;

-- name: list_accounts()
select a.id, a.provider, a.kind, a.name, a.base_url, a.created_at, a.created_by, a.last_fetched_at, a.last_error
from hub.provider_accounts a
order by a.created_at desc, a.id desc;

-- name: get_account(id)^
select a.id, a.provider, a.kind, a.name, a.base_url, a.created_at, a.created_by, a.last_fetched_at, a.last_error
from hub.provider_accounts a
where a.id = :id;

-- name: get_credentials(id)$
select a.credentials from hub.provider_accounts a where a.id = :id;

-- name: delete_account(id)^
delete from hub.provider_accounts a where a.id = :id
returning a.id, a.provider, a.kind, a.name, a.base_url, a.created_at, a.created_by, a.last_fetched_at, a.last_error;

-- name: update_account_fetched(id)!
update hub.provider_accounts a set last_fetched_at = now(), last_error = null where a.id = :id;

-- name: update_account_failed(id, error)!
update hub.provider_accounts a set last_error = :error where a.id = :id;

-- name: get_fetched_until(account_id, source)$
select max(p.window_end) from hub.fetch_progress p
where p.account_id = :account_id and p.source = :source and p.finished_at is not null;

-- name: get_open_run(account_id, source)^
select p.id, p.account_id, p.source, p.window_start, p.window_end, p.page, p.pages, p.finished_at
from hub.fetch_progress p
where p.account_id = :account_id and p.source = :source and p.finished_at is null
order by p.started_at desc, p.id desc
limit 1;

-- name: insert_run(id, account_id, source, window_start, window_end)^
-- nothing comes back when somebody else has begun one just now
insert into hub.fetch_progress as p (id, account_id, source, window_start, window_end)
values (:id, :account_id, :source, :window_start, :window_end)
on conflict (account_id, source) where finished_at is null do nothing
returning p.id, p.account_id, p.source, p.window_start, p.window_end, p.page, p.pages, p.finished_at;

-- name: delete_open_runs(account_id, source)!
delete from hub.fetch_progress p
where p.account_id = :account_id and p.source = :source and p.finished_at is null;

-- name: update_run(id, was_page, was_pages, page, is_finished)^
-- nothing comes back when somebody else was there first
update hub.fetch_progress p set page = :page::text, pages = p.pages + 1, updated_at = now(),
  finished_at = case when :is_finished then now() end
where p.id = :id and p.page is not distinct from :was_page::text and p.pages = :was_pages and p.finished_at is null
returning p.id, p.account_id, p.source, p.window_start, p.window_end, p.page, p.pages, p.finished_at;
