"""Killed servers, killed hubs, killed initdb, and what they leave behind."""

import asyncio
import os
import signal
import subprocess
import threading
import time

import asyncpg
import pytest

from aihub.embedded.osuser import choose_os_user

pytestmark = pytest.mark.fault
BROKEN = (  # what the driver says, depending on where the end of the server meets it
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
)


def stop_leaving(place, pid_line):
    """Stop the server, then put back a postmaster.pid with another process number."""
    text = (place.cluster / "postmaster.pid").read_text()
    place.uses[0].release()
    stale = place.cluster / "postmaster.pid"
    stale.write_text("\n".join([str(pid_line), *text.splitlines()[1:]]) + "\n")
    user = choose_os_user(None, place.cluster)
    if user:
        os.chown(stale, user.uid, user.gid)
        stale.chmod(0o600)


def as_server_user(place):
    user = choose_os_user(None, place.cluster)
    return user.identity if user else {}


def test_no_acknowledged_commit_is_lost_when_the_server_is_killed(place, fetch, eventually):
    server = place.use()
    dsn = server.ensure_running()
    fetch(dsn, "create table commits (number int)")
    acknowledged = []

    async def write():
        connection = await asyncpg.connect(dsn)
        for number in range(1_000_000):
            await connection.execute("insert into commits values ($1)", number)
            acknowledged.append(number)

    def write_until_it_breaks():
        with pytest.raises(BROKEN):
            asyncio.run(write())

    writer = threading.Thread(target=write_until_it_breaks)
    writer.start()
    eventually(lambda: len(acknowledged) > 200)
    os.kill(place.pid(), signal.SIGKILL)
    began = time.monotonic()
    again = server.ensure_running()
    took_s = time.monotonic() - began
    writer.join(timeout=20)

    assert again == dsn
    stored = {number for (number,) in fetch(dsn, "select number from commits")}
    assert stored >= set(acknowledged)
    assert took_s < 15  # the bound the launcher promises, far above what it takes


def test_a_busy_orphan_does_not_hold_up_the_restart(place, fetch, eventually):
    server = place.use()
    dsn = server.ensure_running()

    def spin():
        with pytest.raises(BROKEN):
            fetch(dsn, "do $$ begin loop end loop; end $$")

    spinner = threading.Thread(target=spin)
    spinner.start()
    busy = "select count(*) from pg_stat_activity where state = 'active' and query like 'do%'"
    eventually(lambda: fetch(server.admin_dsn, busy) == [(1,)])
    os.kill(place.pid(), signal.SIGKILL)
    assert fetch(server.ensure_running(), "select 1") == [(1,)]
    spinner.join(timeout=10)
    assert not spinner.is_alive()


def test_a_stale_pid_of_a_living_stranger(place, fetch):
    dsn = place.use().ensure_running()
    stranger = subprocess.Popen(["sleep", "60"], **as_server_user(place))
    try:
        stop_leaving(place, stranger.pid)
        assert not place.uses[0].is_alive()
        assert place.use().ensure_running() == dsn
        assert fetch(dsn, "select 1") == [(1,)]
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_stale_pid_of_a_zombie(place, fetch, eventually):
    dsn = place.use().ensure_running()
    zombie = subprocess.Popen(["true"], **as_server_user(place))
    os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
    stop_leaving(place, zombie.pid)

    assert place.use().ensure_running() == dsn
    assert fetch(dsn, "select 1") == [(1,)]
    zombie.wait()


def test_a_stale_pid_of_another_folders_server(place, home, fetch):
    dsn = place.use().ensure_running()
    other = type(place)(home / "other")
    try:
        other.use().ensure_running()
        stop_leaving(place, other.pid())
        assert place.use().ensure_running() == dsn
        assert other.uses[0].is_alive()
        place.uses[-1].release()
        assert other.uses[0].is_alive()
    finally:
        other.uses[0].release()


def test_the_next_hub_adopts_the_server_of_a_killed_one(place, fetch):
    first = place.hub()
    dsn = first.dsn()
    pid = place.pid()
    first.kill()

    second = place.use()
    assert second.ensure_running() == dsn
    assert place.pid() == pid
    second.release()
    assert not (place.cluster / "postmaster.pid").exists()


@pytest.mark.parametrize("with_children", [True, False], ids=["group", "hub-only"])
def test_a_killed_initdb_is_done_again(place, fetch, eventually, with_children):
    hub = place.hub()
    fresh = place.data_dir / "cluster.init"
    eventually((fresh / "PG_VERSION").exists)
    if with_children:
        for process in children_of(hub.process.pid):
            os.kill(process, signal.SIGKILL)
    hub.kill()
    assert not place.cluster.exists()

    dsn = place.use().ensure_running()
    assert not fresh.exists()
    assert fetch(dsn, "select count(*) from pg_database where datname = 'aihub'") == [(1,)]


def children_of(pid):
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], check=False, capture_output=True, text=True
    )
    return [int(word) for word in listed.stdout.split()]


def test_the_server_outlives_ctrl_c(place, fetch, eventually):
    hub = place.hub(start_new_session=True, stderr=subprocess.DEVNULL)
    dsn = hub.dsn()
    pid = place.pid()
    os.killpg(hub.process.pid, signal.SIGINT)
    hub.process.wait(timeout=10)

    assert fetch(dsn, "select 1") == [(1,)]
    assert place.pid() == pid
    place.use().ensure_running()
