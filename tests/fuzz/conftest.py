"""One hub in a process of its own, for everything that is thrown at it."""

import os
from collections.abc import Iterator
from dataclasses import dataclass

import psutil
import pytest
from tests.journeys.processes import Api, HubProcess, Place


@dataclass(frozen=True)
class Target:
    """A hub with something in it."""

    hub: HubProcess
    api: Api
    call: str

    def make_conversation(self) -> str:
        """A new one; its id."""
        made = self.api("POST", "/v1/conversations", json={"user_id": "user_456"})
        assert made.status_code == 201, made.text
        return str(made.json()["id"])

    def memory_mb(self) -> float:
        """What the hub's process holds."""
        return float(psutil.Process(self.hub.process.pid).memory_info().rss) / (1 << 20)


@pytest.fixture(scope="session")
def target() -> Iterator[Target]:
    place = Place.make()
    try:
        hub = place.serve(AIHUB_LOG_LEVEL="warning")
        api = Api(hub, place.key("--operator"), "org_123")
        call = {"provider": "openai", "model": "gpt-4", "api": "chat.completions", "tokens": 150}
        yield Target(hub, api, api("POST", "/v1/calls", json=call).json()["id"])
    finally:
        place.clear()


@pytest.fixture(scope="session")
def fuzz_count() -> int | None:
    """AIHUB_TEST_FUZZ: how many requests to make instead of the usual number."""
    given = os.environ.get("AIHUB_TEST_FUZZ")
    return int(given) if given else None
