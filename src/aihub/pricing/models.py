"""The words of pricing: a call as it is known, its usage in one form, and its price."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

import msgspec


class CallFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about one model call; JSON values are given decoded.

    `occurred_at` is when the call completed (UTC when it has no zone). `tokens` is a total with no
    split, `usage` our normalised form or the provider's own usage object as it came, `response` the
    provider's raw body or `{"stream_events": [...]}`. `usage_source` is `estimated` when the caller
    counted the tokens itself, `usage_method` says how. `context` holds what a body does not say
    (`batch`, `request_service_tier`, `http_status`, …).
    """

    provider: str | None
    model: str | None
    api: str | None = None
    occurred_at: datetime
    tokens: int | None = None
    usage: object | None = None
    usage_source: str | None = None
    usage_method: str | None = None
    response: object | None = None
    context: Mapping[str, object] = msgspec.field(default_factory=dict)


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens of one call in the normalised form; every number is a count of tokens.

    `input_tokens` includes the cached and the written ones, `output_tokens` the reasoning; the
    total is their sum. `is_split` is false for a bare total, which is then all in `input_tokens`.
    `doubts` are the reasons why a cost computed from it is an estimate.
    """

    input_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    is_split: bool = True
    doubts: tuple[str, ...] = ()

    @property
    def total_tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    @property
    def fresh_input_tokens(self) -> int:
        """Input that was neither read from a cache nor written to one."""
        kept = self.cached_input_tokens + self.cache_write_5m_tokens + self.cache_write_1h_tokens
        return self.input_tokens - kept


class FoundUsage(msgspec.Struct, frozen=True):
    """A usage object as it came, and what the body around it says; `path` leads to it."""

    usage: object
    path: str
    model: str | None = None
    service_tier: str | None = None


class CostLine(msgspec.Struct, frozen=True):
    """One product of the sum: `quantity` × `unit_price` = `amount`, both in USD, not rounded.

    `component` is `input_text`, `cached_text`, `cache_write_5m`, `cache_write_1h`, `output_text`
    (quantities in tokens) or `stated` (the charge the provider named). `price_id` names the row of
    the price book, `openai/gpt-4o@2024-10-02`, followed by `/batch` or `/above-272000` where such a
    rate was used.
    """

    component: str
    quantity: int
    unit_price: Decimal
    amount: Decimal
    price_id: str


class PricedCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call with its normalised usage and its cost in USD, exact to the last digit.

    `cost_status` is `priced`, `free`, `estimated` or `unpriced` (then `cost` and `price` are None);
    `cost_note` says why wherever it is not plainly `priced`. `price` is what the customer pays:
    the cost, as long as there is no markup. `quantities` is the usage as the API shows it,
    `usage_raw` the provider's usage object as it came.
    """

    provider: str | None
    model: str | None
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    reasoning_tokens: int
    total_tokens: int
    quantities: dict[str, int]
    usage_raw: object | None
    usage_source: str | None
    cost: Decimal | None
    price: Decimal | None
    cost_status: str
    cost_note: str | None
    cost_lines: tuple[CostLine, ...]
    price_book_version: str
