"""The endpoints, which only translate. An operator without an organization gets all of them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from aihub.analytics import boards, insights, live, periods, schemas, service, tables
from aihub.analytics.models import GROUPS, Filters, Period
from aihub.identity.api import READ
from aihub.kit.db import Database
from aihub.kit.errors import Invalid
from aihub.kit.http import Answer, Call, Operation
from aihub.kit.together import together

_TAG = "Analytics"
_UTC = "UTC"


class AnalyticsRoutes:
    """The handlers, with what they share."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def operations(self) -> list[Operation]:
        """What the root makes endpoints of."""

        def get(path: str, handler: Any, query: type | None, answer: type) -> Operation:
            return Operation(
                method="GET",
                path=path,
                handler=handler,
                scope=READ,
                tag=_TAG,
                query=query,
                answers={200: answer},
                errors=(422,),
            )

        s = schemas
        analytics, board = "/v1/analytics", "/v1/dashboards"
        return [
            get("/v1/realtime", self.show_realtime, None, s.RealtimeOut),
            get(f"{analytics}/usage", self.show_usage, s.UsageQuery, s.UsageAnswerOut),
            get(
                f"{analytics}/satisfaction",
                self.show_satisfaction,
                s.SatisfactionQuery,
                s.SatisfactionOut,
            ),
            get(
                f"{analytics}/engagement", self.show_engagement, s.EngagementQuery, s.EngagementOut
            ),
            get(f"{analytics}/retention", self.show_retention, s.RetentionQuery, s.RetentionOut),
            get(f"{analytics}/adoption", self.show_adoption, s.PeopleQuery, s.AdoptionOut),
            get(f"{analytics}/intents", self.show_intents, s.PeopleQuery, s.AdoptionOut),
            get(f"{board}/executive", self.show_executive, s.BoardQuery, s.ExecutiveOut),
            get(f"{board}/operational", self.show_operational, s.BoardQuery, s.OperationalOut),
            get(f"{board}/financial", self.show_financial, s.BoardQuery, s.FinancialOut),
        ]

    async def show_realtime(self, call: Call) -> Answer:
        """The live numbers of this moment.

        `active_sessions_count`: active conversations with activity in the last 15 minutes.
        `tokens_per_minute`: of the last 60 seconds. `error_rate` (0 to 1) and `response_time_p95`
        (ms): of the last 5 minutes, null without a call. `GET /v1/realtime/stream` sends the same
        by server-sent events whenever they change.
        """
        async with self._db.read() as connection:
            found = await live.get_live(connection, _organization(call))
        return Answer(tables.live(found))

    async def show_usage(self, call: Call) -> Answer:
        """Usage by any grouping, and in total.

        Days are those of the organization's time zone unless `timezone` says otherwise. With
        `compare=previous` beside the period of the same length before. `conversations` are those
        that started; by model or provider those that used it, so that one may be in several rows.
        By user at most 10,000 rows, the most expensive; by user together with model, provider,
        source, hour or another time zone they come from the calls that are still kept.
        """
        query: schemas.UsageQuery = call.query
        groups = _read_groups(query.group_by)
        period = _read_period(call, query)
        filters = Filters(query.provider, query.model, query.module, query.source)
        async with self._db.read() as connection:
            found = await service.get_usage(
                connection,
                _organization(call),
                period,
                groups,
                filters,
                compare=query.compare is not None,
                together=together(self._db, connection),
            )
        return _answer(call, tables.usage_answer(found), rows=[*groups, *tables.USAGE_COLUMNS])

    async def show_satisfaction(self, call: Call) -> Answer:
        """Feedback over time: mean, distribution, response rate, change against before.

        By the time of the feedback. The response rate is of the conversations that started in the
        row's time. `change_low` and `change_high` bound the change of the mean with 95 %.
        """
        query: schemas.SatisfactionQuery = call.query
        async with self._db.read() as connection:
            found = await insights.get_satisfaction(
                connection,
                _organization(call),
                _read_period(call, query),
                grain=query.group_by,
                filters=Filters(module=query.module, source=query.source),
            )
        columns = (query.group_by, *tables.SATISFACTION_COLUMNS)
        return _answer(call, tables.satisfaction(found, query.group_by), rows=columns)

    async def show_engagement(self, call: Call) -> Answer:
        """How engaged people are, the most engaged first.

        The score of 0 to 100 is 35 % recency (halves every 7 days without activity), 35 % frequency
        (active days of 12), 20 % depth (messages a conversation, of 10) and 10 % feedback (mean
        score of 5; a half for who gave none).
        """
        query: schemas.EngagementQuery = call.query
        async with self._db.read() as connection:
            found = await insights.get_engagement(
                connection, _organization(call), _read_days(call, query), limit=query.limit
            )
        return _answer(call, tables.engagement(found), rows=("user", *tables.ENGAGEMENT_COLUMNS))

    async def show_retention(self, call: Call) -> Answer:
        """Weekly cohorts: who was first seen in a week, and how many came again in later ones."""
        query: schemas.RetentionQuery = call.query
        zone = query.timezone or _own_zone(call)
        today = periods.day_of(datetime.now(UTC), periods.read_zone(zone))
        async with self._db.read() as connection:
            found = await insights.get_retention(
                connection,
                _organization(call),
                today=today,
                weeks=query.weeks,
                zone=None if _has_own_days(call) else zone,
            )
        return _answer(call, tables.retention(found), rows=("week", "users"))

    async def show_adoption(self, call: Call) -> Answer:
        """Modules and intents: who uses them, and how that grew against the period before."""
        return await self._adoption(call, ("module", "intent"))

    async def show_intents(self, call: Call) -> Answer:
        """Intents of conversations (their chain, and those of their messages) and who has them."""
        return await self._adoption(call, ("intent",))

    async def _adoption(self, call: Call, kinds: Any) -> Answer:
        async with self._db.read() as connection:
            found = await insights.get_adoption(
                connection,
                _organization(call),
                _read_days(call, call.query),
                kinds=kinds,
                together=together(self._db, connection),
            )
        return _answer(call, tables.adoption(found), rows=tables.ADOPTION_COLUMNS)

    async def show_executive(self, call: Call) -> Answer:
        """Home: conversations today, satisfaction, cost per conversation, top modules.

        As CSV: the top modules.
        """
        async with self._db.read() as connection:
            found = await boards.get_executive(
                connection,
                _organization(call),
                **_zone(call),
                together=together(self._db, connection),
            )
        columns = ("module", *tables.USAGE_COLUMNS)
        return _answer(call, tables.executive(found), top_modules_by_usage=columns)

    async def show_operational(self, call: Call) -> Answer:
        """Operations: live numbers, tokens by hour, errors by endpoint, response times by model.

        As CSV: one of its tables by `table`, the response times without.
        """
        async with self._db.read() as connection:
            found = await boards.get_operational(
                connection,
                _organization(call),
                _zone(call)["timezone"],
                together=together(self._db, connection),
            )
        return _answer(
            call,
            tables.operational(found),
            p95_response_times=tables.LATENCY_COLUMNS,
            token_usage_by_hour=tables.TOKEN_COLUMNS,
            error_rate_by_endpoint=tables.ENDPOINT_COLUMNS,
        )

    async def show_financial(self, call: Call) -> Answer:
        """Finance: the month to date, by organization, per user, and what the month comes to.

        `projected_monthly_cost`: what is spent, and for each day to come the mean of the same
        weekday in the last 28 days; the range holds four times of five. As CSV: by organization.
        """
        async with self._db.read() as connection:
            found = await boards.get_financial(
                connection,
                _organization(call),
                **_zone(call),
                together=together(self._db, connection),
            )
        columns = tables.ORGANIZATION_COLUMNS
        return _answer(call, tables.financial(found), cost_by_organization=columns)


def _organization(call: Call) -> UUID | None:
    organization = call.caller.organization
    return None if organization is None else organization.id


def _own_zone(call: Call) -> str:
    organization = call.caller.organization
    return _UTC if organization is None else str(organization.timezone)


def _has_own_days(call: Call) -> bool:
    """Whether days are each organization's own: no zone is named, or it is the organization's."""
    named = call.query.timezone
    return named is None or (call.caller.organization is not None and named == _own_zone(call))


def _zone(call: Call) -> dict[str, Any]:
    return {
        "timezone": call.query.timezone or _own_zone(call),
        "own_days": _has_own_days(call),
    }


def _read_groups(text: str) -> list[str]:
    groups = [name.strip() for name in text.split(",") if name.strip()]
    for name in groups:
        if name not in GROUPS:
            raise Invalid.field("group_by", f"knows {', '.join(GROUPS)}; not {name!r}")
    service.check_groups(groups)
    return groups


def _read_period(call: Call, query: schemas.PeriodQuery) -> Period:
    return periods.resolve(
        query.from_,
        query.to,
        zone=periods.read_zone(query.timezone or _own_zone(call)),
        own_days=_has_own_days(call),
        now=datetime.now(UTC),
    )


def _read_days(call: Call, query: schemas.PeopleQuery) -> Period:
    zone = periods.read_zone(query.timezone or _own_zone(call))
    now = datetime.now(UTC)
    last = query.to or periods.day_of(now, zone)
    first = query.from_ or last - timedelta(days=periods.DEFAULT_DAYS - 1)
    return periods.resolve(
        first.isoformat(), last.isoformat(), zone=zone, own_days=_has_own_days(call), now=now
    )


def _answer(call: Call, content: Mapping[str, Any], **columns: Sequence[str]) -> Answer:
    """JSON, or as CSV one of the tables that `columns` are of, the first unless `table` names one.

    What `columns` leave out follows them.
    """
    asked, table = call.query.format, getattr(call.query, "table", None)
    if table is not None and table not in columns:
        raise Invalid.field("table", f"is one of {', '.join(columns)}")
    if asked is None and "text/csv" in call.request.headers.get("accept", ""):
        asked = "csv"
    if asked != "csv":
        return Answer(tables.numbers(content))
    table = table or next(iter(columns))
    name = table if len(columns) > 1 else call.request.url.path.rsplit("/", 1)[-1]
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return Answer(
        tables.to_csv(content[table], columns[table]),
        headers=headers,
        media_type=b"text/csv; charset=utf-8",
    )
