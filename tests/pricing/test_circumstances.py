"""What beside the quantities decides a price."""

from decimal import Decimal

import pytest
from tests.pricing.measured import call_of

from aihub.pricing.api import keep_context
from aihub.pricing.circumstances import (
    CONTEXT_KEYS,
    find_facets,
    find_stated_charge,
    is_not_billed,
)
from aihub.pricing.errors import InvalidUsage
from aihub.pricing.models import Payload
from aihub.pricing.payloads import read_payload

OPENAI = {"provider": "openai", "model": "gpt-5"}
AZURE = {"provider": "azure", "model": "gpt-4o"}
BATCH = {"processing": "batch"}
EU = "https://eu.api.openai.com/v1"
VERTEX = "https://us-central1-aiplatform.googleapis.com"
# name, call, usage, facts, required
REQUIRED = [
    ("the answer's tier", {**OPENAI, "request_service_tier": "priority"}, {}, {"service_tier": "flex"}, {"service_tier": "flex"}),  # noqa: E501
    ("default is none", {**OPENAI, "request_service_tier": "flex"}, {}, {"service_tier": "default"}, {}),  # noqa: E501
    ("the request's where the answer has none", {**OPENAI, "request_service_tier": "flex"}, {}, {}, {"service_tier": "flex"}),  # noqa: E501
    ("fast is openai's priority", OPENAI, {}, {"service_tier": "fast"}, {"service_tier": "priority"}),  # noqa: E501
    ("on demand is none", {"provider": "groq"}, {"service_tier": "on_demand"}, {}, {}),
    ("mistral's in the usage", {"provider": "mistral"}, {"service_tier": "priority"}, {}, {"service_tier": "priority"}),  # noqa: E501
    ("google's tier", {"provider": "google"}, {"serviceTier": "flex"}, {}, {"service_tier": "flex"}),  # noqa: E501
    ("google's traffic", {"provider": "google"}, {"trafficType": "ON_DEMAND_PRIORITY"}, {}, {"service_tier": "priority"}),  # noqa: E501
    ("plain traffic", {"provider": "google"}, {"trafficType": "ON_DEMAND"}, {}, {}),
    ("bought traffic", {"provider": "google"}, {"trafficType": "PROVISIONED_THROUGHPUT"}, {}, {"traffic": "provisioned"}),  # noqa: E501
    ("anthropic's batch", {"provider": "anthropic"}, {"service_tier": "batch"}, {}, BATCH),
    ("fast speed", {"provider": "anthropic"}, {"speed": "fast", "service_tier": "standard"}, {}, {"speed": "fast"}),  # noqa: E501
    ("computed in the US", {"provider": "anthropic"}, {"inference_geo": "us"}, {}, {"geo": "us"}),
    ("computed anywhere", {"provider": "anthropic"}, {"inference_geo": "global"}, {}, {}),
    ("a batch by its api", {**OPENAI, "api": "batch:/v1/responses"}, {}, {"service_tier": "default"}, BATCH),  # noqa: E501
    ("a batch by the context", {**OPENAI, "batch": True}, {}, {}, BATCH),
    ("a batch by its line", OPENAI, {}, {"batch": True}, BATCH),
    ("messages.batches", {"provider": "anthropic", "api": "messages.batches"}, {}, {}, BATCH),
    ("many embeddings in one call are no batch", {"provider": "google", "api": "batchEmbedContents"}, {}, {}, {}),  # noqa: E501
    ("residency", {**OPENAI, "data_residency": "EU"}, {}, {}, {"residency": "eu"}),
    ("residency by host", {**OPENAI, "base_url": EU}, {}, {}, {"residency": "eu"}),
    ("the plain host", {**OPENAI, "base_url": "https://api.openai.com/v1"}, {}, {}, {}),
    ("global standard", {**AZURE, "deployment_type": "GlobalStandard"}, {}, {}, {}),
    ("data zone", {**AZURE, "deployment_type": "DataZoneStandard"}, {}, {}, {"deployment": "data_zone"}),  # noqa: E501
    ("regional", {**AZURE, "deployment_type": "Standard"}, {}, {}, {"deployment": "regional"}),
    ("bought capacity", {**AZURE, "deployment_type": "GlobalProvisionedManaged"}, {}, {}, {"deployment": "provisioned"}),  # noqa: E501
    ("global batch", {**AZURE, "deployment_type": "GlobalBatch"}, {}, {}, BATCH),
    ("data zone batch", {**AZURE, "deployment_type": "DataZoneBatch"}, {}, {}, {"deployment": "data_zone", **BATCH}),  # noqa: E501
    ("latency", {"provider": "bedrock"}, {}, {"latency": "optimized"}, {"latency": "optimized"}),
    ("nonsense", {**OPENAI, "base_url": "https://[", "deployment_type": 4, "data_residency": []}, {"service_tier": 4, "speed": []}, {"service_tier": {}}, {}),  # noqa: E501
]  # fmt: skip


@pytest.mark.parametrize(
    ("call", "usage", "facts", "required"),
    [case[1:] for case in REQUIRED],
    ids=[case[0] for case in REQUIRED],
)
def test_what_must_find_a_rate(call, usage, facts, required):
    facets = find_facets(call_of(**call), Payload(usage=usage, facts=facts))
    assert facets.required == required


@pytest.mark.parametrize(
    ("call", "facts", "optional"),
    [
        ({**AZURE, "region": "SwedenCentral"}, {}, {"region": "swedencentral"}),
        ({"provider": "openai", "quality": "hd"}, {"size": "1024x1792"}, {"quality": "hd", "size": "1024x1792"}),  # noqa: E501
        (OPENAI, {"search_tool": "preview"}, {"search": "preview"}),
        ({"provider": "perplexity", "search_context_size": "High"}, {}, {"search_context": "high"}),
        ({"provider": "bedrock", "model": "us.anthropic.claude-sonnet-4-5"}, {}, {"endpoint": "regional"}),  # noqa: E501
        ({"provider": "bedrock", "model": "global.anthropic.claude-sonnet-4-5"}, {}, {}),
        ({"provider": "google", "base_url": VERTEX}, {}, {"endpoint": "regional"}),
        ({"provider": "google", "location": "global"}, {}, {"region": "global"}),
        ({"provider": "anthropic", "base_url": VERTEX}, {}, {"endpoint": "regional"}),
    ],
)  # fmt: skip
def test_what_may_find_a_rate(call, facts, optional):
    facets = find_facets(call_of(**call), Payload(facts=facts))
    assert facets.optional == optional


def test_headers_are_kept_flat_and_only_those_that_count():
    name = "X-Amzn-Bedrock-Input-Token-Count"
    context = {"response_headers": {name: "500", "x-request-id": "1"}, "region": "us-east-1"}
    assert keep_context(context) == {"region": "us-east-1", name.lower(): "500"}


def test_the_context_that_matters_is_listed():
    assert {"batch", "region", "input_characters", "http_status"} <= CONTEXT_KEYS


BYOK = {"cost": Decimal("0.05"), "is_byok": True}
STATED = [
    ("openrouter", {"cost": 0.00219855, "is_byok": False}, "0.00219855"),
    ("openrouter", {"cost": 0}, "0"),
    ("openrouter", {**BYOK, "cost_details": {"upstream_inference_cost": 0.95}}, "1.00"),
    ("openrouter", {**BYOK, "cost_details": {"upstream_inference_cost": None}}, None),
    (None, {**BYOK, "cost_details": {"upstream_inference_cost": 1}}, "1.05"),
    ("xai", {"cost_in_usd_ticks": 37756000}, "0.0037756000"),
    ("perplexity", {"cost": {"total_cost": Decimal("0.006"), "request_cost": 1}}, "0.006"),
    # the same fields of others are somebody's reckoning
    ("openai", {"cost": 3}, None),
    ("together", {"cost": {"total_cost": 1}}, None),
    ("azure", {"cost_in_usd_ticks": 5}, None),
    (None, {"cost": 3}, None),
    ("openrouter", "text", None),
]


@pytest.mark.parametrize(("provider", "usage", "charge"), STATED)
def test_a_stated_charge_is_believed_of_whom_it_is(provider, usage, charge):
    found = find_stated_charge(call_of(provider), Payload(usage=usage))
    assert found == (None if charge is None else Decimal(charge))


def test_the_sum_with_the_upstream_cost_is_exact():
    details = {"upstream_inference_cost": Decimal("0.000000000000000001")}
    usage = {"cost": Decimal("999999999.1"), "is_byok": True, "cost_details": details}
    charge = find_stated_charge(call_of("openrouter"), Payload(usage=usage))
    assert charge == Decimal("999999999.100000000000000001")


@pytest.mark.parametrize("cost", [-1, "1", True, float("nan"), 10**10, []])
def test_a_charge_that_is_no_money_is_refused(cost):
    with pytest.raises(InvalidUsage) as caught:
        find_stated_charge(call_of("openrouter"), Payload(usage={"cost": cost}))
    assert caught.value.field == "usage.cost"


USED = {"usage": {"input_tokens": 4, "output_tokens": 0}, "stop_reason": "refusal"}
# name, call, answer, code
FREE = [
    ("429", {**OPENAI, "http_status": 429}, {"error": {"code": "rate_limit_exceeded"}}, "refused"),
    ("400 without a body", {**OPENAI, "http_status": 400}, None, "refused"),
    ("an error body alone", OPENAI, {"error": {"type": "invalid_request_error"}}, "refused"),
    ("google's error", {"provider": "google"}, {"error": {"code": 403}}, "refused"),
    ("a line that failed", OPENAI, {"custom_id": "1", "response": {"status_code": 400, "body": {}}}, "refused"),  # noqa: E501
    ("a line that expired", {"provider": "anthropic"}, {"custom_id": "1", "result": {"type": "expired"}}, "not_processed"),  # noqa: E501
    ("moderation", {"provider": "openai", "model": "omni-moderation-latest"}, {}, "free_endpoint"),
    ("moderations", {"provider": "openai", "api": "moderations"}, {}, "free_endpoint"),
    ("counting", {"provider": "anthropic", "api": "messages.count_tokens"}, {"input_tokens": 9}, "free_endpoint"),  # noqa: E501
    ("bought capacity", {**AZURE, "deployment_type": "ProvisionedManaged"}, {"usage": {"prompt_tokens": 5}}, "provisioned"),  # noqa: E501
    ("bought traffic", {"provider": "google"}, {"usageMetadata": {"promptTokenCount": 5, "trafficType": "PROVISIONED_THROUGHPUT"}}, "provisioned"),  # noqa: E501
    ("500 by the provider", {**OPENAI, "http_status": 500}, {"error": {"code": "server_error"}}, "refused"),  # noqa: E501
    ("500 in its own words", OPENAI, {"error": {"type": "server_error"}}, "refused"),
    ("529", {"provider": "anthropic"}, {"type": "error", "error": {"type": "overloaded_error"}}, "refused"),  # noqa: E501
    ("503", {"provider": "google"}, {"error": {"code": 503, "status": "UNAVAILABLE"}}, "refused"),
    ("a line that a batch left", OPENAI, {"custom_id": "1", "response": None, "error": {"code": "batch_expired"}}, "not_processed"),  # noqa: E501
    ("a free variant", {"provider": "openrouter", "model": "x/y:free"}, {"usage": {"cost": 0}}, "free_model"),  # noqa: E501
    ("declined before output", {"provider": "anthropic"}, USED, "declined"),
    ("a video that failed", {"provider": "openai"}, {"object": "video", "status": "failed", "seconds": "8"}, "not_processed"),  # noqa: E501
]  # fmt: skip
BILLED = [
    ("502 of a gateway", {**OPENAI, "http_status": 502}, None),
    ("504 of a gateway", {**OPENAI, "http_status": 504}, {"error": {"code": 504}}),
    ("500 after some text", {**OPENAI, "http_status": 500, "completion_text": "Half of"}, None),
    ("a timeout", {**OPENAI, "http_status": 408}, None),
    ("a client that left", {**OPENAI, "http_status": 499}, None),
    ("no answer at all", OPENAI, None),
    ("an error with its usage", {**OPENAI, "http_status": 400}, {"usage": {"prompt_tokens": 4}}),
    ("an error after output", OPENAI, {"stream_events": [{"choices": [1]}, {"error": {"code": "rate_limit_exceeded"}}]}),  # noqa: E501
    ("mistral's moderation", {"provider": "mistral", "api": "moderations"}, {"usage": {"prompt_tokens": 4}}),  # noqa: E501
    ("declined after output", {"provider": "anthropic"}, {**USED, "usage": {"input_tokens": 4, "output_tokens": 3}}),  # noqa: E501
    ("declined on bedrock", {"provider": "bedrock"}, USED),
]  # fmt: skip


@pytest.mark.parametrize(
    ("call", "answer", "code"), [c[1:] for c in FREE], ids=[c[0] for c in FREE]
)
def test_why_nothing_is_billed(call, answer, code):
    known = call_of(**call)
    reason = is_not_billed(known, read_payload(answer, api=known.api, provider=known.provider))
    assert reason is not None
    assert reason.startswith(f"{code}: ")


@pytest.mark.parametrize(("call", "answer"), [c[1:] for c in BILLED], ids=[c[0] for c in BILLED])
def test_what_may_be_billed_is_not_taken_for_free(call, answer):
    known = call_of(**call)
    payload = read_payload(answer, api=known.api, provider=known.provider)
    assert is_not_billed(known, payload) is None
