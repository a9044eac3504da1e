"""The price of a month."""

from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihub.markup.api import PeriodSums, Step, Tiers, has_period_part, price_period

from .making import exact, make_included, make_rule, make_tiers

SUMS = {"price": "120", "cost": "100", "tokens": 3_000_000, "requests": 250}
TOKENS = [{"up_to": "1000000", "per_million": "5"}, {"up_to": "2000000", "per_million": "4"},
          {"per_million": "3"}]  # fmt: skip
SHARES = [{"up_to": "40", "percentage": "30"}, {"percentage": "10"}]
UNITS = [{"up_to": "100", "per_unit": "0.5"}, {"per_unit": "0.25"}]

MONTHS = [
    ({}, "120", "calls"),
    ({"tiers": make_tiers("graduated", "tokens", *TOKENS)}, "12", "tier tier tier"),
    ({"tiers": make_tiers("volume", "tokens", *TOKENS)}, "9", "tier"),
    ({"tiers": make_tiers("graduated", "requests", *UNITS)}, "87.5", "tier tier"),
    ({"tiers": make_tiers("volume", "requests", *UNITS)}, "62.5", "tier"),
    # 40 × 1.3 + 60 × 1.1
    ({"tiers": make_tiers("graduated", "cost", *SHARES)}, "118", "tier tier"),
    ({"tiers": make_tiers("volume", "cost", *SHARES)}, "110", "tier"),
    # 120 + 40 × 0.3 + 60 × 0.1
    ({"tiers": make_tiers("graduated", "cost", *SHARES, charge="on_top")}, "138",
     "calls tier tier"),
    ({"tiers": make_tiers("graduated", "cost", {"up_to": "50", "percentage": "0"},
                          {"percentage": "-5"}, charge="on_top")}, "117.5", "calls tier tier"),
    ({"tiers": make_tiers("volume", "cost", {"percentage": "-100"}, charge="on_top")}, "20",
     "calls tier"),
    ({"included": make_included(usd="50")}, "70", "calls included"),
    ({"included": make_included(usd="500")}, "0", "calls included"),
    ({"included": make_included(tokens="1000000")}, "80", "calls included"),
    ({"included": make_included(tokens="9000000")}, "0", "calls included"),
    ({"included": make_included(usd="500"), "period_minimum": "10"}, "10",
     "calls included minimum"),
    ({"period_minimum": "200"}, "200", "calls minimum"),
    ({"period_cap": "99"}, "99", "calls cap"),
    ({"period_minimum": "200", "period_cap": "200"}, "200", "calls minimum"),
    ({"tiers": make_tiers("graduated", "tokens", *TOKENS), "included": make_included(usd="2"),
      "period_minimum": "11", "period_cap": "500"}, "11", "tier tier tier included minimum"),
]  # fmt: skip


def make_sums(**changes) -> PeriodSums:
    return PeriodSums(**{name: exact(value) for name, value in (SUMS | changes).items()})


@pytest.mark.parametrize(("terms", "price", "kinds"), MONTHS)
def test_months(terms, price, kinds) -> None:
    priced = price_period(make_rule(**terms), make_sums())
    assert (priced.price, " ".join(line.kind for line in priced.lines)) == (Decimal(price), kinds)
    assert sum(line.amount for line in priced.lines) == priced.price
    assert priced.has_negative_margin == (Decimal(price) < 100)
    assert has_period_part(make_rule(**terms)) == bool(terms)


@pytest.mark.parametrize(
    ("requests", "price"), [(0, "0"), (1, "0.5"), (100, "50"), (101, "25.25"), (250, "62.5")]
)
def test_a_step_ends_with_its_last_unit(requests, price) -> None:
    rule = make_rule(tiers=make_tiers("volume", "requests", *UNITS))
    assert price_period(rule, make_sums(requests=requests)).price == Decimal(price)


def test_a_month_without_calls_still_has_its_minimum() -> None:
    rule = make_rule(period_minimum="25", included=make_included(tokens="5"))
    assert price_period(rule, PeriodSums()).price == 25


def test_a_month_never_costs_less_than_nothing() -> None:
    rule = make_rule(tiers=make_tiers("volume", "cost", {"percentage": "-100"}, charge="on_top"))
    assert price_period(rule, make_sums(price="10")).price == 0


# ---------- laws ----------

RATES = {
    "cost": ("percentage", st.decimals(0, 500, places=4)),
    "tokens": ("per_million", st.decimals(0, 1000, places=6)),
    "requests": ("per_unit", st.decimals(0, 1000, places=6)),
}
# half of the last decimal for each line that may be rounded
NEARLY = Decimal("1e-17")


@st.composite
def tiers(draw, mode: str = "graduated") -> Tiers:
    basis = draw(st.sampled_from(sorted(RATES)))
    name, rates = RATES[basis]
    ends = sorted(draw(st.sets(st.integers(1, 10**6), max_size=5)))
    steps = [Step(up_to=Decimal(end), **{name: draw(rates)}) for end in ends]
    charge = draw(st.sampled_from(["instead", "on_top"]))
    return Tiers(mode=mode, basis=basis, steps=(*steps, Step(**{name: draw(rates)})), charge=charge)


def price_of(tiers: Tiers, volume: int | Decimal) -> Decimal:
    return price_period(make_rule(tiers=tiers), PeriodSums(**{tiers.basis: volume})).price


@given(tiers(), st.integers(0, 2 * 10**6), st.integers(0, 2 * 10**6))
def test_graduated_tiers_never_fall(tiers, one, other) -> None:
    less, more = sorted((one, other))
    assert price_of(tiers, Decimal(less)) <= price_of(tiers, Decimal(more))


@given(tiers())
def test_graduated_tiers_do_not_jump(tiers) -> None:
    """At each step's end the next unit costs its own rate and nothing else."""
    for step, following in zip(tiers.steps, tiers.steps[1:], strict=False):
        end = step.up_to
        with localcontext(prec=60):
            next_price = price_of(tiers, end + 1) - price_of(tiers, end)
            alone = Tiers(
                mode="volume", basis=tiers.basis, charge=tiers.charge,
                steps=(Step(percentage=following.percentage, per_million=following.per_million,
                            per_unit=following.per_unit),),
            )  # fmt: skip
            assert abs(next_price - price_of(alone, Decimal(1))) <= NEARLY


@given(
    st.one_of(tiers(), tiers("volume"), st.none()),
    st.decimals(0, 10**9, places=18),
    st.decimals(0, 10**9, places=18),
    st.integers(0, 10**15),
    st.integers(0, 10**9),
    st.none() | st.decimals(0, 10**6, places=12),
    st.integers(0, 10**15),
    st.none() | st.decimals(0, 10**6, places=12),
)
def test_the_lines_add_up(tiers, price, cost, tokens, requests, usd, free, least) -> None:
    included = make_included(usd=usd) if usd is not None else make_included(tokens=Decimal(free))
    rule = make_rule(tiers=tiers, included=included, period_minimum=least)
    sums = PeriodSums(price=price, cost=cost, tokens=tokens, requests=requests)
    priced = price_period(rule, sums)
    with localcontext(prec=100):
        assert sum(line.amount for line in priced.lines) == priced.price
    assert priced.price >= (least or 0)
    assert (sums.price, sums.cost) == (price, cost)
