"""What can go wrong here."""

from aihub.kit.errors import AppError


class TooManyViewers(AppError):
    """This process already feeds as many live views as it may."""

    status, code, title = 503, "too_many_viewers", "Too many live views are open"

    def __init__(self) -> None:
        super().__init__(
            "Close a live view, or ask GET /v1/realtime instead.", headers={"Retry-After": "10"}
        )
