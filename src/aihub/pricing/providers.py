"""Which provider a model name points to, where the caller does not say."""

import re

_NAMED = frozenset(
    {
        "anthropic",
        "azure",
        "bedrock",
        "cohere",
        "deepseek",
        "fireworks",
        "google",
        "groq",
        "mistral",
        "ollama",
        "openai",
        "openrouter",
        "together",
        "xai",
    }
)
_ALIASES = {
    "amazon": "bedrock",
    "amazon-bedrock": "bedrock",
    "amazon_bedrock": "bedrock",
    "aws": "bedrock",
    "aws.bedrock": "bedrock",
    "azure-openai": "azure",
    "azure.ai.openai": "azure",
    "azure_ai": "azure",
    "azure_openai": "azure",
    "bedrock_converse": "bedrock",
    "fireworks-ai": "fireworks",
    "fireworks_ai": "fireworks",
    "gcp.gemini": "google",
    "gcp.vertex_ai": "google",
    "gemini": "google",
    "google-ai": "google",
    "google-vertex": "google",
    "google_genai": "google",
    "google_vertexai": "google",
    "grok": "xai",
    "meta-llama": "openrouter",
    "mistral_ai": "mistral",
    "mistralai": "mistral",
    "together-ai": "together",
    "together_ai": "together",
    "togetherai": "together",
    "vertex": "google",
    "vertex-ai": "google",
    "vertex_ai": "google",
    "vertexai": "google",
    "x_ai": "xai",
    "x-ai": "xai",
}
_BEDROCK = re.compile(r"^(?:[a-z]+\.)?(?:anthropic|amazon|meta|cohere|mistral|ai21|deepseek)\.")
_FAMILIES = (
    (re.compile(r"^(?:gpt-|chatgpt-|o\d|codex|davinci|babbage|text-embedding-)"), "openai"),
    (re.compile(r"^claude"), "anthropic"),
    (re.compile(r"^(?:gemini|gemma|palm|text-bison|chat-bison)"), "google"),
    (re.compile(r"^(?:mistral|mixtral|ministral|magistral|codestral|pixtral|devstral)"), "mistral"),
    (re.compile(r"^(?:command|c4ai-)"), "cohere"),
    (re.compile(r"^deepseek"), "deepseek"),
    (re.compile(r"^grok"), "xai"),
)


def canonical_provider(provider: str | None) -> str | None:
    """A provider's name as the price book has it: `Vertex_AI` → `google`, `x-ai` → `xai`."""
    if not provider:
        return None
    name = provider.strip().lower()
    return _ALIASES.get(name, name)


def guess_provider(model: str | None) -> str | None:
    """The provider of `model` by its name (`gpt-4o` → `openai`), or None when it tells nothing.

    A prefix as routers write it (`anthropic/claude-…`) names the provider outright. A model that
    several providers serve (Llama, Qwen) is left without one: a guess would be a wrong price.
    """
    if not model:
        return None
    name = model.lower()
    if name.startswith("ft:"):
        return "openai"
    if "/" in name:
        prefix = name.split("/", 1)[0]
        prefix = _ALIASES.get(prefix, prefix)
        if prefix in _NAMED:
            return prefix
        name = name.rsplit("/", 1)[1]
    if _BEDROCK.match(name):
        return "bedrock"
    return next((provider for pattern, provider in _FAMILIES if pattern.match(name)), None)
