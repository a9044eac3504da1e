"""The durable queue, with real files and real processes."""

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from aihub.client import SpoolError
from aihub.client.events import Event
from aihub.client.spool import Rejected, Spool
from aihub.client.spool_file import default_spool_path

ALL = {"max_events": 1_000, "max_bytes": 10**9}


def event(name: str, *, organization: str = "org", body: bytes = b"{}") -> Event:
    return Event(name, "message", organization, f"conversation-{name}", body)


def names(spool: Spool, organization: str = "org") -> list[str]:
    return [s.event.id for s in spool.peek(organization, **ALL)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "spool.db"


@pytest.fixture(params=["file", "memory"])
def spool(request: pytest.FixtureRequest, path: Path) -> Iterator[Spool]:
    spool = Spool(path if request.param == "file" else None)
    yield spool
    spool.close()


def run_and_kill(script: str, *arguments: object) -> str:
    """Run Python until it prints "ready", then end it as a crash would; gives what it printed."""
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    printed = ""
    while "ready" not in printed:
        line = process.stdout.readline()
        assert line, "the process ended by itself"
        printed += line
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    return printed


APPEND = """
    import sys, time
    from pathlib import Path
    from aihub.client.events import Event
    from aihub.client.spool import Spool
    spool = Spool(Path(sys.argv[1]))
    for name in sys.argv[2:]:
        spool.append([Event(name, "message", "org", f"conversation-{name}", b"{}")])
    print("ready", flush=True)
    time.sleep(600)
"""


def test_events_come_back_whole_and_in_order(spool: Spool) -> None:
    first, second = event("b", body=b'{"a":"\xc3\xa9"}'), event("a")
    spool.append([first, second])
    spool.append([event("c", organization="other")])
    assert [s.event for s in spool.peek("org", **ALL)] == [first, second]
    assert names(spool, "other") == ["c"]
    assert (spool.count("org"), spool.count("other"), spool.count("none")) == (2, 1, 0)


@pytest.mark.parametrize(
    ("max_events", "max_bytes", "count"),
    [(10, 10**6, 3), (2, 10**6, 2), (10, 1, 1), (10, 2 * 1_200, 2), (10, 2 * 1_200 - 1, 1)],
    ids=["all", "count", "one-at-least", "bytes", "bytes-less-one"],
)
def test_peek_keeps_both_limits(spool: Spool, max_events: int, max_bytes: int, count: int) -> None:
    spool.append([event(n, body=b"x" * 1_000) for n in "abc"])
    assert len(spool.peek("org", max_events=max_events, max_bytes=max_bytes)) == count


def test_settled_events_are_gone(spool: Spool) -> None:
    spool.append([event(n) for n in "abcd"])
    a, b, _, d = spool.peek("org", **ALL)
    rejected = Rejected(d.seq, d.event, 422, b'{"detail":"no"}', 1.5)
    spool.settle([a.seq, b.seq], rejected=[rejected], aliases=[("x", "y")])
    assert names(spool) == ["c"]
    [failed] = spool.failed()
    assert (failed.event, failed.status, failed.problem) == (d.event, 422, b'{"detail":"no"}')
    assert failed.failed_at == 1.5
    assert spool.aliases() == {"x": "y"}


def test_refused_events_can_be_queued_again_or_discarded(spool: Spool) -> None:
    spool.append([event(n) for n in "abcd"])
    *refused, _ = spool.peek("org", **ALL)
    spool.settle([], rejected=[Rejected(s.seq, s.event, 422, b"{}", 0.0) for s in refused])
    assert spool.requeue_failed(["b", "unknown"]) == {"org": 1}
    assert names(spool) == ["d", "b"]
    assert spool.discard_failed(["a"]) == 1
    assert [r.event.id for r in spool.failed()] == ["c"]
    assert spool.requeue_failed([]) == {"org": 1}
    assert names(spool) == ["d", "b", "c"]
    assert spool.failed() == []


def test_clean_end_leaves_the_rest_to_the_next(path: Path) -> None:
    first = Spool(path)
    first.append([event("a")])
    first.close()
    second = Spool(path)
    assert names(second) == []
    assert second.adopt() == {"org": 1}
    assert names(second) == ["a"]
    assert second.organizations(10) == [("conversation-a", "org")]
    second.close()
    assert sorted(p.name for p in path.parent.iterdir()) == ["spool.db"]


def test_killed_process_leaves_everything_it_appended(path: Path) -> None:
    run_and_kill(APPEND, path, "a", "b")
    run_and_kill(APPEND, path, "c")
    spool = Spool(path)
    assert spool.adopt() == {"org": 3}
    assert names(spool) == ["a", "b", "c"]
    assert spool.adopt() == {}
    spool.close()
    assert sorted(p.name for p in path.parent.iterdir()) == ["spool.db"]  # no lock is left behind


def test_events_of_a_living_process_are_not_touched(path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(APPEND), str(path), "a"], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"ready\n"
        spool = Spool(path)
        assert spool.adopt() == {}
        assert names(spool) == []
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    assert spool.adopt() == {"org": 1}
    assert names(spool) == ["a"]
    spool.close()


def test_two_in_one_process_are_kept_apart(path: Path) -> None:
    first, second = Spool(path), Spool(path)
    first.append([event("a")])
    second.append([event("b")])
    assert first.adopt() == second.adopt() == {}
    assert (names(first), names(second)) == (["a"], ["b"])
    first.close()
    assert second.adopt() == {"org": 1}
    assert names(second) == ["a", "b"]
    second.close()


def test_processes_may_append_side_by_side(path: Path) -> None:
    script = """
        import sys
        from pathlib import Path
        from aihub.client.events import Event
        from aihub.client.spool import Spool
        spool = Spool(Path(sys.argv[1]))
        for n in range(100):
            spool.append([Event(f"{sys.argv[2]}-{n:03}", "message", sys.argv[2], None, b"{}")])
    """
    processes = [
        subprocess.Popen([sys.executable, "-c", textwrap.dedent(script), str(path), name])
        for name in ("a", "b", "c")
    ]
    assert [p.wait() for p in processes] == [0, 0, 0]
    spool = Spool(path)
    assert spool.adopt() == {"a": 100, "b": 100, "c": 100}
    for name in ("a", "b", "c"):
        assert names(spool, name) == [f"{name}-{n:03}" for n in range(100)]
    spool.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_fork_harms_neither_side(path: Path) -> None:
    spool = Spool(path)
    spool.append([event("before")])
    child = os.fork()
    if child == 0:
        status = 1
        try:
            own = Spool(path)
            own.append([event(f"child-{n}") for n in range(50)])
            own.close()
            status = 0
        finally:
            os._exit(status)
    for n in range(50):
        spool.append([event(f"parent-{n}")])
    assert os.waitpid(child, 0)[1] == 0
    assert spool.adopt() == {"org": 50}
    assert sorted(names(spool)) == sorted(
        ["before", *(f"{side}-{n}" for side in ("parent", "child") for n in range(50))]
    )
    spool.close()
    with sqlite3.connect(path) as db:
        assert db.execute("pragma integrity_check").fetchall() == [("ok",)]
    db.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_parent_that_ends_first_does_not_take_the_childs_events_along(path: Path) -> None:
    """A connection that lived through the fork would: the child would believe to share the lock
    that keeps the last one to close the file from deleting its log."""
    spool = Spool(path)
    spool.append([event("parent")])
    opened, parent_closed = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            own = Spool(path)
            own.append([event("child-before")])
            os.write(opened[1], b".")
            os.read(parent_closed[0], 1)
            own.append([event("child-after")])
            status = 0
        finally:
            os._exit(status)  # as a crash: nothing is closed
    os.read(opened[0], 1)
    spool.close()
    os.write(parent_closed[1], b".")
    assert os.waitpid(child, 0)[1] == 0
    after = Spool(path)
    assert after.adopt() == {"org": 3}
    assert sorted(names(after)) == ["child-after", "child-before", "parent"]
    after.close()
    for descriptor in (*opened, *parent_closed):
        os.close(descriptor)


def test_file_is_for_its_user_alone(path: Path) -> None:
    spool = Spool(path)
    spool.append([event("a")])
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert {
        p.stat().st_mode & 0o077 for p in path.parent.glob("spool.db*") if "lock" not in p.name
    } == {0}
    spool.close()


def test_full_disk_accepts_nothing_and_recovers(tmp_path: Path) -> None:
    """A limit on the size of files makes writes fail as on a full disk."""
    script = """
        import resource, sys
        from pathlib import Path
        from aihub.client import SpoolError
        from aihub.client.events import Event
        from aihub.client.spool import Spool
        spool = Spool(Path(sys.argv[1]))
        spool.append([Event("small", "message", "org", None, b"x")])
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, resource.RLIM_INFINITY))
        try:
            spool.append([Event("big", "message", "org", None, b"x" * 4_000_000)])
        except SpoolError as error:
            print(type(error).__name__, error.code)
        print([s.event.id for s in spool.peek("org", max_events=9, max_bytes=10**9)])
        spool.append([Event("next", "message", "org", None, b"x")])
        print([s.event.id for s in spool.peek("org", max_events=9, max_bytes=10**9)])
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(tmp_path / "spool.db")],
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.splitlines() == ["SpoolError spool", "['small']", "['small', 'next']"]


def test_file_of_a_newer_client_is_refused(path: Path) -> None:
    Spool(path).close()
    with sqlite3.connect(path) as db:
        db.execute("pragma user_version = 2")
    db.close()
    with pytest.raises(SpoolError, match="newer client"):
        Spool(path)


def test_what_is_no_spool_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("no database, but somebody's notes\n" * 100)
    with pytest.raises(SpoolError, match=r"notes\.txt"):
        Spool(path)
    assert path.read_text() == "no database, but somebody's notes\n" * 100


def test_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SpoolError):
        Spool(tmp_path / "file" / "spool.db")


def test_closed_spool_accepts_nothing(spool: Spool) -> None:
    spool.close()
    with pytest.raises(SpoolError):
        spool.append([event("a")])


def test_space_is_given_back(path: Path) -> None:
    spool = Spool(path)
    spool.append([event(str(n), body=b"x" * 100_000) for n in range(100)])
    spool.settle([s.seq for s in spool.peek("org", **ALL)])
    spool.shrink()
    spool.close()  # writes the log back into the file
    assert path.stat().st_size < 1_000_000


def test_default_place_depends_on_hub_and_key_and_tells_neither() -> None:
    paths = {
        default_spool_path(url, key)
        for url in ("http://127.0.0.1:8080", "https://hub.example")
        for key in ("ahk_one", "ahk_two")
    }
    assert len(paths) == 4
    assert all(p.is_relative_to(Path.home()) for p in paths)
    assert not any("ahk" in str(p) or "hub.example" in p.name for p in paths)
