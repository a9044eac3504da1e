"""A disk that fills up under a hub that runs: a small file system of its own."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from aihub.client import Hub

from .processes import Api, HubProcess, Place, wait_until

pytestmark = pytest.mark.fault

SIZE_MB = 320
WRITER = """
import sys, time
from aihub.client import Hub

url, key, spool, conversation = sys.argv[1:]
with Hub(url, api_key=key, organization_id="org_123", spool=spool, timeout=1) as hub:
    for n in range(400):
        hub.add_message(conversation, content=f"{n} " + "x" * 2_000, wait=n % 20 == 0)
        print("kept", n, flush=True)
        time.sleep(0.03)  # so that it is still at it when the disk is full
    assert hub.flush(90), hub.last_error
    print("failed", len(hub.failed()), flush=True)
"""


@pytest.fixture
def small(place: Place) -> Iterator[Place]:
    """A place whose data folder is a file system of its own."""
    place.home.mkdir(mode=0o755)
    words = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m,mode=0755", "tmpfs", str(place.home)]
    try:
        mounted = subprocess.run(words, capture_output=True, check=False, text=True)
    except FileNotFoundError:
        pytest.skip("there is no mount here")
    if mounted.returncode:
        pytest.skip(f"a small file system cannot be mounted: {mounted.stderr.strip()}")
    yield place
    place.end_all()
    subprocess.run(["umount", "--lazy", str(place.home)], check=False)


def fill(filler: Path, *, leave: int) -> None:
    """Take all room but `leave` bytes."""
    found = os.statvfs(filler.parent)
    file = os.open(filler, os.O_WRONLY | os.O_CREAT)
    try:
        with contextlib.suppress(OSError):  # somebody else took some meanwhile
            os.posix_fallocate(file, 0, found.f_bavail * found.f_frsize - leave)
        with contextlib.suppress(OSError):
            while leave == 0:
                os.write(file, bytes(4096))
    finally:
        os.close(file)


def write_status(api: Api, conversation: str) -> int:
    return api("POST", f"/v1/conversations/{conversation}/messages", json=MESSAGE).status_code


MESSAGE = {"content": "is there room?", "model": "gpt-4", "tokens": 1}


@pytest.mark.parametrize("leave", [20 << 20, 0], ids=["nearly", "to the last byte"])
def test_full_disk(small: Place, leave: int) -> None:
    hub = small.serve()
    api = Api(hub, small.key("--operator"), "org_123")
    probe, busy = (
        api("POST", "/v1/conversations", json={"user_id": user}).json()["id"] for user in "ab"
    )
    words = [hub.url, api.key, str(small.folder / "spool.db"), busy]
    writer = small.run(WRITER, *words)
    writer.wait_for("kept 40", seconds=30)

    fill(small.home / "filler", leave=leave)
    stored = 0

    def is_refused() -> bool:
        nonlocal stored
        status = write_status(api, probe)
        assert status in (201, 503, 507), hub.output[-2000:]
        stored += status == 201
        return status == 507

    wait_until(is_refused, seconds=15, what="writes are refused with 507")

    def says_refused() -> bool:
        return bool(api("GET", "/health/ready").json()["writes"] == "refused")

    wait_until(says_refused, seconds=5, what="the hub knows it itself, and gave up its reserve")
    if leave == 0:  # whatever eats the disk goes on: what the hub had in reserve goes too
        fill(small.home / "more", leave=0)
    postmaster = small.postmaster_pid
    refused = api("POST", f"/v1/conversations/{probe}/messages", json=MESSAGE)
    assert refused.json()["code"] == "disk_full"
    assert int(refused.headers["retry-after"]) > 0
    check_reads(hub, api, probe, stored)
    assert says_refused()
    assert writer.is_running
    assert small.postmaster_pid == postmaster

    for name in ("filler", "more"):
        (small.home / name).unlink(missing_ok=True)
    wait_until(lambda: write_status(api, probe) == 201, seconds=15, what="writes are taken again")
    writer.kill()  # it would come back after the Retry-After; another one does so at once
    with Hub(hub.url, api_key=api.key, spool=small.folder / "spool.db") as successor:
        wait_until(lambda: successor.flush(1), seconds=30, what="nothing is left in the spool")
        assert successor.failed() == []
    contents = [int(m["content"].split()[0]) for m in api.messages(busy)]
    assert contents == list(range(len(contents)))
    assert len(contents) >= writer.output.count("kept") > 40
    assert len(api.messages(probe)) == stored + 1
    assert hub.is_running
    assert "Traceback" not in hub.output
    assert hub.stop() == 0


def check_reads(hub: HubProcess, api: Api, probe: str, stored: int) -> None:
    """All of it can be read while the disk is full."""
    wait_until(hub.is_ready, seconds=15, what="reads are served")
    assert len(api.messages(probe)) == stored
    for path in ("/v1/conversations", "/v1/calls", f"/v1/conversations/{probe}", "/health/live"):
        assert api("GET", path).status_code == 200, path
