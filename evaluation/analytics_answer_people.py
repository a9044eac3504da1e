"""Every number of satisfaction, engagement, retention and adoption against the raw rows."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from evaluation import analytics_formulas as formulas
from evaluation.analytics_answer_base import AnswerBase
from evaluation.analytics_rows import Span, View, time_key

_INTERVAL = ("change", "change_low", "change_high")


class PeopleAnswers(AnswerBase):
    """Their checks."""

    async def check_satisfaction(
        self, grain: str, *, zone: str | None = None, days: int = 30, **filters: str
    ) -> None:
        """The trend, and the change."""
        last = self.today(zone)
        span = Span.up_to(last, days)
        given = {"group_by": grain, "from": span.first, "to": last} | filters
        given |= {"timezone": zone} if zone else {}
        found = await self.ask("/v1/analytics/satisfaction", **given)
        what, where = "satisfaction", f"{self.label} by {grain} in {zone or 'own'} {filters or ''}"
        view = self.view(zone, **filters)
        now, before = formulas.ratings(view, span), formulas.ratings(view, span.before())
        self._ratings(where, found["total"], now)
        self._ratings(f"{where} before", found["previous"], before)
        for name, exact in zip(_INTERVAL, formulas.change(now, before), strict=True):
            self.ledger.ratio(what, f"{where}: {name}", found[name], exact, 6)
        feedback = _split(view, view.feedback(span), grain, "created_at")
        started = _split(view, view.conversations(span), grain, "created_at")
        rows = {row[grain]: row for row in found["rows"]}
        self.ledger.keys(what, where, {k for k, r in rows.items() if _has_ratings(r)},
                         {*feedback, *started})  # fmt: skip
        for key, row in rows.items():
            exact = formulas.rate(view, feedback.get(key, []), started.get(key, []))
            self._ratings(f"{where} {key}", row, exact)
        text = await self.read("/v1/analytics/satisfaction", **given, format="csv")
        self.same_table(what, where, text, found["rows"])

    def _ratings(self, where: str, found: Any, exact: formulas.Ratings) -> None:
        tell = self.ledger
        what = "satisfaction"
        tell.equal(what, f"{where}: feedbacks", found["feedbacks"], len(exact.scores))
        tell.ratio(what, f"{where}: mean", found["mean"], exact.mean)
        tell.ratio(what, f"{where}: deviation", found["deviation"], exact.deviation, 6)
        for score, count in enumerate(exact.distribution):
            tell.equal(what, f"{where}: of {score}", found["distribution"][str(score)], count)
        tell.equal(what, f"{where}: conversations", found["conversations"], exact.conversations)
        tell.equal(what, f"{where}: rated", found["rated_conversations"], exact.rated)
        rate = formulas.divide(exact.rated, exact.conversations)
        tell.ratio(what, f"{where}: response rate", found["response_rate"], rate)

    async def check_engagement(self, *, days: int = 30) -> None:
        """Everybody's parts and score."""
        span = Span.up_to(self.today(), days)
        given = {"from": span.first, "limit": 1000}
        found = await self.ask("/v1/analytics/engagement", **given)
        what, where = "engagement", f"{self.label} in {days} days"
        view = self.view()
        people = formulas.engagement(view, span)
        self.ledger.equal(what, f"{where}: users", found["users"], len(people))
        scores = [one.parts(self.today())["score"] for one in people.values()]
        rounded = [score.quantize(Decimal("0.01")) for score in scores]
        self.ledger.ratio(
            what, f"{where}: mean", found["mean_score"], formulas.divide(sum(rounded), len(scores))
        )
        exact = {
            (self.rows.organization[organization]["external_id"], view.name_of(user)): person
            for (organization, user), person in people.items()
        }
        rows = {(row["organization"], row["user"]): row for row in found["rows"]}
        self.ledger.keys(what, where, rows, exact)
        for key, row in rows.items():
            if key in exact:
                self._person(f"{where} {key[1]}", row, exact[key])
        told = [row["score"] for row in found["rows"]]
        self.ledger.equal(what, f"{where}: order", told, sorted(told, reverse=True))
        text = await self.read("/v1/analytics/engagement", **given, format="csv")
        self.same_table(what, where, text, found["rows"])

    def _person(self, where: str, row: Any, exact: formulas.Person) -> None:
        what, tell = "engagement", self.ledger
        tell.equal(what, f"{where}: last day", row["last_day"], max(exact.days).isoformat())
        tell.equal(what, f"{where}: active days", row["active_days"], len(exact.days))
        for name in ("conversations", "messages", "calls", "cost"):
            tell.equal(what, f"{where}: {name}", row[name], getattr(exact, name))
        tell.equal(what, f"{where}: feedbacks", row["feedbacks"], len(exact.scores))
        mean = formulas.divide(sum(exact.scores), len(exact.scores))
        tell.ratio(what, f"{where}: mean score", row["mean_score"], mean)
        for name, part in exact.parts(self.today()).items():
            tell.ratio(what, f"{where}: {name}", row[name], part, 2 if name == "score" else 4)

    async def check_retention(self, weeks: int = 12) -> None:
        """Weekly cohorts."""
        found = await self.ask("/v1/analytics/retention", weeks=weeks)
        exact = formulas.cohorts(self.view(), self.today(), weeks)
        what, where, tell = "retention", f"{self.label} {weeks} weeks", self.ledger
        rows = {row["week"]: row for row in found["rows"]}
        tell.keys(what, where, rows, {week.isoformat() for week in exact})
        for week, active in exact.items():
            row = rows.get(week.isoformat(), {"users": None, "active": [], "shares": []})
            tell.equal(what, f"{where} {week}: users", row["users"], active[0])
            for n, count in enumerate(active):
                one, share = _at(row["active"], n), _at(row["shares"], n)
                tell.equal(what, f"{where} {week} +{n}", one, count)
                tell.ratio(what, f"{where} {week} +{n}: share", share,
                           formulas.divide(count, active[0]), 4)  # fmt: skip
        text = await self.read("/v1/analytics/retention", weeks=weeks, format="csv")
        self.same_table(what, where, text, found["rows"])

    async def check_adoption(self, path: str = "adoption", *, days: int = 30) -> None:
        """Modules and intents, or intents alone."""
        span = Span.up_to(self.today(), days)
        given = {"from": span.first, "to": self.today()}
        found = await self.ask(f"/v1/analytics/{path}", **given)
        view, tell = self.view(), self.ledger
        what, where = path, f"{self.label} in {days} days"
        users, old_users = len(view.people(span)), len(view.people(span.before()))
        tell.equal(what, f"{where}: users", found["users"], users)
        tell.equal(what, f"{where}: users before", found["previous_users"], old_users)
        for kind in ("module", "intent") if path == "adoption" else ("intent",):
            exact, old = view.features(span, kind), view.features(span.before(), kind)
            rows = {row["name"]: row for row in found["rows"] if row["kind"] == kind}
            tell.keys(what, f"{where} {kind}", rows, exact)
            for name, (people, conversations) in exact.items():
                row, place = rows.get(name) or {}, f"{where} {kind} {name}"
                before = len(old.get(name, (set(), 0))[0])
                tell.equal(what, f"{place}: users", row.get("users"), len(people))
                tell.equal(what, f"{place}: conversations", row.get("conversations"), conversations)
                tell.equal(what, f"{place}: before", row.get("previous_users"), before)
                share = formulas.divide(len(people), users)
                tell.ratio(what, f"{place}: share", row.get("share"), share)
                growth = formulas.divide(len(people) - before, before)
                tell.ratio(what, f"{place}: growth", row.get("growth"), growth, 4)
        text = await self.read(f"/v1/analytics/{path}", **given, format="csv")
        self.same_table(what, where, text, found["rows"])


def _at(values: list[Any], n: int) -> Any:
    return values[n] if n < len(values) else None


def _has_ratings(row: Mapping[str, Any]) -> bool:
    return bool(row["feedbacks"] or row["conversations"])


def _split(view: View, rows: Any, grain: str, column: str) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(time_key(row[column], grain, view.zone_of(row)), []).append(row)
    return found
