"""Reading the hub's answer to a batch: what became of each event. No I/O."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from aihub.client.errors import HubError, HubUnavailable, error_from_answer, error_from_problem
from aihub.client.events import Event, is_settled_move
from aihub.client.spool import Rejected, Spooled

_MULTI_STATUS = 207
_NOT_FOUND = 404
_CONFLICT = 409
_BAD_WHOLE = (400, 413, 422)  # some event, or the sum of them, is at fault
_TRY_AGAIN = (408, 425, 429)
_SERVER_ERROR = 500


class _Result(msgspec.Struct):
    id: str
    status: int
    data: msgspec.Raw = msgspec.Raw(b"")
    error: msgspec.Raw = msgspec.Raw(b"")


class _Answer(msgspec.Struct):
    results: list[_Result]


@dataclass(slots=True)
class Verdict:
    """What to do after an attempt.

    `done`: stored, with the object as JSON (empty when it has to be read), by event id. `rejected`:
    refused for good. `aliases`: (id made here, id the hub knows). `failure`: why the rest stays in
    the spool. `is_divisible`: the request was refused as a whole, so it is tried in halves.
    """

    done: list[tuple[Spooled, bytes]] = field(default_factory=list)
    rejected: list[tuple[Rejected, HubError]] = field(default_factory=list)
    aliases: list[tuple[str, str]] = field(default_factory=list)
    failure: HubError | None = None
    is_divisible: bool = False


def judge(
    batch: Sequence[Spooled], status: int, headers: Mapping[str, str], body: bytes
) -> Verdict:
    """Read the answer to `batch`."""
    if status != _MULTI_STATUS:
        return _judge_refusal(batch, status, headers, body)
    try:
        results = msgspec.json.decode(body, type=_Answer).results
    except msgspec.MsgspecError:
        results = []
    if [r.id for r in results] != [s.event.id for s in batch]:
        return Verdict(failure=HubUnavailable("the answer is not a hub's", code="bad_answer"))
    verdict = Verdict()
    unsettled: set[str] = set()
    for spooled, result in zip(batch, results, strict=True):
        _judge_result(verdict, spooled, result, unsettled)
    return verdict


def _rejection(
    spooled: Spooled, status: int, problem: bytes, error: HubError
) -> tuple[Rejected, HubError]:
    return Rejected(spooled.seq, spooled.event, status, problem, time.time()), error


def _judge_refusal(
    batch: Sequence[Spooled], status: int, headers: Mapping[str, str], body: bytes
) -> Verdict:
    error = error_from_answer(status, headers, body)
    if status not in _BAD_WHOLE:
        return Verdict(failure=error)
    if len(batch) > 1:
        return Verdict(failure=error, is_divisible=True)
    problem = msgspec.json.encode(
        {
            "detail": error.args[0],
            "code": error.code,
            "errors": error.errors,
            "request_id": error.request_id,
        }
    )
    return Verdict(rejected=[_rejection(batch[0], status, problem, error)])


def _judge_result(verdict: Verdict, spooled: Spooled, result: _Result, unsettled: set[str]) -> None:
    """`unsettled`: conversations of this batch that the hub does not know by their id yet."""
    event = spooled.event
    if result.status < 300:  # noqa: PLR2004 - 200 known already, 201 new
        verdict.done.append((spooled, bytes(result.data)))
        if event.type == "conversation":
            _note_alias(verdict, event, result.data, unsettled)
        return
    problem = bytes(result.error) or b"{}"
    error = error_from_problem(result.status, msgspec.json.decode(problem))
    if result.status >= _SERVER_ERROR or result.status in _TRY_AGAIN:
        verdict.failure = error
        if event.type == "conversation" and event.conversation_id is not None:
            unsettled.add(event.conversation_id)
    elif result.status == _CONFLICT and is_settled_move(event, error.extensions.get("current")):
        verdict.done.append((spooled, b""))
    elif result.status == _NOT_FOUND and event.conversation_id in unsettled:
        pass  # it stays, and goes out again when its conversation is known
    else:
        verdict.rejected.append(_rejection(spooled, result.status, problem, error))


def _note_alias(verdict: Verdict, event: Event, data: msgspec.Raw, unsettled: set[str]) -> None:
    """A known key is answered with the existing conversation, whose id is another."""
    known_as = msgspec.json.decode(data, type=_Known).id
    if event.conversation_id is not None and known_as != event.conversation_id:
        verdict.aliases.append((event.conversation_id, known_as))
        unsettled.add(event.conversation_id)


class _Known(msgspec.Struct):
    id: str
