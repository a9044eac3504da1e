"""What a difference means: pure. A missing request, a price error and a rounding look different.

The bill's own unit prices (money by tokens of a line) tell most: what the hub's tokens would have
cost there, and whether one kind of token was priced at the rate of another.
"""

from collections.abc import Sequence
from decimal import Decimal

from aihub.kit.money import plain
from aihub.reconciliation import rules
from aihub.reconciliation.models import USD, ZERO, BilledRow, HubRow, Options, Tokens, Verdict
from aihub.reconciliation.sources.reading import COMPONENTS

_CENT = Decimal("0.01")
_DUST = Decimal("0.000001")
_NAMED_CREDITS = 2
_Judged = tuple[Verdict, str]


class Hub:
    """The hub's side of a comparison."""

    def __init__(self, rows: Sequence[HubRow]) -> None:
        self.cost = sum((row.cost for row in rows), ZERO)
        known = [row.tokens for row in rows if row.tokens is not None]
        self.tokens = sum(known, Tokens()) if len(known) == len(rows) else None
        calls = [row.calls for row in rows if row.calls is not None]
        self.calls = sum(calls) if len(calls) == len(rows) else None
        self.unpriced = sum(row.unpriced_calls for row in rows)
        self.versions = tuple(sorted({v for row in rows for v in row.price_book_versions}))


class Bill:
    """The bill's side: sums of its lines, and the unit prices that follow from them."""

    def __init__(self, rows: Sequence[BilledRow]) -> None:
        self._charged = [r for r in rows if r.kind in ("cost", "fee", "elsewhere")]
        self._costs = [r for r in self._charged if r.kind == "cost"]
        self.credits = [r for r in rows if r.kind == "credit"]
        currencies = {r.currency for r in self._charged if r.currency}
        self.currency = _one_of(currencies)
        has_money = bool(self._charged)
        self.billed_cost = (
            sum((r.amount or ZERO for r in self._charged), ZERO) if has_money else None
        )
        self.list_cost = sum((r.at_list for r in self._charged), ZERO) if has_money else None
        self.is_fee = bool(self._charged) and all(r.kind == "fee" for r in self._charged)
        self.quantity = sum((r.quantity or ZERO for r in self._charged), ZERO)
        usages = [r.tokens for r in rows if r.kind == "usage" and r.tokens]
        self.usage_tokens = sum(usages, Tokens()) if usages else None
        of_lines = [r.tokens for r in self._costs if r.tokens]
        is_whole = bool(of_lines) and len(of_lines) == len(self._costs)
        self.line_tokens = sum(of_lines, Tokens()) if is_whole else None
        # what money was taken for comes before what was counted
        self.tokens = self.line_tokens or self.usage_tokens
        requests = [r.requests for r in rows if r.requests is not None]
        self.requests = sum(requests) if requests else None

    def unit_prices(self) -> dict[str, Decimal]:
        """The list price of a token by its kind, where lines tell one."""
        counts = split(self.tokens) if self.tokens else {}
        found = {}
        for component in COMPONENTS:
            amounts = [r.at_list for r in self._costs if r.component == component]
            if amounts and counts.get(component):
                found[component] = sum(amounts, ZERO) / counts[component]
        return found


def split(tokens: Tokens) -> dict[str, int]:
    """Disjoint counts by component."""
    return {
        "input": tokens.input - tokens.cached_input - tokens.cache_write,
        "cached_input": tokens.cached_input,
        "cache_write": tokens.cache_write - tokens.cache_write_1h,
        "cache_write_1h": tokens.cache_write_1h,
        "output": tokens.output,
    }


def judge_one_sided(bill: Bill | None) -> _Judged:
    """One of the two knows nothing of it."""
    if bill is None:
        return "missing_at_provider", "the provider's bill of this day does not have it"
    if bill.is_fee:
        return "missing_in_hub", "a fee that the hub has not recorded by itself"
    return "missing_in_hub", "the hub has recorded no call: calls outside the hub"


def judge(hub: Hub, bill: Bill, options: Options) -> _Judged:
    """Both know of it: what differs, tokens first, and why."""
    if bill.is_fee:
        return _judge_fee(hub, bill, options)
    ours = hub.tokens or _implied_tokens(hub, bill)
    if ours and bill.tokens:
        found = _judge_tokens(ours, bill.tokens, hub, bill, options)
        if found is not None:
            return found
    if bill.list_cost is None:
        known = ours is not None and bill.tokens is not None
        return "ok", "the tokens match; the bill names no amount" if known else "nothing to compare"
    return _judge_money(hub, bill, bill.list_cost, options, has_tokens=bool(ours and bill.tokens))


def _judge_tokens(
    ours: Tokens, billed: Tokens, hub: Hub, bill: Bill, options: Options
) -> _Judged | None:
    pairs = (
        (ours.total, billed.total),
        (ours.input, billed.input),
        (ours.cached_input, billed.cached_input),
        (ours.output, billed.output),
    )
    if not any(rules.is_beyond(a, b, options.drift_limit) for a, b in pairs):
        return None
    more = billed.total - ours.total
    calls = _calls_between(hub, bill)
    if not rules.is_beyond(ours.total, billed.total, options.drift_limit):
        return "tokens_differ", "as many tokens, of other kinds: compare cached input and output"
    if more > 0:
        share = rules.percent(more, ours.total)
        return (
            "tokens_differ",
            f"provider billed {share}% more tokens than the hub recorded: calls outside the hub"
            + calls,
        )
    share = rules.percent(-more, billed.total)
    return (
        "tokens_differ",
        f"the hub recorded {share}% more tokens than the provider billed: calls that were not "
        f"billed, or recorded twice{calls}",
    )


def _calls_between(hub: Hub, bill: Bill) -> str:
    if hub.calls is None or bill.requests is None or hub.calls == bill.requests:
        return ""
    return f" ({bill.requests:,} requests billed, {hub.calls:,} calls recorded)"


def _judge_money(
    hub: Hub, bill: Bill, billed: Decimal, options: Options, *, has_tokens: bool
) -> _Judged:
    gap = hub.cost - billed
    if not gap:
        return "ok", _matches(bill)
    if hub.unpriced and gap < 0:
        return "unpriced", f"{hub.unpriced:,} calls have no price in the hub"
    if (
        has_tokens
        and abs(gap) <= _CENT
        and not rules.is_beyond(hub.cost, billed, options.drift_limit)
    ):
        return "rounding", "the tokens match, and the amounts to a cent"
    if abs(gap) <= options.floor or not rules.is_beyond(hub.cost, billed, options.drift_limit):
        return "ok", f"differs by {rules.percent(abs(gap), billed, 4)}%, within the limits"
    if reason := _price_error(bill, gap):
        return "price_differs", reason
    side = "above" if gap > 0 else "below"
    share = rules.percent(abs(gap), billed)
    if has_tokens:
        return "price_differs", f"the same tokens, but the hub's cost is {share}% {side} the bill"
    return "cost_differs", f"the hub's cost is {share}% {side} the bill; no tokens to compare"


def _matches(bill: Bill) -> str:
    if not bill.credits:
        return "matches"
    # as the lines state them; what they come to is in the totals
    stated = sorted({row.amount or ZERO for row in bill.credits})
    if len(stated) > _NAMED_CREDITS:
        return "matches list cost; the credits are not part of list cost"
    named = " and ".join(plain(amount) for amount in stated)
    word, verb = ("credit", "is") if len(stated) == 1 else ("credits", "are")
    return f"matches list cost; the {word} of {named} {verb} not part of list cost"


def _price_error(bill: Bill, gap: Decimal) -> str | None:
    """Which kind of token was priced at the rate of another, if that is all of the difference."""
    prices = bill.unit_prices()
    counts = split(bill.tokens) if bill.tokens else {}
    for wrong, right, reason in _MIX_UPS:
        if wrong in prices and right in prices:
            expected = (prices[right] - prices[wrong]) * counts[wrong]
            if abs(gap - expected) <= _DUST * max(abs(expected), Decimal(1)):
                return reason
    return None


_MIX_UPS = (
    ("cache_write_1h", "cache_write", "hub priced 1-hour cache writes at the 5-minute rate"),
    ("cache_write", "cache_write_1h", "hub priced 5-minute cache writes at the 1-hour rate"),
    ("cached_input", "input", "hub priced cached input at the rate of fresh input"),
    ("input", "cached_input", "hub priced fresh input at the rate of cached input"),
    ("cache_write", "input", "hub priced cache writes at the rate of fresh input"),
)


def _judge_fee(hub: Hub, bill: Bill, options: Options) -> _Judged:
    """Fees are counted in units of their own; the bill's unit price tells how many the hub has."""
    billed = bill.list_cost or ZERO
    gap = hub.cost - billed
    if not gap:
        return "ok", _matches(bill)
    if abs(gap) <= _CENT / 2:
        return "rounding", "the amounts match to a cent"
    if bill.quantity and billed:
        missing = -gap * bill.quantity / billed
        whole = missing.to_integral_value()
        if whole and abs(missing - whole) <= _DUST * max(abs(whole), Decimal(1)):
            noun = "tool call" if abs(whole) == 1 else "tool calls"
            if whole > 0:
                return "calls_differ", f"{whole:,} {noun} not recorded by the hub"
            return "calls_differ", f"{-whole:,} {noun} recorded by the hub and not billed"
    if not rules.is_alarm(hub.cost, billed, options):
        return "ok", f"differs by {rules.percent(abs(gap), billed, 4)}%, within the limits"
    return "cost_differs", "the amounts of this fee differ"


def _implied_tokens(hub: Hub, bill: Bill) -> Tokens | None:
    """The hub's tokens where they are not known, if the provider's own count explains its cost:
    what was counted, at the bill's unit prices, comes to exactly what the hub has."""
    if bill.usage_tokens is None or bill.line_tokens is None:
        return None
    prices, counts = bill.unit_prices(), split(bill.usage_tokens)
    if any(count and component not in prices for component, count in counts.items()):
        return None
    cost = sum((prices[c] * count for c, count in counts.items() if count), ZERO)
    return bill.usage_tokens if abs(cost - hub.cost) <= _DUST * max(cost, Decimal(1)) else None


def _one_of(currencies: set[str]) -> str:
    if not currencies:
        return USD
    return next(iter(currencies)) if len(currencies) == 1 else " and ".join(sorted(currencies))
