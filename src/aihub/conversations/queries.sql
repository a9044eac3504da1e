-- Lists take every filter as a value or null; plans are made for the values (see kit.db), so a null costs nothing.
-- Partitions are pruned by created_at, which a conversation's id tells as well.

-- name: list_conversations(organization_id, status, user_id, user_uuid, module, source, model, from_, to, min_cost, max_cost, sentiment, min_satisfaction, key, tag, intent, before_at, before_id, limit)
-- `created_at <= before_at` beside the row comparison: that one alone does not prune partitions.
select c.id, c.key, u.external_id as user_id, c.status, c.source, c.module, c.intent_chain, c.models, c.satisfaction_score,
  c.metadata, c.summary, c.sentiment, c.message_count, c.total_tokens, c.total_cost, c.total_price, c.unpriced_calls,
  c.error_count, c.started_at, c.ended_at, c.last_activity_at, c.created_at, c.updated_at
from public.ai_conversations c
left join public.ai_users u on u.organization_id = c.organization_id and u.id = c.user_id
where c.organization_id = :organization_id
  and (:status::text is null or c.status = :status)
  and (:user_id::text is null or c.user_id = any (array(
    select x.id from public.ai_users x where x.organization_id = :organization_id
      and (x.external_id = :user_id or x.id = :user_uuid::uuid))))
  and (:module::text is null or c.module = :module)
  and (:source::text is null or c.source = :source)
  and (:model::text is null or c.models @> array[:model::text])
  and (:from_::timestamptz is null or c.created_at >= :from_)
  and (:to::timestamptz is null or c.created_at < :to)
  and (:min_cost::numeric is null or c.total_cost >= :min_cost)
  and (:max_cost::numeric is null or c.total_cost <= :max_cost)
  and (:sentiment::text is null or c.sentiment = :sentiment)
  and (:min_satisfaction::numeric is null or c.satisfaction_score >= :min_satisfaction)
  and (:key::text is null or c.id = (select k.conversation_id from hub.conversation_keys k
    where k.organization_id = :organization_id and k.key = :key))
  and (:tag::text is null or c.metadata -> 'tags' ? :tag)
  and (:intent::text is null or c.intent_chain @> array[:intent::text] or exists (select from public.ai_messages m
    where m.conversation_id = c.id and m.conversation_created_at = c.created_at and m.intent = :intent))
  and (:before_at::timestamptz is null
    or (c.created_at <= :before_at and (c.created_at, c.id) < (:before_at, :before_id::uuid)))
order by c.created_at desc, c.id desc
limit :limit;

-- name: get_conversation(organization_id, id, created_at)^
select c.id, c.key, u.external_id as user_id, c.status, c.source, c.module, c.intent_chain, c.models, c.satisfaction_score,
  c.metadata, c.summary, c.sentiment, c.message_count, c.total_tokens, c.total_cost, c.total_price, c.unpriced_calls,
  c.error_count, c.started_at, c.ended_at, c.last_activity_at, c.created_at, c.updated_at
from public.ai_conversations c
left join public.ai_users u on u.organization_id = c.organization_id and u.id = c.user_id
where c.id = :id and c.created_at = :created_at and c.organization_id = :organization_id;

-- name: list_messages(organization_id, conversation_id, created_at, after_seq, limit)
select m.id, m.conversation_id, m.seq, m.role, m.content, m.parts, m.tool_calls, m.model, m.provider, m.usage, m.tokens,
  m.cost, m.price, m.cost_status, m.cost_note, m.latency_ms, m.error, m.intent, m.sentiment, m.metadata, m.created_at
from public.ai_messages m
where m.conversation_id = :conversation_id and m.conversation_created_at = :created_at
  and m.organization_id = :organization_id and m.seq > :after_seq
order by m.seq
limit :limit;

-- name: list_messages_by_seq(organization_ids, conversation_ids, created_ats, seqs)
-- Of many conversations at once: answers to writes that were known already.
select m.id, m.conversation_id, m.seq, m.role, m.content, m.parts, m.tool_calls, m.model, m.provider, m.usage, m.tokens,
  m.cost, m.price, m.cost_status, m.cost_note, m.latency_ms, m.error, m.intent, m.sentiment, m.metadata, m.created_at,
  m.organization_id
from unnest(:organization_ids::uuid[], :conversation_ids::uuid[], :created_ats::timestamptz[], :seqs::integer[])
  with ordinality as i(organization_id, conversation_id, created_at, seq, ord)
join public.ai_messages m on m.conversation_id = i.conversation_id and m.conversation_created_at = i.created_at
  and m.organization_id = i.organization_id and m.seq = i.seq
order by i.ord;

-- name: list_conversations_by_id(organization_ids, ids, created_ats)
select c.id, c.key, u.external_id as user_id, c.status, c.source, c.module, c.intent_chain, c.models, c.satisfaction_score,
  c.metadata, c.summary, c.sentiment, c.message_count, c.total_tokens, c.total_cost, c.total_price, c.unpriced_calls,
  c.error_count, c.started_at, c.ended_at, c.last_activity_at, c.created_at, c.updated_at, c.organization_id
from unnest(:organization_ids::uuid[], :ids::uuid[], :created_ats::timestamptz[]) as i(organization_id, id, created_at)
join public.ai_conversations c on c.id = i.id and c.created_at = i.created_at and c.organization_id = i.organization_id
left join public.ai_users u on u.organization_id = c.organization_id and u.id = c.user_id;

-- name: lock_conversations(organization_ids, ids, created_ats)!
-- In the order in which the write functions lock: writers of the same conversations wait for each other.
select 1
from (select distinct i.organization_id, i.id, i.created_at
  from unnest(:organization_ids::uuid[], :ids::uuid[], :created_ats::timestamptz[]) as i(organization_id, id, created_at)) d
join public.ai_conversations c on c.id = d.id and c.created_at = d.created_at and c.organization_id = d.organization_id
order by c.id, c.organization_id
for no key update of c;

-- name: list_transitions(organization_id, conversation_id, created_at)
select t.id, t.from_status, t.to_status, t.actor, t.reason, t.at
from public.ai_transitions t
where t.conversation_id = :conversation_id and t.conversation_created_at = :created_at
  and t.organization_id = :organization_id
order by t.at, t.id;

-- name: get_feedback(organization_id, conversation_id, created_at, id)^
select f.message_id, f.score, f.comment, f.created_at, c.satisfaction_score
from public.ai_feedback f
join public.ai_conversations c on c.id = f.conversation_id and c.created_at = f.conversation_created_at
  and c.organization_id = f.organization_id
where f.conversation_id = :conversation_id and f.id = :id and f.conversation_created_at = :created_at
  and f.organization_id = :organization_id;

-- name: list_calls(organization_id, conversation_id, user_id, user_uuid, module, source, provider, model, from_, to, min_cost, max_cost, cost_status, api, is_failed, before_at, before_id, limit)
select k.id, k.conversation_id, k.message_id, u.external_id as user_id, k.module, k.source, k.provider, k.model, k.api,
  k.quantities, k.usage, k.usage_source, k.usage_method, k.context, k.total_tokens, k.cost, k.price, k.computed_cost, k.cost_status, k.cost_note, k.cost_lines, k.markup,
  k.price_book_version, k.latency_ms, k.error, k.occurred_at, k.created_at
from public.ai_calls k
left join public.ai_users u on u.organization_id = k.organization_id and u.id = k.user_id
where k.organization_id = :organization_id
  and (:conversation_id::uuid is null or k.conversation_id = :conversation_id)
  and (:user_id::text is null or k.user_id = any (array(
    select x.id from public.ai_users x where x.organization_id = :organization_id
      and (x.external_id = :user_id or x.id = :user_uuid::uuid))))
  and (:module::text is null or k.module = :module)
  and (:source::text is null or k.source = :source)
  and (:provider::text is null or k.provider = :provider)
  and (:model::text is null or k.model = :model)
  and (:from_::timestamptz is null or k.occurred_at >= :from_)
  and (:to::timestamptz is null or k.occurred_at < :to)
  and (:min_cost::numeric is null or k.cost >= :min_cost)
  and (:max_cost::numeric is null or k.cost <= :max_cost)
  and (:cost_status::text is null or k.cost_status = :cost_status)
  and (:api::text is null or k.api = :api)
  and (:is_failed::boolean is null or (k.error is not null) = :is_failed)
  and (:before_at::timestamptz is null
    or (k.occurred_at <= :before_at and (k.occurred_at, k.id) < (:before_at, :before_id::uuid)))
order by k.occurred_at desc, k.id desc
limit :limit;

-- name: list_calls_by_id(organization_ids, ids)
-- A call's time may be another than its id's: every month is looked into, by the leading column of the key.
select k.id, k.conversation_id, k.message_id, u.external_id as user_id, k.module, k.source, k.provider, k.model, k.api,
  k.quantities, k.usage, k.usage_source, k.usage_method, k.context, k.total_tokens, k.cost, k.price, k.computed_cost, k.cost_status, k.cost_note, k.cost_lines, k.markup,
  k.price_book_version, k.latency_ms, k.error, k.occurred_at, k.created_at, k.organization_id
from unnest(:organization_ids::uuid[], :ids::uuid[]) as i(organization_id, id)
join public.ai_calls k on k.id = i.id and k.organization_id = i.organization_id
left join public.ai_users u on u.organization_id = k.organization_id and u.id = k.user_id;

-- name: update_conversation(organization_id, id, created_at, has_module, module, has_intent_chain, intent_chain, has_summary, summary, metadata)$
update public.ai_conversations c
set module = case when :has_module::boolean then :module else c.module end,
  intent_chain = case when :has_intent_chain::boolean then :intent_chain::text[] else c.intent_chain end,
  summary = case when :has_summary::boolean then :summary else c.summary end,
  -- merged entry by entry; null takes an entry away
  metadata = case when :metadata::jsonb is null then c.metadata
    else (c.metadata || :metadata::jsonb) - array(
      select e.key from jsonb_each(:metadata::jsonb) e where e.value = 'null'::jsonb) end,
  -- the rollups look at it again
  ingest_xid = case when :has_module or :has_intent_chain then pg_current_xact_id() else c.ingest_xid end,
  updated_at = clock_timestamp()
where c.id = :id and c.created_at = :created_at and c.organization_id = :organization_id
returning octet_length(c.metadata::text);

-- name: delete_conversation(organization_id, id, created_at)$
select hub.erase_conversation_v1(:organization_id, :id, :created_at);

-- name: create_conversations(organization, id, created_at, user, user_uuid, key, source, module, intent_chain, metadata, started_at)
select f.ord, f.outcome, f.conversation_id, now() as updated_at
from hub.create_conversations_v1(:organization::uuid[], :id::uuid[], :created_at::timestamptz[], :user::text[], :user_uuid::uuid[],
  :key::text[], :source::text[], :module::text[], :intent_chain::text[], :metadata::text[], :started_at::timestamptz[]) f;

-- name: list_modules(organization_ids, conversation_ids, created_ats)
-- Of conversations whose calls are priced by module.
select c.organization_id, c.id, c.module
from unnest(:organization_ids::uuid[], :conversation_ids::uuid[], :created_ats::timestamptz[]) as i(organization_id, id, created_at)
join public.ai_conversations c on c.id = i.id and c.created_at = i.created_at and c.organization_id = i.organization_id;

-- name: add_messages(organization, conversation, conversation_at, id, role, content, parts, tool_calls, model, provider, api, input_tokens, cached_input_tokens, output_tokens, reasoning_tokens, tokens, quantities, usage, usage_source, cost, price, cost_status, cost_note, cost_lines, price_book_version, cost_facts, computed_cost, usage_method, markup, latency_ms, error, intent, metadata, created_at, reopen, actor)
select f.ord, f.outcome, f.seq, f.status
from hub.add_messages_v2(:organization::uuid[], :conversation::uuid[], :conversation_at::timestamptz[], :id::uuid[], :role::text[],
  :content::text[], :parts::text[], :tool_calls::text[], :model::text[], :provider::text[], :api::text[], :input_tokens::bigint[],
  :cached_input_tokens::bigint[], :output_tokens::bigint[], :reasoning_tokens::bigint[], :tokens::bigint[], :quantities::text[],
  :usage::text[], :usage_source::text[], :cost::numeric[], :price::numeric[], :cost_status::text[], :cost_note::text[],
  :cost_lines::text[], :price_book_version::text[], :cost_facts::text[], :computed_cost::numeric[], :usage_method::text[], :markup::text[],
  :latency_ms::integer[], :error::text[], :intent::text[],
  :metadata::text[], :created_at::timestamptz[], :reopen::boolean[], :actor::text[]) f;

-- name: record_calls(organization, id, occurred_at, conversation, conversation_at, user, user_uuid, module, provider, model, api, input_tokens, cached_input_tokens, output_tokens, reasoning_tokens, tokens, quantities, usage, usage_source, context, cost, price, cost_status, cost_note, cost_lines, price_book_version, cost_facts, computed_cost, usage_method, markup, latency_ms, error, look_up)
select f.ord, f.outcome
from hub.record_calls_v2(:organization::uuid[], :id::uuid[], :occurred_at::timestamptz[], :conversation::uuid[],
  :conversation_at::timestamptz[], :user::text[], :user_uuid::uuid[], :module::text[], :provider::text[], :model::text[], :api::text[],
  :input_tokens::bigint[], :cached_input_tokens::bigint[], :output_tokens::bigint[], :reasoning_tokens::bigint[], :tokens::bigint[],
  :quantities::text[], :usage::text[], :usage_source::text[], :context::text[], :cost::numeric[], :price::numeric[],
  :cost_status::text[], :cost_note::text[], :cost_lines::text[], :price_book_version::text[], :cost_facts::text[],
  :computed_cost::numeric[], :usage_method::text[], :markup::text[], :latency_ms::integer[],
  :error::text[], :look_up::boolean[]) f;

-- name: add_feedback(organization, conversation, conversation_at, id, score, comment, message_id, created_at)
select f.ord, f.outcome, f.satisfaction_score
from hub.add_feedback_v1(:organization::uuid[], :conversation::uuid[], :conversation_at::timestamptz[], :id::uuid[],
  :score::numeric[], :comment::text[], :message_id::uuid[], :created_at::timestamptz[]) f;

-- name: move_conversation(organization_id, id, created_at, from_statuses, to_statuses, actor, reason, at, transition_id)^
select f.was, f.moved
from hub.move_conversation_v1(:organization_id, :id, :created_at, :from_statuses::text[], :to_statuses::text[], :actor, :reason,
  :at::timestamptz, :transition_id::uuid) f;

-- name: apply_idle_rules()$
select hub.apply_idle_rules_v1();

-- name: ensure_partitions(from_, to)$
select hub.ensure_partitions(:from_::timestamptz, :to::timestamptz);

-- name: delete_old_idempotency_keys(before)!
delete from hub.idempotency_keys where created_at < :before;
