"""Who may be sent when."""

import threading
import time

import pytest

from aihub.client import Forbidden, HubUnavailable, RateLimited
from aihub.client.lanes import Backoff, Lanes

AWAY = HubUnavailable("no answer")
NOW = 0.0  # `take` and `wait_until_empty` look once, and do not wait


def test_lane_is_handed_to_one_sender_at_a_time() -> None:
    lanes = Lanes()
    lanes.add({"a": 2})
    assert lanes.take(NOW) == "a"
    assert lanes.take(NOW) is None
    lanes.succeeded("a", 1)
    lanes.release("a")
    assert lanes.take(NOW) == "a"


def test_lanes_take_turns() -> None:
    lanes = Lanes()
    lanes.add({"a": 9, "b": 9, "c": 9})
    seen = []
    for _ in range(6):
        taken = lanes.take(NOW)
        assert taken is not None
        seen.append(taken)
        lanes.release(taken)
    assert seen == ["a", "b", "c", "a", "b", "c"]


def test_hub_that_is_away_pauses_every_lane() -> None:
    lanes = Lanes()
    lanes.add({"a": 1, "b": 1})
    assert lanes.take(NOW) == "a"
    lanes.failed("a", HubUnavailable("later", retry_after=60), time.monotonic())
    lanes.release("a")
    assert lanes.take(NOW) is None
    assert lanes.waiting == 2


@pytest.mark.parametrize(
    "error", [RateLimited("slow", retry_after=60), Forbidden("no", retry_after=60)]
)
def test_refused_organization_pauses_alone(error: RateLimited | Forbidden) -> None:
    lanes = Lanes()
    lanes.add({"a": 1, "b": 1})
    assert lanes.take(NOW) == "a"
    lanes.failed("a", error, time.monotonic())
    lanes.release("a")
    assert lanes.take(NOW) == "b"
    assert lanes.last_error is error


def test_refusal_is_remembered_until_it_is_over() -> None:
    lanes = Lanes()
    lanes.add({"a": 2})
    assert lanes.take(NOW) == "a"
    refusal = Forbidden("no")
    lanes.failed("a", refusal, time.monotonic())
    assert lanes.refusal("a") is refusal
    assert lanes.refusal("b") is None
    lanes.succeeded("a", 1)
    assert lanes.refusal("a") is None
    assert lanes.last_error is None


def test_slow_down_is_no_refusal() -> None:
    lanes = Lanes()
    lanes.add({"a": 1})
    assert lanes.take(NOW) == "a"
    lanes.failed("a", RateLimited("slow"), time.monotonic())
    assert lanes.refusal("a") is None


def test_patience_is_what_the_absence_leaves_of_it() -> None:
    lanes = Lanes()
    lanes.add({"a": 1})
    assert lanes.patience(10.0) == 10.0
    assert lanes.take(NOW) == "a"
    started_at = time.monotonic() - 7.0
    lanes.failed("a", AWAY, started_at)
    assert 0.0 <= lanes.patience(10.0) <= 3.0
    lanes.failed("a", AWAY, time.monotonic())  # away since the first failure, not the last
    assert lanes.patience(7.0) == 0.0
    lanes.succeeded("a", 0)
    assert lanes.patience(10.0) == 10.0


def test_events_sent_before_they_were_counted_leave_no_trace() -> None:
    lanes = Lanes()
    lanes.add({"a": 1})
    assert lanes.take(NOW) == "a"
    lanes.succeeded("a", 2)  # one more was in the spool already
    lanes.release("a")
    assert not lanes.wait_until_empty(NOW)
    lanes.add({"a": 1})
    assert lanes.waiting == 0
    assert lanes.wait_until_empty(NOW)
    assert lanes.take(NOW) is None


def test_waiting_thread_is_woken_by_work_and_by_the_end() -> None:
    lanes = Lanes()
    taken: list[str | None] = []

    def work() -> None:
        taken.append(lanes.take(60.0))
        taken.append(lanes.take(60.0))

    thread = threading.Thread(target=work)
    thread.start()
    lanes.add({"a": 1})
    while not taken:
        time.sleep(0.001)
    lanes.stop()
    thread.join()
    assert taken == ["a", None]


def test_pause_doubles_up_to_a_bound() -> None:
    backoff = Backoff()
    pauses = []
    for _ in range(12):
        before = time.monotonic()
        backoff.fail(before, None)
        pauses.append(backoff.until - before)
    full = [min(0.1 * 2**n, 5.0) for n in range(12)]
    # the jitter leaves between half and all of it; the clock moves a little between the two reads
    assert all(f / 2 <= p <= f + 0.05 for p, f in zip(pauses, full, strict=True))
    backoff.succeed()
    assert backoff.until == 0.0


def test_attempts_side_by_side_count_once() -> None:
    backoff = Backoff()
    started_at = time.monotonic()
    for _ in range(4):
        backoff.fail(started_at, None)
    assert backoff.failures == 1


def test_hub_decides_how_long_at_least() -> None:
    backoff = Backoff()
    before = time.monotonic()
    backoff.fail(before, 120.0)
    assert backoff.until >= before + 120.0
