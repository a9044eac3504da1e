"""Prices, calls and repricing in a real Chromium."""

import asyncio
import re
from uuid import uuid4

import pytest

from aihub.kit.db import Database, DatabaseOptions
from aihub.prices.api import PriceBook

from .conftest import PASSWORD
from .test_browser import CONTRAST, WIDTHS, address, chromium, page, pages_wider_than  # noqa: F401 - fixtures

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module", autouse=True)
def _book(world):
    """The prices of the release are in the database, as after a hub's start."""

    async def take_in():
        db = Database(lambda: world.dsn, DatabaseOptions(min_size=1, max_size=1))
        await db.open()
        await PriceBook(db).start()
        await db.close()

    asyncio.run(take_in())


def sign_in(tab, name, organization):
    tab.goto("/sign-in")
    tab.locator("#email").fill(f"{name}@hub.test")
    tab.locator("#password").fill(PASSWORD)
    tab.get_by_role("button", name="Sign in").click()
    tab.wait_for_url("**/")
    if tab.locator("main #organization").count():
        tab.locator("main #organization").fill(organization)
        tab.get_by_role("button", name="View").click()
    tab.wait_for_load_state()


@pytest.fixture
def olga(page):  # noqa: F811
    """Operates the hub, looking at Kumo Shop."""
    sign_in(page, "olga", "kumo-shop")
    return page


def call_with_lines(tab):
    """The address of a call of the sample."""
    tab.goto("/calls")
    return tab.locator(".row-link").first.get_attribute("href")


def paths(tab):
    return (
        "/",
        "/prices?q=gpt-4o",
        "/prices?layer=gold&at=x",
        "/prices/openai/gpt-4o",
        "/prices/deepseek/deepseek-chat",
        f"/prices/{'p' * 40}/{'model-' * 30}",
        "/prices/versions",
        "/calls",
        "/calls?min_cost=x",
        call_with_lines(tab),
        "/repricing",
    )


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wider_than_the_screen(olga, width):
    assert pages_wider_than(olga, width, paths(olga)) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_has_contrast(olga, theme):
    olga.emulate_media(color_scheme=theme)
    for path in paths(olga):
        olga.goto(path)
        assert olga.evaluate(CONTRAST) == [], path


def set_a_price(tab, model):
    """A price with a mistake, then without, then retired: as somebody would do it."""
    tab.goto(f"/prices/acme/{model}")
    tab.get_by_text("The book does not know it").wait_for()
    tab.get_by_label("Input", exact=True).fill("cheap")
    tab.get_by_label("Output", exact=True).fill("8")
    tab.get_by_role("button", name="Save the price").click()
    tab.get_by_text("An amount in US dollars").wait_for()
    assert tab.get_by_label("Output", exact=True).input_value() == "8"
    tab.get_by_label("Input", exact=True).fill("2")
    tab.get_by_role("button", name="Save the price").click()
    tab.wait_for_url(re.compile(r"saved="))
    tab.get_by_role("row", name="Input $2.00").wait_for()
    tab.locator(".retire > summary").click()
    tab.get_by_label("Why").fill("a mistake")
    tab.get_by_role("button", name="Retire this price").click()
    tab.wait_for_url(re.compile(r"retired="))
    tab.get_by_text("No price of this model holds now.").wait_for()


def test_a_price_is_set_and_retired(olga):
    set_a_price(olga, f"model-{uuid4().hex[:8]}")


def test_a_price_is_set_without_script(chromium, address):  # noqa: F811
    context = chromium.new_context(base_url=address, java_script_enabled=False)
    tab = context.new_page()
    sign_in(tab, "olga", "kumo-shop")
    set_a_price(tab, f"model-{uuid4().hex[:8]}")
    context.close()


def test_from_the_alarm_to_the_new_cost(olga):
    olga.goto("/calls?cost_status=unpriced&model=nimbus-13b-instruct")
    count = olga.locator(".row-link").count()
    assert count > 0
    olga.goto("/prices/kumo-inference/nimbus-13b-instruct")
    olga.get_by_label("Input", exact=True).fill("0.5")
    olga.get_by_label("From", exact=True).fill("2020-01-01T00:00")
    olga.get_by_role("button", name="Save the price").click()
    olga.get_by_role("link", name="reprice them").click()
    olga.get_by_label("Cost status").select_option("unpriced")
    olga.get_by_label("From", exact=True).fill("2020-01-01")
    olga.get_by_role("button", name="Preview").click()
    olga.get_by_text("Nothing is changed yet.").wait_for()
    # the sample's other tests count these calls as unpriced: nothing is repriced here
    olga.goto("/prices/kumo-inference/nimbus-13b-instruct")
    olga.locator(".retire > summary").click()
    olga.get_by_role("button", name="Retire this price").click()
    olga.wait_for_url(re.compile(r"retired="))


def test_from_a_message_to_why_it_costs_that(page):  # noqa: F811
    sign_in(page, "ada", "")
    page.goto("/conversations?model=gpt-4o")
    if page.locator(".row-link").count() == 0:
        page.goto("/conversations")
    page.locator(".row-link").first.click()
    page.locator(".cost-link").first.click()
    page.get_by_role("heading", name=re.compile("^Why does this")).wait_for()
    page.get_by_role("link", name="Conversation", exact=True).click()
    page.get_by_role("heading", name="Facts").wait_for()
