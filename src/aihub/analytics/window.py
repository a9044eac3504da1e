"""The last minutes of an organization's calls, second by second. No clock, no connection."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class Second:
    """The calls of one second; `counts`: those with a latency, by its bucket."""

    calls: int = 0
    errors: int = 0
    tokens: int = 0
    counts: dict[int, int] = field(default_factory=dict)


class Window:
    """Sums of the seconds from `first` to `last`; a second is put whole, as often as it changes.

    Seconds after `last` are kept and counted once the window has moved there.
    """

    def __init__(self) -> None:
        self._inside: dict[int, Second] = {}
        self._ahead: dict[int, Second] = {}
        self._first = self._last = 0
        self.calls = 0
        self.errors = 0
        self.counts: dict[int, int] = {}

    def move(self, first: int, last: int) -> None:
        """Seconds of the epoch, both inclusive; never back."""
        self._first, self._last = first, last
        for second in [each for each in self._inside if each < first]:
            self._add(self._inside.pop(second), -1)
        for second in [each for each in self._ahead if each <= last]:
            self.put(second, self._ahead.pop(second))

    def put(self, second: int, calls: Second) -> None:
        """What this second holds now, instead of what it held before."""
        before = self._inside.pop(second, None)
        if before is not None:
            self._add(before, -1)
        if second > self._last:
            self._ahead[second] = calls
        elif second >= self._first:
            self._inside[second] = calls
            self._add(calls, 1)

    def replace(self, seconds: Mapping[int, Second]) -> None:
        """These and no others."""
        self._inside, self._ahead = {}, {}
        self.calls = self.errors = 0
        self.counts = {}
        for second, calls in seconds.items():
            self.put(second, calls)

    def tokens(self, first: int) -> int:
        """Of the seconds from `first` on."""
        return sum(calls.tokens for second, calls in self._inside.items() if second >= first)

    def _add(self, calls: Second, sign: int) -> None:
        self.calls += sign * calls.calls
        self.errors += sign * calls.errors
        for bucket, count in calls.counts.items():
            left = self.counts.get(bucket, 0) + sign * count
            if left:
                self.counts[bucket] = left
            else:
                del self.counts[bucket]
