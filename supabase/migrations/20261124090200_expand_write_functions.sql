set lock_timeout = '5s';

-- Writing, set-based: each function takes any number of rows (requests that arrived together share one
-- transaction and one commit) and answers one row each, in order. A row that cannot be stored is told by its
-- `outcome` and never hinders the others. One call is one round trip.
--
-- Run by the hub's own role alone. Rows are locked and inserted in the order of their ids, so that two groups with
-- the same rows wait for each other and never deadlock.
-- The statements inside a function see each other's locks: the first locks, the next (with a fresh snapshot) decides.
-- jit off and generic plans: these statements are small, planned once a connection.

-- ---------- who: the caller's user ids become UUIDs ----------
create or replace function hub.resolve_users_v1(p_org uuid[], p_external text[], p_uuid uuid[])
returns table (ord bigint, user_id uuid)
language plpgsql set search_path = '' set jit = off set plan_cache_mode = force_generic_plan as $$
begin
  -- p_uuid is given where the caller's id is itself a UUID: then it stays as it is
  insert into public.ai_users (organization_id, id, external_id)
  select distinct on (i.org, i.external) i.org, coalesce(i.uuid, gen_random_uuid()), i.external
  from unnest(p_org, p_external, p_uuid) as i(org, external, uuid)
  where i.external is not null
    and not exists (select from public.ai_users u where u.organization_id = i.org and u.external_id = i.external)
    and not exists (select from public.ai_users u where u.organization_id = i.org and u.id = i.uuid)
  order by i.org, i.external
  on conflict do nothing;
  return query
    select i.ord, coalesce(i.uuid, u.id)
    from unnest(p_org, p_external, p_uuid) with ordinality as i(org, external, uuid, ord)
    left join public.ai_users u on u.organization_id = i.org and u.external_id = i.external;
end $$;

-- ---------- conversations ----------
-- outcome: created | existing (same id or key; `conversation_id` names the stored one)
create or replace function hub.create_conversations_v1(
  p_org uuid[], p_id uuid[], p_created_at timestamptz[], p_user text[], p_user_uuid uuid[], p_key text[], p_source text[],
  p_module text[], p_intent_chain text[], p_metadata text[], p_started_at timestamptz[])
returns table (ord bigint, outcome text, conversation_id uuid)
language plpgsql set search_path = '' set jit = off set plan_cache_mode = force_generic_plan as $$
begin
  insert into hub.conversation_keys (organization_id, key, conversation_id)
  select distinct on (i.org, i.key) i.org, i.key, i.id
  from unnest(p_org, p_id, p_key) with ordinality as i(org, id, key, ord)
  where i.key is not null
  order by i.org, i.key, i.ord
  on conflict do nothing;
  return query
  with input as materialized (
    select i.*, row_number() over (partition by i.org, i.id order by i.ord) as turn, k.conversation_id as known
    from unnest(p_org, p_id, p_created_at, p_key, p_source, p_module, p_intent_chain, p_metadata, p_started_at)
      with ordinality as i(org, id, created_at, key, source, module, intent_chain, metadata, started_at, ord)
    left join hub.conversation_keys k on k.organization_id = i.org and k.key = i.key
  ), inserted as (
    insert into public.ai_conversations as c (id, created_at, organization_id, user_id, key, source, module, intent_chain,
      metadata, started_at, last_activity_at)
    select i.id, i.created_at, i.org, u.user_id, i.key, i.source, i.module,
      array(select jsonb_array_elements_text(i.intent_chain::jsonb)), i.metadata::jsonb, i.started_at, i.started_at
    from input i join hub.resolve_users_v1(p_org, p_user, p_user_uuid) u on u.ord = i.ord
    where i.turn = 1 and (i.known is null or i.known = i.id)
    order by i.org, i.id
    on conflict do nothing
    returning c.organization_id as org, c.id
  )
  select i.ord, case when n.id is not null and i.turn = 1 then 'created' else 'existing' end, coalesce(i.known, i.id)
  from input i left join inserted n on n.org = i.org and n.id = i.id
  order by i.ord;
end $$;

-- ---------- messages ----------
-- outcome: created | existing (same id in this conversation) | not_found | closed (completed or archived, reopen not asked)
--   | id_taken (a call of another conversation, or one that stands alone, has the message's id and time)
-- `status` is the conversation's status before the call (closed: why it was refused).
create or replace function hub.add_messages_v1(
  p_org uuid[], p_conversation uuid[], p_conversation_at timestamptz[], p_id uuid[], p_role text[], p_content text[],
  p_parts text[], p_tool_calls text[], p_model text[], p_provider text[], p_api text[], p_input_tokens bigint[],
  p_cached_input_tokens bigint[], p_output_tokens bigint[], p_reasoning_tokens bigint[], p_tokens bigint[], p_quantities text[],
  p_usage text[], p_usage_source text[], p_cost numeric[], p_price numeric[], p_cost_status text[], p_cost_note text[],
  p_cost_lines text[], p_price_book_version text[], p_latency_ms integer[], p_error text[], p_intent text[],
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
      p_usage, p_usage_source, p_cost, p_price, p_cost_status, p_cost_note, p_cost_lines, p_price_book_version,
      p_latency_ms, p_error, p_intent, p_metadata, p_created_at, p_reopen, p_actor)
      with ordinality as i(org, conversation, conversation_at, id, role, content, parts, tool_calls, model,
      provider, api, input_tokens, cached_input_tokens, output_tokens, reasoning_tokens, tokens, quantities,
      usage, usage_source, cost, price, cost_status, cost_note, cost_lines, price_book_version,
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
      usage, usage_source, cost, price, cost_status, cost_note, cost_lines, price_book_version, latency_ms, error)
    select j.id, j.created_at, j.org, j.conversation, j.id, j.user_id, j.module, j.source,
      j.provider, j.model, j.api, j.input_tokens, j.cached_input_tokens, j.output_tokens, j.reasoning_tokens, j.tokens, j.quantities::jsonb,
      j.usage::jsonb, j.usage_source, j.cost, j.price, j.cost_status, j.cost_note, j.cost_lines::jsonb, j.price_book_version,
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

-- ---------- calls that stand alone ----------
-- outcome: created | existing (same id) | not_found (the conversation)
create or replace function hub.record_calls_v1(
  p_org uuid[], p_id uuid[], p_occurred_at timestamptz[], p_conversation uuid[], p_conversation_at timestamptz[], p_user text[],
  p_user_uuid uuid[], p_module text[], p_provider text[], p_model text[], p_api text[], p_input_tokens bigint[],
  p_cached_input_tokens bigint[], p_output_tokens bigint[], p_reasoning_tokens bigint[], p_tokens bigint[], p_quantities text[],
  p_usage text[], p_usage_source text[], p_context text[], p_cost numeric[], p_price numeric[], p_cost_status text[], p_cost_note text[],
  p_cost_lines text[], p_price_book_version text[], p_latency_ms integer[], p_error text[], p_look_up boolean[])
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
      p_context, p_cost, p_price, p_cost_status, p_cost_note, p_cost_lines, p_price_book_version, p_latency_ms, p_error, p_look_up)
      with ordinality as i(org, id, occurred_at, conversation, conversation_at, module, provider, model, api,
      input_tokens, cached_input_tokens, output_tokens, reasoning_tokens, tokens, quantities, usage, usage_source,
      context, cost, price, cost_status, cost_note, cost_lines, price_book_version, latency_ms, error, look_up, ord)
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
      usage, usage_source, context, cost, price, cost_status, cost_note, cost_lines, price_book_version, latency_ms, error)
    select j.id, j.occurred_at, j.org, j.conversation, coalesce(u.user_id, j.conversation_user), coalesce(j.module, j.conversation_module), j.conversation_source,
      j.provider, j.model, j.api, j.input_tokens, j.cached_input_tokens, j.output_tokens, j.reasoning_tokens, j.tokens, j.quantities::jsonb,
      j.usage::jsonb, j.usage_source, j.context::jsonb, j.cost, j.price, j.cost_status, j.cost_note, j.cost_lines::jsonb, j.price_book_version,
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

-- ---------- feedback ----------
-- outcome: created | existing (same id) | not_found | message_not_found
create or replace function hub.add_feedback_v1(
  p_org uuid[], p_conversation uuid[], p_conversation_at timestamptz[], p_id uuid[], p_score numeric[], p_comment text[],
  p_message_id uuid[], p_created_at timestamptz[])
returns table (ord bigint, outcome text, satisfaction_score numeric)
language plpgsql set search_path = '' set jit = off as $$
begin
  perform 1
  from (select distinct i.org, i.id, i.at from unnest(p_org, p_conversation, p_conversation_at) as i(org, id, at)) d
  join public.ai_conversations c on c.id = d.id and c.created_at = d.at and c.organization_id = d.org
  order by c.id, c.organization_id
  for no key update of c;

  return query
  with input as materialized (
    select * from unnest(p_org, p_conversation, p_conversation_at, p_id, p_score, p_comment, p_message_id, p_created_at)
      with ordinality as i(org, conversation, conversation_at, id, score, comment, message_id, created_at, ord)
  ), judged as materialized (
    select i.*, c.satisfaction_score as old_score, case
        when c.id is null then 'not_found'
        when f.id is not null or row_number() over (partition by i.org, i.conversation, i.id order by i.ord) > 1 then 'existing'
        when i.message_id is not null and not exists (select from public.ai_messages m where m.conversation_id = i.conversation
          and m.id = i.message_id and m.conversation_created_at = i.conversation_at and m.organization_id = i.org) then 'message_not_found'
        else 'created' end as outcome
    from input i
    left join public.ai_conversations c on c.id = i.conversation and c.created_at = i.conversation_at and c.organization_id = i.org
    left join public.ai_feedback f on f.conversation_id = i.conversation and f.id = i.id
      and f.conversation_created_at = i.conversation_at and f.organization_id = i.org
  ), stored as (
    insert into public.ai_feedback (conversation_id, conversation_created_at, organization_id, id, message_id, score, comment, created_at)
    select j.conversation, j.conversation_at, j.org, j.id, j.message_id, j.score, j.comment, j.created_at
    from judged j where j.outcome = 'created'
  ), scores as (
    select n.org, n.conversation, n.conversation_at, round((n.total + coalesce(o.total, 0)) / (n.n + coalesce(o.n, 0)), 2) as score
    from (select j.org, j.conversation, j.conversation_at, sum(j.score) as total, count(*) as n
          from judged j where j.outcome = 'created' group by 1, 2, 3) n
    cross join lateral (select sum(f.score) as total, count(*) as n from public.ai_feedback f where f.conversation_id = n.conversation
      and f.conversation_created_at = n.conversation_at and f.organization_id = n.org) o
  ), updated as (
    update public.ai_conversations c set satisfaction_score = s.score, updated_at = clock_timestamp()
    from scores s where c.id = s.conversation and c.created_at = s.conversation_at and c.organization_id = s.org
  )
  select j.ord, j.outcome, coalesce(s.score, j.old_score)
  from judged j left join scores s on s.org = j.org and s.conversation = j.conversation
  order by j.ord;
end $$;

-- ---------- the life cycle ----------
-- p_from[i] -> p_to[i] are the legal moves of the action. `moved` false: `was` is the status that forbids it; null: no such conversation.
-- A retry with the id of a stored transition (null: always a new one) moves nothing and gets the first answer again.
create or replace function hub.move_conversation_v1(p_org uuid, p_id uuid, p_created_at timestamptz, p_from text[], p_to text[],
  p_actor text, p_reason text, p_at timestamptz, p_transition_id uuid default null)
returns table (was text, moved boolean)
language plpgsql set search_path = '' as $$
declare
  v_was text;
  v_to text;
begin
  select c.status into v_was from public.ai_conversations c
  where c.id = p_id and c.created_at = p_created_at and c.organization_id = p_org for no key update;
  return query select t.from_status, true from public.ai_transitions t where t.conversation_id = p_id and t.id = p_transition_id
    and t.conversation_created_at = p_created_at and t.organization_id = p_org;
  if found then
    return;
  end if;
  v_to := p_to[array_position(p_from, v_was)];
  if v_to is not null then
    update public.ai_conversations c
    set status = v_to, updated_at = clock_timestamp(), last_activity_at = greatest(c.last_activity_at, p_at),
      ended_at = case when v_to = 'completed' and v_was <> 'archived' then p_at when v_to in ('active', 'paused') then null else c.ended_at end
    where c.id = p_id and c.created_at = p_created_at and c.organization_id = p_org;
    insert into public.ai_transitions (conversation_id, conversation_created_at, organization_id, id, from_status, to_status, actor, reason, at)
    values (p_id, p_created_at, p_org, coalesce(p_transition_id, hub.uuid7()), v_was, v_to, p_actor, p_reason, p_at);
  end if;
  return query select v_was, v_to is not null;
end $$;

-- Idle conversations pause, complete and archive by themselves. Returns how many moved (up to p_limit an organization and rule).
create or replace function hub.apply_idle_rules_v1(p_limit integer default 1000) returns integer
language plpgsql set search_path = '' set jit = off as $$
declare
  v_moved integer;
begin
  if not pg_try_advisory_xact_lock(hashtextextended('hub.apply_idle_rules', 0)) then
    return 0;
  end if;
  with due as (
    select d.* from public.ai_organizations o
    cross join lateral (
      -- each in a subquery of its own, since locking and UNION do not go together in one
      select * from (select c.id, c.created_at, c.organization_id, c.status as was,
         case when c.status = 'active' then 'paused' else 'completed' end as becomes
       from public.ai_conversations c
       where c.organization_id = o.id and c.status in ('active', 'paused') and (
         (c.status = 'active' and o.idle_pause_seconds > 0
           and c.last_activity_at < now() - make_interval(secs => o.idle_pause_seconds))
         or (o.idle_complete_seconds > 0 and (c.status = 'paused' or o.idle_pause_seconds = 0)
           and c.last_activity_at < now() - make_interval(secs => o.idle_complete_seconds)))
       order by c.created_at limit p_limit for no key update skip locked) open
      union all
      select * from (select c.id, c.created_at, c.organization_id, c.status, 'archived'
       from public.ai_conversations c
       where c.organization_id = o.id and c.status = 'completed' and o.idle_archive_seconds > 0
         and c.created_at < now() - make_interval(secs => o.idle_archive_seconds)
         and greatest(c.ended_at, c.last_activity_at) < now() - make_interval(secs => o.idle_archive_seconds)
       order by c.created_at limit p_limit for no key update skip locked) completed
    ) d
  ), moved as (
    update public.ai_conversations c
    -- without a pause rule an active conversation completes directly
    set status = case when d.was = 'active' and o.idle_pause_seconds = 0 then 'completed' else d.becomes end,
      ended_at = case when d.becomes = 'completed' or (d.was = 'active' and o.idle_pause_seconds = 0) then now() else c.ended_at end,
      updated_at = clock_timestamp()
    from due d join public.ai_organizations o on o.id = d.organization_id
    where c.id = d.id and c.created_at = d.created_at and c.organization_id = d.organization_id
    returning c.id, c.created_at, c.organization_id, d.was, c.status
  ), recorded as (
    insert into public.ai_transitions (conversation_id, conversation_created_at, organization_id, id, from_status, to_status, actor, reason, at)
    select m.id, m.created_at, m.organization_id, hub.uuid7(), m.was, m.status, 'system', 'idle', now() from moved m
    returning 1
  )
  select count(*) into v_moved from recorded;
  return v_moved;
end $$;

-- ---------- erasure ----------
-- Content goes at once; the calls stay as anonymous usage.
create or replace function hub.erase_conversation_v1(p_org uuid, p_id uuid, p_created_at timestamptz) returns boolean
language plpgsql set search_path = '' as $$
begin
  perform 1 from public.ai_conversations c where c.id = p_id and c.created_at = p_created_at and c.organization_id = p_org for update;
  if not found then
    return false;
  end if;
  delete from public.ai_messages m where m.conversation_id = p_id and m.conversation_created_at = p_created_at and m.organization_id = p_org;
  delete from public.ai_feedback f where f.conversation_id = p_id and f.conversation_created_at = p_created_at and f.organization_id = p_org;
  delete from public.ai_transitions t where t.conversation_id = p_id and t.conversation_created_at = p_created_at and t.organization_id = p_org;
  update public.ai_calls k set conversation_id = null, message_id = null, user_id = null, context = '{}',
    error = case when k.error is null then null else 'erased' end
  where k.conversation_id = p_id and k.organization_id = p_org;
  delete from hub.idempotency_keys i where i.conversation_ids @> array[p_id] and i.organization_id = p_org;
  delete from hub.conversation_keys k where k.organization_id = p_org and k.conversation_id = p_id;
  delete from public.ai_conversations c where c.id = p_id and c.created_at = p_created_at and c.organization_id = p_org;
  return true;
end $$;

do $$
declare f text;
begin
  for f in select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
           where n.nspname = 'hub' and p.proname like '%\_v1' loop
    execute format('revoke all on function %s from public', f);
  end loop;
end $$;
