set lock_timeout = '5s';

-- What providers bill, beside which the hub's own costs are put. For operators alone: no policies, so nobody
-- but the hub's own role reads or writes.

create table if not exists hub.provider_accounts (
  id uuid primary key,
  provider text not null check (provider in ('openai', 'anthropic', 'openrouter', 'bedrock', 'google', 'azure')),
  kind text not null check (kind in ('api', 'export')),
  name text not null check (length(name) between 1 and 255),
  base_url text,
  credentials bytea,
  created_at timestamptz not null default now(),
  created_by text not null default '',
  last_fetched_at timestamptz,
  last_error text,
  constraint provider_accounts_credentials_check check ((kind = 'api') = (credentials is not null))
);
create index if not exists provider_accounts_created_idx on hub.provider_accounts (created_at desc, id desc);
comment on column hub.provider_accounts.kind is 'api: fetched with a key; export: bills come as files';
comment on column hub.provider_accounts.credentials is 'AES-GCM, bound to the id; the key is not in the database';

create table if not exists hub.provider_bills (
  id uuid primary key default gen_random_uuid(),
  account_id uuid references hub.provider_accounts on delete set null,
  source text not null,
  provider text not null,
  day date not null,
  model text,
  line text not null,
  kind text not null check (kind in ('usage', 'cost', 'fee', 'elsewhere', 'credit', 'discount', 'tax')),
  component text,
  input_tokens bigint,
  cached_input_tokens bigint,
  cache_write_tokens bigint,
  cache_write_1h_tokens bigint,
  output_tokens bigint,
  requests bigint,
  quantity numeric(38, 18),
  amount numeric(38, 18),
  list_amount numeric(38, 18),
  currency text,
  run_id uuid not null,
  stored_at timestamptz not null default now()
);
create index if not exists provider_bills_day_idx on hub.provider_bills (day, provider);
create index if not exists provider_bills_source_idx on hub.provider_bills (account_id, source, day);
comment on column hub.provider_bills.input_tokens is 'with the cached and the written ones, as in ai_calls; null: the bill does not tell';
comment on column hub.provider_bills.list_amount is 'before discounts; null: the same as amount';
comment on column hub.provider_bills.run_id is 'the fetch or upload that stored it; one of another run replaces the day';

create table if not exists hub.fetch_progress (
  id uuid primary key,
  account_id uuid not null references hub.provider_accounts on delete cascade,
  source text not null,
  window_start date not null,
  window_end date not null,
  page text,
  pages integer not null default 0,
  started_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  finished_at timestamptz,
  constraint fetch_progress_window_check check (window_start < window_end)
);
create index if not exists fetch_progress_account_idx on hub.fetch_progress (account_id, source, window_end);
create unique index if not exists fetch_progress_open_key on hub.fetch_progress (account_id, source) where finished_at is null;
comment on column hub.fetch_progress.window_end is 'the first day after it';
comment on column hub.fetch_progress.page is 'the cursor of the next page, stored together with the rows of the one before';

alter table hub.provider_accounts enable row level security;
alter table hub.provider_bills enable row level security;
alter table hub.fetch_progress enable row level security;
