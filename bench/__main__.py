"""`python -m bench`: measure, print a table, write results/."""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bench import analytics, footprint, live, pricing, reads, writes
from bench.costing import busy_seconds, calibrate, cpu_of
from bench.figures import Figure, show
from bench.hosting import Home, Process, start_yardstick

_HERE = Path(__file__).resolve().parent


@dataclass
class Bench:
    """What the measures share: the servers, the key, how long and how often."""

    home: Home
    hub: Process
    key: str
    operator_key: str
    seconds: float
    rounds: int
    quick: bool
    yardstick: Process | None = None
    figures: list[Figure] = field(default_factory=list)

    def tell(self, text: str) -> None:
        """Say what is being done."""
        print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)


_MEASURES: dict[str, Callable[[Bench], list[Figure]]] = {
    "pricing": pricing.measure_pricing,
    "sessions": writes.measure_sessions,
    "messages": writes.measure_messages,
    "reads": reads.measure_reads,
    "analytics": analytics.measure_analytics,
    "live": live.measure_live,
    "footprint": footprint.measure_footprint,
}


def main() -> int:
    """Run what was asked for; 1 when a target is missed."""
    args = _parse()
    names = args.only or list(_MEASURES)
    home = Home()
    started: list[Process] = []
    try:
        home.open()
        home.run("org", "create", "bench")
        keys = [
            home.run("keys", "create", *whose)
            for whose in (["--organization", "bench"], ["--operator"])
        ]
        bench = Bench(home, home.serve(), keys[0], keys[1], args.seconds, args.rounds, args.quick)
        if args.yardstick and "sessions" in names:
            bench.yardstick = start_yardstick(home, args.yardstick)
            started.append(bench.yardstick)
        began, busy, ours = time.perf_counter(), busy_seconds(), _own_seconds(bench)
        for name in names:
            bench.tell(name)
            bench.figures += _MEASURES[name](bench)
            if name in ("sessions", "messages"):  # the same processes before and after
                others = busy_seconds() - busy - (_own_seconds(bench) - ours)
                cores = max(0.0, others) / (time.perf_counter() - began)
                bench.figures.append(Figure(f"used by others during {name}", [cores], "cores"))
            began, busy, ours = time.perf_counter(), busy_seconds(), _own_seconds(bench)
    finally:
        for process in started:
            process.stop()
        home.close()
    print(show(bench.figures))
    if "sessions" in names and bench.yardstick is None:
        print("No yardstick (--yardstick DIR): its rows are left out.")
    _write(bench, args)
    return int(any(figure.passes is False for figure in bench.figures))


def _own_seconds(bench: Bench) -> float:
    pids = [bench.home.postgres_pid, bench.hub.pid]
    if bench.yardstick is not None:
        pids.append(bench.yardstick.pid)
    return sum(cpu_of(pid) for pid in pids) + time.process_time()


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="How fast AI Hub is here.")
    parser.add_argument("--quick", action="store_true", help="one short round, a tenth of the data")
    parser.add_argument("--only", action="append", choices=list(_MEASURES), metavar="NAME")
    parser.add_argument("--seconds", type=float, help="length of each load (4; 2 with --quick)")
    parser.add_argument(
        "--rounds", type=int, help="rounds to take the median of (3; 1 with --quick)"
    )
    parser.add_argument("--yardstick", type=Path, metavar="DIR", help="folder of ref_hub.py")
    args = parser.parse_args()
    args.seconds = min(60.0, args.seconds or (2.0 if args.quick else 4.0))
    args.rounds = args.rounds or (1 if args.quick else 3)
    given = args.yardstick or os.environ.get("BENCH_YARDSTICK")
    folder = Path(given) if given else _HERE.parent.parent / "shared" / "bench"
    args.yardstick = folder.resolve() if (folder / "ref_hub.py").exists() else None
    if given and args.yardstick is None:
        parser.error(f"there is no ref_hub.py in {folder}")
    return args


def _write(bench: Bench, args: argparse.Namespace) -> None:
    folder = _HERE / "results"
    folder.mkdir(exist_ok=True)
    at = datetime.now(UTC)
    document = {
        "at": at.isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "calibration_ms": round(calibrate(), 1),
        "seconds": args.seconds,
        "rounds": args.rounds,
        "quick": args.quick,
        "figures": [figure.as_json() for figure in bench.figures],
    }
    path = folder / f"{at:%Y%m%dT%H%M%S}.json"
    path.write_text(json.dumps(document, indent=1) + "\n")
    print(f"Written to bench/results/{path.name}")


if __name__ == "__main__":
    sys.exit(main())
