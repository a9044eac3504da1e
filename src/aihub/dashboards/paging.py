"""Newer and older pages of a list whose cursors lead only onward. Pure.

The URL holds the cursor of this page and, in `back`, those of the pages before it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aihub.dashboards.filters import list_url

_SEPARATOR = "."  # in no cursor, which is base64url
_MOST_BACK = 24  # keeps the URL short; further back lies the first page


@dataclass(frozen=True, slots=True)
class PageLinks:
    """Where one can go from here; None: nowhere. `number` counts from 1."""

    newer: str | None
    older: str | None
    first: str | None
    number: int | None


def link_pages(
    values: Mapping[str, str],
    *,
    cursor: str | None,
    back: str | None,
    next_cursor: str | None,
    url: Callable[[Mapping[str, str | None]], str] = list_url,
) -> PageLinks:
    """The links of the page at `cursor`, reached over the pages in `back`. `url` makes the address
    of the list of a filter and page."""
    behind = [c for c in (back or "").split(_SEPARATOR) if c][-_MOST_BACK:]
    older = newer = None
    if next_cursor is not None:
        onward = [*behind, cursor] if cursor else []
        trail = _SEPARATOR.join(onward[-_MOST_BACK:])
        older = url({**values, "cursor": next_cursor, "back": trail})
    if cursor:
        previous = behind[-1] if behind else None
        newer = url({**values, "cursor": previous, "back": _SEPARATOR.join(behind[:-1])})
    number = len(behind) + 2 if cursor else 1
    return PageLinks(
        newer=newer,
        older=older,
        first=url({**values}) if cursor else None,
        number=number if len(behind) < _MOST_BACK else None,
    )
