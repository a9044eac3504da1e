"""What is remembered, how long, and that many who ask at once ask once."""

import asyncio

import pytest

from aihub.identity.cache import BriefCache
from aihub.identity.lockout import FailureCounter


class Source:
    """A slow source that counts."""

    def __init__(self) -> None:
        self.now = 0.0
        self.loads = 0
        self.value: str | None = "a"
        self.gate = asyncio.Event()
        self.gate.set()
        self.started = asyncio.Event()

    async def load(self) -> str | None:
        self.loads += 1
        value = self.value
        self.started.set()
        await self.gate.wait()
        return value

    def cache(self, **options: float) -> BriefCache[str, str]:
        return BriefCache(lambda: self.now, **options)  # type: ignore[arg-type]


@pytest.fixture
async def source() -> Source:
    return Source()


async def test_found_for_five_seconds_and_missing_for_one(source: Source) -> None:
    cache = source.cache()
    for now, loads in ((0, 1), (4.9, 1), (5, 2)):
        source.now = now
        assert await cache.get("k", source.load) == "a"
        assert source.loads == loads
    source.value = None
    for now, loads in ((10, 3), (10.9, 3), (11, 4)):
        source.now = now
        assert await cache.get("k", source.load) is None
        assert source.loads == loads


async def test_many_share_one_load_and_survive_one_who_leaves(source: Source) -> None:
    cache = source.cache()
    source.gate.clear()
    callers = [asyncio.create_task(cache.get("k", source.load)) for _ in range(5)]
    await asyncio.sleep(0)
    callers[0].cancel()
    await source.started.wait()
    source.gate.set()
    assert await asyncio.gather(*callers[1:]) == ["a"] * 4
    assert source.loads == 1


async def test_what_was_being_loaded_when_forgotten_is_not_kept(source: Source) -> None:
    cache = source.cache()
    source.gate.clear()
    early = asyncio.create_task(cache.get("k", source.load))
    await source.started.wait()
    source.value = None
    cache.forget()
    late = asyncio.create_task(cache.get("k", source.load))
    await asyncio.sleep(0)
    source.gate.set()
    assert (await early, await late) == ("a", None)
    assert await cache.get("k", source.load) is None


async def test_forget_some(source: Source) -> None:
    cache = source.cache()
    for name in ("a", "b"):
        source.value = name
        await cache.get(name, source.load)
    cache.forget(lambda value: value == "a")
    source.value = "new"
    assert await cache.get("a", source.load) == "new"
    assert await cache.get("b", source.load) == "b"


async def test_bounded_and_wrong_ones_push_out_no_right_ones(source: Source) -> None:
    cache = source.cache(size=3)
    await cache.get("good", source.load)
    source.value = None
    for n in range(10):
        await cache.get(f"bad {n}", source.load)
    loads = source.loads
    assert await cache.get("good", source.load) == "a"
    assert await cache.get("bad 9", source.load) is None
    assert source.loads == loads
    source.value = "b"
    for n in range(3):
        await cache.get(f"more {n}", source.load)
    assert await cache.get("good", source.load) == "b"


async def test_errors_are_not_remembered(source: Source) -> None:
    async def fail() -> str | None:
        raise OSError("away")

    cache = source.cache()
    with pytest.raises(OSError, match="away"):
        await cache.get("k", fail)
    assert await cache.get("k", source.load) == "a"


def test_failures_are_forgotten_in_time() -> None:
    now = 0.0
    counter = FailureCounter(lambda: now, (0, 10), size=2)
    counter.fail("a")
    assert counter.seconds_locked("a") == 0
    counter.fail("a")
    assert counter.seconds_locked("a") == 10
    now = 920.0
    counter.fail("a")
    assert counter.seconds_locked("a") == 0
    counter.fail("a")
    counter.fail("b")
    counter.fail("c")
    assert counter.seconds_locked("a") == 0  # pushed out
