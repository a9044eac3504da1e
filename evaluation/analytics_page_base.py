"""What the checks of all pages share: whose pages they are, periods, tables and tiles."""

import csv
import io
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from evaluation import analytics_formulas as formulas
from evaluation.analytics_ledger import Ledger
from evaluation.analytics_page_texts import Tile, address, days_of, is_shown, named, number
from evaluation.analytics_rows import Rows, Span, View

_MODELS = 6
_OTHERS = "all others"
PERIODS = {"today": 1, "7d": 7, "30d": 30, "90d": 90}


@dataclass
class PageBase:
    """The pages of one organization, or of all as an operator sees them, at a moment.

    `get` gives a page's text; `zone` is that of the organization on view.
    """

    get: Callable[[str], Awaitable[str]]
    rows: Rows
    ledger: Ledger
    organization: UUID | None
    zone: str
    now: datetime
    label: str

    def view(self, **filters: str | None) -> View:
        """The rows that are meant, by each one's own days."""
        return View(self.rows, self.organization, None, **filters)

    @property
    def today(self) -> date:
        """In the zone of the organization on view."""
        return self.now.astimezone(ZoneInfo(self.zone)).date()

    def span(self, period: str) -> Span:
        """What a name of the filter means."""
        first = self.today.replace(day=1)
        if period == "month":
            return Span(first, self.today + timedelta(days=1))
        if period == "last_month":
            return Span((first - timedelta(days=1)).replace(day=1), first)
        if period in PERIODS:
            return Span.up_to(self.today, PERIODS[period])
        begins, ends = map(date.fromisoformat, period.split("/"))
        return Span(begins, ends + timedelta(days=1))

    async def table(self, path: str, **query: str | None) -> list[dict[str, str]]:
        """A table as a file."""
        text = await self.get(address(path, query))
        return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))

    def _last_month_by_now(self) -> Span:
        first = self.today.replace(day=1)
        last = (first - timedelta(days=1)).replace(day=1)
        return Span(last, min(last + timedelta(days=self.today.day), first))

    async def _by_model(
        self, what: str, path: str, query: Mapping[str, str | None], view: View, span: Span
    ) -> None:
        """Each day's cost: of the greatest models, and of all others."""
        exact = view.usage(span, ["day", "model"])
        sums: dict[str | None, Decimal] = {}
        for (_, model), one in exact.items():
            sums[model] = sums.get(model, Decimal(0)) + one.cost
        found = await self.table(path, **query)
        where = f"{self.label} {path} {dict(query)}"
        columns = set(found[0]) - {"day"} if found else set()
        most = sorted(sums, key=lambda name: (-sums[name], str(name)))
        shown = most if len(most) <= _MODELS else most[: _MODELS - 1]
        names = {_column(name): {name} for name in shown}
        if len(most) > len(shown):
            names[_OTHERS] = set(most) - set(shown)
        self.ledger.keys(what, f"{where}: columns", columns, names)
        rows = {
            (day.isoformat(),): {
                column: sum(
                    (exact[key].cost for key in exact
                     if key[0] == day.isoformat() and key[1] in models),
                    Decimal(0),
                )
                for column, models in names.items()
            }
            for day in days_of(span)
        }  # fmt: skip
        self.ledger.file(what, where, found, rows, ("day",))

    def _tile(
        self, tiles: Mapping[str, Tile], label: str, now: Any, before: Any, *, kind: str,
        more: str = "", what: str = "tiles",
    ) -> None:  # fmt: skip
        where, tell = f"{self.label} {label} {more}", self.ledger
        tile = tiles.get(label)
        if tile is None:
            tell.equal(what, f"{where}: the tile", None, "there")
            return
        exact = number(tile.exact)
        if kind in ("count", "money"):
            tell.equal(what, where, exact, now)
        else:
            tell.ratio(what, where, exact, now, 12 if kind == "projection" else 18)
        tell.equal(what, f"{where}: as shown", is_shown(tile.shown, now), True)  # noqa: FBT003
        if before is not None and tile.before:
            shown = tile.before.split(" ")[0]
            place = f"{where}: before, {shown} of {before}"
            tell.equal(what, place, is_shown(shown, before), True)  # noqa: FBT003
            self._percent(where, tile, now, before, what=what)

    def _percent(
        self, where: str, tile: Tile, now: Any, before: Any, *, what: str = "tiles"
    ) -> None:
        """How much more or less."""
        if now is None or before is None or now == before or not before:
            exact = None
        else:
            share = abs(Decimal(now) - Decimal(before)) * 100 / abs(Decimal(before))
            whole = int(share.quantize(Decimal(1), ROUND_HALF_EVEN))
            exact = f"{whole or '<1'}%"
            if whole >= 900:  # noqa: PLR2004 - from ten times on in times
                times = whole // 100 + 1
                exact = f"{times:,}×" if times < 1000 else ">1,000×"  # noqa: PLR2004
        self.ledger.equal(what, f"{where}: change", tile.percent or None, exact)

    def _satisfaction(
        self, tiles: Mapping[str, Tile], now: formulas.Ratings, before: formulas.Ratings,
        *, is_home: bool = False,
    ) -> None:  # fmt: skip
        tile, where, tell = tiles["Satisfaction"], f"{self.label} Satisfaction", self.ledger
        exact = tile.exact.rsplit(": ", 1)[-1]
        tell.ratio("tiles", where, number(exact), now.mean)
        tell.equal("tiles", f"{where}: as shown", is_shown(tile.shown, now.mean), True)  # noqa: FBT003
        count = re.findall(r"([\d,]+) rating", tile.note)
        tell.equal("tiles", f"{where}: ratings", count, [f"{len(now.scores):,}"])
        if is_home:
            told_count = re.findall(r"Mean of ([\d,]+)", tile.exact)
            tell.equal("tiles", f"{where}: ratings on hover", told_count, [f"{len(now.scores):,}"])
        if before.mean is not None:
            shown = tile.before.split(" ")[0]
            tell.equal("tiles", f"{where}: before", is_shown(shown, before.mean), True)  # noqa: FBT003

    def _scope(self) -> dict[str, str]:
        return {"scope": "all"} if self.organization is None else {}


def _column(name: str | None) -> str:
    return "no_model" if name is None else named(name)
