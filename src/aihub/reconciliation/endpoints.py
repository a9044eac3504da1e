"""The providers' billing endpoints: addresses, parameters, headers and limits."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from aihub.reconciliation.models import Run

Parameters = list[tuple[str, str | int | float | bool | None]]
Headers = Mapping[str, str]

_DAYS_OF_ACTIVITY = 30  # OpenRouter keeps no more


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One of them. `max_days`: how far back it goes, None without a limit."""

    source: str
    path: str
    parameters: Callable[[Run], Parameters]
    max_days: int | None = None


def _openai(run: Run, limit: int, *group_by: str) -> Parameters:
    return [
        ("start_time", str(int(_start_of(run.window_start).timestamp()))),
        ("end_time", str(int(_start_of(run.window_end).timestamp()))),
        ("bucket_width", "1d"),
        ("limit", str(limit)),
        *(("group_by[]", name) for name in group_by),
        *_page(run),
    ]


def _anthropic(run: Run, *group_by: str) -> Parameters:
    return [
        ("starting_at", f"{run.window_start}T00:00:00Z"),
        ("ending_at", f"{run.window_end}T00:00:00Z"),
        ("bucket_width", "1d"),
        ("limit", "31"),
        *(("group_by[]", name) for name in group_by),
        *_page(run),
    ]


def _page(run: Run) -> Parameters:
    return [("page", run.page)] if run.page is not None else []


def _start_of(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


ENDPOINTS: Mapping[str, tuple[Endpoint, ...]] = {
    "openai": (
        Endpoint(
            "openai-usage",
            "/v1/organization/usage/completions",
            lambda run: _openai(run, 31, "model", "batch", "service_tier"),
        ),
        Endpoint(
            "openai-costs",
            "/v1/organization/costs",
            lambda run: _openai(run, 180, "line_item"),
        ),
    ),
    "anthropic": (
        Endpoint(
            "anthropic-usage",
            "/v1/organizations/usage_report/messages",
            lambda run: _anthropic(run, "model", "service_tier", "context_window", "inference_geo"),
        ),
        Endpoint(
            "anthropic-cost",
            "/v1/organizations/cost_report",
            lambda run: _anthropic(run, "description"),
        ),
    ),
    "openrouter": (
        Endpoint("openrouter", "/api/v1/activity", lambda _: [], max_days=_DAYS_OF_ACTIVITY),
    ),
}

BASE_URLS = {
    "openai": "https://api.openai.com",
    "anthropic": "https://api.anthropic.com",
    "openrouter": "https://openrouter.ai",
}


def headers_of(provider: str, key: str) -> Headers:
    """What signs a request."""
    if provider == "anthropic":
        return {"x-api-key": key, "anthropic-version": "2023-06-01"}
    return {"Authorization": f"Bearer {key}"}


def oldest_day(endpoint: Endpoint, now: datetime) -> date:
    """The first day that the endpoint still knows."""
    if endpoint.max_days is None:
        return date(2020, 1, 1)
    return now.date() - timedelta(days=endpoint.max_days)
