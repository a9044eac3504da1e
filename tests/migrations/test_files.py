"""What every migration file has to be like."""

import re
from pathlib import Path

import pytest

from aihub.kit.migrate import MigrationFilesInvalid, migrations_folder, read_folder

FILES = read_folder(migrations_folder())
by_name = pytest.mark.parametrize("migration", FILES, ids=lambda migration: migration.path.name)

# what comes before a name that must say its schema
_NAMES = re.compile(
    r"\b(?:create(?: or replace)?|alter|drop)\s+(?:unlogged\s+)?"
    r"(?:table|function|view|materialized view|sequence|type|trigger)\s+"
    r"(?:if (?:not )?exists\s+)?(\S+)"
    r"|\b(?:insert into|references|delete from)\s+(\S+)"
    r"|\bcreate (?:unique )?index (?:concurrently )?(?:if not exists )?\S+ on (?:only )?(\S+)",
    re.IGNORECASE,
)


def code_of(text: str) -> str:
    return re.sub(r"--.*", "", text)


def test_the_checkouts_files_are_found() -> None:
    assert migrations_folder().name == "migrations"
    assert [file.version for file in FILES] == sorted(file.version for file in FILES)


@by_name
def test_a_file_waits_for_no_lock_for_long(migration) -> None:
    first = migration.path.read_text().splitlines()[0]
    assert first.startswith("set lock_timeout = ") == migration.in_transaction


@by_name
def test_a_file_leaves_the_transaction_to_the_runner(migration) -> None:
    code = code_of(migration.path.read_text()).lower()
    assert not re.search(r"^\s*(begin|start transaction|commit|rollback|end)\s*;", code, re.M)
    assert not re.search(r"^\s*set (session |local )?search_path[^;\n]*;", code, re.M)


@by_name
def test_every_name_says_its_schema(migration) -> None:
    code = code_of(migration.path.read_text())
    names = {next(filter(None, match.groups())) for match in _NAMES.finditer(code)}
    assert {name for name in names if not re.match(r"(public|hub|hub_part)\.", name)} == set()


@by_name
def test_a_function_that_acts_as_its_owner_fixes_its_search_path(migration) -> None:
    code = code_of(migration.path.read_text())
    heads = re.findall(r"create or replace function.*?\bas\s+\$", code, re.S | re.I)
    definers = [head for head in heads if "security definer" in head.lower()]
    assert [head for head in definers if "set search_path = ''" not in head] == []


@pytest.mark.parametrize(
    "name",
    [
        "20260101_expand_core.sql",
        "20260101000000_core.sql",
        "20260101000000_shrink_core.sql",
        "20260101000000_expand_.sql",
        "20260101000000_expand_Core.sql",
    ],
)
def test_another_name_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("select 1")
    with pytest.raises(MigrationFilesInvalid, match=re.escape(name)):
        read_folder(tmp_path)


def test_two_files_of_one_version_are_refused(tmp_path: Path) -> None:
    for name in ("20260101000000_expand_a.sql", "20260101000000_expand_b.sql"):
        (tmp_path / name).write_text("select 1")
    with pytest.raises(MigrationFilesInvalid, match=r"expand_a\.sql and .*expand_b\.sql"):
        read_folder(tmp_path)


def test_a_folder_without_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MigrationFilesInvalid, match="no migration"):
        read_folder(tmp_path)
