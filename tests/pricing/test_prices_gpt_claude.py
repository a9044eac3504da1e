"""What OpenAI, Anthropic, Azure, Bedrock and Claude on Vertex charge.

Each figure is worked out by hand from the provider's own price list: an id says what the case is
about and how its sum is made.
"""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from aihub.pricing.models import Usage
from aihub.pricing.rules import compute_cost
from aihub.pricing.shipped import load_book

NOVEMBER = "2026-11-20"
BATCH = {"processing": "batch"}
FLEX, PRIORITY = {"service_tier": "flex"}, {"service_tier": "priority"}
EU, US_GEO, FAST = {"residency": "eu"}, {"geo": "us"}, {"speed": "fast"}
ZONE, REGIONAL = {"deployment": "data_zone"}, {"deployment": "regional"}
HD_WIDE = {"quality": "hd", "size": "1792x1024"}


def text(fresh=0, output=0, **others):
    return {"input_text": fresh, "output_text": output, **others}


def resolve(provider, model, day, facets, optional, parts):
    book = load_book()
    chain = book.find(provider, model)
    if chain is None:
        return None, None
    usage = Usage(parts={name: count for name, count in parts.items() if count})
    at = datetime.fromisoformat(day).replace(hour=12, tzinfo=UTC)
    rates = book.resolve(
        chain, at, required=facets, optional=optional, prompt_tokens=usage.input_tokens
    )
    return rates, compute_cost(usage, rates)


OPENAI = {
    "o3 before its cut: 1000 x $10/M + 100 x $40/M":
        ("o3", "2025-06-09", {}, text(1000, 100), "0.014"),
    "o3 on the day of its cut: 1000 x $2/M + 100 x $8/M":
        ("o3", "2025-06-10", {}, text(1000, 100), "0.0028"),
    "gpt-4o meant the May snapshot: 1000 x $5/M + 100 x $15/M":
        ("gpt-4o", "2024-09-30", {}, text(1000, 100), "0.0065"),
    "gpt-4o-2024-05-13 never got cheaper: 1000 x $5/M + 100 x $15/M":
        ("gpt-4o-2024-05-13", NOVEMBER, {}, text(1000, 100), "0.0065"),
    "o1-mini before its cut: 1000 x $3/M + 100 x $12/M":
        ("o1-mini-2024-09-12", "2025-01-30", {}, text(1000, 100), "0.0042"),
    "o1-mini after its cut: 1000 x $1.1/M + 100 x $4.4/M":
        ("o1-mini", "2025-02-01", {}, text(1000, 100), "0.00154"),
    "Luna at its first price: 1000 x $1/M + 100 x $6/M":
        ("gpt-5.6-luna", "2026-07-29", {}, text(1000, 100), "0.0016"),
    "Luna after its cut, half of it flex: 1000 x $0.1/M + 100 x $0.6/M":
        ("gpt-5.6-luna", "2026-07-30", FLEX, text(1000, 100), "0.00016"),
    "Sol in a batch before its promotion: 1000 x $2.5/M + 100 x $15/M":
        ("gpt-5.6", "2026-08-20", BATCH, text(1000, 100), "0.004"),
    "Sol's promotion, all kinds: 100 x $4 + 200 x $0.4 + 300 x $5 + 400 x $20, per M":
        ("gpt-5.6-sol", NOVEMBER, {}, text(100, 400, cached_text=200, cache_write_5m=300),
         "0.00998"),
    "gpt-6-astra priority above 272K: 272001 x $40/M + 100 x $150/M":
        ("gpt-6-astra", NOVEMBER, PRIORITY, text(272001, 100), "10.89504"),
    "gpt-6-astra ultrafast: 1000 x $60/M + 100 x $300/M":
        ("gpt-6-astra", NOVEMBER, {"service_tier": "ultrafast"}, text(1000, 100), "0.09"),
    "gpt-6.1-sol reads its cache at 5 %: 1000 x $0.1/M":
        ("gpt-6.1-sol", NOVEMBER, {}, {"cached_text": 1000}, "0.0001"),
    "gpt-5.4 at the cliff: 272000 x $2.5/M":
        ("gpt-5.4-2026-03-05", NOVEMBER, {}, text(272000), "0.68"),
    "gpt-5.4 above it, output too: 272001 x $5/M + 1000 x $22.5/M":
        ("gpt-5.4", NOVEMBER, {}, text(272001, 1000), "1.382505"),
    "gpt-5.4 above it in a batch: 272001 x $2.5/M + 1000 x $11.25/M":
        ("gpt-5.4", NOVEMBER, BATCH, text(272001, 1000), "0.6912525"),
    "gpt-5.4 kept in the EU: (1000 x $2.5/M + 100 x $15/M) x 1.1":
        ("gpt-5.4", NOVEMBER, EU, text(1000, 100), "0.0044"),
    "gpt-6-luna kept in the EU, batch: (1000 x $0.1/M + 100 x $0.5/M) x 0.5 x 1.1":
        ("gpt-6-luna", NOVEMBER, EU | BATCH, text(1000, 100), "0.0000825"),
    "gpt-4o kept in the EU costs nothing more: 1000 x $2.5/M":
        ("gpt-4o-2024-11-20", NOVEMBER, EU, text(1000), "0.0025"),
    "gpt-5-mini priority: 1000 x $0.45/M + 1000 x $0.045/M + 100 x $3.6/M":
        ("gpt-5-mini", NOVEMBER, PRIORITY, text(1000, 100, cached_text=1000), "0.000855"),
    "gpt-5 in a batch halves the cache too: 1000 x $0.0625/M + 100 x $5/M":
        ("gpt-5", NOVEMBER, BATCH, text(0, 100, cached_text=1000), "0.0005625"),
    "o3 flex: 1000 x $1/M + 1000 x $0.25/M + 100 x $4/M":
        ("o3", NOVEMBER, FLEX, text(1000, 100, cached_text=1000), "0.00165"),
    "o4-mini priority: 1000 x $2/M + 100 x $8/M":
        ("o4-mini", NOVEMBER, PRIORITY, text(1000, 100), "0.0028"),
    "gpt-4.1-nano in a batch: 1000 x $0.05/M + 100 x $0.2/M":
        ("gpt-4.1-nano", "2025-05-01", BATCH, text(1000, 100), "0.00007"),
    "gpt-3.5-turbo-1106 has no cheaper batch: 1000 x $1/M + 100 x $2/M":
        ("gpt-3.5-turbo-1106", NOVEMBER, BATCH, text(1000, 100), "0.0012"),
    "gpt-3.5-turbo in January 2024: 1000 x $1/M + 100 x $2/M":
        ("gpt-3.5-turbo", "2024-01-10", {}, text(1000, 100), "0.0012"),
    "a fine-tuned gpt-4o-mini: 1000 x $0.3/M + 100 x $1.2/M":
        ("ft:gpt-4o-mini-2024-07-18:acme::Abc123", NOVEMBER, {}, text(1000, 100), "0.00042"),
    "a fine-tuned gpt-4.1: 1000 x $3/M + 100 x $12/M":
        ("ft:gpt-4.1-2025-04-14:acme::Abc123", NOVEMBER, {}, text(1000, 100), "0.0042"),
    "embeddings in a batch: 1000 x $0.065/M":
        ("text-embedding-3-large", NOVEMBER, BATCH, text(1000), "0.000065"),
    "audio in and out: 100 x $32/M + 100 x $64/M + 10 x $10/M":
        ("gpt-audio-2025-08-28", NOVEMBER, {}, {"input_audio": 100, "output_audio": 100, "output_text": 10}, "0.0097"),  # noqa: E501
    "audio before it became cheaper: 100 x $100/M + 100 x $200/M":
        ("gpt-4o-audio-preview", "2024-11-01", {}, {"input_audio": 100, "output_audio": 100}, "0.03"),  # noqa: E501
    "realtime, cached audio: 1000 x $0.4/M + 100 x $32/M + 100 x $64/M":
        ("gpt-realtime", NOVEMBER, {}, {"cached_audio": 1000, "input_audio": 100, "output_audio": 100}, "0.01"),  # noqa: E501
    "realtime preview, cached audio: 1000 x $2.5/M":
        ("gpt-4o-realtime-preview-2024-12-17", "2025-03-01", {}, {"cached_audio": 1000}, "0.0025"),
    "whisper, a minute and a half: 90 x $0.006/60":
        ("whisper-1", NOVEMBER, {}, {"audio_second": 90}, "0.009"),
    "speech by the character: 4095 x $15/M":
        ("tts-1", NOVEMBER, {}, {"character": 4095}, "0.061425"),
    "speech in high definition: 1000 x $30/M":
        ("tts-1-hd", NOVEMBER, {}, {"character": 1000}, "0.03"),
    "pictures by tokens: 50 x $5/M + 323 x $8/M + 1000 x $32/M":
        ("gpt-image-1.5", NOVEMBER, {}, {"input_text": 50, "input_image": 323, "output_image": 1000}, "0.034834"),  # noqa: E501
    "a small picture model: 50 x $2/M + 1000 x $8/M":
        ("gpt-image-1-mini", NOVEMBER, {}, {"input_text": 50, "output_image": 1000}, "0.0081"),
    "videos by the second: 8 x $0.1":
        ("sora-2", "2025-12-01", {}, {"video_second": 8}, "0.8"),
    "moderation is free":
        ("omni-moderation-2024-09-26", NOVEMBER, {}, text(1000), "0"),
    "fees: 2 x $10/1000 + 3 x $2.5/1000 + $0.03":
        ("gpt-5", NOVEMBER, {}, {"web_search": 2, "file_search": 3, "code_session": 1}, "0.0575"),
    "the search model's search: 100 x $2.5/M + $25/1000":
        ("gpt-4o-search-preview-2025-03-11", NOVEMBER, {}, text(100, web_search=1), "0.02525"),
}  # fmt: skip

ANTHROPIC = {
    "Opus 4.6 above 200K before the premium ended: 200001 x $10/M + 100 x $37.5/M":
        ("claude-opus-4-6", "2026-03-12", {}, text(200001, 100), "2.00376"),
    "Opus 4.6 above 200K since: 200001 x $5/M + 100 x $25/M":
        ("claude-opus-4-6", "2026-03-13", {}, text(200001, 100), "1.002505"),
    "Sonnet 4 at 200K: 200000 x $3/M":
        ("claude-sonnet-4-20250514", "2025-10-01", {}, text(200000), "0.6"),
    "Sonnet 4 above it: 200001 x $6/M":
        ("claude-sonnet-4-20250514", "2025-10-01", {}, text(200001), "1.200006"),
    "Sonnet 4.5 in a batch above it, hour writes: (190000 x $6 + 10001 x $12) / 2, per M":
        ("claude-sonnet-4-5", NOVEMBER, BATCH, text(190000, cache_write_1h=10001), "0.630006"),
    "Haiku 5.5 above 100K, everything five times: 100001 x $0.5/M + 100 x $2.5/M":
        ("claude-haiku-5-5", NOVEMBER, {}, text(100001, 100), "0.0502505"),
    "Haiku 5.5 in a batch above 100K in the USA: 100001 x $0.5/M x 0.5 x 1.1":
        ("claude-haiku-5-5", NOVEMBER, BATCH | US_GEO, text(100001), "0.027500275"),
    "Opus 5.5 fast in the USA: (1000 x $8/M + 1000 x $0.4/M) x 1.1":
        ("claude-opus-5-5", NOVEMBER, FAST | US_GEO, text(1000, cached_text=1000), "0.00924"),
    "Opus 4.6 fast, six times: 1000 x $30/M + 100 x $150/M":
        ("claude-opus-4-6", "2026-05-01", FAST, text(1000, 100), "0.045"),
    "Opus 4.6 has no fast mode any more: 1000 x $5/M":
        ("claude-opus-4-6", "2026-07-01", FAST, text(1000), "0.005"),
    "Opus 4.7 in the USA: 1000 x $5/M x 1.1":
        ("claude-opus-4-7", NOVEMBER, US_GEO, text(1000), "0.0055"),
    "Sonnet 5.5 reads its cache at a tenth at first: 1000 x $0.2/M":
        ("claude-sonnet-5-5", "2026-10-06", {}, {"cached_text": 1000}, "0.0002"),
    "Sonnet 5.5 reads its cache at 5 % since: 1000 x $0.1/M":
        ("claude-sonnet-5-5", "2026-10-07", {}, {"cached_text": 1000}, "0.0001"),
    "Sonnet 5 kept its first price: 1000 x $2/M + 100 x $10/M":
        ("claude-sonnet-5", "2026-09-15", {}, text(1000, 100), "0.003"),
    "Fable 5.1 reads its cache at 2.5 %: 1000 x $0.25/M":
        ("claude-fable-5-1", NOVEMBER, {}, {"cached_text": 1000}, "0.00025"),
    "Haiku 3.5 in its first weeks: 1000 x $1/M + 100 x $5/M":
        ("claude-3-5-haiku-20241022", "2024-11-20", {}, text(1000, 100), "0.0015"),
    "Haiku 3.5 since: 1000 x $0.8/M + 100 x $4/M":
        ("claude-3-5-haiku-latest", "2025-02-01", {}, text(1000, 100), "0.0012"),
    "Opus 3 in a batch: (1000 x $15/M + 100 x $75/M) / 2":
        ("claude-3-opus-20240229", "2025-02-01", BATCH, text(1000, 100), "0.01125"),
    "Haiku 3: 1000 x $0.25/M + 1000 x $0.03/M + 100 x $1.25/M":
        ("claude-3-haiku-20240307", "2025-02-01", {}, text(1000, 100, cached_text=1000), "0.000405"),  # noqa: E501
    "Claude Instant: 1000 x $0.8/M + 100 x $2.4/M":
        ("claude-instant-1.2", "2024-02-01", {}, text(1000, 100), "0.00104"),
    "three searches are never multiplied: 3 x $10/1000":
        ("claude-opus-5-5", NOVEMBER, BATCH | US_GEO, {"web_search": 3}, "0.03"),
}  # fmt: skip

AZURE = {
    "a data zone: (1000 x $2/M + 100 x $8/M) x 1.1":
        ("gpt-4.1", NOVEMBER, ZONE, {}, text(1000, 100), "0.00308"),
    "a data zone in Asia: 1000000 x $2/M x 1.1 x 1.090909":
        ("gpt-4.1", NOVEMBER, ZONE, {"region": "japaneast"}, text(1000000), "2.3999998"),
    "a region of the USA: 1000 x $2.5/M x 1.1":
        ("gpt-4o-2024-11-20", NOVEMBER, REGIONAL, {"region": "eastus"}, text(1000), "0.00275"),
    "a region of Sweden: 1000 x $2.5/M x 1.21":
        ("gpt-4o-2024-11-20", NOVEMBER, REGIONAL, {"region": "swedencentral"}, text(1000), "0.003025"),  # noqa: E501
    "the west of Europe: 1000000 x $0.4/M x 1.32":
        ("gpt-4.1-mini", NOVEMBER, REGIONAL, {"region": "westeurope"}, text(1000000), "0.528"),
    "embeddings of a region before 2025-09: 1000000 x $0.02/M":
        ("text-embedding-3-small", "2025-08-01", REGIONAL, {"region": "eastus"}, text(1000000), "0.02"),  # noqa: E501
    "embeddings of a region since: 1000000 x $0.02/M x 1.1":
        ("text-embedding-3-small", "2025-09-01", REGIONAL, {"region": "eastus"}, text(1000000), "0.022"),  # noqa: E501
    "a batch in a data zone: (1000 x $1.25/M + 100 x $10/M) x 0.5 x 1.1":
        ("gpt-5", NOVEMBER, ZONE | BATCH, {}, text(1000, 100), "0.0012375"),
    "Luna became cheaper two days later than at OpenAI: 1000 x $1/M":
        ("gpt-5.6-luna", "2026-07-31", {}, {}, text(1000), "0.001"),
    "Luna then: 1000 x $0.2/M":
        ("gpt-5.6-luna-2026-07-09", "2026-08-01", {}, {}, text(1000), "0.0002"),
    "Sol's promotion began in September: 1000 x $5/M":
        ("gpt-5.6-sol", "2026-08-25", {}, {}, text(1000), "0.005"),
    "transcription has audio tokens of their own: 1000 x $6/M + 100 x $10/M":
        ("gpt-4o-transcribe", NOVEMBER, {}, {}, {"input_audio": 1000, "output_text": 100}, "0.007"),
    "another spelling: 1000 x $0.5/M + 100 x $1.5/M":
        ("gpt-35-turbo", "2025-03-01", {}, {}, text(1000, 100), "0.00065"),
    "gpt-4 never cost more in a region: 1000 x $30/M":
        ("gpt-4", "2025-10-01", REGIONAL, {"region": "westeurope"}, text(1000), "0.03"),
    "DeepSeek R1: 1000 x $1.35/M + 100 x $5.4/M":
        ("DeepSeek-R1", NOVEMBER, {}, {}, text(1000, 100), "0.00189"),
    "Claude in a data zone: 1000 x $5/M x 1.1":
        ("claude-opus-4-8", NOVEMBER, ZONE, {}, text(1000), "0.0055"),
}  # fmt: skip

BEDROCK = {
    "Sonnet 4.5 by the profile of the USA, 10 % more: 1000 x $3.3/M + 100 x $16.5/M":
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", {}, {}, text(1000, 100), "0.00495"),
    "Haiku 4.5 of Europe, hour writes: 1000 x $2.2/M":
        ("eu.anthropic.claude-haiku-4-5-20251001-v1:0", {}, {}, {"cache_write_1h": 1000}, "0.0022"),
    "Opus 4.5 anywhere: 1000 x $5/M":
        ("global.anthropic.claude-opus-4-5-20251101-v1:0", {}, {}, text(1000), "0.005"),
    "Opus 4.6 by its odd name: 1000 x $5.5/M":
        ("us.anthropic.claude-opus-4-6-v1", {}, {}, text(1000), "0.0055"),
    "an answer's name of a regional call: 1000 x $3/M x 1.1":
        ("claude-sonnet-4-5-20250929", {}, {"endpoint": "regional"}, text(1000), "0.0033"),
    "an answer's name of a global call: 1000 x $3/M":
        ("claude-sonnet-4-5-20250929", {}, {}, text(1000), "0.003"),
    "Sonnet 3.7 costs the same everywhere: 1000 x $3/M":
        ("us.anthropic.claude-3-7-sonnet-20250219-v1:0", {}, {}, text(1000), "0.003"),
    "Sonnet 3.5 in extended access: 1000 x $6/M + 100 x $30/M":
        ("anthropic.claude-3-5-sonnet-20241022-v2:0", {}, {}, text(1000, 100), "0.009"),
    "Claude in a batch: (1000 x $3/M + 100 x $15/M) / 2":
        ("global.anthropic.claude-sonnet-4-6", BATCH, {}, text(1000, 100), "0.00225"),
    "Nova Pro flex: (1000 x $0.8/M + 100 x $3.2/M) / 2":
        ("amazon.nova-pro-v1:0", FLEX, {}, text(1000, 100), "0.00056"),
    "Nova Pro priority: (1000 x $0.8/M + 100 x $3.2/M) x 1.75":
        ("us.amazon.nova-pro-v1:0", PRIORITY, {}, text(1000, 100), "0.00196"),
    "Nova Lite reads its cache at a quarter: 1000 x $0.015/M":
        ("us.amazon.nova-lite-v1:0", {}, {}, {"cached_text": 1000}, "0.000015"),
    "Nova 2 Lite of Japan: 1000 x $0.396/M":
        ("jp.amazon.nova-2-lite-v1:0", {}, {}, text(1000), "0.000396"),
    "Titan's embeddings: 1000 x $0.02/M":
        ("amazon.titan-embed-text-v2:0", {}, {}, text(1000), "0.00002"),
    "Titan's older embeddings: 1000 x $0.1/M":
        ("amazon.titan-embed-text-v1", {}, {}, text(1000), "0.0001"),
    "Llama 3.3: 1000 x $0.72/M + 100 x $0.72/M":
        ("us.meta.llama3-3-70b-instruct-v1:0", {}, {}, text(1000, 100), "0.000792"),
    "Llama 3 in London: 1000 x $3.45/M":
        ("meta.llama3-70b-instruct-v1:0", {}, {"region": "eu-west-2"}, text(1000), "0.00345"),
    "Mistral Large 2402: 1000 x $4/M + 100 x $12/M":
        ("mistral.mistral-large-2402-v1:0", {}, {}, text(1000, 100), "0.0052"),
    "DeepSeek R1 by a profile: 1000 x $1.35/M + 100 x $5.4/M":
        ("us.deepseek.r1-v1:0", {}, {}, text(1000, 100), "0.00189"),
    "gpt-oss flex: (1000 x $0.15/M + 100 x $0.6/M) / 2":
        ("openai.gpt-oss-120b-1:0", FLEX, {}, text(1000, 100), "0.000105"),
    "Jamba: 1000 x $2/M + 100 x $8/M":
        ("ai21.jamba-1-5-large-v1:0", {}, {}, text(1000, 100), "0.0028"),
    "Cohere's reranking: 3 x $2/1000":
        ("cohere.rerank-v3-5:0", {}, {}, {"search_unit": 3}, "0.006"),
    "GPT-5.6 Luna of the USA above 272K: 272001 x $0.44/M":
        ("us.openai.gpt-5.6-luna", {}, {}, text(272001), "0.11968044"),
    "GPT-6 Sol anywhere: 1000 x $2/M":
        ("global.openai.gpt-6-sol", {}, {}, text(1000), "0.002"),
}  # fmt: skip

VERTEX = {
    "anywhere: 1000 x $3/M + 100 x $15/M":
        ("claude-sonnet-4-5@20250929", {}, {}, text(1000, 100), "0.0045"),
    "in a region, 10 % more: 1000 x $3/M x 1.1":
        ("claude-sonnet-4-5@20250929", {}, {"endpoint": "regional"}, text(1000), "0.0033"),
    "an older model in a region: 1000 x $15/M":
        ("claude-opus-4-1@20250805", {}, {"endpoint": "regional"}, text(1000), "0.015"),
    "hour writes in a batch: 1000 x $2/M / 2":
        ("claude-haiku-4-5@20251001", BATCH, {}, {"cache_write_1h": 1000}, "0.001"),
    "a default version: 1000 x $4/M":
        ("claude-opus-5-5@default", {}, {}, text(1000), "0.004"),
}  # fmt: skip

CASES = [
    *(("openai", m, d, f, {}, p, e, n) for n, (m, d, f, p, e) in OPENAI.items()),
    *(("anthropic", m, d, f, {}, p, e, n) for n, (m, d, f, p, e) in ANTHROPIC.items()),
    *(("azure", m, d, f, o, p, e, n) for n, (m, d, f, o, p, e) in AZURE.items()),
    *(("bedrock", m, NOVEMBER, f, o, p, e, n) for n, (m, f, o, p, e) in BEDROCK.items()),
    *(("google", m, NOVEMBER, f, o, p, e, n) for n, (m, f, o, p, e) in VERTEX.items()),
]


@pytest.mark.parametrize(
    ("provider", "model", "day", "facets", "optional", "parts", "expected"),
    [case[:-1] for case in CASES],
    ids=[f"{case[0]}: {case[-1]}" for case in CASES],
)
def test_the_price_is_the_provider_s(provider, model, day, facets, optional, parts, expected):
    rates, cost = resolve(provider, model, day, facets, optional, parts)
    assert cost is not None
    assert cost.amount == Decimal(expected)
    assert (cost.flags, rates.unmatched, rates.is_early, rates.inherited_from) == ((), (), False, None)  # noqa: E501  # fmt: skip


@pytest.mark.parametrize(
    ("optional", "expected"),
    [({}, "0.04"), (HD_WIDE, "0.12"), ({"quality": "hd"}, "0.08"), ({"size": "1792x1024"}, "0.08"),
     ({"quality": "standard", "size": "1024x1024"}, "0.04")],
    ids=["nothing said", "HD and wide", "HD", "wide", "plain"],
)  # fmt: skip
def test_a_picture_of_dall_e_3_costs_by_its_looks(optional, expected):
    _, cost = resolve("openai", "dall-e-3", "2025-03-01", {}, optional, {"image": 2})
    assert cost.amount == 2 * Decimal(expected)


@pytest.mark.parametrize(
    ("provider", "model"),
    [("openai", "gpt-7-sol"), ("openai", "gpt-6.2-terra"), ("anthropic", "claude-opus-6"),
     ("anthropic", "claude-sonnet-5-6"), ("bedrock", "us.anthropic.claude-opus-6-v1:0"),
     ("bedrock", "amazon.nova-9-pro-v1:0"), ("azure", "gpt-9"), ("google", "claude-haiku-9")],
)  # fmt: skip
def test_an_unknown_model_of_a_known_family_has_no_price(provider, model):
    assert load_book().find(provider, model) is None
