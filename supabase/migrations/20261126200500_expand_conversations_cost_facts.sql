set lock_timeout = '5s';

-- What a cost was computed from is kept beside it, so that it can be computed again: the usage, what else of the
-- answer counted, the circumstances, the version of the book. And what the operator's rules made of it.
alter table public.ai_calls
  add column if not exists cost_facts jsonb not null default '{}',
  add column if not exists computed_cost numeric(38, 18),
  add column if not exists usage_method text,
  add column if not exists markup jsonb;
comment on column public.ai_calls.cost_facts is 'what beside the usage decided the cost: `response` (model, tier, counts of tools) and `context`; no content, kept on erasure';
comment on column public.ai_calls.computed_cost is 'by the price book, where the provider stated its charge itself';
comment on column public.ai_calls.usage_method is 'how tokens were counted that no provider reported';
comment on column public.ai_calls.markup is 'the rule that made the price of the cost: id, key, version, lines; null: price is cost';

-- As version 1, with these four columns.

create or replace function hub.add_messages_v2(
  p_org uuid[], p_conversation uuid[], p_conversation_at timestamptz[], p_id uuid[], p_role text[], p_content text[],
  p_parts text[], p_tool_calls text[], p_model text[], p_provider text[], p_api text[], p_input_tokens bigint[],
  p_cached_input_tokens bigint[], p_output_tokens bigint[], p_reasoning_tokens bigint[], p_tokens bigint[], p_quantities text[],
  p_usage text[], p_usage_source text[], p_cost numeric[], p_price numeric[], p_cost_status text[], p_cost_note text[],
  p_cost_lines text[], p_price_book_version text[], p_cost_facts text[], p_computed_cost numeric[], p_usage_method text[], p_markup text[], p_latency_ms integer[], p_error text[], p_intent text[],
  p_metadata text[], p_created_at timestamptz[], p_reopen boolean[], p_actor text[])
returns table (ord bigint, outcome text, seq integer, status text)
language plpgsql set search_path = '' set jit = off set plan_cache_mode = force_generic_plan as $$
begin
  perform 1
  from (select distinct i.org, i.id, i.at from unnest(p_org, p_conversation, p_conversation_at) as i(org, id, at)) d
  join public.ai_conversations c on c.id = d.id and c.created_at = d.at and c.organization_id = d.org
  order by c.id, c.organization_id
  for no key update of c;

  return query
  with input as materialized (
    select * from unnest(p_org, p_conversation, p_conversation_at, p_id, p_role, p_content, p_parts, p_tool_calls, p_model,
      p_provider, p_api, p_input_tokens, p_cached_input_tokens, p_output_tokens, p_reasoning_tokens, p_tokens, p_quantities,
      p_usage, p_usage_source, p_cost, p_price, p_cost_status, p_cost_note, p_cost_lines, p_price_book_version, p_cost_facts, p_computed_cost, p_usage_method, p_markup,
      p_latency_ms, p_error, p_intent, p_metadata, p_created_at, p_reopen, p_actor)
      with ordinality as i(org, conversation, conversation_at, id, role, content, parts, tool_calls, model,
      provider, api, input_tokens, cached_input_tokens, output_tokens, reasoning_tokens, tokens, quantities,
      usage, usage_source, cost, price, cost_status, cost_note, cost_lines, price_book_version, cost_facts, computed_cost, usage_method, markup,
      latency_ms, error, intent, metadata, created_at, reopen, actor, ord)
  ), judged as materialized (
    select i.*, c.status, c.message_count, c.user_id, c.module, c.source, m.seq as stored_seq,
      -- of rows with the same id the first is stored, the others get its answer
      case
        when c.id is null then 'not_found'
        when m.id is not null then 'existing'
        when row_number() over (partition by i.org, i.conversation, i.id order by i.ord) > 1 then 'existing'
        when c.status in ('completed', 'archived')
          and not bool_or(i.reopen is true and m.id is null) over (partition by i.org, i.conversation order by i.ord) then 'closed'
        else 'created'
      end as outcome
    from input i
    left join public.ai_conversations c on c.id = i.conversation and c.created_at = i.conversation_at and c.organization_id = i.org
    left join public.ai_messages m on m.conversation_id = i.conversation and m.id = i.id
      and m.conversation_created_at = i.conversation_at and m.organization_id = i.org
  ), stored_calls as (
    insert into public.ai_calls as k (id, occurred_at, organization_id, conversation_id, message_id, user_id, module, source,
      provider, model, api, input_tokens, cached_input_tokens, output_tokens, reasoning_tokens, total_tokens, quantities,
      usage, usage_source, cost, price, cost_status, cost_note, cost_lines, price_book_version, cost_facts, computed_cost, usage_method, markup, latency_ms, error)
    select j.id, j.created_at, j.org, j.conversation, j.id, j.user_id, j.module, j.source,
      j.provider, j.model, j.api, j.input_tokens, j.cached_input_tokens, j.output_tokens, j.reasoning_tokens, j.tokens, j.quantities::jsonb,
      j.usage::jsonb, j.usage_source, j.cost, j.price, j.cost_status, j.cost_note, j.cost_lines::jsonb, j.price_book_version,
      j.cost_facts::jsonb, j.computed_cost, j.usage_method, j.markup::jsonb,
      j.latency_ms, j.error
    from judged j where j.outcome = 'created' and j.cost_status is not null
    order by j.org, j.id
    on conflict do nothing
    returning k.organization_id as org, k.conversation_id as conversation, k.id
  ), accepted as materialized (
    -- a message whose call could not be stored is not stored either, or it would never be billed
    select j.*, (j.message_count + row_number() over (partition by j.org, j.conversation order by j.ord))::integer as seq
    from judged j left join stored_calls s on s.org = j.org and s.conversation = j.conversation and s.id = j.id
    where j.outcome = 'created' and (j.cost_status is null or s.id is not null)
  ), stored_messages as (
    insert into public.ai_messages (conversation_id, conversation_created_at, organization_id, seq, id, role, content, parts,
      tool_calls, model, provider, usage, tokens, cost, price, cost_status, cost_note, latency_ms, error, intent, metadata, created_at)
    select a.conversation, a.conversation_at, a.org, a.seq, a.id, a.role, a.content, a.parts::jsonb,
      a.tool_calls::jsonb, a.model, a.provider, a.quantities::jsonb, a.tokens, a.cost, a.price, a.cost_status, a.cost_note,
      a.latency_ms, a.error, a.intent, a.metadata::jsonb, a.created_at
    from accepted a
  ), moves as (
    select distinct on (a.org, a.conversation) a.org, a.conversation, a.conversation_at, a.status, a.actor
    from accepted a where a.status <> 'active' order by a.org, a.conversation, a.ord
  ), stored_moves as (
    insert into public.ai_transitions (conversation_id, conversation_created_at, organization_id, id, from_status, to_status, actor, reason, at)
    select v.conversation, v.conversation_at, v.org, hub.uuid7(), v.status, 'active', v.actor, 'message', clock_timestamp()
    from moves v where v.status in ('paused', 'completed')
    union all
    -- an archived conversation goes back the way it came
    select v.conversation, v.conversation_at, v.org, hub.uuid7(clock_timestamp() + step.n * interval '1 ms'), step.f, step.t, v.actor, 'message', clock_timestamp()
    from moves v, (values (0, 'archived', 'completed'), (1, 'completed', 'active')) as step(n, f, t)
    where v.status = 'archived'
  ), totals as (
    select a.org, a.conversation, a.conversation_at, count(*)::integer as messages, sum(a.tokens) as tokens,
      coalesce(sum(a.cost), 0) as cost, coalesce(sum(a.price), 0) as price,
      count(*) filter (where a.cost_status = 'unpriced')::integer as unpriced, count(a.error)::integer as errors,
      max(a.created_at) as last_at, array_agg(distinct a.model) filter (where a.cost_status is not null and a.model is not null) as models
    from accepted a group by 1, 2, 3
  ), updated as (
    update public.ai_conversations c
    set message_count = c.message_count + t.messages, total_tokens = c.total_tokens + t.tokens,
      total_cost = c.total_cost + t.cost, total_price = c.total_price + t.price,
      unpriced_calls = c.unpriced_calls + t.unpriced, error_count = c.error_count + t.errors,
      models = case when t.models is null or t.models <@ c.models then c.models
        else array(select distinct e from unnest(c.models || t.models) e order by e) end,
      last_activity_at = greatest(c.last_activity_at, t.last_at), updated_at = clock_timestamp(),
      status = 'active', ended_at = null
    from totals t
    where c.id = t.conversation and c.created_at = t.conversation_at and c.organization_id = t.org
  ), own as (
    select j.ord, j.org, j.conversation, j.id, j.status, coalesce(a.seq, j.stored_seq) as seq,
      case when j.outcome = 'created' and a.ord is null then 'id_taken' else j.outcome end as outcome
    from judged j left join accepted a on a.ord = j.ord
  )
  select o.ord, case when row_number() over same_id > 1 and first_value(o.outcome) over same_id = 'created' then 'existing'
      else first_value(o.outcome) over same_id end, first_value(o.seq) over same_id, o.status
  from own o
  window same_id as (partition by o.org, o.conversation, o.id order by o.ord)
  order by o.ord;
end $$;

create or replace function hub.record_calls_v2(
  p_org uuid[], p_id uuid[], p_occurred_at timestamptz[], p_conversation uuid[], p_conversation_at timestamptz[], p_user text[],
  p_user_uuid uuid[], p_module text[], p_provider text[], p_model text[], p_api text[], p_input_tokens bigint[],
  p_cached_input_tokens bigint[], p_output_tokens bigint[], p_reasoning_tokens bigint[], p_tokens bigint[], p_quantities text[],
  p_usage text[], p_usage_source text[], p_context text[], p_cost numeric[], p_price numeric[], p_cost_status text[], p_cost_note text[],
  p_cost_lines text[], p_price_book_version text[], p_cost_facts text[], p_computed_cost numeric[], p_usage_method text[], p_markup text[], p_latency_ms integer[], p_error text[], p_look_up boolean[])
returns table (ord bigint, outcome text)
language plpgsql set search_path = '' set jit = off set plan_cache_mode = force_generic_plan as $$
begin
  perform 1
  from (select distinct i.org, i.id, i.at from unnest(p_org, p_conversation, p_conversation_at) as i(org, id, at) where i.id is not null) d
  join public.ai_conversations c on c.id = d.id and c.created_at = d.at and c.organization_id = d.org
  order by c.id, c.organization_id
  for no key update of c;

  return query
  with input as materialized (
    select * from unnest(p_org, p_id, p_occurred_at, p_conversation, p_conversation_at, p_module, p_provider, p_model, p_api,
      p_input_tokens, p_cached_input_tokens, p_output_tokens, p_reasoning_tokens, p_tokens, p_quantities, p_usage, p_usage_source,
      p_context, p_cost, p_price, p_cost_status, p_cost_note, p_cost_lines, p_price_book_version, p_cost_facts, p_computed_cost, p_usage_method, p_markup, p_latency_ms, p_error, p_look_up)
      with ordinality as i(org, id, occurred_at, conversation, conversation_at, module, provider, model, api,
      input_tokens, cached_input_tokens, output_tokens, reasoning_tokens, tokens, quantities, usage, usage_source,
      context, cost, price, cost_status, cost_note, cost_lines, price_book_version, cost_facts, computed_cost, usage_method, markup, latency_ms, error, look_up, ord)
  ), judged as materialized (
    select i.*, c.user_id as conversation_user, c.module as conversation_module, c.source as conversation_source,
      row_number() over (partition by i.org, i.id, i.conversation is not null and c.id is null order by i.ord) as turn,
      i.conversation is not null and c.id is null as is_orphan,
      -- the time is part of the primary key: an id that came with another time is looked up in every month
      i.look_up and exists (select from public.ai_calls k where k.id = i.id and k.organization_id = i.org) as is_known
    from input i
    left join public.ai_conversations c on c.id = i.conversation and c.created_at = i.conversation_at and c.organization_id = i.org
  ), stored as (
    insert into public.ai_calls as k (id, occurred_at, organization_id, conversation_id, user_id, module, source,
      provider, model, api, input_tokens, cached_input_tokens, output_tokens, reasoning_tokens, total_tokens, quantities,
      usage, usage_source, context, cost, price, cost_status, cost_note, cost_lines, price_book_version, cost_facts, computed_cost, usage_method, markup, latency_ms, error)
    select j.id, j.occurred_at, j.org, j.conversation, coalesce(u.user_id, j.conversation_user), coalesce(j.module, j.conversation_module), j.conversation_source,
      j.provider, j.model, j.api, j.input_tokens, j.cached_input_tokens, j.output_tokens, j.reasoning_tokens, j.tokens, j.quantities::jsonb,
      j.usage::jsonb, j.usage_source, j.context::jsonb, j.cost, j.price, j.cost_status, j.cost_note, j.cost_lines::jsonb, j.price_book_version,
      j.cost_facts::jsonb, j.computed_cost, j.usage_method, j.markup::jsonb,
      j.latency_ms, j.error
    from judged j left join hub.resolve_users_v1(p_org, p_user, p_user_uuid) u on u.ord = j.ord
    where j.turn = 1 and not j.is_orphan and not j.is_known
    order by j.org, j.id
    on conflict do nothing
    returning k.organization_id as org, k.id, k.conversation_id, k.total_tokens, k.cost, k.price, k.cost_status, k.model, k.error, k.occurred_at
  ), totals as (
    select s.org, s.conversation_id, j.conversation_at, sum(s.total_tokens) as tokens, coalesce(sum(s.cost), 0) as cost,
      coalesce(sum(s.price), 0) as price, count(*) filter (where s.cost_status = 'unpriced')::integer as unpriced,
      count(s.error)::integer as errors, max(s.occurred_at) as last_at, array_agg(distinct s.model) filter (where s.model is not null) as models
    from stored s join judged j on j.org = s.org and j.id = s.id and j.turn = 1 and not j.is_orphan
    where s.conversation_id is not null group by 1, 2, 3
  ), updated as (
    update public.ai_conversations c
    set total_tokens = c.total_tokens + t.tokens, total_cost = c.total_cost + t.cost, total_price = c.total_price + t.price,
      unpriced_calls = c.unpriced_calls + t.unpriced, error_count = c.error_count + t.errors,
      models = case when t.models is null or t.models <@ c.models then c.models
        else array(select distinct e from unnest(c.models || t.models) e order by e) end,
      last_activity_at = greatest(c.last_activity_at, t.last_at), updated_at = clock_timestamp()
    from totals t
    where c.id = t.conversation_id and c.created_at = t.conversation_at and c.organization_id = t.org
  )
  select j.ord, case when j.is_orphan then 'not_found' when s.id is not null and j.turn = 1 then 'created' else 'existing' end
  from judged j left join stored s on s.org = j.org and s.id = j.id
  order by j.ord;
end $$;

do $$
declare f text;
begin
  for f in select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
           where n.nspname = 'hub' and p.proname in ('add_messages_v2', 'record_calls_v2') loop
    execute format('revoke all on function %s from public', f);
  end loop;
end $$;
