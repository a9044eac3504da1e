"""The models of the demo: how fast they are and how their providers report usage."""

from dataclasses import dataclass
from random import Random
from typing import Any

_CACHE_BLOCK = 128  # OpenAI reports cached prompt tokens in multiples of this
_CACHEABLE_FROM = 1_024
_CACHE_HITS = 0.8


@dataclass(frozen=True, slots=True)
class DemoModel:
    """A model. `usage_form` is `openai`, `anthropic` (as they report), `normalised` or `total`."""

    name: str
    provider: str
    first_token_ms: int
    token_ms: float
    usage_form: str
    reasons: bool = False


@dataclass(frozen=True, slots=True)
class MeteredCall:
    """What a message body says about the call behind it."""

    fields: dict[str, Any]
    latency_ms: int


MODELS = {
    model.name: model
    for model in (
        DemoModel("gpt-4o", "openai", 420, 11, "openai"),
        DemoModel("gpt-4o-mini", "openai", 360, 8, "openai"),
        DemoModel("gpt-4.1", "openai", 480, 10, "normalised"),
        DemoModel("gpt-5", "openai", 1_300, 13, "openai", reasons=True),
        DemoModel("gpt-5-mini", "openai", 700, 8, "openai", reasons=True),
        DemoModel("gpt-4", "openai", 900, 32, "total"),
        DemoModel("claude-sonnet-4-5", "anthropic", 800, 14, "anthropic"),
        DemoModel("claude-haiku-4-5", "anthropic", 380, 7, "anthropic"),
        DemoModel("claude-opus-4-1", "anthropic", 1_400, 24, "anthropic"),
        # nobody has a price for this one: it shows what "unpriced" looks like
        DemoModel("nimbus-13b-instruct", "kumo-inference", 240, 18, "normalised"),
    )
}


class ModelSession:
    """One conversation with one model: remembers the last prompt, which the provider caches."""

    def __init__(self, model: DemoModel, rng: Random) -> None:
        self.model = model
        self._rng = rng
        self._cached_prompt = 0

    def meter_call(self, *, input_tokens: int, output_tokens: int) -> MeteredCall:
        """The model, provider, usage and latency of a call of these visible sizes."""
        model, rng = self.model, self._rng
        reasoning = 64 * rng.randint(1, 9) if model.reasons else 0
        cached = 0
        if self._cached_prompt >= _CACHEABLE_FROM and rng.random() < _CACHE_HITS:
            cached = min(self._cached_prompt, input_tokens)
        self._cached_prompt = input_tokens
        output = output_tokens + reasoning
        pace = rng.lognormvariate(0, 0.3)
        latency_ms = int((model.first_token_ms + model.token_ms * output) * pace)
        fields: dict[str, Any] = {"model": model.name, "provider": model.provider}
        if model.usage_form == "total":
            fields["tokens"] = input_tokens + output
        elif model.usage_form == "anthropic":
            fields["usage"] = _report_anthropic(input_tokens, output, cached=cached)
        elif model.usage_form == "openai":
            fields["usage"] = _report_openai(
                input_tokens, output, cached=cached, reasoning=reasoning
            )
        else:
            fields["usage"] = {
                "input_tokens": input_tokens,
                "output_tokens": output,
                "total_tokens": input_tokens + output,
            }
        return MeteredCall(fields | {"latency_ms": latency_ms}, latency_ms)


def _report_openai(
    input_tokens: int, output_tokens: int, *, cached: int, reasoning: int
) -> dict[str, Any]:
    return {
        "prompt_tokens": input_tokens,
        "completion_tokens": output_tokens,
        "total_tokens": input_tokens + output_tokens,
        "prompt_tokens_details": {
            "cached_tokens": cached // _CACHE_BLOCK * _CACHE_BLOCK,
            "audio_tokens": 0,
        },
        "completion_tokens_details": {
            "reasoning_tokens": reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _report_anthropic(input_tokens: int, output_tokens: int, *, cached: int) -> dict[str, Any]:
    # its input tokens are those beside the cache, not all of them
    written = input_tokens - cached if input_tokens >= _CACHEABLE_FROM else 0
    return {
        "input_tokens": input_tokens - cached - written,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": cached,
        "cache_creation": {
            "ephemeral_5m_input_tokens": written,
            "ephemeral_1h_input_tokens": 0,
        },
        "output_tokens": output_tokens,
        "service_tier": "standard",
    }
