"""Every number of the report pages against the raw rows."""

from datetime import date, timedelta
from decimal import Decimal

from evaluation.analytics_page_base import PageBase
from evaluation.analytics_page_texts import first_number, named, number, tiles_of
from evaluation.analytics_reports import Day, told
from evaluation.analytics_rows import Span, Sums, View


class ReportPages(PageBase):
    """Their checks."""

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
                           number(tiles["p95 time of answering"].exact.removesuffix(" ms")),
                           now["response_time_p95"])  # fmt: skip
        self.ledger.ratio(what, f"{self.label} {day} satisfaction",
                          number(tiles["Satisfaction"].exact), now["satisfaction"], 6)  # fmt: skip
        count = first_number(tiles["Satisfaction"].note)
        self.ledger.equal(what, f"{self.label} {day} ratings", count, len(one.ratings.scores))
        await self._report_tables(what, f"{self.label} {day}", f"/reports/{report_id}", one)

    async def _report_tables(self, what: str, where: str, path: str, day: Day) -> None:
        rows = await self.table(f"{path}/billing.csv")
        counts, money = ("calls", "total_tokens"), ("cost", "margin", "price")
        exact = sorted(
            (named(module), named(model), *(str(told(sums)[name]) for name in counts),
             *(f"{told(sums)[name]:f}" for name in money), str(sums.unpriced))
            for (module, _, model), sums in day.sums(
                lambda c: (c["module"], c["provider"], c["model"])
            ).items()
        )  # fmt: skip
        found = sorted(tuple(row.values()) for row in rows)
        self.ledger.equal(what, f"{where} billing.csv", len(found), len(exact))
        for line, wanted in zip(found, exact, strict=False):
            for cell, value in zip(line, wanted, strict=True):
                is_same = cell == value or number(cell) == number(value)
                self.ledger.equal(what, f"{where} billing.csv {line}", is_same, True)  # noqa: FBT003
        scores = {(str(n),): {"ratings": c} for n, c in enumerate(day.ratings.distribution)}
        self.ledger.file(what, f"{where} scores.csv", await self.table(f"{path}/scores.csv"),
                         scores, ("score",))  # fmt: skip
        modules = {
            (named(module),): day.people(
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
