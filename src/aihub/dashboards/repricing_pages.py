"""Pricing stored calls again, for operators: what would change, and changing it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from starlette.responses import Response

from aihub.conversations.api import Meter
from aihub.dashboards import csv_files
from aihub.dashboards.call_filters import COST_STATUSES
from aihub.dashboards.filters import read_choice, read_day, read_text
from aihub.dashboards.listing import Asked, check_order, read_asked, send_table
from aihub.dashboards.operators import require_operator
from aihub.dashboards.rendering import Renderer
from aihub.dashboards.visits import Visit, read_form
from aihub.kit.db import Database
from aihub.kit.errors import Invalid
from aihub.pricing import api as pricing
from aihub.repricing.api import RepriceFilters, RepriceLine, RepriceResult, reprice

PATH = "/repricing"
MOST_CALLS = 20_000
_USUAL_DAYS = 30
_EVERY = "all"
_UNPROCESSABLE = 422
LABELS = {
    "status": "Cost status",
    "scope": "Organizations",
    "provider": "Provider",
    "model": "Model",
    "from": "From",
    "to": "To",
}
SCOPES = ("all", "this one")
_READERS = {
    "status": lambda text: read_choice(text, (*COST_STATUSES, _EVERY)),
    "scope": lambda text: read_choice(text, SCOPES),
    "provider": read_text,
    "model": read_text,
    "from": read_day,
    "to": read_day,
}
_COLUMNS = (
    "provider", "model", "calls", "changed", "unpriced_before", "unpriced_after",
    "cost_before_usd", "cost_after_usd", "price_before_usd", "price_after_usd",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RepricingPages:
    """A preview that changes nothing, and the run that changes."""

    db: Database
    renderer: Renderer
    meter: Meter

    async def show(self, visit: Visit) -> Response:
        """What would change. Raises Forbidden for those who operate nothing."""
        require_operator(visit)
        return await self._answer(visit, _read(visit, visit.request.query_params), is_run=False)

    async def run(self, visit: Visit) -> Response:
        """Change it: at most 20,000 calls, each with an entry of what it was."""
        require_operator(visit)
        return await self._answer(visit, _read(visit, await read_form(visit.request)), is_run=True)

    async def send_preview(self, visit: Visit) -> Response:
        """The preview as a file. Raises Invalid for a bad filter."""
        require_operator(visit)
        asked = _read(visit, visit.request.query_params)
        if asked.errors:
            raise Invalid(asked.complaint)
        result = await reprice(self.db, self.meter, _to_filters(visit, asked), most=MOST_CALLS)
        rows = [
            (
                line.provider or "",
                line.model or "",
                *map(str, (line.calls, line.changed, line.unpriced_before, line.unpriced_after)),
                csv_files.write_amount(line.cost_before),
                csv_files.write_amount(line.cost_after),
                csv_files.write_amount(line.price_before),
                csv_files.write_amount(line.price_after),
            )
            for line in _sort(result)
        ]
        return send_table("repricing-preview", visit.local(visit.now), _COLUMNS, rows)

    async def _answer(self, visit: Visit, asked: Asked, *, is_run: bool) -> Response:
        result = None
        if not asked.errors:
            result = await reprice(
                self.db,
                self.meter,
                _to_filters(visit, asked),
                created_by=visit.principal.actor if is_run else None,
                most=MOST_CALLS,
            )
        return self.renderer.page(
            visit.request,
            "repricing.html",
            {
                "asked": asked,
                "choices": {"status": (*COST_STATUSES, _EVERY), "scope": SCOPES},
                "result": result,
                "lines": _sort(result) if result else [],
                "is_run": is_run,
                "most": MOST_CALLS,
                "is_full": result is not None and result.calls >= MOST_CALLS,
            },
            visit=visit,
            status=_UNPROCESSABLE if asked.errors else 200,
        )


def _read(visit: Visit, given: Mapping[str, str]) -> Asked:
    usual = (visit.local(visit.now) - timedelta(days=_USUAL_DAYS)).date()
    defaults = {"status": "unpriced", "scope": SCOPES[0], "from": usual.isoformat()}
    typed = {name: text for name, text in given.items() if text.strip()}
    asked = read_asked(PATH, {**defaults, **typed}, LABELS, _READERS)
    check_order(asked, "from", "to", "This is before “From”.")
    return asked


def _to_filters(visit: Visit, asked: Asked) -> RepriceFilters:
    found: dict[str, Any] = asked.found

    def start(day: Any) -> datetime:
        return datetime.combine(day, time(), visit.zone)

    status = found.get("status", _EVERY)
    last = found.get("to")
    return RepriceFilters(
        organization_id=visit.organization_id if found.get("scope") == SCOPES[1] else None,
        provider=pricing.canonical_provider(found.get("provider")),
        model=found.get("model"),
        from_=start(found["from"]) if "from" in found else None,
        to=start(last + timedelta(days=1)) if last else None,
        statuses=() if status == _EVERY else (status,),
    )


def _sort(result: RepriceResult) -> list[RepriceLine]:
    return sorted(result.lines.values(), key=lambda line: (-line.changed, -line.calls))
