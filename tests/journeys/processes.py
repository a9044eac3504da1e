"""Hubs as people run them: `aihub` in processes of its own, on a data folder of its own."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

_INHERITED = ("PATH", "LANG", "LC_ALL", "TMPDIR")
READY_S = 60.0


def wait_until(condition: Callable[[], bool], *, seconds: float, what: str) -> float:
    """Ask again and again until `condition` holds; the seconds that it took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.01)
    return time.monotonic() - began


def free_port() -> int:
    """A port that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def request(method: str, url: str, *, timeout: float = 30, **options: Any) -> httpx.Response:
    """Over a connection of its own: nothing is left from before a restart."""
    return httpx.request(method, url, timeout=timeout, trust_env=False, verify=False, **options)


def _lives(process: psutil.Process) -> bool:
    """Not ended; one that nobody has waited for yet has ended too."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@dataclass
class Command:
    """A command that runs: `output` holds all that it has written so far."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def output(self) -> str:
        return self.log.read_text("utf-8", errors="replace")

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    def kill(self) -> None:
        """As the kernel does when memory is short."""
        self.process.kill()
        self.process.wait(10)

    def stop(self, *, by: signal.Signals = signal.SIGTERM, seconds: float = 30) -> int:
        """Ask it to end; its exit status."""
        self.process.send_signal(by)
        return self.process.wait(seconds)

    def wait_for(self, text: str, *, seconds: float) -> float:
        """Wait until it has written `text`."""

        def said() -> bool:
            assert self.is_running, self.output
            return text in self.output

        return wait_until(said, seconds=seconds, what=f"{text!r} in: {self.output[-2000:]}")


@dataclass
class HubProcess(Command):
    """`aihub serve`, or `demo`, at a port."""

    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def is_ready(self) -> bool:
        try:
            return request("GET", f"{self.url}/health/ready", timeout=2).is_success
        except httpx.HTTPError:
            return False

    def wait_until_ready(self, seconds: float = READY_S) -> float:
        def ready() -> bool:
            assert self.is_running, self.output
            return self.is_ready()

        return wait_until(ready, seconds=seconds, what="the hub is ready")


@dataclass
class Place:
    """A data folder and what was started on it."""

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    commands: list[Command] = field(default_factory=list)

    @classmethod
    def make(cls, **settings: str) -> "Place":
        """In a short folder that PostgreSQL's user can pass through."""
        folder = Path(tempfile.mkdtemp(prefix="hub"))
        folder.chmod(0o755)
        return cls(folder, settings)

    @property
    def home(self) -> Path:
        return self.folder / "data"

    def environment(self, **settings: str) -> dict[str, str]:
        own = {
            "HOME": str(self.folder),
            "XDG_STATE_HOME": str(self.folder / "state"),
            "AIHUB_HOME": str(self.home),
            "AIHUB_PORT": str(self.port),
            "COLUMNS": "200",
        }
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        return inherited | own | self.settings | settings

    def aihub(self, *words: str, status: int | None = 0, **settings: str) -> str:
        """Run a command to its end; what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "aihub.cli", *words],
            env=self.environment(**settings),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            cwd=self.folder,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        assert status in (None, done.returncode), (done.returncode, done.stdout, done.stderr)
        return done.stdout + done.stderr

    def key(self, *owner: str) -> str:
        """A new API key: `--operator`, or `--organization ID`."""
        printed = self.aihub("keys", "create", *owner)
        return next(word for word in printed.split() if word.startswith(("ahk_", "aho_")))

    def start(self, *words: str, **settings: str) -> HubProcess:
        """Start a command that goes on, and return at once."""
        log = self.folder / f"{len(self.commands)}.log"
        process = self.spawn(log, [sys.executable, "-m", "aihub.cli", *words], **settings)
        hub = HubProcess(process, log, self.port)
        self.commands.append(hub)
        return hub

    def serve(self, *words: str, **settings: str) -> HubProcess:
        """`aihub serve`, ready."""
        hub = self.start("serve", *words, **settings)
        hub.wait_until_ready()
        return hub

    def run(self, script: str, *words: str) -> Command:
        """Start a Python program."""
        log = self.folder / f"{len(self.commands)}.log"
        command = Command(self.spawn(log, [sys.executable, "-c", script, *words]), log)
        self.commands.append(command)
        return command

    def spawn(self, log: Path, words: list[str], **settings: str) -> subprocess.Popen[bytes]:
        with log.open("wb") as output:
            return subprocess.Popen(
                words,
                env=self.environment(**settings),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
            )

    @property
    def postmaster_pid(self) -> int:
        return int((self.home / "cluster" / "postmaster.pid").read_text().split()[0])

    def has_new_postmaster(self, before: int) -> bool:
        """Whether another one than `before` runs or starts."""
        try:
            return self.postmaster_pid != before
        except (FileNotFoundError, IndexError):
            return False

    def kill_postmaster(self) -> None:
        os.kill(self.postmaster_pid, signal.SIGKILL)

    def end_all(self) -> None:
        """Kill every process of this place."""
        for command in self.commands:
            if command.is_running:
                command.kill()
        with contextlib.suppress(FileNotFoundError, psutil.NoSuchProcess, IndexError):
            server = psutil.Process(self.postmaster_pid)
            server.send_signal(signal.SIGQUIT)
            wait_until(lambda: not _lives(server), seconds=20, what="PostgreSQL has ended")

    def clear(self) -> None:
        """End everything and remove the folder."""
        self.end_all()
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass
class Api:
    """Plain HTTP with a key, beside the client."""

    hub: HubProcess
    key: str
    organization: str | None = None

    def __call__(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.key}"}
        if self.organization is not None:
            headers["X-Organization-Id"] = self.organization
        return request(method, self.hub.url + path, headers=headers, **options)

    def messages(self, conversation_id: object) -> list[dict[str, Any]]:
        """All messages of a conversation, in order."""
        return self.pages(f"/v1/conversations/{conversation_id}/messages")

    def pages(self, path: str) -> list[dict[str, Any]]:
        """The items of all pages of a list."""
        found: list[dict[str, Any]] = []
        cursor = None
        while True:
            params = {"limit": "200"} | ({"cursor": cursor} if cursor else {})
            answer = self("GET", path, params=params)
            assert answer.status_code == 200, answer.text
            page = answer.json()
            found += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return found
