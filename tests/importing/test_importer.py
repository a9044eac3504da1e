"""Whole imports into a double of the store: every message, in order, once, whatever happened."""

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from aihub.importing.chat_files import measure_file
from aihub.importing.importer import ChatImporter
from aihub.importing.planner import ImportOptions
from aihub.importing.schedule import resolve_window
from aihub.kit.ids import uuid7_time

NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)
CALL = {"id": "call_1", "type": "function", "function": {"name": "find", "arguments": "{}"}}


def make_line(index, *, turns=3, **extra):
    messages = [{"role": "system", "content": "Be brief."}]
    for turn in range(turns):
        messages += [
            {"role": "user", "content": f"Question {turn} of conversation {index}?"},
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "call_1", "content": "found"},
            {"role": "assistant", "content": f"Answer {turn}."},
        ]
    return {"id": f"c-{index}", "model": "gpt-4o", "messages": messages, **extra}


async def import_file(path, store, *, now=NOW, days=30.0, start=None, **options):
    problems = []
    window = resolve_window(
        start=start, end=None, days=days, now=now, count=measure_file(path).lines
    )
    importer = ChatImporter(
        store,
        options=ImportOptions(**{"organization_id": "org_1", **options}),
        window=window,
        report_line=lambda number, reason: problems.append((number, reason)),
        report_bytes=lambda offset: None,
    )
    return await importer.import_file(path), problems


async def test_every_message_is_stored_in_order_with_its_times_and_tokens(store, write_lines):
    lines = [make_line(i) for i in range(5)]
    summary, problems = await import_file(write_lines(*lines), store)
    assert problems == []
    assert summary.is_complete
    assert (summary.conversations.new, summary.messages.new) == (5, 65)
    for line, conversation in zip(lines, store.conversations.values(), strict=True):
        assert conversation["metadata"] == {"import_id": line["id"]}
        assert conversation["status"] == "completed"
        messages = store.messages_of(conversation)
        assert [(m["role"], m["content"]) for m in messages] == [
            (m["role"], m["content"] or "") for m in line["messages"]
        ]
        times = [m["created_at"] for m in messages]
        assert times == sorted(set(times))
        assert times[0] == conversation["started_at"]
        assert times[-1] == conversation["ended_at"]
        assert datetime.fromisoformat(times[-1]) <= NOW
        answers = [m for m in messages if m["role"] == "assistant"]
        assert {(m["model"], m["provider"], m["usage_source"]) for m in answers} == {
            ("gpt-4o", "openai", "estimated")
        }
        inputs = [m["usage"]["input_tokens"] for m in answers]
        assert inputs == sorted(set(inputs))
        assert not any("usage" in m or "model" in m for m in messages if m not in answers)
    starts = [c["started_at"] for c in store.conversations.values()]
    assert starts == sorted(starts)


async def test_tool_calls_and_their_answers_stay_together(store, write_lines):
    await import_file(write_lines(make_line(1, turns=1)), store)
    calling, result = list(store.messages.values())[2:4]
    assert calling["tool_calls"] == [CALL]
    assert calling["usage"]["output_tokens"] == 2  # "find" and "{}"
    assert result["metadata"] == {"tool_call_id": "call_1"}


async def test_a_second_run_changes_nothing(store, write_lines):
    path = write_lines(*(make_line(i) for i in range(5)))
    first, _ = await import_file(path, store)
    before = store.snapshot()
    second, problems = await import_file(path, store)
    assert store.snapshot() == before
    assert problems == []
    assert second.conversations.known == first.conversations.new == 5
    assert second.messages.known == first.messages.new
    assert second.tokens.known == first.tokens.new > 0
    assert second.known_cost == first.new_cost > 0
    assert (second.conversations.new, second.messages.new, second.new_cost) == (0, 0, 0)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"now": NOW + timedelta(days=40, seconds=7)}, id="another day"),
        pytest.param({"days": 3.5}, id="other days"),
        pytest.param({"start": NOW - timedelta(days=300)}, id="another start"),
        pytest.param({"model": "gpt-5", "user_id": "u", "module": "m"}, id="other names"),
    ],
)
async def test_a_second_run_with_other_options_changes_nothing(store, write_lines, changes):
    path = write_lines(*(make_line(i) for i in range(5)))
    await import_file(path, store)
    before = store.snapshot()
    second, problems = await import_file(path, store, **changes)
    assert store.snapshot() == before
    assert (problems, second.messages.new) == ([], 0)


async def test_lines_that_moved_within_the_file_are_recognised(store, write_lines):
    lines = [make_line(i) for i in range(5)]
    await import_file(write_lines(*lines), store)
    before = json.loads(store.snapshot())
    await import_file(write_lines(make_line(9), *reversed(lines)), store)
    after = json.loads(store.snapshot())
    assert len(after[0]) == 6
    assert {k: v for k, v in after[1].items() if k in before[1]} == before[1]


@pytest.mark.parametrize("meanwhile", ["nothing", "complete_idle", "archive_idle"])
@pytest.mark.parametrize("stop_after", range(0, 75, 6))
async def test_a_run_that_was_killed_is_completed_by_the_next(
    new_store, store_away, write_lines, stop_after, meanwhile
):
    path = write_lines(*(make_line(i) for i in range(5)))
    whole = new_store()
    await import_file(path, whole)
    store = new_store(stop_after=stop_after)
    with pytest.raises(store_away):
        await import_file(path, store)
    store.stop_after = None
    if meanwhile != "nothing":
        getattr(store, meanwhile)()
    summary, problems = await import_file(path, store, now=NOW + timedelta(hours=5))
    assert problems == []
    assert summary.messages.new + summary.messages.known == 65
    assert len(store.messages) == 65
    for conversation, expected in zip(
        store.conversations.values(), whole.conversations.values(), strict=True
    ):
        messages = store.messages_of(conversation)
        assert [m["seq"] for m in messages] == list(range(1, 14))
        assert [m["content"] for m in messages] == [
            m["content"] for m in whole.messages_of(expected)
        ]
        assert conversation["status"] in ("completed", "archived")


@pytest.mark.parametrize("closing", ["complete_idle", "archive_idle"])
@pytest.mark.parametrize("call", [1, 2, 3])
async def test_conversations_that_the_hub_closes_meanwhile_are_filled(
    store, write_lines, call, closing
):
    store.close_after_calls = {call: closing}
    path = write_lines(*(make_line(i) for i in range(3)), make_line(9, turns=400))
    summary, problems = await import_file(path, store)
    assert problems == []
    assert (summary.conversations.new, summary.conversations.known) == (4, 0)
    assert (summary.messages.new, summary.messages.known) == (1_640, 0)
    for conversation in store.conversations.values():
        messages = store.messages_of(conversation)
        assert [m["seq"] for m in messages] == list(range(1, len(messages) + 1))
        assert [m["created_at"] for m in messages] == sorted(m["created_at"] for m in messages)
        assert conversation["status"] in ("completed", "archived")
    assert (await import_file(path, store))[0].messages.known == 1_640


async def test_the_same_conversation_for_two_organizations_is_two(store, write_lines):
    path = write_lines(make_line(1))
    await import_file(path, store)
    second, _ = await import_file(path, store, organization_id="org_2")
    assert second.conversations.new == 1
    assert len(store.conversations) == 2
    assert len(store.messages) == 26


async def test_a_conversation_that_is_twice_in_the_file_is_one(store, write_lines):
    summary, problems = await import_file(write_lines(make_line(1), make_line(1)), store)
    assert problems == []
    assert (summary.conversations.new, summary.conversations.known) == (1, 1)
    assert (summary.messages.new, summary.messages.known) == (13, 13)


async def test_bad_lines_are_named_and_the_rest_is_stored(store, write_lines):
    path = write_lines(
        make_line(1), "{oops", "", '{"id": "x"}', make_line(2), '{"messages": [{"role": "?"}]}'
    )
    summary, problems = await import_file(path, store)
    assert [number for number, _ in problems] == [2, 4, 6]
    assert summary.bad_lines == 3
    assert not summary.is_complete
    assert [c["metadata"]["import_id"] for c in store.conversations.values()] == ["c-1", "c-2"]


async def test_what_the_store_refuses_is_named_with_its_line(store, write_lines):
    store.refuse_roles = {"tool"}
    path = write_lines("", make_line(1, turns=1))
    summary, problems = await import_file(path, store)
    assert problems == [(2, "message not stored: content: is too long")]
    assert (summary.refused_events, summary.messages.new, summary.is_complete) == (1, 4, False)
    store.refuse_roles = set()
    again, problems = await import_file(path, store)
    assert (again.messages.new, again.messages.known, problems) == (1, 4, [])


async def test_calls_carry_no_more_than_a_thousand_events(store, write_lines):
    path = write_lines(*(make_line(i) for i in range(90)), make_line(99, turns=700))
    summary, _ = await import_file(path, store)
    assert summary.messages.new == 90 * 13 + 2_801
    assert max(store.calls) == 1_000
    (long,) = [c for c in store.conversations.values() if c["message_count"] == 2_801]
    assert [m["seq"] for m in store.messages_of(long)] == list(range(1, 2_802))


async def test_names_come_from_the_options_the_line_or_the_conversation(store, write_lines):
    path = write_lines(make_line(1), make_line(2, user="u-2"))
    await import_file(path, store)
    await import_file(path, store, organization_id="org_2", user_id="all", module="m", model="o3")
    one, two, three, four = store.conversations.values()
    assert one["user_id"].startswith("imported-")
    assert two["user_id"] == "u-2"
    assert (three["user_id"], four["user_id"], four["module"]) == ("all", "all", "m")
    assert {m["model"] for m in store.messages_of(four) if m["role"] == "assistant"} == {"o3"}
    assert "module" not in one


async def test_stated_usage_is_kept_as_it_came(store, write_lines):
    usage = {"prompt_tokens": 90, "completion_tokens": 10, "total_tokens": 100}
    line = make_line(1, turns=1)
    line["messages"][-1]["usage"] = usage
    await import_file(write_lines(line), store)
    *_, last = store.messages.values()
    assert (last["usage"], last["usage_source"]) == (usage, "provider")
    assert "usage_method" not in last


async def test_what_cannot_be_counted_is_said(store, write_lines):
    line = make_line(1, turns=1, tools=[{"type": "function"}])
    line["messages"][1]["content"] = [{"type": "text", "text": "Hi"}, {"type": "image_url"}]
    await import_file(write_lines(line), store)
    *_, last = store.messages.values()
    assert last["usage_method"] == (
        "o200k_base/openai-chat; without tool definitions and images and files"
    )


async def test_calls_without_a_price_are_counted_apart(store, write_lines):
    path = write_lines(make_line(1, turns=1), make_line(2, turns=1) | {"model": "house-llm"})
    summary, _ = await import_file(path, store)
    assert summary.unpriced_calls.new == 2
    assert summary.new_cost > 0


async def test_ids_carry_their_times(store, write_lines):
    await import_file(write_lines(make_line(1)), store)
    for stored in [*store.conversations.values(), *store.messages.values()]:
        at = stored.get("created_at") or stored["started_at"]
        assert uuid7_time(UUID(stored["id"])) == datetime.fromisoformat(at)
