set lock_timeout = '5s';

-- From raw rows to rollups: whole, for any number of ranges at once. What comes out depends on nothing but the raw rows
-- and the kept ones, so doing it twice changes nothing. Run by the hub's own role alone.

create or replace function hub.slot_of(t timestamptz) returns timestamptz
language sql immutable strict parallel safe
as $$ select date_bin('15 minutes', t, timestamptz '2000-01-01 00:00:00+00') $$;

-- Buckets grow by 2 %: the middle of one is within 1 % of everything in it.
create or replace function hub.latency_bucket(ms integer) returns smallint
-- not strict: then it would not be merged into queries, and be called for each row
language sql immutable parallel safe
as $$ select case when ms is not null then ceil(ln(greatest(ms, 1)::float8) / ln(1.02::float8))::smallint end $$;

create or replace function hub.fill_usage_slots_v1(p_org uuid[], p_from timestamptz[], p_to timestamptz[]) returns void
language plpgsql set search_path = '' set jit = off set plan_cache_mode = force_custom_plan as $$
begin
  delete from public.ai_usage_slots u using unnest(p_org, p_from, p_to) as d(org, a, b)
  where u.organization_id = d.org and u.slot >= d.a and u.slot < d.b;
  insert into public.ai_usage_slots (organization_id, slot, provider, model, module, source, endpoint, calls, errors, unpriced,
    estimated, input_tokens, cached_input_tokens, output_tokens, reasoning_tokens, total_tokens, cost, price,
    latency_buckets, latency_counts)
  select q.org, q.slot, q.provider, q.model, q.module, q.source, q.endpoint, sum(q.calls), sum(q.errors), sum(q.unpriced),
    sum(q.estimated), sum(q.input), sum(q.cached), sum(q.output), sum(q.reasoning), sum(q.total), sum(q.cost), sum(q.price),
    coalesce(array_agg(q.bucket order by q.bucket) filter (where q.bucket is not null), '{}'),
    coalesce(array_agg(q.calls::bigint order by q.bucket) filter (where q.bucket is not null), '{}')
  from (
    select r.org, r.slot, r.provider, r.model, r.module, r.source, r.endpoint, r.bucket, sum(r.calls) as calls,
      sum(r.errors) as errors, sum(r.unpriced) as unpriced, sum(r.estimated) as estimated, sum(r.input) as input,
      sum(r.cached) as cached, sum(r.output) as output, sum(r.reasoning) as reasoning, sum(r.total) as total,
      sum(r.cost) as cost, sum(r.price) as price
    from (
      select k.organization_id as org, hub.slot_of(k.occurred_at) as slot, coalesce(k.provider, '') as provider,
        coalesce(k.model, '') as model, coalesce(k.module, '') as module, coalesce(k.source, '') as source,
        coalesce(k.api, '') as endpoint, hub.latency_bucket(k.latency_ms) as bucket, 1::bigint as calls,
        (k.error is not null)::integer::bigint as errors, (k.cost_status = 'unpriced')::integer::bigint as unpriced,
        (k.cost_status = 'estimated')::integer::bigint as estimated, k.input_tokens as input, k.cached_input_tokens as cached,
        k.output_tokens as output, k.reasoning_tokens as reasoning, k.total_tokens as total,
        coalesce(k.cost, 0) as cost, coalesce(k.price, 0) as price
      from unnest(p_org, p_from, p_to) as d(org, a, b)
      join public.ai_calls k on k.organization_id = d.org and k.occurred_at >= d.a and k.occurred_at < d.b
      union all
      select k.organization_id, k.slot, k.provider, k.model, k.module, k.source, k.endpoint, k.bucket, k.calls, k.errors,
        k.unpriced, k.estimated, k.input_tokens, k.cached_input_tokens, k.output_tokens, k.reasoning_tokens, k.total_tokens,
        k.cost, k.price
      from unnest(p_org, p_from, p_to) as d(org, a, b)
      join hub.kept_calls k on k.organization_id = d.org and k.slot >= d.a and k.slot < d.b
    ) r group by 1, 2, 3, 4, 5, 6, 7, 8
  ) q group by 1, 2, 3, 4, 5, 6, 7
  order by 1, 2;  -- what is read together lies together
end $$;

create or replace function hub.fill_conversation_slots_v1(p_org uuid[], p_from timestamptz[], p_to timestamptz[]) returns void
language plpgsql set search_path = '' set jit = off set plan_cache_mode = force_custom_plan as $$
begin
  delete from public.ai_conversation_slots u using unnest(p_org, p_from, p_to) as d(org, a, b), unnest(array[0, 1, 2, 3]) as kinds(kind)
  where u.organization_id = d.org and u.kind = kinds.kind and u.slot >= d.a and u.slot < d.b;
  insert into public.ai_conversation_slots (organization_id, kind, slot, module, source, provider, model, conversations, messages,
    rated, completed, feedbacks, score_sum, score_squares, scores)
  with started as materialized (
    select c.organization_id as org, hub.slot_of(c.created_at) as slot, coalesce(c.module, '') as module, c.source,
      c.message_count::bigint as messages, exists (select from public.ai_feedback f where f.conversation_id = c.id
        and f.conversation_created_at = c.created_at and f.organization_id = c.organization_id) as is_rated,
      used.providers, used.models
    from unnest(p_org, p_from, p_to) as d(org, a, b)
    join public.ai_conversations c on c.organization_id = d.org and c.created_at >= d.a and c.created_at < d.b
    cross join lateral (
      select array_agg(p.provider) as providers, array_agg(p.model) as models
      from (select distinct coalesce(k.provider, '') as provider, coalesce(k.model, '') as model
        from public.ai_calls k where k.conversation_id = c.id and k.organization_id = c.organization_id
          -- bounds that hold for every call of it, so that one month or two are looked into
          and k.occurred_at >= c.created_at - interval '1 day' and k.occurred_at <= c.last_activity_at) p) used
    union all
    select k.organization_id, k.slot, k.module, k.source, k.messages, k.is_rated, k.providers, k.models
    from unnest(p_org, p_from, p_to) as d(org, a, b)
    join hub.kept_conversations k on k.organization_id = d.org and k.slot >= d.a and k.slot < d.b
  ), moments as (
    select t.organization_id as org, hub.slot_of(t.at) as slot, coalesce(c.module, '') as module, c.source, null::numeric as score
    from unnest(p_org, p_from, p_to) as d(org, a, b)
    join public.ai_transitions t on t.organization_id = d.org and t.at >= d.a and t.at < d.b and t.to_status = 'completed' and t.from_status is distinct from 'archived'
    join public.ai_conversations c on c.id = t.conversation_id and c.created_at = t.conversation_created_at and c.organization_id = t.organization_id
    union all
    select f.organization_id, hub.slot_of(f.created_at), coalesce(c.module, ''), c.source, f.score
    from unnest(p_org, p_from, p_to) as d(org, a, b)
    join public.ai_feedback f on f.organization_id = d.org and f.created_at >= d.a and f.created_at < d.b
    join public.ai_conversations c on c.id = f.conversation_id and c.created_at = f.conversation_created_at and c.organization_id = f.organization_id
    union all
    select k.organization_id, k.slot, k.module, k.source, k.score
    from unnest(p_org, p_from, p_to) as d(org, a, b)
    join hub.kept_moments k on k.organization_id = d.org and k.slot >= d.a and k.slot < d.b
  ), pieces as (
    select s.org, 0 as kind, s.slot, s.module, s.source, '' as provider, '' as model, 1 as conversations, s.messages,
      s.is_rated::integer as rated, 0 as completed, null::numeric as score from started s
    union all
    select s.org, 1, s.slot, s.module, s.source, u.provider, '', 1, 0, 0, 0, null
    from started s cross join lateral (select distinct p as provider from unnest(s.providers) p) u
    union all
    select s.org, 2, s.slot, s.module, s.source, u.provider, u.model, 1, 0, 0, 0, null
    from started s cross join lateral unnest(s.providers, s.models) as u(provider, model)
    union all
    select s.org, 3, s.slot, s.module, s.source, '', u.model, 1, 0, 0, 0, null
    from started s cross join lateral (select distinct m as model from unnest(s.models) m) u
    union all
    select m.org, 0, m.slot, m.module, m.source, '', '', 0, 0, 0, (m.score is null)::integer, m.score from moments m
  )
  select p.org, p.kind, p.slot, p.module, p.source, p.provider, p.model, sum(p.conversations), sum(p.messages), sum(p.rated),
    sum(p.completed), count(p.score), coalesce(sum(p.score), 0), coalesce(sum(p.score * p.score), 0),
    array[count(*) filter (where floor(p.score + 0.5) = 0), count(*) filter (where floor(p.score + 0.5) = 1),
      count(*) filter (where floor(p.score + 0.5) = 2), count(*) filter (where floor(p.score + 0.5) = 3),
      count(*) filter (where floor(p.score + 0.5) = 4), count(*) filter (where floor(p.score + 0.5) = 5)]
  from pieces p group by 1, 2, 3, 4, 5, 6, 7
  order by 1, 2, 3;
end $$;

-- People of whole days. Also read directly for days whose stored rows do not hold.
create or replace function hub.user_days_v1(p_org uuid[], p_day date[], p_from timestamptz[], p_to timestamptz[])
returns table (organization_id uuid, day date, user_id uuid, module text, calls bigint, errors bigint, unpriced bigint, estimated bigint, input_tokens bigint,
  cached_input_tokens bigint, output_tokens bigint, reasoning_tokens bigint, total_tokens bigint, cost numeric, price numeric,
  latency_buckets smallint[], latency_counts bigint[], conversations bigint, messages bigint, feedbacks bigint, score_sum numeric)
language sql stable as $$
  select b.org, b.day, b.user_id, b.module, sum(b.calls)::bigint, sum(b.errors)::bigint, sum(b.unpriced)::bigint, sum(b.estimated)::bigint, sum(b.input)::bigint, sum(b.cached)::bigint,
    sum(b.output)::bigint, sum(b.reasoning)::bigint, sum(b.total)::bigint, sum(b.cost), sum(b.price),
    coalesce(array_agg(b.bucket order by b.bucket) filter (where b.bucket is not null), '{}'),
    coalesce(array_agg(b.calls::bigint order by b.bucket) filter (where b.bucket is not null), '{}'),
    sum(b.conversations)::bigint, sum(b.messages)::bigint, sum(b.feedbacks)::bigint, sum(b.score_sum)
  from (
    select q.org, q.day, coalesce(q.user_id, '00000000-0000-0000-0000-000000000000') as user_id, q.module, q.bucket, sum(q.calls) as calls,
      sum(q.errors) as errors, sum(q.unpriced) as unpriced, sum(q.estimated) as estimated, sum(q.input) as input, sum(q.cached) as cached,
      sum(q.output) as output, sum(q.reasoning) as reasoning, sum(q.total) as total, sum(q.cost) as cost, sum(q.price) as price, sum(q.conversations) as conversations, sum(q.messages) as messages,
      count(q.score) as feedbacks, coalesce(sum(q.score), 0) as score_sum
    from (
      select k.organization_id as org, d.day, k.user_id, coalesce(k.module, '') as module, hub.latency_bucket(k.latency_ms) as bucket,
        1::bigint as calls, (k.error is not null)::integer::bigint as errors, (k.cost_status = 'unpriced')::integer::bigint as unpriced,
        (k.cost_status = 'estimated')::integer::bigint as estimated, k.input_tokens as input, k.cached_input_tokens as cached, k.output_tokens as output, k.reasoning_tokens as reasoning, k.total_tokens as total, coalesce(k.cost, 0) as cost,
        coalesce(k.price, 0) as price, 0::bigint as conversations, 0::bigint as messages, null::numeric as score
      from unnest(p_org, p_day, p_from, p_to) as d(org, day, a, b)
      join public.ai_calls k on k.organization_id = d.org and k.occurred_at >= d.a and k.occurred_at < d.b
      union all
      select k.organization_id, d.day, k.user_id, k.module, k.bucket, k.calls, k.errors, k.unpriced, k.estimated, k.input_tokens, k.cached_input_tokens,
        k.output_tokens, k.reasoning_tokens, k.total_tokens, k.cost, k.price, 0, 0, null
      from unnest(p_org, p_day, p_from, p_to) as d(org, day, a, b)
      join hub.kept_calls k on k.organization_id = d.org and k.slot >= d.a and k.slot < d.b
      union all
      select c.organization_id, d.day, c.user_id, coalesce(c.module, ''), null, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, c.message_count, null
      from unnest(p_org, p_day, p_from, p_to) as d(org, day, a, b)
      join public.ai_conversations c on c.organization_id = d.org and c.created_at >= d.a and c.created_at < d.b
      union all
      select k.organization_id, d.day, k.user_id, k.module, null, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, k.messages, null
      from unnest(p_org, p_day, p_from, p_to) as d(org, day, a, b)
      join hub.kept_conversations k on k.organization_id = d.org and k.slot >= d.a and k.slot < d.b
      union all
      select f.organization_id, d.day, c.user_id, coalesce(c.module, ''), null, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, f.score
      from unnest(p_org, p_day, p_from, p_to) as d(org, day, a, b)
      join public.ai_feedback f on f.organization_id = d.org and f.created_at >= d.a and f.created_at < d.b
      join public.ai_conversations c on c.id = f.conversation_id and c.created_at = f.conversation_created_at and c.organization_id = f.organization_id
      union all
      select k.organization_id, d.day, k.user_id, k.module, null, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, k.score
      from unnest(p_org, p_day, p_from, p_to) as d(org, day, a, b)
      join hub.kept_moments k on k.organization_id = d.org and k.slot >= d.a and k.slot < d.b and k.score is not null
    ) q group by 1, 2, 3, 4, 5
  ) b group by 1, 2, 3, 4
$$;

-- The intents of a conversation: its chain, and those of its messages. Each counts once a conversation.
create or replace function hub.user_intents_v1(p_org uuid[], p_day date[], p_from timestamptz[], p_to timestamptz[])
returns table (organization_id uuid, day date, user_id uuid, intent text, conversations bigint)
language sql stable as $$
  select q.org, q.day, coalesce(q.user_id, '00000000-0000-0000-0000-000000000000'), i.intent, count(*)
  from (
    select c.organization_id as org, d.day, c.user_id, c.intent_chain || array(select m.intent from public.ai_messages m
      where m.conversation_id = c.id and m.conversation_created_at = c.created_at and m.organization_id = c.organization_id
        and m.intent is not null) as intents
    from unnest(p_org, p_day, p_from, p_to) as d(org, day, a, b)
    join public.ai_conversations c on c.organization_id = d.org and c.created_at >= d.a and c.created_at < d.b
    union all
    select k.organization_id, d.day, k.user_id, k.intents
    from unnest(p_org, p_day, p_from, p_to) as d(org, day, a, b)
    join hub.kept_conversations k on k.organization_id = d.org and k.slot >= d.a and k.slot < d.b
  ) q cross join lateral (select distinct x as intent from unnest(q.intents) x) i
  group by 1, 2, 3, 4
$$;

revoke all on function hub.slot_of(timestamptz), hub.latency_bucket(integer),
  hub.fill_usage_slots_v1(uuid[], timestamptz[], timestamptz[]), hub.fill_conversation_slots_v1(uuid[], timestamptz[], timestamptz[]),
  hub.user_days_v1(uuid[], date[], timestamptz[], timestamptz[]), hub.user_intents_v1(uuid[], date[], timestamptz[], timestamptz[])
  from public;
