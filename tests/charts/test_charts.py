"""Charts: round ticks, a specification without colours, an SVG for a strict policy."""

import json
import re
from decimal import Decimal
from xml.etree import ElementTree as Tree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihub.charts.api import (
    Chart,
    Series,
    Slot,
    draw,
    export_svg,
    highest_column,
    highest_value,
    plan_ticks,
    read_script,
    to_spec,
)
from aihub.charts.rules import choose_labels
from aihub.charts.specs import clean

SVG = "{http://www.w3.org/2000/svg}"


def chart(kind="columns", *, name="gpt-4o", texts=("$1", "$2.5", "$3"), **more):
    slots = tuple(Slot(f"{n} Nov", f"Mon {n} Nov", f"/calls?day={n}&x=1") for n in (1, 2, 3))
    series = (
        Series(name, (Decimal(1), Decimal("2.5"), Decimal(3)), texts),
        Series("other", (2, None, 4), ("2", "–", "4")),
    )
    ticks = plan_ticks(7, lambda at: f"${at:f}")
    return Chart(kind, slots, series, ticks, **more)


@pytest.mark.parametrize(
    ("most", "is_whole", "ticks"),
    [
        (0, False, [0, 1]),
        (1, True, [0, 1]),
        (3, True, [0, 1, 2, 3]),
        (7, True, [0, 2, 4, 6, 8]),
        (104, False, [0, 50, 100, 150]),
        (Decimal("0.0000043"), False, ["0", "0.000002", "0.000004", "0.000006"]),
        (Decimal("1234567"), True, [0, 500_000, 1_000_000, 1_500_000]),
    ],
)
def test_ticks_are_round(most, is_whole, ticks):
    planned = plan_ticks(most, str, is_whole=is_whole)
    assert [tick.at for tick in planned] == [Decimal(at) for at in ticks]


@given(st.decimals(min_value=0, max_value=10**15, places=12), st.booleans())
def test_ticks_reach_over_the_greatest_value_and_are_few(most, is_whole):
    ticks = plan_ticks(most, str, is_whole=is_whole)
    assert ticks[0].at == 0
    assert ticks[-1].at >= most
    assert 2 <= len(ticks) <= 6
    assert ticks[-2].at <= most or len(ticks) == 2


@given(st.integers(min_value=1, max_value=400), st.integers(min_value=2, max_value=8))
def test_few_slots_are_named_and_the_last_among_them(count, most):
    named = choose_labels(count, most=most)
    assert len(named) <= most
    assert named[-1] == count - 1
    assert named == sorted(set(named))
    assert named[0] >= 0


def test_the_greatest_of_stacks_and_of_lines():
    series = chart().series
    assert highest_column(series) == Decimal(7)
    assert highest_value(one.values for one in series) == Decimal(4)
    assert highest_column(()) == highest_value(()) == 0


@pytest.mark.parametrize("kind", ["columns", "lines"])
def test_a_page_with_a_strict_policy_may_hold_the_svg(kind):
    drawn = draw(chart(kind))
    root = Tree.fromstring(drawn.svg)
    for element in root.iter():
        assert element.tag not in (f"{SVG}style", f"{SVG}script", f"{SVG}foreignObject")
        assert not [n for n in element.attrib if n == "style" or n.startswith("on") or n == "id"]
        assert not any("rgb(" in value or "url(" in value for value in element.attrib.values())
    assert root.get("viewBox") == "0 0 560 200"
    texts = [e.text or "".join(e.itertext()) for e in root.iter(f"{SVG}text")]
    assert {"1 Nov", "2 Nov", "3 Nov", "$0", "$2", "$8"} <= {t.strip() for t in texts}


def test_each_slot_tells_its_exact_values_and_leads_on():
    root = Tree.fromstring(draw(chart()).svg)
    links = root.findall(f"{SVG}a")
    assert [link.get("href") for link in links] == [f"/calls?day={n}&x=1" for n in (1, 2, 3)]
    assert links[1].findtext(f"{SVG}title") == "Mon 2 Nov\ngpt-4o: $2.5\nother: –"
    boxes = [link.find(f"{SVG}rect").attrib for link in links]
    ends = [float(box["x"]) + float(box["width"]) for box in boxes]
    assert [float(box["x"]) for box in boxes[1:]] == pytest.approx(ends[:-1], abs=0.02)
    assert ends[-1] <= 560


def test_columns_are_as_high_as_their_values():
    root = Tree.fromstring(draw(chart()).svg)
    first = [e for e in root.iter(f"{SVG}rect") if "f-s1" in e.get("class", "").split()]
    heights = sorted(float(e.get("height")) for e in first)
    assert heights[1] / heights[0] == pytest.approx(2.5, rel=0.01)
    assert heights[2] / heights[0] == pytest.approx(3, rel=0.01)


def test_an_open_slot_is_paler():
    whole = chart()
    last = Slot("today", "Mon 3 Nov", None, is_open=True)
    svg = draw(Chart("columns", (*whole.slots[:2], last), whole.series, whole.ticks)).svg
    assert svg.count("f-s1o") == 1
    assert svg.count('"f-s1') == 3


def test_the_specification_has_placeholders_for_colours_and_exact_words():
    drawn = draw(chart())
    spec = json.loads(drawn.spec)
    colours = set(re.findall(r"#[0-9a-f]{6}", drawn.spec))
    assert colours
    assert all(re.fullmatch(r"#0[12][0-9a-f]{4}", colour) for colour in colours)
    data = spec["layers"][0]["data"]
    assert data["when"][:2] == ["Mon 1 Nov", "Mon 2 Nov"]
    assert data["name"] == ["gpt-4o"] * 3 + ["other"] * 2  # what has no value is not there
    assert data["value"] == ["$1", "$2.5", "$3", "2", "4"]


@given(st.text(max_size=80))
def test_no_line_of_a_tooltip_has_to_be_broken(name):
    data = to_spec(chart(name=name, texts=(name, name, name)))["layers"][0]["data"]
    assert all(len(line) <= 30 for part in ("when", "name", "value") for line in data[part])


def test_a_band_lies_behind_the_line():
    spec = to_spec(chart("lines", lows=(0, 1, 2), highs=(2, None, 4)))
    band, line, _points = spec["layers"]
    assert band["data"] == {"x": [0, 2], "low": [0.0, 2.0], "high": [2.0, 4.0]}
    assert line["geom"] == "line"


@given(st.text(max_size=40))
def test_any_name_can_be_drawn(name):
    svg = draw(chart(name=name, texts=(name, name, name))).svg
    root = Tree.fromstring(svg)
    title = root.find(f"{SVG}a").findtext(f"{SVG}title")
    assert clean(name).replace("\r", "\n") in title.replace("\r", "\n")


def test_a_line_is_broken_where_there_is_no_value_and_a_band_where_it_has_no_end():
    whole = chart("lines", lows=(0, None, 2), highs=(2, 3, 4))
    root = Tree.fromstring(draw(whole).svg)
    paths = [e.attrib for e in root.iter(f"{SVG}path")]
    band = next(p["d"] for p in paths if "fill-opacity" in p)
    assert band.count("M") == band.count("Z") == 2
    first, second = (p["d"] for p in paths if p.get("fill") == "none")
    assert (first.count("M"), first.count("L")) == (1, 2)
    assert (second.count("M"), second.count("L")) == (2, 0)


def test_the_picture_has_the_bounds_of_the_specification():
    """Values stand where lets-plot would put them: the same share of the way up."""
    whole = chart()
    root = Tree.fromstring(draw(whole).svg)
    bottom, top = (
        next(float(e.get("y")) for e in root.iter(f"{SVG}text") if e.text == label)
        for label in ("$0", "$8")
    )
    bars = [e for e in root.iter(f"{SVG}rect") if e.get("class") == "f-s1"]
    assert float(bars[0].get("height")) / (bottom - top) == pytest.approx(1 / 8, rel=0.01)


def test_documents_have_what_lets_plot_draws():
    svg = export_svg(to_spec(chart()))
    assert svg.startswith("<svg")
    assert "$8" in svg


def test_series_that_do_not_fit_are_refused():
    whole = chart()
    with pytest.raises(ValueError, match="one value for each slot"):
        Chart("columns", whole.slots[:2], whole.series, whole.ticks)
    with pytest.raises(ValueError, match="told apart"):
        Chart("columns", whole.slots, whole.series * 4, whole.ticks)


def test_the_script_for_browsers_comes_with_the_library():
    assert b"buildPlotFromRawSpecs" in read_script()
