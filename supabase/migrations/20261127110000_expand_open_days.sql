set lock_timeout = '5s';

-- Days that are not over are stored, too, up to some slot of theirs, anew each hour: an answer then reads a few hours of slots (people:
-- of raw rows) and not the whole day. What is touched before that slot makes the whole day be read from slots again, until it is
-- stored anew (docs/decisions/0015-days-that-are-not-over.md).
alter table hub.rollup_days add column if not exists until timestamptz;
alter table hub.rollup_days add column if not exists held_at timestamptz;
comment on table hub.rollup_days is 'days that are not stored whole: read from slots, and from raw for people';
comment on column hub.rollup_days.until is 'the stored rows hold what is before it, the rest is read from slots; null: they hold nothing';
comment on column hub.rollup_days.held_at is 'when they were last stored; not again for some minutes, whatever was touched';

-- Days that hold any of these slots do not hold any more, at least not beyond where they do not reach.
create or replace function hub.mark_days_v1(p_org uuid[], p_slot timestamptz[]) returns void
language plpgsql set search_path = '' set jit = off as $$
begin
  delete from hub.slot_sums m where m.slot = any (p_slot);
  insert into hub.rollup_days (organization_id, day, starts, ends)
  select x.org, x.day, x.day::timestamp at time zone x.zone, (x.day + 1)::timestamp at time zone x.zone
  from (
    select distinct i.org, (i.slot at time zone coalesce(h.timezone, 'UTC'))::date as day, coalesce(h.timezone, 'UTC') as zone
    from unnest(p_org, p_slot) as i(org, slot) left join hub.rollup_zones h on h.organization_id = i.org
  ) x
  on conflict do nothing;
  update hub.rollup_days r set until = null
  from (
    select i.org, (i.slot at time zone coalesce(h.timezone, 'UTC'))::date as day, min(i.slot) as first
    from unnest(p_org, p_slot) as i(org, slot) left join hub.rollup_zones h on h.organization_id = i.org
    group by 1, 2
  ) x
  where r.organization_id = x.org and r.day = x.day and r.until > x.first;
end $$;

create or replace function hub.follow_time_zones_v1() returns void
language plpgsql set search_path = '' set jit = off as $$
declare
  v_org uuid[];
begin
  select array_agg(o.id) into v_org from public.ai_organizations o
  join hub.rollup_zones h on h.organization_id = o.id where h.timezone <> o.timezone;
  insert into hub.rollup_zones as h (organization_id, timezone)
  select o.id, o.timezone from public.ai_organizations o
  where not exists (select from hub.rollup_zones k where k.organization_id = o.id and k.timezone = o.timezone)
  on conflict (organization_id) do update set timezone = excluded.timezone;
  if v_org is null then
    return;
  end if;
  -- days as they were cut before are due as well, so that the sums of all organizations forget them
  insert into hub.rollup_days (organization_id, day, starts, ends)
  select x.organization_id, x.day, x.day::timestamp at time zone h.timezone, (x.day + 1)::timestamp at time zone h.timezone
  from (
    select t.organization_id, t.day from public.ai_usage_days t where t.organization_id = any (v_org)
    union
    select t.organization_id, t.day from public.ai_conversation_days t where t.organization_id = any (v_org)
    union
    select t.organization_id, t.day from hub.rollup_days t where t.organization_id = any (v_org)
  ) x join hub.rollup_zones h on h.organization_id = x.organization_id
  on conflict (organization_id, day) do update set starts = excluded.starts, ends = excluded.ends, until = null;
  delete from public.ai_usage_days t where t.organization_id = any (v_org);
  delete from hub.usage_sum_days t where t.organization_id = any (v_org);
  delete from hub.user_months t where t.organization_id = any (v_org);
  delete from public.ai_conversation_days t where t.organization_id = any (v_org);
  delete from public.ai_user_days t where t.organization_id = any (v_org);
  delete from public.ai_user_intents t where t.organization_id = any (v_org);
  perform hub.mark_days_v1(array_agg(s.organization_id), array_agg(s.slot)) from (
    select u.organization_id, u.slot from public.ai_usage_slots u where u.organization_id = any (v_org)
    union
    select u.organization_id, u.slot from public.ai_conversation_slots u where u.organization_id = any (v_org)
  ) s;
end $$;

-- Days as far as p_to, from their slots (people from raw).
create or replace function hub.fill_days_v1(p_org uuid[], p_day date[], p_from timestamptz[], p_to timestamptz[]) returns void
language plpgsql set search_path = '' set jit = off set work_mem = '64MB' set plan_cache_mode = force_custom_plan as $$
begin
  delete from public.ai_usage_days t using unnest(p_org, p_day) as d(org, day) where t.organization_id = d.org and t.day = d.day;
  delete from hub.usage_sum_days t using unnest(p_org, p_day) as d(org, day), unnest(array[0, 1]) as details(detail)
  where t.organization_id = d.org and t.detail = details.detail and t.day = d.day;
  delete from public.ai_conversation_days t using unnest(p_org, p_day) as d(org, day), generate_series(0, 7) as kinds(kind)
  where t.organization_id = d.org and t.kind = kinds.kind and t.day = d.day;
  delete from public.ai_user_days t using unnest(p_org, p_day) as d(org, day) where t.organization_id = d.org and t.day = d.day;
  delete from public.ai_user_intents t using unnest(p_org, p_day) as d(org, day) where t.organization_id = d.org and t.day = d.day;

  insert into public.ai_usage_days (organization_id, day, provider, model, module, source, endpoint, calls, errors, unpriced, estimated,
    input_tokens, cached_input_tokens, output_tokens, reasoning_tokens, total_tokens, cost, price, latency_buckets, latency_counts)
  select q.*, coalesce(h.buckets, '{}'), coalesce(h.counts, '{}') from (
    select s.organization_id, d.day, s.provider, s.model, s.module, s.source, s.endpoint, sum(s.calls), sum(s.errors), sum(s.unpriced),
      sum(s.estimated), sum(s.input_tokens), sum(s.cached_input_tokens), sum(s.output_tokens), sum(s.reasoning_tokens),
      sum(s.total_tokens), sum(s.cost), sum(s.price)
    from unnest(p_org, p_day, p_from, p_to) as d(org, day, a, b)
    join public.ai_usage_slots s on s.organization_id = d.org and s.slot >= d.a and s.slot < d.b
    group by 1, 2, 3, 4, 5, 6, 7
  ) q left join (
    select b.organization_id, b.day, b.provider, b.model, b.module, b.source, b.endpoint,
      array_agg(b.bucket order by b.bucket) as buckets, array_agg(b.n::bigint order by b.bucket) as counts
    from (
      select x.organization_id, x.day, x.provider, x.model, x.module, x.source, x.endpoint, x.bucket, sum(x.n) as n from (
        select s.organization_id, d.day, s.provider, s.model, s.module, s.source, s.endpoint,
          unnest(s.latency_buckets) as bucket, unnest(s.latency_counts) as n
        from unnest(p_org, p_day, p_from, p_to) as d(org, day, a, b)
        join public.ai_usage_slots s on s.organization_id = d.org and s.slot >= d.a and s.slot < d.b) x
      group by 1, 2, 3, 4, 5, 6, 7, 8
    ) b group by 1, 2, 3, 4, 5, 6, 7
  ) h using (organization_id, day, provider, model, module, source, endpoint)
  order by 1, 2;  -- what is read together lies together

  insert into public.ai_conversation_days (organization_id, kind, day, module, source, provider, model, conversations, messages, rated,
    completed, feedbacks, score_sum, score_squares, scores)
  select s.organization_id, s.kind, d.day, s.module, s.source, s.provider, s.model, sum(s.conversations), sum(s.messages), sum(s.rated),
    sum(s.completed), sum(s.feedbacks), sum(s.score_sum), sum(s.score_squares),
    array[sum(s.scores[1]), sum(s.scores[2]), sum(s.scores[3]), sum(s.scores[4]), sum(s.scores[5]), sum(s.scores[6])]::bigint[]
  from unnest(p_org, p_day, p_from, p_to) as d(org, day, a, b) cross join unnest(array[0, 1, 2, 3]) as kinds(kind)
  join public.ai_conversation_slots s on s.organization_id = d.org and s.kind = kinds.kind and s.slot >= d.a and s.slot < d.b
  group by 1, 2, 3, 4, 5, 6, 7
  order by 1, 2, 3;

  insert into public.ai_user_days (organization_id, day, user_id, module, calls, errors, unpriced, estimated, input_tokens, cached_input_tokens,
    output_tokens, reasoning_tokens, total_tokens, cost, price, latency_buckets, latency_counts, conversations, messages, feedbacks, score_sum)
  select * from hub.user_days_v1(p_org, p_day, p_from, p_to) order by 1, 2, 3;
  insert into public.ai_user_intents (organization_id, day, user_id, intent, conversations)
  select * from hub.user_intents_v1(p_org, p_day, p_from, p_to) order by 1, 2, 3;
  perform hub.fill_sum_days_v1(p_org, p_day);
  perform hub.fill_user_months_v1(p_org, p_day);
end $$;

-- Days that are over, the last ones first: they are asked for most. Returns how many; 0 also while somebody else is at it.
create or replace function hub.settle_days_v1(p_most integer default 500) returns integer
language plpgsql set search_path = '' set jit = off set work_mem = '64MB' set plan_cache_mode = force_custom_plan as $$
declare
  v_org uuid[]; v_day date[]; v_from timestamptz[]; v_to timestamptz[];
begin
  if not pg_try_advisory_xact_lock(hashtextextended('hub.rollups', 0)) then
    return 0;
  end if;
  select array_agg(d.organization_id), array_agg(d.day), array_agg(d.starts), array_agg(d.ends) into v_org, v_day, v_from, v_to
  from (select * from hub.rollup_days d where d.ends <= now() order by d.ends desc, d.organization_id limit p_most) d;
  if v_org is null then
    return 0;
  end if;
  perform hub.fill_days_v1(v_org, v_day, v_from, v_to);
  delete from hub.rollup_days t using unnest(v_org, v_day) as d(org, day) where t.organization_id = d.org and t.day = d.day;
  perform hub.add_up_days_v1(array(select distinct x.day from unnest(v_day) x(day)
    where not exists (select from hub.rollup_days r where r.day = x.day)));
  return cardinality(v_org);
end $$;

-- Days that are not over, except for their last two hours: most of what is late comes within those. Returns how many; 0 also while
-- somebody else is at it.
create or replace function hub.hold_open_days_v1(p_most integer default 40) returns integer
language plpgsql set search_path = '' set jit = off set plan_cache_mode = force_custom_plan as $$
declare
  v_until timestamptz := hub.slot_of(now() - interval '2 hours');
  v_org uuid[]; v_day date[]; v_from timestamptz[];
begin
  if not pg_try_advisory_xact_lock(hashtextextended('hub.rollups', 0)) then
    return 0;
  end if;
  select array_agg(d.organization_id), array_agg(d.day), array_agg(d.starts) into v_org, v_day, v_from
  from (
    select * from hub.rollup_days d
    where d.ends > now() and coalesce(d.until, d.starts) <= v_until - interval '1 hour'
      and (d.held_at is null or d.held_at < now() - interval '5 minutes')
    order by d.until nulls first, d.organization_id limit p_most
  ) d;
  if v_org is null then
    return 0;
  end if;
  perform hub.fill_days_v1(v_org, v_day, v_from, array_fill(v_until, array[cardinality(v_org)]));
  update hub.rollup_days t set until = v_until, held_at = now()
  from unnest(v_org, v_day) as d(org, day) where t.organization_id = d.org and t.day = d.day;
  return cardinality(v_org);
end $$;

-- ---------- what answers read: as before, and a day that is not over from where its stored rows end ----------


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
    and not exists (select from hub.rollup_days d where d.day = u.day and (p_org is null or d.organization_id = p_org and d.until is null))
  union all
  select u.organization_id, u.day, null::timestamptz, u.provider, u.model, ''::text, ''::text, u.endpoint, u.calls, u.errors, u.unpriced,
    u.estimated, u.input_tokens, u.cached_input_tokens, u.output_tokens, u.reasoning_tokens, u.total_tokens, u.cost, u.price,
    u.latency_buckets, u.latency_counts
  from hub.usage_sum_days u
  where p_by_days and p_detail < 2 and (p_org is not null or p_sums) and u.organization_id = coalesce(p_org, '00000000-0000-0000-0000-000000000000') and u.detail = p_detail
    and u.day >= p_first and u.day < p_last
    and not exists (select from hub.rollup_days d where d.day = u.day and (p_org is null or d.organization_id = p_org and d.until is null))
  union all
  select s.organization_id, d.day, s.slot, s.provider, s.model, s.module, s.source, s.endpoint, s.calls, s.errors, s.unpriced,
    s.estimated, s.input_tokens, s.cached_input_tokens, s.output_tokens, s.reasoning_tokens, s.total_tokens, s.cost, s.price,
    s.latency_buckets, s.latency_counts
  from hub.rollup_days d join public.ai_usage_slots s on s.organization_id = d.organization_id and s.slot >= coalesce(d.until, d.starts) and s.slot < d.ends
  where p_by_days and d.day >= p_first and d.day < p_last and (p_org is null or d.organization_id = p_org)
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
    and not exists (select from hub.rollup_days d where d.organization_id = u.organization_id and d.day = u.day and d.until is null)
  union all
  select u.organization_id, u.day, null::timestamptz, u.provider, u.model, u.module, u.source, u.endpoint, u.calls, u.errors, u.unpriced,
    u.estimated, u.input_tokens, u.cached_input_tokens, u.output_tokens, u.reasoning_tokens, u.total_tokens, u.cost, u.price,
    u.latency_buckets, u.latency_counts
  from (select distinct d.day from hub.rollup_days d where d.day >= p_first and d.day < p_last) x cross join public.ai_organizations o
  join public.ai_usage_days u on u.organization_id = o.id and u.day = x.day
  where p_by_days and p_detail = 2 and p_org is null and p_sums
    and not exists (select from hub.rollup_days d where d.organization_id = u.organization_id and d.day = u.day and d.until is null)
  union all
  select u.organization_id, u.day, null::timestamptz, u.provider, u.model, ''::text, ''::text, u.endpoint, u.calls, u.errors, u.unpriced,
    u.estimated, u.input_tokens, u.cached_input_tokens, u.output_tokens, u.reasoning_tokens, u.total_tokens, u.cost, u.price,
    u.latency_buckets, u.latency_counts
  from hub.usage_sum_days u
  where p_by_days and p_detail < 2 and p_org is null and not p_sums and u.organization_id > '00000000-0000-0000-0000-000000000000' and u.detail = p_detail
    and u.day >= p_first and u.day < p_last
    and not exists (select from hub.rollup_days d where d.organization_id = u.organization_id and d.day = u.day and d.until is null)
  union all
  select u.organization_id, u.day, null::timestamptz, u.provider, u.model, ''::text, ''::text, u.endpoint, u.calls, u.errors, u.unpriced,
    u.estimated, u.input_tokens, u.cached_input_tokens, u.output_tokens, u.reasoning_tokens, u.total_tokens, u.cost, u.price,
    u.latency_buckets, u.latency_counts
  from (select distinct d.day from hub.rollup_days d where d.day >= p_first and d.day < p_last) x cross join public.ai_organizations o
  join hub.usage_sum_days u on u.organization_id = o.id and u.detail = p_detail and u.day = x.day
  where p_by_days and p_detail < 2 and p_org is null and p_sums
    and not exists (select from hub.rollup_days d where d.organization_id = u.organization_id and d.day = u.day and d.until is null)
$$;

create or replace function hub.conversation_days_v1(p_org uuid, p_sums boolean, p_kind integer, p_by_days boolean, p_first date, p_last date, p_from timestamptz, p_to timestamptz, p_zone text)
returns table (organization_id uuid, day date, slot timestamptz, module text, source text, provider text, model text, conversations bigint,
  messages bigint, rated bigint, completed bigint, feedbacks bigint, score_sum numeric, score_squares numeric, scores bigint[])
language sql stable as $$
  select u.organization_id, u.day, null::timestamptz, u.module, u.source, u.provider, u.model, u.conversations, u.messages, u.rated, u.completed,
    u.feedbacks, u.score_sum, u.score_squares, u.scores
  from public.ai_conversation_days u
  where p_by_days and (p_org is not null or p_sums) and u.organization_id = coalesce(p_org, '00000000-0000-0000-0000-000000000000') and u.kind = p_kind
    and u.day >= p_first and u.day < p_last
    and not exists (select from hub.rollup_days d where d.day = u.day and (p_org is null or d.organization_id = p_org and d.until is null))
  union all
  select s.organization_id, d.day, s.slot, s.module, s.source, s.provider, s.model, s.conversations, s.messages, s.rated, s.completed,
    s.feedbacks, s.score_sum, s.score_squares, s.scores
  from hub.rollup_days d join public.ai_conversation_slots s
    on s.organization_id = d.organization_id and s.kind = p_kind % 4 and s.slot >= coalesce(d.until, d.starts) and s.slot < d.ends
  where p_by_days and d.day >= p_first and d.day < p_last and (p_org is null or d.organization_id = p_org)
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
    and not exists (select from hub.rollup_days d where d.organization_id = u.organization_id and d.day = u.day and d.until is null)
  union all
  select u.organization_id, u.day, null::timestamptz, u.module, u.source, u.provider, u.model, u.conversations, u.messages, u.rated, u.completed,
    u.feedbacks, u.score_sum, u.score_squares, u.scores
  from (select distinct d.day from hub.rollup_days d where d.day >= p_first and d.day < p_last) x cross join public.ai_organizations o
  join public.ai_conversation_days u on u.organization_id = o.id and u.kind = p_kind and u.day = x.day
  where p_by_days and p_org is null and p_sums
    and not exists (select from hub.rollup_days d where d.organization_id = u.organization_id and d.day = u.day and d.until is null)
$$;

create or replace function hub.open_user_days_v1(p_org uuid, p_first date, p_last date)
returns table (organization_id uuid, day date, user_id uuid, module text, calls bigint, errors bigint, unpriced bigint, estimated bigint, input_tokens bigint,
  cached_input_tokens bigint, output_tokens bigint, reasoning_tokens bigint, total_tokens bigint, cost numeric, price numeric,
  latency_buckets smallint[], latency_counts bigint[], conversations bigint, messages bigint, feedbacks bigint, score_sum numeric)
language plpgsql stable set search_path = '' set jit = off set plan_cache_mode = force_generic_plan as $$
begin
  return query select r.*
    from (select array_agg(d.organization_id) as orgs, array_agg(d.day) as days, array_agg(coalesce(d.until, d.starts)) as starts, array_agg(d.ends) as ends
      from hub.rollup_days d where d.day >= p_first and d.day < p_last and (p_org is null or d.organization_id = p_org)) g
    cross join lateral hub.user_days_v1(g.orgs, g.days, g.starts, g.ends) r;
end $$;

create or replace function hub.open_user_intents_v1(p_org uuid, p_first date, p_last date)
returns table (organization_id uuid, day date, user_id uuid, intent text, conversations bigint)
language plpgsql stable set search_path = '' set jit = off set plan_cache_mode = force_generic_plan as $$
begin
  return query select r.*
    from (select array_agg(d.organization_id) as orgs, array_agg(d.day) as days, array_agg(coalesce(d.until, d.starts)) as starts, array_agg(d.ends) as ends
      from hub.rollup_days d where d.day >= p_first and d.day < p_last and (p_org is null or d.organization_id = p_org)) g
    cross join lateral hub.user_intents_v1(g.orgs, g.days, g.starts, g.ends) r;
end $$;

create or replace function hub.user_rows_v1(p_org uuid, p_first date, p_last date, p_zone text default null)
returns table (organization_id uuid, day date, user_id uuid, module text, calls bigint, errors bigint, unpriced bigint, estimated bigint, input_tokens bigint,
  cached_input_tokens bigint, output_tokens bigint, reasoning_tokens bigint, total_tokens bigint, cost numeric, price numeric,
  latency_buckets smallint[], latency_counts bigint[], conversations bigint, messages bigint, feedbacks bigint, score_sum numeric)
language sql stable as $$
  select u.organization_id, u.day, u.user_id, u.module, u.calls, u.errors, u.unpriced, u.estimated, u.input_tokens, u.cached_input_tokens, u.output_tokens,
    u.reasoning_tokens, u.total_tokens, u.cost, u.price, u.latency_buckets, u.latency_counts, u.conversations, u.messages, u.feedbacks, u.score_sum
  from public.ai_user_days u
  where p_zone is null and u.day >= p_first and u.day < p_last and (p_org is null or u.organization_id = p_org)
    and not exists (select from hub.rollup_days d where d.organization_id = u.organization_id and d.day = u.day and d.until is null)
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
    and not exists (select from hub.rollup_days d where d.organization_id = u.organization_id and d.day = u.day and d.until is null)
  union all
  select r.* from hub.open_user_intents_v1(p_org, p_first, p_last) r where p_zone is null
  union all
  select r.* from hub.intent_zone_rows_v1(p_org, p_first, p_last, p_zone) r where p_zone is not null
$$;

revoke all on function hub.fill_days_v1(uuid[], date[], timestamptz[], timestamptz[]), hub.hold_open_days_v1(integer) from public;

-- ---------- sums of slots ----------

-- The slots of the last three days, added up over all organizations, for those who look at all of them by the hour. Whatever is touched is
-- read organization by organization until it is added up again.
create table if not exists hub.slot_sums (slot timestamptz primary key);
comment on table hub.slot_sums is 'slots whose sums hold';
create table if not exists hub.usage_slot_sums (
  slot timestamptz not null,
  provider text not null,
  model text not null,
  module text not null,
  source text not null,
  endpoint text not null,
  calls bigint not null,
  errors bigint not null,
  unpriced bigint not null,
  estimated bigint not null,
  input_tokens bigint not null,
  cached_input_tokens bigint not null,
  output_tokens bigint not null,
  reasoning_tokens bigint not null,
  total_tokens bigint not null,
  cost numeric(38, 18) not null,
  price numeric(38, 18) not null,
  latency_buckets smallint[] not null,
  latency_counts bigint[] not null
);
create index if not exists usage_slot_sums_idx on hub.usage_slot_sums (slot);
create table if not exists hub.conversation_slot_sums (
  kind smallint not null,
  slot timestamptz not null,
  module text not null,
  source text not null,
  provider text not null,
  model text not null,
  conversations bigint not null,
  messages bigint not null,
  rated bigint not null,
  completed bigint not null,
  feedbacks bigint not null,
  score_sum numeric not null,
  score_squares numeric not null,
  scores bigint[] not null
);
create index if not exists conversation_slot_sums_idx on hub.conversation_slot_sums (kind, slot);
do $$
declare t text;
begin
  foreach t in array array['slot_sums', 'usage_slot_sums', 'conversation_slot_sums'] loop
    execute format('alter table hub.%I enable row level security', t);
    execute format('revoke all on hub.%I from public', t);
  end loop;
end $$;

-- So that conversations of many organizations are counted, and people looked at, in indexes alone.
create unique index if not exists ai_conversation_days_counts_key on public.ai_conversation_days
  (organization_id, kind, day, module, source, provider, model) include (conversations);
drop index if exists public.ai_conversation_days_key;
create index if not exists ai_user_days_people_idx on public.ai_user_days (organization_id, day)
  include (user_id, module, calls, conversations, messages, cost, feedbacks, score_sum);

create or replace function hub.slot_sums_begin() returns timestamptz
language sql stable parallel safe
as $$ select hub.slot_of(now()) - interval '3 days' $$;

-- Slots that are over, the last ones first. Returns how many; 0 also while somebody else is at the rollups.
create or replace function hub.sum_slots_v1(p_most integer default 40) returns integer
language plpgsql set search_path = '' set jit = off set plan_cache_mode = force_custom_plan as $$
declare
  v_slot timestamptz[];
begin
  if not pg_try_advisory_xact_lock(hashtextextended('hub.rollups', 0)) then
    return 0;
  end if;
  v_slot := array(
    select g from generate_series(hub.slot_sums_begin(), hub.slot_of(now()) - interval '15 minutes', interval '15 minutes') g
    where not exists (select from hub.slot_sums m where m.slot = g) order by g desc limit p_most);
  if v_slot = '{}' then
    return 0;
  end if;
  delete from hub.slot_sums m where m.slot < hub.slot_sums_begin();
  delete from hub.usage_slot_sums t where t.slot < hub.slot_sums_begin() or t.slot = any (v_slot);
  delete from hub.conversation_slot_sums t where t.kind between 0 and 3 and (t.slot < hub.slot_sums_begin() or t.slot = any (v_slot));
  insert into hub.usage_slot_sums (slot, provider, model, module, source, endpoint, calls, errors, unpriced, estimated, input_tokens,
    cached_input_tokens, output_tokens, reasoning_tokens, total_tokens, cost, price, latency_buckets, latency_counts)
  select q.*, coalesce(h.buckets, '{}'), coalesce(h.counts, '{}') from (
    select s.slot, s.provider, s.model, s.module, s.source, s.endpoint, sum(s.calls), sum(s.errors), sum(s.unpriced), sum(s.estimated),
      sum(s.input_tokens), sum(s.cached_input_tokens), sum(s.output_tokens), sum(s.reasoning_tokens), sum(s.total_tokens), sum(s.cost), sum(s.price)
    from public.ai_organizations o join public.ai_usage_slots s on s.organization_id = o.id and s.slot = any (v_slot)
    group by 1, 2, 3, 4, 5, 6
  ) q left join (
    select b.slot, b.provider, b.model, b.module, b.source, b.endpoint,
      array_agg(b.bucket order by b.bucket) as buckets, array_agg(b.n::bigint order by b.bucket) as counts
    from (
      select x.slot, x.provider, x.model, x.module, x.source, x.endpoint, x.bucket, sum(x.n) as n from (
        select s.slot, s.provider, s.model, s.module, s.source, s.endpoint, unnest(s.latency_buckets) as bucket, unnest(s.latency_counts) as n
        from public.ai_organizations o join public.ai_usage_slots s on s.organization_id = o.id and s.slot = any (v_slot)) x
      group by 1, 2, 3, 4, 5, 6, 7
    ) b group by 1, 2, 3, 4, 5, 6
  ) h using (slot, provider, model, module, source, endpoint)
  order by 1;
  insert into hub.conversation_slot_sums (kind, slot, module, source, provider, model, conversations, messages, rated, completed, feedbacks,
    score_sum, score_squares, scores)
  select s.kind, s.slot, s.module, s.source, s.provider, s.model, sum(s.conversations), sum(s.messages), sum(s.rated), sum(s.completed),
    sum(s.feedbacks), sum(s.score_sum), sum(s.score_squares),
    array[sum(s.scores[1]), sum(s.scores[2]), sum(s.scores[3]), sum(s.scores[4]), sum(s.scores[5]), sum(s.scores[6])]::bigint[]
  from public.ai_organizations o cross join generate_series(0, 3) as kinds(kind)
  join public.ai_conversation_slots s on s.organization_id = o.id and s.kind = kinds.kind and s.slot = any (v_slot)
  group by 1, 2, 3, 4, 5, 6
  order by 1, 2;
  insert into hub.slot_sums (slot) select x from unnest(v_slot) x;
  return cardinality(v_slot);
end $$;

-- ---------- as before, and no sum holds while something is computed again ----------

create or replace function hub.rebuild_slots_v1(p_from timestamptz, p_to timestamptz) returns void
language plpgsql set search_path = '' set jit = off as $$
declare
  v_org uuid[] := array(select o.id from public.ai_organizations o order by 1);
  v_from timestamptz[] := array_fill(p_from, array[cardinality(v_org)]);
  v_to timestamptz[] := array_fill(p_to, array[cardinality(v_org)]);
begin
  if v_org = '{}' then
    return;
  end if;
  delete from hub.slot_sums;  -- all: they are added up again in no time
  perform hub.fill_usage_slots_v1(v_org, v_from, v_to);
  perform hub.fill_conversation_slots_v1(v_org, v_from, v_to);
  perform hub.mark_days_v1(array_agg(x.organization_id), array_agg(x.slot)) from (
    select u.organization_id, u.slot from public.ai_usage_slots u where u.slot >= p_from and u.slot < p_to
    union
    select u.organization_id, u.slot from public.ai_conversation_slots u where u.slot >= p_from and u.slot < p_to
    union  -- days whose slots are gone
    select d.organization_id, d.day::timestamp at time zone coalesce(h.timezone, 'UTC') from public.ai_usage_days d
      left join hub.rollup_zones h on h.organization_id = d.organization_id
      where d.day >= (p_from - interval '1 day')::date and d.day <= (p_to + interval '1 day')::date
  ) x;
end $$;

-- ---------- as before, and sums where they hold ----------

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
    and (p_org is not null or not p_sums or s.slot < hub.slot_sums_begin())
  union all
  select '00000000-0000-0000-0000-000000000000'::uuid, (s.slot at time zone p_zone)::date, s.slot, s.provider, s.model, s.module, s.source, s.endpoint, s.calls, s.errors,
    s.unpriced, s.estimated, s.input_tokens, s.cached_input_tokens, s.output_tokens, s.reasoning_tokens, s.total_tokens, s.cost, s.price,
    s.latency_buckets, s.latency_counts
  from hub.usage_slot_sums s
  where not p_by_days and p_org is null and p_sums and s.slot >= greatest(p_from, hub.slot_sums_begin()) and s.slot < p_to
    and exists (select from hub.slot_sums m where m.slot = s.slot)
  union all
  -- by organization, since the index begins with it
  select s.organization_id, (s.slot at time zone p_zone)::date, s.slot, s.provider, s.model, s.module, s.source, s.endpoint, s.calls, s.errors,
    s.unpriced, s.estimated, s.input_tokens, s.cached_input_tokens, s.output_tokens, s.reasoning_tokens, s.total_tokens, s.cost, s.price,
    s.latency_buckets, s.latency_counts
  from public.ai_organizations o join public.ai_usage_slots s on s.organization_id = o.id and s.slot = any (array(
      select g from generate_series(greatest(p_from, hub.slot_sums_begin()), p_to - interval '15 minutes', interval '15 minutes') g
      where not exists (select from hub.slot_sums m where m.slot = g)))
  where not p_by_days and p_org is null and p_sums
$$;

create or replace function hub.conversation_slots_v1(p_org uuid, p_sums boolean, p_kind integer, p_by_days boolean, p_first date, p_last date, p_from timestamptz, p_to timestamptz, p_zone text)
returns table (organization_id uuid, day date, slot timestamptz, module text, source text, provider text, model text, conversations bigint,
  messages bigint, rated bigint, completed bigint, feedbacks bigint, score_sum numeric, score_squares numeric, scores bigint[])
language sql stable as $$
  select s.organization_id, (s.slot at time zone p_zone)::date, s.slot, s.module, s.source, s.provider, s.model, s.conversations, s.messages,
    s.rated, s.completed, s.feedbacks, s.score_sum, s.score_squares, s.scores
  from public.ai_conversation_slots s
  where not p_by_days and s.kind = p_kind % 4 and s.slot >= p_from and s.slot < p_to and (p_org is null or s.organization_id = p_org)
    and (p_org is not null or not p_sums or s.slot < hub.slot_sums_begin())
  union all
  select '00000000-0000-0000-0000-000000000000'::uuid, (s.slot at time zone p_zone)::date, s.slot, s.module, s.source, s.provider, s.model, s.conversations, s.messages,
    s.rated, s.completed, s.feedbacks, s.score_sum, s.score_squares, s.scores
  from hub.conversation_slot_sums s
  where not p_by_days and p_org is null and p_sums and s.kind = p_kind % 4 and s.slot >= greatest(p_from, hub.slot_sums_begin()) and s.slot < p_to
    and exists (select from hub.slot_sums m where m.slot = s.slot)
  union all
  -- by organization, since the index begins with it
  select s.organization_id, (s.slot at time zone p_zone)::date, s.slot, s.module, s.source, s.provider, s.model, s.conversations, s.messages,
    s.rated, s.completed, s.feedbacks, s.score_sum, s.score_squares, s.scores
  from public.ai_organizations o join public.ai_conversation_slots s on s.organization_id = o.id and s.kind = p_kind % 4 and s.slot = any (array(
      select g from generate_series(greatest(p_from, hub.slot_sums_begin()), p_to - interval '15 minutes', interval '15 minutes') g
      where not exists (select from hub.slot_sums m where m.slot = g)))
  where not p_by_days and p_org is null and p_sums
$$;

revoke all on function hub.sum_slots_v1(integer), hub.slot_sums_begin() from public;
