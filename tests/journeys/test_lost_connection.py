"""The network between hub and database fails: nothing is acknowledged that is not stored."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.client.network import Relay

from aihub.client import Hub
from aihub.embedded import EmbeddedPostgres, EmbeddedSettings

from .processes import Api, HubProcess, Place, free_port, wait_until

pytestmark = pytest.mark.fault


@dataclass
class Distant:
    """A hub, and the network between it and its database."""

    hub: HubProcess
    relay: Relay
    api: Api


@pytest.fixture
def distant(place: Place) -> Iterator[Distant]:
    place.aihub("migrate")
    with EmbeddedPostgres(EmbeddedSettings(place.home)) as server:
        address = urlsplit(server.dsn)
        assert address.port is not None
        with Relay(address.port) as relay:
            near = urlsplit(relay.url).port
            url = server.dsn.replace(f":{address.port}/", f":{near}/")
            place.port = free_port()
            hub = place.serve(AIHUB_DATABASE_URL=url)
            yield Distant(hub, relay, Api(hub, place.key("--operator"), "org_123"))
            assert hub.stop() == 0


def test_connection_is_cut_and_comes_back(distant: Distant, tmp_path: Path) -> None:
    api, relay = distant.api, distant.relay
    conversation = api("POST", "/v1/conversations", json={"user_id": "u"}).json()["id"]
    path = f"/v1/conversations/{conversation}/messages"
    with Hub(
        distant.hub.url, api_key=api.key, organization_id="org_123", spool=tmp_path / "s", timeout=2
    ) as client:
        client.add_message(conversation, content="before")
        relay.cut()
        for method, options in (("POST", {"json": {"content": "lost"}}), ("GET", {})):
            began = time.monotonic()
            answer = api(method, path, **options)
            assert answer.status_code == 503, answer.text
            assert answer.json()["code"] == "database_unavailable"
            assert answer.headers["retry-after"]
            assert time.monotonic() - began < 12
        assert api("GET", "/health/live").status_code == 200
        assert api("GET", "/health/ready").status_code == 503
        assert client.add_message(conversation, content="meanwhile").pending
        relay.mend()
        wait_until(distant.hub.is_ready, seconds=15, what="the hub has its database again")
        assert client.flush(30)
        client.add_message(conversation, content="after")
    contents = [m["content"] for m in api.messages(conversation)]
    assert contents == ["before", "meanwhile", "after"]


def test_answers_of_the_database_are_lost(distant: Distant, tmp_path: Path) -> None:
    """Also that of a commit: it may have happened, and the client asks again with the same ids."""
    api, relay = distant.api, distant.relay
    conversation = api("POST", "/v1/conversations", json={"user_id": "u"}).json()["id"]
    with Hub(
        distant.hub.url, api_key=api.key, organization_id="org_123", spool=tmp_path / "s"
    ) as client:
        for n in range(16):
            relay.lose_answers += n % 2
            client.add_message(conversation, content=f"{n}", wait=False)
            wait_until(lambda: not relay.lose_answers, seconds=20, what="an answer is lost")
        assert client.flush(60), client.last_error
        assert client.failed() == []
    assert relay.lost == 8
    assert [m["content"] for m in api.messages(conversation)] == [f"{n}" for n in range(16)]
    assert "failed: /v1" not in distant.hub.output  # no 500 in between
