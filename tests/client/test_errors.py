"""Answers that are errors, as typed errors."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import msgspec
import pytest

from aihub.client import (
    Conflict,
    Forbidden,
    HubError,
    HubUnavailable,
    Invalid,
    NotFound,
    RateLimited,
    SpoolError,
    TooLarge,
    Unauthorized,
)
from aihub.client.errors import error_from_answer, parse_retry_after

PROBLEM = {
    "type": "about:blank",
    "title": "Conflict",
    "status": 409,
    "detail": "a completed conversation cannot be paused",
    "code": "illegal_transition",
    "errors": [{"field": "action", "message": "legal: archive, reopen"}],
    "request_id": "req_1",
    "current": "completed",
}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Invalid),
        (401, Unauthorized),
        (402, HubError),
        (403, Forbidden),
        (404, NotFound),
        (409, Conflict),
        (413, TooLarge),
        (422, Invalid),
        (429, RateLimited),
        (500, HubUnavailable),
        (503, HubUnavailable),
        (507, HubUnavailable),
    ],
)
def test_status_decides_the_kind(status: int, kind: type[HubError]) -> None:
    error = error_from_answer(status, {}, msgspec.json.encode(PROBLEM))
    assert type(error) is kind
    assert error.status == status


def test_problem_document_is_read_whole() -> None:
    error = error_from_answer(409, {}, msgspec.json.encode(PROBLEM))
    assert error.code == "illegal_transition"
    assert error.errors == [{"field": "action", "message": "legal: archive, reopen"}]
    assert error.request_id == "req_1"
    assert error.extensions == {"current": "completed"}
    assert str(error) == (
        "a completed conversation cannot be paused (action: legal: archive, reopen)"
    )


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b"<h1>Bad Gateway</h1>", "HTTP 502: <h1>Bad Gateway</h1>"),
        (b"", "HTTP 502"),
        (b"\xff\xfe", "HTTP 502: \ufffd\ufffd"),
        (b'["no", "object"]', 'HTTP 502: ["no", "object"]'),
    ],
    ids=["page", "empty", "no-text", "no-object"],
)
def test_answer_of_a_proxy_is_quoted(body: bytes, shown: str) -> None:
    error = error_from_answer(502, {"x-request-id": "req_2"}, body)
    assert str(error) == shown
    assert error.request_id == "req_2"


def test_every_kind_is_a_hub_error() -> None:
    kinds = [Conflict, Forbidden, HubUnavailable, Invalid, NotFound, RateLimited, SpoolError]
    assert all(issubclass(kind, HubError) for kind in [*kinds, TooLarge, Unauthorized])


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        (" 0 ", 0.0),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("Tue, 01 Jan 2019 00:00:00 GMT", 0.0),
        ("Tue, 01 Jan 2019 00:00:00 -0000", 0.0),
    ],
)
def test_retry_after(value: str, seconds: float | None) -> None:
    assert parse_retry_after({"retry-after": value}) == seconds


def test_retry_after_as_a_date_to_come() -> None:
    at = datetime.now(UTC) + timedelta(hours=1)
    seconds = parse_retry_after({"retry-after": format_datetime(at, usegmt=True)})
    assert seconds is not None
    assert 0 < seconds <= 3600
