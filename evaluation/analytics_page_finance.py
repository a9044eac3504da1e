"""Every number of Finance against the raw rows."""

import re
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal

from evaluation import analytics_formulas as formulas
from evaluation.analytics_page_base import PageBase
from evaluation.analytics_page_texts import (
    Tile,
    address,
    asked,
    days_of,
    first_number,
    named,
    number,
    tiles_of,
)
from evaluation.analytics_rows import Span, Sums, View


class Finance(PageBase):
    """Its checks."""

    async def check_finance(self, period: str = "month", **filters: str) -> None:
        """Tiles, days and groups."""
        query = asked(period) | self._scope() | filters
        view, span = self.view(**filters), self.span(period)
        before = self._last_month_by_now() if period == "month" else span.before()
        now, old = view.total(span), view.total(before)
        tiles = tiles_of(await self.get(address("/finance", query)))
        where = f"{period} {filters or ''}"
        self._tile(tiles, "Cost", now.cost, old.cost, kind="money", more=where)
        self._tile(tiles, "Price", now.price, old.price, kind="money", more=where)
        self._tile(tiles, "Margin", now.price - now.cost, old.price - old.cost, kind="money",
                   more=where)  # fmt: skip
        # of all organizations by model they are not counted, and the tile says so
        is_counted = bool(self.organization) or "model" not in filters
        users = len(view.people(span)) if is_counted else None
        each = formulas.divide(now.cost, users) if users is not None else None
        self._tile(tiles, "Cost per user", each, None, kind="ratio", more=where)
        self._tile(tiles, "Calls without a price", now.unpriced, None, kind="count", more=where)
        tell = self.ledger
        tell.equal("finance", f"{self.label} {where}: users",
                   first_number(tiles["Cost per user"].note), users)  # fmt: skip
        told_gaps = re.findall(r"\d[\d,]*|none", tiles["Calls without a price"].note)
        exact_gaps = [f"{now.estimated:,}" if now.estimated else "none", f"{now.calls:,}"]
        tell.equal("finance", f"{self.label} {where}: estimated", told_gaps, exact_gaps)
        await self._by_model("finance", "/finance/days.csv", query, view, span)
        for name in ("model", "module", "user" if self.organization else "organization"):
            await self._groups(name, query, view, span)
        if period == "month":
            await self._course(tiles, query, view)

    async def _groups(self, name: str, query: Mapping[str, str], view: View, span: Span) -> None:
        exact = {}
        for key, sums in view.usage(span, [name]).items():
            if not sums.calls and (name not in ("user", "module") or view.model):
                continue
            is_known = not (sums.unpriced and sums.unpriced == sums.calls)
            exact[(named(key[0]),)] = {
                "calls": sums.calls,
                "total_tokens": sums.tokens["total_tokens"],
                "cost_usd": sums.cost if is_known else None,
                "price_usd": sums.price if is_known else None,
                "margin_usd": sums.price - sums.cost if is_known else None,
            } | ({} if name == "user" else {"unpriced_calls": sums.unpriced})
        path = f"/finance/by-{name}.csv"
        found = await self.table(path, **query)
        nothing = {(row[name],) for row in found if row["calls"] == "0"}
        idle = {key for key, row in exact.items() if not row["calls"]}
        if not nothing:  # rows without a call may be left out
            exact = {key: row for key, row in exact.items() if key not in idle}
        self.ledger.file("finance", f"{self.label} {path} {query}", found, exact, (name,))
        costs = [Decimal(row["cost_usd"] or 0) for row in found]
        self.ledger.equal("finance", f"{self.label} {path} {query}: the dearest first", costs,
                          sorted(costs, reverse=True))  # fmt: skip

    async def _course(
        self, tiles: Mapping[str, Tile], query: Mapping[str, str], view: View
    ) -> None:
        exact = formulas.project(view, self.today)
        first = self.today.replace(day=1)
        last = (first - timedelta(days=1)).replace(day=1)
        month = view.total(Span(last, first)).cost
        self._tile(tiles, "Projected month", exact.amount, month or None, kind="projection")
        found = {row["day"]: row for row in await self.table("/finance/course.csv", **query)}
        month_end = (first + timedelta(days=32)).replace(day=1)
        tell, what = self.ledger, "finance: course"
        tell.keys(
            what, self.label, found, [day.isoformat() for day in days_of(Span(first, month_end))]
        )
        spent, reached = Decimal(0), {}
        days = view.usage(Span(first, self.today + timedelta(days=1)), ["day"])
        for day in days_of(Span(first, self.today + timedelta(days=1))):
            spent += days.get((day.isoformat(),), Sums()).cost
            reached[day.isoformat()] = spent
        left = (month_end - self.today).days - 1
        for day, row in found.items():
            tell.equal(what, f"{self.label} {day}", number(row["cost_usd"]), reached.get(day))
            n = (date.fromisoformat(day) - self.today).days
            for name, end in (("projected_usd", exact.amount), ("lowest", exact.low),
                              ("highest", exact.high)):  # fmt: skip
                ends = None
                if left and n >= 0:
                    ends = spent + formulas.divide((end - spent) * n, left)  # type: ignore[operator] # left is not 0
                tell.ratio(what, f"{self.label} {day}: {name}", number(row[name]), ends, 11)
