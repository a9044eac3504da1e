import json

import pytest

from aihub.dashboards.rendering import format_json, show_controls
from aihub.dashboards.transcripts import (
    Block,
    ToolCall,
    fold,
    pretty_if_json,
    read_tool_calls,
    read_tool_name,
    split_code,
)


def text(content):
    return Block(is_code=False, text=content)


def code(content):
    return Block(is_code=True, text=content)


@pytest.mark.parametrize(
    ("content", "blocks"),
    [
        ("", []),
        ("  two\n\nlines ", [text("  two\n\nlines ")]),
        ("see\n```python\nx = 1\n```\nok", [text("see"), code("x = 1"), text("ok")]),
        ("```\na\n```", [code("a")]),
        ("```\nnever closed", [text("```\nnever closed")]),
        ("in `line` and ```a``` too", [text("in `line` and ```a``` too")]),
        ("```\n```", []),
    ],
)
def test_code_stands_apart(content, blocks):
    assert split_code(content) == blocks


def _text_of(blocks):
    return "\n".join(block.text for block in blocks)


@pytest.mark.parametrize("lines", [39, 40])
def test_forty_lines_are_shown(lines):
    folded = fold("\n".join(map(str, range(lines))))
    assert folded.rest == ()


def test_more_are_folded_and_nothing_is_lost():
    content = "\n".join(map(str, range(100)))
    folded = fold(content)
    assert folded.hidden_lines == 60
    assert _text_of(folded.head) + "\n" + _text_of(folded.rest) == content


def test_code_stays_code_when_it_is_cut():
    content = "intro\n```\n" + "\n".join(map(str, range(100))) + "\n```\nend"
    folded = fold(content)
    assert folded.head[-1].is_code
    assert folded.rest[0].is_code
    assert folded.rest[-1] == text("end")


def test_one_endless_line_is_folded_too():
    folded = fold("x" * 20_000)
    assert len(folded.head[0].text) == 6_000
    assert len(folded.rest[0].text) == 14_000


@pytest.mark.parametrize(
    ("given", "call"),
    [
        (
            {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}},
            ToolCall("c1", "f", '{\n  "a": 1\n}'),
        ),
        (
            {"id": "c2", "name": "g", "input": {"b": [1]}},
            ToolCall("c2", "g", '{\n  "b": [\n    1\n  ]\n}'),
        ),
        ({"name": "h", "args": {}}, ToolCall(None, "h", "{}")),
        ({"function": {"name": "i", "arguments": "{broken"}}, ToolCall(None, "i", "{broken")),
        ({"function": "j"}, ToolCall(None, "j", "")),
        ({}, ToolCall(None, "tool call", "")),
        ("text", ToolCall(None, "tool call", "text")),
    ],
)
def test_tool_calls_of_every_provider(given, call):
    assert read_tool_calls(json.dumps([given])) == [call]
    assert read_tool_calls(json.dumps(given)) == [call]


def test_no_tool_calls():
    assert read_tool_calls(None) == []
    assert read_tool_calls("[]") == []
    assert read_tool_calls("{broken") == [ToolCall(None, "tool call", "{broken")]


@pytest.mark.parametrize("content", ["plain", "{broken", "12", ""])
def test_only_json_is_made_pretty(content):
    assert pretty_if_json(content) is None


def test_json_keeps_its_numbers():
    assert format_json('{"b":1.10,"a":12345678901234567890}') == (
        '{\n  "b": 1.10,\n  "a": 12345678901234567890\n}'
    )
    assert format_json("{broken") == "{broken"
    assert format_json(None) == ""


def test_tool_names():
    assert read_tool_name('{"name": "f"}') == "f"
    assert [read_tool_name(m) for m in ("{}", "[]", '{"name": 1}', "{broken")] == [None] * 4


def test_signs_that_turn_text_around_are_shown():
    assert show_controls("a\u202eb\u2066c") == "a\ufffdb\ufffdc"
    assert show_controls("עברית") == "עברית"
