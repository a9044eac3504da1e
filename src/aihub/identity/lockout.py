"""Counting failed attempts that no row of the database can count."""

import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_FORGET_SECONDS = 900.0


@dataclass(slots=True)
class _Failures:
    count: int
    locked_until: float
    forget_at: float


class FailureCounter:
    """Failures by name, in memory: addresses without an account, and clients.

    Addresses without an account have to lock just as the others do, or a lock would tell which
    exist. `locks` are the seconds after each failure; a quarter of an hour later all is forgotten.
    """

    def __init__(
        self, monotonic: Callable[[], float], locks: Sequence[int], *, size: int = 10_000
    ) -> None:
        self._monotonic = monotonic
        self._locks = locks
        self._size = size
        self._failures: OrderedDict[str, _Failures] = OrderedDict()

    def seconds_locked(self, name: str) -> int:
        """For how long `name` is still locked; 0: it is not."""
        found = self._failures.get(name)
        return max(0, math.ceil(found.locked_until - self._monotonic())) if found else 0

    def fail(self, name: str) -> None:
        """Count one failure."""
        now = self._monotonic()
        found = self._failures.pop(name, None)
        count = found.count + 1 if found and now < found.forget_at else 1
        lock = self._locks[min(count, len(self._locks)) - 1]
        self._failures[name] = _Failures(count, now + lock, now + lock + _FORGET_SECONDS)
        if len(self._failures) > self._size:
            self._failures.popitem(last=False)

    def succeed(self, name: str) -> None:
        """Forget the failures of `name`."""
        self._failures.pop(name, None)
