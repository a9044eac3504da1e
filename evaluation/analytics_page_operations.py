"""Every number of Operations against the raw rows."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from evaluation import analytics_formulas as formulas
from evaluation.analytics_page_base import PageBase
from evaluation.analytics_page_texts import address, named, number, tiles_of
from evaluation.analytics_rows import Span, Sums, midnight

_HOUR, _MINUTE = timedelta(hours=1), timedelta(minutes=1)
_TIMES = ("response_time_p50_ms", "response_time_p95_ms", "response_time_p99_ms")


class Operations(PageBase):
    """Its checks."""

    async def check_live_tiles(self, **query: str) -> None:
        """The live tiles of a page at `now`."""
        tiles = tiles_of(await self.get(address("/operations", query)))
        exact = self.live()
        names = ("Active sessions", "Tokens a minute", "Failed calls", "p95 time of answering")
        what, tell = "operations: live", self.ledger
        for label, value in zip(names[:2], exact[:2], strict=True):
            tell.equal(what, f"{self.label} {label}", tiles[label].exact, str(value))
        rate, p95 = tiles[names[2]].exact, tiles[names[3]].exact
        tell.ratio(what, f"{self.label} {names[2]}", number(rate), exact[2])
        tell.within(what, f"{self.label} {names[3]}", number(p95), exact[3])

    def live(self) -> tuple[int, int, Decimal | None, int | None]:
        """Sessions, tokens, error rate and p95 at `now`."""
        # whole seconds, the present one included
        this = self.now.replace(microsecond=0)
        begins = [this - timedelta(seconds=60 * minutes - 1) for minutes in (5, 1)]
        sessions = sum(
            row["status"] == "active" and row["last_activity_at"] > self.now - 15 * _MINUTE
            for row in self.rows.conversations
            if self.organization in (None, row["organization_id"])
        )
        ends = this + timedelta(seconds=61)  # clocks of callers may be a little fast
        calls = list(self.view().calls(Span(from_=begins[0], to=ends)))
        sums = Sums()
        for call in calls:
            sums.add(call)
        tokens = sum(c["total_tokens"] for c in calls if c["occurred_at"] >= begins[1])
        return sessions, tokens, formulas.divide(sums.errors, sums.calls), sums.percentile(95)

    async def check_operations(self, period: str = "24h", **filters: str) -> None:
        """The hours, endpoints and models."""
        what, query = "operations", {"period": period} | self._scope() | filters
        hours = self.hours(period)
        span = Span(from_=hours[0], to=hours[-1] + _HOUR)
        view = replace(self.view(**filters), zone=self.zone)
        by_hour = view.usage(span, ["hour"])
        tokens, errors = {}, {}
        for hour in hours:
            key = (f"{hour:%Y-%m-%dT%H:%M:%SZ}",)
            sums = by_hour.get(key, Sums())
            cached = sums.tokens["cached_input_tokens"]
            tokens[key] = {
                "input_tokens": sums.tokens["input_tokens"] - cached,
                "cached_input_tokens": cached,
                "output_tokens": sums.tokens["output_tokens"],
            }
            errors[key] = {"good": sums.calls - sums.errors, "failed": sums.errors}
        where = f"{self.label} {period} {filters or ''}"
        for name, exact in (("tokens", tokens), ("errors", errors)):
            found = await self.table(f"/operations/{name}.csv", **query)
            self.ledger.file(what, f"{where} {name}.csv", found, exact, ("hour",))
        endpoints = {
            (named(provider), named(name)): {
                "calls": sums.calls, "errors": sums.errors,
                "error_rate": formulas.divide(sums.errors, sums.calls),
                "response_time_p95_ms": sums.percentile(95),
            }
            for (provider, name), sums in view.endpoints(span, ["provider", "api"]).items()
        }  # fmt: skip
        found = await self.table("/operations/endpoints.csv", **query)
        self.ledger.file(what, f"{where} endpoints.csv", found, endpoints,
                         ("provider", "endpoint"), _TIMES,
                         {"error_rate": 18})  # fmt: skip
        models = {
            (named(key[0]),): {
                "calls": sums.calls,
                "error_rate": formulas.divide(sums.errors, sums.calls),
            }
            | {name: sums.percentile(int(name[15:17])) for name in _TIMES}
            for key, sums in view.usage(span, ["model"]).items()
            if sums.calls
        }
        found = await self.table("/operations/models.csv", **query)
        self.ledger.file(what, f"{where} models.csv", found, models, ("model",), _TIMES,
                         {"error_rate": 18})  # fmt: skip

    def hours(self, period: str) -> list[datetime]:
        """The full hours until now, as clocks there show them."""
        local = self.now.astimezone(ZoneInfo(self.zone))
        this = self.now.astimezone(UTC) - timedelta(
            minutes=local.minute, seconds=local.second, microseconds=local.microsecond
        )
        first = this - 23 * _HOUR
        if period != "24h":
            begins = self.span(period).first
            assert begins is not None
            first = midnight(begins, self.zone)
        return [first + n * _HOUR for n in range(int((this - first) / _HOUR) + 1)]
