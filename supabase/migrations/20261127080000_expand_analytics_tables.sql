set lock_timeout = '5s';

-- Rollups: what dashboards and reports read. Each row is computed whole from raw rows, again and again where raw rows
-- were touched (docs/decisions/0011-rollups.md). Text keys are '' where raw has null.

-- ---------- which raw rows a rollup has not seen yet ----------
-- ai_calls has it from the start. Entries of one group of writes share a transaction, so that these indexes grow at
-- their right edge alone and hold each transaction once.
alter table public.ai_conversations add column if not exists ingest_xid xid8 not null default pg_current_xact_id();
alter table public.ai_messages add column if not exists ingest_xid xid8 not null default pg_current_xact_id();
alter table public.ai_feedback add column if not exists ingest_xid xid8 not null default pg_current_xact_id();
alter table public.ai_transitions add column if not exists ingest_xid xid8 not null default pg_current_xact_id();
create index if not exists ai_calls_xid_idx on public.ai_calls (ingest_xid);
create index if not exists ai_conversations_xid_idx on public.ai_conversations (ingest_xid);
create index if not exists ai_messages_xid_idx on public.ai_messages (ingest_xid);
create index if not exists ai_feedback_xid_idx on public.ai_feedback (ingest_xid);
create index if not exists ai_transitions_xid_idx on public.ai_transitions (ingest_xid) where to_status = 'completed';
create index if not exists ai_feedback_org_time_idx on public.ai_feedback (organization_id, created_at);
create index if not exists ai_transitions_completed_idx on public.ai_transitions (organization_id, at) where to_status = 'completed';

-- ---------- model calls by 15 minutes, and by the days of the organization's own time zone ----------
create table if not exists public.ai_usage_slots (
  organization_id uuid not null,
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
  latency_counts bigint[] not null,
  primary key (organization_id, slot, provider, model, module, source, endpoint)
) with (autovacuum_vacuum_scale_factor = 0.02);
comment on column public.ai_usage_slots.endpoint is 'ai_calls.api';
comment on column public.ai_usage_slots.latency_buckets is 'hub.latency_bucket of each call that has a latency, ascending';

create table if not exists public.ai_usage_days (like public.ai_usage_slots);
alter table public.ai_usage_days drop column if exists slot;
alter table public.ai_usage_days add column if not exists day date not null;
create unique index if not exists ai_usage_days_key on public.ai_usage_days
  (organization_id, day, provider, model, module, source, endpoint);

-- The same without module and source, and of everything together: a fraction of the rows and of the histograms.
create table if not exists hub.usage_sum_days (like public.ai_usage_days);
alter table hub.usage_sum_days drop column if exists module, drop column if exists source;
alter table hub.usage_sum_days add column if not exists detail smallint not null check (detail between 0 and 1);
comment on column hub.usage_sum_days.detail is '1: by provider, model and endpoint; 0: of all of them';
create unique index if not exists usage_sum_days_key on hub.usage_sum_days (organization_id, detail, day, provider, model, endpoint);

-- In these tables of days the zero id has the sums of all organizations, for days that hold of every one.

-- ---------- conversations by when they started, completions and feedback by their own time ----------
create table if not exists public.ai_conversation_slots (
  organization_id uuid not null,
  kind smallint not null check (kind between 0 and 3),
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
  scores bigint[] not null,
  primary key (organization_id, kind, slot, module, source, provider, model)
) with (autovacuum_vacuum_scale_factor = 0.02);
comment on column public.ai_conversation_slots.kind is
  '0: all; 1, 2, 3: conversations again by provider, by provider and model, by model of their calls';
comment on column public.ai_conversation_slots.messages is 'of the conversations that started here';
comment on column public.ai_conversation_slots.rated is 'conversations that started here and have feedback';
comment on column public.ai_conversation_slots.scores is 'feedback by score, 0 to 5, rounded half up';

create table if not exists public.ai_conversation_days (like public.ai_conversation_slots);
alter table public.ai_conversation_days drop column if exists slot;
alter table public.ai_conversation_days add column if not exists day date not null;
create unique index if not exists ai_conversation_days_key on public.ai_conversation_days
  (organization_id, kind, day, module, source, provider, model);
comment on column public.ai_conversation_days.kind is 'as of slots; 4 to 7: the same without module and source';

-- ---------- people by day; the zero id stands for nobody and for who was erased ----------
create table if not exists public.ai_user_days (
  organization_id uuid not null,
  day date not null,
  user_id uuid not null,
  module text not null,
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
  latency_counts bigint[] not null,
  conversations bigint not null,
  messages bigint not null,
  feedbacks bigint not null,
  score_sum numeric not null,
  primary key (organization_id, day, user_id, module)
);
create table if not exists public.ai_user_intents (
  organization_id uuid not null,
  day date not null,
  user_id uuid not null,
  intent text not null,
  conversations bigint not null,
  primary key (organization_id, day, user_id, intent)
);
create table if not exists hub.user_months (
  organization_id uuid not null,
  month date not null,
  user_id uuid not null,
  first_day date not null,
  primary key (organization_id, month, user_id)
);
comment on table hub.user_months is 'the first day of the month on which somebody was active, of the stored days';

-- ---------- what raw rows that are gone had given: anonymous, added whenever rollups are computed ----------
create table if not exists hub.kept_calls (
  organization_id uuid not null,
  slot timestamptz not null,
  user_id uuid,
  provider text not null,
  model text not null,
  module text not null,
  source text not null,
  endpoint text not null,
  bucket smallint,
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
  ingest_xid xid8 not null default pg_current_xact_id()
);
create index if not exists kept_calls_time_idx on hub.kept_calls (organization_id, slot);
create index if not exists kept_calls_xid_idx on hub.kept_calls (ingest_xid);

create table if not exists hub.kept_conversations (
  organization_id uuid not null,
  slot timestamptz not null,
  user_id uuid,
  module text not null,
  source text not null,
  providers text[] not null,
  models text[] not null,
  intents text[] not null,
  messages bigint not null,
  is_rated boolean not null,
  ingest_xid xid8 not null default pg_current_xact_id()
);
comment on table hub.kept_conversations is 'a row each, without its id; providers and models are pairs';
create index if not exists kept_conversations_time_idx on hub.kept_conversations (organization_id, slot);
create index if not exists kept_conversations_xid_idx on hub.kept_conversations (ingest_xid);

create table if not exists hub.kept_moments (
  organization_id uuid not null,
  slot timestamptz not null,
  user_id uuid,
  module text not null,
  source text not null,
  score numeric(3, 2),
  ingest_xid xid8 not null default pg_current_xact_id()
);
comment on table hub.kept_moments is 'a piece of feedback, or a completion where score is null';
create index if not exists kept_moments_time_idx on hub.kept_moments (organization_id, slot);
create index if not exists kept_moments_xid_idx on hub.kept_moments (ingest_xid);

-- ---------- how far the rollups are ----------
create table if not exists hub.rollup_state (
  is_only boolean primary key default true check (is_only),
  next_xid xid8 not null default '0',
  cluster_id bigint,
  ticked_at timestamptz,
  ticked_xid xid8,
  seen pg_snapshot,
  rebuild_from timestamptz,
  rebuild_to timestamptz
);
comment on column hub.rollup_state.next_xid is 'rows of transactions before it are in the rollups';
comment on column hub.rollup_state.seen is 'rows of transactions that it sees are in the rollups, too';
comment on column hub.rollup_state.ticked_xid is 'the transaction of the last step';
comment on column hub.rollup_state.rebuild_from is 'all from here up to rebuild_to is still to be computed again; null: nothing';
insert into hub.rollup_state default values on conflict do nothing;

create table if not exists hub.rollup_days (
  organization_id uuid not null,
  day date not null,
  starts timestamptz not null,
  ends timestamptz not null,
  primary key (organization_id, day)
);
comment on table hub.rollup_days is 'days whose rows by day do not hold: read from slots, and from raw for people';
create index if not exists rollup_days_ends_idx on hub.rollup_days (ends);
create index if not exists rollup_days_day_idx on hub.rollup_days (day);

create table if not exists hub.rollup_zones (
  organization_id uuid primary key,
  timezone text not null
);
comment on table hub.rollup_zones is 'the zone that an organization''s days were cut by';

do $$
declare t text;
begin
  foreach t in array array['ai_usage_slots', 'ai_usage_days', 'ai_conversation_slots', 'ai_conversation_days',
    'ai_user_days', 'ai_user_intents'] loop
    execute format('alter table public.%I enable row level security', t);
    execute format('revoke all on public.%I from public, anon, authenticated, service_role', t);
    execute format('grant select on public.%I to authenticated, service_role', t);
    execute format('drop policy if exists organization_read on public.%I', t);
    execute format('create policy organization_read on public.%I for select to authenticated using (organization_id = any ((select hub.visible_organizations())::uuid[]))', t);
  end loop;
  foreach t in array array['usage_sum_days', 'user_months', 'kept_calls', 'kept_conversations', 'kept_moments', 'rollup_state', 'rollup_days', 'rollup_zones'] loop
    execute format('alter table hub.%I enable row level security', t);
    execute format('revoke all on hub.%I from public', t);
  end loop;
end $$;
