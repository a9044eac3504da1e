"""The words of pricing: a call as it is known, its usage in one form, and its price."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from aihub.pricing.components import CACHED_TOKENS, INPUT_TOKENS, OUTPUT_TOKENS, TOKENS

Quantity = int | Decimal

_INPUT, _CACHED, _OUTPUT = map(frozenset, (INPUT_TOKENS, CACHED_TOKENS, OUTPUT_TOKENS))


class CallFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about one model call; JSON values are given decoded.

    `occurred_at` is when the call completed (UTC when it has no zone). `tokens` is a total with no
    split, `usage` our normalised form or the provider's own usage object as it came, `response` the
    provider's raw body or `{"stream_events": [...]}`. `usage_source` is `estimated` when the caller
    counted the tokens itself, `usage_method` says how. `context` holds what a body does not say
    (`batch`, `request_service_tier`, `http_status`, …). `response_facts` stands for a `response`
    that was read before and is not kept (see `Payload.facts`). `organization` chooses its contract
    prices. `fault`: what is wrong with a usage that could not be handed on.
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
    response_facts: Mapping[str, Any] = msgspec.field(default_factory=dict)
    context: Mapping[str, object] = msgspec.field(default_factory=dict)
    organization: str | None = None
    fault: str | None = None


class Flag(msgspec.Struct, frozen=True):
    """A reason why a cost is an estimate: a stable `code`, and what it means here."""

    code: str
    text: str

    def __str__(self) -> str:
        return f"{self.code}: {self.text}"


class Payload(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider's answer says about its bill. `usage` is its usage object as it came, `path`
    leads to it. `facts` is what else counts and is kept with the call, JSON values only:

    `model` and `service_tier` as the answer names them, and counts that the usage leaves out:
    `web_searches`, `file_searches`, `code_sessions`, `images`, `grounding_queries`,
    `grounding_prompts`, … (see `aihub.pricing.payloads`).
    """

    usage: object | None = None
    path: str = "usage"
    facts: dict[str, Any] = msgspec.field(default_factory=dict)

    @property
    def model(self) -> str | None:
        """The model that answered, by its own account."""
        named = self.facts.get("model")
        return named if isinstance(named, str) and named else None


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What one call used, in parts that do not overlap, by the names of `components.COMPONENTS`.

    `reasoning_tokens` are inside `output_text` unless there is a part `output_reasoning`.
    `is_split` is false for a bare total, which is then all in `input_text`. `flags` are the reasons
    why a cost computed from it is an estimate. `turns` are the tokens of each of the prompts that
    one answer was made of, where they are told: the price of a long prompt goes by each.
    """

    parts: dict[str, Quantity] = msgspec.field(default_factory=dict)
    turns: tuple[dict[str, Quantity], ...] = ()
    reasoning_tokens: int = 0
    is_split: bool = True
    flags: tuple[Flag, ...] = ()

    def _add(self, names: frozenset[str]) -> int:
        total = 0
        for name, quantity in self.parts.items():
            if name in names:
                total += int(quantity)
        return total

    @property
    def input_tokens(self) -> int:
        """The whole prompt: text, audio, pictures, from a cache, into a cache."""
        return self._add(_INPUT)

    @property
    def cached_input_tokens(self) -> int:
        """The part of the prompt that was read from a cache."""
        return self._add(_CACHED)

    @property
    def output_tokens(self) -> int:
        """Everything that was generated, reasoning included."""
        return self._add(_OUTPUT)

    @property
    def total_tokens(self) -> int:
        """Input and output together."""
        return self._add(TOKENS)


class CostLine(msgspec.Struct, frozen=True):
    """One product of the sum: `quantity` × `unit_price` = `amount`, in USD.

    `component` is a name of `components.COMPONENTS` or `stated` (the charge the provider named).
    `price_id` names the row of the price book, `openai/gpt-4o@2024-10-02`, followed by what chose
    the rate: `/batch`, `/above-272000`, `×1.1`. A price that is no finite decimal (0.111 an hour,
    by the second) is shown rounded half even at 18 decimals, and so is its amount, once.
    """

    component: str
    quantity: Quantity
    unit_price: Decimal
    amount: Decimal
    price_id: str


class PricedCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call with its normalised usage and its cost in USD, exact to the last digit.

    `cost_status` is `priced`, `free`, `estimated` or `unpriced` (then `cost` is None); `cost_note`
    says why wherever it is not plainly `priced`, each reason with its code. `quantities` is the
    usage as the API shows it, `usage_raw` the provider's usage object as it came, `response_facts`
    what else of the answer decided the cost. `computed_cost` stands beside a charge that the
    provider stated: what the book would have made of the usage, None where it has no price.
    """

    provider: str | None
    model: str | None
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    reasoning_tokens: int
    total_tokens: int
    quantities: dict[str, Quantity]
    usage_raw: object | None
    usage_source: str | None
    usage_method: str | None
    response_facts: dict[str, Any]
    cost: Decimal | None
    computed_cost: Decimal | None
    cost_status: str
    cost_note: str | None
    cost_lines: tuple[CostLine, ...]
    price_book_version: str
