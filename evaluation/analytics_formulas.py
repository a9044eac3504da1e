"""The formulas of docs/guide/analytics.md once more, written from that text."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal, localcontext
from typing import Any
from uuid import UUID

from evaluation.analytics_rows import Row, Span, View, local_day

_DIGITS = 80
_Z95, _Z80 = Decimal("1.959964"), Decimal("1.281552")


def divide(part: Any, whole: Any) -> Decimal | None:
    """With far more digits than any answer has; None by nothing."""
    if not whole:
        return None
    with localcontext() as context:
        context.prec = _DIGITS
        return Decimal(part) / Decimal(whole)


@dataclass(frozen=True)
class Ratings:
    """Feedback of a time, and the conversations that started in it."""

    scores: tuple[Decimal, ...]
    conversations: int
    rated: int

    @property
    def mean(self) -> Decimal | None:
        """Of the scores."""
        return divide(sum(self.scores), len(self.scores))

    @property
    def deviation(self) -> Decimal | None:
        """That of the sample; None for fewer than two."""
        if len(self.scores) < 2:  # noqa: PLR2004
            return None
        with localcontext() as context:
            context.prec = _DIGITS
            mean = sum(self.scores) / Decimal(len(self.scores))
            return (sum((s - mean) ** 2 for s in self.scores) / (len(self.scores) - 1)).sqrt()

    @property
    def distribution(self) -> list[int]:
        """How many of 0 to 5, halves rounded up."""
        rounded = [int(score + Decimal("0.5")) for score in self.scores]
        return [rounded.count(n) for n in range(6)]

    @property
    def half_width(self) -> Decimal | None:
        """Half of the 95 % interval of the mean."""
        if self.deviation is None:
            return None
        with localcontext() as context:
            context.prec = _DIGITS
            return _Z95 * self.deviation / Decimal(len(self.scores)).sqrt()


def ratings(view: View, span: Span) -> Ratings:
    """By the time of the feedback."""
    return rate(view, view.feedback(span), view.conversations(span))


def rate(view: View, feedback: Iterable[Row], conversations: Iterable[Row]) -> Ratings:
    """Of rows that are chosen already."""
    started = list(conversations)
    rated = sum(row["id"] in view.rows.rated for row in started)
    return Ratings(tuple(row["score"] for row in feedback), len(started), rated)


def change(now: Ratings, before: Ratings) -> tuple[Decimal | None, Decimal | None, Decimal | None]:
    """Of the mean, with the bounds of its interval."""
    if now.mean is None or before.mean is None:
        return None, None, None
    with localcontext() as context:
        context.prec = _DIGITS
        difference = now.mean - before.mean
        if now.deviation is None or before.deviation is None:
            return difference, None, None
        variance = now.deviation**2 / len(now.scores) + before.deviation**2 / len(before.scores)
        margin = _Z95 * variance.sqrt()
        return difference, difference - margin, difference + margin


@dataclass
class Person:
    """What somebody did in a period."""

    days: set[date] = field(default_factory=set)
    conversations: int = 0
    messages: int = 0
    calls: int = 0
    cost: Decimal = Decimal(0)
    scores: list[Decimal] = field(default_factory=list)

    def parts(self, last: date) -> dict[str, Decimal]:
        """recency, frequency, depth and feedback, 0 to 1, and the score, 0 to 100."""
        with localcontext() as context:
            context.prec = _DIGITS
            idle = max(0, (last - max(self.days)).days)
            found = {
                "recency": Decimal("0.5") ** (Decimal(idle) / 7),
                "frequency": min(Decimal(1), Decimal(len(self.days)) / 12),
                "depth": min(Decimal(1), Decimal(self.messages) / (self.conversations * 10))
                if self.conversations
                else Decimal(0),
                "feedback": sum(self.scores) / len(self.scores) / 5
                if self.scores
                else Decimal("0.5"),
            }
            score = 100 * (
                Decimal("0.35") * found["recency"]
                + Decimal("0.35") * found["frequency"]
                + Decimal("0.20") * found["depth"]
                + Decimal("0.10") * found["feedback"]
            )
        return found | {"score": score}


def engagement(view: View, span: Span) -> dict[tuple[UUID, UUID], Person]:
    """Everybody who made a call or started a conversation in the period."""
    found: dict[tuple[UUID, UUID], Person] = {}
    for row in view.calls(span):
        if row["user_id"]:
            person = found.setdefault((row["organization_id"], row["user_id"]), Person())
            person.days.add(local_day(row["occurred_at"], view.zone_of(row)))
            person.calls += 1
            person.cost += row["cost"] or 0
    for row in view.conversations(span):
        if row["user_id"]:
            person = found.setdefault((row["organization_id"], row["user_id"]), Person())
            person.days.add(local_day(row["created_at"], view.zone_of(row)))
            person.conversations += 1
            person.messages += row["message_count"]
    for row in view.feedback(span):
        user = view.rows.conversation[row["conversation_id"]]["user_id"]
        if (row["organization_id"], user) in found:
            found[row["organization_id"], user].scores.append(row["score"])
    return found


def cohorts(view: View, today: date, weeks: int) -> dict[date, tuple[int, ...]]:
    """By the week they were first seen in: how many came 0, 1, 2… weeks later, until today."""
    seen = view.weeks(today + timedelta(days=1))
    this = today - timedelta(days=today.weekday())
    found = {}
    for n in range(weeks):
        week = this - timedelta(weeks=n)
        people = [active for active in seen.values() if min(active) == week]
        if people:
            found[week] = tuple(
                sum(week + timedelta(weeks=later) in active for active in people)
                for later in range(n + 1)
            )
    return found


@dataclass(frozen=True)
class Projected:
    """What a month comes to."""

    amount: Decimal
    low: Decimal
    high: Decimal
    days: int


def project(view: View, today: date) -> Projected:
    """The projection of the month."""
    first = today.replace(day=1)
    month_end = (first + timedelta(days=32)).replace(day=1)
    tomorrow = today + timedelta(days=1)
    spent = view.total(Span(first, tomorrow)).cost
    by_day = view.usage(Span(today - timedelta(days=28), tomorrow), ["day"])
    costs = {date.fromisoformat(key[0]): sums.cost for key, sums in by_day.items() if sums.calls}
    known = [day for day in costs if day < today]
    count = (today - min(known)).days if known else 0
    daily = {
        today - timedelta(days=n): costs.get(today - timedelta(days=n), Decimal(0))
        for n in range(1, count + 1)
    }
    with localcontext() as context:
        context.prec = _DIGITS
        mean = sum(daily.values()) / Decimal(count) if count else Decimal(0)
        weekdays: dict[int, list[Decimal]] = {}
        for day, cost in daily.items():
            weekdays.setdefault(day.weekday(), []).append(cost)
        means = {n: sum(c) / Decimal(len(c)) for n, c in weekdays.items()}
        left = [today + timedelta(days=n) for n in range((month_end - today).days)]
        amount = spent + sum(means.get(day.weekday(), mean) for day in left[1:])
        expected = means.get(today.weekday(), mean)
        amount += max(Decimal(0), expected - costs.get(today, Decimal(0)))
        freedom = count - len(weekdays)
        squares = sum((cost - means[day.weekday()]) ** 2 for day, cost in daily.items())
        if freedom < 1:
            freedom = count - 1
            squares = sum((cost - mean) ** 2 for cost in daily.values())
        variance = squares / Decimal(freedom) if freedom > 0 else Decimal(0)
        margin = _Z80 * (variance * len(left)).sqrt()
        return Projected(amount, max(spent, amount - margin), amount + margin, count)
