"""What the checks refuse with."""

from aihub.kit.errors import AppError


class NotReady(AppError):
    """The database answers, and requests cannot be served all the same; `checks` says why."""

    status, code, title = 503, "not_ready", "The hub cannot serve requests"
