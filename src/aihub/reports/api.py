"""What other slices and the roots may import."""

from aihub.reports.errors import ReportNotFound
from aihub.reports.gathering import adoption, gather, gather_figures, retention
from aihub.reports.models import (
    AdoptionLine,
    BillingLine,
    Change,
    Cohort,
    Content,
    Engagement,
    Figures,
    IntentLine,
    KeptScores,
    Late,
    ModelLine,
    ModuleLine,
    Page,
    Report,
    Satisfaction,
    Span,
    Totals,
    Usage,
)
from aihub.reports.rendering import TABLES, from_json, table_rows, to_csv
from aihub.reports.routes import ReportRoutes
from aihub.reports.rules import span_of
from aihub.reports.service import get_report, list_due, list_late
from aihub.reports.store import get_scores, list_reports
from aihub.reports.working import ENGAGEMENT_DAYS, SCHEDULES, handlers, score_hour

REPORT_TABLES = ("public.ai_reports", "public.ai_engagement_scores", "hub.report_progress")
"""The tables that this slice alone writes."""

__all__ = [
    "ENGAGEMENT_DAYS",
    "REPORT_TABLES",
    "SCHEDULES",
    "TABLES",
    "AdoptionLine",
    "BillingLine",
    "Change",
    "Cohort",
    "Content",
    "Engagement",
    "Figures",
    "IntentLine",
    "KeptScores",
    "Late",
    "ModelLine",
    "ModuleLine",
    "Page",
    "Report",
    "ReportNotFound",
    "ReportRoutes",
    "Satisfaction",
    "Span",
    "Totals",
    "Usage",
    "adoption",
    "from_json",
    "gather",
    "gather_figures",
    "get_report",
    "get_scores",
    "handlers",
    "list_due",
    "list_late",
    "list_reports",
    "retention",
    "score_hour",
    "span_of",
    "table_rows",
    "to_csv",
]
