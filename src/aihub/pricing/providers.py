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
    "amazon_nova": "bedrock",
    "aws": "bedrock",
    "aws-bedrock": "bedrock",
    "aws.bedrock": "bedrock",
    "aws_bedrock": "bedrock",
    "azure-ai": "azure",
    "azure-openai": "azure",
    "azure.ai.openai": "azure",
    "azure_ai": "azure",
    "azure_openai": "azure",
    "azureopenai": "azure",
    "bedrock-runtime": "bedrock",
    "bedrock_converse": "bedrock",
    "cohere_chat": "cohere",
    "fireworks-ai": "fireworks",
    "fireworks.ai": "fireworks",
    "fireworks_ai": "fireworks",
    "gcp.gemini": "google",
    "gcp.vertex_ai": "google",
    "gemini": "google",
    "google-ai": "google",
    "google-genai": "google",
    "google-gla": "google",
    "google-vertex": "google",
    "google-vertex-anthropic": "google",
    "google_ai": "google",
    "google_genai": "google",
    "google_gla": "google",
    "google_vertex": "google",
    "google_vertexai": "google",
    "googleai": "google",
    "grok": "xai",
    "hosted_vllm": "vllm",
    "jina": "jina_ai",
    "jina-ai": "jina_ai",
    "llama-cpp": "llamacpp",
    "llama.cpp": "llamacpp",
    "llama_cpp": "llamacpp",
    "lm-studio": "lmstudio",
    "lm_studio": "lmstudio",
    "meta-llama": "openrouter",
    "mistral-ai": "mistral",
    "mistral_ai": "mistral",
    "mistralai": "mistral",
    "moonshot-ai": "moonshot",
    "moonshotai": "moonshot",
    "ollama_chat": "ollama",
    "open-router": "openrouter",
    "openai.responses": "openai",
    "perplexity-ai": "perplexity",
    "perplexityai": "perplexity",
    "text-completion-openai": "openai",
    "together-ai": "together",
    "together.ai": "together",
    "together_ai": "together",
    "togetherai": "together",
    "vertex": "google",
    "vertex-ai": "google",
    "vertex_ai": "google",
    "vertexai": "google",
    "voyage": "voyageai",
    "voyage-ai": "voyageai",
    "voyage_ai": "voyageai",
    "x-ai": "xai",
    "x_ai": "xai",
    "z-ai": "zai",
    "z.ai": "zai",
    "z_ai": "zai",
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
