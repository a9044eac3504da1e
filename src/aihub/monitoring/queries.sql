-- All of it through the views that Grafana reads, too: there is one definition of each figure.

-- name: get_rollups()^
select v.seconds_since_tick, v.lag_transactions, v.lag_seconds from hub.v_rollups v;

-- name: list_jobs()
select v.name, v.waiting, v.running, v.failed, v.oldest_waiting_seconds from hub.v_jobs v order by v.name;

-- name: count_unpriced()$
select coalesce(sum(v.unpriced), 0)::bigint from hub.v_unpriced v;
