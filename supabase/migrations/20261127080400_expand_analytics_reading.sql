set lock_timeout = '5s';

-- What answers read. By days: the stored days that hold, and the slots (people: raw) of those that do not, so that an
-- answer is as good as the slots at any time. p_org null: every organization, each by the days of its own zone.
-- Otherwise by slots from p_from to p_to, and days are those of p_zone. They are merged into the query that uses them, and what does
-- not apply is planned all the same: so queries of one organization by days take *_days_v1, and those by slots *_slots_v1.

-- p_sums: rows of all organizations need not be told apart, so that days that hold of every one are read added up.
-- p_detail: 2 by everything, 1 without module and source, 0 nothing but organization and time. By slots it is always 2.
create or replace function hub.usage_days_v1(p_org uuid, p_sums boolean, p_detail integer, p_by_days boolean, p_first date, p_last date, p_from timestamptz, p_to timestamptz, p_zone text)
returns table (organization_id uuid, day date, slot timestamptz, provider text, model text, module text, source text, endpoint text,
  calls bigint, errors bigint, unpriced bigint, estimated bigint, input_tokens bigint, cached_input_tokens bigint, output_tokens bigint,
  reasoning_tokens bigint, total_tokens bigint, cost numeric, price numeric, latency_buckets smallint[], latency_counts bigint[])
language sql stable as $$
  select u.organization_id, u.day, null::timestamptz, u.provider, u.model, u.module, u.source, u.endpoint, u.calls, u.errors, u.unpriced,
    u.estimated, u.input_tokens, u.cached_input_tokens, u.output_tokens, u.reasoning_tokens, u.total_tokens, u.cost, u.price,
    u.latency_buckets, u.latency_counts
  from public.ai_usage_days u
  where p_by_days and p_detail = 2 and (p_org is not null or p_sums) and u.organization_id = coalesce(p_org, '00000000-0000-0000-0000-000000000000')
    and u.day >= p_first and u.day < p_last
    and not exists (select from hub.rollup_days d where (p_org is null or d.organization_id = p_org) and d.day = u.day)
  union all
  select u.organization_id, u.day, null::timestamptz, u.provider, u.model, ''::text, ''::text, u.endpoint, u.calls, u.errors, u.unpriced,
    u.estimated, u.input_tokens, u.cached_input_tokens, u.output_tokens, u.reasoning_tokens, u.total_tokens, u.cost, u.price,
    u.latency_buckets, u.latency_counts
  from hub.usage_sum_days u
  where p_by_days and p_detail < 2 and (p_org is not null or p_sums) and u.organization_id = coalesce(p_org, '00000000-0000-0000-0000-000000000000') and u.detail = p_detail
    and u.day >= p_first and u.day < p_last
    and not exists (select from hub.rollup_days d where (p_org is null or d.organization_id = p_org) and d.day = u.day)
  union all
  select s.organization_id, d.day, s.slot, s.provider, s.model, s.module, s.source, s.endpoint, s.calls, s.errors, s.unpriced,
    s.estimated, s.input_tokens, s.cached_input_tokens, s.output_tokens, s.reasoning_tokens, s.total_tokens, s.cost, s.price,
    s.latency_buckets, s.latency_counts
  from hub.rollup_days d join public.ai_usage_slots s on s.organization_id = d.organization_id and s.slot >= d.starts and s.slot < d.ends
  where p_by_days and d.day >= p_first and d.day < p_last and (p_org is null or d.organization_id = p_org)
$$;

create or replace function hub.usage_slots_v1(p_org uuid, p_sums boolean, p_detail integer, p_by_days boolean, p_first date, p_last date, p_from timestamptz, p_to timestamptz, p_zone text)
returns table (organization_id uuid, day date, slot timestamptz, provider text, model text, module text, source text, endpoint text,
  calls bigint, errors bigint, unpriced bigint, estimated bigint, input_tokens bigint, cached_input_tokens bigint, output_tokens bigint,
  reasoning_tokens bigint, total_tokens bigint, cost numeric, price numeric, latency_buckets smallint[], latency_counts bigint[])
language sql stable as $$
  select s.organization_id, (s.slot at time zone p_zone)::date, s.slot, s.provider, s.model, s.module, s.source, s.endpoint, s.calls, s.errors,
    s.unpriced, s.estimated, s.input_tokens, s.cached_input_tokens, s.output_tokens, s.reasoning_tokens, s.total_tokens, s.cost, s.price,
    s.latency_buckets, s.latency_counts
  from public.ai_usage_slots s
  where not p_by_days and s.slot >= p_from and s.slot < p_to and (p_org is null or s.organization_id = p_org)
$$;

create or replace function hub.usage_rows_v1(p_org uuid, p_sums boolean, p_detail integer, p_by_days boolean, p_first date, p_last date, p_from timestamptz, p_to timestamptz, p_zone text)
returns table (organization_id uuid, day date, slot timestamptz, provider text, model text, module text, source text, endpoint text,
  calls bigint, errors bigint, unpriced bigint, estimated bigint, input_tokens bigint, cached_input_tokens bigint, output_tokens bigint,
  reasoning_tokens bigint, total_tokens bigint, cost numeric, price numeric, latency_buckets smallint[], latency_counts bigint[])
language sql stable as $$
  select r.* from hub.usage_days_v1(p_org, p_sums, p_detail, p_by_days, p_first, p_last, p_from, p_to, p_zone) r
  union all
  select r.* from hub.usage_slots_v1(p_org, p_sums, p_detail, p_by_days, p_first, p_last, p_from, p_to, p_zone) r
  union all
  select u.organization_id, u.day, null::timestamptz, u.provider, u.model, u.module, u.source, u.endpoint, u.calls, u.errors, u.unpriced,
    u.estimated, u.input_tokens, u.cached_input_tokens, u.output_tokens, u.reasoning_tokens, u.total_tokens, u.cost, u.price,
    u.latency_buckets, u.latency_counts
  from public.ai_usage_days u
  where p_by_days and p_detail = 2 and p_org is null and not p_sums and u.organization_id > '00000000-0000-0000-0000-000000000000'
    and u.day >= p_first and u.day < p_last
    and not exists (select from hub.rollup_days d where d.organization_id = u.organization_id and d.day = u.day)
  union all
  select u.organization_id, u.day, null::timestamptz, u.provider, u.model, u.module, u.source, u.endpoint, u.calls, u.errors, u.unpriced,
    u.estimated, u.input_tokens, u.cached_input_tokens, u.output_tokens, u.reasoning_tokens, u.total_tokens, u.cost, u.price,
    u.latency_buckets, u.latency_counts
  from (select distinct d.day from hub.rollup_days d where d.day >= p_first and d.day < p_last) x cross join public.ai_organizations o
  join public.ai_usage_days u on u.organization_id = o.id and u.day = x.day
  where p_by_days and p_detail = 2 and p_org is null and p_sums
    and not exists (select from hub.rollup_days d where d.organization_id = u.organization_id and d.day = u.day)
  union all
  select u.organization_id, u.day, null::timestamptz, u.provider, u.model, ''::text, ''::text, u.endpoint, u.calls, u.errors, u.unpriced,
    u.estimated, u.input_tokens, u.cached_input_tokens, u.output_tokens, u.reasoning_tokens, u.total_tokens, u.cost, u.price,
    u.latency_buckets, u.latency_counts
  from hub.usage_sum_days u
  where p_by_days and p_detail < 2 and p_org is null and not p_sums and u.organization_id > '00000000-0000-0000-0000-000000000000' and u.detail = p_detail
    and u.day >= p_first and u.day < p_last
    and not exists (select from hub.rollup_days d where d.organization_id = u.organization_id and d.day = u.day)
  union all
  select u.organization_id, u.day, null::timestamptz, u.provider, u.model, ''::text, ''::text, u.endpoint, u.calls, u.errors, u.unpriced,
    u.estimated, u.input_tokens, u.cached_input_tokens, u.output_tokens, u.reasoning_tokens, u.total_tokens, u.cost, u.price,
    u.latency_buckets, u.latency_counts
  from (select distinct d.day from hub.rollup_days d where d.day >= p_first and d.day < p_last) x cross join public.ai_organizations o
  join hub.usage_sum_days u on u.organization_id = o.id and u.detail = p_detail and u.day = x.day
  where p_by_days and p_detail < 2 and p_org is null and p_sums
    and not exists (select from hub.rollup_days d where d.organization_id = u.organization_id and d.day = u.day)
$$;

-- p_kind 4 to 7: without module and source; slots have them still.
create or replace function hub.conversation_days_v1(p_org uuid, p_sums boolean, p_kind integer, p_by_days boolean, p_first date, p_last date, p_from timestamptz, p_to timestamptz, p_zone text)
returns table (organization_id uuid, day date, slot timestamptz, module text, source text, provider text, model text, conversations bigint,
  messages bigint, rated bigint, completed bigint, feedbacks bigint, score_sum numeric, score_squares numeric, scores bigint[])
language sql stable as $$
  select u.organization_id, u.day, null::timestamptz, u.module, u.source, u.provider, u.model, u.conversations, u.messages, u.rated, u.completed,
    u.feedbacks, u.score_sum, u.score_squares, u.scores
  from public.ai_conversation_days u
  where p_by_days and (p_org is not null or p_sums) and u.organization_id = coalesce(p_org, '00000000-0000-0000-0000-000000000000') and u.kind = p_kind
    and u.day >= p_first and u.day < p_last
    and not exists (select from hub.rollup_days d where (p_org is null or d.organization_id = p_org) and d.day = u.day)
  union all
  select s.organization_id, d.day, s.slot, s.module, s.source, s.provider, s.model, s.conversations, s.messages, s.rated, s.completed,
    s.feedbacks, s.score_sum, s.score_squares, s.scores
  from hub.rollup_days d join public.ai_conversation_slots s
    on s.organization_id = d.organization_id and s.kind = p_kind % 4 and s.slot >= d.starts and s.slot < d.ends
  where p_by_days and d.day >= p_first and d.day < p_last and (p_org is null or d.organization_id = p_org)
$$;

create or replace function hub.conversation_slots_v1(p_org uuid, p_sums boolean, p_kind integer, p_by_days boolean, p_first date, p_last date, p_from timestamptz, p_to timestamptz, p_zone text)
returns table (organization_id uuid, day date, slot timestamptz, module text, source text, provider text, model text, conversations bigint,
  messages bigint, rated bigint, completed bigint, feedbacks bigint, score_sum numeric, score_squares numeric, scores bigint[])
language sql stable as $$
  select s.organization_id, (s.slot at time zone p_zone)::date, s.slot, s.module, s.source, s.provider, s.model, s.conversations, s.messages,
    s.rated, s.completed, s.feedbacks, s.score_sum, s.score_squares, s.scores
  from public.ai_conversation_slots s
  where not p_by_days and s.kind = p_kind % 4 and s.slot >= p_from and s.slot < p_to and (p_org is null or s.organization_id = p_org)
$$;

create or replace function hub.conversation_rows_v1(p_org uuid, p_sums boolean, p_kind integer, p_by_days boolean, p_first date, p_last date, p_from timestamptz, p_to timestamptz, p_zone text)
returns table (organization_id uuid, day date, slot timestamptz, module text, source text, provider text, model text, conversations bigint,
  messages bigint, rated bigint, completed bigint, feedbacks bigint, score_sum numeric, score_squares numeric, scores bigint[])
language sql stable as $$
  select r.* from hub.conversation_days_v1(p_org, p_sums, p_kind, p_by_days, p_first, p_last, p_from, p_to, p_zone) r
  union all
  select r.* from hub.conversation_slots_v1(p_org, p_sums, p_kind, p_by_days, p_first, p_last, p_from, p_to, p_zone) r
  union all
  select u.organization_id, u.day, null::timestamptz, u.module, u.source, u.provider, u.model, u.conversations, u.messages, u.rated, u.completed,
    u.feedbacks, u.score_sum, u.score_squares, u.scores
  from public.ai_conversation_days u
  where p_by_days and p_org is null and not p_sums and u.organization_id > '00000000-0000-0000-0000-000000000000' and u.kind = p_kind
    and u.day >= p_first and u.day < p_last
    and not exists (select from hub.rollup_days d where d.organization_id = u.organization_id and d.day = u.day)
  union all
  select u.organization_id, u.day, null::timestamptz, u.module, u.source, u.provider, u.model, u.conversations, u.messages, u.rated, u.completed,
    u.feedbacks, u.score_sum, u.score_squares, u.scores
  from (select distinct d.day from hub.rollup_days d where d.day >= p_first and d.day < p_last) x cross join public.ai_organizations o
  join public.ai_conversation_days u on u.organization_id = o.id and u.kind = p_kind and u.day = x.day
  where p_by_days and p_org is null and p_sums
    and not exists (select from hub.rollup_days d where d.organization_id = u.organization_id and d.day = u.day)
$$;

-- The days of a zone that is not the organization's own: from raw. plpgsql, so that it is planned only where it is asked for.
create or replace function hub.zone_days_v1(p_org uuid, p_first date, p_last date, p_zone text)
returns table (orgs uuid[], days date[], starts timestamptz[], ends timestamptz[])
language sql stable as $$
  select array_agg(o.id), array_agg(g.day), array_agg(g.day::timestamp at time zone p_zone), array_agg((g.day + 1)::timestamp at time zone p_zone)
  from public.ai_organizations o
  cross join lateral (select least(
    (select min(u.slot) from public.ai_usage_slots u where u.organization_id = o.id),
    (select min(c.slot) from public.ai_conversation_slots c where c.organization_id = o.id and c.kind = 0)) as slot) b
  cross join lateral (select x::date as day from generate_series(greatest(p_first, (b.slot at time zone p_zone)::date)::timestamp,
    (p_last - 1)::timestamp, interval '1 day') x) g
  where p_org is null or o.id = p_org
$$;

create or replace function hub.user_zone_rows_v1(p_org uuid, p_first date, p_last date, p_zone text)
returns table (organization_id uuid, day date, user_id uuid, module text, calls bigint, errors bigint, unpriced bigint, estimated bigint, input_tokens bigint,
  cached_input_tokens bigint, output_tokens bigint, reasoning_tokens bigint, total_tokens bigint, cost numeric, price numeric,
  latency_buckets smallint[], latency_counts bigint[], conversations bigint, messages bigint, feedbacks bigint, score_sum numeric)
language plpgsql stable set search_path = '' set jit = off as $$
begin
  return query select r.* from hub.zone_days_v1(p_org, p_first, p_last, p_zone) g
    cross join lateral hub.user_days_v1(g.orgs, g.days, g.starts, g.ends) r;
end $$;

create or replace function hub.intent_zone_rows_v1(p_org uuid, p_first date, p_last date, p_zone text)
returns table (organization_id uuid, day date, user_id uuid, intent text, conversations bigint)
language plpgsql stable set search_path = '' set jit = off as $$
begin
  return query select r.* from hub.zone_days_v1(p_org, p_first, p_last, p_zone) g
    cross join lateral hub.user_intents_v1(g.orgs, g.days, g.starts, g.ends) r;
end $$;

-- The days that are not stored, from raw. plpgsql with one plan for all: planning them anew each time takes longer than they do.
create or replace function hub.open_user_days_v1(p_org uuid, p_first date, p_last date)
returns table (organization_id uuid, day date, user_id uuid, module text, calls bigint, errors bigint, unpriced bigint, estimated bigint, input_tokens bigint,
  cached_input_tokens bigint, output_tokens bigint, reasoning_tokens bigint, total_tokens bigint, cost numeric, price numeric,
  latency_buckets smallint[], latency_counts bigint[], conversations bigint, messages bigint, feedbacks bigint, score_sum numeric)
language plpgsql stable set search_path = '' set jit = off set plan_cache_mode = force_generic_plan as $$
begin
  return query select r.*
    from (select array_agg(d.organization_id) as orgs, array_agg(d.day) as days, array_agg(d.starts) as starts, array_agg(d.ends) as ends
      from hub.rollup_days d where d.day >= p_first and d.day < p_last and (p_org is null or d.organization_id = p_org)) g
    cross join lateral hub.user_days_v1(g.orgs, g.days, g.starts, g.ends) r;
end $$;

create or replace function hub.open_user_intents_v1(p_org uuid, p_first date, p_last date)
returns table (organization_id uuid, day date, user_id uuid, intent text, conversations bigint)
language plpgsql stable set search_path = '' set jit = off set plan_cache_mode = force_generic_plan as $$
begin
  return query select r.*
    from (select array_agg(d.organization_id) as orgs, array_agg(d.day) as days, array_agg(d.starts) as starts, array_agg(d.ends) as ends
      from hub.rollup_days d where d.day >= p_first and d.day < p_last and (p_org is null or d.organization_id = p_org)) g
    cross join lateral hub.user_intents_v1(g.orgs, g.days, g.starts, g.ends) r;
end $$;

-- p_zone: null, or a zone that is not each one's own.
create or replace function hub.user_rows_v1(p_org uuid, p_first date, p_last date, p_zone text default null)
returns table (organization_id uuid, day date, user_id uuid, module text, calls bigint, errors bigint, unpriced bigint, estimated bigint, input_tokens bigint,
  cached_input_tokens bigint, output_tokens bigint, reasoning_tokens bigint, total_tokens bigint, cost numeric, price numeric,
  latency_buckets smallint[], latency_counts bigint[], conversations bigint, messages bigint, feedbacks bigint, score_sum numeric)
language sql stable as $$
  select u.organization_id, u.day, u.user_id, u.module, u.calls, u.errors, u.unpriced, u.estimated, u.input_tokens, u.cached_input_tokens, u.output_tokens,
    u.reasoning_tokens, u.total_tokens, u.cost, u.price, u.latency_buckets, u.latency_counts, u.conversations, u.messages, u.feedbacks, u.score_sum
  from public.ai_user_days u
  where p_zone is null and u.day >= p_first and u.day < p_last and (p_org is null or u.organization_id = p_org)
    and not exists (select from hub.rollup_days d where d.organization_id = u.organization_id and d.day = u.day)
  union all
  select r.* from hub.open_user_days_v1(p_org, p_first, p_last) r where p_zone is null
  union all
  select r.* from hub.user_zone_rows_v1(p_org, p_first, p_last, p_zone) r where p_zone is not null
$$;

create or replace function hub.intent_rows_v1(p_org uuid, p_first date, p_last date, p_zone text default null)
returns table (organization_id uuid, day date, user_id uuid, intent text, conversations bigint)
language sql stable as $$
  select u.organization_id, u.day, u.user_id, u.intent, u.conversations
  from public.ai_user_intents u
  where p_zone is null and u.day >= p_first and u.day < p_last and (p_org is null or u.organization_id = p_org)
    and not exists (select from hub.rollup_days d where d.organization_id = u.organization_id and d.day = u.day)
  union all
  select r.* from hub.open_user_intents_v1(p_org, p_first, p_last) r where p_zone is null
  union all
  select r.* from hub.intent_zone_rows_v1(p_org, p_first, p_last, p_zone) r where p_zone is not null
$$;

revoke all on function hub.usage_rows_v1(uuid, boolean, integer, boolean, date, date, timestamptz, timestamptz, text),
  hub.usage_days_v1(uuid, boolean, integer, boolean, date, date, timestamptz, timestamptz, text), hub.usage_slots_v1(uuid, boolean, integer, boolean, date, date, timestamptz, timestamptz, text),
  hub.conversation_rows_v1(uuid, boolean, integer, boolean, date, date, timestamptz, timestamptz, text),
  hub.conversation_days_v1(uuid, boolean, integer, boolean, date, date, timestamptz, timestamptz, text), hub.conversation_slots_v1(uuid, boolean, integer, boolean, date, date, timestamptz, timestamptz, text),
  hub.user_rows_v1(uuid, date, date, text), hub.intent_rows_v1(uuid, date, date, text), hub.zone_days_v1(uuid, date, date, text),
  hub.open_user_days_v1(uuid, date, date), hub.open_user_intents_v1(uuid, date, date),
  hub.user_zone_rows_v1(uuid, date, date, text), hub.intent_zone_rows_v1(uuid, date, date, text) from public;
