"""What roots and pages may call."""

from aihub.repricing.models import Adjustment, RepriceFilters, RepriceLine, RepriceResult
from aihub.repricing.service import reprice
from aihub.repricing.store import Unpriced, list_adjustments, list_unpriced

__all__ = [
    "Adjustment",
    "RepriceFilters",
    "RepriceLine",
    "RepriceResult",
    "Unpriced",
    "list_adjustments",
    "list_unpriced",
    "reprice",
]
