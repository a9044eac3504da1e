"""What can go wrong with reports."""

from aihub.kit.errors import NotFound


class ReportNotFound(NotFound):
    """No report of this id belongs to the organization."""

    code, title = "report_not_found", "There is no such report"
