"""From a chart to what a page, a document and a browser need of it."""

import json
from importlib.resources import files
from typing import Any, cast

from aihub.charts.models import Chart, Drawing
from aihub.charts.picture import draw_picture
from aihub.charts.specs import to_spec


def draw(chart: Chart) -> Drawing:
    """The chart as a page shows it: nothing is kept, so that nothing old is ever shown."""
    spec = json.dumps(to_spec(chart), ensure_ascii=False, separators=(",", ":"))
    return Drawing(svg=draw_picture(chart), spec=spec)


def export_svg(spec: dict[str, Any]) -> str:
    """What lets-plot makes of a specification, for documents. Takes 5 to 30 ms, during which no
    other thread runs."""
    # 30 ms and 10 MB, which a hub without documents need not have
    from lets_plot._kbridge import _generate_svg  # type: ignore[import-untyped]  # noqa: PLC0415

    return cast("str", _generate_svg(spec))


def read_script() -> bytes:
    """lets-plot's script for browsers, 2.9 MB."""
    return files("lets_plot").joinpath("package_data/lets-plot.min.js").read_bytes()
