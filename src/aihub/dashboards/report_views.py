"""A daily report as a page shows it. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from aihub.dashboards import formats, panels
from aihub.dashboards.call_filters import calls_url
from aihub.dashboards.filters import list_url
from aihub.dashboards.panels import Board, Cell, Column, Table, Tile
from aihub.dashboards.people_views import Feature, Week, show_features, show_scores, show_weeks
from aihub.dashboards.rules import Change, Liking, compare
from aihub.reports.api import (
    AdoptionLine,
    BillingLine,
    Content,
    IntentLine,
    ModelLine,
    ModuleLine,
    Report,
)
from aihub.reports.api import Change as Beside

_ADOPTION = "28 days"  # reports.rules.ADOPTION_DAYS
_NO_MODULE, _NO_MODEL = "no module", "no model"
_LIKES: dict[str, Liking] = {
    "conversations": "more",
    "satisfaction": "more",
    "margin": "more",
    "users": "more",
    "errors": "less",
    "cost": "less",
    "response_time_p95": "less",
}
_WORDS = {
    "unpriced_calls": "Calls without a price",
    "estimated_calls": "Estimated calls",
    "response_time_p50": "Median time",
    "response_time_p95": "p95 time",
    "response_time_p99": "p99 time",
}
_MONEY = ("cost", "price", "margin")


def describe(report: Report, content: Content) -> Board:
    """Tiles and tables of a report."""
    day = report.day.isoformat()
    totals, before = content.totals, {c.figure: c for c in content.against_day_before}
    lists = list_url({"from": day, "to": day})
    calls = calls_url(from_=day, to=day)

    def tile(label: str, figure: str, value: str, exact: str, url: str | None) -> Tile:
        beside = before.get(figure)
        return Tile(
            label=label,
            value=value,
            exact=exact,
            url=url,
            change=_change(beside, figure) if beside else None,
            before=f"{_show(figure, beside.before)} the day before" if beside else "",
        )

    def money(label: str, figure: str, amount: Decimal) -> Tile:
        shown, exact = formats.format_money(amount), formats.format_exact_money(amount)
        return tile(label, figure, shown, exact, calls)

    def count(label: str, figure: str, number: int, url: str) -> Tile:
        shown, exact = formats.format_number(number), formats.format_exact_number(number)
        return tile(label, figure, shown, exact, url)

    satisfaction = content.satisfaction
    tiles = (
        count("Conversations", "conversations", totals.conversations, lists),
        count("Users", "users", totals.users, lists),
        count("Model calls", "calls", totals.calls, calls),
        money("Cost", "cost", totals.cost),
        money("Price", "price", totals.price),
        money("Margin", "margin", totals.margin),
        count("Failed calls", "errors", totals.errors,
              calls_url(result="failed", from_=day, to=day)),
        tile("p95 time of answering", "response_time_p95",
             panels.duration_cell(totals.response_time_p95).shown,
             formats.format_exact_number(totals.response_time_p95) + " ms", calls),
        replace(
            tile("Satisfaction", "satisfaction", formats.format_score(satisfaction.mean),
                 "" if satisfaction.mean is None else f"{satisfaction.mean:f}", None),
            note=f"{satisfaction.feedback:,} ratings",
        ),
    )  # fmt: skip
    board = Board(
        tiles,
        (
            _billing(content.billing, day),
            _changes(content.against_day_before, content.against_week_before),
            _modules(content.modules, day),
            _models(content.models, day),
            show_scores(satisfaction.scores),
            _intents(content.intents, day),
            *_features(content.adoption),
            show_weeks([Week(c.week, c.users, c.active) for c in content.retention]),
        ),
    )
    return panels.with_files(board, lambda name: f"/reports/{report.id}/{name}.csv")


def _change(beside: Beside, figure: str) -> Change | None:
    return compare(beside.now, beside.before, likes=_LIKES.get(figure, "either"))


def _show(figure: str, value: Decimal | None) -> str:
    if value is None:
        return formats.NONE
    if figure in _MONEY:
        return formats.format_money(value)
    if figure.startswith("response_time"):
        return formats.format_duration(int(value))
    if figure in ("satisfaction", "mean"):
        return formats.format_score(value)
    return formats.format_number(value if value % 1 else int(value))


def _name_figure(figure: str) -> str:
    return _WORDS.get(figure, figure.replace("_", " ").capitalize())


def _changes(day: Sequence[Beside], week: Sequence[Beside]) -> Table:
    before = {change.figure: change for change in week}
    rows = []
    for one in day:
        same = before.get(one.figure)
        rows.append(
            (
                Cell(one.figure, _name_figure(one.figure)),
                Cell(one.now, _show(one.figure, one.now)),
                Cell(one.before, _show(one.figure, one.before), change=_change(one, one.figure)),
                *(
                    [Cell(same.before, _show(one.figure, same.before),
                          change=_change(same, one.figure))]
                    if same
                    else [Cell(None, formats.NONE)]
                ),
            )
        )  # fmt: skip
    return Table(
        "changes", "Against before",
        (Column("Figure", "figure", is_number=False), Column("This day", "now"),
         Column("The day before", "day_before"), Column("A week before", "week_before")),
        tuple(rows), "Nothing to compare with yet.",
    )  # fmt: skip


def _billing(lines: Sequence[BillingLine], day: str) -> Table:
    rows = tuple(
        (
            panels.text_cell(
                line.module, nothing=_NO_MODULE,
                url=calls_url(module=line.module, from_=day, to=day) if line.module else None,
            ),
            panels.text_cell(line.model, nothing=_NO_MODEL, note=line.provider or ""),
            panels.number_cell(line.calls),
            panels.number_cell(line.total_tokens),
            panels.money_cell(line.cost),
            panels.money_cell(line.margin),
            panels.money_cell(line.price),
            panels.number_cell(line.unpriced_calls),
        )
        for line in lines
    )  # fmt: skip
    foot = (
        (Cell(None, "Together"), Cell(None, ""),
         panels.number_cell(sum(line.calls for line in lines)),
         panels.number_cell(sum(line.total_tokens for line in lines)),
         panels.money_cell(sum((line.cost for line in lines), Decimal(0))),
         panels.money_cell(sum((line.margin for line in lines), Decimal(0))),
         panels.money_cell(sum((line.price for line in lines), Decimal(0))),
         panels.number_cell(sum(line.unpriced_calls for line in lines)))
        if rows else ()
    )  # fmt: skip
    return Table(
        "billing", "Billing",
        (Column("Module", "module", is_number=False), Column("Model", "model", is_number=False),
         Column("Calls", "calls"), Column("Tokens", "total_tokens"), Column("Cost", "cost_usd"),
         Column("Markup", "markup_usd"), Column("Price", "price_usd"),
         Column("No price", "unpriced_calls", hint="Calls that the sums leave out")),
        rows, "No call on this day.", foot=foot, is_wide=True,
    )  # fmt: skip


def _modules(lines: Sequence[ModuleLine], day: str) -> Table:
    rows = tuple(
        (
            panels.text_cell(
                line.module, nothing=_NO_MODULE,
                url=list_url({"module": line.module, "from": day, "to": day})
                if line.module else None,
            ),
            panels.number_cell(line.conversations),
            panels.number_cell(line.users),
            panels.number_cell(line.messages),
            panels.money_cell(line.cost),
            panels.money_cell(line.price),
        )
        for line in lines
    )  # fmt: skip
    return Table(
        "modules", "Modules",
        (Column("Module", "module", is_number=False), Column("Conversations", "conversations"),
         Column("Users", "users"), Column("Messages", "messages"), Column("Cost", "cost_usd"),
         Column("Price", "price_usd")),
        rows, "No conversation on this day.",
    )  # fmt: skip


def _models(lines: Sequence[ModelLine], day: str) -> Table:
    rows = tuple(
        (
            panels.text_cell(
                line.model, nothing=_NO_MODEL, note=line.provider or "",
                url=calls_url(model=line.model, from_=day, to=day) if line.model else None,
            ),
            panels.number_cell(line.calls),
            panels.share_cell(line.errors, line.calls, is_bad=bool(line.errors)),
            panels.duration_cell(line.response_time_p50),
            panels.duration_cell(line.response_time_p95),
            panels.money_cell(line.cost),
        )
        for line in lines
    )  # fmt: skip
    return Table(
        "models", "Models",
        (Column("Model", "model", is_number=False), Column("Calls", "calls"),
         Column("Failed", "error_rate"), Column("Median", "response_time_p50_ms"),
         Column("p95", "response_time_p95_ms"), Column("Cost", "cost_usd")),
        rows, "No call on this day.",
    )  # fmt: skip


def _intents(lines: Sequence[IntentLine], day: str) -> Table:
    most = max((line.conversations for line in lines), default=0)
    rows = tuple(
        (
            panels.with_bar(
                Cell(
                    line.intent,
                    line.intent,
                    url=list_url({"intent": line.intent, "from": day, "to": day}),
                ),
                line.conversations,
                most,
            ),
            panels.number_cell(line.conversations),
            panels.number_cell(line.users),
        )
        for line in lines
    )
    return Table(
        "intents", "Intents",
        (Column("Intent", "intent", is_number=False), Column("Conversations", "conversations"),
         Column("Users", "users")),
        rows, "No intent was told. Give intent with a message, and it shows here.",
    )  # fmt: skip


def _features(lines: Sequence[AdoptionLine]) -> tuple[Table, Table]:
    def of_kind(kind: str) -> list[Feature]:
        return [
            Feature(kind, line.name, line.users, line.users_before, _everybody(line))
            for line in lines
            if line.kind == kind
        ]

    return (
        show_features("adoption-modules", "Modules in use", of_kind("module"),
                      empty="No module was used.", noun="Module", aside=_ADOPTION),
        replace(show_features("adoption-intents", "Intents in use", of_kind("intent"),
                              empty="No intent was told.", noun="Intent", aside=_ADOPTION),
                is_wide=True),
    )  # fmt: skip


def _everybody(line: AdoptionLine) -> int:
    return round(line.users / line.share) if line.share else 0
