"""Rows as CSV that a spreadsheet opens without harm. Pure."""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal

from aihub.conversations.api import Conversation
from aihub.kit.money import plain

# the last four are what East Asian keyboards make of the first
_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
# without it Excel takes the file for another encoding than UTF-8
_BYTE_ORDER_MARK = "\ufeff"

COLUMNS = (
    "id",
    "started_at",
    "ended_at",
    "user_id",
    "module",
    "source",
    "status",
    "messages",
    "tokens",
    "cost_usd",
    "price_usd",
    "unpriced_calls",
    "satisfaction_score",
    "sentiment",
    "models",
    "intent_chain",
    "key",
)


def write_header() -> str:
    """The first line."""
    return _BYTE_ORDER_MARK + _write([COLUMNS])


def write_rows(conversations: Iterable[Conversation]) -> str:
    """One line a conversation."""
    return _write(_to_row(conversation) for conversation in conversations)


def write_lines(rows: Iterable[Iterable[str]], *, begins: bool) -> str:
    """Any rows; no cell of them is taken for a formula. `begins`: these are the first of a file."""
    text = _write(
        [cell if _NUMBER.fullmatch(cell) else escape_cell(cell) for cell in row] for row in rows
    )
    return _BYTE_ORDER_MARK + text if begins else text


def write_table(rows: Iterable[Iterable[str | int | Decimal | datetime | None]]) -> str:
    """A whole file: text is never taken for a formula, numbers keep their sign and all digits."""
    return _BYTE_ORDER_MARK + _write([_to_cell(value) for value in row] for row in rows)


def write_time(at: datetime | None) -> str:
    """In UTC; nothing for None."""
    return _to_text(at)


def write_amount(amount: Decimal | None) -> str:
    """All digits; nothing for None."""
    return _to_digits(amount)


def escape_cell(text: str | None) -> str:
    """`text` such that no spreadsheet takes it for a formula."""
    if not text:
        return ""
    return f"'{text}" if text.lstrip(" ").startswith(_RISKY) else text


def _to_row(c: Conversation) -> Iterator[str]:
    yield str(c.id)
    yield _to_text(c.started_at)
    yield _to_text(c.ended_at)
    yield escape_cell(c.user_id)
    yield escape_cell(c.module)
    yield c.source
    yield c.status
    yield str(c.message_count)
    yield str(c.total_tokens)
    yield _to_digits(c.total_cost)
    yield _to_digits(c.total_price)
    yield str(c.unpriced_calls)
    yield _to_digits(c.satisfaction_score)
    yield escape_cell(c.sentiment)
    yield escape_cell(", ".join(c.models))
    yield escape_cell(" > ".join(c.intent_chain))
    yield escape_cell(c.key)


def _to_cell(value: str | int | Decimal | datetime | None) -> str:
    if isinstance(value, datetime):
        return _to_text(value)
    if isinstance(value, Decimal):
        return plain(value)
    return str(value) if isinstance(value, int) else escape_cell(value)


def _to_text(at: datetime | None) -> str:
    return "" if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _to_digits(amount: Decimal | None) -> str:
    return "" if amount is None else plain(amount)


def _write(rows: Iterable[Iterable[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue()
