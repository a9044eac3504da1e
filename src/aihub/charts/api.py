"""What other slices may use of charts."""

from aihub.charts.drawing import draw, export_svg, read_script
from aihub.charts.models import MOST_SERIES, Chart, Drawing, Kind, Number, Series, Slot, Tick
from aihub.charts.rules import highest_column, highest_value, plan_ticks, say_in_words
from aihub.charts.specs import to_spec

__all__ = [
    "MOST_SERIES",
    "Chart",
    "Drawing",
    "Kind",
    "Number",
    "Series",
    "Slot",
    "Tick",
    "draw",
    "export_svg",
    "highest_column",
    "highest_value",
    "plan_ticks",
    "read_script",
    "say_in_words",
    "to_spec",
]
