"""Reading answers to a batch."""

from typing import Any

import msgspec
import pytest

from aihub.client import Conflict, Forbidden, HubUnavailable, Invalid, NotFound, RateLimited
from aihub.client.delivery import judge
from aihub.client.events import Event, conversation_created, message_added, move_asked
from aihub.client.spool import Spooled

HERE = "0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b"
THERE = "0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2c"


def queued(*events: Event) -> list[Spooled]:
    return [Spooled(seq, event) for seq, event in enumerate(events, 1)]


def answer(batch: list[Spooled], *results: dict[str, Any]) -> bytes:
    echoed = [{"id": s.event.id, **r} for s, r in zip(batch, results, strict=True)]
    return msgspec.json.encode({"results": echoed})


def message(conversation_id: str = HERE) -> Event:
    return message_added("org", conversation_id, "hi", {})


@pytest.mark.parametrize("status", [200, 201])
def test_stored_events_are_done_with_their_object(status: int) -> None:
    batch = queued(message())
    verdict = judge(
        batch, 207, {}, answer(batch, {"status": status, "data": {"id": "m1", "seq": 1}})
    )
    assert verdict.done == [(batch[0], b'{"id":"m1","seq":1}')]
    assert verdict.rejected == []
    assert verdict.failure is None


def test_one_bad_event_does_not_hold_the_others() -> None:
    batch = queued(message(), message(), message())
    problem = {"code": "invalid", "detail": "no", "errors": [{"field": "content", "message": "x"}]}
    verdict = judge(
        batch,
        207,
        {},
        answer(
            batch,
            {"status": 201, "data": {"id": "a"}},
            {"status": 422, "error": problem},
            {"status": 201, "data": {"id": "b"}},
        ),
    )
    assert [s.seq for s, _ in verdict.done] == [1, 3]
    [(rejected, error)] = verdict.rejected
    assert (rejected.seq, rejected.status) == (2, 422)
    assert msgspec.json.decode(rejected.problem) == problem
    assert isinstance(error, Invalid)
    assert error.errors == problem["errors"]


@pytest.mark.parametrize(
    ("status", "kind"), [(503, HubUnavailable), (500, HubUnavailable), (429, RateLimited)]
)
def test_event_that_may_succeed_later_stays(status: int, kind: type) -> None:
    batch = queued(message(), message())
    results = {"status": status, "error": {"detail": "later"}}, {"status": 201, "data": {"id": "b"}}
    verdict = judge(batch, 207, {}, answer(batch, *results))
    assert [s.seq for s, _ in verdict.done] == [2]
    assert verdict.rejected == []
    assert isinstance(verdict.failure, kind)


def test_move_that_had_happened_is_done() -> None:
    batch = queued(move_asked("org", HERE, "complete", {}), move_asked("org", HERE, "pause", {}))
    refusal = {"code": "illegal_transition", "current": "completed", "detail": "no"}
    verdict = judge(
        batch, 207, {}, answer(batch, *[{"status": 409, "error": refusal} for _ in batch])
    )
    assert verdict.done == [(batch[0], b"")]
    [(rejected, error)] = verdict.rejected
    assert rejected.seq == 2
    assert isinstance(error, Conflict)


def test_known_key_gives_the_other_id_and_keeps_what_follows() -> None:
    created = conversation_created("org", "u", {"id": HERE, "key": "session-1"})
    batch = queued(created, message(), message(THERE))
    lost = {"status": 404, "error": {"detail": "no such conversation", "code": "not_found"}}
    verdict = judge(
        batch, 207, {}, answer(batch, {"status": 200, "data": {"id": THERE}}, lost, lost)
    )
    assert verdict.aliases == [(HERE, THERE)]
    assert [s.seq for s, _ in verdict.done] == [1]
    assert [r.seq for r, _ in verdict.rejected] == [3]  # the second stays, for the other id
    assert verdict.failure is None


def test_messages_wait_for_a_conversation_that_could_not_be_stored_yet() -> None:
    batch = queued(conversation_created("org", "u", {"id": HERE}), message(), message(THERE))
    later, lost = {"status": 503, "error": {}}, {"status": 404, "error": {}}
    verdict = judge(batch, 207, {}, answer(batch, later, lost, lost))
    assert verdict.done == []
    assert [r.seq for r, _ in verdict.rejected] == [3]
    assert isinstance(verdict.failure, HubUnavailable)


def test_new_conversation_is_no_alias() -> None:
    batch = queued(conversation_created("org", "u", {"id": HERE}))
    verdict = judge(batch, 207, {}, answer(batch, {"status": 201, "data": {"id": HERE}}))
    assert verdict.aliases == []


@pytest.mark.parametrize(
    "body",
    [
        b"<html>captive portal</html>",
        b"{}",
        b'{"results":[]}',
        b'{"results":[{"id":"another","status":201,"data":{}}]}',
    ],
    ids=["page", "no-results", "too-few", "another-event"],
)
def test_answer_of_something_else_settles_nothing(body: bytes) -> None:
    verdict = judge(queued(message()), 207, {}, body)
    assert (verdict.done, verdict.rejected) == ([], [])
    assert isinstance(verdict.failure, HubUnavailable)


def test_results_in_another_order_settle_nothing() -> None:
    batch = queued(message(), message())
    results = {"status": 201, "data": {"id": "a"}}, {"status": 201, "data": {"id": "b"}}
    verdict = judge(batch, 207, {}, answer(batch[::-1], *results))
    assert verdict.done == []
    assert isinstance(verdict.failure, HubUnavailable)


@pytest.mark.parametrize("status", [400, 413, 422])
def test_request_refused_as_a_whole_is_divided_down_to_one(status: int) -> None:
    several = judge(queued(message(), message()), status, {}, b'{"detail":"too much"}')
    assert several.is_divisible
    assert several.rejected == []
    single = judge(queued(message()), status, {}, b'{"detail":"too much","code":"c"}')
    assert not single.is_divisible
    [(rejected, error)] = single.rejected
    assert (rejected.status, error.code) == (status, "c")
    assert msgspec.json.decode(rejected.problem)["detail"] == "too much"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, "Unauthorized"),
        (403, "Forbidden"),
        (404, "NotFound"),
        (429, "RateLimited"),
        (503, "HubUnavailable"),
    ],
)
def test_other_refusals_keep_everything(status: int, kind: str) -> None:
    verdict = judge(queued(message(), message()), status, {"retry-after": "3"}, b"")
    assert (verdict.done, verdict.rejected, verdict.is_divisible) == ([], [], False)
    assert type(verdict.failure).__name__ == kind
    assert verdict.failure is not None
    assert verdict.failure.retry_after == 3.0


def test_kinds_are_the_public_ones() -> None:
    for status, kind in [(403, Forbidden), (404, NotFound)]:
        assert isinstance(judge(queued(message()), status, {}, b"").failure, kind)
