"""Log lines: what they say of a request, and what they never say."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg
import msgspec
import pytest

from aihub.kit import logs
from aihub.kit.errors import NotFound

_log = logging.getLogger("aihub.tests")


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What the logger of these tests writes; each test chooses the form by `use`."""
    stream = io.StringIO()
    yield stream
    _log.handlers.clear()
    _log.propagate = True


@contextmanager
def working_on(request_id: str) -> Iterator[None]:
    """As one request."""
    token = logs.begin(request_id)
    yield
    logs.end(token)


def use(form: str, stream: io.StringIO) -> None:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.JsonFormatter() if form == "json" else logs.TextFormatter())
    _log.handlers[:] = [handler]
    _log.propagate = False
    _log.setLevel(logging.INFO)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def _refused(kind: type[Exception], message: str, **fields: str) -> Exception:
    error = kind(message)
    for name, value in ({"message": message} | fields).items():
        setattr(error, name, value)
    return error


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (NotFound("There is no such call."), "NotFound: There is no such call."),
        (OSError(2, "No such file"), "FileNotFoundError: [Errno 2] No such file"),
        (RuntimeError(), "RuntimeError"),
        (ValueError("my secret question"), "ValueError"),
        (KeyError("ada@example.com"), "KeyError"),
        (UnicodeDecodeError("utf-8", b"secret", 0, 1, "bad"), "UnicodeDecodeError"),
        (msgspec.ValidationError("Invalid enum value 'secret'"), "ValidationError"),
        (
            _refused(
                asyncpg.UniqueViolationError,
                "duplicate key value",
                detail="Key (external_id)=(ada@example.com) already exists.",
            ),
            "UniqueViolationError (23505): duplicate key value",
        ),
        (
            _refused(asyncpg.InvalidTextRepresentationError, 'invalid input: "secret"'),
            "InvalidTextRepresentationError (22P02)",
        ),
        (asyncpg.DataError("invalid input for query argument $1: 'secret'"), "DataError (22000)"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_an_error_is_told_without_what_it_quotes(error: Exception, told: str) -> None:
    assert logs.tell_error(error) == told


@pytest.mark.parametrize("form", ["text", "json"])
def test_values_stay_out_of_messages_and_tracebacks(form: str, written: io.StringIO) -> None:
    use(form, written)
    question = "my secret question"
    try:
        try:
            int(question)
        except ValueError as error:
            raise RuntimeError("a page failed") from error
    except RuntimeError:
        _log.exception("failed: %s", ValueError(question))
    text = written.getvalue()
    assert question not in text
    assert "failed: ValueError" in text
    assert "which led to" in text
    assert "RuntimeError: a page failed" in text


@pytest.mark.parametrize(
    "secret",
    [
        "ahk_0123456789abcdef",
        "aho_0123456789abcdef",
        "sk-proj-0123456789",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
        "Bearer opaque-token",
        "postgresql://hub:pass-word@db.example:5432/hub",
    ],
)
def test_keys_are_struck_out(secret: str, written: io.StringIO) -> None:
    use("json", written)
    _log.info("asked with %s here", secret)
    (line,) = lines(written)
    hidden = secret.removeprefix("Bearer ").removeprefix("postgresql://").split("@")[0]
    assert hidden not in line["message"]
    assert "…" in line["message"]


def test_a_json_line_holds_the_request(written: io.StringIO) -> None:
    use("json", written)
    with working_on("r-1"):
        logs.note(organization_id="o-1")
        _log.warning("first\nsecond %d", 2, extra={"facts": {"route": "/v1/calls"}})
    logs.note(organization_id="nobody's")
    _log.info("outside")
    inside, outside = lines(written)
    assert inside.pop("time").endswith("Z")
    assert inside == {
        "level": "warning",
        "logger": "aihub.tests",
        "message": "first\nsecond 2",
        "request_id": "r-1",
        "organization_id": "o-1",
        "route": "/v1/calls",
    }
    assert "request_id" not in outside
    assert "organization_id" not in outside


def test_a_text_line_is_one_line(written: io.StringIO) -> None:
    use("text", written)
    with working_on("r-1"):
        _log.info("first\n2026-11-27 00:00:00 INFO aihub.main: made up")
    (line,) = written.getvalue().splitlines()
    assert "first\\n2026" in line
    assert line.endswith("[request_id=r-1]")


async def test_requests_that_run_at_once_are_told_apart(written: io.StringIO) -> None:
    use("json", written)

    async def helper(name: str) -> None:
        await asyncio.sleep(0)
        _log.info(name)

    async def work(name: str) -> None:
        with working_on(name):
            await asyncio.sleep(0)
            await asyncio.create_task(helper(name))

    await asyncio.gather(*(work(f"r-{n}") for n in range(5)))
    found = lines(written)
    assert len(found) == 5
    assert all(line["request_id"] == line["message"] for line in found)
    assert logs.request_id() is None
