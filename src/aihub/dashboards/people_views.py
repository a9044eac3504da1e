"""What people think and do: ratings, features, weeks. For Insight and for reports. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from aihub.charts.api import Slot
from aihub.dashboards import formats, panels
from aihub.dashboards.panels import Cell, Column, Line, Plot, Table
from aihub.dashboards.rules import compare

LEVELS = 5


@dataclass(frozen=True, slots=True)
class Feature:
    """A module or an intent, and how many used it, now and before; `all_users` used anything."""

    kind: str
    name: str | None
    users: int
    users_before: int
    all_users: int
    conversations: int | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Week:
    """People first seen in a week, and how many of them came in each week from then on."""

    week: date
    users: int
    active: tuple[int, ...]


def show_scores(scores: Sequence[int], *, csv_url: str = "") -> panels.ChartCard:
    """How often each score from 0 to 5 was given."""
    return panels.make_chart(
        Plot(
            id="scores",
            title="Ratings by score",
            axis="Score",
            slots=tuple(Slot(str(n), f"Score {n}") for n in range(len(scores))),
            lines=(Line("Ratings", "ratings", tuple(scores)),),
            show=formats.format_number,
            tell=formats.format_exact_number,
            tick=formats.format_tick,
            is_whole=True,
            total=formats.format_number(sum(scores)),
            aside="ratings",
            note="Half scores are rounded up.",
            csv_url=csv_url,
            slot_keys=tuple(str(n) for n in range(len(scores))),
            empty="Nobody has rated. Send it with POST /v1/conversations/{id}/feedback.",
        )
    )


def show_features(
    id_: str,
    title: str,
    features: Sequence[Feature],
    *,
    empty: str,
    csv_url: str = "",
    noun: str = "Feature",
    aside: str = "",
) -> Table:
    """Who uses which module or intent, of all users."""
    has_counts = any(one.conversations is not None for one in features)
    rows = tuple(_feature_row(one, has_counts=has_counts) for one in features)
    counted = (Column("Conversations", "conversations"),) if has_counts else ()
    return Table(
        id=id_,
        title=title,
        columns=(
            Column(noun, "name", is_number=False),
            Column("Users", "users"),
            Column("Of all", "share", hint="Of the users who were active"),
            *counted,
            Column("Before", "users_before", hint="Users in as many days before"),
        ),
        rows=rows,
        empty=empty,
        aside=aside,
        csv_url=csv_url,
    )


def show_weeks(weeks: Sequence[Week], *, csv_url: str = "", aside: str = "") -> Table:
    """Who came back, by the week in which they were first seen."""
    count = max((len(week.active) for week in weeks), default=0)
    rows = tuple(
        (
            Cell(week.week.isoformat(), f"{week.week.day} {week.week:%b}"),
            panels.number_cell(week.users),
            *(_week_cell(week, n) for n in range(1, count)),
        )
        for week in weeks
    )
    return Table(
        id="retention",
        title="Who comes back",
        columns=(
            Column("First seen in the week of", "week", is_number=False),
            Column("Users", "users"),
            *(Column(f"+{n}", f"week_{n}") for n in range(1, count)),
        ),
        rows=rows,
        empty="No user was seen in these weeks.",
        aside=aside,
        is_wide=True,
        is_heat=True,
        csv_url=csv_url,
        note="Of the users first seen in a week, how many were active so many weeks later. The "
        "last week counts as far as it has come.",
    )


def _feature_row(one: Feature, *, has_counts: bool) -> tuple[Cell, ...]:
    shown = one.name if one.name is not None else f"no {one.kind}"
    first = panels.with_bar(Cell(one.name, shown, url=one.url), one.users, one.all_users)
    change = compare(one.users, one.users_before, likes="more")
    users = panels.number_cell(one.users)
    return (
        first,
        Cell(users.value, users.shown, users.exact, change=change),
        panels.share_cell(one.users, one.all_users),
        *([panels.number_cell(one.conversations)] if has_counts else []),
        panels.number_cell(one.users_before),
    )


def _week_cell(week: Week, n: int) -> Cell:
    if n >= len(week.active) or not week.users:
        return Cell(None, "")
    share = Decimal(week.active[n]) / week.users
    level = -(-week.active[n] * LEVELS // week.users)
    exact = f"{week.active[n]:,} of {week.users:,} users"
    return Cell(share, panels.format_share(share), exact=exact, level=min(LEVELS, level))
