"""Operations: what happens now, and what the last hours were like. Pure but for `read`."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from aihub.analytics.api import LiveNumbers, Usage, UsageRow
from aihub.charts.api import Slot
from aihub.dashboards import formats, panels
from aihub.dashboards.panels import Board, Cell, ChartCard, Column, Line, Table
from aihub.dashboards.rules import compare
from aihub.dashboards.usage_views import NAMELESS, Links, bar_plot
from aihub.dashboards.visits import Visit

BAD_TONE = 7
PERIODS = {"24h": "Last 24 hours", "today": "Today", "7d": "Last 7 days"}


@dataclass(frozen=True, slots=True)
class LiveTile:
    """A tile that moves. `field` and `format` are for live.js; `window` says what is counted."""

    label: str
    field: str
    format: str
    value: str
    exact: str
    window: str


def live_tiles(live: LiveNumbers) -> list[LiveTile]:
    """The four tiles as they are now."""
    p95, rate = live.response_time_p95, live.error_rate
    return [
        LiveTile("Active sessions", "active_sessions_count", "number",
                 formats.format_number(live.active_sessions_count),
                 str(live.active_sessions_count), "active within 15 minutes"),
        LiveTile("Tokens a minute", "tokens_per_minute", "number",
                 formats.format_number(live.tokens_per_minute),
                 str(live.tokens_per_minute), "of the last minute"),
        LiveTile("Failed calls", "error_rate", "share", panels.format_share(rate),
                 "No call in this time" if rate is None else f"{rate:f}",
                 "of the last 5 minutes"),
        LiveTile("p95 time of answering", "response_time_p95", "duration",
                 formats.format_duration(None if p95 is None else round(p95)),
                 "No call in this time" if p95 is None else f"{p95:f}",
                 "of the last 5 minutes"),
    ]  # fmt: skip


def describe(
    visit: Visit,
    links: Links,
    hours: Sequence[datetime],
    *,
    by_hour: Sequence[UsageRow],
    by_endpoint: Sequence[UsageRow],
    by_model: Sequence[UsageRow],
    csv: Mapping[str, str],
) -> Board:
    """Charts by the hour; endpoints and models in tables."""
    found = {_hour_of(row): row.usage for row in by_hour}
    slots = hour_slots(visit, hours, links)
    keys = tuple(hour.astimezone(UTC).isoformat().replace("+00:00", "Z") for hour in hours)
    usages = [found.get(hour.astimezone(UTC)) for hour in hours]
    return Board(
        cards=(
            _tokens(slots, keys, usages, csv["tokens"]),
            _errors(slots, keys, usages, csv["errors"]),
            endpoint_table(by_endpoint, links, csv["endpoints"]),
            model_table(by_model, links, csv["models"]),
        )
    )


def plan_hours(visit: Visit, begins: datetime | None) -> list[datetime]:
    """The full hours until now, in the organization's zone; 24 of them without `begins`."""
    now = visit.now.astimezone(UTC)
    # zones shift by quarters of an hour: an hour there need not be one of UTC
    local = visit.local(now)
    this = now - timedelta(minutes=local.minute, seconds=local.second,
                           microseconds=local.microsecond)  # fmt: skip
    first = begins.astimezone(UTC) if begins is not None else this - timedelta(hours=23)
    count = int((this - first) / timedelta(hours=1)) + 1
    return [visit.local(first + timedelta(hours=n)) for n in range(max(1, count))]


def hour_slots(visit: Visit, hours: Sequence[datetime], links: Links) -> tuple[Slot, ...]:
    """A slot for each hour, which leads to its calls."""
    return tuple(
        Slot(
            label=f"{at:%H:%M}" if len(hours) <= 24 else f"{at:%a %H:%M}",  # noqa: PLR2004
            words=f"{at:%a} {at.day} {at:%b %H:%M}",
            url=links.calls(**span(at, at + timedelta(hours=1))),
            is_open=at + timedelta(hours=1) > visit.now,
        )
        for at in hours
    )


def span(begins: datetime, ends: datetime) -> dict[str, str]:
    """A time as the filter of the list of calls has it."""
    return {
        "since": begins.isoformat(timespec="minutes"), "until": ends.isoformat(timespec="minutes")
    }  # fmt: skip


def endpoint_table(rows: Sequence[UsageRow], links: Links, csv_url: str) -> Table:
    """How often each operation of a provider failed, the worst first.

    Messages name none: theirs are in a row of their provider.
    """
    ordered = sorted(rows, key=lambda r: (-(r.usage.error_rate or 0), -r.usage.calls))
    known = Counter(row.keys["provider"] for row in rows)
    top = max((row.usage.error_rate or Decimal(0) for row in rows), default=Decimal(0))
    return Table(
        id="endpoints",
        title="Failed calls by endpoint",
        columns=(
            Column("Provider", "provider", is_number=False),
            Column("Endpoint", "endpoint", is_number=False),
            Column("Calls", "calls"),
            Column("Failed", "errors"),
            Column("Share", "error_rate"),
            Column("p95", "response_time_p95_ms"),
        ),
        rows=tuple(
            _endpoint_row(row, links, top, is_only=known[row.keys["provider"]] == 1)
            for row in ordered
        ),
        empty="No call in this time.",
        csv_url=csv_url,
    )


def model_table(rows: Sequence[UsageRow], links: Links, csv_url: str) -> Table:
    """How long each model takes, the slowest first, beside the time before."""
    ordered = sorted(rows, key=lambda r: (-(r.usage.response_time_p95 or 0), -r.usage.calls))
    top = max((row.usage.response_time_p95 or Decimal(0) for row in rows), default=Decimal(0))
    return Table(
        id="models",
        title="Time of answering by model",
        columns=(
            Column("Model", "model", is_number=False),
            Column("Calls", "calls"),
            Column("Median", "response_time_p50_ms"),
            Column("p95", "response_time_p95_ms"),
            Column("p99", "response_time_p99_ms"),
            Column("Failed", "error_rate"),
        ),
        rows=tuple(_model_row(row, links, top) for row in ordered),
        empty="No call in this time.",
        csv_url=csv_url,
        note="Within 1% of exact. The change is that of p95 against the same time before.",
    )


def _hour_of(row: UsageRow) -> datetime:
    at = row.keys["hour"]
    read: datetime = at if isinstance(at, datetime) else datetime.fromisoformat(str(at))
    return read.astimezone(UTC)


def _tokens(
    slots: tuple[Slot, ...], keys: tuple[str, ...], usages: Sequence[Usage | None], csv_url: str
) -> ChartCard:
    lines = (
        Line("Input", "input_tokens",
             tuple(u.input_tokens - u.cached_input_tokens if u else 0 for u in usages)),
        Line("Cached input", "cached_input_tokens",
             tuple(u.cached_input_tokens if u else 0 for u in usages)),
        Line("Output", "output_tokens", tuple(u.output_tokens if u else 0 for u in usages)),
    )  # fmt: skip
    total = sum(u.total_tokens for u in usages if u)
    return bar_plot(
        "tokens", "Tokens by hour", slots, lines, money=False, axis="Hour", keys=keys,
        csv_url=csv_url, total=formats.format_number(total), aside="tokens",
    )  # fmt: skip


def _errors(
    slots: tuple[Slot, ...], keys: tuple[str, ...], usages: Sequence[Usage | None], csv_url: str
) -> ChartCard:
    lines = (
        Line("Good", "good", tuple(u.calls - u.errors if u else 0 for u in usages)),
        Line("Failed", "failed", tuple(u.errors if u else 0 for u in usages), tone=BAD_TONE),
    )
    calls = sum(u.calls for u in usages if u)
    failed = sum(u.errors for u in usages if u)
    share = panels.format_share(Decimal(failed) / calls) if calls else formats.NONE
    return bar_plot(
        "errors", "Calls by hour", slots, lines, money=False, axis="Hour",
        keys=keys, csv_url=csv_url, total=formats.format_number(calls),
        aside=f"calls, {share} failed",
    )  # fmt: skip


def _endpoint_row(row: UsageRow, links: Links, top: Decimal, *, is_only: bool) -> tuple[Cell, ...]:
    """`is_only`: the provider has no other row."""
    usage, provider, key = row.usage, row.keys["provider"], row.keys["endpoint"]
    rate = usage.error_rate
    failed = panels.number_cell(usage.errors)
    named = Cell(provider, provider if provider is not None else NAMELESS["provider"])
    name = Cell(key, key if key is not None else NAMELESS["endpoint"])
    # the lists cannot be asked for calls without one of the two
    if provider is not None and (key is not None or is_only):
        given = {"provider": provider, "api": key}
        named = replace(named, url=links.calls(**given))
        failed = panels.number_cell(
            usage.errors, url=links.calls(**given, result="failed") if usage.errors else None
        )
    before = row.previous.error_rate if row.previous else None
    share = panels.share_cell(usage.errors, usage.calls, is_bad=bool(usage.errors))
    is_told = before is not None and (rate or before)
    change = compare(rate, before, likes="less") if is_told else None
    return (
        panels.with_bar(named, rate or Decimal(0), top),
        name,
        panels.number_cell(usage.calls),
        failed,
        Cell(share.value, share.shown, share.exact, is_bad=share.is_bad, change=change),
        panels.duration_cell(usage.response_time_p95),
    )


def _model_row(row: UsageRow, links: Links, top: Decimal) -> tuple[Cell, ...]:
    usage, key = row.usage, row.keys["model"]
    shown = key if key is not None else NAMELESS["model"]
    name = Cell(key, shown, url=links.calls(model=key) if key is not None else None)
    before = row.previous.response_time_p95 if row.previous else None
    p95 = panels.duration_cell(usage.response_time_p95)
    change = compare(usage.response_time_p95, before, likes="less") if before is not None else None
    return (
        panels.with_bar(name, usage.response_time_p95 or Decimal(0), top),
        panels.number_cell(usage.calls),
        panels.duration_cell(usage.response_time_p50),
        Cell(p95.value, p95.shown, p95.exact, change=change),
        panels.duration_cell(usage.response_time_p99),
        replace(
            panels.share_cell(usage.errors, usage.calls, is_bad=bool(usage.errors)),
            url=links.calls(model=key, result="failed")
            if usage.errors and key is not None
            else None,
        ),
    )
