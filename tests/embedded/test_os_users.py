"""As root, as a normal user, with binaries out of reach, with the system's PostgreSQL."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import aihub.embedded
from aihub.embedded import EmbeddedPostgres, EmbeddedSettings, find_binaries

SOURCE = str(Path(aihub.embedded.__file__).parents[2])
SYSTEM_15 = Path("/usr/lib/postgresql/15/bin")

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="about running as root")


@needs_root
def test_root_runs_it_as_an_unprivileged_user(place):
    place.use().ensure_running()
    status = Path(f"/proc/{place.pid()}/status").read_text()
    ids = {
        line.split(":")[0]: line.split()[1:]
        for line in status.splitlines()
        if line.startswith(("Uid", "Gid", "Groups"))
    }
    assert "0" not in ids["Uid"] + ids["Gid"] + ids["Groups"]
    assert set(ids["Uid"]) == {str(place.cluster.stat().st_uid)}
    assert place.data_dir.stat().st_uid == 0


@needs_root
def test_binaries_out_of_reach_are_copied_once(home, fetch):
    install = find_binaries(None).bin_dir.parent
    closed = home / "closed"
    hidden = closed / install.parent.name / install.name
    shutil.copytree(install, hidden, symlinks=True)
    libraries = install.parent.with_name(f"{install.parent.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, closed / libraries.name)
    closed.chmod(0o700)
    settings = EmbeddedSettings(home / "data", bin_dir=hidden / "bin", os_user="nobody")
    for _ in range(2):
        with EmbeddedPostgres(settings) as server:
            assert fetch(server.dsn, "select 1") == [(1,)]
            (copy,) = (home / "data" / "binaries").iterdir()
            inode = copy.stat().st_ino
    assert copy.stat().st_ino == inode
    assert closed.stat().st_mode & 0o777 == 0o700


@needs_root
def test_another_user_can_take_over(home, fetch):
    settings = EmbeddedSettings(home / "data", os_user="nobody")
    with EmbeddedPostgres(settings) as server:
        fetch(server.dsn, "create table kept as select 1 as one")
    owner = (home / "data" / "cluster").stat().st_uid
    with EmbeddedPostgres(EmbeddedSettings(home / "data")) as server:  # keeps the owner
        assert (home / "data" / "cluster").stat().st_uid == owner
    with EmbeddedPostgres(EmbeddedSettings(home / "data", os_user="daemon")) as server:
        assert (home / "data" / "cluster").stat().st_uid != owner
        assert fetch(server.dsn, "select one from kept") == [(1,)]


def python_for(identity):
    """A Python that the user can start; ours may lie in a folder closed to others."""
    check = "import sys, aihub.embedded; sys.exit(sys.version_info < (3, 11))"
    for python in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        try:
            subprocess.run(
                [python, "-c", check],
                check=True,
                cwd="/",
                env={"PYTHONPATH": SOURCE},
                capture_output=True,
                **identity,
            )
        except (OSError, subprocess.CalledProcessError):
            continue
        return python
    return pytest.skip("no Python 3.11 that another user can reach")


def test_a_normal_user_can_run_it(home, nobody):
    folder = home / "theirs"
    folder.mkdir()
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    identity = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    python = python_for(identity)
    script = """
import os, signal, sys
from pathlib import Path
from aihub.embedded import EmbeddedPostgres, EmbeddedSettings
folder = Path(sys.argv[1])
with EmbeddedPostgres(EmbeddedSettings(folder, Path(sys.argv[2]))) as server:
    pid = int((folder / "cluster" / "postmaster.pid").read_text().split()[0])
    assert Path(f"/proc/{pid}").stat().st_uid == os.geteuid() != 0
    os.kill(pid, signal.SIGKILL)
    assert server.ensure_running() == server.dsn
assert not (folder / "cluster" / "postmaster.pid").exists()
print("done", oct(folder.stat().st_mode & 0o777))
"""
    done = subprocess.run(
        [python, "-c", script, str(folder / "data"), str(find_binaries(None).bin_dir)],
        check=False,
        capture_output=True,
        text=True,
        cwd="/",
        env={"PYTHONPATH": SOURCE},
        timeout=60,
        **identity,
    )
    assert (done.stdout, done.stderr) == ("done 0o700\n", "")


@pytest.mark.skipif(not SYSTEM_15.exists(), reason="PostgreSQL 15 of the system is not installed")
def test_the_systems_postgresql_15(place, fetch):
    place.bin_dir = SYSTEM_15
    server = place.use()
    dsn = server.ensure_running()
    ((version,),) = fetch(dsn, "show server_version_num")
    assert version.startswith("15")
    os.kill(place.pid(), 9)
    assert server.ensure_running() == dsn
    assert fetch(dsn, "select rolsuper from pg_roles where rolname = current_user") == [(False,)]
