-- name: get_latest_version()^
select v.id, v.created_at, v.created_by, v.reason, v.release, v.origin, v.settings, v.digest
from hub.price_book_versions v order by v.id desc limit 1;

-- name: get_version(id)^
select v.id, v.created_at, v.created_by, v.reason, v.release, v.origin, v.settings, v.digest
from hub.price_book_versions v where v.id = :id;

-- name: get_latest_id()$
select max(v.id) from hub.price_book_versions v;

-- name: get_taken_in()^
select max(v.release) as release,
  (array_agg(v.origin order by v.id desc) filter (where v.origin is not null))[1] as origin
from hub.price_book_versions v;

-- name: lock_book()!
select pg_advisory_xact_lock(hashtextextended('hub.prices', 0));

-- name: insert_version(id, created_by, reason, release, origin, settings, digest)^
insert into hub.price_book_versions (id, created_by, reason, release, origin, settings, digest)
values (:id, :created_by, :reason, :release, :origin, :settings::jsonb, :digest)
returning id, created_at, created_by, reason, release, origin, settings, digest;

-- name: insert_prices(ids, layers, organization_ids, providers, models, names, valid_froms, terms, added_in)!
-- names come as one JSON text a row: arrays of arrays must be of one length
insert into hub.prices (id, layer, organization_id, provider, model, names, valid_from, terms, added_in)
select i.id, i.layer, i.organization_id, i.provider, i.model,
  array(select jsonb_array_elements_text(i.names::jsonb)), i.valid_from, i.terms::jsonb, :added_in::bigint
from unnest(:ids::uuid[], :layers::text[], :organization_ids::uuid[], :providers::text[], :models::text[],
  :names::text[], :valid_froms::timestamptz[], :terms::text[])
  as i(id, layer, organization_id, provider, model, names, valid_from, terms);

-- name: retire_prices(ids, removed_in)!
update hub.prices p set removed_in = :removed_in::bigint where p.id = any(:ids::uuid[]) and p.removed_in is null;

-- name: list_book(version, layers)
-- the whole book of a version
select p.id, p.layer, p.organization_id, p.provider, p.model, p.names, p.valid_from, p.terms, p.added_in, p.removed_in
from hub.prices p
where p.added_in <= :version::bigint and (p.removed_in is null or p.removed_in > :version::bigint)
  and (:layers::text[] is null or p.layer = any(:layers::text[]));

-- name: get_price(id)^
select p.id, p.layer, p.organization_id, p.provider, p.model, p.names, p.valid_from, p.terms, p.added_in, p.removed_in
from hub.prices p where p.id = :id;

-- name: list_prices(provider, model, layer, search, organization_id, sees_all_contracts, with_retired, current_at, after, limit)
with shown as (
  select p.id, p.layer, p.organization_id, p.provider, p.model, p.names, p.valid_from, p.terms, p.added_in, p.removed_in,
    v.created_at as added_at, v.created_by as added_by,
    p.provider || chr(31) || p.model || chr(31) || p.layer || chr(31)
      || coalesce(to_char(p.valid_from at time zone 'UTC', 'YYYYMMDDHH24MISSUS'), '') || chr(31) || p.id::text as place,
    lead(p.valid_from) over (partition by p.layer, p.organization_id, p.provider, p.model, p.removed_in is null
      order by p.valid_from nulls first) as valid_to
  from hub.prices p join hub.price_book_versions v on v.id = p.added_in
  where (:with_retired::boolean or p.removed_in is null)
    and (:provider::text is null or p.provider = :provider::text)
    and (:model::text is null or p.model = :model::text or :model::text = any(p.names))
    and (:layer::text is null or p.layer = :layer::text)
    and (p.organization_id is null or :sees_all_contracts::boolean or p.organization_id = :organization_id::uuid)
    and (:search::text is null or strpos(p.provider || '/' || p.model || ' ' || array_to_string(p.names, ' '), :search::text) > 0)
)
select s.* from shown s
where (:after::text is null or s.place collate "C" > :after::text collate "C")
  and (:current_at::timestamptz is null
    or ((s.valid_from is null or s.valid_from <= :current_at::timestamptz)
      and (s.valid_to is null or s.valid_to > :current_at::timestamptz)))
order by s.place collate "C"
limit :limit;

-- name: list_providers()
select p.provider, count(distinct p.model) as models from hub.prices p where p.removed_in is null group by 1 order by 1;

-- name: list_versions(limit)
select v.id, v.created_at, v.created_by, v.reason, v.release, v.origin, '{}'::jsonb as settings, v.digest
from hub.price_book_versions v order by v.id desc limit :limit;

-- name: list_models(provider, layer, words, organization_id, at, after, limit)
-- One row a model: that of the highest layer that holds at a time. What is looked for may be in any of its rows.
with found as (
  select distinct p.provider, p.model from hub.prices p
  where p.removed_in is null
    and (p.organization_id is null or p.organization_id = :organization_id::uuid)
    and (:provider::text is null or p.provider = :provider::text)
    and not exists (select 1 from unnest(:words::text[]) w
      where strpos(p.provider || '/' || p.model || ' ' || array_to_string(p.names, ' '), w) = 0)
), held as (
  select distinct on (p.provider, p.model) p.id, p.layer, p.organization_id, p.provider, p.model, p.names, p.valid_from, p.terms,
    p.added_in, p.removed_in, p.provider || chr(31) || p.model as place
  from hub.prices p join found f on f.provider = p.provider and f.model = p.model
  where p.removed_in is null
    and (p.organization_id is null or p.organization_id = :organization_id::uuid)
    and (p.valid_from is null or p.valid_from <= :at::timestamptz)
  order by p.provider, p.model, array_position(array['contract', 'override', 'corrections', 'base'], p.layer::text),
    p.valid_from desc nulls last
)
select h.*, v.created_at as added_at, v.created_by as added_by
from held h join hub.price_book_versions v on v.id = h.added_in
where (:layer::text is null or h.layer = :layer::text)
  and (:after::text is null or h.place collate "C" > :after::text collate "C")
order by h.place collate "C"
limit :limit;
