"""Every number of `/v1/analytics`, `/v1/dashboards` and `/v1/realtime` against the raw rows."""

import csv
import io
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from evaluation import analytics_formulas as formulas
from evaluation.analytics_ledger import Ledger
from evaluation.analytics_rows import Rows, Span, Sums, View, count_by, midnight, time_key

GROUPINGS = (
    "", "hour", "day", "week", "month", "model", "provider", "module", "source", "organization",
    "day,model", "provider,model", "month,provider,module", "week,source", "hour,model",
    "day,provider,model,module,source,organization", "user", "user,day", "user,week,module",
    "user,month", "user,model", "user,provider,hour", "user,source", "user,organization",
)  # fmt: skip
FILTERS = (
    {"model": "gpt-4o-mini"}, {"module": "support"}, {"provider": "openai"}, {"source": "web"},
    {"module": "orders", "model": "gpt-5-mini"},
)  # fmt: skip
_MINUTE = timedelta(minutes=1)
_TOP_MODULES = 5
_INTERVAL = ("change", "change_low", "change_high")


@dataclass
class Answers:
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

    # ---------- usage ----------

    async def check_usage(
        self, groups: str, *, zone: str | None = None, days: int = 30, ago: int = 0,
        **filters: str,
    ) -> None:  # fmt: skip
        """One grouping, beside the period before, and its CSV."""
        last = self.today(zone) - timedelta(days=ago)
        span = Span.up_to(last, days)
        given = {"group_by": groups or ",", "from": span.first, "to": last} | filters
        given |= {"timezone": zone} if zone else {}
        found = await self.ask("/v1/analytics/usage", **given, compare="previous")
        names = [name for name in groups.split(",") if name]
        what = "usage by user" if "user" in names else "usage"
        where = f"{self.label} by {groups or 'nothing'} in {zone or 'own'} {filters or ''}"
        self._period(what, where, found["period"], span, zone)
        # hours are no days: for all organizations together they are those of one zone
        view = self.view(zone or (self.own if "hour" in names else None), **filters)
        exact = view.usage(span, names)
        without: tuple[str, ...] = ()
        if "user" in names and not self._is_rolled_up(names, zone, filters):
            exact = {key: sums for key, sums in exact.items() if sums.calls}
            without = ("conversations",)
        self._usage_rows(what, where, found["rows"], exact, names, without=without)
        old = view.usage(span.before(), names)
        if not {"hour", "day", "week", "month"} & set(names):
            for row in found["rows"]:
                key = tuple(row[name] for name in names)
                if row["previous"] is not None:
                    self.ledger.usage(what, f"{where} {key} before", row["previous"],
                                      old.get(key, Sums()), without=without)  # fmt: skip
                elif not without:
                    self.ledger.equal(what, f"{where} {key}: before", key in old, False)  # noqa: FBT003
        self.ledger.usage(what, f"{where}: total", found["total"], view.total(span))
        self.ledger.usage(
            what, f"{where}: total before", found["previous_total"], view.total(span.before())
        )
        text = await self.read("/v1/analytics/usage", **given, format="csv")
        self.same_table(what, where, text, [_without_previous(row) for row in found["rows"]])

    async def check_times(self, groups: str, zone: str) -> None:
        """Between two moments, at a quarter of an hour."""
        end = datetime.now(UTC).replace(minute=15, second=0, microsecond=0)
        span = Span(from_=end - timedelta(days=9, hours=5, minutes=30), to=end)
        assert span.from_ is not None
        found = await self.ask(
            "/v1/analytics/usage", group_by=groups, timezone=zone,
            **{"from": span.from_.isoformat(), "to": end.isoformat()}, compare="previous",
        )  # fmt: skip
        view, names = self.view(zone), groups.split(",")
        where = f"{self.label} by {groups} in {zone} between times"
        self._usage_rows("usage", where, found["rows"], view.usage(span, names), names)
        self.ledger.usage("usage", f"{where}: total", found["total"], view.total(span))
        self.ledger.usage(
            "usage", f"{where}: before", found["previous_total"], view.total(span.before())
        )

    def _is_rolled_up(self, names: list[str], zone: str | None, filters: Mapping[str, str]) -> bool:
        own = zone is None or (zone == self.own and self.organization is not None)
        return (
            own
            and not {"model", "provider", "source"} & {*filters, *names}
            and ("hour" not in names)
        )

    def _usage_rows(
        self, what: str, where: str, found: list[Any], exact: dict[tuple[Any, ...], Sums],
        names: list[str], *, without: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        by_key = {tuple(row[name] for name in names): row for row in found}
        if not exact and not names:  # a row of nothing, or no row
            exact = {key: Sums() for key in by_key}
        self.ledger.keys(what, where, by_key, exact)
        self.ledger.equal(what, f"{where}: number of rows", len(found), len(exact))
        for key, sums in exact.items():
            self.ledger.usage(what, f"{where} {key}", by_key.get(key), sums, without=without)

    # ---------- people ----------

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

    # ---------- dashboards ----------

    async def check_realtime(self) -> None:
        """The live numbers at the time they are of."""
        found = await self.ask("/v1/realtime")
        self._live("realtime", f"{self.label}", found)

    def _live(self, what: str, where: str, found: Any) -> None:
        at, tell = datetime.fromisoformat(found["as_of"]), self.ledger
        view = self.view()
        active = sum(
            row["status"] == "active"
            and row["last_activity_at"] > at - 15 * _MINUTE
            and self.organization in (None, row["organization_id"])
            for row in self.rows.conversations
        )
        # whole seconds, the present one included; the clocks of callers may be a little fast
        this = at.replace(microsecond=0)
        begins = [this - timedelta(seconds=60 * minutes - 1) for minutes in (5, 1)]
        calls = list(view.calls(Span(from_=begins[0], to=this + timedelta(seconds=61))))
        sums = count_by(calls, lambda _: ()).get((), Sums())
        tokens = sum(c["total_tokens"] for c in calls if c["occurred_at"] >= begins[1])
        tell.equal(what, f"{where}: sessions", found["active_sessions_count"], active)
        tell.equal(what, f"{where}: tokens", found["tokens_per_minute"], tokens)
        rate = formulas.divide(sums.errors, sums.calls)
        tell.ratio(what, f"{where}: error rate", found["error_rate"], rate)
        tell.within(what, f"{where}: p95", found["response_time_p95"], sums.percentile(95))

    async def check_executive(self, zone: str | None = None) -> None:
        """Home's numbers."""
        found = await self.ask("/v1/dashboards/executive", **({"timezone": zone} if zone else {}))
        what, where, tell = "executive", f"{self.label} in {zone or 'own'}", self.ledger
        view, today = self.view(zone), self._day(found, zone)
        periods = found["periods"]
        for part, name in ((found, "total_conversations_today"),
                           (found["previous"], "previous_total_conversations_today")):  # fmt: skip
            told = _times(periods[name])
            tell.equal(what, f"{where}: {name}", part["total_conversations_today"],
                       len([*View(self.rows, self.organization).conversations(told)]))  # fmt: skip
        self._today(where, periods, found, zone)
        span = Span.up_to(today, 30)
        for one, part in ((span, found), (span.before(), found["previous"])):
            ratings, total = formulas.ratings(view, one), view.total(one)
            tell.ratio(what, f"{where}: satisfaction", part["average_satisfaction_score"],
                       ratings.mean)  # fmt: skip
            tell.ratio(what, f"{where}: cost per conversation", part["cost_per_conversation"],
                       formulas.divide(total.cost, ratings.conversations))  # fmt: skip
        given = len(formulas.ratings(view, span).scores)
        tell.equal(what, f"{where}: feedbacks", found["feedbacks"], given)
        self._top_modules(where, found, view, span)
        text = await self.read(
            "/v1/dashboards/executive", format="csv", **({"timezone": zone} if zone else {})
        )
        self.same_table(what, where, text, found["top_modules_by_usage"])

    def _today(self, where: str, periods: Any, found: Any, zone: str | None) -> None:
        """Today from midnight, yesterday until the same quarter of an hour."""
        name, day = zone or self.own, self._day(found, zone)
        at = datetime.fromisoformat(found["as_of"]).astimezone(ZoneInfo(name))
        clock = at.replace(tzinfo=None) - timedelta(days=1)
        until = clock.replace(tzinfo=ZoneInfo(name)).astimezone(UTC)
        quarter = -(-until.timestamp() // 900) * 900
        tell = self.ledger
        begun = _times(periods["total_conversations_today"]).from_
        tell.equal("executive", f"{where}: today from", begun, midnight(day, name))
        before = _times(periods["previous_total_conversations_today"])
        yesterday = midnight(day - timedelta(days=1), name)
        tell.equal("executive", f"{where}: yesterday from", before.from_, yesterday)
        assert before.to is not None
        tell.equal("executive", f"{where}: yesterday to", before.to.timestamp(),
                   max(quarter, yesterday.timestamp() + 900))  # fmt: skip

    def _top_modules(self, where: str, found: Any, view: View, span: Span) -> None:
        exact, old = view.usage(span, ["module"]), view.usage(span.before(), ["module"])
        ordered = sorted(exact, key=lambda key: (-exact[key].calls, key[0] or ""))[:_TOP_MODULES]
        rows = found["top_modules_by_usage"]
        tell, times = self.ledger, tuple(f"response_time_p{n}" for n in (50, 95, 99))
        tell.equal("executive", f"{where}: modules", [r["module"] for r in rows],
                   [key[0] for key in ordered])  # fmt: skip
        for row, before, key in zip(
            rows, found["previous"]["top_modules_by_usage"], ordered, strict=True
        ):
            tell.usage("executive", f"{where} {key}", row, exact[key], without=times)
            for each in (row["previous"], before):
                tell.usage("executive", f"{where} {key} before", each,
                           old.get(key, Sums()), without=times)  # fmt: skip

    async def check_operational(self, zone: str | None = None) -> None:
        """Operations' numbers."""
        found = await self.ask("/v1/dashboards/operational", **({"timezone": zone} if zone else {}))
        what, where, tell = "operational", f"{self.label} in {zone or 'own'}", self.ledger
        view, span = self.view(zone or self.own), _times(found["period"])
        at = datetime.fromisoformat(found["as_of"]).astimezone(ZoneInfo(zone or self.own))
        ends = at.replace(minute=0, second=0, microsecond=0).astimezone(UTC) + timedelta(hours=1)
        tell.equal(what, f"{where}: until", span.to, ends)
        tell.equal(what, f"{where}: from", span.from_, ends - timedelta(hours=24))
        self._live(what, where, found["realtime"])
        tell.equal(what, f"{where}: sessions", found["active_sessions_count"],
                   found["realtime"]["active_sessions_count"])  # fmt: skip
        hours = view.usage(span, ["hour"])
        tell.equal(what, f"{where}: hours", len(found["token_usage_by_hour"]), 24)
        for row in found["token_usage_by_hour"]:
            told = hours.pop((row["hour"],), Sums()).told()
            for name in set(row) - {"hour"}:
                tell.equal(what, f"{where} {row['hour']}: {name}", row[name], told[name])
        tell.keys(what, f"{where} hours left out", {k for k, s in hours.items() if s.calls}, set())
        endpoints = view.endpoints(span, ["api"])
        rows = {row["endpoint"]: row for row in found["error_rate_by_endpoint"]}
        tell.keys(what, f"{where} endpoints", rows, [key[0] for key in endpoints])
        for (name,), sums in endpoints.items():
            row = rows.get(name) or dict.fromkeys(("calls", "errors", "error_rate"))
            tell.equal(what, f"{where} {name}: calls", row["calls"], sums.calls)
            tell.equal(what, f"{where} {name}: errors", row["errors"], sums.errors)
            rate = formulas.divide(sums.errors, sums.calls)
            tell.ratio(what, f"{where} {name}: rate", row["error_rate"], rate)
        self._models(where, found, view, span)
        for one, part in ((span, found["total"]), (span.before(), found["previous"])):
            total = view.total(one)
            tell.usage(what, f"{where}: total", part, total)
            rate = formulas.divide(total.errors, total.calls)
            tell.ratio(what, f"{where}: rate of all", part["error_rate"], rate)
        text = await self.read(
            "/v1/dashboards/operational", format="csv", **({"timezone": zone} if zone else {})
        )
        self.same_table(what, where, text, found["p95_response_times"])

    def _models(self, where: str, found: Any, view: View, span: Span) -> None:
        exact = count_by(view.calls(span), lambda c: (c["provider"], c["model"]))
        rows = {(row["provider"], row["model"]): row for row in found["p95_response_times"]}
        self.ledger.keys("operational", f"{where} models", rows, exact)
        names = {"calls", *(f"response_time_p{n}" for n in (50, 95, 99))}
        without = tuple({*Sums().told(), *names} - names)
        for key, sums in exact.items():
            self.ledger.usage("operational", f"{where} {key}", rows.get(key), sums, without=without)

    async def check_financial(self, zone: str | None = None) -> None:
        """Finance's numbers."""
        found = await self.ask("/v1/dashboards/financial", **({"timezone": zone} if zone else {}))
        what, where, tell = "financial", f"{self.label} in {zone or 'own'}", self.ledger
        view, today = self.view(zone), self._day(found, zone)
        first = today.replace(day=1)
        span = Span(first, today + timedelta(days=1))
        last = (first - timedelta(days=1)).replace(day=1)
        before = Span(last, min(last + timedelta(days=today.day), first))
        for one, part in ((span, found), (before, found["previous"])):
            total, users = view.total(one), len(view.people(one))
            tell.equal(what, f"{where}: cost", part["total_cost_mtd"], total.cost)
            tell.equal(what, f"{where}: price", part["total_price_mtd"], total.price)
            tell.equal(what, f"{where}: users", part["users_mtd"], users)
            tell.ratio(what, f"{where}: per user", part["cost_per_user"],
                       formulas.divide(total.cost, users))  # fmt: skip
        total = view.total(span)
        tell.equal(what, f"{where}: margin", found["margin_mtd"], total.price - total.cost)
        tell.equal(what, f"{where}: unpriced", found["unpriced_calls"], total.unpriced)
        tell.equal(what, f"{where}: estimated", found["estimated_calls"], total.estimated)
        tell.equal(what, f"{where}: last month", found["previous"]["total_monthly_cost"],
                   view.total(Span(last, first)).cost)  # fmt: skip
        exact = view.usage(span, ["organization"])
        rows = {(row["organization"],): row for row in found["cost_by_organization"]}
        tell.keys(what, f"{where} organizations", rows, exact)
        for key, sums in exact.items():
            told = sums.told() | {"margin": sums.price - sums.cost}
            row = rows.get(key) or {}
            for name in set(row) - {"organization"}:
                tell.equal(what, f"{where} {key}: {name}", row[name], told[name])
        self._projection(where, found, formulas.project(view, today))
        text = await self.read(
            "/v1/dashboards/financial", format="csv", **({"timezone": zone} if zone else {})
        )
        self.same_table(what, where, text, found["cost_by_organization"])

    def _projection(self, where: str, found: Any, exact: formulas.Projected) -> None:
        what, tell, told = "projection", self.ledger, found["projected_monthly_cost_range"]
        tell.ratio(what, f"{where}: amount", found["projected_monthly_cost"], exact.amount, 12)
        tell.ratio(what, f"{where}: low", told["low"], exact.low, 12)
        tell.ratio(what, f"{where}: high", told["high"], exact.high, 12)
        tell.equal(what, f"{where}: days", told["based_on_days"], exact.days)

    # ---------- what they share ----------

    def _day(self, found: Any, zone: str | None) -> date:
        at = datetime.fromisoformat(found["as_of"])
        return at.astimezone(ZoneInfo(zone or self.own)).date()

    def _period(self, what: str, where: str, told: Any, span: Span, zone: str | None) -> None:
        name = zone or self.own
        assert span.first is not None
        assert span.last is not None
        found = _times(told)
        self.ledger.equal(what, f"{where}: from", found.from_, midnight(span.first, name))
        self.ledger.equal(what, f"{where}: to", found.to, midnight(span.last, name))

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


def _times(period: Any) -> Span:
    return Span(
        from_=datetime.fromisoformat(period["from"]), to=datetime.fromisoformat(period["to"])
    )


def _at(values: list[Any], n: int) -> Any:
    return values[n] if n < len(values) else None


def _has_ratings(row: Mapping[str, Any]) -> bool:
    return bool(row["feedbacks"] or row["conversations"])


def _without_previous(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "previous"}


def _split(view: View, rows: Any, grain: str, column: str) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(time_key(row[column], grain, view.zone_of(row)), []).append(row)
    return found
