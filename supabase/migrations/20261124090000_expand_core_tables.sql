set lock_timeout = '5s';

-- Core tables. Written for PostgreSQL 15 to 18, run by a non-superuser, needs no extension.
-- What callers may see lives in public.ai_*, everything internal in schema hub, partitions in hub_part.

create schema if not exists hub;
create schema if not exists hub_part;
revoke all on schema hub, hub_part from public;

-- ---------- UUIDv7: the id carries the millisecond that decides the partition ----------
create or replace function hub.uuid7_time(id uuid) returns timestamptz
language sql immutable strict parallel safe
as $$ select to_timestamp((('x0000' || translate(left(id::text, 13), '-', ''))::bit(64)::bigint) / 1000.0::float8) $$;

create or replace function hub.uuid7(ts timestamptz default clock_timestamp()) returns uuid
language sql volatile parallel safe
as $$ select (lpad(to_hex(floor(extract(epoch from ts) * 1000)::bigint), 12, '0')
              || '7' || substr(r, 14, 3) || substr(r, 17, 16))::uuid
      from (select replace(gen_random_uuid()::text, '-', '') as r) x $$;

-- ---------- tenants ----------
create table if not exists public.ai_organizations (
  id uuid primary key default gen_random_uuid(),
  external_id text not null unique check (length(external_id) between 1 and 255),
  name text not null check (length(name) between 1 and 255),
  plan text not null default 'free' check (plan in ('free', 'pro', 'business', 'enterprise', 'paid')),
  timezone text not null default 'UTC',
  retention_days integer default 90 check (retention_days is null or retention_days > 0),
  idle_pause_seconds integer not null default 1800 check (idle_pause_seconds >= 0),
  idle_complete_seconds integer not null default 86400 check (idle_complete_seconds >= 0),
  idle_archive_seconds integer not null default 2592000 check (idle_archive_seconds >= 0),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on column public.ai_organizations.external_id is 'the caller''s own id, given back as it came';
comment on column public.ai_organizations.retention_days is 'null: kept without limit';
comment on column public.ai_organizations.idle_pause_seconds is '0: never';
create index if not exists ai_organizations_created_idx on public.ai_organizations (created_at desc, id desc);

-- The only place that holds the caller's form of a user id: erasing it here leaves the rest pseudonymous.
create table if not exists public.ai_users (
  organization_id uuid not null,
  id uuid not null default gen_random_uuid(),
  external_id text check (length(external_id) between 1 and 255),
  created_at timestamptz not null default now(),
  primary key (organization_id, id),
  constraint ai_users_external_id_key unique (organization_id, external_id)
);
create index if not exists ai_users_org_time_idx on public.ai_users (organization_id, created_at desc, id desc);

create table if not exists public.ai_members (
  organization_id uuid not null references public.ai_organizations on delete cascade,
  account_id uuid not null,
  role text not null default 'member' check (role in ('owner', 'admin', 'analyst', 'member', 'viewer', 'billing')),
  created_at timestamptz not null default now(),
  primary key (organization_id, account_id)
);
create index if not exists ai_members_account_idx on public.ai_members (account_id, organization_id);
comment on column public.ai_members.account_id is 'hub.accounts.id, or auth.uid() of a Supabase user';

create table if not exists hub.accounts (
  id uuid primary key default gen_random_uuid(),
  email text not null unique check (email = lower(email)),
  name text not null default '',
  password_hash text,
  is_operator boolean not null default false,
  failed_sign_ins integer not null default 0,
  locked_until timestamptz,
  created_at timestamptz not null default now(),
  disabled_at timestamptz
);

create table if not exists hub.sessions (
  token_hash bytea primary key,
  account_id uuid not null,
  email text not null,
  is_operator boolean not null default false,
  organization_id uuid,
  claimed_role text,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null
);
create index if not exists sessions_account_idx on hub.sessions (account_id);
comment on column hub.sessions.organization_id is 'the organization on view; membership is checked at each use';
comment on column hub.sessions.claimed_role is 'role in organization_id by a signed token''s claim, for somebody who is no member there';

create table if not exists hub.sign_in_links (
  token_hash bytea primary key,
  account_id uuid not null,
  expires_at timestamptz not null
);
comment on table hub.sign_in_links is 'links that sign in once (printed by the demo and the command line)';

create table if not exists hub.api_keys (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid references public.ai_organizations on delete cascade,
  name text not null default '',
  prefix text not null,
  key_hash bytea not null unique,
  scopes text[] not null,
  created_by text not null default '',
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  revoked_at timestamptz,
  last_used_at timestamptz
);
create index if not exists api_keys_organization_idx on hub.api_keys (organization_id, created_at desc, id desc);
comment on column hub.api_keys.organization_id is 'null: an operator''s key, acts for any organization';

create table if not exists hub.idempotency_keys (
  organization_id uuid not null,
  key_hash bytea not null,
  request_hash bytea not null,
  status smallint,
  answer bytea,
  conversation_ids uuid[] not null default '{}',
  created_at timestamptz not null default now(),
  primary key (organization_id, key_hash)
);
create index if not exists idempotency_keys_created_idx on hub.idempotency_keys using brin (created_at);
create index if not exists idempotency_keys_conversations_idx on hub.idempotency_keys using gin (conversation_ids);
comment on column hub.idempotency_keys.conversation_ids is 'whose erasure takes the answer along';
comment on column hub.idempotency_keys.answer is 'encrypted with a key derived from the caller''s Idempotency-Key, which is not stored';

-- ---------- conversations ----------
create table if not exists public.ai_conversations (
  id uuid not null,
  created_at timestamptz not null,
  organization_id uuid not null,
  user_id uuid,
  key text,
  status text not null default 'active' check (status in ('active', 'paused', 'completed', 'archived')),
  source text not null default 'api' check (source in ('web', 'mobile', 'api')),
  module text,
  intent_chain text[] not null default '{}',
  models text[] not null default '{}',
  metadata jsonb not null default '{}',
  summary text,
  sentiment text check (sentiment in ('negative', 'neutral', 'positive')),
  satisfaction_score numeric(3, 2) check (satisfaction_score between 0 and 5),
  message_count integer not null default 0,
  total_tokens bigint not null default 0,
  total_cost numeric(38, 18) not null default 0,
  total_price numeric(38, 18) not null default 0,
  unpriced_calls integer not null default 0,
  error_count integer not null default 0,
  started_at timestamptz not null,
  ended_at timestamptz,
  last_activity_at timestamptz not null,
  updated_at timestamptz not null default now(),
  -- created_at second: with (id, organization_id, created_at) PostgreSQL 18 skip-scans
  primary key (id, created_at, organization_id),
  constraint ai_conversations_time_check check (created_at = hub.uuid7_time(id))
) partition by range (created_at);
create index if not exists ai_conversations_org_time_idx on public.ai_conversations (organization_id, created_at desc, id desc);
create index if not exists ai_conversations_org_user_idx on public.ai_conversations (organization_id, user_id, created_at desc);
create index if not exists ai_conversations_open_idx on public.ai_conversations (organization_id, created_at) where status in ('active', 'paused');
create index if not exists ai_conversations_completed_idx on public.ai_conversations (organization_id, created_at) where status = 'completed';

-- A unique key cannot span partitions, so the caller's session keys have a table of their own.
create table if not exists hub.conversation_keys (
  organization_id uuid not null,
  key text not null check (length(key) between 1 and 255),
  conversation_id uuid not null,
  primary key (organization_id, key)
);

-- Messages are partitioned by their conversation's time: reads touch one partition, a month leaves whole.
-- No foreign key between partitioned tables (12 times slower inserts): hub.add_messages_v1 locks the parent.
create table if not exists public.ai_messages (
  conversation_id uuid not null,
  conversation_created_at timestamptz not null,
  organization_id uuid not null,
  seq integer not null check (seq > 0),
  id uuid not null,
  role text not null check (role in ('system', 'user', 'assistant', 'tool')),
  content text not null,
  parts jsonb,
  tool_calls jsonb,
  model text,
  provider text,
  usage jsonb,
  tokens bigint not null default 0 check (tokens >= 0),
  cost numeric(38, 18),
  price numeric(38, 18),
  cost_status text check (cost_status in ('priced', 'free', 'estimated', 'unpriced')),
  cost_note text,
  latency_ms integer check (latency_ms >= 0),
  error text,
  intent text,
  sentiment text check (sentiment in ('negative', 'neutral', 'positive')),
  metadata jsonb not null default '{}',
  created_at timestamptz not null,
  primary key (conversation_id, seq, conversation_created_at, organization_id),
  constraint ai_messages_id_key unique (conversation_id, id, conversation_created_at, organization_id)
) partition by range (conversation_created_at);

-- Model calls: the unit that is metered, priced and billed. A message's call has the message's id.
create table if not exists public.ai_calls (
  id uuid not null,
  occurred_at timestamptz not null,
  organization_id uuid not null,
  conversation_id uuid,
  message_id uuid,
  user_id uuid,
  module text,
  source text,
  provider text,
  model text,
  api text,
  input_tokens bigint not null default 0 check (input_tokens >= 0),
  cached_input_tokens bigint not null default 0 check (cached_input_tokens >= 0),
  output_tokens bigint not null default 0 check (output_tokens >= 0),
  reasoning_tokens bigint not null default 0 check (reasoning_tokens >= 0),
  total_tokens bigint not null default 0 check (total_tokens >= 0),
  quantities jsonb,
  usage jsonb,
  usage_source text check (usage_source in ('provider', 'estimated')),
  context jsonb not null default '{}',
  cost numeric(38, 18),
  price numeric(38, 18),
  cost_status text not null check (cost_status in ('priced', 'free', 'estimated', 'unpriced')),
  cost_note text,
  cost_lines jsonb not null default '[]',
  price_book_version text not null,
  latency_ms integer check (latency_ms >= 0),
  error text,
  created_at timestamptz not null default clock_timestamp(),
  ingest_xid xid8 not null default pg_current_xact_id(),
  primary key (id, occurred_at, organization_id),
  constraint ai_calls_unpriced_check check ((cost_status = 'unpriced') = (cost is null))
) partition by range (occurred_at);
create index if not exists ai_calls_org_time_idx on public.ai_calls (organization_id, occurred_at desc, id desc);
create index if not exists ai_calls_conversation_idx on public.ai_calls (conversation_id, occurred_at) where conversation_id is not null;
comment on column public.ai_calls.quantities is 'normalised usage, from which cost is computed';
comment on column public.ai_calls.usage is 'the provider''s usage object as it came';
comment on column public.ai_calls.ingest_xid is 'transaction that stored the row: what rollups have not seen yet';

create table if not exists public.ai_transitions (
  conversation_id uuid not null,
  conversation_created_at timestamptz not null,
  organization_id uuid not null,
  id uuid not null,
  from_status text not null,
  to_status text not null,
  actor text not null,
  reason text,
  at timestamptz not null,
  primary key (conversation_id, id, conversation_created_at, organization_id)
) partition by range (conversation_created_at);

create table if not exists public.ai_feedback (
  conversation_id uuid not null,
  conversation_created_at timestamptz not null,
  organization_id uuid not null,
  id uuid not null,
  message_id uuid,
  score numeric(3, 2) not null check (score between 0 and 5),
  comment text,
  created_at timestamptz not null default clock_timestamp(),
  primary key (conversation_id, id, conversation_created_at, organization_id)
) partition by range (conversation_created_at);

-- ---------- partitions ----------
create or replace function hub.ensure_partitions(
  p_from timestamptz default now() - interval '1 month',
  p_to timestamptz default now() + interval '3 months')
returns integer language plpgsql security definer
-- the bounds are written as text: abbreviated time zones of another datestyle would be misread
set search_path = '' set timezone = 'UTC' set datestyle = 'ISO, YMD' as $$
declare
  parents constant text[] := array['ai_conversations', 'ai_messages', 'ai_calls', 'ai_transitions', 'ai_feedback'];
  m timestamp := date_trunc('month', p_from at time zone 'UTC');
  n integer := 0;
  t text;
  part text;
begin
  if not (isfinite(p_from) and isfinite(p_to)) then
    raise exception 'ensure_partitions needs finite times, not % to %', p_from, p_to using errcode = '22008';
  end if;
  -- transaction-scoped: safe behind a transaction pooler
  perform pg_advisory_xact_lock(hashtextextended('hub.ensure_partitions', 0));
  while m <= (p_to at time zone 'UTC') loop
    foreach t in array parents loop
      part := format('%s_%s', t, to_char(m, 'YYYYMM'));
      if to_regclass(format('hub_part.%I', part)) is null then
        -- LIKE + ATTACH takes SHARE UPDATE EXCLUSIVE on the parent; PARTITION OF would block behind any reader
        execute format('create table hub_part.%I (like public.%I including all)', part, t);
        -- row level security of the parent does not reach a partition that is named directly
        execute format('alter table hub_part.%I enable row level security', part);
        if t = 'ai_conversations' then
          execute format('alter table hub_part.%I set (fillfactor = 85)', part);
        end if;
        execute format('alter table public.%I attach partition hub_part.%I for values from (%L) to (%L)',
          t, part, m at time zone 'UTC', (m + interval '1 month') at time zone 'UTC');
        n := n + 1;
      end if;
    end loop;
    m := m + interval '1 month';
  end loop;
  return n;
end $$;
revoke all on function hub.ensure_partitions(timestamptz, timestamptz) from public;

select hub.ensure_partitions();
