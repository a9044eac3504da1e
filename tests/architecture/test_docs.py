"""What the documents say about the code is true, and nothing is missing."""

import importlib
import json
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

import aihub
from aihub.kit.errors import AppError
from aihub.main import openapi_document
from aihub.settings import Settings

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "guide"


def _first_column(text: str) -> set[str]:
    """The words in code style that begin a row of a table."""
    return set(re.findall(r"^\| `([^`]+)`", text, re.MULTILINE))


def _errors(kind: type[AppError] = AppError) -> Iterator[type[AppError]]:
    yield kind
    for child in kind.__subclasses__():
        if child.__module__.startswith("aihub."):
            yield from _errors(child)


def _import_everything() -> None:
    for module in pkgutil.walk_packages(aihub.__path__, "aihub."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def test_every_setting_is_documented_and_no_other() -> None:
    documented = _first_column((GUIDE / "settings.md").read_text("utf-8"))
    assert documented == {f"AIHUB_{f.name.upper()}" for f in msgspec.structs.fields(Settings)}


def test_the_defaults_are_documented() -> None:
    text = (GUIDE / "settings.md").read_text("utf-8")
    for setting in msgspec.structs.fields(Settings):
        if setting.default is not None:
            row = re.search(
                rf"^\| `AIHUB_{setting.name.upper()}` \| ([^|]*) \|", text, re.MULTILINE
            )
            assert row, setting.name
            assert row[1].strip() == f"`{setting.default}`"


def test_every_error_code_is_documented_and_no_other() -> None:
    _import_everything()
    text = (GUIDE / "errors.md").read_text("utf-8")
    documented = set(re.findall(r"^\| `(\w+)` \| (\d{3}) \|", text, re.MULTILINE))
    assert documented == {(kind.code, str(kind.status)) for kind in _errors()}


def test_the_architecture_names_every_part() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    source = Path(aihub.__file__).parent
    parts = {p.parent.name for p in source.glob("*/__init__.py")}
    parts |= {p.stem for p in source.glob("[a-z]*.py")}
    assert [part for part in sorted(parts) if f"`{part}" not in text] == []


def test_links_between_documents_lead_somewhere() -> None:
    for file in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", file.read_text("utf-8")):
            assert (file.parent / target).exists(), f"{file.name}: {target}"


def test_the_openapi_document_is_fresh() -> None:
    kept = json.loads((ROOT / "docs" / "openapi.json").read_text("utf-8"))
    assert kept == json.loads(json.dumps(openapi_document())), "run `make openapi`"
