set lock_timeout = '5s';

-- Daily reports, kept with every version, and the engagement scores of users.

create table if not exists public.ai_reports (
  id uuid primary key,
  organization_id uuid not null,
  day date not null,
  version integer not null check (version > 0),
  timezone text not null,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  due_at timestamptz not null,
  created_at timestamptz not null default clock_timestamp(),
  reason text not null check (reason in ('daily', 'changed')),
  digest bytea not null,
  content json not null,
  constraint ai_reports_version_key unique (organization_id, day, version),
  constraint ai_reports_day_check check (starts_at < ends_at)
);
create index if not exists ai_reports_list_idx on public.ai_reports (organization_id, starts_at desc, id desc);
create index if not exists ai_reports_created_idx on public.ai_reports (created_at);
comment on column public.ai_reports.starts_at is 'where the day before ended: also when the time zone was changed, nothing is counted twice or left out';
comment on column public.ai_reports.content is 'json, not jsonb: as it was written, money to the last digit';
comment on column public.ai_reports.digest is 'of the content: a day that comes out the same gets no new version';

create table if not exists public.ai_engagement_scores (
  organization_id uuid not null,
  user_id uuid not null,
  day date not null,
  hour timestamptz not null,
  score numeric(5, 2) not null check (score between 0 and 100),
  recency numeric(5, 4) not null check (recency between 0 and 1),
  frequency numeric(5, 4) not null check (frequency between 0 and 1),
  depth numeric(5, 4) not null check (depth between 0 and 1),
  feedback numeric(5, 4) not null check (feedback between 0 and 1),
  conversations bigint not null,
  active_days integer not null,
  primary key (organization_id, user_id, day)
);
create index if not exists ai_engagement_scores_day_idx on public.ai_engagement_scores (organization_id, day, score desc, user_id);
comment on column public.ai_engagement_scores.day is 'the organization''s day that the hour is in; an earlier hour of the same day is replaced';
comment on column public.ai_engagement_scores.user_id is 'pseudonymous: the caller''s form stands in ai_users alone';

create table if not exists hub.report_progress (
  is_only boolean primary key default true check (is_only),
  next_xid xid8 not null default '0',
  last_xid xid8 not null default '0',
  updated_at timestamptz not null default now()
);
comment on column hub.report_progress.next_xid is 'what transactions before it changed is in the reports';
comment on column hub.report_progress.last_xid is
  'where the last look ended: the one after begins there, so that each change is looked at twice and a report under way misses none';
insert into hub.report_progress default values on conflict do nothing;
alter table hub.report_progress enable row level security;

do $$ declare t text; begin
  foreach t in array array['ai_reports', 'ai_engagement_scores'] loop
    execute format('alter table public.%I enable row level security', t);
    execute format('revoke all on public.%I from anon, authenticated, service_role', t);
    execute format('grant select on public.%I to authenticated, service_role', t);
    execute format('drop policy if exists organization_read on public.%I', t);
    execute format('create policy organization_read on public.%I for select to authenticated using (organization_id = any ((select hub.visible_organizations())::uuid[]))', t);
  end loop;
end $$;
