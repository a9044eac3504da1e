"""What pages for those who operate the hub share."""

from uuid import UUID

from aihub.dashboards.visits import Visit
from aihub.kit.errors import Forbidden


def require_operator(visit: Visit) -> None:
    """Raises Forbidden for anybody else."""
    if not visit.principal.is_operator:
        raise Forbidden("This page is for those who operate the hub.")


def read_uuid(text: str) -> UUID | None:
    """The id in an address; None when it is none."""
    try:
        return UUID(text)
    except ValueError:
        return None
