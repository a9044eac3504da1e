"""The servers under test: a hub with a home of its own, and the yardstick beside it."""

import asyncio
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from aihub.embedded import EmbeddedPostgres, EmbeddedSettings

_READY_SECONDS = 60.0


class NotReady(Exception):
    """A server did not come up."""


def free_port() -> int:
    """A port of 127.0.0.1 that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Process:
    """A server process, ready when `path` answers 200; `took` is how long that was."""

    def __init__(
        self, command: list[str], port: int, path: str, *, env: dict[str, str], cwd: Path, log: Path
    ) -> None:
        self.port = port
        began = time.perf_counter()
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command, env=env, cwd=cwd, stdout=output, stderr=output, start_new_session=True
            )
        while not _answers(port, path):
            if self._process.poll() is not None or time.perf_counter() - began > _READY_SECONDS:
                self.stop()
                raise NotReady(f"{command[1:]} did not come up:\n{log.read_text()[-2000:]}")
            time.sleep(0.005)
        self.took = time.perf_counter() - began

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def stop(self) -> None:
        """End it, by its own number."""
        if self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Home:
    """A fresh home folder that PostgreSQL's user can reach, removed at the end.

    Its PostgreSQL runs from `open` to `close`, used by this process too.
    """

    def __init__(self) -> None:
        # /tmp is a memory disk on many systems; what is measured has to reach a disk
        place = "/var/tmp" if Path("/var/tmp").is_dir() else None
        self.outer = Path(tempfile.mkdtemp(prefix="aihub-bench-", dir=place))
        self._served: list[Process] = []
        self.outer.chmod(0o755)
        self.folder = self.outer / "home"
        self._postgres = EmbeddedPostgres(EmbeddedSettings(self.folder, None, None))
        self.log = self.outer / "server.log"

    def open(self) -> None:
        """Have PostgreSQL run, and hold it."""
        self._postgres.ensure_running()

    def let_go(self) -> None:
        """Use PostgreSQL no more: it stops with the last who uses it."""
        self._postgres.release()

    def close(self) -> None:
        """Stop hubs and PostgreSQL, and remove everything."""
        for hub in self._served:
            hub.stop()
        self.let_go()
        shutil.rmtree(self.outer, ignore_errors=True)

    @property
    def postgres_pid(self) -> int:
        """The postmaster's number."""
        text = (self.folder / "cluster" / "postmaster.pid").read_text()
        return int(text.split("\n", 1)[0])

    @property
    def admin_dsn(self) -> str:
        """The superuser's address."""
        return self._postgres.admin_dsn

    def environment(self) -> dict[str, str]:
        """That of the command line: no setting of whoever runs this, .pyc files kept."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("AIHUB_", "PG"))}
        kept.pop("PYTHONDONTWRITEBYTECODE", None)
        return {**kept, "AIHUB_HOME": str(self.folder), "AIHUB_LOG_LEVEL": "warning"}

    def run(self, *arguments: str, given: str = "") -> str:
        """A command of `aihub`, with `given` on its standard input; what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "aihub.cli", *arguments],
            env=self.environment(),
            cwd=self.outer,
            input=given,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode:
            raise NotReady(f"aihub {' '.join(arguments)}: {done.stderr}")
        return done.stdout.strip()

    def serve(self) -> Process:
        """A hub on this home; it ends with it, or before."""
        port = free_port()
        command = [sys.executable, "-m", "aihub.cli", "serve", "--port", str(port)]
        hub = Process(
            command,
            port,
            "/health/ready",
            env=self.environment(),
            cwd=self.outer,
            log=self.log,
        )
        self._served.append(hub)
        return hub

    def sql(self, text: str) -> Any:
        """Statements as the superuser; the first value of the last one."""
        return asyncio.run(_execute(self.admin_dsn, text))


async def _execute(dsn: str, text: str) -> Any:
    connection: Any = await asyncpg.connect(dsn)
    try:
        *before, last = [part for part in text.split(";;") if part.strip()]
        for statement in before:
            await connection.execute(statement)
        return await connection.fetchval(last)
    finally:
        await connection.close()


def start_yardstick(home: Home, folder: Path) -> Process:
    """The least that a durable ingest does, on the same PostgreSQL in a database of its own.

    `folder` holds `ref_hub.py`, an ASGI application that reads DATABASE_URL and HUB_KEY.
    """
    home.sql("create database yardstick")
    port = free_port()
    env = {
        **home.environment(),
        "PYTHONDONTWRITEBYTECODE": "1",
        "DATABASE_URL": urlsplit(home.admin_dsn)._replace(path="/yardstick").geturl(),
        "HUB_KEY": "bench",
        "HUB_MODE": "group",
    }
    command = [sys.executable, "-m", "uvicorn", "ref_hub:app", "--port", str(port)]
    command += ["--loop", "uvloop", "--http", "httptools", "--no-access-log"]
    command += ["--log-level", "warning"]
    return Process(command, port, "/healthz", env=env, cwd=folder, log=home.log)


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except OSError:
        return False
    except http.client.HTTPException:
        return False
    finally:
        connection.close()
