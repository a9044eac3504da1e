"""The price book: dated, sourced prices of the providers' models, read from TOML files.

The price of a call is that of the last row whose `from` day (UTC) has begun. Before a model's
first row its first row holds, and the result is marked as an estimate: imports bring calls whose
clock was wrong or whose model was used before its prices were published, and a cost close to the
truth serves them better than none. A model name is looked up as it is, then without `-latest`, then
without the date of a snapshot; a snapshot with a price of its own has an entry of its own.
"""

import hashlib
import re
import tomllib
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache, lru_cache
from pathlib import Path
from typing import Annotated

import msgspec

_FOLDER = Path(__file__).parent / "book"
_SNAPSHOT = re.compile(r"(?:[-@]\d{8}|-\d{4}-\d{2}-\d{2})$")
_HYPHENATED = re.compile(r"^gpt-(\d)-(\d)(?!\d)")
_LONGEST_NAME = 200
# at most six decimals per million: a price per token then has twelve
_Price = Annotated[str, msgspec.Meta(pattern=r"^\d{1,6}(\.\d{1,6})?$")]
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=_LONGEST_NAME)]
_Source = Annotated[str, msgspec.Meta(pattern="^https://")]

COMPONENTS = ("input", "cached_input", "cache_write_5m", "cache_write_1h", "output")


class BrokenPriceBook(ValueError):
    """A price book file that does not say what it must; the message names file and place."""


@dataclass(frozen=True, slots=True)
class Rates:
    """USD per token by component; `above` holds once the prompt has more than that many tokens."""

    per_token: dict[str, Decimal]
    above_tokens: int | None = None
    above: dict[str, Decimal] | None = None


@dataclass(frozen=True, slots=True)
class PriceRow:
    """The prices of one model from one day on; `variants` by name (`batch`, `flex`, …)."""

    price_id: str
    since: datetime
    source: str
    standard: Rates
    variants: dict[str, Rates]


@dataclass(frozen=True, slots=True)
class Book:
    """All rows by provider and model name, in the order of time."""

    version: str
    rows: dict[str, dict[str, tuple[PriceRow, ...]]]


class _Numbers(msgspec.Struct, forbid_unknown_fields=True):
    input: _Price
    cached_input: _Price | None = None
    cache_write_5m: _Price | None = None
    cache_write_1h: _Price | None = None
    output: _Price | None = None


class _Above(_Numbers, kw_only=True):
    tokens: Annotated[int, msgspec.Meta(gt=0)]


class _Variant(_Numbers, kw_only=True):
    above: _Above | None = None


class _Row(_Variant, kw_only=True):
    since: date = msgspec.field(name="from")
    source: _Source
    batch: _Variant | None = None
    flex: _Variant | None = None
    priority: _Variant | None = None
    fast: _Variant | None = None


class _Model(msgspec.Struct, forbid_unknown_fields=True):
    id: _Name
    price: Annotated[list[_Row], msgspec.Meta(min_length=1)]
    aliases: list[_Name] = []


class _File(msgspec.Struct, forbid_unknown_fields=True):
    provider: _Name
    compiled: date
    model: list[_Model]


@cache
def load_book() -> Book:
    """The price book of this release, read once a process."""
    return read_book(_FOLDER)


def read_book(folder: Path) -> Book:
    """Read and check every `*.toml` of `folder`; `BrokenPriceBook` where one is wrong."""
    digest = hashlib.sha256()
    rows: dict[str, dict[str, tuple[PriceRow, ...]]] = {}
    compiled = date.min
    for path in sorted(folder.glob("*.toml")):
        content = path.read_bytes()
        digest.update(content)
        parsed = _parse(content, path.name)
        compiled = max(compiled, parsed.compiled)
        rows.setdefault(parsed.provider, {}).update(_index(parsed, path.name))
    return Book(version=f"{compiled.isoformat()}+{digest.hexdigest()[:8]}", rows=rows)


def find_rows(provider: str, model: str) -> tuple[PriceRow, ...] | None:
    """The rows of a model under any of its names, or None when the book does not have it."""
    return _find_rows(provider, model) if len(model) <= _LONGEST_NAME else None


def choose_row(rows: tuple[PriceRow, ...], at: datetime) -> tuple[PriceRow, bool]:
    """The row that holds at `at`, and whether `at` is before all of them."""
    moment = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    for row in reversed(rows):
        if row.since <= moment:
            return row, False
    return rows[0], True


@lru_cache(maxsize=4096)
def _find_rows(provider: str, model: str) -> tuple[PriceRow, ...] | None:
    models = load_book().rows.get(provider)
    if models is None:
        return None
    return next((models[name] for name in _spell(provider, model) if name in models), None)


def _spell(provider: str, model: str) -> list[str]:
    """The names under which the book may have a model, the most exact first."""
    name = model.strip().lower().rsplit("/", 1)[-1]
    if name.startswith("ft:"):  # ft:<base model>:<organisation>:<name>:<id>
        name = ":".join(name.split(":", 2)[:2])
    name = (
        name.replace(".", "-") if provider == "anthropic" else _HYPHENATED.sub(r"gpt-\1.\2", name)
    )
    bare = name.removesuffix("-latest")
    return [name, bare, _SNAPSHOT.sub("", bare)]


def _parse(content: bytes, name: str) -> _File:
    try:
        return msgspec.convert(tomllib.loads(content.decode()), _File)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise BrokenPriceBook(f"{name}: {error}") from error


def _index(parsed: _File, file_name: str) -> dict[str, tuple[PriceRow, ...]]:
    models: dict[str, tuple[PriceRow, ...]] = {}
    for model in parsed.model:
        days = [row.since for row in model.price]
        if days != sorted(set(days)):
            raise BrokenPriceBook(f"{file_name}: the rows of {model.id} are not in order of time")
        rows = tuple(_build_row(parsed.provider, model.id, row) for row in model.price)
        for name in (model.id, *model.aliases):
            if name in models:
                raise BrokenPriceBook(f"{file_name}: the name {name} stands there twice")
            models[name] = rows
    return models


def _build_row(provider: str, model: str, row: _Row) -> PriceRow:
    variants = {"batch": row.batch, "flex": row.flex, "priority": row.priority, "fast": row.fast}
    return PriceRow(
        price_id=f"{provider}/{model}@{row.since.isoformat()}",
        since=datetime(row.since.year, row.since.month, row.since.day, tzinfo=UTC),
        source=row.source,
        standard=_build_rates(row),
        variants={name: _build_rates(rates) for name, rates in variants.items() if rates},
    )


def _build_rates(numbers: _Variant) -> Rates:
    above = numbers.above
    if above is None:
        return Rates(_per_token(numbers))
    return Rates(_per_token(numbers), above.tokens, _per_token(above))


def _per_token(numbers: _Numbers) -> dict[str, Decimal]:
    prices = ((name, getattr(numbers, name)) for name in COMPONENTS)
    return {name: Decimal(price).scaleb(-6) for name, price in prices if price is not None}
