"""The window of the live numbers beside adding up all seconds anew."""

import random
from collections import Counter

from aihub.analytics.window import Second, Window


def _second(chosen: random.Random) -> Second:
    counts = Counter(chosen.randrange(5) for _ in range(chosen.randrange(4)))
    return Second(sum(counts.values()), chosen.randrange(2), chosen.randrange(100), counts)


def test_sums_are_those_of_the_seconds_inside() -> None:
    chosen = random.Random(1)
    window, known, now = Window(), {}, 1_000
    for _ in range(3_000):
        now += chosen.choice([0, 0, 1, 1, 7])
        window.move(now - 20, now + 5)
        second = now + chosen.randrange(-30, 15)
        if second >= now - 20:
            known[second] = _second(chosen)
            window.put(second, known[second])
        else:
            window.put(second, _second(chosen))
        inside = {at: calls for at, calls in known.items() if now - 20 <= at <= now + 5}
        assert window.calls == sum(calls.calls for calls in inside.values())
        assert window.errors == sum(calls.errors for calls in inside.values())
        assert window.counts == sum((Counter(calls.counts) for calls in inside.values()), Counter())
        recent = [calls.tokens for at, calls in inside.items() if at >= now - 3]
        assert window.tokens(now - 3) == sum(recent)


def test_replacing_forgets_what_was() -> None:
    window = Window()
    window.move(10, 20)
    window.put(12, Second(3, 1, 9, {4: 3}))
    window.put(30, Second(1, 0, 1, {}))
    window.replace({15: Second(1, 0, 5, {2: 1}), 40: Second(1, 1, 1, {})})
    assert (window.calls, window.errors, window.counts) == (1, 0, {2: 1})
    window.move(30, 45)
    assert (window.calls, window.errors, window.tokens(0)) == (1, 1, 1)
