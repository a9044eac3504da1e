"""What the root mounts."""

from aihub.dashboards.pages import Pages

__all__ = ["Pages"]
