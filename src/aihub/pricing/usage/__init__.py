"""Providers' usage objects, measured: one small module for each shape, and our own form."""

from aihub.pricing.usage.measuring import measure_others, measure_usage
from aihub.pricing.usage.own import show_usage

__all__ = ["measure_others", "measure_usage", "show_usage"]
