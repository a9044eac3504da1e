"""What the roots may import."""

from aihub.monitoring.errors import NotReady
from aihub.monitoring.models import MonitoringOptions, Verdict
from aihub.monitoring.routes import MonitoringRoutes
from aihub.monitoring.service import Monitoring, noting

__all__ = ["Monitoring", "MonitoringOptions", "MonitoringRoutes", "NotReady", "Verdict", "noting"]
