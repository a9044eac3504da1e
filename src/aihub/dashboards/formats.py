"""Numbers, amounts, durations and times as people read them. Pure: no clock, no binary float."""

from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

from aihub.kit.money import plain

NONE = "–"
_THOUSANDS = ((Decimal(10) ** 9, "B"), (Decimal(10) ** 6, "M"), (Decimal(10) ** 3, "k"))
_SHORTEN_NUMBERS_FROM = 10_000
# A page tells an amount several times, and the days that are over are told again each time.
_KNOWN = 8_192
_CENT_DIGITS, _SMALL_DIGITS = 2, 4
_SHOWN_IN_FULL_FROM = Decimal("0.001")
_SECOND_MS, _MINUTE_MS, _HOUR_MS, _DAY_MS = 1_000, 60_000, 3_600_000, 86_400_000


@lru_cache(maxsize=_KNOWN)
def format_exact_money(amount: Decimal | None) -> str:
    """Every digit there is: Decimal('1E-7') → $0.0000001."""
    if amount is None:
        return NONE
    sign = "-" if amount < 0 else ""
    whole, point, rest = plain(abs(amount)).partition(".")
    return f"{sign}${int(whole):,}{point}{rest}"


@lru_cache(maxsize=_KNOWN)
def format_money(amount: Decimal | None) -> str:
    """Short, for a table: $12.34, $0.0123, $0.0000043, $12.3k."""
    if amount is None:
        return NONE
    if not amount:
        return "$0"
    sign, size = ("-" if amount < 0 else ""), abs(amount)
    if size >= _SHORTEN_NUMBERS_FROM:
        return f"{sign}${_shorten(size)}"
    small = _round(size, _SMALL_DIGITS)
    if small >= 1:
        return f"{sign}${_round(size, _CENT_DIGITS):,}"
    if size >= _SHOWN_IN_FULL_FROM:
        return f"{sign}${small:f}"
    two_significant = _round(size, 1 - size.adjusted())
    return f"{sign}${plain(two_significant)}"


def format_tick_money(amount: Decimal) -> str:
    """Beside a line across a chart, at a round number: $0.25, $4, $20k."""
    if amount >= _SHORTEN_NUMBERS_FROM:
        return f"${_shorten(amount)}"
    return f"${plain(amount)}"


def format_tick(number: Decimal) -> str:
    """The same for a count."""
    return format_number(int(number)) if number == int(number) else plain(number)


def format_exact_number(number: int | Decimal | None) -> str:
    """All digits, grouped: 1,234,567."""
    return NONE if number is None else f"{number:,}"


def format_number(number: int | Decimal | None) -> str:
    """Short: 1,234, 12.3k, 4.56M."""
    if number is None:
        return NONE
    if -_SHORTEN_NUMBERS_FROM < number < _SHORTEN_NUMBERS_FROM:
        return f"{number:,}"
    return ("-" if number < 0 else "") + _shorten(abs(Decimal(number)))


def format_count(number: int, noun: str) -> str:
    """1 rating, 1,234 ratings."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def format_score(score: Decimal | None) -> str:
    """A satisfaction score with one or two decimals: 4.5, 4.25."""
    if score is None:
        return NONE
    text = f"{_round(score, 2):f}"
    return text[:-1] if text.endswith("0") else text


def format_duration(ms: int | None) -> str:
    """840 ms, 12.3 s, 3 min 12 s, 2 h 5 min, 3 d 4 h."""
    if ms is None:
        return NONE
    if ms < _SECOND_MS:
        return f"{ms} ms"
    if ms < _MINUTE_MS:
        tenths = ms // 100
        return f"{tenths // 10}.{tenths % 10} s"
    for unit_ms, unit, part_ms, part in (
        (_DAY_MS, "d", _HOUR_MS, "h"),
        (_HOUR_MS, "h", _MINUTE_MS, "min"),
        (_MINUTE_MS, "min", _SECOND_MS, "s"),
    ):
        if ms >= unit_ms:
            rest = ms % unit_ms // part_ms
            return f"{ms // unit_ms} {unit}" + (f" {rest} {part}" if rest else "")
    raise AssertionError("a minute or more is one of the above")


def format_time(at: datetime, *, now: datetime) -> str:
    """`at` in its own zone, as short as `now` allows: 14:05, 24 Nov 14:05, 24 Nov 2025 14:05."""
    clock = f"{at:%H:%M}"
    if at.date() == now.date():
        return clock
    return f"{format_day(at.date(), now=now)} {clock}"


def format_full_time(at: datetime) -> str:
    """With its seconds and year, in its own zone: 24 Nov 2026 14:05:09."""
    return f"{at.day} {at:%b %Y %H:%M:%S}"


def format_day(day: date, *, now: datetime) -> str:
    """24 Nov, with the year when it is not this one."""
    return f"{day.day} {day:%b}" + (f" {day.year}" if day.year != now.year else "")


def format_utc(at: datetime) -> str:
    """For a tooltip: 2026-11-24 13:05:09 UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def format_percent(part: Decimal | int, whole: Decimal | int) -> str:
    """12%, <1% for a little, and the dash of nothing when there is no whole."""
    if not whole:
        return NONE
    share = Decimal(part) * 100 / Decimal(whole)
    if 0 < share < 1:
        return "<1%"
    return f"{_round(share, 0):,}%"


def _shorten(size: Decimal) -> str:
    for number, (unit, suffix) in enumerate(_THOUSANDS):
        if size < unit:
            continue
        digits = max(0, 2 - (size / unit).adjusted())
        scaled = _round(size / unit, digits)
        if scaled >= 1000 and number:  # noqa: PLR2004 - rounded up into the next unit
            return f"1{_THOUSANDS[number - 1][1]}"
        return (plain(scaled) if scaled < 1000 else f"{scaled:,}") + suffix  # noqa: PLR2004
    return f"{size:,}"


def _round(amount: Decimal, digits: int) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
