"""Forms with files (multipart/form-data), read whole and within a limit."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message

from starlette.requests import Request

from aihub.kit.errors import Invalid
from aihub.kit.http import read_body

_MOST_PARTS = 100
_MOST_HEADER_BYTES = 4_096
_MOST_FIELD_BYTES = 4_096
_NAME = re.compile(r';\s*name="([^"]*)"')
_FILE_NAME = re.compile(r';\s*filename="([^"]*)"')
_ESCAPED = {"%22": '"', "%0D": "\r", "%0A": "\n"}


@dataclass(slots=True)
class Upload:
    """The fields as text, the files as (name, content) in their order."""

    fields: dict[str, str] = field(default_factory=dict)
    files: list[tuple[str, bytes]] = field(default_factory=list)


async def read_upload(request: Request, most_bytes: int) -> Upload:
    """A form with files. Raises TooLarge, Invalid."""
    body = await read_body(request, most_bytes)
    return parse_upload(request.headers.get("content-type", ""), body)


def parse_upload(content_type: str, body: bytes) -> Upload:
    """The same from what was sent. Raises Invalid."""
    header = Message()
    header["Content-Type"] = content_type
    boundary = header.get_param("boundary")
    if header.get_content_type() != "multipart/form-data" or not isinstance(boundary, str):
        raise _bad()
    upload = Upload()
    for count, (start, end) in enumerate(_find_parts(body, boundary.encode("latin-1", "replace"))):
        if count >= _MOST_PARTS:
            raise _bad()
        _take_part(upload, body, start, end)
    return upload


def _find_parts(body: bytes, boundary: bytes) -> Iterator[tuple[int, int]]:
    """Where each part begins and ends; positions, as the body may be large."""
    delimiter = b"--" + boundary
    at = 0 if body.startswith(delimiter) else body.find(b"\r\n" + delimiter) + 2
    if not boundary or (at < 2 and not body.startswith(delimiter)):  # noqa: PLR2004 - not found
        raise _bad()
    while True:
        start = at + len(delimiter)
        if body[start : start + 2] == b"--":
            return
        if body[start : start + 2] != b"\r\n":
            raise _bad()
        end = body.find(b"\r\n" + delimiter, start)
        if end < 0:
            raise _bad()
        yield start + 2, end
        at = end + 2


def _take_part(upload: Upload, body: bytes, start: int, end: int) -> None:
    head_end = body.find(b"\r\n\r\n", start, min(end, start + _MOST_HEADER_BYTES))
    if head_end < 0:
        raise _bad()
    head = body[start:head_end].decode("utf-8", "replace")
    name, file_name = _NAME.search(head), _FILE_NAME.search(head)
    if name is None:
        raise _bad()
    content = body[head_end + 4 : end]
    if file_name is None:
        if len(content) > _MOST_FIELD_BYTES:
            raise _bad()
        upload.fields[_unescape(name[1])] = content.decode("utf-8", "replace")
    elif file_name[1] or content:  # a field of files that none was chosen for has neither
        upload.files.append((_unescape(file_name[1]), content))


def _unescape(text: str) -> str:
    for written, meant in _ESCAPED.items():
        text = text.replace(written, meant)
    return text


def _bad() -> Invalid:
    return Invalid("This form with files cannot be read.")
