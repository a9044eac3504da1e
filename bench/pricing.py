"""What pricing one call costs: in this process alone, with a book of 5,000 models and more."""

import statistics
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from aihub.pricing import api as pricing
from bench.figures import Figure

if TYPE_CHECKING:
    from bench.__main__ import Bench

_MODELS = 5_000
_AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
_BODIES: dict[str, dict[str, Any]] = {
    "openai": {
        "model": "gpt-4o-2024-08-06",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "word " * 300}}],
        "usage": {
            "prompt_tokens": 2006,
            "completion_tokens": 300,
            "total_tokens": 2306,
            "prompt_tokens_details": {"cached_tokens": 1920, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
        },
    },
    "anthropic": {
        "model": "claude-sonnet-4-5-20250929",
        "content": [{"type": "text", "text": "word " * 300}],
        "usage": {
            "input_tokens": 3,
            "output_tokens": 33,
            "cache_read_input_tokens": 1111,
            "cache_creation_input_tokens": 418,
            "cache_creation": {"ephemeral_5m_input_tokens": 418, "ephemeral_1h_input_tokens": 0},
            "service_tier": "standard",
        },
    },
}
_PER_MODEL = {"prompt_tokens": 2006, "completion_tokens": 300, "total_tokens": 2306}


def measure_pricing(bench: "Bench") -> list[Figure]:
    """Medians over single calls: two real bodies, and every model of a large book in turn."""
    book = _make_book()
    calls = {
        f"pricing, {provider} body": [
            pricing.CallFacts(
                provider=provider, model=body["model"], occurred_at=_AT, response=body
            )
        ]
        * 5_000
        for provider, body in _BODIES.items()
    }
    calls[f"pricing, {_MODELS:,} models in turn"] = [
        pricing.CallFacts(provider="acme", model=f"model-{n}", occurred_at=_AT, usage=_PER_MODEL)
        for n in range(_MODELS)
    ]
    figures = []
    for name, facts in calls.items():
        _time_each(facts, book)  # caches are filled as in a hub that runs
        rounds = [_time_each(facts, book) for _ in range(max(3, bench.rounds))]
        figures.append(Figure(f"{name} p50", [times[0] for times in rounds], "µs", 50))
        figures.append(Figure(f"{name} p99", [times[1] for times in rounds], "µs"))
    figures.append(Figure("models in the book", [float(_count())], "", 5_000, at_least=True))
    return figures


def _make_book() -> pricing.Book:
    shipped = pricing.load_shipped()
    more = [
        pricing.Entry(
            "base",
            "acme",
            f"model-{n}",
            (),
            pricing.PriceRow(prices={"input_text": f"{n % 90 + 1}", "output_text": "7"}),
        )
        for n in range(_MODELS)
    ]
    return pricing.Book(
        "bench", [*shipped.entries, *more], falls_back_to=shipped.falls_back_to,
        calendars=shipped.calendars,
    )  # fmt: skip


def _count() -> int:
    return (
        len({(entry.provider, entry.model) for entry in pricing.load_shipped().entries}) + _MODELS
    )


def _time_each(facts: Sequence[pricing.CallFacts], book: pricing.Book) -> tuple[float, float]:
    times = []
    total = Decimal(0)
    for call in facts:
        began = time.perf_counter()
        cost = pricing.price_call(call, book).cost
        times.append((time.perf_counter() - began) * 1e6)
        assert cost is not None
        total += cost
    assert total > 0
    times.sort()
    return statistics.median(times), times[len(times) * 99 // 100]
