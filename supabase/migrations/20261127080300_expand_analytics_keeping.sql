set lock_timeout = '5s';

-- Whoever deletes raw rows keeps first what they gave, in the same transaction; the rollups then stay as they are.

-- Conversations, with their feedback and completions. Their calls are another matter: they stay, or see below.
-- p_forget: whose they were is forgotten.
create or replace function hub.keep_conversations_v1(p_org uuid[], p_id uuid[], p_created_at timestamptz[], p_forget boolean default true)
returns void language plpgsql set search_path = '' set jit = off as $$
begin
  insert into hub.kept_conversations (organization_id, slot, user_id, module, source, providers, models, intents, messages, is_rated)
  select c.organization_id, hub.slot_of(c.created_at), case when not p_forget then c.user_id end, coalesce(c.module, ''), c.source,
    coalesce(used.providers, '{}'), coalesce(used.models, '{}'),
    c.intent_chain || array(select m.intent from public.ai_messages m where m.conversation_id = c.id
      and m.conversation_created_at = c.created_at and m.organization_id = c.organization_id and m.intent is not null order by m.seq),
    c.message_count, exists (select from public.ai_feedback f where f.conversation_id = c.id
      and f.conversation_created_at = c.created_at and f.organization_id = c.organization_id)
  from unnest(p_org, p_id, p_created_at) as d(org, id, at)
  join public.ai_conversations c on c.id = d.id and c.created_at = d.at and c.organization_id = d.org
  cross join lateral (
    select array_agg(p.provider) as providers, array_agg(p.model) as models
    from (select distinct coalesce(k.provider, '') as provider, coalesce(k.model, '') as model
      from public.ai_calls k where k.conversation_id = c.id and k.organization_id = c.organization_id
        and k.occurred_at >= c.created_at - interval '1 day' and k.occurred_at <= c.last_activity_at) p) used;
  insert into hub.kept_moments (organization_id, slot, user_id, module, source, score)
  select c.organization_id, hub.slot_of(x.at), case when not p_forget then c.user_id end, coalesce(c.module, ''), c.source, x.score
  from unnest(p_org, p_id, p_created_at) as d(org, id, at)
  join public.ai_conversations c on c.id = d.id and c.created_at = d.at and c.organization_id = d.org
  cross join lateral (
    select f.created_at as at, f.score from public.ai_feedback f where f.conversation_id = c.id
      and f.conversation_created_at = c.created_at and f.organization_id = c.organization_id
    union all
    select t.at, null from public.ai_transitions t where t.conversation_id = c.id
      and t.conversation_created_at = c.created_at and t.organization_id = c.organization_id and t.to_status = 'completed'
        and t.from_status is distinct from 'archived') x;
end $$;

-- Model calls that are about to be deleted, added up. Their conversations go first: what models those used is read from their calls.
create or replace function hub.keep_calls_v1(p_org uuid[], p_id uuid[], p_occurred_at timestamptz[], p_forget boolean default false)
returns void language plpgsql set search_path = '' set jit = off as $$
begin
  if exists (select from unnest(p_org, p_id, p_occurred_at) as d(org, id, at)
    join public.ai_calls k on k.id = d.id and k.occurred_at = d.at and k.organization_id = d.org
    join public.ai_conversations c on c.id = k.conversation_id and c.created_at = hub.uuid7_time(k.conversation_id)
      and c.organization_id = k.organization_id) then
    raise exception 'conversations go before their calls' using errcode = 'object_in_use';
  end if;
  insert into hub.kept_calls (organization_id, slot, user_id, provider, model, module, source, endpoint, bucket, calls, errors, unpriced,
    estimated, input_tokens, cached_input_tokens, output_tokens, reasoning_tokens, total_tokens, cost, price)
  select k.organization_id, hub.slot_of(k.occurred_at), case when not p_forget then k.user_id end, coalesce(k.provider, ''),
    coalesce(k.model, ''), coalesce(k.module, ''), coalesce(k.source, ''), coalesce(k.api, ''), hub.latency_bucket(k.latency_ms),
    count(*), count(k.error), count(*) filter (where k.cost_status = 'unpriced'), count(*) filter (where k.cost_status = 'estimated'),
    sum(k.input_tokens), sum(k.cached_input_tokens), sum(k.output_tokens), sum(k.reasoning_tokens), sum(k.total_tokens),
    coalesce(sum(k.cost), 0), coalesce(sum(k.price), 0)
  from unnest(p_org, p_id, p_occurred_at) as d(org, id, at)
  join public.ai_calls k on k.id = d.id and k.occurred_at = d.at and k.organization_id = d.org
  group by 1, 2, 3, 4, 5, 6, 7, 8, 9;
end $$;

-- As before, and: what it gave is kept, and its calls are told to the rollups of people.
create or replace function hub.erase_conversation_v1(p_org uuid, p_id uuid, p_created_at timestamptz) returns boolean
language plpgsql set search_path = '' as $$
begin
  perform 1 from public.ai_conversations c where c.id = p_id and c.created_at = p_created_at and c.organization_id = p_org for update;
  if not found then
    return false;
  end if;
  perform hub.keep_conversations_v1(array[p_org], array[p_id], array[p_created_at]);
  delete from public.ai_messages m where m.conversation_id = p_id and m.conversation_created_at = p_created_at and m.organization_id = p_org;
  delete from public.ai_feedback f where f.conversation_id = p_id and f.conversation_created_at = p_created_at and f.organization_id = p_org;
  delete from public.ai_transitions t where t.conversation_id = p_id and t.conversation_created_at = p_created_at and t.organization_id = p_org;
  update public.ai_calls k set conversation_id = null, message_id = null, user_id = null, context = '{}',
    error = case when k.error is null then null else 'erased' end, ingest_xid = pg_current_xact_id()
  where k.conversation_id = p_id and k.organization_id = p_org;
  delete from hub.idempotency_keys i where i.conversation_ids @> array[p_id] and i.organization_id = p_org;
  delete from hub.conversation_keys k where k.organization_id = p_org and k.conversation_id = p_id;
  delete from public.ai_conversations c where c.id = p_id and c.created_at = p_created_at and c.organization_id = p_org;
  return true;
end $$;

revoke all on function hub.mark_days_v1(uuid[], timestamptz[]), hub.follow_time_zones_v1(), hub.tick_rollups_v1(integer, integer),
  hub.first_raw_v1(), hub.rebuild_slots_v1(timestamptz, timestamptz), hub.settle_days_v1(integer),
  hub.fill_sum_days_v1(uuid[], date[]), hub.fill_user_months_v1(uuid[], date[]), hub.add_up_days_v1(date[]),
  hub.rebuild_rollups_v1(timestamptz, timestamptz), hub.keep_conversations_v1(uuid[], uuid[], timestamptz[], boolean),
  hub.keep_calls_v1(uuid[], uuid[], timestamptz[], boolean), hub.erase_conversation_v1(uuid, uuid, timestamptz)
  from public;
