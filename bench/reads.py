"""Lists and single conversations over a million messages, through HTTP."""

import itertools
import random
from typing import TYPE_CHECKING

from bench import bulk
from bench.figures import Figure
from bench.loading import request, run_load

if TYPE_CHECKING:
    from bench.__main__ import Bench

_LIST = "/v1/conversations?limit=50"
_FILTERS = {
    "by user": "&user_id=user-7",
    "by module": "&module=billing",
    "by status": "&status=completed",
    "by active status": "&status=active",
    "by user and module": "&user_id=user-7&module=billing",
}


def measure_reads(bench: "Bench") -> list[Figure]:
    """The newest 50 as they are and filtered, and conversations of 50 messages."""
    conversations = 10_000 if bench.quick else 100_000
    bench.tell(f"storing {conversations:,} conversations")
    stored = bulk.fill(bench.home, conversations)
    chosen = random.Random(3)
    ranks = range(1, bulk.ORGANIZATIONS + 1)
    by_zipf = chosen.choices(ranks, [1 / k for k in ranks], k=400)

    def get(path: str, organization: str) -> bytes:
        headers = {
            "Authorization": f"Bearer {bench.operator_key}",
            "X-Organization-Id": organization,
        }
        return request("GET", path, headers)

    cases = {
        "newest 50": [get(_LIST, f"zipf-{k}") for k in by_zipf],
        "newest 50, largest organization": [get(_LIST, "zipf-1")],
        **{
            f"newest 50 {name}": [get(_LIST + text, f"zipf-{k}") for k in by_zipf]
            for name, text in _FILTERS.items()
        },
        # the worst that a filter can do: every month of the organization is read, nothing is found
        "newest 50 by a module nobody has, largest organization": [
            get(_LIST + "&module=nowhere", "zipf-1")
        ],
        "a conversation of 50 messages": [
            get(f"/v1/conversations/{id_}?include=messages", organization)
            for id_, organization in bulk.long_conversations(bench.home)
        ],
    }
    targets = {"newest 50": 8.0, "a conversation of 50 messages": 10.0}
    p50: dict[str, list[float]] = {name: [] for name in cases}
    p99: dict[str, list[float]] = {name: [] for name in cases}
    seconds = min(bench.seconds, 2.0)
    for requests in cases.values():
        run_load(bench.hub.port, itertools.islice(itertools.cycle(requests), 600), clients=1)
    for number in range(bench.rounds):
        bench.tell(f"reads, round {number + 1}")
        for name, requests in cases.items():
            load = run_load(bench.hub.port, itertools.cycle(requests), clients=1, seconds=seconds)
            p50[name].append(load.ms(0.5))
            p99[name].append(load.ms(0.99))
    return [
        Figure(
            f"{name}, p50",
            p50[name],
            "ms",
            targets.get(name),
            note=f"p99 {sorted(p99[name])[len(p99[name]) // 2]:.1f} ms"
            + (f"; {stored:,} messages stored" if name == "newest 50" else ""),
        )
        for name in cases
    ]
