set lock_timeout = '5s';

-- Keeping the rollups: which slots were touched, computed whole; days of slots; what is kept of rows that go.

-- Days that hold any of these slots do not hold any more.
create or replace function hub.mark_days_v1(p_org uuid[], p_slot timestamptz[]) returns void
language plpgsql set search_path = '' set jit = off as $$
begin
  insert into hub.rollup_days (organization_id, day, starts, ends)
  select x.org, x.day, x.day::timestamp at time zone x.zone, (x.day + 1)::timestamp at time zone x.zone
  from (
    select distinct i.org, (i.slot at time zone coalesce(h.timezone, 'UTC'))::date as day, coalesce(h.timezone, 'UTC') as zone
    from unnest(p_org, p_slot) as i(org, slot) left join hub.rollup_zones h on h.organization_id = i.org
  ) x
  on conflict do nothing;
end $$;

-- Organizations whose time zone is not the one their days were cut by: all their days are cut anew.
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
  on conflict (organization_id, day) do update set starts = excluded.starts, ends = excluded.ends;
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

-- One step: what was committed since the last one is in the slots after it. `ran` false: somebody else is at it.
-- `more`: there is more to do at once. `behind`: transactions that are not decided yet.
create or replace function hub.tick_rollups_v1(p_most integer default 20000, p_days integer default 7)
returns table (ran boolean, slots integer, more boolean, behind bigint)
language plpgsql set search_path = '' set jit = off set plan_cache_mode = force_custom_plan as $$
declare
  s hub.rollup_state;
  v_cluster bigint := (select c.system_identifier from pg_catalog.pg_control_system() c);
  v_now pg_snapshot := pg_current_snapshot();
  v_next xid8 := pg_snapshot_xmax(v_now);
  v_end xid8;
  v_most xid8;
  v_until timestamptz;
  u_org uuid[]; u_slot timestamptz[]; c_org uuid[]; c_slot timestamptz[];
begin
  if not pg_try_advisory_xact_lock(hashtextextended('hub.rollups', 0)) then
    return query select false, 0, false, 0::bigint;
    return;
  end if;
  -- Nothing ended since the last step but that step, and all before it was decided: there is nothing to look for. Once in a while
  -- it is done all the same, as a sign of life.
  select * into s from hub.rollup_state;
  if s.next_xid = s.ticked_xid and s.ticked_xid::text::bigint + 1 = v_next::text::bigint and s.rebuild_from is null
    and s.cluster_id = v_cluster and s.ticked_at > clock_timestamp() - interval '5 seconds' then
    return query select true, 0, false, 0::bigint;
    return;
  end if;
  select * into s from hub.rollup_state for update;
  -- Anew, since the row may have been waited for, and before anything is read. What it sees is taken in by this step; what was
  -- under way then comes with a later one, however long it takes.
  v_now := pg_current_snapshot();
  v_next := pg_snapshot_xmax(v_now);
  perform hub.follow_time_zones_v1();
  if s.cluster_id is distinct from v_cluster or s.next_xid > v_next then
    -- the first time, or a copy on another server, where transactions are numbered anew
    s.next_xid := pg_snapshot_xmin(v_now);
    s.seen := null;
    s.rebuild_from := '-infinity';
    s.rebuild_to := 'infinity';
  end if;
  s.seen := coalesce(s.seen, (s.next_xid::text || ':' || s.next_xid::text || ':')::pg_snapshot);

  -- no more than so many rows of a table at once, whole transactions
  select least(
    (select k.ingest_xid from public.ai_calls k where k.ingest_xid >= s.next_xid and not pg_visible_in_snapshot(k.ingest_xid, s.seen)
      order by 1 offset p_most limit 1),
    (select k.ingest_xid from public.ai_messages k where k.ingest_xid >= s.next_xid and not pg_visible_in_snapshot(k.ingest_xid, s.seen)
      order by 1 offset p_most limit 1),
    (select k.ingest_xid from public.ai_conversations k where k.ingest_xid >= s.next_xid and not pg_visible_in_snapshot(k.ingest_xid, s.seen)
      order by 1 offset p_most limit 1)) into v_most;
  -- rows of another server's transactions may bear numbers that are not reached yet
  v_end := least(v_next::text::numeric, v_most::text::numeric + 1)::text::xid8;
  v_next := least(v_next::text::numeric + 1000, v_most::text::numeric + 1)::text::xid8;

  with calls as materialized (
    select k.organization_id as org, hub.slot_of(k.occurred_at) as slot, hub.slot_of(hub.uuid7_time(k.conversation_id)) as started
    from public.ai_calls k where k.ingest_xid >= s.next_xid and k.ingest_xid < v_next and not pg_visible_in_snapshot(k.ingest_xid, s.seen)
    union
    select k.organization_id, k.slot, null from hub.kept_calls k where k.ingest_xid >= s.next_xid and k.ingest_xid < v_next and not pg_visible_in_snapshot(k.ingest_xid, s.seen)
  ), conversations as materialized (
    select c.id, c.created_at, c.organization_id as org from public.ai_conversations c where c.ingest_xid >= s.next_xid and c.ingest_xid < v_next and not pg_visible_in_snapshot(c.ingest_xid, s.seen)
  ), others as materialized (
    select c.org, hub.slot_of(c.created_at) as slot from conversations c
    union
    -- a conversation that got another module takes these along
    select t.organization_id, hub.slot_of(t.at) from conversations c join public.ai_transitions t
      on t.conversation_id = c.id and t.conversation_created_at = c.created_at and t.organization_id = c.org and t.to_status = 'completed'
    union
    select f.organization_id, hub.slot_of(f.created_at) from conversations c join public.ai_feedback f
      on f.conversation_id = c.id and f.conversation_created_at = c.created_at and f.organization_id = c.org
    union
    select m.organization_id, hub.slot_of(m.conversation_created_at) from public.ai_messages m where m.ingest_xid >= s.next_xid and m.ingest_xid < v_next and not pg_visible_in_snapshot(m.ingest_xid, s.seen)
    union
    select t.organization_id, hub.slot_of(t.at) from public.ai_transitions t where t.to_status = 'completed' and t.from_status is distinct from 'archived' and t.ingest_xid >= s.next_xid and t.ingest_xid < v_next and not pg_visible_in_snapshot(t.ingest_xid, s.seen)
    union
    select f.organization_id, hub.slot_of(x.at) from public.ai_feedback f cross join lateral (values (f.created_at), (f.conversation_created_at)) x(at)
      where f.ingest_xid >= s.next_xid and f.ingest_xid < v_next and not pg_visible_in_snapshot(f.ingest_xid, s.seen)
    union
    select k.organization_id, k.slot from hub.kept_conversations k where k.ingest_xid >= s.next_xid and k.ingest_xid < v_next and not pg_visible_in_snapshot(k.ingest_xid, s.seen)
    union
    select k.organization_id, k.slot from hub.kept_moments k where k.ingest_xid >= s.next_xid and k.ingest_xid < v_next and not pg_visible_in_snapshot(k.ingest_xid, s.seen)
    union
    select k.org, k.started from calls k where k.started is not null
  ), usage as (select distinct k.org, k.slot from calls k)
  select (select array_agg(u.org order by u.org, u.slot) from usage u), (select array_agg(u.slot order by u.org, u.slot) from usage u),
    (select array_agg(o.org order by o.org, o.slot) from others o), (select array_agg(o.slot order by o.org, o.slot) from others o)
  into u_org, u_slot, c_org, c_slot;

  if u_org is not null then
    perform hub.fill_usage_slots_v1(u_org, u_slot, array(select x + interval '15 minutes' from unnest(u_slot) x));
    perform hub.mark_days_v1(u_org, u_slot);
  end if;
  if c_org is not null then
    perform hub.fill_conversation_slots_v1(c_org, c_slot, array(select x + interval '15 minutes' from unnest(c_slot) x));
    perform hub.mark_days_v1(c_org, c_slot);
  end if;

  if s.rebuild_from is not null then
    if s.rebuild_from = '-infinity' then
      s.rebuild_from := coalesce(hub.first_raw_v1(), 'infinity');
      s.rebuild_to := least(s.rebuild_to, now() + interval '1 day');
      delete from public.ai_usage_slots u where u.slot < s.rebuild_from;
      delete from public.ai_conversation_slots u where u.slot < s.rebuild_from;
    end if;
    if s.rebuild_from < s.rebuild_to then
      v_until := least(s.rebuild_from + make_interval(days => p_days), s.rebuild_to);
      perform hub.rebuild_slots_v1(s.rebuild_from, v_until);
      s.rebuild_from := v_until;
    end if;
    if s.rebuild_from >= s.rebuild_to then
      s.rebuild_from := null;
      s.rebuild_to := null;
    end if;
  end if;

  s.next_xid := least(pg_snapshot_xmin(v_now), v_end);
  update hub.rollup_state t set next_xid = s.next_xid, cluster_id = v_cluster, ticked_at = clock_timestamp(), ticked_xid = pg_current_xact_id(),
    seen = (s.next_xid::text || ':' || v_end::text || ':' || coalesce((select string_agg(x::text, ',' order by x) from pg_snapshot_xip(v_now) x
      where x < v_end), ''))::pg_snapshot,
    rebuild_from = s.rebuild_from, rebuild_to = s.rebuild_to;
  return query select true, coalesce(cardinality(u_org), 0) + coalesce(cardinality(c_org), 0), s.rebuild_from is not null or v_most is not null,
    pg_snapshot_xmax(pg_current_snapshot())::text::bigint - s.next_xid::text::bigint;
end $$;

create or replace function hub.first_raw_v1() returns timestamptz
language sql stable set search_path = '' as $$
  select hub.slot_of(min(x.at)) from (
    select (select min(k.occurred_at) from public.ai_calls k where k.organization_id = o.id) as at from public.ai_organizations o
    union all
    select (select min(c.created_at) from public.ai_conversations c where c.organization_id = o.id) from public.ai_organizations o
    union all select min(k.slot) from hub.kept_calls k
    union all select min(k.slot) from hub.kept_conversations k
    union all select min(k.slot) from hub.kept_moments k) x
$$;

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

-- From the days by everything to those by less: first detail 1, of it detail 0; of conversations kinds 4 to 7.
create or replace function hub.fill_sum_days_v1(p_org uuid[], p_day date[]) returns void
language plpgsql set search_path = '' set jit = off set plan_cache_mode = force_custom_plan as $$
begin
  insert into hub.usage_sum_days (organization_id, detail, day, provider, model, endpoint, calls, errors, unpriced, estimated, input_tokens,
    cached_input_tokens, output_tokens, reasoning_tokens, total_tokens, cost, price, latency_buckets, latency_counts)
  select q.*, coalesce(h.buckets, '{}'), coalesce(h.counts, '{}') from (
    select s.organization_id, 1, s.day, s.provider, s.model, s.endpoint, sum(s.calls), sum(s.errors), sum(s.unpriced), sum(s.estimated), sum(s.input_tokens), sum(s.cached_input_tokens),
      sum(s.output_tokens), sum(s.reasoning_tokens), sum(s.total_tokens), sum(s.cost), sum(s.price)
    from unnest(p_org, p_day) as d(org, day) join public.ai_usage_days s on s.organization_id = d.org and s.day = d.day
    group by 1, 3, 4, 5, 6
  ) q left join (
    select b.organization_id, b.day, b.provider, b.model, b.endpoint,
      array_agg(b.bucket order by b.bucket) as buckets, array_agg(b.n::bigint order by b.bucket) as counts
    from (
      select x.organization_id, x.day, x.provider, x.model, x.endpoint, x.bucket, sum(x.n) as n from (
        select s.organization_id, s.day, s.provider, s.model, s.endpoint, unnest(s.latency_buckets) as bucket, unnest(s.latency_counts) as n
        from unnest(p_org, p_day) as d(org, day) join public.ai_usage_days s on s.organization_id = d.org and s.day = d.day) x
      group by 1, 2, 3, 4, 5, 6
    ) b group by 1, 2, 3, 4, 5
  ) h using (organization_id, day, provider, model, endpoint)
  order by q.organization_id, q.day;
  insert into hub.usage_sum_days (organization_id, detail, day, provider, model, endpoint, calls, errors, unpriced, estimated, input_tokens,
    cached_input_tokens, output_tokens, reasoning_tokens, total_tokens, cost, price, latency_buckets, latency_counts)
  select q.*, coalesce(h.buckets, '{}'), coalesce(h.counts, '{}') from (
    select s.organization_id, 0, s.day, '', '', '', sum(s.calls), sum(s.errors), sum(s.unpriced), sum(s.estimated), sum(s.input_tokens), sum(s.cached_input_tokens),
      sum(s.output_tokens), sum(s.reasoning_tokens), sum(s.total_tokens), sum(s.cost), sum(s.price)
    from unnest(p_org, p_day) as d(org, day) join hub.usage_sum_days s on s.organization_id = d.org and s.detail = 1 and s.day = d.day
    group by 1, 3
  ) q left join (
    select b.organization_id, b.day, array_agg(b.bucket order by b.bucket) as buckets, array_agg(b.n::bigint order by b.bucket) as counts
    from (
      select x.organization_id, x.day, x.bucket, sum(x.n) as n from (
        select s.organization_id, s.day, unnest(s.latency_buckets) as bucket, unnest(s.latency_counts) as n
        from unnest(p_org, p_day) as d(org, day) join hub.usage_sum_days s on s.organization_id = d.org and s.detail = 1 and s.day = d.day) x
      group by 1, 2, 3
    ) b group by 1, 2
  ) h using (organization_id, day)
  order by q.organization_id, q.day;
  insert into public.ai_conversation_days (organization_id, kind, day, module, source, provider, model, conversations, messages, rated,
    completed, feedbacks, score_sum, score_squares, scores)
  select s.organization_id, s.kind + 4, s.day, '', '', s.provider, s.model, sum(s.conversations), sum(s.messages), sum(s.rated),
    sum(s.completed), sum(s.feedbacks), sum(s.score_sum), sum(s.score_squares),
    array[sum(s.scores[1]), sum(s.scores[2]), sum(s.scores[3]), sum(s.scores[4]), sum(s.scores[5]), sum(s.scores[6])]::bigint[]
  from unnest(p_org, p_day) as d(org, day) cross join generate_series(0, 3) as kinds(kind)
  join public.ai_conversation_days s on s.organization_id = d.org and s.kind = kinds.kind and s.day = d.day
  group by 1, 2, 3, 6, 7
  order by 1, 2, 3;
end $$;

-- Who was active in the months of these days, and since when. A month in which somebody began on one of them (it was stored
-- before) is computed anew; to the others these days are added.
create or replace function hub.fill_user_months_v1(p_org uuid[], p_day date[]) returns void
language plpgsql set search_path = '' set jit = off set plan_cache_mode = force_custom_plan as $$
declare
  v_org uuid[]; v_month date[];
begin
  select array_agg(x.org), array_agg(x.month) into v_org, v_month
  from (select distinct d.org, date_trunc('month', d.day::timestamp)::date as month from unnest(p_org, p_day) as d(org, day)
    where exists (select from hub.user_months m where m.organization_id = d.org and m.month = date_trunc('month', d.day::timestamp)::date
      and m.first_day = d.day)) x;
  delete from hub.user_months m using unnest(v_org, v_month) as x(org, month) where m.organization_id = x.org and m.month = x.month;
  insert into hub.user_months as m (organization_id, month, user_id, first_day)
  select u.organization_id, x.month, u.user_id, min(u.day)
  from (
    select d.org, date_trunc('month', d.day::timestamp)::date as month, d.day as first, d.day + 1 as last from unnest(p_org, p_day) as d(org, day)
    union all
    select d.org, d.month, d.month, (d.month + interval '1 month')::date from unnest(v_org, v_month) as d(org, month)
  ) x
  join public.ai_user_days u on u.organization_id = x.org and u.day >= x.first and u.day < x.last
  where u.user_id <> '00000000-0000-0000-0000-000000000000' and (u.calls > 0 or u.conversations > 0)
  group by 1, 2, 3
  on conflict (organization_id, month, user_id) do update set first_day = excluded.first_day where m.first_day > excluded.first_day;
end $$;

-- The sums of all organizations, of days that hold of every one.
create or replace function hub.add_up_days_v1(p_day date[]) returns void
language plpgsql set search_path = '' set jit = off set plan_cache_mode = force_custom_plan as $$
declare
  v_all uuid := '00000000-0000-0000-0000-000000000000';
begin
  delete from public.ai_usage_days t where t.organization_id = v_all and t.day = any (p_day);
  delete from hub.usage_sum_days t where t.organization_id = v_all and t.detail between 0 and 1 and t.day = any (p_day);
  delete from public.ai_conversation_days t where t.organization_id = v_all and t.kind between 0 and 7 and t.day = any (p_day);
  insert into public.ai_usage_days (organization_id, day, provider, model, module, source, endpoint, calls, errors, unpriced, estimated,
    input_tokens, cached_input_tokens, output_tokens, reasoning_tokens, total_tokens, cost, price, latency_buckets, latency_counts)
  select q.*, coalesce(h.buckets, '{}'), coalesce(h.counts, '{}') from (
    select v_all, s.day, s.provider, s.model, s.module, s.source, s.endpoint, sum(s.calls), sum(s.errors), sum(s.unpriced), sum(s.estimated),
      sum(s.input_tokens), sum(s.cached_input_tokens), sum(s.output_tokens), sum(s.reasoning_tokens), sum(s.total_tokens), sum(s.cost), sum(s.price)
    from public.ai_organizations o join public.ai_usage_days s on s.organization_id = o.id and s.day = any (p_day)
    group by 2, 3, 4, 5, 6, 7
  ) q left join (
    select b.day, b.provider, b.model, b.module, b.source, b.endpoint,
      array_agg(b.bucket order by b.bucket) as buckets, array_agg(b.n::bigint order by b.bucket) as counts
    from (
      select x.day, x.provider, x.model, x.module, x.source, x.endpoint, x.bucket, sum(x.n) as n from (
        select s.day, s.provider, s.model, s.module, s.source, s.endpoint, unnest(s.latency_buckets) as bucket, unnest(s.latency_counts) as n
        from public.ai_organizations o join public.ai_usage_days s on s.organization_id = o.id and s.day = any (p_day)) x
      group by 1, 2, 3, 4, 5, 6, 7
    ) b group by 1, 2, 3, 4, 5, 6
  ) h using (day, provider, model, module, source, endpoint);
  insert into public.ai_conversation_days (organization_id, kind, day, module, source, provider, model, conversations, messages, rated,
    completed, feedbacks, score_sum, score_squares, scores)
  select v_all, s.kind, s.day, s.module, s.source, s.provider, s.model, sum(s.conversations), sum(s.messages), sum(s.rated),
    sum(s.completed), sum(s.feedbacks), sum(s.score_sum), sum(s.score_squares),
    array[sum(s.scores[1]), sum(s.scores[2]), sum(s.scores[3]), sum(s.scores[4]), sum(s.scores[5]), sum(s.scores[6])]::bigint[]
  from public.ai_organizations o join public.ai_conversation_days s on s.organization_id = o.id and s.kind between 0 and 3 and s.day = any (p_day)
  group by 2, 3, 4, 5, 6, 7;
  perform hub.fill_sum_days_v1(array_fill(v_all, array[cardinality(p_day)]), p_day);
end $$;

-- Days that are over, from their slots (people from raw). Returns how many; 0 also while somebody else is at it.
create or replace function hub.settle_days_v1(p_most integer default 500) returns integer
language plpgsql set search_path = '' set jit = off set work_mem = '64MB' set plan_cache_mode = force_custom_plan as $$
declare
  v_org uuid[]; v_day date[]; v_from timestamptz[]; v_to timestamptz[];
begin
  if not pg_try_advisory_xact_lock(hashtextextended('hub.rollups', 0)) then
    return 0;
  end if;
  select array_agg(d.organization_id), array_agg(d.day), array_agg(d.starts), array_agg(d.ends) into v_org, v_day, v_from, v_to
  from (select * from hub.rollup_days d where d.ends <= now() order by d.ends, d.organization_id limit p_most) d;
  if v_org is null then
    return 0;
  end if;
  delete from public.ai_usage_days t using unnest(v_org, v_day) as d(org, day) where t.organization_id = d.org and t.day = d.day;
  delete from hub.usage_sum_days t using unnest(v_org, v_day) as d(org, day), unnest(array[0, 1]) as details(detail)
  where t.organization_id = d.org and t.detail = details.detail and t.day = d.day;
  delete from public.ai_conversation_days t using unnest(v_org, v_day) as d(org, day), generate_series(0, 7) as kinds(kind)
  where t.organization_id = d.org and t.kind = kinds.kind and t.day = d.day;
  delete from public.ai_user_days t using unnest(v_org, v_day) as d(org, day) where t.organization_id = d.org and t.day = d.day;
  delete from public.ai_user_intents t using unnest(v_org, v_day) as d(org, day) where t.organization_id = d.org and t.day = d.day;

  insert into public.ai_usage_days (organization_id, day, provider, model, module, source, endpoint, calls, errors, unpriced, estimated,
    input_tokens, cached_input_tokens, output_tokens, reasoning_tokens, total_tokens, cost, price, latency_buckets, latency_counts)
  select q.*, coalesce(h.buckets, '{}'), coalesce(h.counts, '{}') from (
    select s.organization_id, d.day, s.provider, s.model, s.module, s.source, s.endpoint, sum(s.calls), sum(s.errors), sum(s.unpriced),
      sum(s.estimated), sum(s.input_tokens), sum(s.cached_input_tokens), sum(s.output_tokens), sum(s.reasoning_tokens),
      sum(s.total_tokens), sum(s.cost), sum(s.price)
    from unnest(v_org, v_day, v_from, v_to) as d(org, day, a, b)
    join public.ai_usage_slots s on s.organization_id = d.org and s.slot >= d.a and s.slot < d.b
    group by 1, 2, 3, 4, 5, 6, 7
  ) q left join (
    select b.organization_id, b.day, b.provider, b.model, b.module, b.source, b.endpoint,
      array_agg(b.bucket order by b.bucket) as buckets, array_agg(b.n::bigint order by b.bucket) as counts
    from (
      select x.organization_id, x.day, x.provider, x.model, x.module, x.source, x.endpoint, x.bucket, sum(x.n) as n from (
        select s.organization_id, d.day, s.provider, s.model, s.module, s.source, s.endpoint,
          unnest(s.latency_buckets) as bucket, unnest(s.latency_counts) as n
        from unnest(v_org, v_day, v_from, v_to) as d(org, day, a, b)
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
  from unnest(v_org, v_day, v_from, v_to) as d(org, day, a, b) cross join unnest(array[0, 1, 2, 3]) as kinds(kind)
  join public.ai_conversation_slots s on s.organization_id = d.org and s.kind = kinds.kind and s.slot >= d.a and s.slot < d.b
  group by 1, 2, 3, 4, 5, 6, 7
  order by 1, 2, 3;

  insert into public.ai_user_days (organization_id, day, user_id, module, calls, errors, unpriced, estimated, input_tokens, cached_input_tokens,
    output_tokens, reasoning_tokens, total_tokens, cost, price, latency_buckets, latency_counts, conversations, messages, feedbacks, score_sum)
  select * from hub.user_days_v1(v_org, v_day, v_from, v_to) order by 1, 2, 3;
  insert into public.ai_user_intents (organization_id, day, user_id, intent, conversations)
  select * from hub.user_intents_v1(v_org, v_day, v_from, v_to) order by 1, 2, 3;
  perform hub.fill_sum_days_v1(v_org, v_day);
  perform hub.fill_user_months_v1(v_org, v_day);

  delete from hub.rollup_days t using unnest(v_org, v_day) as d(org, day) where t.organization_id = d.org and t.day = d.day;
  perform hub.add_up_days_v1(array(select distinct x.day from unnest(v_day) x(day)
    where not exists (select from hub.rollup_days r where r.day = x.day)));
  return cardinality(v_org);
end $$;

-- All of a time again from raw: done by the next ticks, a piece at a time, also after a restart in between.
create or replace function hub.rebuild_rollups_v1(p_from timestamptz default '-infinity', p_to timestamptz default 'infinity') returns void
language sql set search_path = '' as $$
  update hub.rollup_state s set
    rebuild_from = least(s.rebuild_from, case when isfinite(p_from) then hub.slot_of(p_from) else p_from end),
    -- the slot of the last moment goes whole
    rebuild_to = greatest(s.rebuild_to, case when isfinite(p_to) then hub.slot_of(p_to + interval '15 minutes' - interval '1 microsecond') else p_to end)
$$;
