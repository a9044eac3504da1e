"""`GET /v1/reports`."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from . import making
from .conftest import create_organization
from .test_jobs import run_all

NOW = datetime.now(UTC)


@pytest.fixture
async def web(db: Any, connection: Any, open_web: Any) -> Any:
    """Two organizations with a few days each."""
    made = {
        name: await create_organization(connection, name, created_at=NOW - timedelta(days=5))
        for name in ("acme", "other")
    }
    life = making.live(made["acme"], [uuid4()], NOW - timedelta(days=5), NOW, seed=2, n=80)
    await making.store(connection, life)
    await run_all(db, "reports.due")
    return await open_web(**made)


async def test_reports_are_listed(web: Any) -> None:
    found = (await web("", by="acme")).json()
    days = [item["day"] for item in found["items"]]
    assert len(days) in (5, 6)  # midnight may have passed
    assert days == sorted(days, reverse=True)
    first = found["items"][0]
    assert (first["version"], first["is_latest"], first["timezone"]) == (1, True, "UTC")
    assert first["due_at"].endswith("T06:00:00Z")
    page, seen = "", []
    for _ in range(5):
        answer = (await web(f"?limit=2{page}", by="acme")).json()
        seen += [item["id"] for item in answer["items"]]
        if answer["next_cursor"] is None:
            break
        page = f"&cursor={answer['next_cursor']}"
    assert seen == [item["id"] for item in found["items"]]
    some = (await web(f"?from={days[3]}&to={days[1]}&versions=all", by="acme")).json()
    assert [item["day"] for item in some["items"]] == days[1:4]


async def test_a_report_as_json_and_csv(web: Any) -> None:
    item = (await web("", by="acme")).json()["items"][1]
    answer = await web(f"/{item['id']}", by="acme")
    assert answer.headers["content-type"] == "application/json"
    whole = answer.json()
    assert {k: whole[k] for k in item} == item
    assert whole["content"]["totals"]["calls"] > 0
    for how in ({"params": {"format": "csv"}}, {"headers": {"Accept": "text/csv"}}):
        answer = await web(f"/{item['id']}", by="acme", **how)
        assert answer.headers["content-type"].startswith("text/csv")
        assert f"report-{item['day']}-v1.csv" in answer.headers["content-disposition"]
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        calls = next(r for r in rows if (r["section"], r["figure"]) == ("totals", "calls"))
        assert calls["value"] == str(whole["content"]["totals"]["calls"])
    answer = await web(f"/{item['id']}?format=csv&table=models", by="acme")
    assert answer.text.startswith("provider,model,")


async def test_whose_it_is(web: Any) -> None:
    item = (await web("", by="acme")).json()["items"][0]
    for by, headers, status in (
        ("other", {}, 404),
        ("operator", {}, 422),
        ("operator", {"X-Organization-Id": "acme"}, 200),
        ("operator", {"X-Organization-Id": "other"}, 404),
    ):
        answer = await web(f"/{item['id']}", by=by, headers=headers)
        assert answer.status_code == status, (by, headers)
    assert (await web(f"/{uuid4()}", by="acme")).json()["code"] == "report_not_found"


@pytest.mark.parametrize(
    "path",
    ["?from=yesterday", "?limit=0", "?cursor=x", "?other=1", "/no-id", "/{id}?table=models",
     "/{id}?format=pdf", "/{id}?format=csv&table=secrets"],
)  # fmt: skip
async def test_what_is_refused(web: Any, path: str) -> None:
    item = (await web("", by="acme")).json()["items"][0]
    assert (await web(path.replace("{id}", item["id"]), by="acme")).status_code == 422
