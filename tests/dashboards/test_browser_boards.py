"""The dashboards in a real Chromium: charts come alive, tiles move, nothing is too wide."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import asyncpg
import pytest
import uvicorn
from starlette.applications import Starlette

from aihub.analytics import api as analytics
from aihub.dashboards.api import Pages
from aihub.identity import api as identities
from aihub.kit.db import Database, DatabaseOptions

from . import sample
from .test_browser import CONTRAST, WIDTHS, ada, chromium, page, pages_wider_than

__all__ = ["ada", "chromium", "page"]

pytestmark = pytest.mark.browser
PATHS = ("/operations", "/finance?period=30d", "/insight?period=90d", "/reports", "/")


@pytest.fixture(scope="module")
def address(world) -> Iterator[str]:
    """The pages with the live numbers behind them, served for real in a thread of their own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(
        uvicorn.Config(_app(world.dsn), port=port, log_level="warning", timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 15
    while not server.started:
        assert time.monotonic() < deadline, "the pages did not come up"
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


def _app(dsn: str) -> Starlette:
    db = Database(lambda: dsn, DatabaseOptions(min_size=1, max_size=6))
    identity = identities.Identity(db, identities.IdentityOptions())
    live, ticker = analytics.Live(db), analytics.Ticker(db)

    async def tick() -> None:
        while True:
            await ticker.step()
            await asyncio.sleep(0.25)

    @asynccontextmanager
    async def lifespan(_app):
        await db.open()
        await live.start()
        ticking = asyncio.create_task(tick())
        yield
        ticking.cancel()
        await asyncio.gather(ticking, return_exceptions=True)
        await live.stop()
        await db.close()

    routes = [*analytics.LiveStream(live, identity).routes(), *Pages(db, identity).routes()]
    return Starlette(routes=routes, lifespan=lifespan)


def store_messages(world, count):
    """Conversations of this moment, each with a call of 1,000 tokens."""

    async def work():
        connection = await asyncpg.connect(world.dsn)
        store = sample.SampleStore(connection, world.organizations)
        now = datetime.now(UTC)
        at = now.replace(microsecond=now.microsecond // 1000 * 1000)
        await connection.execute("select hub.ensure_partitions($1)", at)
        events = []
        for n in range(count):
            begun = sample.conversation(at, user_id=f"live_{n}", module="support")
            said = {"model": "gpt-4o", "provider": "openai", "tokens": 1000, "latency_ms": 700}
            reply = sample.message(begun, "hello", role="assistant", after_s=0, **said)
            events += [begun, reply]
        await store("northwind-travel", events)
        await connection.close()

    # Playwright keeps an event loop of its own in this thread
    thread = threading.Thread(target=lambda: asyncio.run(work()))
    thread.start()
    thread.join()


def test_the_tiles_of_an_open_page_move_by_themselves(ada, world):
    ada.goto("/operations")
    ada.locator(".live-state.is-live").wait_for()
    tile = ada.locator("[data-field=tokens_per_minute]")
    before = tile.inner_text()
    store_messages(world, 3)
    ada.wait_for_function(
        "before => document.querySelector('[data-field=tokens_per_minute]').textContent !== before",
        arg=before,
    )
    assert int(tile.get_attribute("title")) >= 3000
    p95 = ada.locator("[data-field=response_time_p95]")
    assert p95.inner_text().endswith("ms")


def test_a_chart_comes_alive_within_the_policy_and_leads_on(ada):
    ada.goto("/finance?period=30d")
    stage = ada.locator(".plot-stage").first
    stage.wait_for()
    stage.locator("svg rect").first.wait_for(state="attached")
    assert ada.locator("style").count() == 0
    ada.mouse.wheel(0, 200)
    box = stage.bounding_box()
    # the last columns: the sample ends today
    x, y = box["x"] + box["width"] * 0.9, box["y"] + box["height"] - 40
    for step in range(6):
        ada.mouse.move(x + step, y)
        ada.wait_for_timeout(30)
    ada.mouse.click(x, y)
    ada.wait_for_url("**/calls?**from=**")


def test_a_chart_is_drawn_anew_in_the_colours_of_the_other_theme(ada):
    ada.goto("/")
    ada.locator(".plot-stage svg rect").first.wait_for(state="attached")
    colours = """() => [...document.querySelectorAll(".plot-stage rect")]
      .map(rect => rect.getAttribute("fill")).join()"""
    light = ada.evaluate(colours)
    ada.get_by_role("button", name="Dark mode").click()
    ada.wait_for_function(f"light => ({colours})() !== light", arg=light)


def test_charts_and_their_links_work_without_script(chromium, address):
    context = chromium.new_context(base_url=address, java_script_enabled=False)
    tab = context.new_page()
    tab.goto("/sign-in?next=/insight")
    tab.locator("#email").fill("ada@hub.test")
    tab.locator("#password").fill("correct horse battery")
    tab.get_by_role("button", name="Sign in").click()
    tab.wait_for_url("**/insight")
    tab.locator(".plot-svg").first.wait_for()
    tab.locator("details.as-table > summary").first.click()
    tab.locator("details.as-table th a").first.click()
    tab.wait_for_url("**/conversations?**")
    context.close()


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wider_than_the_screen(ada, width):
    assert pages_wider_than(ada, width, PATHS) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_has_contrast(ada, theme):
    ada.emulate_media(color_scheme=theme)
    for path in PATHS:
        ada.goto(path)
        weak = ada.evaluate(CONTRAST)
        # the text of a chart has its colour from fill, which the check does not read
        assert [line for line in weak if not line.startswith(("text", "tspan", "title"))] == [], (
            path
        )


def test_paper_shows_the_drawing_and_no_controls(ada):
    ada.goto("/finance?period=30d")
    ada.locator(".plot-stage svg rect").first.wait_for(state="attached")
    ada.emulate_media(media="print", color_scheme="dark")
    ada.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert ada.locator(".plot-svg").first.is_visible()
    assert not ada.locator("details.filter").first.is_visible()
    assert ada.evaluate("getComputedStyle(document.querySelector('.card')).backgroundColor") == (
        "rgb(255, 255, 255)"
    )


def sign_in_olga(page, organization="kumo-shop"):
    page.goto("/sign-in")
    page.locator("#email").fill("olga@hub.test")
    page.locator("#password").fill("correct horse battery")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/")
    page.locator("main #organization").fill(organization)
    page.get_by_role("button", name="View").click()
    page.wait_for_load_state()


def test_all_organizations_together_have_a_stream_too(page, world):
    sign_in_olga(page)
    page.goto("/operations?scope=all")
    page.locator(".live-state.is-live").wait_for()
    assert page.locator(".live-state").inner_text() == "Live"
    store_messages(world, 2)
    page.wait_for_function(
        "() => Number(document.querySelector('[data-field=tokens_per_minute]').title) >= 2000"
    )


def test_who_operates_the_hub_sees_live_what_the_organization_on_view_does(page, world):
    sign_in_olga(page)
    page.goto("/operations")
    page.locator(".live-state.is-live").wait_for()
    store_messages(world, 2)  # of another organization
    with page.expect_response("**/v1/realtime/stream*") as answer:
        page.reload()
    assert answer.value.request.headers["x-organization-id"] == str(
        world.organizations["kumo-shop"]
    )
    page.locator(".live-state.is-live").wait_for()
    page.wait_for_timeout(1_000)
    assert page.locator("[data-field=active_sessions_count]").get_attribute("title") == "0"
