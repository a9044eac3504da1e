"""Which provider a model's name points to."""

import pytest

from aihub.pricing.api import guess_provider


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        ("gpt-4o", "openai"),
        ("o3-mini", "openai"),
        ("ft:gpt-4o:acme", "openai"),
        ("text-embedding-3-small", "openai"),
        ("claude-opus-5", "anthropic"),
        ("anthropic/claude-opus-5", "anthropic"),
        ("vertex_ai/claude-opus-5", "google"),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "bedrock"),
        ("gemini-3-pro", "google"),
        ("acme/grok-4", "xai"),
        ("llama-3-70b", None),
        ("", None),
        (None, None),
    ],
)
def test_a_name_tells_its_provider_or_nothing(model, provider):
    assert guess_provider(model) == provider
