"""What roots, reports and pages may call."""

from aihub.analytics.boards import get_executive, get_financial, get_operational
from aihub.analytics.errors import TooManyViewers
from aihub.analytics.insights import (
    get_adoption,
    get_engagement,
    get_retention,
    get_satisfaction,
    sum_satisfaction,
)
from aihub.analytics.live import Live, Watch, get_live
from aihub.analytics.models import (
    Adoption,
    AdoptionAnswer,
    Cohort,
    Engagement,
    EngagementAnswer,
    Executive,
    Filters,
    Financial,
    LiveNumbers,
    Operational,
    Period,
    Projection,
    RollupStatus,
    Satisfaction,
    SatisfactionTrend,
    Tick,
    Usage,
    UsageAnswer,
    UsageRow,
)
from aihub.analytics.periods import of_days, of_times, previous, read_zone, resolve
from aihub.analytics.rollups import Ticker, catch_up, rebuild, settle, status, tick
from aihub.analytics.routes import AnalyticsRoutes
from aihub.analytics.service import get_endpoints, get_total, get_usage, list_sums
from aihub.analytics.stream import LiveStream
from aihub.analytics.tables import to_csv

__all__ = [
    "Adoption",
    "AdoptionAnswer",
    "AnalyticsRoutes",
    "Cohort",
    "Engagement",
    "EngagementAnswer",
    "Executive",
    "Filters",
    "Financial",
    "Live",
    "LiveNumbers",
    "LiveStream",
    "Operational",
    "Period",
    "Projection",
    "RollupStatus",
    "Satisfaction",
    "SatisfactionTrend",
    "Tick",
    "Ticker",
    "TooManyViewers",
    "Usage",
    "UsageAnswer",
    "UsageRow",
    "Watch",
    "catch_up",
    "get_adoption",
    "get_endpoints",
    "get_engagement",
    "get_executive",
    "get_financial",
    "get_live",
    "get_operational",
    "get_retention",
    "get_satisfaction",
    "get_total",
    "get_usage",
    "list_sums",
    "of_days",
    "of_times",
    "previous",
    "read_zone",
    "rebuild",
    "resolve",
    "settle",
    "status",
    "sum_satisfaction",
    "tick",
    "to_csv",
]
