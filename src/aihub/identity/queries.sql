-- name: get_organization(name, uuid)^
select o.id, o.external_id, o.name, o.plan, o.timezone, o.retention_days, o.idle_pause_seconds,
  o.idle_complete_seconds, o.idle_archive_seconds, o.created_at
from public.ai_organizations o
where o.external_id = :name or o.id = :uuid
order by o.external_id = :name desc
limit 1;

-- name: insert_organization(id, external_id, name, plan, timezone)^
-- nothing comes back when it exists: as an external id or, for a UUID, as the id
insert into public.ai_organizations as o (id, external_id, name, plan, timezone)
select coalesce(:id, gen_random_uuid()), :external_id::text, :name::text, :plan::text, :timezone::text
where now() at time zone :timezone::text is not null
on conflict do nothing
returning o.id, o.external_id, o.name, o.plan, o.timezone, o.retention_days, o.idle_pause_seconds,
  o.idle_complete_seconds, o.idle_archive_seconds, o.created_at;

-- name: list_organizations(at, id, limit)
select o.id, o.external_id, o.name, o.plan, o.timezone, o.retention_days, o.idle_pause_seconds,
  o.idle_complete_seconds, o.idle_archive_seconds, o.created_at
from public.ai_organizations o
where :at::timestamptz is null or (o.created_at, o.id) < (:at::timestamptz, :id::uuid)
order by o.created_at desc, o.id desc
limit :limit;

-- name: update_organization(id, name, plan, timezone, idle_pause_seconds, idle_complete_seconds, idle_archive_seconds, sets_retention, retention_days)^
update public.ai_organizations o set
  name = coalesce(:name::text, o.name),
  plan = coalesce(:plan::text, o.plan),
  timezone = coalesce(:timezone::text, o.timezone),
  idle_pause_seconds = coalesce(:idle_pause_seconds::integer, o.idle_pause_seconds),
  idle_complete_seconds = coalesce(:idle_complete_seconds::integer, o.idle_complete_seconds),
  idle_archive_seconds = coalesce(:idle_archive_seconds::integer, o.idle_archive_seconds),
  retention_days = case when :sets_retention then :retention_days::integer else o.retention_days end,
  updated_at = now()
where o.id = :id and now() at time zone coalesce(:timezone::text, 'UTC') is not null
returning o.id, o.external_id, o.name, o.plan, o.timezone, o.retention_days, o.idle_pause_seconds,
  o.idle_complete_seconds, o.idle_archive_seconds, o.created_at;

-- name: get_key_holder(key_hash)^
select k.id as key_id, k.prefix, k.scopes, k.expires_at, k.organization_id,
  o.id, o.external_id, o.name, o.plan, o.timezone, o.retention_days, o.idle_pause_seconds,
  o.idle_complete_seconds, o.idle_archive_seconds, o.created_at
from hub.api_keys k left join public.ai_organizations o on o.id = k.organization_id
where k.key_hash = :key_hash and k.revoked_at is null;

-- name: insert_api_key(id, organization_id, name, prefix, key_hash, scopes, created_by, expires_at)!
insert into hub.api_keys (id, organization_id, name, prefix, key_hash, scopes, created_by, expires_at)
values (:id, :organization_id, :name, :prefix, :key_hash, :scopes, :created_by, :expires_at);

-- name: list_api_keys(organization_id, at, id, limit)
select k.id, k.organization_id, k.name, k.prefix, k.scopes, k.created_by, k.created_at, k.expires_at,
  k.revoked_at, k.last_used_at
from hub.api_keys k
where k.organization_id is not distinct from :organization_id::uuid
  and (:at::timestamptz is null or (k.created_at, k.id) < (:at::timestamptz, :id::uuid))
order by k.created_at desc, k.id desc
limit :limit;

-- name: get_api_key(id)^
select k.id, k.organization_id, k.name, k.prefix, k.scopes, k.created_by, k.created_at, k.expires_at,
  k.revoked_at, k.last_used_at
from hub.api_keys k
where k.id = :id;

-- name: update_api_key_revoked(id, organization_id, of_any)^
update hub.api_keys k set revoked_at = coalesce(k.revoked_at, now())
where k.id = :id and (:of_any or k.organization_id = :organization_id::uuid)
returning k.id, k.organization_id, k.name, k.prefix, k.scopes, k.created_by, k.created_at, k.expires_at,
  k.revoked_at, k.last_used_at;

-- name: update_api_keys_used(ids, times)!
update hub.api_keys k set last_used_at = greatest(k.last_used_at, u.at)
from unnest(:ids::uuid[], :times::timestamptz[]) as u(id, at)
where k.id = u.id;

-- name: upsert_account(email, name, password_hash, is_operator)^
-- a new password ends what the old one opened
with account as (
  insert into hub.accounts as a (email, name, password_hash, is_operator)
  values (lower(:email::text), coalesce(:name::text, ''), :password_hash::text, :is_operator::boolean)
  on conflict (email) do update set
    name = coalesce(nullif(:name::text, ''), a.name),
    password_hash = coalesce(:password_hash::text, a.password_hash),
    is_operator = a.is_operator or :is_operator::boolean,
    failed_sign_ins = case when :password_hash::text is null then a.failed_sign_ins else 0 end,
    locked_until = case when :password_hash::text is null then a.locked_until end
  returning a.id, a.email, a.name, a.is_operator, a.password_hash is not null as has_password,
    a.created_at, a.disabled_at
), sessions as (
  delete from hub.sessions s using account a where :password_hash::text is not null and s.account_id = a.id
), links as (
  delete from hub.sign_in_links l using account a where :password_hash::text is not null and l.account_id = a.id
)
select a.id, a.email, a.name, a.is_operator, a.has_password, a.created_at, a.disabled_at from account a;

-- name: insert_account(email, name)^
insert into hub.accounts as a (email, name)
values (lower(:email::text), :name)
on conflict (email) do nothing
returning a.id, a.email, a.name, a.is_operator, a.password_hash is not null as has_password, a.created_at,
  a.disabled_at;

-- name: get_account(email)^
select a.id, a.email, a.name, a.is_operator, a.password_hash is not null as has_password, a.created_at,
  a.disabled_at
from hub.accounts a
where a.email = lower(:email::text);

-- name: list_accounts()
select a.id, a.email, a.name, a.is_operator, a.password_hash is not null as has_password, a.created_at,
  a.disabled_at,
  array(select o.external_id || ':' || m.role
        from public.ai_members m join public.ai_organizations o on o.id = m.organization_id
        where m.account_id = a.id order by o.external_id) as organizations
from hub.accounts a
order by a.email;

-- name: upsert_member(organization_id, account_id, role)!
insert into public.ai_members as m (organization_id, account_id, role)
values (:organization_id, :account_id, :role)
on conflict (organization_id, account_id) do update set role = excluded.role;

-- name: insert_member(organization_id, account_id, role)$
insert into public.ai_members as m (organization_id, account_id, role)
values (:organization_id, :account_id, :role)
on conflict (organization_id, account_id) do nothing
returning m.created_at;

-- name: list_members(organization_id, at, id, limit)
select m.account_id, a.email, a.name, m.role, m.created_at
from public.ai_members m left join hub.accounts a on a.id = m.account_id
where m.organization_id = :organization_id
  and (:at::timestamptz is null or (m.created_at, m.account_id) < (:at::timestamptz, :id::uuid))
order by m.created_at desc, m.account_id desc
limit :limit;

-- name: get_member(organization_id, account_id)^
select m.account_id, a.email, a.name, m.role, m.created_at
from public.ai_members m left join hub.accounts a on a.id = m.account_id
where m.organization_id = :organization_id and m.account_id = :account_id;

-- name: lock_owners(organization_id)
-- whoever takes an owner away waits here for the other who does
select m.account_id from public.ai_members m
where m.organization_id = :organization_id and m.role = 'owner'
order by m.account_id
for update;

-- name: update_member(organization_id, account_id, role)!
update public.ai_members m set role = :role
where m.organization_id = :organization_id and m.account_id = :account_id;

-- name: delete_member(organization_id, account_id)!
delete from public.ai_members m
where m.organization_id = :organization_id and m.account_id = :account_id;

-- name: list_users(organization_id, at, id, limit)
select u.id, u.external_id, u.created_at
from public.ai_users u
where u.organization_id = :organization_id
  and (:at::timestamptz is null or (u.created_at, u.id) < (:at::timestamptz, :id::uuid))
order by u.created_at desc, u.id desc
limit :limit;

-- name: list_places_of_token(account_id, claimed, claimed_uuid, claimed_role)
-- the memberships of a signed token, and the organization that it claims. Members come first: their role counts
with places as (
  select m.organization_id, m.role, 1 as rank from public.ai_members m where m.account_id = :account_id
  union all
  select o.id, :claimed_role::text, 2 from public.ai_organizations o
  where o.external_id = :claimed::text or o.id = :claimed_uuid::uuid
)
select p.role, o.id, o.external_id, o.name, o.plan, o.timezone, o.retention_days, o.idle_pause_seconds,
  o.idle_complete_seconds, o.idle_archive_seconds, o.created_at
from places p join public.ai_organizations o on o.id = p.organization_id
where not exists (select from hub.accounts a where a.id = :account_id and a.disabled_at is not null)
order by p.rank, o.name, o.id;

-- name: list_places_of_session(token_hash, now)
-- one row for each organization that may be viewed, and one of nulls where there is none
with session as (
  select s.account_id, coalesce(a.email, nullif(s.email, '')) as email, s.organization_id as view_id, s.claimed_role,
    s.is_operator and coalesce(a.is_operator, false) as is_operator, s.expires_at
  from hub.sessions s left join hub.accounts a on a.id = s.account_id
  where s.token_hash = :token_hash and s.expires_at > :now::timestamptz and a.disabled_at is null
), places as (
  select m.organization_id, m.role, 1 as rank
  from session s join public.ai_members m on m.account_id = s.account_id
  union all
  select s.view_id, s.claimed_role, 2 from session s where s.claimed_role is not null or s.is_operator
  union all
  (select o.id, null, 3 from public.ai_organizations o
   where (select s.is_operator from session s) order by o.created_at desc, o.id desc limit 200)
)
select s.account_id, s.email, s.view_id, s.is_operator, s.expires_at, p.role,
  o.id, o.external_id, o.name, o.plan, o.timezone, o.retention_days, o.idle_pause_seconds,
  o.idle_complete_seconds, o.idle_archive_seconds, o.created_at
from session s
left join (places p join public.ai_organizations o on o.id = p.organization_id) on true
order by p.rank, o.name, o.id;

-- name: claim_sign_in(email, now, locks)^
-- counted before the password is looked at, or a thousand guesses at once would all come before the lock
update hub.accounts a set
  failed_sign_ins = a.failed_sign_ins + 1,
  locked_until = :now::timestamptz
    + make_interval(secs => (:locks::integer[])[least(a.failed_sign_ins + 1, cardinality(:locks::integer[]))])
where a.email = lower(:email::text) and (a.locked_until is null or a.locked_until <= :now::timestamptz)
returning a.id, a.password_hash, a.disabled_at;

-- name: get_lock(email)^
select a.locked_until from hub.accounts a where a.email = lower(:email::text);

-- name: update_account_signed_in(account_id)!
update hub.accounts a set failed_sign_ins = 0, locked_until = null where a.id = :account_id;

-- name: insert_session(token_hash, account_id, expires_at)!
insert into hub.sessions (token_hash, account_id, email, is_operator, organization_id, expires_at)
select :token_hash, a.id, a.email, a.is_operator,
  (select m.organization_id from public.ai_members m where m.account_id = a.id
   order by m.created_at, m.organization_id limit 1),
  :expires_at
from hub.accounts a
where a.id = :account_id and a.disabled_at is null;

-- name: insert_session_of_token(token_hash, account_id, email, organization_id, claimed_role, expires_at)!
insert into hub.sessions (token_hash, account_id, email, organization_id, claimed_role, expires_at)
values (:token_hash, :account_id, :email, :organization_id, :claimed_role, :expires_at);

-- name: update_session_view(token_hash, organization_id)!
update hub.sessions s set organization_id = :organization_id, claimed_role = null
where s.token_hash = :token_hash;

-- name: delete_session(token_hash)!
delete from hub.sessions s where s.token_hash = :token_hash;

-- name: delete_sessions(account_id)!
with links as (delete from hub.sign_in_links l where l.account_id = :account_id)
delete from hub.sessions s where s.account_id = :account_id;

-- name: insert_sign_in_link(token_hash, account_id, expires_at)!
insert into hub.sign_in_links (token_hash, account_id, expires_at)
values (:token_hash, :account_id, :expires_at);

-- name: delete_sign_in_link(token_hash, now)$
with link as (
  delete from hub.sign_in_links l where l.token_hash = :token_hash returning l.account_id, l.expires_at
)
select l.account_id from link l join hub.accounts a on a.id = l.account_id
where l.expires_at > :now::timestamptz and a.disabled_at is null;

-- name: delete_expired(now)$
with sessions as (
  delete from hub.sessions s where s.expires_at <= :now::timestamptz returning 1
), links as (
  delete from hub.sign_in_links l where l.expires_at <= :now::timestamptz returning 1
)
select (select count(*) from sessions) + (select count(*) from links);
