"""Every part is killed while messages flow: afterwards each message is there exactly once."""

import os
import random
import re
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from .processes import Api, Command, HubProcess, Place, wait_until

pytestmark = pytest.mark.fault

# Both write "GENERATION.N" into one conversation for as long as they live, up to a last N. A line
# of their output means: the client took it ("kept N"), the hub answered that it is stored ("stored
# N"). Whoever is told `-1` for the last one only sends what earlier ones left.
SYNC_WRITER = """
import sys, time
from aihub.client import Hub

url, key, spool, conversation, generation, last = sys.argv[1:]
hub = Hub(url, api_key=key, organization_id="org_123", spool=spool, timeout=2)
for n in range(int(last) + 1):
    waits = n % 20 == 0
    message = hub.add_message(
        conversation, content=f"{generation}.{n}", model="gpt-4", tokens=10, wait=waits
    )
    print("stored" if waits and not message.pending else "kept", n, flush=True)
    time.sleep(0.002)  # so that it is still at it when something is killed
assert hub.flush(60), hub.last_error
print("flushed", len(hub.failed()), flush=True)
hub.close()
"""

ASYNC_WRITER = """
import asyncio, sys
from aihub.client import AsyncHub

url, key, spool, conversation, generation, last = sys.argv[1:]

async def main():
    hub = AsyncHub(url, api_key=key, organization_id="org_123", spool=spool, timeout=2)
    for n in range(int(last) + 1):
        waits = n % 20 == 0
        message = await hub.add_message(
            conversation, content=f"{generation}.{n}", model="gpt-4", tokens=10, wait=waits
        )
        print("stored" if waits and not message.pending else "kept", n, flush=True)
        await asyncio.sleep(0.002)
    assert await hub.flush(60), hub.last_error
    print("flushed", len(await hub.failed()), flush=True)
    await hub.close()

asyncio.run(main())
"""

MANY = 2_000
TAKEN = re.compile(r"^(?:kept|stored) (\d+)$", re.MULTILINE)


@dataclass
class Stage:
    """A hub, a conversation in it, and writers."""

    place: Place
    hub: HubProcess
    key: str
    script: str
    conversation: str
    writers: dict[int, Command] = field(default_factory=dict)

    @property
    def api(self) -> Api:
        return Api(self.hub, self.key, "org_123")

    def write(self, last: int) -> Command:
        """Start a writer of the next generation."""
        generation = len(self.writers)
        words = [
            self.hub.url,
            self.key,
            str(self.place.folder / f"{self.conversation}.db"),
            self.conversation,
        ]
        writer = self.place.run(self.script, *words, str(generation), str(last))
        self.writers[generation] = writer
        return writer

    def progressed(self, writer: Command, lines: int) -> None:
        """Wait until a writer has got on by so many messages."""
        aim = len(TAKEN.findall(writer.output)) + lines
        wait_until(
            lambda: not writer.is_running or len(TAKEN.findall(writer.output)) >= aim,
            seconds=60,
            what=f"{lines} more messages: {writer.output[-500:]}",
        )

    def finish(self, writer: Command) -> None:
        """Wait until a writer has got rid of everything; nothing was refused."""
        assert writer.process.wait(90) == 0, writer.output[-3000:] + self.hub.output[-3000:]
        assert "flushed 0" in writer.output

    def restart_hub(self) -> float:
        self.hub = self.place.start("serve")
        return self.hub.wait_until_ready()

    def check(self) -> int:
        """Nothing that was taken is missing, nothing is there twice, all is in order."""
        messages = self.api.messages(self.conversation)
        stored = Counter(m["content"] for m in messages)
        assert [c for c, times in stored.items() if times > 1] == []
        assert [m["seq"] for m in messages] == list(range(1, len(messages) + 1))
        for generation, writer in self.writers.items():
            taken = {int(n) for n in TAKEN.findall(writer.output)}
            own = [m["content"].split(".") for m in messages]
            numbers = [int(n) for g, n in own if int(g) == generation]
            assert numbers == list(range(len(numbers)))  # in order and without a hole
            assert taken <= set(numbers)
            # at most the one that was under way when the writer was killed was not told
            assert len(numbers) <= len(taken) + 1
        whole = self.api("GET", f"/v1/conversations/{self.conversation}").json()
        assert whole["message_count"] == len(messages)
        assert whole["total_tokens"] == 10 * len(messages)
        return len(messages)


@pytest.fixture(scope="module")
def house() -> Iterator[Place]:
    """One data folder for all of it: each test finds what the one before has left."""
    made = Place.make()
    made.serve()
    yield made
    made.clear()


@pytest.fixture(scope="module")
def key(house: Place) -> str:
    return house.key("--operator")


@pytest.fixture(params=[SYNC_WRITER, ASYNC_WRITER], ids=["sync", "async"])
def stage(request: pytest.FixtureRequest, house: Place, key: str) -> Iterator[Stage]:
    hubs = [c for c in house.commands if isinstance(c, HubProcess) and c.is_running]
    hub = hubs[-1] if hubs else house.serve()
    made = Api(hub, key, "org_123")("POST", "/v1/conversations", json={"user_id": "user_456"})
    assert made.status_code == 201, made.text
    stage = Stage(house, hub, key, request.param, made.json()["id"])
    yield stage
    for writer in stage.writers.values():
        writer.kill()


def test_client_is_killed(stage: Stage) -> None:
    for lines in (1, 57, 208):
        writer = stage.write(last=5_000)
        stage.progressed(writer, lines)
        writer.kill()
    stage.finish(stage.write(last=50))
    assert stage.check() > 300


def test_hub_is_killed(stage: Stage, record_property: Callable[[str, object], None]) -> None:
    writer = stage.write(last=MANY)
    for lines in (30, 211, 160):
        stage.progressed(writer, lines)
        stage.hub.kill()
        stage.progressed(writer, 40)  # the client goes on without it
        record_property("seconds until the hub was back", stage.restart_hub())
    stage.finish(writer)
    assert stage.check() == MANY + 1


def test_postmaster_is_killed(stage: Stage, record_property: Callable[[str, object], None]) -> None:
    writer = stage.write(last=MANY)
    probe = stage.api("POST", "/v1/conversations", json={"user_id": "probe"}).json()["id"]
    acknowledged = 0

    def stored() -> bool:
        nonlocal acknowledged
        answer = stage.api("POST", f"/v1/conversations/{probe}/messages", json={"content": "x"})
        assert answer.status_code in (201, 503), answer.text
        acknowledged += answer.status_code == 201
        return answer.status_code == 201

    for lines in (30, 300):
        stage.progressed(writer, lines)
        before = stage.place.postmaster_pid
        stage.place.kill_postmaster()

        def goes_on(before: int = before) -> bool:
            # what the old server has begun may still be answered
            return stage.place.has_new_postmaster(before) and stored()

        seconds = wait_until(goes_on, seconds=15, what="writes are taken again")
        record_property("seconds until writes were taken again", seconds)
    stage.finish(writer)
    assert len(stage.api.messages(probe)) >= acknowledged
    assert stage.check() == MANY + 1


def test_everything_is_killed_in_any_order(stage: Stage) -> None:
    seed = time.time_ns()
    chance = random.Random(seed)
    print("seed", seed)  # shown when it fails
    for _ in range(3):
        writer = stage.write(last=20_000)
        stage.progressed(writer, chance.randint(1, 250))
        victims = [stage.hub.kill, writer.kill, stage.place.kill_postmaster]
        chance.shuffle(victims)
        for kill in victims:
            kill()
            time.sleep(chance.uniform(0, 0.05))  # what survives may do something
        stage.restart_hub()
    stage.finish(stage.write(last=20))
    assert stage.check() > 21


def test_terminated_hub_has_stored_what_it_had_begun(stage: Stage) -> None:
    writer = stage.write(last=MANY)
    for stop in (signal.SIGTERM, signal.SIGINT):
        stage.progressed(writer, 100)
        assert stage.hub.stop(by=stop) == 0, stage.hub.output
        assert not (stage.place.home / "cluster" / "postmaster.pid").exists()
        assert "Traceback" not in stage.hub.output
        stage.restart_hub()
    stage.finish(writer)
    assert stage.check() == MANY + 1


def test_second_ctrl_c_does_not_leave_postgresql_behind(stage: Stage) -> None:
    stage.hub.process.send_signal(signal.SIGINT)
    assert stage.hub.stop(by=signal.SIGINT) == 0, stage.hub.output
    assert not (stage.place.home / "cluster" / "postmaster.pid").exists()
    stage.restart_hub()
    assert stage.check() == 0


def test_backend_is_killed(stage: Stage) -> None:
    """PostgreSQL then ends all connections and recovers by itself."""
    writer = stage.write(last=600)
    stage.progressed(writer, 50)
    postmaster = stage.place.postmaster_pid
    os.kill(_a_backend(postmaster), signal.SIGKILL)
    stage.finish(writer)
    assert stage.place.postmaster_pid == postmaster
    assert stage.check() == 601


def _a_backend(postmaster: int) -> int:
    import psutil

    for process in psutil.Process(postmaster).children():
        if "aihub" in " ".join(process.cmdline()) and "127.0.0.1" in " ".join(process.cmdline()):
            return process.pid
    raise AssertionError("nobody is connected")
