"""Every number of `/v1/dashboards` and `/v1/realtime` against the raw rows."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from evaluation import analytics_formulas as formulas
from evaluation.analytics_answer_base import AnswerBase, span_of
from evaluation.analytics_rows import Span, Sums, View, count_by, midnight

_MINUTE = timedelta(minutes=1)
_TOP_MODULES = 5


class DashboardAnswers(AnswerBase):
    """Their checks."""

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
            told = span_of(periods[name])
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
        begun = span_of(periods["total_conversations_today"]).from_
        tell.equal("executive", f"{where}: today from", begun, midnight(day, name))
        before = span_of(periods["previous_total_conversations_today"])
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
        view, span = self.view(zone or self.own), span_of(found["period"])
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

    def _day(self, found: Any, zone: str | None) -> date:
        at = datetime.fromisoformat(found["as_of"])
        return at.astimezone(ZoneInfo(zone or self.own)).date()
