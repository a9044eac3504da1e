"""Every number of `/v1/analytics/usage` against the raw rows."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from evaluation.analytics_answer_base import AnswerBase, span_of
from evaluation.analytics_rows import Span, Sums, midnight

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


class UsageAnswers(AnswerBase):
    """Its checks."""

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

    def _period(self, what: str, where: str, told: Any, span: Span, zone: str | None) -> None:
        name = zone or self.own
        assert span.first is not None
        assert span.last is not None
        found = span_of(told)
        self.ledger.equal(what, f"{where}: from", found.from_, midnight(span.first, name))
        self.ledger.equal(what, f"{where}: to", found.to, midnight(span.last, name))


def _without_previous(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "previous"}
