"""Every number of Insight against the raw rows."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from evaluation import analytics_formulas as formulas
from evaluation.analytics_page_base import PageBase
from evaluation.analytics_page_texts import address, asked, days_of, named, number, tiles_of
from evaluation.analytics_rows import Span, View


class Insight(PageBase):
    """Its checks."""

    async def check_insight(self, period: str = "30d", **filters: str) -> None:
        """Ratings, features, weeks, people."""
        query = asked(period) | self._scope() | filters
        span, view, everything = self.span(period), self.view(**filters), self.view()
        tiles = tiles_of(await self.get(address("/insight", query)))
        where = f"{self.label} {period} {filters or ''}"
        now, old = formulas.ratings(view, span), formulas.ratings(view, span.before())
        self._satisfaction(tiles, now, old)
        tell, what = self.ledger, "insight"
        rated = tiles["Rated conversations"]
        tell.equal(what, f"{where}: rated", rated.exact, f"{now.rated:,} of {now.conversations:,}")
        rates = [formulas.divide(one.rated, one.conversations) for one in (now, old)]
        self._percent(f"{where}: rated", rated, *rates)
        users = [len(everything.people(one)) for one in (span, span.before())]
        label = next(name for name in tiles if name.startswith("Active users"))
        self._tile(tiles, label, users[0], users[1], kind="count", more=where)
        last = min(span.last - timedelta(days=1), self.today) if span.last else self.today
        people = formulas.engagement(everything, Span.up_to(last, 28))
        scores = [one.parts(last)["score"].quantize(Decimal("0.01")) for one in people.values()]
        label = next(name for name in tiles if name.startswith("Engagement"))
        mean = formulas.divide(sum(scores), len(scores))
        tell.ratio(what, f"{where}: engagement", number(tiles[label].exact), mean)
        await self._ratings(where, query, view, span, now)
        for kind, name in (("intent", "intents"), ("module", "adoption")):
            await self._features(where, query, kind, name, span)
        await self._weeks(where, query)
        found = await self.table("/insight/engagement.csv", **query)
        if self.organization is not None:
            self._people(where, found, people, last)

    async def _ratings(
        self, where: str, query: Mapping[str, str], view: View, span: Span, now: formulas.Ratings
    ) -> None:
        found = {row["day"]: row for row in await self.table("/insight/satisfaction.csv", **query)}
        tell, what = self.ledger, "insight"
        tell.keys(what, f"{where} days", found, [day.isoformat() for day in days_of(span)])
        for day in days_of(span):
            one = formulas.rate(view, view.feedback(Span.up_to(day, 1)), [])
            row, half = found.get(day.isoformat()) or {}, one.half_width or Decimal(0)
            place = f"{where} satisfaction {day}"
            low = None if one.mean is None else max(Decimal(0), one.mean - half)
            high = None if one.mean is None else min(Decimal(5), one.mean + half)
            tell.ratio(what, place, number(row.get("mean")), one.mean)
            tell.ratio(what, f"{place} lowest", number(row.get("lowest")), low, 6)
            tell.ratio(what, f"{place} highest", number(row.get("highest")), high, 6)
        scores = {(str(n),): {"ratings": count} for n, count in enumerate(now.distribution)}
        tell.file(what, f"{where} scores.csv", await self.table("/insight/scores.csv", **query),
                  scores, ("score",))  # fmt: skip

    async def _features(
        self, where: str, query: Mapping[str, str], kind: str, name: str, span: Span
    ) -> None:
        view = self.view()
        users, old = len(view.people(span)), view.features(span.before(), kind)
        exact = {
            (named(feature),): {
                "users": len(people),
                "share": formulas.divide(len(people), users),
                "conversations": count,
                "users_before": len(old[feature][0]) if feature in old else 0,
            }
            for feature, (people, count) in view.features(span, kind).items()
        }
        found = await self.table(f"/insight/{name}.csv", **query)
        self.ledger.file("insight", f"{where} {name}.csv", found, exact, ("name",), (),
                         {"share": 18})  # fmt: skip

    async def _weeks(self, where: str, query: Mapping[str, str]) -> None:
        cohorts = formulas.cohorts(self.view(), self.today, 12)
        count = max(map(len, cohorts.values()), default=0)
        exact = {
            (week.isoformat(),): {"users": active[0]}
            | {
                f"week_{n}": formulas.divide(active[n], active[0]) if n < len(active) else None
                for n in range(1, count)
            }
            for week, active in cohorts.items()
        }
        found = await self.table("/insight/retention.csv", **query)
        ratios = {f"week_{n}": 18 for n in range(1, count)}
        self.ledger.file("insight", f"{where} retention.csv", found, exact, ("week",), (), ratios)

    def _people(self, where: str, found: list[dict[str, str]], people: Any, last: date) -> None:
        exact = {}
        for (_, user), one in people.items():
            exact[(named(self.view().name_of(user)),)] = {
                "score": one.parts(last)["score"],
                "active_days": len(one.days),
                "conversations": one.conversations,
                "messages": one.messages,
                "mean_rating": formulas.divide(sum(one.scores), len(one.scores)),
                "cost_usd": one.cost,
                "last_day": max(one.days).isoformat(),
            }
        self.ledger.file("insight", f"{where} engagement.csv", found, exact, ("user",), (),
                         {"score": 2, "mean_rating": 18})  # fmt: skip
