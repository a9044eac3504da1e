-- Runs: hub.job_runs decides which run of a job counts.

-- name: lock_job(job_id)^
select attempts, queue_manager_id from hub.pgqueuer where id = :job_id for update

-- name: mark_lost(job_id)!
update hub.job_runs
   set outcome = 'lost', finished_at = clock_timestamp(), error = 'the worker was killed or hung'
 where job_id = :job_id and outcome = 'running'

-- name: list_outcomes(job_id)
select outcome from hub.job_runs where job_id = :job_id order by started_at desc, id desc limit 100

-- name: insert_run(id, job_id, name, payload, attempt, worker_id)!
insert into hub.job_runs (id, job_id, name, payload, attempt, worker_id)
values (:id, :job_id, :name, :payload::text::jsonb, :attempt, :worker_id)

-- name: finish_run(id, outcome, error)$
update hub.job_runs set outcome = :outcome, finished_at = clock_timestamp(), error = :error
 where id = :id and outcome = 'running' returning true

-- name: list_canceled(ids)
select id from hub.job_runs where id = any (:ids::uuid[]) and outcome in ('canceled', 'lost')

-- name: cancel_run(job_id)!
update hub.job_runs
   set outcome = 'canceled', finished_at = clock_timestamp(), error = 'cancelled by hand'
 where job_id = :job_id and outcome = 'running'

-- name: list_runs(name, outcome, job_id, n)
select id, job_id, name, payload::text as payload, attempt, worker_id, started_at, finished_at, outcome, error
  from hub.job_runs
 where (:name::text is null or name = :name)
   and (:outcome::text is null or outcome = :outcome)
   and (:job_id::bigint is null or job_id = :job_id)
 order by started_at desc, id desc limit :n

-- name: purge_runs(before)!
delete from hub.job_runs where finished_at < :before

-- name: purge_log(before)!
delete from hub.pgqueuer_log where created < :before

-- Jobs.

-- name: list_jobs(status, name, id, n)
select q.id, q.entrypoint as name, q.status::text as status, q.dedupe_key as key, q.payload, q.attempts,
       q.created as created_at, q.execute_after as run_at, q.heartbeat as seen_at,
       (select r.error from hub.job_runs r where r.job_id = q.id order by r.started_at desc, r.id desc limit 1) as error
  from hub.pgqueuer q
 where (:status::text is null or q.status::text = :status)
   and (:name::text is null or q.entrypoint = :name)
   and (:id::bigint is null or q.id = :id)
 order by q.execute_after, q.id limit :n

-- name: list_depths()
select entrypoint as name, status::text as status, count(*) as jobs,
       coalesce(greatest(extract(epoch from clock_timestamp() - min(execute_after)), 0), 0)::float8 as oldest_seconds
  from hub.pgqueuer group by entrypoint, status order by entrypoint, status

-- Schedules.

-- name: upsert_schedule(name, cron, timezone, enabled, next_run_at)!
insert into hub.job_schedules as s (name, cron, timezone, enabled, next_run_at)
values (:name, :cron, :timezone, :enabled, :next_run_at)
on conflict (name) do update set
  cron = excluded.cron, timezone = excluded.timezone, enabled = excluded.enabled, updated_at = now(),
  next_run_at = excluded.next_run_at
where (s.cron, s.timezone, s.enabled) is distinct from (excluded.cron, excluded.timezone, excluded.enabled)

-- name: lock_due_schedules(names, at)
select name, next_run_at from hub.job_schedules
 where enabled and name = any (:names::text[]) and next_run_at <= :at
 order by name for update skip locked

-- name: move_schedule(name, last_run_at, next_run_at)!
update hub.job_schedules set last_run_at = :last_run_at, next_run_at = :next_run_at, updated_at = now()
 where name = :name

-- name: list_schedules()
select s.name, s.cron, s.timezone, s.enabled as is_enabled, s.next_run_at, s.last_run_at,
       r.outcome as last_outcome, r.error as last_error
  from hub.job_schedules s
  left join lateral (select outcome, error from hub.job_runs r where r.name = s.name
                      order by r.started_at desc, r.id desc limit 1) r on true
 order by s.name

-- Workers.

-- name: see_worker(id, host, process, names)!
insert into hub.job_workers (id, host, process, names) values (:id, :host, :process, :names)
on conflict (id) do update set seen_at = clock_timestamp()

-- name: remove_worker(id)!
delete from hub.job_workers where id = :id

-- name: purge_workers(before)!
delete from hub.job_workers where seen_at < :before

-- name: list_workers()
select w.id, w.host, w.process, w.names, w.started_at, w.seen_at,
       (select count(*) from hub.job_runs r where r.worker_id = w.id and r.outcome = 'running') as running
  from hub.job_workers w
 where w.seen_at > clock_timestamp() - interval '30 seconds' order by w.started_at, w.id
