"""A disk that fills up, and empties again."""

import os
import subprocess

import pytest

from aihub.embedded import DiskGuard

MIB = 1 << 20
THRESHOLD = 32 * MIB


@pytest.fixture
def small_disk(tmp_path):
    mount = ["mount", "-t", "tmpfs", "-o", "size=160m", "tmpfs", str(tmp_path)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("only root can make a small disk")
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


def fill(folder, *, leaving):
    """Make a file that leaves so many free bytes."""
    free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
    with (folder / "filler").open("ab") as file:
        os.posix_fallocate(file.fileno(), file.tell(), free - leaving)


def test_writes_stop_before_the_disk_is_full_and_go_on_when_there_is_room(small_disk):
    guard = DiskGuard(small_disk / "data")
    reserve = small_disk / "data" / "reserve"
    well = guard.check()
    assert (well.ok, well.threshold_bytes) == (True, THRESHOLD)
    assert well.free_bytes == pytest.approx(112 * MIB, abs=MIB)
    assert reserve.stat().st_blocks * 512 == 48 * MIB

    fill(small_disk, leaving=THRESHOLD + MIB)
    assert guard.check().ok
    assert reserve.exists()

    (small_disk / "last").write_bytes(b"x" * 2 * MIB)
    short = guard.check()
    assert not short.ok
    assert not reserve.exists()
    assert short.free_bytes == pytest.approx(79 * MIB, abs=MIB)

    assert not guard.check().ok  # the reserve's own room does not count as recovery
    (small_disk / "last").unlink()
    assert not guard.check().ok
    (small_disk / "filler").unlink()
    assert guard.check().ok
    assert reserve.stat().st_blocks * 512 == 48 * MIB


def test_no_reserve_is_made_where_there_is_little_room(small_disk):
    fill(small_disk, leaving=80 * MIB)
    guard = DiskGuard(small_disk / "data")
    assert guard.check().ok
    assert not (small_disk / "data" / "reserve").exists()


def test_two_guards_agree_after_a_shortage(small_disk):
    first, second = DiskGuard(small_disk / "data"), DiskGuard(small_disk / "data")
    fill(small_disk, leaving=MIB)
    assert not first.check().ok
    assert not second.check().ok
    (small_disk / "filler").unlink()
    assert first.check().ok
    assert second.check().ok


def test_the_halves_of_a_killed_guard_are_forgotten(small_disk):
    guard = DiskGuard(small_disk / "data")
    half = small_disk / "data" / "reserve.new"
    half.write_bytes(b"half")
    os.utime(half, (0, 0))
    guard.check()
    guard.check()
    assert not half.exists()
    assert (small_disk / "data" / "reserve").stat().st_size == 48 * MIB


def test_the_threshold_can_be_given(tmp_path):
    free = os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize
    state = DiskGuard(tmp_path / "data", 10 * free).check()
    assert (state.ok, state.threshold_bytes) == (False, 10 * free)
