"""What the tests of usage share: a call with little known about it, measured."""

from datetime import UTC, datetime

from aihub.pricing.models import CallFacts, Payload, Usage
from aihub.pricing.payloads import read_payload
from aihub.pricing.usage import measure_usage

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def call_of(provider=None, model=None, api=None, **context) -> CallFacts:
    return CallFacts(provider=provider, model=model, api=api, occurred_at=NOON, context=context)


def measure(usage, provider=None, model=None, api=None, facts=None, **context) -> Usage | None:
    """A bare usage object, measured."""
    payload = Payload(usage=usage, facts=facts or {})
    return measure_usage(call_of(provider, model, api, **context), payload)


def measure_answer(response, provider=None, model=None, api=None, **context) -> Usage | None:
    """A whole answer, read and measured."""
    call = call_of(provider, model, api, **context)
    return measure_usage(call, read_payload(response, api=api, provider=provider))


def codes(usage: Usage) -> list[str]:
    return [flag.code for flag in usage.flags]
