"""The lines of a chat file, plain or gzipped, one at a time and never the whole file in memory."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

MAX_LINE_BYTES = 32 * 1024 * 1024
_READ_BYTES = 1 << 20
_GZIP_MAGIC = b"\x1f\x8b"
_UTF8_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")


class UnreadableFile(Exception):
    """A file that cannot be read as lines of text at all; the text says why."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is not blank.

    `number` counts from 1; `raw` is its bytes, or None when it is longer than `MAX_LINE_BYTES` or
    breaks off (then `problem` says which); `offset` is how many bytes of the file were read.
    """

    number: int
    raw: bytes | None
    offset: int
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class FileExtent:
    """How large a file is: its bytes, and its lines that are not blank."""

    size_bytes: int
    lines: int


def measure_file(path: Path) -> FileExtent:
    """The file's extent, found by reading it once.

    Raises:
        UnreadableFile: the file is missing, a folder, not to be opened, or UTF-16.
    """
    lines = sum(1 for _ in read_lines(path))
    return FileExtent(size_bytes=path.stat().st_size, lines=lines)


def read_lines(path: Path) -> Iterator[Line]:
    """The file's lines in order, blank ones left out, without line ends and byte order mark.

    Gzip is recognised by its first bytes, whatever the file is called.

    Raises:
        UnreadableFile: the file is missing, a folder, not to be opened, or UTF-16.
    """
    with ExitStack() as stack:
        try:
            file = stack.enter_context(path.open("rb"))
            start = file.read(2)
            file.seek(0)
        except OSError as error:
            raise UnreadableFile(f"{path}: {error.strerror or error}") from error
        if start in _UTF16_BOMS:
            raise UnreadableFile(f"{path}: the file is UTF-16; save it as UTF-8")
        text: BinaryIO = file
        if start == _GZIP_MAGIC:
            text = cast("BinaryIO", stack.enter_context(gzip.GzipFile(fileobj=file)))
        number = 0
        try:
            for number, raw in enumerate(_split_lines(text), start=1):
                if raw is None:
                    yield Line(number, None, file.tell(), f"longer than {MAX_LINE_BYTES} bytes")
                    continue
                stripped = (raw.removeprefix(_UTF8_BOM) if number == 1 else raw).strip()
                if stripped:
                    yield Line(number, stripped, file.tell())
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            yield Line(number + 1, None, file.tell(), f"the gzip stream is broken: {error}")
        except OSError as error:
            raise UnreadableFile(f"{path}: {error.strerror or error}") from error


def _split_lines(file: BinaryIO) -> Iterator[bytes | None]:
    """Each line; None for one that is too long to hold, which is then skipped to its end."""
    while True:
        raw = file.readline(MAX_LINE_BYTES + 1)
        if not raw:
            return
        if len(raw) <= MAX_LINE_BYTES:
            yield raw
            continue
        while raw and not raw.endswith(b"\n"):
            raw = file.readline(_READ_BYTES)
        yield None
