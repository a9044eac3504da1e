"""Reports as JSON and as tables."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec

from aihub.kit.money import json_number, plain
from aihub.reports.models import Content

TABLES = (
    "totals",
    "modules",
    "models",
    "billing",
    "satisfaction",
    "intents",
    "against_day_before",
    "against_week_before",
    "adoption",
    "retention",
)
_NAMES = ("module", "provider", "model", "intent", "kind", "name", "figure", "week")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

Row = Mapping[str, Any]


def to_json(content: Content) -> bytes:
    """A report's content: money in full, to the last digit."""
    return msgspec.json.encode(plain_values(content))


def from_json(content: bytes) -> Content:
    """The content again, exact."""
    return msgspec.json.decode(content, type=Content)


def plain_values(value: Any) -> Any:
    """Values as JSON has them; numbers are written out, never in exponent form."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain_values(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Decimal):
        return json_number(value)
    if isinstance(value, Mapping):
        return {key: plain_values(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_values(item) for item in value]
    return value


def to_csv(content: Content, table: str | None = None) -> bytes:
    """One table of a report, or all of it in rows of section, name, figure and value."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    if table is not None:
        rows = table_rows(content, table)
        names = list(dict.fromkeys(name for row in rows for name in row))
        writer.writerow(names)
        writer.writerows([_cell(row.get(name)) for name in names] for row in rows)
    else:
        writer.writerow(("section", "name", "figure", "value"))
        writer.writerows(_flat(content))
    return text.getvalue().encode()


def table_rows(content: Content, table: str) -> list[Row]:
    """The rows of one table: values by the names of their columns."""
    found = getattr(content, table)
    rows = [_row(item) for item in (found if isinstance(found, tuple) else (found,))]
    return rows if rows else [{}]


def _row(item: Any) -> Row:
    """One line; what is a list in it becomes columns with a number."""
    row: dict[str, Any] = {}
    for name in sorted((f.name for f in fields(item)), key=_names_first):
        value = getattr(item, name)
        if isinstance(value, tuple):
            row |= {f"{name}_{number}": each for number, each in enumerate(value)}
        else:
            row[name] = value
    return row


def _names_first(name: str) -> int:
    return _NAMES.index(name) if name in _NAMES else len(_NAMES)


def _flat(content: Content) -> Iterable[Sequence[str]]:
    for table in TABLES:
        for row in table_rows(content, table):
            name = " / ".join(str(row[each] or "") for each in _NAMES if each in row)
            for figure, value in row.items():
                if figure not in _NAMES:
                    yield table, _cell(name), figure, _cell(value)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, date):
        return value.isoformat()
    text = str(value)
    # names are other people's: a spreadsheet must not compute them
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text
