"""Cells and rows of dashboards as HTML: a page has a thousand, which templates write slowly.

Every text is escaped here. What turns text around is made visible, and what may be of another
direction stands by itself.
"""

from collections.abc import Callable
from html import escape

from markupsafe import Markup

from aihub.dashboards.panels import Cell, Table
from aihub.dashboards.rules import Change

_SHARE = (
    '<svg class="share" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true"'
    ' focusable="false"><rect class="share-all" width="100" height="6"/>'
    '<rect class="bar" width="%s" height="6"/></svg>'
)


class TableWriter:
    """Writes cells and rows. `show_controls` makes visible what turns text around; `badge` writes
    a change."""

    def __init__(self, show_controls: Callable[[str], str], badge: Callable[[Change], str]) -> None:
        self._show_controls = show_controls
        self._badge = badge

    def body(self, table: Table) -> Markup:
        """The rows that the page shows."""
        return self._rows(table, table.shown)

    def all(self, table: Table) -> Markup:
        """Every row."""
        return self._rows(table, table.rows)

    def foot(self, table: Table) -> Markup:
        """The row of sums."""
        return self._rows(table, (table.foot,))

    def _rows(self, table: Table, rows: tuple[tuple[Cell, ...], ...]) -> Markup:
        starts = ["<td>" if not column.is_number else None for column in table.columns]
        parts: list[str] = []
        for row in rows:
            parts.append('<tr><th scope="row">')
            parts.append(self._inside(row[0]))
            parts.append("</th>")
            for cell, start in zip(row[1:], starts[1:], strict=True):
                parts.append(start or _begin(cell))
                parts.append(self._inside(cell))
                parts.append("</td>")
            parts.append("</tr>\n")
        return Markup("".join(parts))  # noqa: S704 - every part is escaped or our own

    def _inside(self, cell: Cell) -> str:
        title = ""
        if cell.exact and cell.exact != cell.shown:
            title = f' title="{self._text(cell.exact)}"'
        shown = self._isolated(cell.shown)
        if cell.url:
            shown = f'<a href="{escape(cell.url)}"{title}>{shown}</a>'
        elif title:
            shown = f"<span{title}>{shown}</span>"
        if cell.change:
            shown += f" {self._badge(cell.change)}"
        if cell.note:
            shown += f'<span class="tile-note">{self._text(cell.note)}</span>'
        return shown + _SHARE % cell.width if cell.width is not None else shown

    def _text(self, text: str) -> str:
        return escape(text if text.isascii() else self._show_controls(text))

    def _isolated(self, text: str) -> str:
        if text.isascii():  # nothing of it runs from right to left
            return escape(text)
        return f"<bdi>{escape(self._show_controls(text))}</bdi>"


def _begin(cell: Cell) -> str:
    """The start of a number's cell."""
    bad = " is-bad" if cell.is_bad else ""
    heat = f" heat heat-{cell.level}" if cell.level is not None else ""
    return f'<td class="num{bad}{heat}">'
