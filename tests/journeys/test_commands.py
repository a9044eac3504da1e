"""The commands of `aihub`, each in a process of its own."""

import re
import signal
from pathlib import Path

import httpx
import pytest

from .processes import Api, Place, free_port, wait_until


def test_demo_is_ready_in_time_and_comes_again(place: Place) -> None:
    first = place.start("demo", "--no-browser")
    assert first.wait_for("AI Hub is ready", seconds=30) < 30
    first.wait_for("Stop with Ctrl-C", seconds=5)
    assert "not stored" not in first.output
    before = _conversations(place, first.output)
    assert len(before) > 2_500
    link = next(w for w in first.output.split() if "/sign-in/link/" in w)
    assert httpx.get(link, trust_env=False).status_code == 200
    assert first.stop(by=signal.SIGINT) == 0
    assert not (place.home / "cluster" / "postmaster.pid").exists()

    again = place.start("demo", "--no-browser")
    assert again.wait_for("AI Hub is ready", seconds=30) < 30
    again.wait_for("Stop with Ctrl-C", seconds=5)
    after = _conversations(place, again.output)
    assert before <= after
    assert len(after - before) < 100  # what came meanwhile, not the month once more
    assert again.stop() == 0
    assert "Traceback" not in first.output + again.output


def _conversations(place: Place, output: str) -> set[str]:
    keys = re.findall(r"ahk_[\w-]+", output)
    assert len(keys) == 3
    url = f"http://127.0.0.1:{place.port}"
    found: set[str] = set()
    with httpx.Client(base_url=url, trust_env=False, timeout=30) as client:
        for key in keys:
            cursor: str | None = ""
            while cursor is not None:
                page = client.get(
                    "/v1/conversations",
                    params={"limit": 200, "cursor": cursor},
                    headers={"Authorization": f"Bearer {key}"},
                ).json()
                found |= {item["id"] for item in page["items"]}
                cursor = page["next_cursor"]
    return found


def test_migrate_tells_and_does(place: Place) -> None:
    assert "missing: " in place.aihub("migrate", "--check", status=1)
    assert "wrong" in place.aihub("doctor", status=1)
    assert "applied" in place.aihub("migrate")
    assert "up to date" in place.aihub("migrate", "--check")
    assert "up to date already" in place.aihub("migrate")
    assert "partitions are there 3 months ahead" in place.aihub("doctor")
    assert not (place.home / "cluster" / "postmaster.pid").exists()


def test_commands_work_beside_a_hub_that_runs(shared_place: Place, api: Api) -> None:
    place = shared_place
    examined = place.aihub("doctor")
    assert "All is well" in examined
    assert "something listens" in examined
    assert "made" in place.aihub("org", "create", "shop", "--name", "The Shop", "--plan", "pro")
    assert "exists already" in place.aihub("org", "create", "shop")
    assert "The Shop" in place.aihub("org", "list")
    assert "2,700 s" in place.aihub("org", "set", "shop", "--idle-pause-seconds", "2700")
    key = place.key("--organization", "shop")
    own = Api(api.hub, key)
    made = own("POST", "/v1/conversations", json={"user_id": "u"})
    assert (made.status_code, made.json()["organization_id"]) == (201, "shop")
    listed = place.aihub("keys", "list", "--organization", "shop")
    assert key not in listed
    [key_id] = re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", listed)
    place.aihub("keys", "revoke", key_id)
    wait_until(
        lambda: own("GET", "/v1/conversations").status_code == 401,
        seconds=60,
        what="the key is refused",
    )
    assert api.hub.is_ready()


def test_api_and_worker_share_a_database(place: Place) -> None:
    api_process = place.serve("--only", "api")
    place.aihub("org", "create", "org_123")
    place.aihub("org", "set", "org_123", "--idle-pause-seconds", "1")
    api = Api(api_process, place.key("--organization", "org_123"))
    old = {"user_id": "u", "started_at": "2026-01-31T12:00:00Z"}
    conversation = api("POST", "/v1/conversations", json=old).json()["id"]

    def status() -> str:
        return str(api("GET", f"/v1/conversations/{conversation}").json()["status"])

    worker = place.start("worker")
    worker.wait_for("working", seconds=30)
    wait_until(lambda: status() != "active", seconds=60, what="the worker pauses it")
    scheduler = place.start("serve", "--only", "scheduler")
    scheduler.wait_for("working", seconds=30)
    assert worker.stop() == 0
    assert scheduler.stop(by=signal.SIGINT) == 0
    assert status() in ("paused", "completed")  # the server that they shared runs on
    assert api_process.stop() == 0
    assert not (place.home / "cluster" / "postmaster.pid").exists()


def test_what_cannot_work_is_said_in_a_sentence(shared_place: Place, api: Api) -> None:
    place = shared_place
    assert "another port" in place.aihub("serve", status=1)
    assert "AIHUB_PROT is not a setting" in place.aihub("serve", status=2, AIHUB_PROT="1")
    assert "AIHUB_PORT" in place.aihub("serve", status=2, AIHUB_PORT="70000")
    nobody = f"postgresql://postgres:wrong@127.0.0.1:{free_port()}/postgres"
    for words in (["serve", "--port", str(free_port())], ["org", "list"]):
        assert "error: " in place.aihub(*words, status=1, AIHUB_DATABASE_URL=nobody)
    postgres = (place.home / "cluster" / "postmaster.pid").read_text().split()[3]
    refused = f"postgresql://postgres:wrong@127.0.0.1:{postgres}/postgres"
    for words in (["serve", "--port", str(free_port())], ["worker"], ["migrate", "--check"]):
        said = place.aihub(*words, status=1, AIHUB_DATABASE_URL=refused)
        assert "password authentication failed" in said
    assert "does not let us in" in place.aihub("doctor", status=1, AIHUB_DATABASE_URL=refused)
    assert "no such file" in place.aihub("import", "chat", "nowhere.jsonl", status=2).lower()


@pytest.mark.fault
def test_terminated_while_it_starts(place: Place) -> None:
    """Whenever the signal comes, no PostgreSQL is left behind."""
    lock = place.home / "cluster" / "postmaster.pid"
    hub = place.start("serve")
    wait_until(lock.exists, seconds=30, what="PostgreSQL begins to start")
    hub.stop()
    wait_until(lambda: not lock.exists(), seconds=15, what="PostgreSQL has ended too")
    assert "Traceback" not in hub.output
    assert place.serve().stop() == 0


def test_openapi_is_printed_without_a_database(place: Place, tmp_path: Path) -> None:
    document = place.aihub("openapi")
    assert document.startswith("{")
    assert '"/v1/conversations"' in document
    assert not place.home.exists()
