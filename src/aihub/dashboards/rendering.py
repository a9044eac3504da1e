"""Templates to answers: one strict Jinja environment, with our formats as filters."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from aihub.dashboards import formats, price_links
from aihub.dashboards.security import PAGE_HEADERS
from aihub.dashboards.static_files import StaticFiles
from aihub.dashboards.table_html import TableWriter
from aihub.dashboards.visits import Visit

THEME_COOKIE = "aihub_theme"
_THEMES = ("light", "dark")
_TURNING = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)], "\ufffd")


class Renderer:
    """Renders the pages; safe to use from many requests."""

    def __init__(self, static: StaticFiles) -> None:
        self._environment = Environment(
            loader=PackageLoader("aihub.dashboards"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= {
            "money": format_money_element,
            "number": format_number_element,
            "exact_money": formats.format_exact_money,
            "exact_number": formats.format_exact_number,
            "score": formats.format_score,
            "percent_of": formats.format_percent,
            "duration": formats.format_duration,
            "pretty_json": format_json,
            "controls_shown": show_controls,
            "bdi": isolate,
            "drawing": Markup,  # made by aihub.charts
            "attribute": write_attribute,
            **price_links.FILTERS,
        }
        self._environment.globals |= {"static": static.url, "none_sign": formats.NONE}
        icons: Any = self._environment.get_template("icons.html").module
        tables = TableWriter(show_controls, lru_cache(maxsize=4_096)(icons.change_badge))
        self._environment.filters |= {
            "table_body": tables.body, "all_rows": tables.all, "table_foot": tables.foot
        }  # fmt: skip

    def page(
        self,
        request: Request,
        template: str,
        context: Mapping[str, Any],
        *,
        visit: Visit | None = None,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """The page as an answer. With a `visit`, the frame shows who and where."""
        theme = request.cookies.get(THEME_COOKIE)
        html = self._environment.get_template(template).render(
            **context,
            visit=visit,
            path=request.url.path,
            theme=theme if theme in _THEMES else None,
            at=_TimeElement(visit),
        )
        return Response(
            html,
            status,
            headers={**PAGE_HEADERS, **(headers or {})},
            media_type="text/html",
        )


class _TimeElement:
    """`at(moment)` in a template: short, in the organization's zone, with UTC on hover."""

    def __init__(self, visit: Visit | None) -> None:
        self._visit = visit

    def __call__(self, moment: datetime, *, full: bool = False) -> Markup:
        local = moment if self._visit is None else self._visit.local(moment)
        now = local if self._visit is None else self._visit.local(self._visit.now)
        shown = formats.format_full_time(local) if full else formats.format_time(local, now=now)
        return Markup('<time datetime="{}" title="{}">{}</time>').format(
            moment.astimezone(UTC).isoformat(timespec="milliseconds"),
            formats.format_utc(moment),
            shown,
        )


def format_money_element(amount: Decimal | None) -> str | Markup:
    """Short, with the exact amount on hover where it differs."""
    return _with_exact(formats.format_money(amount), formats.format_exact_money(amount))


def format_number_element(number: int | None) -> str | Markup:
    """Short, with the exact number on hover where it differs."""
    return _with_exact(formats.format_number(number), formats.format_exact_number(number))


def _with_exact(short: str, exact: str) -> str | Markup:
    if short == exact:
        return short
    return Markup('<span title="{}">{}</span>').format(exact, short)


def write_attribute(text: str) -> Markup:
    """Long text as an attribute with its quotes: JSON is a third longer when all of its own are
    escaped."""
    safe = text.replace("&", "&amp;").replace("'", "&#39;").replace("<", "&lt;")
    return Markup(f"'{safe}'")  # noqa: S704 - escaped for single quotes


def isolate(text: object) -> Markup:
    """Text of any direction within a line of ours, which it cannot turn around."""
    return Markup("<bdi>{}</bdi>").format(show_controls(text))


def show_controls(text: object) -> str:
    """The signs that turn text around made visible: an unclosed one would reach beyond a <bdi>."""
    return str(text).translate(_TURNING)


def format_json(text: str | None) -> str:
    """JSON text over several lines, in its own order and with its own numbers."""
    if not text:
        return ""
    try:
        return msgspec.json.format(text, indent=2)
    except msgspec.DecodeError:
        return text
