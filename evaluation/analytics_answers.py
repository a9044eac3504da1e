"""Every number of `/v1/analytics`, `/v1/dashboards` and `/v1/realtime` against the raw rows."""

from evaluation.analytics_answer_dashboards import DashboardAnswers
from evaluation.analytics_answer_people import PeopleAnswers
from evaluation.analytics_answer_usage import UsageAnswers


class Answers(UsageAnswers, PeopleAnswers, DashboardAnswers):
    """All that one organization is answered, or an operator."""
