"""Bills made up for the tests, in the shapes of the providers."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from aihub.reconciliation.models import BilledRow, HubRow, Tokens

DAY = date(2026, 3, 4)
NEXT = date(2026, 3, 5)
LATER = datetime(2026, 3, 20, tzinfo=UTC)


def hub_row(model: str, cost: str, provider: str = "openai", **more: Any) -> HubRow:
    return HubRow(
        day=more.pop("day", DAY), provider=provider, model=model, cost=Decimal(cost), **more
    )


def billed_row(
    model: str | None, amount: str | None, provider: str = "openai", **more: Any
) -> BilledRow:
    given = {
        "day": DAY,
        "line": "",
        "kind": "cost",
        "currency": "USD",
        "amount": None if amount is None else Decimal(amount),
    }
    return BilledRow(provider=provider, model=model, **(given | more))


def tokens(input_: int = 0, cached: int = 0, output: int = 0) -> Tokens:
    return Tokens(input_, cached, output)


def openai_cost(line: str | None, value: Any, quantity: Any = None, currency: str = "usd") -> dict:
    return {
        "object": "organization.costs.result",
        "amount": {"value": value, "currency": currency},
        "line_item": line,
        "project_id": None,
        "api_key_id": None,
        "quantity": quantity,
    }


def openai_usage(model: str, input_: int, cached: int, output: int, requests: int = 1) -> dict:
    return {
        "object": "organization.usage.completions.result",
        "input_tokens": input_,
        "input_uncached_tokens": input_ - cached,
        "input_cached_tokens": cached,
        "input_cache_write_tokens": 0,
        "output_tokens": output,
        "num_model_requests": requests,
        "model": model,
        "batch": False,
        "service_tier": "default",
    }


def anthropic_usage(
    model: str, fresh: int, cached: int, write: int, write_1h: int, out: int
) -> dict:
    return {
        "uncached_input_tokens": fresh,
        "cache_creation": {
            "ephemeral_1h_input_tokens": write_1h,
            "ephemeral_5m_input_tokens": write,
        },
        "cache_read_input_tokens": cached,
        "output_tokens": out,
        "server_tool_use": {"web_search_requests": 0},
        "model": model,
        "service_tier": "standard",
        "context_window": "0-200k",
    }


def anthropic_cost(
    token_type: str | None, cents: str, model: str | None = None, **more: Any
) -> dict:
    return {
        "currency": "USD",
        "amount": cents,
        "workspace_id": None,
        "description": f"Usage of {model}: {token_type}" if token_type else "Web Search Usage",
        "cost_type": "tokens" if token_type else "web_search",
        "model": model,
        "token_type": token_type,
    } | more


def activity(model: str, usage: Any, day: date = DAY, **more: Any) -> dict:
    return {
        "date": str(day),
        "model": model,
        "provider_name": "Somebody",
        "usage": usage,
        "byok_usage_inference": 0.0,
        "requests": 3,
        "prompt_tokens": 1000,
        "completion_tokens": 100,
        "reasoning_tokens": 0,
        "cached_tokens": 0,
    } | more


def openai_page(*results: dict, day: date = DAY, next_page: str | None = None) -> bytes:
    since = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
    bucket = {"start_time": since, "end_time": since + 86_400, "results": list(results)}
    return json.dumps(
        {"data": [bucket], "has_more": next_page is not None, "next_page": next_page}
    ).encode()


def anthropic_page(*results: dict, day: date = DAY) -> bytes:
    bucket = {"starting_at": f"{day}T00:00:00Z", "ending_at": "", "results": list(results)}
    return json.dumps({"data": [bucket], "has_more": False, "next_page": None}).encode()


AWS_HEAD = (
    "line_item_usage_start_date,line_item_product_code,line_item_usage_type,line_item_usage_amount,"
    "pricing_unit,line_item_unblended_cost,line_item_line_item_type,line_item_currency_code"
)


def aws(*records: str) -> bytes:
    return "\n".join((AWS_HEAD, *records)).encode() + b"\n"


def gcp(sku: str, cost: Any, amount: Any = 0, **more: Any) -> dict:
    return {
        "service": {"description": "Vertex AI"},
        "sku": {"description": sku},
        "usage_start_time": f"{DAY}T00:00:00Z",
        "cost": cost,
        "currency": "USD",
        "usage": {"amount_in_pricing_units": amount, "pricing_unit": "count"},
        "credits": [],
        "cost_type": "regular",
    } | more


AZURE_HEAD = (
    "date,meterCategory,meterSubCategory,meterName,unitOfMeasure,quantity,costInBillingCurrency,"
    "billingCurrency"
)


def azure(*records: str) -> bytes:
    return "\n".join((AZURE_HEAD, *records)).encode() + b"\n"
