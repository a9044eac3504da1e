"""From a specification to an SVG that a page with a strict policy may hold within itself.

lets-plot writes colours and styles into its SVG; here they become classes, which the page's style
sheet gives their colours. Nothing is left that a policy without `unsafe-inline` would block.
"""

import json
import re
from functools import lru_cache
from importlib.resources import files
from typing import Any, cast
from xml.etree import ElementTree as Tree

from aihub.charts.models import Chart, Drawing
from aihub.charts.specs import clean, to_spec

_KEPT = 512  # drawings; a page that nothing changed costs no drawing
_SVG = "{http://www.w3.org/2000/svg}"
_COLOUR = re.compile(r"rgb\((\d+),\s*(\d+),\s*(\d+)\)")
_LONG = re.compile(r"(\d+\.\d\d)\d+")
_BOUNDS = re.compile(r"\(([\d.]+), ([\d.]+)\), \(([\d.]+), ([\d.]+)\)")
_SHIFT = re.compile(r"translate\(([\d.]+) ([\d.]+)")
_DROPPED = ("style", "clip-bounds-jfx", "buffered-rendering", "fill-rule", "display")
_NAMES = {0: "grid", 1: "text", 2: "ink", 3: "surface"}

Tree.register_namespace("", "http://www.w3.org/2000/svg")


@lru_cache(maxsize=_KEPT)
def draw(chart: Chart) -> Drawing:
    """The chart as a page shows it. Takes 5 to 20 ms the first time; then it is kept."""
    spec = to_spec(chart)
    return Drawing(svg=_to_page(export_svg(spec), chart), spec=json.dumps(spec, ensure_ascii=False))


def export_svg(spec: dict[str, Any]) -> str:
    """What lets-plot makes of a specification, for documents."""
    # 30 ms and 10 MB, which a hub without visitors need not have
    from lets_plot._kbridge import _generate_svg  # type: ignore[import-untyped]  # noqa: PLC0415

    return cast("str", _generate_svg(spec))


def place_links(svg: Tree.Element, chart: Chart, panel: tuple[float, float, float, float]) -> None:
    """Over each slot an invisible column that tells its values, and leads to what is behind it."""
    left, top, width, height = panel
    place = width / len(chart.slots)
    for n, slot in enumerate(chart.slots):
        attributes = {"href": slot.url, "tabindex": "-1"} if slot.url else {}
        holder = Tree.SubElement(svg, f"{_SVG}{'a' if slot.url else 'g'}", attributes)
        Tree.SubElement(holder, f"{_SVG}title").text = _tell(chart, n)
        box = {"x": left + place * n, "y": top, "width": place, "height": height}
        size = {name: f"{number:.2f}" for name, number in box.items()}
        Tree.SubElement(holder, f"{_SVG}rect", {"class": "place", **size})


def _tell(chart: Chart, n: int) -> str:
    words = chart.slots[n].words
    if len(chart.series) == 1:
        return clean(f"{words}: {chart.series[0].texts[n]}")
    lines = [words, *(f"{one.name}: {one.texts[n]}" for one in chart.series)]
    return "\n".join(map(clean, lines))


def _to_page(text: str, chart: Chart) -> str:
    svg = Tree.fromstring(text)  # noqa: S314 - made by our own library a moment ago
    panel = _find_panel(svg)
    for parent in list(svg.iter()):
        for child in list(parent):
            if child.tag in (f"{_SVG}style", f"{_SVG}defs"):
                parent.remove(child)
    for element in svg.iter():
        _make_plain(element)
    width, height = svg.attrib.pop("width"), svg.attrib.pop("height")
    svg.attrib.clear()
    svg.attrib |= {
        "viewBox": f"0 0 {float(width):g} {float(height):g}",
        "class": "plot-svg",
        "aria-hidden": "true",
        "focusable": "false",
    }
    if panel is not None and chart.slots:
        place_links(svg, chart, panel)
    return Tree.tostring(svg, encoding="unicode")


def _find_panel(svg: Tree.Element) -> tuple[float, float, float, float] | None:
    """Left, top, width and height of where the values are drawn."""
    for parent in svg.iter():
        for child in parent:
            found = _BOUNDS.search(child.get("clip-bounds-jfx", ""))
            if found:
                shift = _SHIFT.search(parent.get("transform", ""))
                dx, dy = (float(shift[1]), float(shift[2])) if shift else (0.0, 0.0)
                left, top, width, height = map(float, found.groups())
                return left + dx, top + dy, width, height
    return None


def _make_plain(element: Tree.Element) -> None:
    """No styles, no ids, short numbers, and classes for colours."""
    own = element.attrib
    size = re.search(r"font-size:\s*([\d.]+)px", own.get("style", ""))
    classes = [own["class"]] if "class" in own else []
    for name in (*_DROPPED, "id", "clip-path"):
        own.pop(name, None)
    if size:
        own["font-size"] = f"{float(size[1]):g}"
    for name, letter in (("fill", "f"), ("stroke", "k")):
        found = _COLOUR.fullmatch(own.get(name, ""))
        if found:
            del own[name]
            classes.append(f"{letter}-{_name_colour(*map(int, found.groups()))}")
        if own.get(f"{name}-opacity") == "1.0":
            del own[f"{name}-opacity"]
    if classes:
        own["class"] = " ".join(classes)
    for name, value in own.items():
        own[name] = _LONG.sub(r"\1", value)
    element.text = (element.text or "").strip() or None
    element.tail = None


def _name_colour(red: int, green: int, blue: int) -> str:
    """The class of a placeholder; see specs."""
    if red == 1:
        return f"s{green}{'o' if blue else ''}"
    return _NAMES.get(blue, "ink")


def read_script() -> bytes:
    """lets-plot's script for browsers, 2.9 MB."""
    return files("lets_plot").joinpath("package_data/lets-plot.min.js").read_bytes()
