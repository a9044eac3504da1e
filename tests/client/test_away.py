"""The client while no hub is there: a real port on which nobody listens."""

import asyncio
import logging
import os
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from aihub.client import AsyncHub, Hub, HubError, HubUnavailable, Invalid


@pytest.fixture
def nowhere() -> Iterator[str]:
    """The URL of a port that is taken, but refuses every connection."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool.db"


@pytest.fixture
def hub(nowhere: str, path: Path) -> Iterator[Hub]:
    hub = Hub(nowhere, api_key="aho_key", organization_id="org_123", timeout=0.2, spool=path)
    yield hub
    hub.close(0)


def spooled(hub: Hub, organization: str = "org_123") -> list[str]:
    """What waits, as its type or content."""
    found = hub.engine._spool.peek(organization, max_events=1_000, max_bytes=10**9)
    return [s.event.type for s in found]


def test_write_is_kept_and_said_to_be_pending(hub: Hub) -> None:
    conversation = hub.create_conversation(user_id="user_456")
    assert conversation.pending
    assert (conversation.organization_id, conversation.status) == ("org_123", "active")
    message = hub.add_message(conversation.id, content="hi", model="gpt-4", tokens=150)
    assert message.pending
    assert message.conversation_id == conversation.id
    assert hub.complete(conversation.id).status == "completed"
    assert hub.add_feedback(conversation.id, score=4).pending
    assert hub.update_conversation(conversation.id, module="support").module == "support"
    assert hub.record_call(provider="openai", model="m", api="embeddings", tokens=3).pending
    kinds = ["conversation", "message", "transition", "feedback", "update", "call"]
    assert spooled(hub) == kinds
    assert hub.pending_count == len(kinds)
    assert isinstance(hub.last_error, HubUnavailable)
    assert hub.failed() == []
    assert not hub.flush(0)


def test_next_client_goes_on_with_the_same_events(hub: Hub, nowhere: str, path: Path) -> None:
    made = hub.create_conversation(user_id="u", organization_id="org_9", wait=False)
    hub.close(0)
    with pytest.raises(HubError, match="closed"):
        hub.create_conversation(user_id="u")
    with Hub(nowhere, api_key="aho_key", timeout=0.0, spool=path) as after:
        assert after.pending_count == 1
        # it knows the organization of what it took over
        assert after.add_message(made.id, content="hi", wait=False).pending
        assert spooled(after, "org_9") == ["conversation", "message"]


def test_operators_key_needs_an_organization(nowhere: str) -> None:
    with Hub(nowhere, api_key="aho_key", timeout=0.0, spool=None) as hub:
        with pytest.raises(Invalid) as caught:
            hub.create_conversation(user_id="u")
        assert caught.value.code == "organization_required"
        with pytest.raises(Invalid):
            hub.add_message("0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b", content="x")
        assert hub.pending_count == 0


def test_organizations_key_needs_none(nowhere: str) -> None:
    with Hub(nowhere, api_key="ahk_key", timeout=0.0, spool=None) as hub:
        conversation = hub.create_conversation(user_id="u", wait=False)
        hub.add_message(conversation.id, content="x", wait=False)
        assert spooled(hub, "") == ["conversation", "message"]


def test_all_writes_to_a_conversation_take_one_lane(nowhere: str) -> None:
    with Hub(nowhere, api_key="ahk_key", timeout=0.0, spool=None) as hub:
        conversation = hub.create_conversation(user_id="u", organization_id="org_1", wait=False)
        hub.add_message(conversation.id, content="x", wait=False)
        assert spooled(hub, "org_1") == ["conversation", "message"]


def test_read_says_that_the_hub_is_away(hub: Hub) -> None:
    with pytest.raises(HubUnavailable):
        hub.get_conversation("0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b", "org_123")
    with pytest.raises(HubUnavailable):
        list(hub.list_conversations())


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "ftp://hub.example", "http://"])
def test_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(Invalid) as caught:
        Hub(url, spool=None)
    assert caught.value.code == "base_url"


def test_threads_share_one_transaction_and_keep_everything(hub: Hub) -> None:
    conversation = hub.create_conversation(user_id="u", wait=False)

    def add() -> None:
        for _ in range(50):
            hub.add_message(conversation.id, content="hi", wait=False)

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert hub.pending_count == 401
    assert spooled(hub) == ["conversation", *["message"] * 400]


async def test_async_client_keeps_the_order_of_calls(nowhere: str, path: Path) -> None:
    async with AsyncHub(
        nowhere, api_key="aho_key", organization_id="org_123", timeout=0.0, spool=path
    ) as hub:
        conversation = await hub.create_conversation(user_id="u")
        assert conversation.pending
        added = await asyncio.gather(
            *(hub.add_message(conversation.id, content=str(n)) for n in range(200))
        )
        assert all(message.pending for message in added)
        found = hub.engine._spool.peek("org_123", max_events=1_000, max_bytes=10**9)
        assert [contents(s.event.body) for s in found[1:]] == list(range(200))
        assert hub.pending_count == 201
        assert not await hub.flush(0)
        with pytest.raises(HubUnavailable):
            await hub.get_conversation(conversation.id)


def contents(body: bytes) -> int:
    """The number that a message of the test above holds."""
    return int(body.split(b'"content":"')[1].split(b'"')[0])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_client_works_on_both_sides_of_a_fork(hub: Hub) -> None:
    conversation = hub.create_conversation(user_id="u", wait=False)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            hub.add_message(conversation.id, content="child", organization_id="org_123", wait=False)
            status = 0 if hub.pending_count == 1 else 2
        finally:
            os._exit(status)  # as a crash: nothing is closed
    hub.add_message(conversation.id, content="parent", wait=False)
    assert os.waitpid(child, 0)[1] == 0
    assert hub.pending_count == 2
    hub.engine._adopt()
    assert hub.pending_count == 3


def test_defaults_read_nothing_from_the_environment(tmp_path: Path) -> None:
    """A proxy, a key or a URL in the environment changes nothing; only the home folder counts."""
    script = """
        from aihub.client import Hub
        hub = Hub(timeout=0.0)
        print(hub.address.base_url, hub.address.api_key)
        print(hub.engine._spool._path)
        hub.close()
    """
    trap = "http://127.0.0.1:1"
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        check=True,
        capture_output=True,
        text=True,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "HTTP_PROXY": "no url",
            "AIHUB_API_KEY": "ahk_trap",
            "AIHUB_URL": trap,
        },
    )
    address, spool = done.stdout.splitlines()
    assert address == "http://127.0.0.1:8080 None"
    assert Path(spool).is_relative_to(tmp_path)


def test_process_that_forgets_to_close_loses_nothing(nowhere: str, path: Path) -> None:
    script = """
        import sys
        from pathlib import Path
        from aihub.client import Hub
        hub = Hub(sys.argv[1], api_key="ahk_key", timeout=0.0, spool=Path(sys.argv[2]))
        for n in range(10):
            hub.record_call(provider="openai", model="m", api="embeddings", tokens=n, wait=False)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script), nowhere, str(path)], check=True)
    with Hub(nowhere, api_key="ahk_key", timeout=0.0, spool=path) as hub:
        assert hub.pending_count == 10


def test_log_tells_once_that_events_wait(hub: Hub, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "aihub.client"):
        for _ in range(3):
            hub.create_conversation(user_id="u")
    assert [r.message for r in caplog.records if "stay in the spool" in r.message] != []
    assert len(caplog.records) == 1
