set lock_timeout = '5s';

-- The price book: rows of all layers. Nothing is edited in place: a change is a new version that adds rows and
-- retires others, so that the book of any version can be put together again.

create table if not exists hub.price_book_versions (
  id bigint primary key check (id > 0),
  created_at timestamptz not null default clock_timestamp(),
  created_by text not null,
  reason text not null,
  release bigint,
  origin text,
  settings jsonb not null default '{}',
  digest text not null
);
comment on column hub.price_book_versions.release is 'number of the prices that came with the hub''s release, where they were taken in';
comment on column hub.price_book_versions.origin is 'package and version of the imported base, where it was taken in';
comment on column hub.price_book_versions.settings is 'calendars, and whose prices stand in for whose';
comment on column hub.price_book_versions.digest is 'sha256 of the digest before and of the change';

create table if not exists hub.prices (
  id uuid primary key,
  layer text not null check (layer in ('base', 'corrections', 'override', 'contract')),
  organization_id uuid references public.ai_organizations on delete cascade,
  provider text not null check (length(provider) between 1 and 255),
  model text not null check (length(model) between 1 and 255),
  names text[] not null default '{}',
  valid_from timestamptz,
  terms jsonb not null,
  added_in bigint not null references hub.price_book_versions,
  removed_in bigint references hub.price_book_versions check (removed_in > added_in),
  constraint prices_contract_check check ((layer = 'contract') = (organization_id is not null))
);
comment on column hub.prices.terms is 'prices, tiers and variants as the data files write them';
comment on column hub.prices.valid_from is 'null: always';
create index if not exists prices_model_idx on hub.prices (provider, model, valid_from) where removed_in is null;
create index if not exists prices_removed_idx on hub.prices (removed_in) where removed_in is not null;

alter table hub.price_book_versions enable row level security;
alter table hub.prices enable row level security;
revoke all on hub.price_book_versions, hub.prices from public;
