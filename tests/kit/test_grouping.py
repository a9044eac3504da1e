"""Group commit: what arrives together is stored together, each answered for itself."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from aihub.kit.grouping import GroupCommit


class Refused(Exception):
    """One of the rows is bad."""


class Away(Exception):
    """Nobody's fault."""


class Store:
    """Keeps what it is given; waits while `gate` is closed. A row below 0 is refused."""

    def __init__(self) -> None:
        self.kept: list[int] = []
        self.groups: list[list[int]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.is_away = False

    async def __call__(self, rows: Sequence[int]) -> Sequence[int]:
        await self.gate.wait()
        self.groups.append(list(rows))
        if self.is_away:
            raise Away
        if any(row < 0 for row in rows):
            raise Refused
        self.kept += rows
        return [row * 10 for row in rows]


@asynccontextmanager
async def started(store: Store, most: int = 500) -> AsyncIterator[GroupCommit[int, int]]:
    group: GroupCommit[int, int] = GroupCommit(
        store, most=most, is_shared_fate=lambda error: isinstance(error, Away)
    )
    group.start()
    yield group
    await group.stop()


async def _submit_all(group: GroupCommit[int, int], *rows: Sequence[int]) -> list[object]:
    return list(await asyncio.gather(*map(group.submit, rows), return_exceptions=True))


async def test_each_gets_its_own_answers_in_order() -> None:
    store = Store()
    async with started(store) as group:
        answers = await _submit_all(group, [1, 2], [3], [], [4, 5, 6])
    assert answers == [[10, 20], [30], [], [40, 50, 60]]


async def test_what_waits_is_stored_together() -> None:
    store = Store()
    store.gate.clear()
    async with started(store) as group:
        waiting = [asyncio.create_task(group.submit([row])) for row in range(100)]
        await asyncio.wait(waiting, timeout=0)
        store.gate.set()
        await asyncio.gather(*waiting)
    assert len(store.groups) <= 4
    assert sorted(store.kept) == list(range(100))


async def test_a_group_does_not_grow_without_end() -> None:
    store = Store()
    async with started(store, most=10) as group:
        await _submit_all(group, *([row] for row in range(100)))
    assert max(len(rows) for rows in store.groups) <= 10


async def test_a_bad_one_hurts_its_own_sender_alone() -> None:
    store = Store()
    async with started(store) as group:
        answers = await _submit_all(group, [1], [2, -2], [3])
    assert answers[0] == [10]
    assert isinstance(answers[1], Refused)
    assert answers[2] == [30]
    assert sorted(store.kept) == [1, 3]


async def test_a_shared_fate_is_told_to_all_at_once() -> None:
    store = Store()
    store.is_away = True
    async with started(store) as group:
        answers = await _submit_all(group, *([row] for row in range(20)))
        assert all(isinstance(answer, Away) for answer in answers)
        assert sum(len(rows) for rows in store.groups) == 20
        store.is_away = False
        assert await group.submit([1]) == [10]


async def test_stopping_stores_what_waits() -> None:
    store = Store()
    store.gate.clear()
    async with started(store) as group:
        waiting = [asyncio.create_task(group.submit([row])) for row in range(5)]
        await asyncio.wait(waiting, timeout=0)
        store.gate.set()
    assert [task.result() for task in waiting] == [[row * 10] for row in range(5)]


@pytest.mark.parametrize("leaves", [lambda n: n == 0, lambda n: n % 2 == 0, lambda n: True])
async def test_who_leaves_disturbs_nobody(leaves: Callable[[int], bool]) -> None:
    store = Store()
    store.gate.clear()
    async with started(store) as group:
        waiting = [asyncio.create_task(group.submit([row])) for row in range(10)]
        await asyncio.wait(waiting, timeout=0)
        for number, task in enumerate(waiting):
            if leaves(number):
                task.cancel()
        store.gate.set()
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        assert await group.submit([1]) == [10]
    for number, answer in enumerate(answers):
        assert (
            isinstance(answer, asyncio.CancelledError)
            if leaves(number)
            else answer == [number * 10]
        )
