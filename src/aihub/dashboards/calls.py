"""Model calls: the list, as a page and as CSV, and one call: why it costs what it costs."""

from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from starlette.responses import Response, StreamingResponse

from aihub.conversations.api import CallFilters, ModelCall, Page, get_call, list_calls
from aihub.dashboards import csv_files, store
from aihub.dashboards.call_filters import (
    COST_STATUSES,
    RESULTS,
    calls_url,
    read_call_filter,
    to_filters,
)
from aihub.dashboards.call_story import tell
from aihub.dashboards.cost_words import read_note
from aihub.dashboards.listing import csv_headers, send_table
from aihub.dashboards.paging import link_pages
from aihub.dashboards.price_words import model_url
from aihub.dashboards.rendering import Renderer
from aihub.dashboards.snippets import first_call
from aihub.dashboards.visits import Visit
from aihub.kit.db import Database
from aihub.kit.errors import Invalid, NotFound
from aihub.kit.http import parse_id
from aihub.prices.api import PriceBook
from aihub.repricing.api import list_adjustments

PAGE_SIZE = 50
CSV_ROWS = 10_000
_CSV_PART = 200
_SUGGESTED_DAYS = 30
_UNPROCESSABLE = 422
_COLUMNS = (
    "id", "occurred_at", "provider", "model", "api", "module", "user_id", "tokens", "cost_usd",
    "price_usd", "cost_status", "cost_note", "price_book_version", "latency_ms", "error",
    "conversation_id",
)  # fmt: skip
_ADJUSTMENT_COLUMNS = (
    "adjusted_at", "cost_before_usd", "cost_after_usd", "price_before_usd", "price_after_usd",
    "status_before", "status_after", "price_book_before", "price_book_after",
)  # fmt: skip
_LINE_COLUMNS = ("part", "component", "quantity", "unit_price_usd", "amount_usd", "price_id")


@dataclass(frozen=True, slots=True)
class CallPages:
    """The pages about calls."""

    db: Database
    renderer: Renderer
    book: PriceBook

    async def show_list(self, visit: Visit) -> Response:
        """A page of the list; a filter that cannot be read is told beside its field."""
        query = visit.request.query_params
        asked = read_call_filter(query)
        cursor, back = query.get("cursor") or None, query.get("back")
        page: Page[ModelCall] = Page([], None)
        problem = None
        async with self.db.read() as connection:
            since = visit.now - timedelta(days=_SUGGESTED_DAYS)
            known = await store.get_known_values(connection, visit.organization_id, since=since)
            if not asked.errors:
                try:
                    page = await list_calls(
                        connection,
                        visit.organization_id,
                        to_filters(asked, visit.zone),
                        limit=PAGE_SIZE,
                        cursor=cursor,
                    )
                except Invalid as error:
                    problem = error.detail
        return self.renderer.page(
            visit.request,
            "calls.html",
            {
                "asked": asked,
                "choices": {"cost_status": COST_STATUSES, "result": tuple(RESULTS)},
                "known": known,
                "calls": page.items,
                "reasons": {call.id: read_note(call.cost_note) for call in page.items},
                "links": link_pages(
                    asked.values,
                    cursor=cursor,
                    back=back,
                    next_cursor=page.next_cursor,
                    url=asked.url,
                ),
                "problem": problem,
                "csv_rows": CSV_ROWS,
                "snippets": first_call(visit.base_url),
            },
            visit=visit,
            status=_UNPROCESSABLE if asked.errors or problem else 200,
        )

    async def send_list(self, visit: Visit) -> Response:
        """The list with the same filter as a file. Raises Invalid for a bad filter."""
        asked = read_call_filter(visit.request.query_params)
        if asked.errors:
            raise Invalid(asked.complaint)
        filters = to_filters(asked, visit.zone)
        # the first part before the answer begins: a database that is away is told by the status
        first = await self._read_part(visit, filters, None)
        return StreamingResponse(
            self._stream(visit, filters, first),
            media_type="text/csv; charset=utf-8",
            headers=csv_headers("calls", visit.local(visit.now)),
        )

    async def show_call(self, visit: Visit) -> Response:
        """Why a call costs what it costs. Raises NotFound for a foreign one as for none."""
        call = await self._find(visit)
        async with self.db.read() as connection:
            facts = await store.get_call_facts(
                connection, visit.organization_id, call.id, call.occurred_at
            )
            adjustments = await list_adjustments(connection, visit.organization_id, call.id)
        has_model = call.provider and call.model
        return self.renderer.page(
            visit.request,
            "call.html",
            {
                "call": call,
                "story": tell(call, self.book.current, str(visit.organization_id)),
                "facts": facts,
                "adjustments": adjustments,
                "model_url": model_url(call.provider or "", call.model or "")
                if has_model
                else None,
                "same_url": calls_url(model=call.model) if call.model else None,
            },
            visit=visit,
        )

    async def send_lines(self, visit: Visit) -> Response:
        """The lines of a call's cost and price as a file."""
        call = await self._find(visit)
        story = tell(call, self.book.current, str(visit.organization_id))
        parts = [("cost", story.lines), ("price", story.markup.lines if story.markup else [])]
        rows = [
            (
                part,
                line.component,
                csv_files.write_amount(line.quantity),
                csv_files.write_amount(line.unit_price),
                csv_files.write_amount(line.amount),
                line.price_id,
            )
            for part, lines in parts
            for line in lines
        ]
        return send_table(f"call-{call.id}", visit.local(visit.now), _LINE_COLUMNS, rows)

    async def send_adjustments(self, visit: Visit) -> Response:
        """How a call's cost has changed, as a file."""
        call = await self._find(visit)
        async with self.db.read() as connection:
            found = await list_adjustments(connection, visit.organization_id, call.id)
        rows = [
            (
                csv_files.write_time(each.adjusted_at),
                csv_files.write_amount(each.cost_before),
                csv_files.write_amount(each.cost_after),
                csv_files.write_amount(each.price_before),
                csv_files.write_amount(each.price_after),
                each.status_before,
                each.status_after,
                each.price_book_version_before,
                each.price_book_version_after,
            )
            for each in found
        ]
        name = f"call-{call.id}-repriced"
        return send_table(name, visit.local(visit.now), _ADJUSTMENT_COLUMNS, rows)

    async def _find(self, visit: Visit) -> ModelCall:
        async with self.db.read() as connection:
            call = await get_call(connection, visit.organization_id, _read_id(visit))
        if call is None:
            raise _missing()
        return call

    async def _stream(
        self, visit: Visit, filters: CallFilters, first: Page[ModelCall]
    ) -> AsyncIterator[str]:
        yield csv_files.write_lines([_COLUMNS], begins=True)
        page, left = first, CSV_ROWS
        while True:
            yield csv_files.write_lines(map(_to_row, page.items[:left]), begins=False)
            left -= len(page.items)
            if page.next_cursor is None or left <= 0:
                return
            page = await self._read_part(visit, filters, page.next_cursor)

    async def _read_part(
        self, visit: Visit, filters: CallFilters, cursor: str | None
    ) -> Page[ModelCall]:
        # a connection for each part: a slow reader must not keep one
        async with self.db.read() as connection:
            return await list_calls(
                connection, visit.organization_id, filters, limit=_CSV_PART, cursor=cursor
            )


def _to_row(call: ModelCall) -> Iterable[str]:
    return list(_cells(call))


def _cells(call: ModelCall) -> Iterator[str]:
    yield str(call.id)
    yield csv_files.write_time(call.occurred_at)
    yield from (call.provider or "", call.model or "", call.api or "", call.module or "")
    yield call.user_id or ""
    yield str(call.total_tokens)
    yield csv_files.write_amount(call.cost)
    yield csv_files.write_amount(call.price)
    yield from (call.cost_status, call.cost_note or "", call.price_book_version)
    yield "" if call.latency_ms is None else str(call.latency_ms)
    yield call.error or ""
    yield "" if call.conversation_id is None else str(call.conversation_id)


def _read_id(visit: Visit) -> UUID:
    try:
        return parse_id(visit.request.path_params["id"])
    except Invalid:
        raise _missing() from None


def _missing() -> NotFound:
    return NotFound("There is no such call in this organization.")
