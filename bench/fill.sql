-- Filled in by bulk.py (str.format); statements are separated by lines of two semicolons.
-- Organization k has a share of 1/k; conversations have ten messages, one in 500 has fifty.
-- No idle rules: the upkeep would move a hundred thousand old conversations while we measure.
select hub.ensure_partitions(now() - interval '{months} months', now() + interval '1 month')
;;
insert into public.ai_organizations (external_id, name, retention_days, idle_pause_seconds,
  idle_complete_seconds, idle_archive_seconds)
select 'zipf-' || k, 'Organization ' || k, null, 0, 0, 0 from generate_series(1, {orgs}) k
on conflict (external_id) do update
  set idle_pause_seconds = 0, idle_complete_seconds = 0, idle_archive_seconds = 0
;;
create unlogged table public.bench_plan as
with shares as (
  select o.id as org, k, sum(1.0 / k) over (order by k) / sum(1.0 / k) over () as upto
  from generate_series(1, {orgs}) k join public.ai_organizations o on o.external_id = 'zipf-' || k
), drawn as materialized (
  select n, random() as r, now() - interval '5 minutes' - random() * interval '1 month' * {back} as at
  from generate_series(1, {conversations}) n
)
select d.n, s.org, s.k, hub.uuid7(d.at) as id, (random() * 2000 / s.k)::integer as person,
  case when d.n % 500 = 0 then 50 else 10 end as messages
from drawn d join lateral (select * from shares s where s.upto >= d.r order by s.upto limit 1) s on true
;;
insert into public.ai_users (organization_id, external_id)
select distinct org, 'user-' || person from public.bench_plan on conflict do nothing
;;
insert into public.ai_conversations (id, created_at, organization_id, user_id, status, source, module,
  intent_chain, models, metadata, message_count, total_tokens, total_cost, total_price, started_at,
  last_activity_at)
select p.id, hub.uuid7_time(p.id), p.org, u.id,
  (array['active', 'paused', 'completed', 'completed', 'completed', 'archived'])[1 + p.n % 6],
  (array['web', 'mobile', 'api'])[1 + p.n % 3],
  (array['billing', 'support', 'sales', 'onboarding'])[1 + p.n % 4], array['greeting', 'question'],
  array['gpt-4o-mini'], '{{"locale": "de-DE", "app": "web-4.2"}}', p.messages, p.messages * 300,
  p.messages * 0.000123, p.messages * 0.000123, hub.uuid7_time(p.id),
  hub.uuid7_time(p.id) + interval '4 minutes'
from public.bench_plan p
join public.ai_users u on u.organization_id = p.org and u.external_id = 'user-' || p.person
order by p.id
;;
insert into public.ai_messages (conversation_id, conversation_created_at, organization_id, seq, id, role,
  content, model, provider, usage, tokens, cost, price, cost_status, latency_ms, created_at)
select p.id, hub.uuid7_time(p.id), p.org, s.seq, hub.uuid7(hub.uuid7_time(p.id) + s.seq * interval '3 s'),
  case when s.seq % 2 = 1 then 'user' else 'assistant' end,
  repeat('an answer of the usual length, ', 20 + s.seq % 11),
  case when s.seq % 2 = 0 then 'gpt-4o-mini' end, case when s.seq % 2 = 0 then 'openai' end,
  case when s.seq % 2 = 0 then '{{"input": 400, "output": 200}}'::jsonb end,
  case when s.seq % 2 = 0 then 600 else 0 end, case when s.seq % 2 = 0 then 0.000246 end,
  case when s.seq % 2 = 0 then 0.000246 end, case when s.seq % 2 = 0 then 'priced' end,
  case when s.seq % 2 = 0 then 900 end, hub.uuid7_time(p.id) + s.seq * interval '3 s'
from (select * from public.bench_plan order by id) p cross join lateral generate_series(1, p.messages) s(seq)
;;
select count(*) from public.ai_messages
