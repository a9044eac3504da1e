"""What the tests of whole answers share: bodies as providers send them, priced end to end."""

from datetime import UTC, datetime
from fractions import Fraction
from typing import Any, NamedTuple

from aihub.pricing.api import CallFacts, price_call

Body = dict[str, Any]
# surcharges of Azure are written to the sixth decimal
_NEARLY = Fraction(1, 10**6)
_PER = {"": 10**6, "/K": 1000}


class Case(NamedTuple):
    """An answer and what it costs by the provider's own page; `cost` is None for unpriced."""

    name: str
    facts: CallFacts
    cost: Fraction | None

    def __str__(self) -> str:
        return f"{self.facts.provider}: {self.name}"


def case(
    name: str, provider: str, model: str, day: str, response: object, bill: str | None,
    api: str | None = None, **context: object,
) -> Case:  # fmt: skip
    """`day` is a day (noon in UTC) or a time. `bill` is reckoned by hand: `12 @2.5 + 2 @10/K` is
    12 at 2.50 USD a million and 2 at 10 USD a thousand; `60 @0.111/3600` is by the hour."""
    at = datetime.fromisoformat(day if "T" in day else f"{day}T12:00:00").replace(tzinfo=UTC)
    facts = CallFacts(
        provider=provider, model=model, api=api, occurred_at=at, response=response, context=context
    )
    return Case(name, facts, None if bill is None else _reckon(bill))


def _reckon(bill: str) -> Fraction:
    total = Fraction(0)
    for term in bill.split(" + ") if bill != "0" else ():
        quantity, price = term.split(" @")
        amount, slash, per = price.partition("/")
        total += Fraction(quantity) * Fraction(amount) / (_PER.get(slash + per) or int(per))
    return total


def check(found: Case) -> None:
    """The cost is that of the bill to a millionth of it; what is free is exactly 0."""
    priced = price_call(found.facts)
    if found.cost is None or priced.cost is None:
        assert priced.cost == found.cost, priced.cost_note
    else:
        difference = abs(Fraction(priced.cost) - found.cost)
        assert difference <= found.cost * _NEARLY, priced.cost_lines


def chat(model: str, given: int, made: int, cached: int = 0, **fields: object) -> Body:
    """A chat completion of OpenAI's kind."""
    return {
        "model": model,
        "object": "chat.completion",
        "usage": {
            "prompt_tokens": given,
            "completion_tokens": made,
            "total_tokens": given + made,
            "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
        },
        **fields,
    }


def respond(
    model: str, output: list[Body], given: int, made: int, cached: int = 0, **fields: object
) -> Body:
    """A response of OpenAI's."""
    return {
        "object": "response",
        "status": "completed",
        "model": model,
        "output": output,
        "usage": {
            "input_tokens": given,
            "input_tokens_details": {"cached_tokens": cached},
            "output_tokens": made,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": given + made,
        },
        **fields,
    }


def spoken(text: int, audio: int, text_out: int, audio_out: int, **cached: int) -> Body:
    """A finished response of a realtime session; `cached`: text_tokens, audio_tokens."""
    return {
        "id": f"resp_{text}",
        "object": "realtime.response",
        "usage": {
            "total_tokens": text + audio + text_out + audio_out,
            "input_tokens": text + audio,
            "output_tokens": text_out + audio_out,
            "input_token_details": {
                "text_tokens": text,
                "audio_tokens": audio,
                "cached_tokens": sum(cached.values()),
                "cached_tokens_details": cached,
            },
            "output_token_details": {"text_tokens": text_out, "audio_tokens": audio_out},
        },
    }


def message(model: str, **usage: object) -> Body:
    """A message of Anthropic's."""
    return {"type": "message", "model": model, "usage": usage}


def turn(kind: str, given: int, made: int) -> Body:
    """One of the iterations of a message."""
    return {"type": kind, "input_tokens": given, "output_tokens": made}


def gemini(model: str, given: int, made: int, **usage: object) -> Body:
    """An answer of Gemini's without thoughts."""
    counts = {"promptTokenCount": given, "candidatesTokenCount": made}
    return {
        "modelVersion": model,
        "usageMetadata": {**counts, "totalTokenCount": given + made, **usage},
    }


def kinds(**counts: int) -> list[Body]:
    """Gemini's details by modality: `kinds(TEXT=10, AUDIO=900)`."""
    return [{"modality": kind, "tokenCount": count} for kind, count in counts.items()]


def grounded(*queries: str) -> Body:
    """What an answer of Gemini's says of the searches behind it."""
    chunks = [{"web": {"uri": "https://example.org"}}]
    metadata = {"webSearchQueries": list(queries), "groundingChunks": chunks}
    return {"candidates": [{"groundingMetadata": metadata}]}


def converse(given: int, made: int, cached: int = 0, **usage: object) -> Body:
    """An answer of Bedrock's Converse: `given` is without what was `cached`."""
    counts = {"inputTokens": given, "outputTokens": made, "totalTokens": given + made + cached}
    return {"usage": {**counts, "cacheReadInputTokens": cached, **usage}}


def hits(hit: int, miss: int, made: int) -> Body:
    """A chat completion of DeepSeek's."""
    body = chat("deepseek", hit + miss, made)
    body["usage"] |= {"prompt_cache_hit_tokens": hit, "prompt_cache_miss_tokens": miss}
    del body["model"]
    return body


def billed(**units: float) -> Body:
    """An answer of Cohere's."""
    return {"meta": {"billed_units": units}}


def events(*stream: Body) -> Body:
    """A recorded stream."""
    return {"stream_events": list(stream)}
