"""What a month would have come to, as rows of a page and of a file. Pure."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal

from aihub.markup.api import WhatIf, WhatIfLine

WAYS = {
    "organization": "By organization",
    "module": "By module",
    "model": "By model",
    "all": "Everything",
}
COLUMNS = (
    "month", "organization", "module", "provider", "model", "calls", "unpriced_calls", "cost_usd",
    "price_usd", "new_price_usd", "margin_usd", "calls_below_cost",
)  # fmt: skip
_ZERO = Decimal(0)
_WIDE = Context(prec=100)  # sums are exact


@dataclass(slots=True)
class Row:
    """Sums of calls; `names` are the cells that say of which, the model with its `provider`."""

    names: tuple[str | None, ...]
    provider: str | None = None
    calls: int = 0
    unpriced_calls: int = 0
    losses: int = 0
    cost: Decimal = field(default=_ZERO)
    price: Decimal = field(default=_ZERO)
    new_price: Decimal = field(default=_ZERO)

    @property
    def margin(self) -> Decimal:
        """What is left of the new price."""
        return _WIDE.subtract(self.new_price, self.cost)

    @property
    def change(self) -> Decimal:
        """What the customers would have paid more."""
        return _WIDE.subtract(self.new_price, self.price)

    def add(self, line: WhatIfLine) -> None:
        """Count a line in."""
        self.calls += line.calls
        self.unpriced_calls += line.unpriced_calls
        self.losses += line.negative_margin_calls
        self.cost = _WIDE.add(self.cost, line.cost)
        self.price = _WIDE.add(self.price, line.price)
        self.new_price = _WIDE.add(self.new_price, line.new_price)


_NAMES: dict[str, tuple[tuple[str, ...], Callable[[WhatIfLine], tuple[str | None, ...]]]] = {
    "organization": (("Organization",), lambda line: (line.organization,)),
    "module": (("Module",), lambda line: (line.module,)),
    "model": (("Model",), lambda line: (line.model,)),
    "all": (
        ("Organization", "Module", "Model"),
        lambda line: (line.organization, line.module, line.model),
    ),
}
_BY_PROVIDER = ("model", "all")


def list_headings(way: str) -> tuple[str, ...]:
    """The columns that say of which calls a row is."""
    return _NAMES[way][0]


def group_lines(lines: Sequence[WhatIfLine], way: str) -> list[Row]:
    """Rows by one of WAYS: what sells below cost first, then by what would be paid."""
    name = _NAMES[way][1]
    rows: dict[tuple[str | None, ...], Row] = {}
    for line in lines:
        provider = line.provider if way in _BY_PROVIDER else None
        rows.setdefault((*name(line), provider), Row(name(line), provider)).add(line)
    return sorted(
        rows.values(),
        key=lambda row: (row.margin >= 0, -row.new_price, [n or "" for n in row.names]),
    )


def total_of(found: WhatIf) -> Row:
    """All of it."""
    return Row(
        (), None, found.calls, found.unpriced_calls, found.negative_margin_calls,
        found.cost, found.price, found.new_price,
    )  # fmt: skip


def list_cells(found: WhatIf) -> Iterator[tuple[str | int | Decimal | None, ...]]:
    """For a file: one line an organization, module and model, after the names of the columns."""
    yield COLUMNS
    for line in found.lines:
        yield (
            found.month, line.organization, line.module, line.provider, line.model, line.calls,
            line.unpriced_calls, line.cost, line.price, line.new_price, line.margin,
            line.negative_margin_calls,
        )  # fmt: skip


def list_months(found: WhatIf) -> Iterator[tuple[str | int | Decimal | None, ...]]:
    """For a file: one line an organization and rule that is settled by the month."""
    yield "month", "organization", "rule", "calls", "prices_of_calls_usd", "month_usd"
    for period in found.periods:
        yield (
            found.month, period.organization, period.rule_key, period.calls,
            period.calls_price, period.price,
        )  # fmt: skip
