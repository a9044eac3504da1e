"""The engagement scores that Insight shows: as they were kept at an hour, or as they are now."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from aihub.analytics import api as analytics
from aihub.kit.db import Connection
from aihub.reports import api as reports


async def find_engagement(
    connection: Connection, organization_id: UUID | None, days: analytics.Period, *, limit: int
) -> tuple[analytics.EngagementAnswer, datetime | None]:
    """Of `days`, by the scores that were kept on the last of them, and at which hour; where none
    were, and of all organizations, as they come out now."""
    kept = None
    if organization_id is not None:
        last = days.last - timedelta(days=1)
        kept = await reports.get_scores(connection, organization_id, last, limit=limit)
    if kept is None:
        return await analytics.get_engagement(connection, organization_id, days, limit=limit), None
    scores = {row.user_id: row for row in kept.rows}
    found = await analytics.get_engagement(
        connection, organization_id, days, limit=limit, users=scores
    )
    by_user = {row.user_id: row for row in found.rows}
    answer = analytics.EngagementAnswer(
        period=days,
        users=kept.users,
        mean_score=analytics.divide(kept.total, kept.users),
        rows=tuple(_with_score(by_user[one], scores[one]) for one in scores if one in by_user),
    )
    return answer, kept.hour


def _with_score(row: analytics.Engagement, kept: reports.Engagement) -> analytics.Engagement:
    return replace(
        row,
        score=kept.score,
        recency=kept.recency,
        frequency=kept.frequency,
        depth=kept.depth,
        feedback=kept.feedback,
    )
