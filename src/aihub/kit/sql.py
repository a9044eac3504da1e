"""Named SQL: each slice keeps its queries in `queries.sql` beside its code.

    -- name: get_account(email)^
    select id, password_hash from hub.accounts where email = :email;

The suffix says what comes back: `^` one row or None, `$` one value, `!` a status, none: all rows.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiosql


def load_queries(beside: str, **instead: str) -> Any:
    """The queries of the slice whose module file is `beside` (pass `__file__`).

    `instead`: other words for some, where a query reads from one function or another.
    """
    text = Path(beside).with_name("queries.sql").read_text(encoding="utf-8")
    for word, other in instead.items():
        text = text.replace(word, other)
    return aiosql.from_str(text, "asyncpg")


async def fetch(rows: AsyncIterator[Any]) -> list[Any]:
    """All rows of a query that has no suffix: it gives them one by one."""
    return [row async for row in rows]
