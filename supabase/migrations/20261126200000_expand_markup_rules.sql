set lock_timeout = '5s';

-- Markup rules: what the operator charges on top of a provider's cost. Append-only: a version is never edited, only its
-- valid_to is brought forward when a newer version (or a closing one) takes over.

-- One row. Writers of rules take turns by updating it, and every process sees by its number that its rules are stale.
create table if not exists hub.markup_state (
  only_row boolean primary key default true check (only_row),
  revision bigint not null default 0
);
insert into hub.markup_state default values on conflict do nothing;

create table if not exists hub.markup_rules (
  id uuid primary key,
  sequence bigint generated always as identity unique,
  rule_key text not null check (rule_key ~ '^[a-z0-9][a-z0-9._-]{0,99}$'),
  version integer not null check (version > 0),
  organization_id uuid,
  plan text,
  module text,
  provider text,
  model text,
  priority integer not null default 0,
  percentage numeric(10, 4) check (percentage >= -100),
  fixed_per_request numeric(38, 18) check (fixed_per_request >= 0),
  per_million jsonb,
  minimum_per_request numeric(38, 18) check (minimum_per_request >= 0),
  cap_per_request numeric(38, 18) check (cap_per_request >= 0),
  tiers jsonb,
  included jsonb,
  period_minimum numeric(38, 18) check (period_minimum >= 0),
  period_cap numeric(38, 18) check (period_cap >= 0),
  valid_from timestamptz not null,
  valid_to timestamptz,
  is_closing boolean not null default false,
  is_backdated boolean not null default false,
  created_at timestamptz not null default now(),
  created_by text not null default '',
  note text not null default '',
  constraint markup_rules_version_key unique (rule_key, version),
  constraint markup_rules_scope_check check (organization_id is null or plan is null),
  constraint markup_rules_time_check check (valid_to >= valid_from)
);
create index if not exists markup_rules_created_idx on hub.markup_rules (created_at desc, id desc);
create index if not exists markup_rules_organization_idx on hub.markup_rules (organization_id, created_at desc, id desc);
comment on table hub.markup_rules is 'no foreign key: what a call was charged by stays explained when its organization is gone';
comment on column hub.markup_rules.organization_id is 'null: for a plan, or by default';
comment on column hub.markup_rules.sequence is 'grows with every version: of two rules that fit equally well the newer wins';
comment on column hub.markup_rules.is_closing is 'ends the rule, prices nothing';

create or replace function hub.keep_markup_rules() returns trigger
language plpgsql set search_path = '' as $$
begin
  if tg_op = 'DELETE' then
    raise exception 'markup rules are never deleted: write a closing version' using errcode = '23001';
  end if;
  if to_jsonb(new) - 'valid_to' <> to_jsonb(old) - 'valid_to'
    or coalesce(new.valid_to, 'infinity') > coalesce(old.valid_to, 'infinity') then
    raise exception 'markup rules are never edited: write a new version' using errcode = '23001';
  end if;
  return new;
end $$;
revoke all on function hub.keep_markup_rules() from public;
create or replace /* its name has no schema */ trigger keep_markup_rules before update or delete on hub.markup_rules
  for each row execute function hub.keep_markup_rules();

alter table hub.markup_state enable row level security;
alter table hub.markup_rules enable row level security;
