"""Reading lines of files as they are found: zipped, marked, broken off."""

import gzip

import pytest

from aihub.importing import chat_files
from aihub.importing.chat_files import UnreadableFile, measure_file, read_lines


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        pytest.param(b"", [], id="empty"),
        pytest.param(b"a\nb\n", [(1, b"a"), (2, b"b")], id="plain"),
        pytest.param(b"a\nb", [(1, b"a"), (2, b"b")], id="no last line end"),
        pytest.param(b"a\r\n\r\nb\r\n", [(1, b"a"), (3, b"b")], id="CRLF and a blank line"),
        pytest.param(b"\xef\xbb\xbfa\n \t\nb\n", [(1, b"a"), (3, b"b")], id="BOM and spaces"),
        pytest.param(b"\xef\xbb\xbf\n", [], id="BOM alone"),
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_lines_are_numbered_as_an_editor_does(tmp_path, content, lines, pack):
    path = tmp_path / "chat.jsonl"
    path.write_bytes(pack(content))
    assert [(line.number, line.raw) for line in read_lines(path)] == lines
    extent = measure_file(path)
    assert (extent.lines, extent.size_bytes) == (len(lines), len(pack(content)))


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_line_that_is_too_long_is_skipped_and_the_next_is_read(tmp_path, monkeypatch, pack):
    monkeypatch.setattr(chat_files, "MAX_LINE_BYTES", 100)
    monkeypatch.setattr(chat_files, "_READ_BYTES", 16)
    path = tmp_path / "chat.jsonl"
    path.write_bytes(pack(b"a\n" + b"x" * 1_000 + b"\nb\n" + b"y" * 101))
    lines = list(read_lines(path))
    assert [(line.number, line.raw) for line in lines] == [
        (1, b"a"),
        (2, None),
        (3, b"b"),
        (4, None),
    ]
    assert lines[1].problem == "longer than 100 bytes"


def test_a_gzip_file_that_breaks_off_gives_what_is_whole(tmp_path):
    path = tmp_path / "chat.jsonl.gz"
    whole = b"".join(b"line %d of many\n" % i for i in range(100_000))
    path.write_bytes(gzip.compress(whole)[:-2_000])
    lines = list(read_lines(path))
    assert len(lines) > 1_000
    assert lines[0].raw == b"line 0 of many"
    assert lines[-1].raw is None
    assert "gzip" in lines[-1].problem


def test_offsets_grow_to_the_size_of_the_file(tmp_path):
    path = tmp_path / "chat.jsonl"
    path.write_bytes(b"aa\nbbb\n")
    assert [line.offset for line in read_lines(path)] == [3, 7]


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        pytest.param(lambda path: None, "No such file", id="missing"),
        pytest.param(lambda path: path.mkdir(), "directory", id="folder"),
        pytest.param(lambda path: path.write_text("a\n", "utf-16"), "UTF-16", id="UTF-16"),
    ],
)
def test_a_file_that_is_no_text_is_refused(tmp_path, make, reason):
    make(tmp_path / "chat.jsonl")
    with pytest.raises(UnreadableFile, match=reason):
        measure_file(tmp_path / "chat.jsonl")
