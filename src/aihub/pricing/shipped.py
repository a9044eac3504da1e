"""The prices that come with this release: the imported base, our corrections, calendars.

`book/base.json` is written by `aihub prices import --write-to`, `book/corrections/*.toml` by hand.
`book/release.toml` numbers them: a database takes newer prices from a newer release, never older.
"""

import hashlib
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import msgspec

from aihub.pricing import price_files as files
from aihub.pricing.book import Book, Calendars, Entry, Layer

FOLDER = Path(__file__).parent / "book"


class Base(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The imported base as it is written down; `origin` names where it was imported from."""

    origin: str
    models: list[files.Model]


class Release(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`number` grows with each change of the files, whose digest is `digest`."""

    number: int
    digest: str


@dataclass(frozen=True, slots=True)
class Shipped:
    """Everything of a folder, read and checked."""

    release: Release
    digest: str
    origin: str
    entries: tuple[Entry, ...]
    falls_back_to: dict[str, str]
    calendars: Calendars

    def book(self) -> Book:
        """These prices alone, without a database."""
        return Book(
            f"{self.release.number}+{self.digest[:8]}",
            self.entries,
            falls_back_to=self.falls_back_to,
            calendars=self.calendars,
        )


def read_release() -> Release:
    """Which prices come with this release, without reading them."""
    return _read_release(FOLDER / "release.toml")


@cache
def load_shipped() -> Shipped:
    """The prices of this release, read once a process (about a quarter of a second)."""
    return read_folder(FOLDER)


@cache
def load_book() -> Book:
    """The book of this release alone."""
    return load_shipped().book()


def read_folder(folder: Path) -> Shipped:
    """Read and check a folder of prices. Raises BrokenPrices."""
    digest = hashlib.sha256()
    base = _read_base(folder / "base.json", digest)
    entries = list(_entries("base", base.models))
    falls_back_to: dict[str, str] = {}
    for path in sorted((folder / "corrections").glob("*.toml")):
        digest.update(path.read_bytes())
        found = files.read_toml(path)
        if found.falls_back_to:
            falls_back_to[found.provider] = found.falls_back_to
        named = [msgspec.structs.replace(model, provider=found.provider) for model in found.models]
        corrected = {model.id for model in named}
        if found.rules:
            # what all models of a provider share holds for those of the base too
            others = [
                m for m in base.models if m.provider == found.provider and m.id not in corrected
            ]
            named += [m for m in others if files.apply_rules([m], found.rules)[0] is not m]
        entries += _entries("corrections", files.apply_rules(named, found.rules))
    calendars = _read_calendars(folder / "holidays.toml", digest)
    release = _read_release(folder / "release.toml")
    return Shipped(
        release, digest.hexdigest(), base.origin, tuple(entries), falls_back_to, calendars
    )


def _read_base(path: Path, digest: "hashlib._Hash") -> Base:
    content = path.read_bytes()
    digest.update(content)
    try:
        base = msgspec.json.decode(content, type=Base)
    except msgspec.ValidationError as error:
        raise files.BrokenPrices(f"{path.name}: {error}") from error
    for model in base.models:
        files.check_model(model, f"{path.name}: {model.provider}/{model.id}")
    return base


def _read_calendars(path: Path, digest: "hashlib._Hash") -> Calendars:
    content = path.read_bytes()
    digest.update(content)
    found: dict[str, list[date]] = {
        name: calendar["days"] for name, calendar in tomllib.loads(content.decode()).items()
    }
    return {name: frozenset(days) for name, days in found.items()}


def _read_release(path: Path) -> Release:
    return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Release)


def _entries(layer: Layer, models: list[files.Model]) -> Iterator[Entry]:
    for model in models:
        for row in model.rows:
            yield Entry(layer, model.provider, model.id.lower(), tuple(model.names), row)
