set lock_timeout = '5s';

-- Reading as `authenticated` shows the own organizations only; `anon` sees nothing; `service_role` reads all;
-- nobody but the hub's own role writes. Supabase grants ALL on new tables of public to the three, so it is
-- taken back first: row level security does not cover TRUNCATE.

create or replace function hub.member_organizations() returns uuid[]
language sql stable parallel safe security definer set search_path = ''
as $$ select coalesce(array_agg(m.organization_id), '{}') from public.ai_members m where m.account_id = (select auth.uid()) $$;

create or replace function hub.visible_organizations() returns uuid[]
language sql stable parallel safe security definer set search_path = ''
as $$
  -- the organization named in the signed token, if any, else every organization of the member; a name that is
  -- unknown, or fits two (as an external id and as an id), shows nothing
  with claim as materialized (
    select nullif(current_setting('request.jwt.claims', true), '')::jsonb -> 'app_metadata' ->> 'organization_id' as organization
  )
  select case when c.organization is null then hub.member_organizations()
    else coalesce(
      (select array_agg(o.id) from public.ai_organizations o
        where o.external_id = c.organization
          or o.id = case when c.organization ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' then c.organization::uuid end
        having count(*) = 1),
      '{}')
    end
  from claim c
$$;
revoke all on function hub.member_organizations(), hub.visible_organizations(), hub.uuid7_time(uuid), hub.uuid7(timestamptz)
  from public;

do $$
declare
  t text;
  tables constant text[] := array['ai_organizations', 'ai_users', 'ai_members', 'ai_conversations', 'ai_messages',
    'ai_calls', 'ai_transitions', 'ai_feedback'];
begin
  grant usage on schema hub to authenticated, service_role;
  grant execute on function hub.visible_organizations(), hub.uuid7_time(uuid), hub.uuid7(timestamptz)
    to authenticated, service_role;
  foreach t in array tables loop
    execute format('alter table public.%I enable row level security', t);
    execute format('revoke all on public.%I from anon, authenticated, service_role', t);
    execute format('grant select on public.%I to authenticated, service_role', t);
    execute format('drop policy if exists organization_read on public.%I', t);
    execute format('create policy organization_read on public.%I for select to authenticated using (%I = any ((select hub.visible_organizations())::uuid[]))',
      t, case when t = 'ai_organizations' then 'id' else 'organization_id' end);
  end loop;
  foreach t in array array['accounts', 'sessions', 'sign_in_links', 'api_keys', 'idempotency_keys', 'conversation_keys'] loop
    execute format('alter table hub.%I enable row level security', t);
  end loop;
end $$;
