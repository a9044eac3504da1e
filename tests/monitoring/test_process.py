"""`aihub serve` as people run it: what its log says, and what it does not."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ..support.database import open_folder

QUESTION, PERSON = "a-question-nobody-may-read", "ada.lovelace@example.com"


class Process:
    """One hub on a folder of its own, its log as JSON."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        kept = {
            name: os.environ[name] for name in ("PATH", "LANG", "PYTHONPATH") if name in os.environ
        }
        self.environment = kept | {
            "HOME": str(folder),
            "AIHUB_HOME": str(folder / "data"),
            "AIHUB_PORT": str(self.port),
            "AIHUB_LOG_FORMAT": "json",
            "COLUMNS": "200",
        }
        self.log = folder / "log"
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "aihub.cli", "serve"],
                env=self.environment, cwd=self.folder, stdout=output, stderr=output,
            )  # fmt: skip
        until = time.monotonic() + 60
        while True:
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < until, self.log.read_text()
            try:
                if self.ask("GET", "/health/ready").status_code == 200:
                    return
            except httpx.HTTPError:
                time.sleep(0.05)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)

    def key(self) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "aihub.cli", "keys", "create", "--operator"],
            env=self.environment, cwd=self.folder, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return next(word for word in done.stdout.split() if word.startswith("aho_"))

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        url = f"http://127.0.0.1:{self.port}{path}"
        return httpx.request(method, url, trust_env=False, timeout=30, **options)

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def hub() -> Iterator[Process]:
    with open_folder() as folder:
        made = Process(folder)
        try:
            made.start()
            yield made
        finally:
            made.stop()


def test_the_log_of_a_day(hub: Process) -> None:
    key = hub.key()
    headers = {"Authorization": f"Bearer {key}", "X-Organization-Id": "org_123"}
    given = headers | {"X-Request-Id": "trace-1234"}
    made = hub.ask("POST", "/v1/conversations", json={"user_id": PERSON}, headers=given)
    path = f"/v1/conversations/{made.json()['id']}/messages"
    asked = [
        (201, hub.ask("POST", path, json={"content": QUESTION}, headers=headers)),
        (422, hub.ask("POST", path, json={"content": 7, QUESTION: 1}, headers=headers)),
        (422, hub.ask("POST", path, json={"content": QUESTION + "\x00"}, headers=headers)),
        (400, hub.ask("POST", path, content=QUESTION.encode(), headers=headers)),
        (401, hub.ask("GET", path, headers={"Authorization": "Bearer ahk_not-a-key-at-all"})),
        (404, hub.ask("GET", f"/{QUESTION}")),
        (404, hub.ask("GET", f"/v1/conversations/{made.json()['id']}x/{QUESTION}")),
        (200, hub.ask("GET", f"/v1/conversations?user_id={PERSON}", headers=headers)),
        (200, hub.ask("GET", "/sign-in/link/a-secret-of-a-link")),
        (303, hub.ask("GET", "/conversations?q=" + QUESTION)),
        (200, hub.ask("GET", "/health/ready")),
        (200, hub.ask("GET", "/metrics")),
    ]
    assert [answer.status_code for _, answer in asked] == [status for status, _ in asked]
    text = hub.log.read_text("utf-8")
    for secret in (QUESTION, PERSON, key, "ahk_", "aho_", "a-secret-of-a-link", "org_123"):
        assert secret not in text
    lines = hub.lines()
    access = {line["request_id"]: line for line in lines if line["logger"] == "aihub.access"}
    for status, answer in asked:
        line = access[answer.headers["x-request-id"]]
        assert line["status"] == status
        assert line["duration_ms"] > 0
    first = access["trace-1234"]
    assert made.headers["x-request-id"] == "trace-1234"
    assert (first["method"], first["route"], first["status"]) == ("POST", "/v1/conversations", 201)
    assert len(first["organization_id"]) == 36
    assert access[asked[0][1].headers["x-request-id"]]["route"] == "/v1/conversations/{id}/messages"
    assert access[asked[5][1].headers["x-request-id"]]["route"] == "unmatched"


def test_the_figures_of_the_whole_hub(hub: Process) -> None:
    text = hub.ask("GET", "/metrics").text
    for name in (
        'aihub_check_ok{check="migrations"} 1.0',
        'aihub_check_ok{check="writes"} 1.0',
        "aihub_database_up 1.0",
        "aihub_disk_free_bytes",
        "aihub_price_book_info{version=",
        "aihub_rollup_lag_seconds",
        "aihub_writer_flush_duration_seconds_count",
    ):
        assert name in text


def test_a_settings_format_is_kept_by_every_line(hub: Process) -> None:
    found = hub.lines()
    assert len(found) > 3
    assert all({"time", "level", "logger", "message"} <= line.keys() for line in found)
