"""`aihub import chat FILE` into a hub that runs: all of a file, in order, and only once.

AIHUB_TEST_CHAT_FILE names a file of yours (JSONL, OpenAI chat format) to try it with.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .processes import Api, Place

CHAT_FILE = os.environ.get("AIHUB_TEST_CHAT_FILE")


def _lines(count: int) -> Iterator[dict[str, Any]]:
    """Conversations with tools, texts of several scripts, and turns without a text."""
    for n in range(count):
        call = {
            "id": f"call_{n}",
            "type": "function",
            "function": {"name": "find_order", "arguments": json.dumps({"order": f"{n}é"})},
        }
        yield {
            "id": f"talk-{n:03}",
            "model": "gpt-4o",
            "messages": [
                {"role": "system", "content": "Help with orders.\n\n- Be kind."},
                {"role": "user", "content": f"Wo ist Bestellung {n}? 注文 📦"},
                {"role": "assistant", "content": None, "tool_calls": [call]},
                {"role": "tool", "tool_call_id": call["id"], "content": '{"state": "sent"}'},
                *({"role": "user", "content": f"and {m}?"} for m in range(n % 7)),
                {"role": "assistant", "content": f"It is on its way ({n})."},
            ],
        }


def _compare(api: Api, lines: list[dict[str, Any]]) -> dict[str, int]:
    """Each line's conversation has each message of it, in order; how many there were."""
    stored = {c["metadata"]["import_id"]: c for c in api.pages("/v1/conversations")}
    assert len(stored) == len(lines)
    total = {"conversations": 0, "messages": 0, "tool calls": 0, "tokens": 0}
    for line in lines:
        conversation = stored[line["id"]]
        messages = api.messages(conversation["id"])
        assert len(messages) == conversation["message_count"] == len(line["messages"])
        assert [m["seq"] for m in messages] == list(range(1, len(messages) + 1))
        for message, own in zip(messages, line["messages"], strict=True):
            assert message["role"] == own["role"]
            assert message["content"] == (own["content"] or "")
            assert message.get("tool_calls") == own.get("tool_calls")
            if "tool_call_id" in own:
                assert message["metadata"]["tool_call_id"] == own["tool_call_id"]
            total["tool calls"] += len(own.get("tool_calls") or [])
        assert conversation["total_tokens"] == sum(m["tokens"] for m in messages)
        total["conversations"] += 1
        total["messages"] += len(messages)
        total["tokens"] += conversation["total_tokens"]
    return total


def _import_twice(place: Place, api: Api, file: Path) -> dict[str, int]:
    """Import, compare, import again: nothing is new then."""
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines() if line.strip()]
    words = ["import", "chat", str(file), "--organization", str(api.organization)]
    printed = place.aihub(*words)
    found = _compare(api, lines)
    before = api.pages("/v1/conversations")
    assert f"{found['messages']:,}" in printed
    again = place.aihub(*words)
    [row] = [line for line in again.splitlines() if " messages " in line]
    new, known = (cell.strip() for cell in row.split("│")[2:4])
    assert (new, known) == ("0", f"{found['messages']:,}")
    assert api.pages("/v1/conversations") == before
    assert _compare(api, lines) == found
    return found


def test_file_is_stored_whole_and_once(shared_place: Place, api: Api, tmp_path: Path) -> None:
    file = tmp_path / "chat.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in _lines(40)), "utf-8")
    found = _import_twice(shared_place, Api(api.hub, api.key, "org_import"), file)
    assert (found["conversations"], found["tool calls"]) == (40, 40)


def test_bad_lines_are_named_and_the_rest_is_stored(
    shared_place: Place, api: Api, tmp_path: Path
) -> None:
    good = list(_lines(4))
    file = tmp_path / "chat.jsonl"
    bad = ["{not json", '{"messages": "none"}', '{"messages": [{"role": "robot", "content": "x"}]}']
    lines = [json.dumps(good[0]), bad[0], json.dumps(good[1]), bad[1], bad[2]]
    file.write_text("\n".join([*lines, "", json.dumps(good[2]), json.dumps(good[3])]), "utf-8")
    words = ["import", "chat", str(file), "--organization", "org_bad"]
    printed = shared_place.aihub(*words, status=1)
    named = [line.split(":")[0] for line in printed.splitlines() if line.startswith("line ")]
    assert named == ["line 2", "line 4", "line 5"]
    assert "3 bad lines" in printed
    _compare(Api(api.hub, api.key, "org_bad"), good)


@pytest.mark.skipif(CHAT_FILE is None, reason="AIHUB_TEST_CHAT_FILE names no file")
def test_own_file_is_stored_whole_and_once(shared_place: Place, api: Api) -> None:
    assert CHAT_FILE is not None
    found = _import_twice(shared_place, Api(api.hub, api.key, "org_own"), Path(CHAT_FILE))
    print(found)
