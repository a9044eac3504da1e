import re
from datetime import UTC, datetime, timedelta

import httpx
import jwt
import pytest
from starlette.applications import Starlette

from aihub.charts.api import read_script
from aihub.dashboards.api import Pages
from aihub.dashboards.security import local_path
from aihub.identity import api as identities
from aihub.kit.db import Database, DatabaseOptions

from .conftest import PASSWORD, SECRET, Browser

ORIGIN = {"Origin": "http://hub.test"}
LOGIN = {"email": "ada@hub.test", "password": PASSWORD}
POSTS = ["/sign-in", "/sign-out", "/organization", "/sign-in/link/abc"]


@pytest.mark.parametrize(
    ("given", "path"),
    [
        (None, "/"),
        ("", "/"),
        ("/conversations?a=b#c", "/conversations?a=b#c"),
        ("https://evil.test/", "/"),
        ("//evil.test", "/"),
        ("/\\evil.test", "/"),
        ("/a\\b", "/"),
        ("/\t/evil.test", "/"),
        ("/a\nb", "/"),
        ("evil", "/"),
        ("javascript:alert(1)", "/"),
    ],
)
def test_only_paths_of_the_hub_are_followed(given, path):
    assert local_path(given) == path


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://evil.test"},
        {"Origin": "null"},
        {"Origin": "http://hub.test.evil.test"},
        {"Sec-Fetch-Site": "cross-site", **ORIGIN},
        {"Sec-Fetch-Site": "same-site", **ORIGIN},
        {"Sec-Fetch-Site": "none", **ORIGIN},
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://evil.test"},
    ],
)
async def test_a_form_of_another_site_is_refused(nobody, path, headers):
    answer = await nobody.post(path, data=LOGIN, headers=headers)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("headers", [ORIGIN, {"Sec-Fetch-Site": "same-origin"}])
async def test_a_form_of_the_hub_signs_in(nobody, headers):
    answer = await nobody.post(
        "/sign-in", data={**LOGIN, "next": "/conversations?a=b"}, headers=headers
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/conversations?a=b")
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith("aihub_session=")
    assert {"httponly", "path=/", "samesite=lax"} <= {p.strip() for p in cookie.split(";")}
    assert "secure" not in cookie


async def test_the_cookie_is_secure_over_https(db, identity, world):
    pages = Pages(db, identity, public_url="https://hub.example")
    transport = httpx.ASGITransport(Starlette(routes=pages.routes()))
    async with httpx.AsyncClient(transport=transport, base_url="http://10.0.0.1:8080") as client:
        answer = await client.post(
            "/sign-in", data=LOGIN, headers={"Origin": "https://hub.example"}
        )
    assert answer.status_code == 303
    assert "secure" in answer.headers["set-cookie"].lower()


async def test_nobody_signed_in_is_led_to_the_form_and_back(nobody):
    answer = await nobody.get("/conversations?status=active")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=%2Fconversations%3Fstatus%3Dactive"
    form = await nobody.get(answer.headers["location"])
    assert 'name="next" value="/conversations?status=active"' in form.text
    evil = await nobody.send_form("/sign-in", **LOGIN, next="https://evil.test")
    assert evil.headers["location"] == "/"


@pytest.mark.parametrize(
    "fields",
    [
        {"email": "ada@hub.test", "password": "wrong"},
        {"email": "ada@hub.test", "password": ""},
        {"email": "<b>", "password": "x"},
        {"with": "token", "token": "not.a.token"},
        {"with": "token", "token": ""},
    ],
)
async def test_what_is_wrong_is_told_above_the_form(nobody, check, fields):
    answer = await nobody.send_form("/sign-in", **fields)
    assert answer.status_code in (401, 422)
    assert 'role="alert"' in answer.text
    assert check(answer.text) == []
    assert "set-cookie" not in answer.headers
    assert fields.get("password") not in ("wrong",) or "wrong" not in answer.text.split("alert")[0]


async def test_a_supabase_token_signs_in(nobody, db, world):
    async with db.read() as connection:
        account = await connection.fetchval(
            "select id from hub.accounts where email = 'cleo@hub.test'"
        )
    token = jwt.encode(
        {
            "sub": str(account),
            "aud": "authenticated",
            "email": "cleo@hub.test",
            "exp": datetime.now(UTC) + timedelta(hours=1),
        },
        SECRET,
        "HS256",
    )
    answer = await nobody.send_form("/sign-in", **{"with": "token", "token": token})
    assert answer.status_code == 303, answer.text
    assert "Stranger" in (await nobody.get("/")).text


async def test_a_link_signs_in_once_by_its_button_alone(nobody, db, check):
    async with db.write() as connection:
        account = await connection.fetchval(
            "select id from hub.accounts where email = 'nils@hub.test'"
        )
        token = await identities.create_sign_in_link(connection, account)
    for _ in range(2):  # scanners only look
        page = await nobody.get(f"/sign-in/link/{token}")
        assert page.status_code == 200
        assert check(page.text) == []
    assert (await nobody.send_form(f"/sign-in/link/{token}")).status_code == 303
    assert (await nobody.get("/")).status_code == 200
    again = await nobody.send_form(f"/sign-in/link/{token}")
    assert again.status_code == 401
    assert "used already" in again.text


async def test_signing_out_ends_the_session(ada):
    token = ada.cookies["aihub_session"]
    answer = await ada.send_form("/sign-out")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    ada.cookies.clear()
    ada.cookies.set("aihub_session", token)
    assert (await ada.get("/")).status_code == 303


async def test_another_organization_is_viewed_only_by_its_members(ada, nobody):
    assert "Kumo Shop" in (await ada.get("/")).text
    answer = await ada.send_form("/organization", organization="stranger")
    assert answer.status_code == 404
    assert "Northwind Travel</bdi></h1>" in (await ada.get("/")).text
    await ada.view("kumo-shop")
    assert "Kumo Shop</bdi></h1>" in (await ada.get("/")).text


async def test_an_operator_chooses_first(nobody, check):
    await nobody.sign_in("olga")
    page = await nobody.get("/conversations")
    assert "Choose an organization" in page.text
    assert check(page.text) == []
    await nobody.view("stranger")
    assert "Stranger" in (await nobody.get("/")).text


async def test_foreign_and_missing_conversations_look_the_same(ada, world):
    foreign = await ada.get(f"/conversations/{world.conversations['foreign']}")
    assert foreign.status_code == 404
    for missing in (
        "0193a000-0000-7000-8000-000000000000",
        "ffffffff-ffff-7fff-bfff-ffffffffffff",
        "not-an-id",
    ):
        answer = await ada.get(f"/conversations/{missing}")
        assert (answer.status_code, answer.text) == (404, foreign.text)
    assert "a secret of the stranger" not in foreign.text


@pytest.mark.parametrize(
    "path", ["/", "/conversations", "/sign-in", "/conversations/x", "/sign-out"]
)
async def test_every_answer_has_the_headers(ada, path):
    answer = await (ada.post(path) if path == "/sign-out" else ada.get(path))
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"


async def test_static_files_last_for_ever_under_their_own_url(nobody):
    page = (await nobody.get("/sign-in")).text
    for name, kind in (
        ("app.css", "text/css"),
        ("app.js", "text/javascript"),
        ("icon.svg", "image/svg"),
    ):
        url = next(w for w in page.split('"') if w.endswith(name))
        answer = await nobody.get(url)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith(kind)
        assert "immutable" in answer.headers["cache-control"]
        assert (await nobody.get(f"/static/0123456789abcdef/{name}")).status_code == 404
    folder = url.rpartition("/")[0]
    assert (await nobody.get(f"{folder}/..%2Fpages.py")).status_code == 404


async def test_a_database_that_is_away_is_told_with_a_way_back(world, check):
    db = Database(lambda: world.dsn, DatabaseOptions(min_size=1, max_size=1))
    await db.open()
    await db.close()
    identity = identities.Identity(db, identities.IdentityOptions())
    transport = httpx.ASGITransport(Starlette(routes=Pages(db, identity).routes()))
    async with Browser(transport=transport, base_url="http://hub.test") as client:
        client.cookies.set("aihub_session", "x" * 43)
        answer = await client.get("/conversations?status=active")
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        assert 'href="/conversations?status=active">Try again' in answer.text
        assert check(answer.text) == []
        form = await client.send_form("/sign-in", **LOGIN)
        assert form.status_code == 503


async def test_the_charts_library_is_ours_packed_and_kept(nobody):
    text = (await nobody.get("/sign-in")).text
    url = re.search(r"/static/[0-9a-f]{16}/", text)[0]
    packed = await nobody.get(f"{url}lets-plot.min.js", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "immutable" in packed.headers["cache-control"]
    plain = await nobody.get(f"{url}lets-plot.min.js", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == packed.content == read_script()
    other = url.replace(url[8:24], "0" * 16)
    assert (await nobody.get(f"{other}lets-plot.min.js")).status_code == 404
