"""Remembering answers of the database for a few seconds, so that a request need not ask it."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class BriefCache(Generic[K, V]):
    """Found values for `seconds`, the absence of one (None) for `seconds_missing`.

    Both are bounded, each by itself: a flood of wrong tokens cannot push out the right ones. Many
    who ask for one key at once share one load.
    """

    def __init__(
        self,
        monotonic: Callable[[], float],
        *,
        seconds: float = 5.0,
        seconds_missing: float = 1.0,
        size: int = 10_000,
    ) -> None:
        self._monotonic = monotonic
        self._seconds = seconds
        self._seconds_missing = seconds_missing
        self._size = size
        self._found: OrderedDict[K, tuple[float, V]] = OrderedDict()
        self._missing: OrderedDict[K, float] = OrderedDict()
        self._loads: dict[K, asyncio.Task[V | None]] = {}

    async def get(self, key: K, load: Callable[[], Awaitable[V | None]]) -> V | None:
        """The value of `key`, loaded when it is not known freshly."""
        now = self._monotonic()
        if (found := self._found.get(key)) is not None and now < found[0]:
            self._found.move_to_end(key)
            return found[1]
        if now < self._missing.get(key, now):
            return None
        task = self._loads.get(key)
        if task is None:
            task = asyncio.ensure_future(_awaited(load))
            self._loads[key] = task
            task.add_done_callback(lambda done: self._keep(key, done))
        # shielded: one caller who hangs up must not cancel the load of the others
        return await asyncio.shield(task)

    def forget(self, is_meant: Callable[[V], bool] | None = None) -> None:
        """Forget the values meant (all when omitted), every absence, and what is being loaded."""
        self._missing.clear()
        self._loads.clear()
        if is_meant is None:
            self._found.clear()
            return
        for key in [key for key, (_, value) in self._found.items() if is_meant(value)]:
            del self._found[key]

    def _keep(self, key: K, task: asyncio.Task[V | None]) -> None:
        is_current = self._loads.get(key) is task
        if is_current:
            del self._loads[key]
        # also marks a failure as seen when nobody waits for it any more
        if task.cancelled() or task.exception() is not None or not is_current:
            return
        value, now = task.result(), self._monotonic()
        if value is None:
            self._found.pop(key, None)
            self._missing[key] = now + self._seconds_missing
            self._missing.move_to_end(key)
            if len(self._missing) > self._size:
                self._missing.popitem(last=False)
        else:
            self._missing.pop(key, None)
            self._found[key] = (now + self._seconds, value)
            self._found.move_to_end(key)
            if len(self._found) > self._size:
                self._found.popitem(last=False)


async def _awaited(load: Callable[[], Awaitable[V | None]]) -> V | None:
    return await load()
