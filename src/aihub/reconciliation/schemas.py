"""What comes in and goes out by HTTP."""

import base64
import binascii
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from aihub.kit.errors import Invalid
from aihub.kit.money import json_number
from aihub.kit.paging import DEFAULT_LIMIT, MAX_LIMIT
from aihub.reconciliation.models import (
    Account,
    Fetched,
    ProviderTotal,
    Report,
    ReportRow,
    Stored,
    Tokens,
    Verdict,
)

Provider = Literal["openai", "anthropic", "openrouter", "bedrock", "google", "azure"]
BillKind = Literal[
    "openai-usage",
    "openai-costs",
    "anthropic-usage",
    "anthropic-cost",
    "openrouter",
    "aws",
    "gcp",
    "azure",
]
Name = Annotated[str, Meta(min_length=1, max_length=255)]
Money = Annotated[Any, Meta(description="A number written out in full, or null")]


class ReportQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Days of UTC, both included: the last 30 days when omitted."""

    from_: date | None = msgspec.field(default=None, name="from")
    to: date | None = None
    provider: Name | None = None
    model: Name | None = None
    limit: Annotated[int, Meta(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT
    cursor: Annotated[str, Meta(max_length=2_000)] | None = None


class AccountIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An account at a provider. With `key`, an administrator's, its bills are fetched; without one
    they are uploaded. `base_url` replaces the provider's own address."""

    provider: Provider
    name: Name
    key: Annotated[str, Meta(min_length=1, max_length=1_000)] | None = None
    base_url: Annotated[str, Meta(max_length=500)] | None = None


class RemoveQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """`with_bills`: what it was billed goes as well."""

    with_bills: bool = False


class FetchIn(Struct, frozen=True, forbid_unknown_fields=True):
    """How many closed days to fetch; what is new and the last few when omitted."""

    days: Annotated[int, Meta(ge=1, le=365)] | None = None


class BillQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the body is. `account_id` where the provider has several accounts; `name` is told in
    errors."""

    kind: BillKind
    account_id: UUID | None = None
    name: Name = "upload"


class TokensOut(Struct, frozen=True):
    """`input` includes the cached and the written ones."""

    input: int
    cached_input: int
    output: int


class ReportRowOut(Struct, frozen=True, kw_only=True):
    """A day, provider and model. `model` null: all of the provider's together. `hub_cost` is in
    USD, the other two in `currency`; `list_cost` is the bill before discounts, credits and taxes,
    and what `drift` = (hub - provider) / provider is of."""

    day: date
    provider: str
    model: str | None
    hub_tokens: TokensOut | None
    billed_tokens: TokensOut | None
    hub_calls: int | None
    billed_requests: int | None
    hub_cost: Money
    billed_cost: Money
    list_cost: Money
    currency: str
    drift: Money
    token_drift: Money
    verdict: Verdict
    why: str
    is_alarm: bool
    price_book_versions: tuple[str, ...]


class ProviderTotalOut(Struct, frozen=True, kw_only=True):
    """A provider's sums over all pages, of the rows that could be compared; credits, discounts and
    taxes beside them."""

    provider: str
    currency: str
    hub_cost: Money
    billed_cost: Money
    list_cost: Money
    drift: Money
    credits: Money
    discounts: Money
    taxes: Money
    rows: int
    compared_rows: int
    alarms: int


class ReportOut(Struct, frozen=True, kw_only=True):
    """One page of rows, newest day first."""

    items: list[ReportRowOut]
    next_cursor: str | None
    totals: list[ProviderTotalOut]
    checked_at: datetime


class AccountOut(Struct, frozen=True, kw_only=True):
    """An account; its key is never shown. `kind` `api`: fetched; `export`: uploaded."""

    id: UUID
    provider: str
    kind: str
    name: str
    base_url: str | None
    created_at: datetime
    created_by: str
    last_fetched_at: datetime | None
    last_error: str | None


class AccountList(Struct, frozen=True):
    """All accounts, newest first."""

    items: list[AccountOut]
    next_cursor: str | None


class FetchedOut(Struct, frozen=True, kw_only=True):
    """What was fetched. `is_finished` false: there was no time for all; ask again to go on."""

    is_finished: bool
    pages: int
    rows: int
    first_day: date | None
    last_day: date | None


class StoredOut(Struct, frozen=True, kw_only=True):
    """What was stored. `other_lines`: of services that are no models."""

    rows: int
    first_day: date | None
    last_day: date | None
    other_lines: int


def to_report(report: Report, *, limit: int, cursor: str | None) -> ReportOut:
    """One page of it. Raises Invalid for a bad cursor."""
    after = _decode(cursor)
    rows = [row for row in report.rows if after is None or _place(row) > after]
    page = rows[:limit]
    return ReportOut(
        items=[to_row(row) for row in page],
        next_cursor=_encode(page[-1]) if len(rows) > limit else None,
        totals=[to_total(total) for total in report.totals],
        checked_at=report.checked_at,
    )


def _place(row: ReportRow) -> tuple[int, str, str]:
    return -row.day.toordinal(), row.provider, row.model or ""


def _encode(row: ReportRow) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(_place(row))).decode()


def _decode(cursor: str | None) -> tuple[int, str, str] | None:
    if cursor is None:
        return None
    try:
        raw = base64.b64decode(cursor.encode(), altchars=b"-_", validate=True)
        return msgspec.json.decode(raw, type=tuple[int, str, str])
    except (ValueError, binascii.Error, msgspec.DecodeError) as error:
        raise Invalid.field("cursor", "is not a cursor that this list has given") from error


def to_row(row: ReportRow) -> ReportRowOut:
    """A row as JSON."""
    return ReportRowOut(
        day=row.day,
        provider=row.provider,
        model=row.model,
        hub_tokens=_to_tokens(row.hub_tokens),
        billed_tokens=_to_tokens(row.billed_tokens),
        hub_calls=row.hub_calls,
        billed_requests=row.billed_requests,
        hub_cost=json_number(row.hub_cost),
        billed_cost=json_number(row.billed_cost),
        list_cost=json_number(row.list_cost),
        currency=row.currency,
        drift=json_number(row.drift),
        token_drift=json_number(row.token_drift),
        verdict=row.verdict,
        why=row.why,
        is_alarm=row.is_alarm,
        price_book_versions=row.price_book_versions,
    )


def _to_tokens(tokens: Tokens | None) -> TokensOut | None:
    if tokens is None:
        return None
    return TokensOut(tokens.input, tokens.cached_input, tokens.output)


def to_total(total: ProviderTotal) -> ProviderTotalOut:
    """A total as JSON."""
    return ProviderTotalOut(
        provider=total.provider,
        currency=total.currency,
        hub_cost=json_number(total.hub_cost),
        billed_cost=json_number(total.billed_cost),
        list_cost=json_number(total.list_cost),
        drift=json_number(total.drift),
        credits=json_number(total.credits),
        discounts=json_number(total.discounts),
        taxes=json_number(total.taxes),
        rows=total.rows,
        compared_rows=total.compared_rows,
        alarms=total.alarms,
    )


def to_account(account: Account) -> AccountOut:
    """An account as JSON."""
    names = AccountOut.__struct_fields__
    return AccountOut(**{name: getattr(account, name) for name in names})


def to_accounts(accounts: list[Account]) -> AccountList:
    """All of them in one page: there are few."""
    return AccountList([to_account(account) for account in accounts], None)


def to_fetched(fetched: Fetched) -> FetchedOut:
    """A fetch as JSON."""
    names = FetchedOut.__struct_fields__
    return FetchedOut(**{name: getattr(fetched, name) for name in names})


def to_stored(stored: Stored) -> StoredOut:
    """An upload as JSON."""
    return StoredOut(**{name: getattr(stored, name) for name in StoredOut.__struct_fields__})
