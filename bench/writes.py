"""Creating sessions, single messages and batches."""

import itertools
import json
from typing import TYPE_CHECKING

from bench.bodies import Bodies
from bench.costing import Meter
from bench.figures import Figure
from bench.loading import Load, request, run_load, send_all

if TYPE_CHECKING:
    from bench.__main__ import Bench

_MANY = 32
_MOST_A_SECOND = 6_000  # so many requests are prepared for each second of load
_BATCH, _BATCH_CLIENTS = 50, 8


def measure_sessions(bench: "Bench") -> list[Figure]:
    """Alone and by 32 clients; between the rounds the yardstick's single calls."""
    bodies = Bodies(bench.key)
    _warm(bench, [bodies.conversation() for _ in range(400)])
    alone, many, cpus = [], [], []
    reference_alone, reference = [], []
    for number in range(bench.rounds):
        bench.tell(f"sessions, round {number + 1}")
        prepared = [bodies.conversation() for _ in range(int(1_000 * bench.seconds))]
        alone.append(run_load(bench.hub.port, prepared, clients=1, seconds=bench.seconds))
        prepared = [bodies.conversation() for _ in range(int(_MOST_A_SECOND * bench.seconds))]
        meter = Meter(bench.hub.pid, bench.home.postgres_pid).start()
        many.append(run_load(bench.hub.port, prepared, clients=_MANY, seconds=bench.seconds))
        cpus.append(meter.stop().scaled_ms(len(many[-1].latencies)))
        if bench.yardstick is not None:
            reference_alone.append(_load_yardstick(bench, 2 * number, clients=1))
            reference.append(_load_yardstick(bench, 2 * number + 1, clients=_MANY))
    ratio = [mine.rate / its.rate for mine, its in zip(many, reference, strict=False)]
    rate = Figure(
        "create session, 32 clients", [load.rate for load in many], "/s", 1_700, at_least=True
    )
    figures = [
        Figure("create session, 1 client, p50", [x.ms(0.5) for x in alone], "ms", 3),
        Figure("create session, 1 client, p99", [x.ms(0.99) for x in alone], "ms", 10),
        rate,
        Figure("create session, 32 clients, p50", [x.ms(0.5) for x in many], "ms"),
        Figure("create session, 32 clients, p99", [x.ms(0.99) for x in many], "ms", 45),
        _cpu("create session, 32 clients", cpus),
    ]
    if reference:
        figures += [
            Figure("yardstick, 1 client, p50", [x.ms(0.5) for x in reference_alone], "ms"),
            Figure("yardstick, 1 client, p99", [x.ms(0.99) for x in reference_alone], "ms"),
            Figure("yardstick, 32 clients", [load.rate for load in reference], "/s"),
            Figure("yardstick, 32 clients, p99", [x.ms(0.99) for x in reference], "ms"),
            Figure("sessions to the yardstick's calls", ratio, "times", 0.5, at_least=True),
        ]
        if figures[-1].value >= 0.5:
            rate.ways.append("at least half of the yardstick's rate")
    return figures


def _load_yardstick(bench: "Bench", number: int, *, clients: int) -> Load:
    assert bench.yardstick is not None
    bodies = Bodies("bench", seed=1_000 + number)
    prepared = [bodies.yardstick_call() for _ in range(int(_MOST_A_SECOND * bench.seconds))]
    return run_load(bench.yardstick.port, prepared, clients=clients, seconds=bench.seconds)


def measure_messages(bench: "Bench") -> list[Figure]:
    """Single ones by 32 clients, then batches of 50 by 8."""
    bodies = Bodies(bench.key, seed=2)
    made = send_all(bench.hub.port, [bodies.conversation() for _ in range(2_000)])
    ids = [json.loads(answer)["id"] for answer in made]
    _warm(bench, [bodies.message(id_) for id_ in ids[:400]])
    _warm(bench, [bodies.batch(ids, _BATCH) for _ in range(10)])
    single, batches, single_cpu, batch_cpu = [], [], [], []
    for number in range(bench.rounds):
        bench.tell(f"messages, round {number + 1}")
        most = int(_MOST_A_SECOND * bench.seconds)
        prepared = [bodies.message(id_) for id_ in itertools.islice(itertools.cycle(ids), most)]
        meter = Meter(bench.hub.pid, bench.home.postgres_pid).start()
        load = run_load(bench.hub.port, prepared, clients=_MANY, seconds=bench.seconds)
        single_cpu.append(meter.stop().scaled_ms(len(load.latencies)))
        single.append(load)
        prepared = [bodies.batch(ids, _BATCH) for _ in range(int(250 * bench.seconds))]
        meter = Meter(bench.hub.pid, bench.home.postgres_pid).start()
        load = run_load(bench.hub.port, prepared, clients=_BATCH_CLIENTS, seconds=bench.seconds)
        batch_cpu.append(meter.stop().scaled_ms(len(load.latencies) * _BATCH))
        batches.append(load)
    _check_batch(bench, bodies, ids)
    one, many = "message, 32 clients", "batches of 50, 8 clients"
    return [
        Figure(one, [load.rate for load in single], "/s"),
        Figure(f"{one}, p50", [x.ms(0.5) for x in single], "ms"),
        Figure(f"{one}, p99", [x.ms(0.99) for x in single], "ms"),
        _cpu(one, single_cpu, 0.85),
        Figure(many, [x.rate * _BATCH for x in batches], "messages/s", 5_000, at_least=True),
        Figure(f"{many}, p99", [x.ms(0.99) for x in batches], "ms"),
        _cpu(many, batch_cpu, 0.28),
    ]


def _cpu(name: str, pairs: list[tuple[float, float]], target: float | None = None) -> Figure:
    server, database = ([pair[n] for pair in pairs] for n in (0, 1))
    figure = Figure(f"{name}, scaled CPU each", [sum(pair) for pair in pairs], "ms", target)
    middle = len(pairs) // 2
    figure.note = f"server {sorted(server)[middle]:.3f}, PostgreSQL {sorted(database)[middle]:.3f}"
    return figure


def _check_batch(bench: "Bench", bodies: Bodies, ids: list[str]) -> None:
    """A 207 says nothing by itself: look into one."""
    (answer,) = send_all(bench.hub.port, [bodies.batch(ids, _BATCH)], clients=1)
    statuses = {result["status"] for result in json.loads(answer)["results"]}
    if statuses != {201}:
        raise RuntimeError(f"a batch answered {statuses}")
    path = f"/v1/conversations/{ids[0]}"
    headers = {"Authorization": f"Bearer {bench.key}"}
    (answer,) = send_all(bench.hub.port, [request("GET", path, headers)], clients=1)
    if not json.loads(answer)["total_cost"]:
        raise RuntimeError("the messages have no price: the figures would be of less work")


def _warm(bench: "Bench", requests: list[bytes]) -> None:
    run_load(bench.hub.port, requests, clients=_MANY)
