"""The pages in a real Chromium: what people do, with the keyboard too, and what must not happen."""

import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvicorn
from starlette.applications import Starlette

from aihub.dashboards.api import Pages
from aihub.identity import api as identities
from aihub.kit.db import Database, DatabaseOptions

from .conftest import PASSWORD

pytestmark = pytest.mark.browser
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDTHS = (360, 768, 1024, 1600)


@pytest.fixture(scope="module")
def address(world) -> Iterator[str]:
    """A hub's pages, served for real in a thread of their own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(_app(world.dsn), port=port, log_level="warning"))
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
    db = Database(lambda: dsn, DatabaseOptions(min_size=1, max_size=4))

    @asynccontextmanager
    async def lifespan(_app):
        await db.open()
        yield
        await db.close()

    pages = Pages(db, identities.Identity(db, identities.IdentityOptions()))
    return Starlette(routes=pages.routes(), lifespan=lifespan)


@pytest.fixture(scope="module")
def chromium():
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None or not Path(found).exists():
        pytest.skip("no Chromium on the PATH")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium, address):
    """A tab of somebody who is not signed in. Fails when the console shows anything."""
    context = chromium.new_context(base_url=address, color_scheme="light")
    opened = context.new_page()
    opened.set_default_timeout(10_000)
    said = []
    opened.on("console", lambda m: said.append(m.text) if m.type in ("error", "warning") else None)
    opened.on("pageerror", lambda error: said.append(str(error)))
    yield opened
    context.close()
    # a page that answers 404 or 422 is an error to the console, not to us
    assert [line for line in said if "Failed to load resource" not in line] == []


@pytest.fixture
def ada(page):
    """Signed in, looking at Northwind Travel."""
    page.goto("/sign-in")
    page.get_by_label("E-mail address").fill("ada@hub.test")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/")
    page.locator(".switcher > summary").click()
    page.get_by_role("button", name="Northwind Travel").click()
    page.get_by_role("heading", name="Northwind Travel").wait_for()
    return page


def test_from_the_tile_to_the_message(ada):
    ada.get_by_role("link", name="Conversations today").click()
    assert "from=" in ada.url
    ada.locator("details.filter > summary").click()
    ada.get_by_label("Status").select_option("completed")
    ada.get_by_label("From", exact=True).fill("2020-01-01")
    ada.get_by_role("button", name="Apply").click()
    ada.wait_for_url("**status=completed**")
    assert "module=" not in ada.url  # empty fields stay out of the address
    assert set(ada.locator(".list .cell-status").all_inner_texts()) <= {
        "completed",
        "completed 1 failed",
    }
    first = ada.locator(".row-link").first.get_attribute("href")
    ada.get_by_role("link", name="Older").click()
    ada.get_by_text("Page 2").wait_for()
    assert ada.locator(".row-link").first.get_attribute("href") != first
    ada.get_by_role("link", name="Newer").click()
    ada.wait_for_url(lambda url: "cursor" not in url)
    assert ada.locator(".row-link").first.get_attribute("href") == first
    ada.get_by_role("link", name="Remove the filter Status: completed").click()
    ada.wait_for_url(lambda url: "status" not in url)
    ada.locator("tbody tr").nth(3).click()  # anywhere in the row
    ada.get_by_role("heading", name="Facts").wait_for()
    assert ada.locator(".turn").count() > 0


def test_dark_stays_dark_and_does_not_flash(ada):
    light = ada.evaluate("getComputedStyle(document.body).backgroundColor")
    ada.get_by_role("button", name="Dark mode").click()
    dark = ada.evaluate("getComputedStyle(document.body).backgroundColor")
    assert dark != light
    ada.reload(wait_until="commit")
    assert ada.evaluate("document.documentElement.dataset.theme") == "dark"
    ada.get_by_role("link", name="Conversations", exact=True).first.click()
    ada.wait_for_url("**/conversations")  # evaluated sooner, the new page may have no body yet
    assert ada.evaluate("getComputedStyle(document.body).backgroundColor") == dark
    ada.get_by_role("button", name="Light mode").click()
    assert ada.evaluate("getComputedStyle(document.body).backgroundColor") == light


def _name_of_focus(page):
    return page.evaluate("document.activeElement.innerText || document.activeElement.id")


def _tab_to(page, name, most=60):
    for _ in range(most):
        page.keyboard.press("Tab")
        if name in _name_of_focus(page):
            return
    raise AssertionError(f"{name} cannot be reached")


def test_all_of_it_by_keyboard(page):
    page.goto("/sign-in")
    page.keyboard.press("Tab")
    assert _name_of_focus(page) == "Skip to content"
    _tab_to(page, "email")
    page.keyboard.type("ada@hub.test")
    _tab_to(page, "password")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # skip
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")
    page.goto("/")
    _tab_to(page, page.locator(".switcher-name").inner_text())
    page.keyboard.press("Enter")
    assert page.locator(".menu").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator(".menu").is_visible()
    _tab_to(page, "Conversations")
    page.keyboard.press("Enter")
    page.wait_for_url("**/conversations")
    _tab_to(page, "Filter")
    page.keyboard.press("Enter")
    assert page.get_by_label("Status").is_visible()
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.className") == "row-link":
            break
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Facts").wait_for()


def test_focus_can_be_seen(ada):
    for _ in range(12):
        ada.keyboard.press("Tab")
        style = ada.evaluate(
            """() => {
              const seen = [document.activeElement, null].map((e, i) =>
                getComputedStyle(document.activeElement, i ? '::after' : null));
              return seen.some(s => s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2);
            }"""
        )
        assert style, _name_of_focus(ada)


def pages_wider_than(tab, width, paths):
    """Those of the paths whose pages are wider than a screen of that width."""
    tab.set_viewport_size({"width": width, "height": 800})
    wider = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    found = []
    for path in paths:
        tab.goto(path)
        if tab.evaluate(wider):
            found.append(path)
    return found


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wider_than_the_screen(ada, world, width):
    paths = (
        "/",
        "/conversations",
        "/conversations?from=x&status=completed",
        f"/conversations/{world.conversations['hostile']}",
        f"/conversations/{world.conversations['long']}",
        "/conversations/x",
    )
    assert pages_wider_than(ada, width, paths) == []


CONTRAST = """() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = colour => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const light = c => { const [r, g, b] = c.slice(0, 3).map(v => { v /= 255;
    return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ground = element => { for (let e = element; e; e = e.parentElement) {
    const c = rgba(getComputedStyle(e).backgroundColor); if (c[3] === 255) return c; }
    return rgba(getComputedStyle(document.body).backgroundColor); };
  const weak = [];
  for (const e of document.querySelectorAll('body *')) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
    if (!e.checkVisibility() || e.closest('.hidden-text, .skip, option')) continue;
    const pair = [light(rgba(getComputedStyle(e).color)), light(ground(e))].sort((a, b) => b - a);
    const ratio = (pair[0] + 0.05) / (pair[1] + 0.05);
    if (ratio < 4.5) weak.push(`${e.tagName}.${e.className} ${ratio.toFixed(2)}: ${e.innerText}`);
  }
  return weak;
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_has_contrast(ada, world, theme):
    ada.emulate_media(color_scheme=theme)
    for path in (
        "/",
        "/conversations?from=x&status=completed",
        "/conversations?module=support",
        f"/conversations/{world.conversations['hostile']}",
        "/conversations/x",
    ):
        ada.goto(path)
        assert ada.evaluate(CONTRAST) == [], path


def test_ids_are_copied(ada, world, chromium):
    ada.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ada.goto(f"/conversations/{world.conversations['long']}")
    ada.get_by_role("button", name="Copy the id").click()
    ada.get_by_role("button", name="Copied").wait_for()
    assert ada.evaluate("navigator.clipboard.readText()") == world.conversations["long"]


def test_hostile_content_does_nothing(ada, world):
    spoke = []
    ada.on("dialog", lambda dialog: (spoke.append(dialog.message), dialog.dismiss()))
    ada.goto(f"/conversations/{world.conversations['hostile']}")
    ada.locator("details.aside > summary").first.click()
    ada.goto("/conversations")
    assert spoke == []


def test_all_of_it_without_script(chromium, address):
    context = chromium.new_context(base_url=address, java_script_enabled=False)
    page = context.new_page()
    page.goto("/sign-in?next=/conversations")
    page.locator("#email").fill("ada@hub.test")
    page.locator("#password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/conversations")
    page.locator("details.filter > summary").click()
    page.get_by_label("Status").select_option("completed")
    page.get_by_role("button", name="Apply").click()
    page.wait_for_url("**status=completed**")
    page.locator(".row-link").first.click()
    page.get_by_role("heading", name="Facts").wait_for()
    assert not page.locator("[data-copy]").first.is_visible()
    page.locator(".switcher > summary").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")
    context.close()
