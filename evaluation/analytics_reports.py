"""Every number of the daily reports, as JSON and as CSV, against the raw rows."""

import csv
import io
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from evaluation import analytics_formulas as formulas
from evaluation.analytics_answer_base import flatten
from evaluation.analytics_ledger import Ledger
from evaluation.analytics_rows import Row, Rows, Span, Sums, View, count_by, midnight

TABLES = (
    "totals", "modules", "models", "billing", "satisfaction", "intents", "against_day_before",
    "against_week_before", "adoption", "retention",
)  # fmt: skip
_SIX = 6
_TOP_INTENTS = 20
_NO_ROW: Mapping[str, Any] = {}
_RENAMED = {"unpriced": "unpriced_calls", "estimated": "estimated_calls"}
_FIGURES = (
    "conversations", "messages", "users", "calls", "errors", "total_tokens", "cost", "price",
    "margin", "response_time_p95", "satisfaction",
)  # fmt: skip


@dataclass
class Day:
    """One day's figures, from the rows."""

    view: View
    span: Span

    def __post_init__(self) -> None:
        self.calls = list(self.view.calls(self.span))
        self.started = list(self.view.conversations(self.span))
        self.ratings = formulas.ratings(self.view, self.span)

    def sums(self, key: Callable[[Row], Any] = lambda _: ()) -> dict[Any, Sums]:
        """Of calls."""
        return count_by(self.calls, key)

    def people(self, calls: list[Row], started: list[Row]) -> dict[str, int]:
        """Conversations, their messages, and users."""
        return {
            "conversations": len(started),
            "messages": sum(row["message_count"] for row in started),
            "users": len({row["user_id"] for row in (*calls, *started) if row["user_id"]}),
        }

    def figures(self) -> dict[str, Any]:
        """Those that are put beside earlier days; p95 exact."""
        sums = self.sums().get((), Sums())
        mean = self.ratings.mean
        return (
            told(sums)
            | self.people(self.calls, self.started)
            | {
                "response_time_p95": sums.percentile(95),
                "satisfaction": mean,
            }
        )


def told(sums: Sums) -> dict[str, Any]:
    """By the names of a report."""
    found = {_RENAMED.get(name, name): value for name, value in sums.told().items()}
    del found["conversations"]
    return found | {"margin": sums.price - sums.cost}


@dataclass
class Reports:
    """The reports of one organization."""

    ask: Callable[..., Awaitable[Any]]
    read: Callable[..., Awaitable[str]]
    rows: Rows
    ledger: Ledger
    organization: UUID
    zone: str
    label: str

    def noon(self, day: date) -> datetime:
        """In the middle of the day."""
        return midnight(day, self.zone) + timedelta(hours=12)

    async def list_ids(self, versions: str = "latest") -> list[Any]:
        """All of them, page after page."""
        found: list[Any] = []
        cursor: dict[str, str] = {}
        while True:
            page = await self.ask("/v1/reports", versions=versions, limit=50, **cursor)
            found += page["items"]
            if page["next_cursor"] is None:
                return found
            cursor = {"cursor": page["next_cursor"]}

    async def check(self, report_id: str) -> None:
        """One report, all of it."""
        found = await self.ask(f"/v1/reports/{report_id}")
        content, day = found["content"], date.fromisoformat(found["day"])
        where = f"{self.label} {day} v{found['version']}"
        tell = self.ledger
        following = day + timedelta(days=1)
        for name, exact in (("starts_at", midnight(day, self.zone)),
                            ("ends_at", midnight(following, self.zone))):  # fmt: skip
            tell.equal("reports", f"{where}: {name}", datetime.fromisoformat(found[name]), exact)
        view = View(self.rows, self.organization, self.zone)
        this = Day(view, Span(day, following))
        self._day(where, content, this)
        for days, name in ((1, "against_day_before"), (7, "against_week_before")):
            earlier = Day(view, Span(day - timedelta(days=days), following - timedelta(days=days)))
            self._against(f"{where} {name}", content[name], this.figures(), earlier.figures())
        self._adoption(where, content["adoption"], view, day)
        self._retention(where, content["retention"], view, day)
        await self._files(where, report_id, content)

    def _day(self, where: str, content: Any, day: Day) -> None:
        whole = day.sums().get((), Sums())
        self._line(f"{where} totals", content["totals"], whole, day.people(day.calls, day.started))
        modules = {row["module"] for row in (*day.calls, *day.started)}
        found = {row["module"]: row for row in content["modules"]}
        self.ledger.keys("reports", f"{where} modules", found, modules)
        for module in modules:
            calls = [row for row in day.calls if row["module"] == module]
            started = [row for row in day.started if row["module"] == module]
            sums = count_by(calls, lambda _: ()).get((), Sums())
            self._line(f"{where} {module}", found.get(module), sums, day.people(calls, started))
        self._lines(f"{where} models", content["models"], day, ("provider", "model"))
        self._lines(f"{where} billing", content["billing"], day, ("module", "provider", "model"))
        self._satisfaction(where, content["satisfaction"], day.ratings)
        self._intents(where, content["intents"], day)

    def _lines(self, where: str, rows: Any, day: Day, names: tuple[str, ...]) -> None:
        exact = day.sums(lambda call: tuple(call[name] for name in names))
        found = {tuple(row[name] for name in names): row for row in rows}
        self.ledger.keys("reports", where, found, exact)
        self.ledger.equal("reports", f"{where}: rows", len(rows), len(exact))
        for key, sums in exact.items():
            self._line(f"{where} {key}", found.get(key), sums, {})

    def _line(self, where: str, row: Any, sums: Sums, people: Mapping[str, int]) -> None:
        row = row or _NO_ROW
        for name, value in (told(sums) | people).items():
            self.ledger.equal("reports", f"{where}: {name}", row.get(name), value)
        for percent in (50, 95, 99):
            name = f"response_time_p{percent}"
            self.ledger.within("reports", f"{where}: {name}", row.get(name),
                               sums.percentile(percent))  # fmt: skip

    def _satisfaction(self, where: str, found: Any, exact: formulas.Ratings) -> None:
        what, tell = "reports", self.ledger
        tell.equal(what, f"{where}: feedback", found["feedback"], len(exact.scores))
        tell.ratio(what, f"{where}: mean", found["mean"], exact.mean, _SIX)
        tell.equal(what, f"{where}: scores", found["scores"], exact.distribution)
        tell.equal(what, f"{where}: rated", found["rated_conversations"], exact.rated)
        tell.ratio(what, f"{where}: response rate", found["response_rate"],
                   formulas.divide(exact.rated, exact.conversations), _SIX)  # fmt: skip

    def _intents(self, where: str, rows: Any, day: Day) -> None:
        found = {row["intent"]: (row["conversations"], row["users"]) for row in rows}
        exact = {
            intent: (count, len(people))
            for intent, (people, count) in day.view.features(day.span, "intent").items()
        }
        most = sorted(exact, key=lambda intent: (-exact[intent][0], str(intent)))[:_TOP_INTENTS]
        self.ledger.keys("reports", f"{where} intents", found, most)
        for intent in most:
            self.ledger.equal("reports", f"{where} {intent}", found.get(intent), exact[intent])

    def _against(self, where: str, rows: Any, now: Any, before: Any) -> None:
        what, tell = "reports against before", self.ledger
        found = {row["figure"]: row for row in rows}
        tell.keys(what, where, found, _FIGURES)
        for name in _FIGURES:
            row, place = found.get(name) or {}, f"{where} {name}"
            if name == "response_time_p95":
                tell.within(what, f"{place} now", row.get("now"), now[name])
                tell.within(what, f"{place} before", row.get("before"), before[name])
            else:
                tell.ratio(what, f"{place} now", row.get("now"), now[name], _SIX)
                tell.ratio(what, f"{place} before", row.get("before"), before[name], _SIX)
            # the difference and its ratio follow from what is told
            shown = (row.get("now"), row.get("before"))
            difference = None if None in shown else Decimal(shown[0]) - Decimal(shown[1])  # type: ignore[arg-type] # neither is None here
            tell.equal(what, f"{place}: difference", row.get("difference"), difference)
            base = abs(Decimal(shown[1])) if shown[1] is not None else None
            ratio = formulas.divide(difference, base) if difference is not None and base else None
            tell.ratio(what, f"{place}: ratio", row.get("ratio"), ratio, _SIX)

    def _adoption(self, where: str, rows: Any, view: View, day: date) -> None:
        what, tell, span = "reports: adoption", self.ledger, Span.up_to(day, 28)
        everybody = len(view.people(span))
        for kind in ("module", "intent"):
            exact, old = view.features(span, kind), view.features(span.before(), kind)
            found = {row["name"]: row for row in rows if row["kind"] == kind}
            names = [name for name in exact if name is not None]
            tell.keys(what, f"{where} {kind}", found, names)
            for name in names:
                row, users = found.get(name) or {}, len(exact[name][0])
                before = len(old[name][0]) if name in old else 0
                tell.equal(what, f"{where} {name}: users", row.get("users"), users)
                tell.equal(what, f"{where} {name}: before", row.get("users_before"), before)
                tell.ratio(what, f"{where} {name}: share", row.get("share"),
                           formulas.divide(users, everybody))  # fmt: skip
                tell.ratio(what, f"{where} {name}: growth", row.get("growth"),
                           formulas.divide(users - before, before), 4)  # fmt: skip

    def _retention(self, where: str, rows: Any, view: View, day: date) -> None:
        what, tell = "reports: retention", self.ledger
        exact = formulas.cohorts(view, day, 8)
        found = {row["week"]: row for row in rows}
        tell.keys(what, where, found, {week.isoformat() for week in exact})
        for week, active in exact.items():
            row = found.get(week.isoformat()) or {"active": [], "shares": [], "users": None}
            tell.equal(what, f"{where} {week}: users", row["users"], active[0])
            tell.equal(what, f"{where} {week}: active", row["active"], list(active))
            for n, share in enumerate(row["shares"]):
                tell.ratio(what, f"{where} {week} +{n}", share,
                           formulas.divide(active[n], active[0]), _SIX)  # fmt: skip

    async def _files(self, where: str, report_id: str, content: Any) -> None:
        """The CSV of the whole, and of each table: the values of the JSON."""
        text = await self.read(f"/v1/reports/{report_id}", format="csv")
        lines = list(csv.DictReader(io.StringIO(text)))
        for table in TABLES:
            found = content[table] if isinstance(content[table], list) else [content[table]]
            values = sorted(
                _text(value) for row in found for name, value in _flat(row) if not _is_name(name)
            )
            own = sorted(line["value"] for line in lines if line["section"] == table)
            self.ledger.equal("reports as CSV", f"{where} {table} in the whole", own, values)
            one = await self.read(f"/v1/reports/{report_id}", format="csv", table=table)
            read = list(csv.DictReader(io.StringIO(one)))
            self.ledger.equal("reports as CSV", f"{where} {table}", len(read), len(found) or 0)
            for line, row in zip(read, found, strict=False):
                for name, value in _flat(row):
                    self.ledger.equal("reports as CSV", f"{where} {table} {name}",
                                      line.get(name), _text(value))  # fmt: skip


def check_scores(found: list[Row], rows: Rows, ledger: Ledger) -> None:
    """The engagement scores that are kept every hour: of 28 days up to their day."""
    days = {(row["organization_id"], row["day"]) for row in found}
    ledger.equal("engagement kept", "organizations", len(days), len(rows.organizations))
    for organization, day in days:
        people = formulas.engagement(View(rows, organization), Span.up_to(day, 28))
        own = {
            (organization, row["user_id"]): row
            for row in found
            if (row["organization_id"], row["day"]) == (organization, day)
        }
        ledger.keys("engagement kept", f"{day}", own, people)
        for key, row in own.items():
            person = people.get(key, formulas.Person())
            exact = person.parts(day) if person.days else {}
            for name, value in exact.items():
                digits = 2 if name == "score" else 4
                ledger.ratio("engagement kept", f"{day} {key}: {name}", row[name], value, digits)
            ledger.equal("engagement kept", f"{day} {key}: days", row["active_days"],
                         len(person.days))  # fmt: skip
            ledger.equal("engagement kept", f"{day} {key}: conversations", row["conversations"],
                         person.conversations)  # fmt: skip


def _flat(row: Any) -> list[tuple[str, Any]]:
    return [(name.replace(".", "_"), value) for name, value in flatten(row)]


def _is_name(name: str) -> bool:
    return name in ("module", "provider", "model", "intent", "kind", "name", "figure", "week")


def _text(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
