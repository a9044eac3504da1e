"""Real servers in folders of their own, and hubs in processes of their own."""

import asyncio
import contextlib
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import pytest

from aihub.embedded import EmbeddedPostgres, EmbeddedSettings, find_binaries
from aihub.embedded.osuser import choose_os_user

from ..support.database import open_folder

HUB_SCRIPT = """
import json, sys
from pathlib import Path
from aihub.embedded import EmbeddedPostgres, EmbeddedSettings

data_dir, bin_dir = json.loads(sys.argv[1])
server = EmbeddedPostgres(EmbeddedSettings(Path(data_dir), bin_dir and Path(bin_dir)))
print(server.ensure_running(), flush=True)
sys.stdin.readline()
server.release()
print("released", flush=True)
"""


@dataclass
class Hub:
    """A process that uses the server until it is told to leave."""

    process: subprocess.Popen[str]

    def dsn(self) -> str:
        return self.process.stdout.readline().strip()

    def leave(self) -> None:
        output, _ = self.process.communicate("leave\n", timeout=30)
        assert output == "released\n"

    def kill(self) -> None:
        self.process.kill()
        # returns at once although the server lives on: the server has not inherited the pipe
        self.process.communicate(timeout=10)


@dataclass
class Place:
    """A data folder and everything that was started on it."""

    data_dir: Path
    bin_dir: Path | None = None
    uses: list[EmbeddedPostgres] = field(default_factory=list)
    hubs: list[Hub] = field(default_factory=list)

    @property
    def cluster(self) -> Path:
        return self.data_dir / "cluster"

    def use(self) -> EmbeddedPostgres:
        self.uses.append(EmbeddedPostgres(EmbeddedSettings(self.data_dir, self.bin_dir)))
        return self.uses[-1]

    def hub(self, **options: object) -> Hub:
        words = json.dumps([str(self.data_dir), self.bin_dir and str(self.bin_dir)])
        process = subprocess.Popen(
            [sys.executable, "-c", HUB_SCRIPT, words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd="/",
            **options,
        )
        self.hubs.append(Hub(process))
        return self.hubs[-1]

    def pid(self) -> int:
        return int((self.cluster / "postmaster.pid").read_text().split()[0])

    def pg_ctl(self, *words: str) -> None:
        """What an administrator would do by hand."""
        user = choose_os_user(None, self.cluster)
        subprocess.run(
            [find_binaries(self.bin_dir).bin_dir / "pg_ctl", "-D", self.cluster, "-w", *words],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            **(user.identity if user else {}),
        )

    def clear(self) -> None:
        for hub in self.hubs:
            hub.kill()
        for use in self.uses:
            use.release()
        if (self.cluster / "postmaster.pid").exists():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid(), signal.SIGQUIT)
        shutil.rmtree(self.data_dir.parent, ignore_errors=True)


@pytest.fixture
def home() -> Iterator[Path]:
    """A short folder that every user can pass through."""
    with open_folder() as folder:
        yield folder


@pytest.fixture
def place(home: Path) -> Iterator[Place]:
    made = Place(home / "data")
    yield made
    made.clear()


@pytest.fixture
def nobody() -> pwd.struct_passwd:
    """An ordinary user that tests may run programs as; only root can do that."""
    if os.geteuid() != 0:
        pytest.skip("only root can run programs as another user")
    return pwd.getpwnam("nobody")


@pytest.fixture
def fetch() -> Callable[..., list[tuple[object, ...]]]:
    """Runs one statement over a new connection and gives the rows."""

    def run(dsn: str, sql: str, **options: object) -> list[tuple[object, ...]]:
        async def ask() -> list[tuple[object, ...]]:
            connection = await asyncpg.connect(dsn, timeout=10, **options)
            try:
                return [tuple(row) for row in await connection.fetch(sql)]
            finally:
                await connection.close()

        return asyncio.run(ask())

    return run


@pytest.fixture
def eventually() -> Callable[..., None]:
    """Waits until something is so; fails when it never is."""

    def wait(condition: Callable[[], bool], timeout_s: float = 15) -> None:
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline, "it never came about"
            time.sleep(0.005)

    return wait
