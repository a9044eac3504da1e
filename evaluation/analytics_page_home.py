"""Every number of Home against the raw rows."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from evaluation import analytics_formulas as formulas
from evaluation.analytics_page_base import PageBase
from evaluation.analytics_page_texts import days_of, named, tiles_of
from evaluation.analytics_rows import Span, Sums, midnight


class Home(PageBase):
    """Its checks."""

    async def check_home(self) -> None:
        """Tiles, the last 30 days, the modules."""
        view, span = self.view(), self.span("30d")
        tiles = tiles_of(await self.get("/"))
        today, before = Span.up_to(self.today, 1), self.yesterday()
        counts = [len(list(view.conversations(one))) for one in (today, before)]
        self._tile(tiles, "Conversations today", counts[0], counts[1], kind="count")
        pair = [formulas.ratings(view, one) for one in (span, span.before())]
        self._satisfaction(tiles, *pair, is_home=True)
        each = [
            formulas.divide(view.total(one).cost, rated.conversations)
            for one, rated in zip((span, span.before()), pair, strict=True)
        ]
        self._tile(tiles, "Cost per conversation", each[0], each[1], kind="ratio")
        costs = [view.total(one).cost for one in (today, before)]
        self._tile(tiles, "Cost today", costs[0], costs[1], kind="money")
        month, last = self.span("month"), self._last_month_by_now()
        self._tile(tiles, "Cost this month", view.total(month).cost, view.total(last).cost,
                   kind="money")  # fmt: skip
        days = view.usage(span, ["day"])
        exact = {
            (day.isoformat(),): {
                "conversations": days.get((day.isoformat(),), Sums()).conversations
            }
            for day in days_of(span)
        }
        where = f"{self.label} conversations.csv"
        self.ledger.file("home", where, await self.table("/home/conversations.csv"), exact,
                         ("day",))  # fmt: skip
        await self._by_model("home", "/home/costs.csv", {}, view, span)
        modules = {
            (named(key[0]),): {
                "calls": sums.calls, "conversations": sums.conversations, "cost_usd": sums.cost,
            }
            for key, sums in view.usage(span, ["module"]).items()
        }  # fmt: skip
        self.ledger.file("home", f"{self.label} modules.csv",
                         await self.table("/home/modules.csv"), modules, ("module",))  # fmt: skip

    def yesterday(self) -> Span:
        """Until the same quarter of an hour."""
        zone = ZoneInfo(self.zone)
        clock = self.now.astimezone(zone).replace(tzinfo=None) - timedelta(days=1)
        until = clock.replace(tzinfo=zone).astimezone(UTC)
        begins = midnight(self.today - timedelta(days=1), self.zone)
        quarter = datetime.fromtimestamp(-(-until.timestamp() // 900) * 900, UTC)
        return Span(from_=begins, to=max(quarter, begins + timedelta(minutes=15)))
