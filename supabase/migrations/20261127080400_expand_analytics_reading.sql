set lock_timeout = '5s';

-- What answers read. By days: the stored days that hold, and the slots (people: raw) of those that do not, so that an
-- answer is as good as the slots at any time. p_org null: every organization, each by the days of its own zone.
-- Otherwise by slots from p_from to p_to, and days are those of p_zone. They are merged into the query that uses them.

-- p_sums: rows of all organizations need not be told apart, so that days that hold of every one are read added up.
-- p_fine: with module and source.
create or replace function hub.usage_rows_v1(p_org uuid, p_sums boolean, p_fine boolean, p_by_days boolean, p_first date, p_last date, p_from timestamptz, p_to timestamptz, p_zone text)
returns table (organization_id uuid, day date, slot timestamptz, provider text, model text, module text, source text, endpoint text,
  calls bigint, errors bigint, unpriced bigint, estimated bigint, input_tokens bigint, cached_input_tokens bigint, output_tokens bigint,
  reasoning_tokens bigint, total_tokens bigint, cost numeric, price numeric, latency_buckets smallint[], latency_counts bigint[])
language sql stable as $$
  select u.organization_id, u.day, null::timestamptz, u.provider, u.model, u.module, u.source, u.endpoint, u.calls, u.errors, u.unpriced,
    u.estimated, u.input_tokens, u.cached_input_tokens, u.output_tokens, u.reasoning_tokens, u.total_tokens, u.cost, u.price,
    u.latency_buckets, u.latency_counts
  from public.ai_usage_days u
  where p_by_days and p_fine and p_org is not null and u.organization_id = p_org and u.day >= p_first and u.day < p_last
    and not exists (select from hub.rollup_days d where d.organization_id = u.organization_id and d.day = u.day)
  union all
  select u.organization_id, u.day, null::timestamptz, u.provider, u.model, u.module, u.source, u.endpoint, u.calls, u.errors, u.unpriced,
    u.estimated, u.input_tokens, u.cached_input_tokens, u.output_tokens, u.reasoning_tokens, u.total_tokens, u.cost, u.price,
    u.latency_buckets, u.latency_counts
  from public.ai_usage_days u
  where p_by_days and p_fine and p_org is null and p_sums and u.organization_id = '00000000-0000-0000-0000-000000000000' and u.day >= p_first and u.day < p_last
    and not exists (select from hub.rollup_days d where d.day = u.day)
  union all
  select u.organization_id, u.day, null::timestamptz, u.provider, u.model, u.module, u.source, u.endpoint, u.calls, u.errors, u.unpriced,
    u.estimated, u.input_tokens, u.cached_input_tokens, u.output_tokens, u.reasoning_tokens, u.total_tokens, u.cost, u.price,
    u.latency_buckets, u.latency_counts
  from public.ai_usage_days u
  where p_by_days and p_fine and p_org is null and u.organization_id > '00000000-0000-0000-0000-000000000000' and u.day >= p_first and u.day < p_last
    and not exists (select from hub.rollup_days d where d.organization_id = u.organization_id and d.day = u.day)
    and (not p_sums or exists (select from hub.rollup_days d where d.day = u.day))
  union all
  select u.organization_id, u.day, null::timestamptz, u.provider, u.model, ''::text, ''::text, u.endpoint, u.calls, u.errors, u.unpriced,
    u.estimated, u.input_tokens, u.cached_input_tokens, u.output_tokens, u.reasoning_tokens, u.total_tokens, u.cost, u.price,
    u.latency_buckets, u.latency_counts
  from hub.usage_model_days u
  where p_by_days and not p_fine and p_org is not null and u.organization_id = p_org and u.day >= p_first and u.day < p_last
    and not exists (select from hub.rollup_days d where d.organization_id = u.organization_id and d.day = u.day)
  union all
  select u.organization_id, u.day, null::timestamptz, u.provider, u.model, ''::text, ''::text, u.endpoint, u.calls, u.errors, u.unpriced,
    u.estimated, u.input_tokens, u.cached_input_tokens, u.output_tokens, u.reasoning_tokens, u.total_tokens, u.cost, u.price,
    u.latency_buckets, u.latency_counts
  from hub.usage_model_days u
  where p_by_days and not p_fine and p_org is null and p_sums and u.organization_id = '00000000-0000-0000-0000-000000000000' and u.day >= p_first and u.day < p_last
    and not exists (select from hub.rollup_days d where d.day = u.day)
  union all
  select u.organization_id, u.day, null::timestamptz, u.provider, u.model, ''::text, ''::text, u.endpoint, u.calls, u.errors, u.unpriced,
    u.estimated, u.input_tokens, u.cached_input_tokens, u.output_tokens, u.reasoning_tokens, u.total_tokens, u.cost, u.price,
    u.latency_buckets, u.latency_counts
  from hub.usage_model_days u
  where p_by_days and not p_fine and p_org is null and u.organization_id > '00000000-0000-0000-0000-000000000000' and u.day >= p_first and u.day < p_last
    and not exists (select from hub.rollup_days d where d.organization_id = u.organization_id and d.day = u.day)
    and (not p_sums or exists (select from hub.rollup_days d where d.day = u.day))
  union all
  select s.organization_id, d.day, s.slot, s.provider, s.model, s.module, s.source, s.endpoint, s.calls, s.errors, s.unpriced,
    s.estimated, s.input_tokens, s.cached_input_tokens, s.output_tokens, s.reasoning_tokens, s.total_tokens, s.cost, s.price,
    s.latency_buckets, s.latency_counts
  from hub.rollup_days d join public.ai_usage_slots s on s.organization_id = d.organization_id and s.slot >= d.starts and s.slot < d.ends
  where p_by_days and d.day >= p_first and d.day < p_last and (p_org is null or d.organization_id = p_org)
  union all
  select s.organization_id, (s.slot at time zone p_zone)::date, s.slot, s.provider, s.model, s.module, s.source, s.endpoint, s.calls, s.errors,
    s.unpriced, s.estimated, s.input_tokens, s.cached_input_tokens, s.output_tokens, s.reasoning_tokens, s.total_tokens, s.cost, s.price,
    s.latency_buckets, s.latency_counts
  from public.ai_usage_slots s
  where not p_by_days and s.slot >= p_from and s.slot < p_to and (p_org is null or s.organization_id = p_org)
$$;

create or replace function hub.conversation_rows_v1(p_org uuid, p_sums boolean, p_kind integer, p_by_days boolean, p_first date, p_last date, p_from timestamptz, p_to timestamptz, p_zone text)
returns table (organization_id uuid, day date, slot timestamptz, module text, source text, provider text, model text, conversations bigint,
  messages bigint, rated bigint, completed bigint, feedbacks bigint, score_sum numeric, score_squares numeric, scores bigint[])
language sql stable as $$
  select u.organization_id, u.day, null::timestamptz, u.module, u.source, u.provider, u.model, u.conversations, u.messages, u.rated, u.completed,
    u.feedbacks, u.score_sum, u.score_squares, u.scores
  from public.ai_conversation_days u
  where p_by_days and u.kind = p_kind and p_org is not null and u.organization_id = p_org and u.day >= p_first and u.day < p_last
    and not exists (select from hub.rollup_days d where d.organization_id = u.organization_id and d.day = u.day)
  union all
  select u.organization_id, u.day, null::timestamptz, u.module, u.source, u.provider, u.model, u.conversations, u.messages, u.rated, u.completed,
    u.feedbacks, u.score_sum, u.score_squares, u.scores
  from public.ai_conversation_days u
  where p_by_days and u.kind = p_kind and p_org is null and p_sums and u.organization_id = '00000000-0000-0000-0000-000000000000'
    and u.day >= p_first and u.day < p_last and not exists (select from hub.rollup_days d where d.day = u.day)
  union all
  select u.organization_id, u.day, null::timestamptz, u.module, u.source, u.provider, u.model, u.conversations, u.messages, u.rated, u.completed,
    u.feedbacks, u.score_sum, u.score_squares, u.scores
  from public.ai_conversation_days u
  where p_by_days and u.kind = p_kind and p_org is null and u.organization_id > '00000000-0000-0000-0000-000000000000'
    and u.day >= p_first and u.day < p_last
    and not exists (select from hub.rollup_days d where d.organization_id = u.organization_id and d.day = u.day)
    and (not p_sums or exists (select from hub.rollup_days d where d.day = u.day))
  union all
  select s.organization_id, d.day, s.slot, s.module, s.source, s.provider, s.model, s.conversations, s.messages, s.rated, s.completed,
    s.feedbacks, s.score_sum, s.score_squares, s.scores
  from hub.rollup_days d join public.ai_conversation_slots s
    on s.organization_id = d.organization_id and s.kind = p_kind and s.slot >= d.starts and s.slot < d.ends
  where p_by_days and d.day >= p_first and d.day < p_last and (p_org is null or d.organization_id = p_org)
  union all
  select s.organization_id, (s.slot at time zone p_zone)::date, s.slot, s.module, s.source, s.provider, s.model, s.conversations, s.messages,
    s.rated, s.completed, s.feedbacks, s.score_sum, s.score_squares, s.scores
  from public.ai_conversation_slots s
  where not p_by_days and s.kind = p_kind and s.slot >= p_from and s.slot < p_to and (p_org is null or s.organization_id = p_org)
$$;

create or replace function hub.user_rows_v1(p_org uuid, p_first date, p_last date)
returns table (organization_id uuid, day date, user_id uuid, module text, calls bigint, errors bigint, input_tokens bigint,
  cached_input_tokens bigint, output_tokens bigint, reasoning_tokens bigint, total_tokens bigint, cost numeric, price numeric,
  latency_buckets smallint[], latency_counts bigint[], conversations bigint, messages bigint, feedbacks bigint, score_sum numeric)
language sql stable as $$
  select u.organization_id, u.day, u.user_id, u.module, u.calls, u.errors, u.input_tokens, u.cached_input_tokens, u.output_tokens,
    u.reasoning_tokens, u.total_tokens, u.cost, u.price, u.latency_buckets, u.latency_counts, u.conversations, u.messages, u.feedbacks, u.score_sum
  from public.ai_user_days u
  where u.day >= p_first and u.day < p_last and (p_org is null or u.organization_id = p_org)
    and not exists (select from hub.rollup_days d where d.organization_id = u.organization_id and d.day = u.day)
  union all
  select r.*
  from (select array_agg(d.organization_id) as orgs, array_agg(d.day) as days, array_agg(d.starts) as starts, array_agg(d.ends) as ends
    from hub.rollup_days d where d.day >= p_first and d.day < p_last and (p_org is null or d.organization_id = p_org)) g
  cross join lateral hub.user_days_v1(g.orgs, g.days, g.starts, g.ends) r
$$;

create or replace function hub.intent_rows_v1(p_org uuid, p_first date, p_last date)
returns table (organization_id uuid, day date, user_id uuid, intent text, conversations bigint)
language sql stable as $$
  select u.organization_id, u.day, u.user_id, u.intent, u.conversations
  from public.ai_user_intents u
  where u.day >= p_first and u.day < p_last and (p_org is null or u.organization_id = p_org)
    and not exists (select from hub.rollup_days d where d.organization_id = u.organization_id and d.day = u.day)
  union all
  select r.*
  from (select array_agg(d.organization_id) as orgs, array_agg(d.day) as days, array_agg(d.starts) as starts, array_agg(d.ends) as ends
    from hub.rollup_days d where d.day >= p_first and d.day < p_last and (p_org is null or d.organization_id = p_org)) g
  cross join lateral hub.user_intents_v1(g.orgs, g.days, g.starts, g.ends) r
$$;

revoke all on function hub.usage_rows_v1(uuid, boolean, boolean, boolean, date, date, timestamptz, timestamptz, text),
  hub.conversation_rows_v1(uuid, boolean, integer, boolean, date, date, timestamptz, timestamptz, text),
  hub.user_rows_v1(uuid, date, date), hub.intent_rows_v1(uuid, date, date) from public;
