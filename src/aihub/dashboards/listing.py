"""What the lists beside that of conversations share: a filter in the URL, its chips, CSV. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from starlette.responses import Response

from aihub.dashboards import csv_files
from aihub.dashboards.filters import BadValue, Chip, quote
from aihub.dashboards.security import PAGE_HEADERS

Readers = Mapping[str, Callable[[str], Any]]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the URL of the list at `path` asks for. `values` as typed, `found` as read; with
    `errors`, `found` is not to be used."""

    path: str
    labels: Mapping[str, str]
    values: dict[str, str]
    found: dict[str, Any]
    errors: dict[str, str] = field(default_factory=dict)

    def url(self, values: Mapping[str, str | None]) -> str:
        """The list with this filter (and page); empty values are left out."""
        return address(self.path, values)

    @property
    def csv_url(self) -> str:
        """The whole list as a file."""
        return address(f"{self.path}.csv", self.values)

    @property
    def chips(self) -> list[Chip]:
        """One for each active filter, in the form's order."""
        return [
            Chip(
                self.labels[name],
                value,
                self.url({k: v for k, v in self.values.items() if k != name}),
            )
            for name, value in self.values.items()
        ]

    @property
    def complaint(self) -> str:
        """All that is wrong, for an answer that is no page."""
        return " ".join(f"{self.labels[name]}: {what}" for name, what in self.errors.items())


def read_asked(
    path: str, given: Mapping[str, str], labels: Mapping[str, str], readers: Readers
) -> Asked:
    """The filter in a query string. Never raises: see `errors`."""
    values = {name: text for name in labels if (text := given.get(name, "").strip())}
    found: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for name, text in values.items():
        try:
            found[name] = readers[name](text)
        except BadValue as bad:
            errors[name] = str(bad)
    return Asked(path, labels, values, found, errors)


def check_order(asked: Asked, low: str, high: str, complaint: str) -> None:
    """`high` must not be below `low`."""
    if low in asked.found and high in asked.found and asked.found[low] > asked.found[high]:
        asked.errors[high] = complaint


def address(path: str, values: Mapping[str, str | None]) -> str:
    """`path` with a query string; empty values are left out."""
    query = "&".join(f"{name}={quote(value)}" for name, value in values.items() if value)
    return f"{path}?{query}" if query else path


def send_table(
    name: str, day: datetime, columns: Iterable[str], rows: Iterable[Iterable[str]]
) -> Response:
    """A short table as a file; cells are made safe for spreadsheets."""
    return Response(
        csv_files.write_lines([columns, *rows], begins=True),
        media_type="text/csv; charset=utf-8",
        headers=csv_headers(name, day),
    )


def csv_headers(name: str, day: datetime) -> dict[str, str]:
    """What makes an answer a file: `prices-2026-11-26.csv`."""
    disposition = f'attachment; filename="{name}-{day:%Y-%m-%d}.csv"'
    return {**PAGE_HEADERS, "Content-Disposition": disposition}
