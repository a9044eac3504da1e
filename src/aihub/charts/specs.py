"""From a chart to the specification that lets-plot draws, with the one theme. Pure.

Colours are placeholders: the server makes classes of them, the browser the colours of its theme,
and a document its own. So one specification serves light, dark and paper.
"""

from typing import Any

from aihub.charts.models import Chart
from aihub.charts.rules import choose_labels

WIDTH, HEIGHT = 560, 200
COLUMN_WIDTH = 0.72
HEADROOM = 1.04  # above the highest line across
_LINE_SIZE = 1.1
TEXT_SIZE = 11
_MOST_IN_LINE = 30
GRID, TEXT, INK, SURFACE = "#020000", "#020001", "#020002", "#020003"
DASHES = ("solid", "dashed", "dotted", "longdash", "dotdash", "twodash")
# what XML cannot hold, and what turns text around
_RANGES = ((0x00, 0x20), (0x7F, 0x80), (0xD800, 0xE000), (0xFFFE, 0x10000), (0x202A, 0x202F),
           (0x2066, 0x206A))  # fmt: skip
_UNWANTED = dict.fromkeys((sign for ends in _RANGES for sign in range(*ends)), "\ufffd")


def colour_of(series: int, *, is_open: bool = False) -> str:
    """The placeholder of a series; paler for a slot that is not over."""
    return f"#01{series:02x}{int(is_open):02x}"


def to_spec(chart: Chart) -> dict[str, Any]:
    """What lets-plot draws."""
    count = len(chart.slots)
    named = choose_labels(count)
    top = float(max(tick.at for tick in chart.ticks))
    return {
        "kind": "plot",
        "data": {},
        "mapping": {},
        "ggsize": {"width": WIDTH, "height": HEIGHT},
        "theme": _theme(),
        "layers": _columns(chart) if chart.kind == "columns" else _lines(chart),
        "scales": [
            {
                "aesthetic": "x",
                "breaks": named,
                "labels": [clean(chart.slots[n].label) for n in named],
                "limits": [-0.5, count - 0.5],
                "expand": [0, 0],
            },
            {
                "aesthetic": "y",
                "breaks": [float(tick.at) for tick in chart.ticks],
                "labels": [tick.label for tick in chart.ticks],
                "limits": [0, top * HEADROOM],
                "expand": [0, 0],
            },
            *_series_scales(chart),
        ],
        "metainfo_list": [],
    }


def clean(text: str) -> str:
    """Text that may stand in a picture: nothing XML forbids, nothing that turns text around."""
    return text if text.isascii() and text.isprintable() else text.translate(_UNWANTED)


def _theme() -> dict[str, Any]:
    text = {"color": TEXT, "size": TEXT_SIZE, "blank": False}
    return {
        **dict.fromkeys(
            ("plot_background", "panel_background", "panel_border", "panel_grid_minor", "axis_line",
             "panel_grid_major_x", "axis_ticks", "axis_title", "axis_tooltip"),
            "blank",
        ),
        "axis_text": text,
        "axis_text_x": {**text, "angle": 0},
        "panel_grid_major_y": {"color": GRID, "size": 0.8, "blank": False},
        "legend_position": "none",
        "plot_margin": [4, 14, 2, 0],
        "plot_inset": 0,
        "tooltip": {"fill": SURFACE, "color": GRID, "size": 1, "blank": False},
        "tooltip_text": {"color": INK, "size": 12, "blank": False},
        "tooltip_title_text": {"color": INK, "size": 12, "blank": False},
    }  # fmt: skip


def _series_scales(chart: Chart) -> list[dict[str, Any]]:
    count = len(chart.series)
    limits = [str(n) for n in range(1, count + 1)] + [f"{n}o" for n in range(1, count + 1)]
    tones = [series.tone or n for n, series in enumerate(chart.series, 1)]
    colours = [colour_of(tone) for tone in tones]
    colours += [colour_of(tone, is_open=True) for tone in tones]
    scales: list[dict[str, Any]] = [
        {"aesthetic": name, "values": colours, "limits": limits, "guide": "none"}
        for name in ("fill", "color")
    ]
    if chart.kind == "lines":
        dashes = [*DASHES[:count], *DASHES[:count]]
        scales.append(
            {"aesthetic": "linetype", "values": dashes, "limits": limits, "guide": "none"}
        )
    return scales


def _columns(chart: Chart) -> list[dict[str, Any]]:
    rows = _rows(chart)
    layer = _layer("bar", rows, {"fill": "series"}, has_names=len(chart.series) > 1)
    return [{**layer, "stat": "identity", "width": COLUMN_WIDTH, "size": 0}]


def _lines(chart: Chart) -> list[dict[str, Any]]:
    layers = [_band(chart)] if chart.lows else []
    rows = _rows(chart, marks_open=False)
    mapping = {"color": "series", "linetype": "series"}
    has_names = len(chart.series) > 1
    line = _layer("line", rows, mapping, has_names=has_names)
    point = _layer("point", rows, {"color": "series"}, has_names=has_names)
    layers += [{**line, "size": _LINE_SIZE}, {**point, "size": 1.6, "tooltips": "none"}]
    return layers


def _band(chart: Chart) -> dict[str, Any]:
    rows = [
        (n, float(low), float(high))
        for n, (low, high) in enumerate(zip(chart.lows, chart.highs, strict=True))
        if low is not None and high is not None
    ]
    return {
        "geom": "ribbon",
        "data": {
            "x": [n for n, _, _ in rows],
            "low": [low for _, low, _ in rows],
            "high": [high for _, _, high in rows],
        },
        "mapping": {"x": "x", "ymin": "low", "ymax": "high"},
        "fill": colour_of(chart.series[-1].tone or len(chart.series)),
        "alpha": 0.16,
        "size": 0,
        "tooltips": "none",
        "data_meta": {},
    }


Row = tuple[int, float, str, str, str, str]
_COLUMNS = ("x", "y", "series", "when", "name", "value")


def _rows(chart: Chart, *, marks_open: bool = True) -> list[Row]:
    """Only what there is: a series without a value in a slot has no row there."""
    return [
        (n, float(value), str(number) + ("o" if marks_open and slot.is_open else ""),
         _fit(slot.words), _fit(series.name), _fit(series.texts[n]))
        for number, series in enumerate(chart.series, 1)
        for n, (slot, value) in enumerate(zip(chart.slots, series.values, strict=True))
        if value is not None
    ]  # fmt: skip


def _fit(text: str) -> str:
    """A line of a tooltip: lets-plot.js fails on those that it would have to break."""
    kept = clean(text)
    return kept if len(kept) <= _MOST_IN_LINE else f"{kept[: _MOST_IN_LINE - 1]}…"


def _layer(
    geom: str, rows: list[Row], mapping: dict[str, str], *, has_names: bool
) -> dict[str, Any]:
    columns = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in _COLUMNS]
    lines = ["@when", *(["@name"] if has_names else []), "@value"]
    return {
        "geom": geom,
        "data": dict(zip(_COLUMNS, columns, strict=True)),
        "mapping": {"x": "x", "y": "y", **mapping},
        "tooltips": {"formats": [], "lines": lines},
        "data_meta": {},
    }
