set lock_timeout = '5s';

-- Costs that were computed again. The call shows what holds now; what it was before, when and why it changed is an
-- entry here that is never altered. An invoice that was issued before is not moved by it: the difference belongs to
-- the time of the adjustment.

create table if not exists hub.reprice_runs (
  id uuid primary key,
  created_at timestamptz not null default clock_timestamp(),
  created_by text not null,
  filters jsonb not null,
  price_book_version text not null
);

create table if not exists hub.cost_adjustments (
  organization_id uuid not null,
  run_id uuid not null references hub.reprice_runs,
  call_id uuid not null,
  occurred_at timestamptz not null,
  adjusted_at timestamptz not null default clock_timestamp(),
  module text,
  provider text,
  model text,
  cost_before numeric(38, 18),
  price_before numeric(38, 18),
  status_before text not null,
  price_book_version_before text not null,
  cost_after numeric(38, 18),
  price_after numeric(38, 18),
  status_after text not null,
  price_book_version_after text not null,
  primary key (organization_id, call_id, run_id)
);
create index if not exists cost_adjustments_time_idx on hub.cost_adjustments (organization_id, adjusted_at);
create index if not exists cost_adjustments_run_idx on hub.cost_adjustments (run_id);
comment on table hub.cost_adjustments is 'unpriced is null, never 0: what a call adds to a bill is coalesce(after, 0) - coalesce(before, 0)';

-- operators are told what has no price, and it is priced again: neither may look through all calls
create index if not exists ai_calls_unpriced_idx on public.ai_calls (occurred_at) where cost_status = 'unpriced';

alter table hub.reprice_runs enable row level security;
alter table hub.cost_adjustments enable row level security;
revoke all on hub.reprice_runs, hub.cost_adjustments from public;

-- Any number of calls, one round trip. A call that has changed since it was read (another run was faster) is left
-- alone. Answers the ids that were changed.
create or replace function hub.reprice_calls_v1(
  p_run uuid, p_org uuid[], p_id uuid[], p_occurred_at timestamptz[], p_xid text[], p_input_tokens bigint[],
  p_cached_input_tokens bigint[], p_output_tokens bigint[], p_reasoning_tokens bigint[], p_tokens bigint[], p_quantities text[],
  p_cost numeric[], p_price numeric[], p_computed_cost numeric[], p_cost_status text[], p_cost_note text[], p_cost_lines text[],
  p_markup text[], p_price_book_version text[])
returns table (organization_id uuid, call_id uuid)
language plpgsql set search_path = '' set jit = off as $$
begin
  -- conversations first and in the order of their ids, like every writer
  perform 1
  from (select distinct k.conversation_id as id, k.organization_id as org
        from unnest(p_org, p_id, p_occurred_at) as i(org, id, at)
        join public.ai_calls k on k.id = i.id and k.occurred_at = i.at and k.organization_id = i.org
        where k.conversation_id is not null) d
  join public.ai_conversations c on c.id = d.id and c.created_at = hub.uuid7_time(d.id) and c.organization_id = d.org
  order by c.id, c.organization_id
  for no key update of c;

  return query
  with input as materialized (
    select * from unnest(p_org, p_id, p_occurred_at, p_xid, p_input_tokens, p_cached_input_tokens, p_output_tokens, p_reasoning_tokens,
      p_tokens, p_quantities, p_cost, p_price, p_computed_cost, p_cost_status, p_cost_note, p_cost_lines, p_markup, p_price_book_version)
      as i(org, id, occurred_at, xid, input_tokens, cached_input_tokens, output_tokens, reasoning_tokens, tokens, quantities,
      cost, price, computed_cost, cost_status, cost_note, cost_lines, markup, price_book_version)
  ), before as materialized (
    select k.organization_id as org, k.id, k.occurred_at, k.conversation_id, k.message_id, k.module, k.provider, k.model,
      k.total_tokens, k.cost, k.price, k.cost_status, k.price_book_version
    from input i
    join public.ai_calls k on k.id = i.id and k.occurred_at = i.occurred_at and k.organization_id = i.org and k.ingest_xid = i.xid::xid8
    order by k.organization_id, k.id
    for no key update of k
  ), changed as (
    update public.ai_calls k
    set input_tokens = i.input_tokens, cached_input_tokens = i.cached_input_tokens, output_tokens = i.output_tokens,
      reasoning_tokens = i.reasoning_tokens, total_tokens = i.tokens, quantities = i.quantities::jsonb, cost = i.cost,
      price = i.price, computed_cost = i.computed_cost, cost_status = i.cost_status, cost_note = i.cost_note,
      cost_lines = i.cost_lines::jsonb, markup = i.markup::jsonb, price_book_version = i.price_book_version,
      ingest_xid = pg_current_xact_id()
    from input i join before b on b.org = i.org and b.id = i.id
    where k.id = i.id and k.occurred_at = i.occurred_at and k.organization_id = i.org
    returning k.organization_id as org, k.id, k.total_tokens, k.quantities, k.cost, k.price, k.cost_status, k.cost_note, k.price_book_version
  ), entries as (
    insert into hub.cost_adjustments (organization_id, run_id, call_id, occurred_at, module, provider, model, cost_before, price_before,
      status_before, price_book_version_before, cost_after, price_after, status_after, price_book_version_after)
    select b.org, p_run, b.id, b.occurred_at, b.module, b.provider, b.model, b.cost, b.price, b.cost_status, b.price_book_version,
      c.cost, c.price, c.cost_status, c.price_book_version
    from before b join changed c on c.org = b.org and c.id = b.id
  ), messages as (
    update public.ai_messages m
    set usage = c.quantities, tokens = c.total_tokens, cost = c.cost, price = c.price, cost_status = c.cost_status, cost_note = c.cost_note
    from before b join changed c on c.org = b.org and c.id = b.id
    where b.message_id is not null and m.conversation_id = b.conversation_id and m.id = b.message_id
      and m.conversation_created_at = hub.uuid7_time(b.conversation_id) and m.organization_id = b.org
  ), differences as (
    select b.org, b.conversation_id, sum(c.total_tokens - b.total_tokens) as tokens,
      sum(coalesce(c.cost, 0) - coalesce(b.cost, 0)) as cost, sum(coalesce(c.price, 0) - coalesce(b.price, 0)) as price,
      (count(*) filter (where c.cost_status = 'unpriced') - count(*) filter (where b.cost_status = 'unpriced'))::integer as unpriced
    from before b join changed c on c.org = b.org and c.id = b.id
    where b.conversation_id is not null group by 1, 2
  ), totals as (
    update public.ai_conversations c
    set total_tokens = c.total_tokens + d.tokens, total_cost = c.total_cost + d.cost, total_price = c.total_price + d.price,
      unpriced_calls = c.unpriced_calls + d.unpriced, updated_at = clock_timestamp()
    from differences d
    where c.id = d.conversation_id and c.created_at = hub.uuid7_time(d.conversation_id) and c.organization_id = d.org
  )
  select c.org, c.id from changed c;
end $$;
revoke all on function hub.reprice_calls_v1(uuid, uuid[], uuid[], timestamptz[], text[], bigint[], bigint[], bigint[], bigint[], bigint[],
  text[], numeric[], numeric[], numeric[], text[], text[], text[], text[], text[]) from public;
