"""Parsing one line: every shape that occurs, and a reason for every one that does not do."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihub.importing.chat_lines import BadLine, parse_line

ASK = {"role": "user", "content": "Where is my parcel?"}
CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "find_parcel", "arguments": '{"id":"P-7"}'},
}


def parse(**line):
    return parse_line(json.dumps(line).encode())


def test_a_conversation_with_tool_calls_is_kept_as_it_came():
    chat = parse(
        id="c-1",
        model="gpt-4o",
        user="u-9",
        messages=[
            {"role": "system", "content": "Be brief."},
            ASK,
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "call_1", "name": "find_parcel", "content": "in Lyon"},
            {"role": "assistant", "content": "It is in Lyon."},
        ],
        metadata={"channel": "mail"},
        reward=1.0,
    )
    assert (chat.source_id, chat.model, chat.user_id) == ("c-1", "gpt-4o", "u-9")
    assert [m.role for m in chat.messages] == ["system", "user", "assistant", "tool", "assistant"]
    calling, result = chat.messages[2:4]
    assert calling.content == ""
    assert calling.tool_calls == [CALL]
    assert calling.call_texts == ("find_parcel", '{"id":"P-7"}')
    assert result.metadata == {"tool_call_id": "call_1", "name": "find_parcel"}
    assert chat.metadata == {"import_id": "c-1", "reward": 1.0, "channel": "mail"}


def test_a_bare_fine_tuning_line_is_a_conversation():
    chat = parse(messages=[ASK])
    assert (chat.source_id, chat.model, chat.user_id) == (None, None, None)
    assert chat.metadata == {}
    assert chat.key.startswith("import:")


@pytest.mark.parametrize(
    ("message", "role", "content", "metadata"),
    [
        pytest.param(
            {"role": "developer", "content": "Be brief."},
            "system",
            "Be brief.",
            {"original_role": "developer"},
            id="developer",
        ),
        pytest.param(
            {"role": "function", "name": "f", "content": "1"},
            "tool",
            "1",
            {"name": "f", "original_role": "function"},
            id="function",
        ),
        pytest.param({"role": "user"}, "user", "", {}, id="no content"),
        pytest.param({"role": "user", "content": None}, "user", "", {}, id="null content"),
        pytest.param(
            {"role": "assistant", "content": None, "refusal": "I cannot."},
            "assistant",
            "I cannot.",
            {"refusal": "I cannot."},
            id="refusal",
        ),
        pytest.param(
            {"role": "assistant", "content": "x", "refusal": None, "weight": 0},
            "assistant",
            "x",
            {"weight": 0},
            id="null entries are dropped",
        ),
        pytest.param(
            {"role": "user", "content": "a\x00b \ud83d c"},
            "user",
            "a�b � c",
            {},
            id="what no database stores",
        ),
        pytest.param({"role": "user", "content": "\ud83d\ude00"}, "user", "😀", {}, id="emoji"),
    ],
)
def test_odd_messages_are_taken(message, role, content, metadata):
    (parsed,) = parse(messages=[message]).messages
    assert (parsed.role, parsed.content, parsed.metadata) == (role, content, metadata)


def test_parts_keep_their_text_and_lose_only_large_files():
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 100_000}}
    small = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    text = {"type": "text", "text": "What is this? " + "x" * 100_000}
    (message,) = parse(messages=[{"role": "user", "content": [text, image, small, "bye"]}]).messages
    assert message.content == text["text"] + "\nbye"
    assert message.parts[0] == text
    assert message.parts[1]["image_url"]["url"].endswith("(100022 characters not imported)")
    assert message.parts[2:] == [small, "bye"]


def test_the_form_before_tools_becomes_a_tool_call():
    function = {"name": "find", "arguments": "{}"}
    (message,) = parse(messages=[{"role": "assistant", "function_call": function}]).messages
    assert message.tool_calls == [{"type": "function", "function": function}]


@pytest.mark.parametrize(
    ("usage", "is_taken"),
    [
        pytest.param({"prompt_tokens": 5, "completion_tokens": 2}, True, id="provider's"),
        pytest.param({"input_tokens": 5, "output_tokens": 2}, True, id="normalised"),
        pytest.param({"tokens": "many"}, False, id="something else"),
        pytest.param("5", False, id="text"),
    ],
)
def test_stated_usage_is_told_from_other_things_of_that_name(usage, is_taken):
    (message,) = parse(messages=[{"role": "assistant", "content": "x", "usage": usage}]).messages
    assert message.usage == (usage if is_taken else None)
    assert message.metadata == ({} if is_taken else {"usage": usage})


@pytest.mark.parametrize(
    ("user", "user_id"),
    [
        pytest.param("u", "u", id="text"),
        pytest.param(7, "7", id="number"),
        pytest.param("", None, id="empty"),
        pytest.param("u" * 256, None, id="too long"),
        pytest.param({"id": 1}, None, id="object"),
    ],
)
def test_a_usable_user_is_taken_and_another_kept_aside(user, user_id):
    chat = parse(messages=[ASK], user=user)
    assert chat.user_id == user_id
    assert ("user" in chat.metadata) == (user_id is None)


def test_metadata_is_bounded_and_says_what_it_left_out():
    chat = parse(messages=[ASK], small=1, large="x" * 20_000, last="y")
    assert chat.metadata == {"small": 1, "last": "y", "import_omitted": ["large"]}


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        pytest.param(b"{", "not JSON", id="broken"),
        pytest.param(b"\xff{}", "not UTF-8", id="latin"),
        pytest.param(b"[1]", "one conversation", id="array"),
        pytest.param(b"7", "not a JSON object", id="number"),
        pytest.param(b"{}", "no messages", id="no messages"),
        pytest.param(b'{"messages": null}', "no messages", id="null messages"),
        pytest.param(b'{"messages": []}', "must not be empty", id="empty"),
        pytest.param(b'{"messages": {}}', "messages: must be a list", id="object for list"),
        pytest.param(b'{"messages": ["hi"]}', "messages[0]: must be an object", id="text message"),
        pytest.param(b'{"messages": [{"content": "x"}]}', "messages[0].role", id="no role"),
        pytest.param(b'{"messages": [{"role": "gpt"}]}', "messages[0].role", id="unknown role"),
        pytest.param(b'{"messages": [{"role": ["user"]}]}', "messages[0].role", id="role list"),
        pytest.param(
            b'{"messages": [{"role": "user", "content": 5}]}',
            "messages[0].content: must be",
            id="number content",
        ),
        pytest.param(
            b'{"messages": [{"role": "user", "content": [5]}]}',
            "messages[0].content[0]: must be",
            id="number part",
        ),
        pytest.param(
            b'{"messages": [{"role": "assistant", "tool_calls": {}}]}',
            "messages[0].tool_calls: must be",
            id="tool calls",
        ),
        pytest.param(b'{"id": {}, "messages": [{"role": "user"}]}', "id: must be", id="id"),
        pytest.param(b'{"model": 1.5, "messages": [{"role": "user"}]}', "model:", id="model"),
        pytest.param(b'{"x": NaN, "messages": [{"role": "user"}]}', "NaN", id="NaN"),
        pytest.param(b'{"x": 1e999, "messages": [{"role": "user"}]}', "1e999", id="infinity"),
        pytest.param(b"[" * 100_000, "nested too deeply", id="deep"),
        pytest.param(b'{"x": ' + b"1" * 5_000 + b"}", "not usable", id="endless integer"),
    ],
)
def test_a_bad_line_says_why(raw, reason):
    with pytest.raises(BadLine) as refused:
        parse_line(raw)
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    ("other", "is_same"),
    [
        pytest.param({"id": "a", "messages": [ASK]}, True, id="same"),
        pytest.param({"messages": [dict(reversed(ASK.items()))], "id": "a"}, True, id="order"),
        pytest.param({"id": "a", "messages": [ASK], "model": "gpt-5"}, True, id="other model"),
        pytest.param({"id": "b", "messages": [ASK]}, False, id="other id"),
        pytest.param({"id": "a", "messages": [ASK, ASK]}, False, id="grown"),
        pytest.param({"messages": [ASK]}, False, id="no id"),
    ],
)
def test_the_key_is_the_id_and_the_messages(other, is_same):
    assert (parse(id="a", messages=[ASK]).key == parse(**other).key) == is_same


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)
MESSAGES = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["user", "assistant", "tool", "gpt"])},
        optional={"content": JSON, "tool_calls": JSON, "name": JSON, "usage": JSON},
    ),
    max_size=4,
)


def parse_or_refuse(line):
    try:
        return parse_line(json.dumps(line).encode())
    except BadLine as error:
        return str(error)


@given(st.fixed_dictionaries({"messages": MESSAGES | JSON}, optional={"id": JSON, "user": JSON}))
def test_any_object_is_parsed_or_refused_with_a_reason(line):
    chat = parse_or_refuse(line)
    if isinstance(chat, str):
        assert chat
        return
    assert len(chat.messages) == len(line["messages"])
    for message in chat.messages:
        message.content.encode()
        json.dumps([message.parts, message.tool_calls, message.metadata], allow_nan=False)
