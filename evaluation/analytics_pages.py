"""Every number of Home, Operations, Finance, Insight and the report pages against the raw rows.

Of a tile its exact value (on hover), what is written of it, what it was before and the change; of a
table its CSV.
"""

import csv
import html
import io
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from evaluation import analytics_formulas as formulas
from evaluation.analytics_ledger import Ledger
from evaluation.analytics_reports import Day, told
from evaluation.analytics_rows import Rows, Span, Sums, View, midnight

_UNITS = {"k": 3, "M": 6, "B": 9}
_HOUR, _MINUTE = timedelta(hours=1), timedelta(minutes=1)
_MODELS = 6
_OTHERS = "all others"
_TIMES = ("response_time_p50_ms", "response_time_p95_ms", "response_time_p99_ms")
_NOTHING = "–"
_CHANGE = r'<span class="change [^>]*>.*?</svg>\s*([^<]*)<span class="change-word'
PERIODS = {"today": 1, "7d": 7, "30d": 30, "90d": 90}


@dataclass(frozen=True)
class Tile:
    """As a page has it."""

    shown: str
    exact: str
    note: str
    before: str
    percent: str | None


def tiles_of(page: str) -> dict[str, Tile]:
    """The tiles of a page by their labels."""
    found = {}
    for part in re.findall(r'<li class="tile card">(.*?)</li>', page, re.DOTALL):
        label = _text(re.findall(r"<h2>(.*?)</h2>", part, re.DOTALL)[0])
        value = re.findall(r'<span[^>]* title="([^"]*)">(.*?)</span>', part, re.DOTALL)[0]
        note = re.findall(r'tile-note">(.*?)</span>', part, re.DOTALL)
        below = "".join(re.findall(r'<p class="tile-before">(.*?)</p>', part, re.DOTALL))
        words = _text(re.sub(r'<span class="change .*?</span></span>', "", below))
        change = re.findall(_CHANGE, below, re.DOTALL)
        found[label] = Tile(
            _text(value[1]), html.unescape(value[0]), _text("".join(note)), words,
            html.unescape(change[0]).strip() if change else None,
        )  # fmt: skip
    return found


@dataclass
class Board:
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

    def yesterday(self) -> Span:
        """Until the same quarter of an hour."""
        zone = ZoneInfo(self.zone)
        clock = self.now.astimezone(zone).replace(tzinfo=None) - timedelta(days=1)
        until = clock.replace(tzinfo=zone).astimezone(UTC)
        begins = midnight(self.today - timedelta(days=1), self.zone)
        quarter = datetime.fromtimestamp(-(-until.timestamp() // 900) * 900, UTC)
        return Span(from_=begins, to=max(quarter, begins + timedelta(minutes=15)))

    async def table(self, path: str, **query: str | None) -> list[dict[str, str]]:
        """A table as a file."""
        text = await self.get(_address(path, query))
        return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))

    # ---------- home ----------

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
            for day in _days(span)
        }
        where = f"{self.label} conversations.csv"
        self.ledger.file("home", where, await self.table("/home/conversations.csv"), exact,
                         ("day",))  # fmt: skip
        await self._by_model("home", "/home/costs.csv", {}, view, span)
        modules = {
            (_named(key[0]),): {
                "calls": sums.calls, "conversations": sums.conversations, "cost_usd": sums.cost,
            }
            for key, sums in view.usage(span, ["module"]).items()
        }  # fmt: skip
        self.ledger.file("home", f"{self.label} modules.csv",
                         await self.table("/home/modules.csv"), modules, ("module",))  # fmt: skip

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
            for day in _days(span)
        }  # fmt: skip
        self.ledger.file(what, where, found, rows, ("day",))

    # ---------- operations ----------

    async def check_live_tiles(self, **query: str) -> None:
        """The live tiles of a page at `now`."""
        tiles = tiles_of(await self.get(_address("/operations", query)))
        exact = self.live()
        names = ("Active sessions", "Tokens a minute", "Failed calls", "p95 time of answering")
        what, tell = "operations: live", self.ledger
        for label, value in zip(names[:2], exact[:2], strict=True):
            tell.equal(what, f"{self.label} {label}", tiles[label].exact, str(value))
        rate, p95 = tiles[names[2]].exact, tiles[names[3]].exact
        tell.ratio(what, f"{self.label} {names[2]}", _number(rate), exact[2])
        tell.within(what, f"{self.label} {names[3]}", _number(p95), exact[3])

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
            (_named(provider), _named(name)): {
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
            (_named(key[0]),): {
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

    # ---------- finance ----------

    async def check_finance(self, period: str = "month", **filters: str) -> None:
        """Tiles, days and groups."""
        query = _asked(period) | self._scope() | filters
        view, span = self.view(**filters), self.span(period)
        before = self._last_month_by_now() if period == "month" else span.before()
        now, old = view.total(span), view.total(before)
        tiles = tiles_of(await self.get(_address("/finance", query)))
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
                   _first_number(tiles["Cost per user"].note), users)  # fmt: skip
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
            exact[(_named(key[0]),)] = {
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
            what, self.label, found, [day.isoformat() for day in _days(Span(first, month_end))]
        )
        spent, reached = Decimal(0), {}
        days = view.usage(Span(first, self.today + timedelta(days=1)), ["day"])
        for day in _days(Span(first, self.today + timedelta(days=1))):
            spent += days.get((day.isoformat(),), Sums()).cost
            reached[day.isoformat()] = spent
        left = (month_end - self.today).days - 1
        for day, row in found.items():
            tell.equal(what, f"{self.label} {day}", _number(row["cost_usd"]), reached.get(day))
            n = (date.fromisoformat(day) - self.today).days
            for name, end in (("projected_usd", exact.amount), ("lowest", exact.low),
                              ("highest", exact.high)):  # fmt: skip
                ends = None
                if left and n >= 0:
                    ends = spent + formulas.divide((end - spent) * n, left)  # type: ignore[operator] # left is not 0
                tell.ratio(what, f"{self.label} {day}: {name}", _number(row[name]), ends, 11)

    # ---------- insight ----------

    async def check_insight(self, period: str = "30d", **filters: str) -> None:
        """Ratings, features, weeks, people."""
        query = _asked(period) | self._scope() | filters
        span, view, everything = self.span(period), self.view(**filters), self.view()
        tiles = tiles_of(await self.get(_address("/insight", query)))
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
        tell.ratio(what, f"{where}: engagement", _number(tiles[label].exact), mean)
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
        tell.keys(what, f"{where} days", found, [day.isoformat() for day in _days(span)])
        for day in _days(span):
            one = formulas.rate(view, view.feedback(Span.up_to(day, 1)), [])
            row, half = found.get(day.isoformat()) or {}, one.half_width or Decimal(0)
            place = f"{where} satisfaction {day}"
            low = None if one.mean is None else max(Decimal(0), one.mean - half)
            high = None if one.mean is None else min(Decimal(5), one.mean + half)
            tell.ratio(what, place, _number(row.get("mean")), one.mean)
            tell.ratio(what, f"{place} lowest", _number(row.get("lowest")), low, 6)
            tell.ratio(what, f"{place} highest", _number(row.get("highest")), high, 6)
        scores = {(str(n),): {"ratings": count} for n, count in enumerate(now.distribution)}
        tell.file(what, f"{where} scores.csv", await self.table("/insight/scores.csv", **query),
                  scores, ("score",))  # fmt: skip

    async def _features(
        self, where: str, query: Mapping[str, str], kind: str, name: str, span: Span
    ) -> None:
        view = self.view()
        users, old = len(view.people(span)), view.features(span.before(), kind)
        exact = {
            (_named(feature),): {
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
            exact[(_named(self.view().name_of(user)),)] = {
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

    # ---------- reports ----------

    async def check_report(self, report_id: str, day: date) -> None:
        """A daily report's page, by the rows."""
        what = "report pages"
        one = Day(View(self.rows, self.organization, self.zone), Span.up_to(day, 1))
        before = Day(one.view, Span.up_to(day - timedelta(days=1), 1))
        now, old = one.figures(), before.figures()
        tiles = tiles_of(await self.get(f"/reports/{report_id}"))
        for label, name, kind in (
            ("Conversations", "conversations", "count"), ("Users", "users", "count"),
            ("Model calls", "calls", "count"), ("Cost", "cost", "money"),
            ("Price", "price", "money"), ("Margin", "margin", "money"),
            ("Failed calls", "errors", "count"),
        ):  # fmt: skip
            self._tile(tiles, label, now[name], old[name], kind=kind, more=f"{day}", what=what)
        self.ledger.within(what, f"{self.label} {day} p95",
                           _number(tiles["p95 time of answering"].exact.removesuffix(" ms")),
                           now["response_time_p95"])  # fmt: skip
        self.ledger.ratio(what, f"{self.label} {day} satisfaction",
                          _number(tiles["Satisfaction"].exact), now["satisfaction"], 6)  # fmt: skip
        count = _first_number(tiles["Satisfaction"].note)
        self.ledger.equal(what, f"{self.label} {day} ratings", count, len(one.ratings.scores))
        await self._report_tables(what, f"{self.label} {day}", f"/reports/{report_id}", one)

    async def _report_tables(self, what: str, where: str, path: str, day: Day) -> None:
        rows = await self.table(f"{path}/billing.csv")
        counts, money = ("calls", "total_tokens"), ("cost", "margin", "price")
        exact = sorted(
            (_named(module), _named(model), *(str(told(sums)[name]) for name in counts),
             *(f"{told(sums)[name]:f}" for name in money), str(sums.unpriced))
            for (module, _, model), sums in day.sums(
                lambda c: (c["module"], c["provider"], c["model"])
            ).items()
        )  # fmt: skip
        found = sorted(tuple(row.values()) for row in rows)
        self.ledger.equal(what, f"{where} billing.csv", len(found), len(exact))
        for line, wanted in zip(found, exact, strict=False):
            for cell, value in zip(line, wanted, strict=True):
                is_same = cell == value or _number(cell) == _number(value)
                self.ledger.equal(what, f"{where} billing.csv {line}", is_same, True)  # noqa: FBT003
        scores = {(str(n),): {"ratings": c} for n, c in enumerate(day.ratings.distribution)}
        self.ledger.file(what, f"{where} scores.csv", await self.table(f"{path}/scores.csv"),
                         scores, ("score",))  # fmt: skip
        modules = {
            (_named(module),): day.people(
                [c for c in day.calls if c["module"] == module],
                [c for c in day.started if c["module"] == module],
            ) | self._costs(day, module)
            for module in {row["module"] for row in (*day.calls, *day.started)}
        }  # fmt: skip
        self.ledger.file(what, f"{where} modules.csv", await self.table(f"{path}/modules.csv"),
                         modules, ("module",))  # fmt: skip

    def _costs(self, day: Day, module: str | None) -> dict[str, Decimal]:
        sums = day.sums(lambda call: call["module"]).get(module, Sums())
        return {"cost_usd": sums.cost, "price_usd": sums.price}

    # ---------- tiles ----------

    def _tile(
        self, tiles: Mapping[str, Tile], label: str, now: Any, before: Any, *, kind: str,
        more: str = "", what: str = "tiles",
    ) -> None:  # fmt: skip
        where, tell = f"{self.label} {label} {more}", self.ledger
        tile = tiles.get(label)
        if tile is None:
            tell.equal(what, f"{where}: the tile", None, "there")
            return
        exact = _number(tile.exact)
        if kind in ("count", "money"):
            tell.equal(what, where, exact, now)
        else:
            tell.ratio(what, where, exact, now, 12 if kind == "projection" else 18)
        tell.equal(what, f"{where}: as shown", _is_shown(tile.shown, now), True)  # noqa: FBT003
        if before is not None and tile.before:
            shown = tile.before.split(" ")[0]
            place = f"{where}: before, {shown} of {before}"
            tell.equal(what, place, _is_shown(shown, before), True)  # noqa: FBT003
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
        tell.ratio("tiles", where, _number(exact), now.mean)
        tell.equal("tiles", f"{where}: as shown", _is_shown(tile.shown, now.mean), True)  # noqa: FBT003
        count = re.findall(r"([\d,]+) rating", tile.note)
        tell.equal("tiles", f"{where}: ratings", count, [f"{len(now.scores):,}"])
        if is_home:
            told_count = re.findall(r"Mean of ([\d,]+)", tile.exact)
            tell.equal("tiles", f"{where}: ratings on hover", told_count, [f"{len(now.scores):,}"])
        if before.mean is not None:
            shown = tile.before.split(" ")[0]
            tell.equal("tiles", f"{where}: before", _is_shown(shown, before.mean), True)  # noqa: FBT003

    def _scope(self) -> dict[str, str]:
        return {"scope": "all"} if self.organization is None else {}


def _text(markup: str) -> str:
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", markup).split()))


def _days(span: Span) -> list[date]:
    assert span.first is not None
    assert span.last is not None
    return [span.first + timedelta(days=n) for n in range((span.last - span.first).days)]


def _named(name: str | None) -> str:
    """As a file has it: empty for none, and nothing that a spreadsheet computes."""
    if name is None:
        return ""
    return (
        f"'{name}" if name.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else name
    )


def _column(name: str | None) -> str:
    return "no_model" if name is None else _named(name)


def _number(text: str | None) -> Decimal | None:
    """An exact value: $1,234.5, 1,234; None for what is no number."""
    plain = (text or "").replace("$", "").replace(",", "")
    return Decimal(plain) if re.fullmatch(r"-?\d+(\.\d+)?(E-?\d+)?", plain) else None


def _first_number(text: str) -> Decimal | None:
    found = re.findall(r"[\d,]+", text)
    return _number(found[0]) if found else None


def _is_shown(text: str, exact: Any) -> bool:
    """Whether a short number is the exact one, rounded at its own last digit."""
    if exact is None:
        return text in (_NOTHING, "no")
    found = re.fullmatch(r"(-?)\$?([\d,]+(?:\.\d+)?)([kMB]?)", text)
    if found is None:
        return False
    sign, digits, unit = found.groups()
    shown = Decimal(digits.replace(",", "")).scaleb(_UNITS.get(unit, 0)) * (-1 if sign else 1)
    exponent = Decimal(digits.replace(",", "")).as_tuple().exponent
    assert isinstance(exponent, int)
    # 1k to 999k may have no digit behind the point; scores leave out a 0 at the end
    step = Decimal(1).scaleb(min(exponent, 0) + _UNITS.get(unit, 0))
    return abs(shown - Decimal(exact)) <= step / 2


def _asked(period: str) -> dict[str, str]:
    if "/" in period:
        begins, ends = period.split("/")
        return {"from": begins, "to": ends}
    return {"period": period}


def _address(path: str, query: Mapping[str, str | None]) -> str:
    given = "&".join(f"{name}={value}" for name, value in query.items() if value is not None)
    return f"{path}?{given}" if given else path
