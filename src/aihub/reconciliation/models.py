"""What is read, compared and told. Money is Decimal; tokens of a bill are counted as in the hub."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

PROVIDERS = ("openai", "anthropic", "openrouter", "bedrock", "google", "azure")
"""Whose bills can be read, by the hub's words."""
FETCHED = ("openai", "anthropic", "openrouter")
"""Whose bills can be fetched; the others' come as files."""

Kind = Literal["usage", "cost", "fee", "elsewhere", "credit", "discount", "tax"]
Verdict = Literal[
    "ok",
    "rounding",
    "tokens_differ",
    "calls_differ",
    "price_differs",
    "cost_differs",
    "unpriced",
    "missing_in_hub",
    "missing_at_provider",
    "not_closed",
    "no_bill",
    "not_comparable",
]
USD = "USD"
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Tokens:
    """Counts as the hub has them: `input` includes the cached and the written ones."""

    input: int = 0
    cached_input: int = 0
    output: int = 0
    cache_write: int = 0
    cache_write_1h: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.input + self.output

    def __add__(self, other: "Tokens") -> "Tokens":
        return Tokens(
            self.input + other.input,
            self.cached_input + other.cached_input,
            self.output + other.output,
            self.cache_write + other.cache_write,
            self.cache_write_1h + other.cache_write_1h,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledRow:
    """One line of a bill, or what several of one kind come to in a day.

    `usage` counts tokens and names no money; `cost` is money for tokens, `fee` for anything else;
    `elsewhere` is spent at a provider with the customer's own key. `amount` is what the bill says,
    `list_amount` what it would be without discounts. `component`: the kind of token of a line.
    """

    day: date
    provider: str
    model: str | None
    line: str
    kind: Kind
    component: str | None = None
    tokens: Tokens | None = None
    requests: int | None = None
    quantity: Decimal | None = None
    amount: Decimal | None = None
    list_amount: Decimal | None = None
    currency: str | None = None

    @property
    def at_list(self) -> Decimal:
        """The amount before discounts, as far as the bill tells."""
        return (self.amount or ZERO) if self.list_amount is None else self.list_amount


@dataclass(frozen=True, slots=True)
class ParsedBill:
    """What a document holds. `other_lines`: how many lines are no bill for models at all.

    `days` are those that it speaks of, also where nothing was billed.
    """

    rows: tuple[BilledRow, ...]
    days: frozenset[date]
    other_lines: int = 0
    next_page: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HubRow:
    """The hub's sums of a day, provider and model; `tokens` None: not known.

    `fees`: what of the cost is for other things than tokens, by the name of the component.
    """

    day: date
    provider: str
    model: str
    cost: Decimal
    tokens: Tokens | None = None
    calls: int | None = None
    unpriced_calls: int = 0
    price_book_versions: tuple[str, ...] = ()
    fees: tuple[tuple[str, Decimal], ...] = ()


@dataclass(frozen=True, slots=True)
class Options:
    """When a difference is one. Fractions of the bill, USD, hours after a day's end."""

    drift_limit: Decimal = Decimal("0.01")
    floor: Decimal = Decimal("0.05")
    close_hours: int = 48
    rerun_days: int = 3


@dataclass(frozen=True, slots=True)
class Filters:
    """Days of UTC, both included; provider and model as the report names them."""

    first_day: date
    last_day: date
    provider: str | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRow:
    """One comparison. `model` None: all models of the provider together.

    `billed_cost` is what the bill says and `list_cost` the same before discounts, without credits
    and taxes: what the hub's cost is compared with. Both are in `currency`; None: nothing is billed
    or no amount is known. `drift` is (hub - provider) / provider, None where that makes no sense.
    """

    day: date
    provider: str
    model: str | None
    hub_tokens: Tokens | None
    billed_tokens: Tokens | None
    hub_calls: int | None
    billed_requests: int | None
    hub_cost: Decimal | None
    billed_cost: Decimal | None
    list_cost: Decimal | None
    currency: str
    drift: Decimal | None
    token_drift: Decimal | None
    verdict: Verdict
    why: str
    is_alarm: bool
    price_book_versions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderTotal:
    """A provider's sums in one currency. The first three are of the rows that could be compared,
    so `drift` is theirs; credits, discounts and taxes stand beside them, as the bill has them."""

    provider: str
    currency: str
    hub_cost: Decimal
    billed_cost: Decimal
    list_cost: Decimal
    drift: Decimal | None
    credits: Decimal
    discounts: Decimal
    taxes: Decimal
    rows: int
    compared_rows: int
    alarms: int


@dataclass(frozen=True, slots=True)
class Report:
    """Rows: newest day first, then by provider and model."""

    rows: tuple[ReportRow, ...]
    totals: tuple[ProviderTotal, ...]
    checked_at: datetime

    @property
    def alarms(self) -> int:
        """How many rows are alarming."""
        return sum(row.is_alarm for row in self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A customer's account at a provider, without its credentials: nobody sees them again.

    `kind` `api`: fetched with a key; `export`: its bills come as files.
    """

    id: UUID
    provider: str
    kind: str
    name: str
    base_url: str | None
    created_at: datetime
    created_by: str
    last_fetched_at: datetime | None
    last_error: str | None


@dataclass(frozen=True, slots=True)
class Stored:
    """What an upload has stored: the days that were replaced, and lines that are no model's."""

    rows: int
    first_day: date | None
    last_day: date | None
    other_lines: int


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a fetch has done. Not `is_finished`: out of time; call again to go on from there."""

    is_finished: bool
    pages: int
    rows: int
    first_day: date | None
    last_day: date | None


@dataclass(frozen=True, slots=True)
class Run:
    """A fetch of one source under way: `page` is the cursor of the next page."""

    id: UUID
    account_id: UUID
    source: str
    window_start: date
    window_end: date
    page: str | None
    pages: int
    finished_at: datetime | None
