"""Reconciliation as pages show it: words for verdicts, drift in percent, drift by day. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal

from aihub.dashboards.formats import NONE, format_exact_money, format_exact_number, format_money
from aihub.kit.money import plain
from aihub.reconciliation.api import ProviderTotal, Report, ReportRow, Tokens, Verdict

NAMES = {
    "openai": "OpenAI",
    "anthropic": "Anthropic",
    "openrouter": "OpenRouter",
    "bedrock": "AWS Bedrock",
    "google": "Google",
    "azure": "Azure",
}
KINDS = {
    "aws": "AWS: Cost and Usage Report 2.0, CSV",
    "gcp": "Google: detailed billing export, JSON lines",
    "azure": "Azure: Cost Details, CSV",
    "openai-usage": "OpenAI: usage, JSON",
    "openai-costs": "OpenAI: costs, JSON",
    "anthropic-usage": "Anthropic: usage report, JSON",
    "anthropic-cost": "Anthropic: cost report, JSON",
    "openrouter": "OpenRouter: activity, JSON",
}
VERDICTS: dict[Verdict, tuple[str, str]] = {
    "ok": ("agrees", "Equal, or within the limits."),
    "rounding": ("rounding", "The same tokens; the amounts are equal to a cent."),
    "tokens_differ": ("tokens differ", "Billed for other tokens than were recorded."),
    "calls_differ": ("calls differ", "A fee was billed for more or fewer calls."),
    "price_differs": ("price differs", "The same tokens at another price."),
    "cost_differs": ("cost differs", "The amounts differ, and there are no tokens to compare."),
    "unpriced": ("no price", "Calls in the hub have no price."),
    "missing_in_hub": ("not in the hub", "Billed, and unknown to the hub."),
    "missing_at_provider": ("not billed", "Recorded, and the bill of that day lacks it."),
    "not_closed": ("not closed", "The bill of that day may still change."),
    "no_bill": ("no bill", "Nothing was fetched or uploaded for that day."),
    "not_comparable": ("other currency", "Billed in another currency than USD."),
}
_UNCOMPARED = frozenset({"not_closed", "no_bill", "not_comparable"})
_GOOD = frozenset({"ok", "rounding"})
_WIDE = Context(prec=100)
_ZERO = Decimal(0)
_USD = "USD"
_HALF = 48  # of the chart's height, above and below the line
# a drift of a hundredth must not fill the chart, one bad day not flatten all others
_LEAST_SCALE, _MOST_SCALE = Decimal("0.02"), Decimal("0.25")
_LEAST_BAR = 1.5
_WIDTH = 600
_GAP = 0.28
COLUMNS = (
    "day", "provider", "model", "verdict", "alarm", "hub_input_tokens", "hub_cached_input_tokens",
    "hub_output_tokens", "billed_input_tokens", "billed_cached_input_tokens",
    "billed_output_tokens", "hub_calls", "billed_requests", "hub_cost_usd", "billed_cost",
    "list_cost", "currency", "drift", "token_drift", "why", "price_book_versions",
)  # fmt: skip
TOTAL_COLUMNS = (
    "provider", "currency", "hub_cost_usd", "list_cost", "billed_cost", "drift", "credits",
    "discounts", "taxes", "rows", "compared_rows", "alarms",
)  # fmt: skip

Cell = str | int | Decimal | None


@dataclass(frozen=True, slots=True)
class DriftDay:
    """A day of the chart; `drift` None: nothing to compare. Numbers are those of an SVG."""

    day: date
    words: str
    drift: Decimal | None
    is_alarm: bool
    x: str
    y: str
    width: str
    height: str
    place_x: str
    place_width: str


@dataclass(frozen=True, slots=True)
class DriftChart:
    """Drift by day, and what its upper and lower edge mean."""

    days: list[DriftDay]
    most: str


def sort_rows(rows: Iterable[ReportRow]) -> list[ReportRow]:
    """Alarms first, by how far apart the two are; then the others as the report has them."""
    return sorted(rows, key=lambda row: (not row.is_alarm, -_apart(row) if row.is_alarm else 0))


def has_bill(report: Report) -> bool:
    """Whether anything was billed, as far as the hub was told."""
    return any(row.verdict != "no_bill" for row in report.rows if row.verdict != "not_closed")


def is_good(row: ReportRow) -> bool:
    """Whether the two agree."""
    return row.verdict in _GOOD


def is_compared(row: ReportRow) -> bool:
    """Whether there was anything to compare."""
    return row.verdict not in _UNCOMPARED


def format_drift(drift: Decimal | None) -> str:
    """+1.23 %, −0.4 %, 0 %."""
    if drift is None:
        return NONE
    percent = _WIDE.scaleb(drift, 2)
    shown = percent.quantize(Decimal("0.01"), ROUND_HALF_EVEN, context=_WIDE)
    if not shown:
        return "0 %" if not percent else f"{'+' if percent > 0 else '−'}<0.01 %"
    return f"{'+' if shown > 0 else '−'}{plain(abs(shown))} %"


def format_exact_drift(drift: Decimal | None) -> str:
    """With every digit there is."""
    return NONE if drift is None else f"{plain(_WIDE.scaleb(drift, 2))} %"


def format_amount(amount: Decimal | None, currency: str) -> str:
    """Short; another currency than USD by its name."""
    if amount is None or currency == _USD:
        return format_money(amount)
    return f"{format_money(amount).replace('$', '')} {currency}"


def format_exact_amount(amount: Decimal | None, currency: str) -> str:
    """The same with every digit."""
    if amount is None or currency == _USD:
        return format_exact_money(amount)
    return f"{format_exact_money(amount).replace('$', '')} {currency}"


def describe_tokens(tokens: Tokens | None) -> str:
    """What a sum is made of."""
    if tokens is None:
        return "Not known"
    return (
        f"{format_exact_number(tokens.input)} input, of which "
        f"{format_exact_number(tokens.cached_input)} cached; "
        f"{format_exact_number(tokens.output)} output"
    )


def draw_drift(report: Report, first: date, last: date) -> DriftChart | None:
    """Drift of each day over what could be compared, in USD; None when nothing could."""
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    drifts = {day: _drift_of_day(report.rows, day) for day in days}
    known = [abs(drift) for drift, _ in drifts.values() if drift is not None]
    if not known:
        return None
    scale = min(max([*known, _LEAST_SCALE]), _MOST_SCALE)
    place = _WIDTH / len(days)
    drawn = [
        _draw_day(day, drifts[day], scale, number * place, place) for number, day in enumerate(days)
    ]
    is_cut = max(known) > scale
    return DriftChart(drawn, f"{format_drift(scale)}{' or more' if is_cut else ''}")


def _apart(row: ReportRow) -> Decimal:
    return abs(_WIDE.subtract(row.hub_cost or _ZERO, row.list_cost or _ZERO))


def _drift_of_day(rows: Sequence[ReportRow], day: date) -> tuple[Decimal | None, bool]:
    hub = listed = _ZERO
    is_alarm = False
    for row in rows:
        if row.day != day or row.verdict in _UNCOMPARED or row.currency != _USD:
            continue
        hub = _WIDE.add(hub, row.hub_cost or _ZERO)
        listed = _WIDE.add(listed, row.list_cost or _ZERO)
        is_alarm = is_alarm or row.is_alarm
    return (_WIDE.divide(_WIDE.subtract(hub, listed), listed) if listed else None), is_alarm


def _draw_day(
    day: date, found: tuple[Decimal | None, bool], scale: Decimal, at: float, place: float
) -> DriftDay:
    drift, is_alarm = found
    size = float(min(abs(drift or _ZERO) / scale, Decimal(1))) * _HALF
    if drift is not None:
        size = max(size, _LEAST_BAR)
    top = _HALF - size if (drift or _ZERO) >= 0 else _HALF
    words = f"{day:%a} {day.day} {day:%b}: " + (
        "nothing to compare" if drift is None else format_drift(drift)
    )
    return DriftDay(
        day=day, words=words, drift=drift, is_alarm=is_alarm,
        x=f"{at + place * _GAP / 2:.2f}", y=f"{top:.2f}", width=f"{place * (1 - _GAP):.2f}",
        height=f"{size:.2f}", place_x=f"{at:.2f}", place_width=f"{place:.2f}",
    )  # fmt: skip


# ---------- files ----------


def list_cells(rows: Iterable[ReportRow]) -> Iterator[Sequence[Cell]]:
    """The report as a file."""
    yield COLUMNS
    for row in rows:
        yield (
            row.day.isoformat(), row.provider, row.model, row.verdict,
            "yes" if row.is_alarm else "no", *_cells_of(row.hub_tokens),
            *_cells_of(row.billed_tokens), row.hub_calls, row.billed_requests, row.hub_cost,
            row.billed_cost, row.list_cost, row.currency, row.drift, row.token_drift, row.why,
            ", ".join(row.price_book_versions),
        )  # fmt: skip


def list_total_cells(totals: Iterable[ProviderTotal]) -> Iterator[Sequence[Cell]]:
    """The totals as a file."""
    yield TOTAL_COLUMNS
    for total in totals:
        yield (
            total.provider, total.currency, total.hub_cost, total.list_cost, total.billed_cost,
            total.drift, total.credits, total.discounts, total.taxes, total.rows,
            total.compared_rows, total.alarms,
        )  # fmt: skip


def _cells_of(tokens: Tokens | None) -> tuple[int | None, int | None, int | None]:
    if tokens is None:
        return None, None, None
    return tokens.input, tokens.cached_input, tokens.output
