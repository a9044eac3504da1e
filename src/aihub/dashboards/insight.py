"""Insight: what people think, what they want, who comes back. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from aihub.analytics.api import (
    Adoption,
    AdoptionAnswer,
    Cohort,
    EngagementAnswer,
    Satisfaction,
    SatisfactionTrend,
)
from aihub.charts.api import Number, Tick
from aihub.dashboards import formats, panels
from aihub.dashboards.board_filters import Period
from aihub.dashboards.panels import Board, Cell, ChartCard, Column, Line, Plot, Table, Tile
from aihub.dashboards.people_views import Feature, Week, show_features, show_scores, show_weeks
from aihub.dashboards.rules import compare
from aihub.dashboards.usage_views import Links, day_slots, iso_days

_MOST_STARS = 5
_Z95 = Decimal("1.959964")


@dataclass(frozen=True, slots=True)
class People:
    """All that the page is made of. `scored_at`: the hour of the scores, where they were kept."""

    period: Period
    today: date
    satisfaction: SatisfactionTrend
    engagement: EngagementAnswer
    cohorts: Sequence[Cohort]
    adoption: AdoptionAnswer
    scored_at: datetime | None = None
    module: str | None = None

    @property
    def scored(self) -> str:
        """Of which days the scores are."""
        days = self.engagement.period
        last = days.last - timedelta(days=1)
        until = f"{(days.last - days.first).days} days to {last.day} {last:%b}"
        return until if self.scored_at is None else f"{until}, {self.scored_at:%H:%M}"

    @property
    def aside(self) -> str:
        """What figures cover that a chosen module does not narrow."""
        return "all modules" if self.module is not None else ""


def describe(
    people: People, links: Links, csv: Mapping[str, str], *, most: int | None = None
) -> Board:
    """Tiles, ratings, features, weeks and people, `most` of them (None: all)."""
    features = people.adoption.rows
    return Board(
        tiles(people, links),
        (
            _trend(people, links, csv["satisfaction"]),
            show_scores(people.satisfaction.total.distribution, csv_url=csv["scores"]),
            show_features(
                "intents", "Intents", _features(features, "intent", people, links),
                empty="No intent was told. Give intent with a message, and it shows here.",
                csv_url=csv["intents"], noun="Intent", aside=people.aside,
            ),
            show_features(
                "adoption", "Feature adoption", _features(features, "module", people, links),
                empty="No module was used. Give module with a conversation, and it shows here.",
                csv_url=csv["adoption"], noun="Module", aside=people.aside,
            ),
            show_weeks([Week(c.week, c.users, c.active) for c in people.cohorts],
                       csv_url=csv["retention"], aside=people.aside),
            _engagement(people, links, csv["engagement"], most),
        ),
    )  # fmt: skip


def tiles(people: People, links: Links) -> tuple[Tile, ...]:
    """The sums of the period."""
    trend, adoption, engagement = people.satisfaction, people.adoption, people.engagement
    now, before = trend.total, trend.previous
    words = people.period.before().words
    return (
        Tile(
            label="Satisfaction",
            value=formats.format_score(now.mean),
            exact=formats.NONE if now.mean is None else f"{now.mean:f}",
            url=links.conversations(min_satisfaction="0"),
            change=compare(_hundredths(now.mean), _hundredths(before.mean), likes="more"),
            before=_describe_change(trend),
            note=f"of 5 · {formats.format_count(now.feedbacks, 'rating')}",
        ),
        Tile(
            label="Rated conversations",
            value=panels.format_share(now.response_rate),
            exact=f"{now.rated:,} of {now.conversations:,}",
            url=links.conversations(min_satisfaction="0"),
            change=compare(now.response_rate, before.response_rate, likes="more"),
            before=f"{panels.format_share(before.response_rate)} {words}",
        ),
        Tile(
            label="Active users",
            value=formats.format_number(adoption.users),
            exact=formats.format_exact_number(adoption.users),
            url=links.conversations(),
            change=compare(adoption.users, adoption.previous_users, likes="more"),
            before=f"{formats.format_number(adoption.previous_users)} {words}",
            note=people.aside,
        ),
        Tile(
            label="Engagement",
            value=formats.NONE
            if engagement.mean_score is None
            else f"{engagement.mean_score.quantize(Decimal(1))}",
            exact=formats.NONE if engagement.mean_score is None else f"{engagement.mean_score:f}",
            url=None,
            note=" · ".join(
                [
                    "of 100",
                    f"mean of {formats.format_count(engagement.users, 'user')}",
                    people.scored,
                    *([people.aside] if people.aside else []),
                ]
            ),
        ),
    )


def margin(one: Satisfaction) -> Decimal | None:
    """Half of the 95 % interval of a mean; None for fewer than two ratings."""
    if one.deviation is None or one.feedbacks <= 1:
        return None
    return _Z95 * one.deviation / Decimal(one.feedbacks).sqrt()


def _describe_change(trend: SatisfactionTrend) -> str:
    if trend.previous.mean is None:
        return "no ratings before"
    before = f"{formats.format_score(trend.previous.mean)} before"
    if trend.change_low is None or trend.change_high is None:
        return before
    low, high = (_sign(trend.change_low), _sign(trend.change_high))
    is_sure = trend.change_low > 0 or trend.change_high < 0
    return f"{before}; change {low} to {high}{'' if is_sure else ', may be chance'}"


def _sign(value: Decimal) -> str:
    shown = value.quantize(Decimal("0.01"))
    return f"{'−' if shown < 0 else '+'}{abs(shown)}"


def _trend(people: People, links: Links, csv_url: str) -> ChartCard:
    days = people.period.each_day
    found = dict(people.satisfaction.rows)
    means: list[Number | None] = []
    lows: list[Number | None] = []
    highs: list[Number | None] = []
    for day in days:
        one = found.get(day)
        mean = one.mean if one else None
        half = margin(one) if one else None
        means.append(mean)
        lows.append(None if mean is None else max(Decimal(0), mean - (half or 0)))
        highs.append(None if mean is None else min(Decimal(_MOST_STARS), mean + (half or 0)))
    return panels.make_chart(
        Plot(
            id="satisfaction",
            title="Satisfaction",
            axis="Day",
            kind="lines",
            slots=day_slots(
                people.period, people.today,
                lambda day: links.conversations(min_satisfaction="0", **links.of_day(day)),
            ),
            lines=(Line("Mean score", "mean", tuple(means)),),
            lows=tuple(lows),
            highs=tuple(highs),
            show=formats.format_score,
            ticks=tuple(Tick(Decimal(n), str(n)) for n in range(_MOST_STARS + 1)),
            tell=lambda v: formats.format_score(None if v is None else Decimal(v)),
            total=formats.format_score(people.satisfaction.total.mean),
            aside=f"of 5, {people.period.words}",
            note="By the day of the rating. The band holds the mean in 95 of 100 cases.",
            csv_url=csv_url,
            slot_keys=iso_days(days),
            empty="Nobody has rated. Send it with POST /v1/conversations/{id}/feedback.",
        )
    )  # fmt: skip


def _features(rows: Sequence[Adoption], kind: str, people: People, links: Links) -> list[Feature]:
    return [
        Feature(
            kind=kind,
            name=row.name,
            users=row.users,
            users_before=row.previous_users,
            all_users=people.adoption.users,
            conversations=row.conversations,
            url=links.conversations(**{kind: row.name}) if row.name is not None else None,
        )
        for row in rows
        if row.kind == kind
    ]


def _engagement(people: People, links: Links, csv_url: str, most: int | None) -> Table:
    answer = people.engagement
    rows = tuple(
        (
            panels.with_bar(
                Cell(one.user, one.user if one.user is not None else f"{one.user_id}",
                     url=links.conversations(user=one.user) if one.user is not None else None),
                one.score, 100,
            ),
            Cell(one.score, f"{one.score.quantize(Decimal(1))}", exact=_explain(one.recency,
                 one.frequency, one.depth, one.feedback)),
            panels.number_cell(one.active_days),
            panels.number_cell(one.conversations),
            panels.number_cell(one.messages),
            panels.score_cell(one.mean_score),
            panels.money_cell(one.cost),
            Cell(one.last_day.isoformat(), f"{one.last_day.day} {one.last_day:%b}"),
        )
        for one in answer.rows[:most]
    )  # fmt: skip
    return Table(
        id="engagement",
        title="Most engaged users",
        columns=(
            Column("User", "user", is_number=False),
            Column("Score", "score", hint="0 to 100"),
            Column("Active days", "active_days"),
            Column("Conversations", "conversations"),
            Column("Messages", "messages"),
            Column("Rating", "mean_rating"),
            Column("Cost", "cost_usd"),
            Column("Last seen", "last_day"),
        ),
        rows=rows,
        empty="No user was active in these days.",
        count=answer.users,
        aside=" · ".join([people.scored, *([people.aside] if people.aside else [])]),
        note="Of recency (35%), frequency (35%), messages a conversation (20%) and rating "
        "(10%); on hover, each part from 0 to 1.",
        csv_url=csv_url,
        is_wide=True,
    )


def _explain(recency: Decimal, frequency: Decimal, depth: Decimal, feedback: Decimal) -> str:
    parts = {"recency": recency, "frequency": frequency, "depth": depth, "rating": feedback}
    return ", ".join(f"{name} {value:f}" for name, value in parts.items())


def _hundredths(score: Decimal | None) -> Decimal | None:
    return None if score is None else score.quantize(Decimal("0.01"))
