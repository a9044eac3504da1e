"""The list of conversations, as a page and as CSV."""

from collections.abc import AsyncIterator
from datetime import timedelta

from starlette.responses import Response, StreamingResponse

from aihub.conversations.api import (
    SOURCES,
    STATUSES,
    Conversation,
    ConversationFilters,
    Page,
    list_conversations,
)
from aihub.dashboards import csv_files, store
from aihub.dashboards.filters import LABELS, SENTIMENTS, ReadFilter, list_url, read_filter
from aihub.dashboards.paging import link_pages
from aihub.dashboards.rendering import Renderer
from aihub.dashboards.security import PAGE_HEADERS
from aihub.dashboards.snippets import first_call
from aihub.dashboards.visits import Visit
from aihub.kit.db import Database
from aihub.kit.errors import Invalid

PAGE_SIZE = 50
CSV_ROWS = 10_000
_CSV_PART = 200
_SUGGESTED_DAYS = 30
_UNPROCESSABLE = 422


async def show_list(visit: Visit, db: Database, renderer: Renderer) -> Response:
    """A page of the list; a filter that cannot be read is told beside its field."""
    query = visit.request.query_params
    asked = read_filter(query, visit.zone)
    cursor, back = query.get("cursor") or None, query.get("back")
    page: Page[Conversation] = Page([], None)
    problem = None
    async with db.read() as connection:
        known = await store.get_known_values(
            connection,
            visit.organization_id,
            since=visit.now - timedelta(days=_SUGGESTED_DAYS),
        )
        if not asked.errors:
            try:
                page = await list_conversations(
                    connection,
                    visit.organization_id,
                    asked.filters,
                    limit=PAGE_SIZE,
                    cursor=cursor,
                )
            except Invalid as error:
                problem = error.detail
    links = link_pages(asked.values, cursor=cursor, back=back, next_cursor=page.next_cursor)
    return renderer.page(
        visit.request,
        "conversations.html",
        {
            "asked": asked,
            "labels": LABELS,
            "choices": {"status": STATUSES, "source": SOURCES, "sentiment": SENTIMENTS},
            "known": known,
            "conversations": page.items,
            "links": links,
            "problem": problem,
            "first_url": list_url(asked.values),
            "csv_url": f"/conversations.csv?{asked.query}" if asked.query else "/conversations.csv",
            "csv_rows": CSV_ROWS,
            "snippets": first_call(visit.base_url),
        },
        visit=visit,
        status=_UNPROCESSABLE if asked.errors or problem else 200,
    )


async def send_csv(visit: Visit, db: Database) -> Response:
    """The list with the same filter, newest first, as a file. Raises Invalid for a bad filter."""
    asked = read_filter(visit.request.query_params, visit.zone)
    if asked.errors:
        raise _refuse(asked)
    # the first part before the answer begins: a database that is away is told by the status
    first = await _read_part(visit, db, asked.filters, None)
    name = f"conversations-{visit.local(visit.now):%Y-%m-%d}.csv"
    return StreamingResponse(
        _stream(visit, db, asked.filters, first),
        media_type="text/csv; charset=utf-8",
        headers={**PAGE_HEADERS, "Content-Disposition": f'attachment; filename="{name}"'},
    )


async def _stream(
    visit: Visit, db: Database, filters: ConversationFilters, first: Page[Conversation]
) -> AsyncIterator[str]:
    yield csv_files.write_header()
    page, left = first, CSV_ROWS
    while True:
        yield csv_files.write_rows(page.items[:left])
        left -= len(page.items)
        if page.next_cursor is None or left <= 0:
            return
        page = await _read_part(visit, db, filters, page.next_cursor)


async def _read_part(
    visit: Visit, db: Database, filters: ConversationFilters, cursor: str | None
) -> Page[Conversation]:
    # a connection for each part: a slow reader must not keep one
    async with db.read() as connection:
        return await list_conversations(
            connection, visit.organization_id, filters, limit=_CSV_PART, cursor=cursor
        )


def _refuse(asked: ReadFilter) -> Invalid:
    return Invalid(" ".join(f"{LABELS[name]}: {what}" for name, what in asked.errors.items()))
