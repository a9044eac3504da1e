"""Facts of calls with defaults, for the tests of pricing."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from aihub.pricing.api import CallFacts, PricedCall, price_call


@pytest.fixture(scope="session")
def price() -> Callable[..., PricedCall]:
    """`price(model, provider, usage=…)`: a call at noon of a day in November 2026."""

    def price_with_defaults(model="gpt-4o", provider="openai", **facts) -> PricedCall:
        facts.setdefault("occurred_at", datetime(2026, 11, 20, 12, tzinfo=UTC))
        return price_call(CallFacts(provider=provider, model=model, **facts))

    return price_with_defaults
