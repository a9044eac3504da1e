"""The endpoints of daily reports."""

from aihub.identity.api import READ
from aihub.kit.db import Database
from aihub.kit.errors import Invalid
from aihub.kit.http import Answer, Call, Operation
from aihub.reports import rendering, schemas, service, store

_TAG = "Reports"
_CSV = b"text/csv; charset=utf-8"


class ReportRoutes:
    """The handlers, with what they share."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def operations(self) -> list[Operation]:
        """What the root makes endpoints of."""
        return [
            Operation(
                method="GET", path="/v1/reports", handler=self.list_reports, scope=READ, tag=_TAG,
                query=schemas.DailyReportQuery, answers={200: schemas.DailyReportList},
                errors=(422,),
            ),
            Operation(
                method="GET", path="/v1/reports/{id}", handler=self.get_report, scope=READ,
                tag=_TAG, query=schemas.DailyReportOptions,
                answers={200: schemas.DailyReportWhole}, errors=(404, 422),
            ),
        ]  # fmt: skip

    async def list_reports(self, call: Call) -> Answer:
        """Daily reports, the newest day first: ready by 06:00 in the organization's time zone."""
        query: schemas.DailyReportQuery = call.query
        async with self._db.read() as connection:
            page = await store.list_reports(
                connection, call.caller.organization_id, first=query.from_, last=query.to,
                is_latest_only=query.versions == "latest", limit=query.limit, cursor=query.cursor,
            )  # fmt: skip
        return Answer(schemas.to_reports(page))

    async def get_report(self, call: Call) -> Answer:
        """One report: as JSON, or as CSV (`format=csv`, or `Accept: text/csv`)."""
        query: schemas.DailyReportOptions = call.query
        is_csv = query.format == "csv" or _prefers_csv(call)
        if query.table is not None and not is_csv:
            raise Invalid.field("table", "belongs to format=csv")
        async with self._db.read() as connection:
            report, content = await service.get_report(
                connection, call.caller.organization_id, call.id()
            )
        if not is_csv:
            return Answer(schemas.to_whole(report, content))
        name = (
            f"report-{report.day}-v{report.version}{f'-{query.table}' if query.table else ''}.csv"
        )
        return Answer(
            rendering.to_csv(rendering.from_json(content), query.table),
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
            media_type=_CSV,
        )


def _prefers_csv(call: Call) -> bool:
    accepted = call.request.headers.get("accept", "").split(",")
    return accepted[0].split(";")[0].strip().lower() == "text/csv"
