"""Several users of one server: the first starts it, the last one stops it."""

import os

import pytest

from aihub.embedded import DataFolderInUse, StartFailed


def is_running(place):
    return (place.cluster / "postmaster.pid").exists()


def test_the_last_user_in_one_process_stops_it(place):
    first, second = place.use(), place.use()
    assert first.ensure_running() == second.ensure_running()
    first.release()
    assert second.is_alive()
    assert not first.is_alive()
    second.release()
    assert not is_running(place)


def test_the_last_process_stops_it(place, fetch):
    hubs = [place.hub() for _ in range(3)]  # all of them find an empty folder
    dsns = {hub.dsn() for hub in hubs}
    assert len(dsns) == 1
    pid = place.pid()
    for hub in hubs[:-1]:
        hub.leave()
        assert place.pid() == pid
        assert fetch(dsns.copy().pop(), "select 1") == [(1,)]
    hubs[-1].leave()
    assert not is_running(place)


def test_a_server_started_by_hand_is_used_and_not_stopped(place, fetch):
    place.use().ensure_running()
    place.uses[0].release()
    place.pg_ctl("-l", "/dev/null", "start")
    pid = place.pid()
    try:
        server = place.use()
        dsn = server.ensure_running()
        assert place.pid() == pid
        assert server.is_alive()
        server.release()
        assert place.pid() == pid
        assert fetch(dsn, "select 1") == [(1,)]
    finally:
        place.pg_ctl("-m", "fast", "stop")


def test_a_server_started_by_hand_on_another_port_is_found(place, fetch, free_port):
    place.use().ensure_running()
    place.uses[0].release()
    place.pg_ctl("-o", f"-p {free_port}", "-l", "/dev/null", "start")
    try:
        assert f":{free_port}/" in place.use().ensure_running()
    finally:
        place.pg_ctl("-m", "fast", "stop")


def test_a_server_started_by_hand_that_lets_nobody_in_is_named(place, monkeypatch):
    monkeypatch.setattr("aihub.embedded.launcher._RETRY_S", 0.5)
    place.use().ensure_running()
    place.uses[0].release()
    place.pg_ctl("-o", "-c listen_addresses= -k /tmp", "-l", "/dev/null", "start")
    try:
        with pytest.raises(DataFolderInUse, match=rf"Process {place.pid()} .*pg_ctl"):
            place.use().ensure_running()
    finally:
        place.pg_ctl("-m", "fast", "stop")


def test_a_server_that_cannot_start_says_why_and_holds_nothing(place):
    server = place.use()
    server.ensure_running()
    server.release()
    (place.cluster / "local.conf").write_text("shared_buffers = 'plenty'\n")
    (place.cluster / "local.conf").chmod(0o644)

    with pytest.raises(StartFailed, match="shared_buffers"):
        server.ensure_running()
    (place.cluster / "local.conf").unlink()
    server.ensure_running()
    assert server.is_alive()


def test_the_first_use_after_release_counts_anew(place):
    server = place.use()
    server.ensure_running()
    server.ensure_running()
    server.release()
    server.release()
    assert not is_running(place)


def test_use_ends_when_the_folder_is_removed(place):
    import shutil

    server = place.use()
    server.ensure_running()
    pid = place.pid()
    shutil.rmtree(place.data_dir)
    assert not server.is_alive()
    server.release()
    os.kill(pid, 3)


@pytest.fixture
def free_port():
    from aihub.embedded.config import choose_port

    return choose_port(None)
