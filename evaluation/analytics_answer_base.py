"""What the checks of all answers share: who asks, and a CSV beside the JSON."""

import csv
import io
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from evaluation.analytics_ledger import Ledger
from evaluation.analytics_rows import Rows, Span, View


@dataclass
class AnswerBase:
    """`ask` gives an answer's JSON (numbers as Decimal), `read` its text.

    `organization` None: all, as an operator sees them. `own` is the zone of an answer that was
    asked for none.
    """

    ask: Callable[..., Awaitable[Any]]
    read: Callable[..., Awaitable[str]]
    rows: Rows
    ledger: Ledger
    organization: UUID | None
    own: str
    label: str = ""

    def view(self, zone: str | None = None, **filters: str | None) -> View:
        """The rows that are meant: by each one's own days when no zone is asked for."""
        return View(self.rows, self.organization, zone, **filters)

    def today(self, zone: str | None = None) -> date:
        """There."""
        return datetime.now(ZoneInfo(zone or self.own)).date()

    def same_table(self, what: str, where: str, text: str, rows: list[Any]) -> None:
        """A CSV that has the rows of the JSON, each value of each."""
        read = list(csv.DictReader(io.StringIO(text)))
        self.ledger.equal(what, f"{where}: rows of the CSV", len(read), len(rows))
        for n, (line, row) in enumerate(zip(read, rows, strict=False)):
            for name, value in flatten(row):
                cell = line.get(name)
                told: Any = cell or None
                if cell and _is_number(value):
                    told = Decimal(cell)
                self.ledger.equal(what, f"{where}: CSV {n} {name}", told, value)


def flatten(row: Mapping[str, Any], before: str = "") -> list[tuple[str, Any]]:
    """Parts of a row, as a CSV names them."""
    found: list[tuple[str, Any]] = []
    for name, value in row.items():
        if isinstance(value, Mapping):
            found += flatten(value, f"{before}{name}.")
        elif isinstance(value, list):
            found += [(f"{before}{name}.{n}", item) for n, item in enumerate(value)]
        else:
            found.append((f"{before}{name}", _guarded(value)))
    return found


def _guarded(value: Any) -> Any:
    if isinstance(value, str):
        return f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r")) else value or None
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal)


def span_of(period: Any) -> Span:
    return Span(
        from_=datetime.fromisoformat(period["from"]), to=datetime.fromisoformat(period["to"])
    )
