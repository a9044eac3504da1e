"""The client against a hub that runs: the acceptance test of the project, and the guide."""

import asyncio
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import pytest

from aihub.client import AsyncHub, Hub, NotFound

from .processes import Api, HubProcess, Place

GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "python-client.md"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def test_acceptance(hub: HubProcess, operator_key: str, tmp_path: Path) -> None:
    with Hub(hub.url, api_key=operator_key, spool=tmp_path / "spool.db") as client:
        conversation = client.create_conversation(organization_id="org_123", user_id="user_456")
        assert conversation.organization_id == "org_123"
        assert conversation.user_id == "user_456"
        assert conversation.status == "active"
        assert client.get_conversation(conversation.id, "other_org") is None
        client.add_message(conversation.id, content="test message", model="gpt-4", tokens=150)
        found = client.get_conversation(conversation.id, "org_123")
        assert found is not None
        assert found.total_tokens == 150
        assert found.total_cost == 0.0045
        assert found.total_cost == Decimal("0.0045")
        [message] = client.get_messages(conversation.id)
        assert (message.content, message.seq) == ("test message", 1)


async def test_acceptance_async(hub: HubProcess, operator_key: str, tmp_path: Path) -> None:
    async with AsyncHub(hub.url, api_key=operator_key, spool=tmp_path / "spool.db") as client:
        conversation = await client.create_conversation(
            organization_id="org_123", user_id="user_456"
        )
        assert (conversation.organization_id, conversation.status) == ("org_123", "active")
        assert await client.get_conversation(conversation.id, "other_org") is None
        await client.add_message(conversation.id, content="test message", model="gpt-4", tokens=150)
        found = await client.get_conversation(conversation.id, "org_123")
        assert found is not None
        assert found.total_tokens == 150
        assert found.total_cost == 0.0045


def test_every_block_of_the_guide_runs(
    shared_place: Place, hub: HubProcess, operator_key: str
) -> None:
    shared_place.aihub("org", "create", "guide")
    blocks = BLOCK.findall(GUIDE.read_text("utf-8"))
    assert len(blocks) >= 7
    program = (
        "\n".join(blocks)
        .replace("http://127.0.0.1:8080", hub.url)
        .replace("ahk_...", shared_place.key("--organization", "guide"))
        .replace("aho_...", operator_key)
    )
    assert "..." not in program
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program + "\nhub.close()\n"],
        env=shared_place.environment(),
        cwd=shared_place.folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    first, second, *_ = done.stdout.splitlines()
    assert first == "0.0054 priced"  # gpt-4: 120 x 0.00003 + 30 x 0.00006
    assert second.startswith("150 0.0054 ['Where is my order?', 'On its way")
    assert "illegal_transition" in done.stdout
    assert "pending" not in done.stdout


def test_concurrent_writers_lose_nothing(
    hub: HubProcess, operator_key: str, api: Api, tmp_path: Path
) -> None:
    async def write() -> str:
        async with AsyncHub(
            hub.url, api_key=operator_key, organization_id="org_123", spool=tmp_path / "spool.db"
        ) as client:
            conversation = await client.create_conversation(user_id="many")
            await asyncio.gather(
                *(
                    client.add_message(conversation.id, content=f"{n}", model="gpt-4", tokens=1)
                    for n in range(300)
                )
            )
            return str(conversation.id)

    found = asyncio.run(write())
    messages = api.messages(found)
    assert sorted(int(m["content"]) for m in messages) == list(range(300))
    assert [m["seq"] for m in messages] == list(range(1, 301))
    whole = api("GET", f"/v1/conversations/{found}").json()
    assert (whole["message_count"], whole["total_tokens"]) == (300, 300)
    assert whole["total_cost"] == pytest.approx(0.009, abs=0)


def test_stranger_is_not_found(hub: HubProcess, operator_key: str, tmp_path: Path) -> None:
    with Hub(hub.url, api_key=operator_key, spool=tmp_path / "spool.db") as client:
        nobody = str(uuid4())
        assert client.get_conversation(nobody, "org_123") is None
        with pytest.raises(NotFound):
            client.get_messages(nobody, "org_123")
