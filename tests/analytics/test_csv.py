"""Every table as a file: by name, with its columns also where there is no row."""

import csv
import io
import json
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from ..prices.conftest import Cast
from . import rows
from .conftest import fixture

BOARDS = [
    ("executive", "top_modules_by_usage"),
    ("operational", "p95_response_times"),
    ("operational", "token_usage_by_hour"),
    ("operational", "error_rate_by_endpoint"),
    ("financial", "cost_by_organization"),
]
ANSWERS = ["usage", "satisfaction", "engagement", "adoption", "intents", "retention"]


@fixture
async def filled(cast: Any, connection: Any) -> None:
    """Some calls of now."""
    for module in ("support", "=danger", None):
        await rows.add_call(
            connection, cast.ada.organization, datetime.now(UTC), Random(3), module=module
        )


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if not isinstance(value, dict | list)}


async def _ask(answers: Any, cast: Cast, path: str, **params: str) -> Any:
    headers = {"Authorization": f"Bearer {cast.olga.key}"}
    return await answers.get(f"/v1/{path}", params=params, headers=headers)


@pytest.mark.parametrize(("board", "table"), BOARDS)
async def test_a_table_of_a_dashboard_by_its_name(
    answers, cast, filled, catch_up, board, table
) -> None:
    await catch_up()
    path = f"dashboards/{board}"
    found = json.loads((await _ask(answers, cast, path)).text, parse_float=str)[table]
    reply = await _ask(answers, cast, path, format="csv", table=table)
    assert reply.status_code == 200
    read = list(csv.DictReader(io.StringIO(reply.text)))
    assert len(read) == len(found) > 0
    for row, line in zip(found, read, strict=True):
        for name, value in _flat(row).items():
            assert line[name].removeprefix("'") == ("" if value is None else str(value)), name


async def test_a_table_that_is_not_there_is_named(answers, cast) -> None:
    reply = await _ask(answers, cast, "dashboards/executive", format="csv", table="secrets")
    assert reply.status_code == 422
    assert reply.json()["errors"] == [
        {"field": "table", "message": "is one of top_modules_by_usage"}
    ]


@pytest.mark.parametrize("path", ANSWERS)
async def test_without_rows_the_columns_are_there(answers, cast, path) -> None:
    spans = {} if path == "retention" else {"from": "2001-01-01", "to": "2001-01-02"}
    headers = {"Authorization": f"Bearer {cast.cleo.key}"}
    params = {**spans, "format": "csv"}
    reply = await answers.get(f"/v1/analytics/{path}", params=params, headers=headers)
    assert reply.status_code == 200
    header = next(csv.reader(io.StringIO(reply.text)))
    assert len(header) > 1
    assert all(header)
