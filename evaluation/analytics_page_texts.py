"""What the text of a page says: its tiles, and numbers and names as pages and files write them."""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from evaluation.analytics_rows import Span

_UNITS = {"k": 3, "M": 6, "B": 9}
_NOTHING = "–"
_CHANGE = r'<span class="change [^>]*>.*?</svg>\s*([^<]*)<span class="change-word'


@dataclass(frozen=True)
class Tile:
    """As a page has it."""

    shown: str
    exact: str
    note: str
    before: str
    percent: str | None


def tiles_of(page: str) -> dict[str, Tile]:
    """The tiles of a page by their labels."""
    found = {}
    for part in re.findall(r'<li class="tile card">(.*?)</li>', page, re.DOTALL):
        label = _text(re.findall(r"<h2>(.*?)</h2>", part, re.DOTALL)[0])
        value = re.findall(r'<span[^>]* title="([^"]*)">(.*?)</span>', part, re.DOTALL)[0]
        note = re.findall(r'tile-note">(.*?)</span>', part, re.DOTALL)
        below = "".join(re.findall(r'<p class="tile-before">(.*?)</p>', part, re.DOTALL))
        words = _text(re.sub(r'<span class="change .*?</span></span>', "", below))
        change = re.findall(_CHANGE, below, re.DOTALL)
        found[label] = Tile(
            _text(value[1]), html.unescape(value[0]), _text("".join(note)), words,
            html.unescape(change[0]).strip() if change else None,
        )  # fmt: skip
    return found


def _text(markup: str) -> str:
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", markup).split()))


def days_of(span: Span) -> list[date]:
    assert span.first is not None
    assert span.last is not None
    return [span.first + timedelta(days=n) for n in range((span.last - span.first).days)]


def named(name: str | None) -> str:
    """As a file has it: empty for none, and nothing that a spreadsheet computes."""
    if name is None:
        return ""
    return (
        f"'{name}" if name.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else name
    )


def number(text: str | None) -> Decimal | None:
    """An exact value: $1,234.5, 1,234; None for what is no number."""
    plain = (text or "").replace("$", "").replace(",", "")
    return Decimal(plain) if re.fullmatch(r"-?\d+(\.\d+)?(E-?\d+)?", plain) else None


def first_number(text: str) -> Decimal | None:
    found = re.findall(r"[\d,]+", text)
    return number(found[0]) if found else None


def is_shown(text: str, exact: Any) -> bool:
    """Whether a short number is the exact one, rounded at its own last digit."""
    if exact is None:
        return text in (_NOTHING, "no")
    found = re.fullmatch(r"(-?)\$?([\d,]+(?:\.\d+)?)([kMB]?)", text)
    if found is None:
        return False
    sign, digits, unit = found.groups()
    shown = Decimal(digits.replace(",", "")).scaleb(_UNITS.get(unit, 0)) * (-1 if sign else 1)
    exponent = Decimal(digits.replace(",", "")).as_tuple().exponent
    assert isinstance(exponent, int)
    # 1k to 999k may have no digit behind the point; scores leave out a 0 at the end
    step = Decimal(1).scaleb(min(exponent, 0) + _UNITS.get(unit, 0))
    return abs(shown - Decimal(exact)) <= step / 2


def asked(period: str) -> dict[str, str]:
    if "/" in period:
        begins, ends = period.split("/")
        return {"from": begins, "to": ends}
    return {"period": period}


def address(path: str, query: Mapping[str, str | None]) -> str:
    given = "&".join(f"{name}={value}" for name, value in query.items() if value is not None)
    return f"{path}?{given}" if given else path
