"""Where lines across a chart stand, and which slots are named. Pure."""

from collections.abc import Callable, Iterable, Sequence
from decimal import ROUND_CEILING, Decimal

from aihub.charts.models import Number, Series, Tick

_STEPS = (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5), Decimal(10))
_LINES = 4
_ZERO = Decimal(0)


def plan_ticks(
    most: Number, label: Callable[[Decimal], str], *, is_whole: bool = False
) -> tuple[Tick, ...]:
    """Lines from 0 to `most` or a little more, at round numbers. `is_whole`: no fractions."""
    step = _choose_step(Decimal(most), is_whole=is_whole)
    count = max(1, int((Decimal(most) / step).to_integral_value(ROUND_CEILING)))
    places = [Decimal(format(step * n, "f")) for n in range(count + 1)]
    return tuple(Tick(at, label(at)) for at in places)


def highest_column(series: Iterable[Series]) -> Decimal:
    """The height of the highest stack."""
    columns = zip(*(one.values for one in series), strict=True)
    return max(
        (sum((Decimal(v) for v in c if v is not None), _ZERO) for c in columns), default=_ZERO
    )


def highest_value(rows: Iterable[Iterable[Number | None]]) -> Decimal:
    """The greatest value of all."""
    return max((Decimal(v) for row in rows for v in row if v is not None), default=_ZERO)


def choose_labels(count: int, *, most: int = 6) -> list[int]:
    """Which of `count` slots are named: evenly spread, the last one among them."""
    if count <= most:
        return list(range(count))
    step = -(-count // most)
    return list(range(count - 1, -1, -step))[::-1]


def say_in_words(names: Sequence[str], slots: int, first: str, last: str) -> str:
    """The text alternative of a chart, but for its table."""
    return f"{', '.join(names)}: {slots} values, from {first} to {last}. The table below has each."


def _choose_step(most: Decimal, *, is_whole: bool) -> Decimal:
    if most <= 0:
        return Decimal(1)
    least = most / _LINES
    unit = Decimal(1).scaleb(least.adjusted())
    step = next(s * unit for s in _STEPS if s * unit >= least)
    return max(Decimal(1), step.to_integral_value(ROUND_CEILING)) if is_whole else step
