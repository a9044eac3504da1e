"""Memory, start and size."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench.costing import cpu_of, folder_mb, pss_mb, rss_mb
from bench.figures import Figure

if TYPE_CHECKING:
    from bench.__main__ import Bench

_IDLE_SECONDS = 3.0
_ROOT = Path(__file__).resolve().parent.parent


def measure_footprint(bench: "Bench") -> list[Figure]:
    """Of an idle hub on the database as it is by now."""
    rounds = max(3, bench.rounds)
    loaded = rss_mb(bench.hub.pid)
    database = pss_mb(bench.home.postgres_pid)
    bench.hub.stop()
    if bench.yardstick is not None:
        bench.yardstick.stop()
    beside, idle, resting, whole = [], [], [], []
    for number in range(rounds):
        bench.tell(f"starts, round {number + 1}")
        hub = bench.home.serve()  # PostgreSQL runs, since this process uses it
        beside.append(hub.took)
        time.sleep(2)
        idle.append(rss_mb(hub.pid))
        used = cpu_of(hub.pid) + cpu_of(bench.home.postgres_pid)
        time.sleep(_IDLE_SECONDS)
        used = cpu_of(hub.pid) + cpu_of(bench.home.postgres_pid) - used
        resting.append(100 * used / _IDLE_SECONDS)
        hub.stop()
        bench.home.let_go()  # the last: PostgreSQL stops
        hub = bench.home.serve()
        whole.append(hub.took)
        bench.home.open()
        hub.stop()
    figures = [
        Figure("memory of the idle hub (RSS)", idle, "MB", 100),
        Figure("CPU of the idle hub and PostgreSQL", resting, "% of a core"),
        Figure("memory of the hub after the load (RSS)", [loaded], "MB"),
        Figure("memory of PostgreSQL after the load (PSS)", [database], "MB"),
        Figure("start, PostgreSQL included", whole, "s", 1.5),
        Figure("start, PostgreSQL running", beside, "s", 1.5),
    ]
    if not bench.quick and (_ROOT / "requirements.txt").exists():
        bench.tell("installing into a fresh environment")
        figures.append(Figure("installation", [_installed_mb()], "MB", 150))
    return figures


def _installed_mb() -> float:
    with tempfile.TemporaryDirectory(prefix="aihub-bench-", dir="/var/tmp") as place:
        folder = Path(place) / "venv"
        subprocess.run(
            [sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True, timeout=60
        )
        python = folder / "bin" / "python"
        pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "-qq"]
        pip += ["--disable-pip-version-check", "--require-hashes", "-r", "requirements.txt"]
        subprocess.run(pip, cwd=_ROOT, check=True, timeout=300)
        own = folder_mb(_ROOT / "src") + folder_mb(_ROOT / "supabase")
        return folder_mb(folder) + own
