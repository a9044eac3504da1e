"""Every number of Home, Operations, Finance, Insight and the report pages against the raw rows.

Of a tile its exact value (on hover), what is written of it, what it was before and the change; of a
table its CSV.
"""

from evaluation.analytics_page_finance import Finance
from evaluation.analytics_page_home import Home
from evaluation.analytics_page_insight import Insight
from evaluation.analytics_page_operations import Operations
from evaluation.analytics_page_reports import ReportPages


class Board(Home, Operations, Finance, Insight, ReportPages):
    """All pages of one organization, or of all as an operator sees them, at a moment."""
