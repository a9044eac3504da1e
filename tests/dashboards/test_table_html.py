"""Cells as HTML: nothing of what callers stored is markup, nor turns the text around."""

from dataclasses import replace
from xml.etree import ElementTree as Tree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aihub.dashboards.panels import Cell, Column, Table
from aihub.dashboards.rendering import show_controls
from aihub.dashboards.rules import Change
from aihub.dashboards.table_html import TableWriter

HOSTILE = '<script>alert("x")</script> & \u202eevil\u2066'
WRITER = TableWriter(show_controls, lambda change: f"<b>{change.amount}</b>")
TABLE = Table("t", "T", (Column("Name", "name", is_number=False), Column("N", "n")), (), "none")


def write(*rows):
    return str(WRITER.all(replace(TABLE, rows=rows)))


@pytest.mark.parametrize("part", ["shown", "exact", "url", "note"])
def test_hostile_text_is_escaped_in_every_part(part):
    html = write((replace(Cell("x", "x", url="/x"), **{part: HOSTILE}), Cell(1, "1")))
    assert "<script" not in html
    assert part == "url" or not {"\u202e", "\u2066"} & set(html)
    Tree.fromstring(f"<table>{html}</table>")


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\uffff\ufffe")))
def test_any_name_is_shown_as_it_is(name):
    row = Tree.fromstring(f"<table>{write((Cell(name, name), Cell(1, '1')))}</table>")
    assert "".join(row.find("tr/th").itertext()) == show_controls(name)


def test_a_number_has_its_exact_one_on_hover_its_change_and_its_marks():
    change = Change(12, "up", "better")
    cell = Cell(12345, "12.3k", "12,345", note="of all", is_bad=True, level=3, change=change)
    html = write((Cell("a", "a", url="/a?b=1&c=2", width="40.0"), cell))
    assert '<td class="num is-bad heat heat-3"><span title="12,345">12.3k</span> <b>12%</b>' in html
    assert '<span class="tile-note">of all</span></td>' in html
    assert '<a href="/a?b=1&amp;c=2">a</a>' in html
    assert 'class="bar" width="40.0"' in html


def test_a_page_shows_the_first_rows_and_the_foot():
    rows = tuple((Cell(n, str(n)), Cell(n, str(n))) for n in range(20))
    table = replace(TABLE, rows=rows, most=5, foot=(Cell(None, "Together"), Cell(190, "190")))
    assert str(WRITER.body(table)).count("<tr>") == 5
    assert str(WRITER.all(table)).count("<tr>") == 20
    assert "Together" in str(WRITER.foot(table))
