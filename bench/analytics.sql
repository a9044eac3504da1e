-- Filled in by analytics.py (str.format); statements are separated by lines of two semicolons.
-- 30 days of organizations by Zipf (a share of 1/k^0.8): conversations of ten messages, of which
-- five have a call, and {lone} calls beside them. No idle rules: the upkeep would move what we measure.
-- Their zone is one where the day is nearly over: today, which is read from slots, is at its longest.
select hub.ensure_partitions(now() - interval '2 months', now() + interval '1 month')
;;
insert into public.ai_organizations (external_id, name, timezone, retention_days, idle_pause_seconds,
  idle_complete_seconds, idle_archive_seconds)
select 'slots-' || k, 'Organization ' || k, '{zone}', null, 0, 0, 0 from generate_series(1, {orgs}) k
on conflict (external_id) do nothing
;;
create unlogged table public.bench_slots as
with shares as (
  select array_agg(o.id order by k) as orgs, array_agg(upto order by k) as upto from (
    select k, (sum(k ^ -0.8::float8) over (order by k) / sum(k ^ -0.8::float8) over ())::float8 as upto
    from generate_series(1, {orgs}) k) x
  join public.ai_organizations o on o.external_id = 'slots-' || k
), drawn as materialized (
  select n, random() as r, now() - interval '20 minutes' - random() * interval '30 days' as at
  from generate_series(1, {conversations} + {lone}) n
), placed as (
  select d.n, d.at, s.orgs, least(width_bucket(d.r, s.upto) + 1, {orgs}) as k from drawn d cross join shares s
)
select n, orgs[k] as org, k, hub.uuid7(at) as id, (random() * 2000 / k ^ 0.8::float8)::integer as person
from placed order by at
;;
insert into public.ai_users (organization_id, external_id)
select distinct org, 'user-' || person from public.bench_slots on conflict do nothing
;;
insert into public.ai_conversations (id, created_at, organization_id, user_id, status, source, module,
  intent_chain, models, message_count, total_tokens, total_cost, total_price, started_at, last_activity_at)
select p.id, hub.uuid7_time(p.id), p.org, u.id,
  -- as the idle rules would have left them
  case when hub.uuid7_time(p.id) > now() - interval '1 day' then 'paused' when p.n % 6 = 0 then 'archived' else 'completed' end,
  (array['web', 'mobile', 'api'])[1 + p.n % 3], (array['billing', 'support', 'sales', 'onboarding'])[1 + p.n % 4],
  array['greeting', 'question'], array['gpt-4o-mini'], 10, 3000, 0.00123, 0.00123, hub.uuid7_time(p.id),
  hub.uuid7_time(p.id) + interval '4 minutes'
from public.bench_slots p
join public.ai_users u on u.organization_id = p.org and u.external_id = 'user-' || p.person
where p.n <= {conversations}
;;
insert into public.ai_messages (conversation_id, conversation_created_at, organization_id, seq, id, role,
  content, model, provider, tokens, cost, price, cost_status, latency_ms, created_at)
select p.id, hub.uuid7_time(p.id), p.org, s.seq, hub.uuid7(hub.uuid7_time(p.id) + s.seq * interval '20 s'),
  case when s.seq % 2 = 1 then 'user' else 'assistant' end, 'an answer, shortened', null, null, 0, null, null, null, null,
  hub.uuid7_time(p.id) + s.seq * interval '20 s'
from public.bench_slots p cross join lateral generate_series(1, 10) s(seq)
where p.n <= {conversations}
;;
insert into public.ai_calls (id, occurred_at, organization_id, conversation_id, message_id, user_id, module, source,
  provider, model, api, input_tokens, output_tokens, total_tokens, cost, price, cost_status, price_book_version,
  latency_ms, error)
select m.id, m.created_at, c.organization_id, c.id, m.id, c.user_id, c.module, c.source,
  x.names[1], x.names[2], 'chat.completions', 400, 200, 600, 0.000246, 0.000295200000000001, 'priced', '1',
  (50 + 900 * exp(2 * random()))::integer, case when random() < 0.01 then 'timeout' end
from public.ai_conversations c
join public.ai_messages m on m.conversation_id = c.id and m.conversation_created_at = c.created_at and m.seq % 2 = 0
cross join lateral (select (array[array['openai', 'gpt-4o-mini'], array['openai', 'gpt-4o'],
  array['anthropic', 'claude-sonnet-4']])[1 + abs(hashtext(c.id::text)) % 3 : 1 + abs(hashtext(c.id::text)) % 3] as pair) y
cross join lateral (select array[y.pair[1][1], y.pair[1][2]] as names) x
;;
insert into public.ai_calls (id, occurred_at, organization_id, module, source, provider, model, api, input_tokens,
  total_tokens, cost, price, cost_status, price_book_version, latency_ms)
select p.id, hub.uuid7_time(p.id), p.org, 'search', null, 'openai', 'text-embedding-3-small', 'embeddings', 300, 300,
  0.000006, 0.000006, 'priced', '1', (20 + 60 * exp(random()))::integer
from public.bench_slots p where p.n > {conversations}
;;
insert into public.ai_feedback (conversation_id, conversation_created_at, organization_id, id, score, created_at)
select c.id, c.created_at, c.organization_id, hub.uuid7(c.created_at + interval '5 minutes'), floor(random() * 6), c.created_at + interval '5 minutes'
from public.ai_conversations c join public.bench_slots p on p.id = c.id where p.n % 4 = 0
;;
select count(*) from public.ai_calls
