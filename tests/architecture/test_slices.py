"""The dependency rules that import-linter cannot express; its contracts are in pyproject.toml."""

import ast
from collections.abc import Iterator
from pathlib import Path

import aihub

SOURCE = Path(aihub.__file__).parent
# Of these the package itself is the door, of `kit` every module is.
OPEN = {"client", "embedded", "kit"}
SLICES = {p.parent.name for p in SOURCE.glob("*/__init__.py")} - OPEN
DOORS = {name for name in SLICES if (SOURCE / name / "api.py").exists()}


def imports_of(file: Path) -> Iterator[tuple[int, str]]:
    """Each module that a file imports, and the line; `from a import b` gives both `a` and `a.b`."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno}: a relative import"
            assert node.module is not None
            if node.module.count(".") >= 2:
                yield node.lineno, node.module
            else:
                yield from ((node.lineno, f"{node.module}.{a.name}") for a in node.names)


def all_imports() -> Iterator[tuple[Path, int, list[str]]]:
    for file in sorted(SOURCE.rglob("*.py")):
        for line, module in imports_of(file):
            yield file.relative_to(SOURCE), line, module.split(".")


def test_another_slice_is_entered_by_its_api_alone() -> None:
    found = []
    for file, line, (top, *rest) in all_imports():
        if top != "aihub" or len(rest) < 2 or rest[0] not in DOORS:
            continue
        here = file.parts[0]
        is_root = here.endswith(".py")
        allowed = {"api", "commands"} if is_root else {"api"}
        if here != rest[0] and rest[1] not in allowed:
            found.append(f"{file}:{line} imports aihub.{'.'.join(rest)}")
    assert found == []


def test_embedded_is_entered_by_its_package_alone() -> None:
    found = [
        f"{file}:{line}"
        for file, line, module in all_imports()
        if module[:2] == ["aihub", "embedded"]
        and file.parts[0] != "embedded"
        and (SOURCE / "embedded" / f"{module[2]}.py").exists()
    ]
    assert found == []


def test_of_kit_the_client_knows_ids_alone() -> None:
    found = [
        f"{file}:{line}"
        for file, line, module in all_imports()
        if file.parts[0] == "client"
        and module[0] == "aihub"
        and module[1] != "client"
        and module[1:3] != ["kit", "ids"]
    ]
    assert found == []


def test_no_slice_commits() -> None:
    found = [
        f"{file.relative_to(SOURCE)}:{node.lineno}"
        for name in SLICES
        for file in (SOURCE / name).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in {"commit", "rollback"}
    ]
    assert found == []


def test_rules_are_pure() -> None:
    found = []
    for name in SLICES:
        file = SOURCE / name / "rules.py"
        if not file.exists():
            continue
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            is_clock = isinstance(node, ast.Attribute) and node.attr in {"now", "utcnow", "today"}
            if is_clock or isinstance(node, ast.AsyncFunctionDef):
                found.append(f"{file.relative_to(SOURCE)}:{node.lineno}")
    assert found == []


def test_every_slice_says_what_it_is_for() -> None:
    for name in SLICES | OPEN:
        text = (SOURCE / name / "__init__.py").read_text("utf-8")
        assert ast.get_docstring(ast.parse(text)), name
