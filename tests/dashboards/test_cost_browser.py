"""Markup and reconciliation in a real Chromium."""

import pytest

from .conftest import NOW, PASSWORD
from .test_browser import CONTRAST, WIDTHS, address, chromium, page, pages_wider_than  # noqa: F401 - fixtures

pytestmark = pytest.mark.browser
PATHS = (
    "/markup",
    "/markup?q=none-such",
    "/markup/rules/new",
    "/markup/b-default",
    "/reconciliation",
    "/reconciliation?from=x",
    "/reconciliation/accounts",
)


def sign_in(page):  # noqa: F811 - the fixture's name
    page.goto("/sign-in")
    page.get_by_label("E-mail address").fill("olga@hub.test")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.locator("h1").wait_for()
    if page.locator("#organization").count():
        page.locator("#organization").fill("northwind-travel")
        page.get_by_role("button", name="View").click()
        page.get_by_role("heading", name="Northwind Travel").wait_for()


@pytest.fixture
def olga(page):  # noqa: F811
    """Operates the hub, and has a rule for everybody."""
    sign_in(page)
    page.goto("/markup/rules/new")
    page.get_by_label("Name").fill("b-default")
    page.get_by_label("Percentage on top").fill("20")
    page.get_by_role("button", name="Save the rule").click()  # the second time it is there
    page.wait_for_load_state()
    return page


def test_from_an_error_over_the_what_if_to_the_new_version(olga):
    olga.goto("/markup")
    olga.get_by_role("link", name="b-default").first.click()
    olga.get_by_role("link", name="New version").click()
    olga.get_by_label("Percentage on top").fill("1,5")
    olga.get_by_role("button", name="Save as new version").click()
    olga.get_by_text("with a point before the decimals").wait_for()
    assert olga.get_by_label("Percentage on top").input_value() == "1,5"
    olga.get_by_role("link", name="Percentage", exact=True).click()
    assert olga.evaluate("location.hash") == "#f-percentage"
    olga.get_by_label("Percentage on top").fill("-5")
    olga.get_by_role("button", name="What if", exact=True).last.click()
    olga.wait_for_url("**/markup/what-if/*")
    # the page itself looks until the result is there
    olga.get_by_role("link", name="CSV").first.wait_for(timeout=30_000)
    olga.get_by_role("link", name="Change it").click()
    assert olga.get_by_label("Percentage on top").input_value() == "-5"
    olga.go_back()
    olga.get_by_role("button", name="Save it").click()
    olga.get_by_text("is written and counts from").wait_for()
    assert olga.get_by_text("Its percentage is below cost").is_visible()
    olga.get_by_text("End it …").click()
    assert olga.get_by_role("button", name="Yes, end b-default now").is_visible()


def test_a_bill_is_uploaded_and_reported(olga):
    olga.goto("/reconciliation/accounts")
    olga.get_by_label("Kind").select_option("openai-costs")
    start = int(NOW.replace(hour=0, minute=0, second=0).timestamp()) - 5 * 86_400
    amount = '{"value": 9.5, "currency": "usd"}'
    bill = (
        f'{{"object": "page", "has_more": false, "next_page": null, "data": [{{"start_time":'
        f' {start}, "end_time": {start + 86_400}, "object": "bucket", "results": [{{"object":'
        f' "organization.costs.result", "amount": {amount}, "line_item": "gpt-9, output",'
        f' "project_id": null, "api_key_id": null, "quantity": null}}]}}]}}'
    )
    olga.get_by_label("Files").set_input_files(
        {"name": "costs.json", "mimeType": "application/json", "buffer": bill.encode()}
    )
    olga.get_by_role("button", name="Upload").click()
    olga.get_by_role("link", name="See the report").click()
    olga.get_by_text("not in the hub").first.wait_for()
    olga.locator(".chart rect.bar-bad").first.wait_for()


def test_typing_is_not_lost_when_a_fetch_ends(olga):
    olga.goto("/reconciliation/accounts")
    olga.get_by_label("Name").fill("files only")
    olga.get_by_role("button", name="Add the account").click()
    olga.get_by_text("files only is added").wait_for()
    olga.get_by_label("Name").fill("half typed")
    # stands for a fetch under way, which the next look finds ended
    olga.evaluate(
        """() => {
          const live = document.createElement('section');
          live.dataset.live = '50';
          live.dataset.liveUrl = '/reconciliation/accounts';
          document.querySelector('main').prepend(live);
          return import(document.querySelector('script[type=module]').src + '?again');
        }"""
    )
    olga.get_by_role("link", name="See the result").wait_for()
    assert olga.get_by_label("Name").input_value() == "half typed"


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wider_than_the_screen(olga, width):
    assert pages_wider_than(olga, width, PATHS) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_has_contrast(olga, theme):
    olga.emulate_media(color_scheme=theme)
    for path in PATHS:
        olga.goto(path)
        olga.evaluate("document.querySelectorAll('main details').forEach(d => d.open = true)")
        assert olga.evaluate(CONTRAST) == [], path


def test_a_rule_without_script(chromium, address):  # noqa: F811
    context = chromium.new_context(base_url=address, java_script_enabled=False)
    page = context.new_page()  # noqa: F811
    sign_in(page)
    page.goto("/markup/rules/new")
    page.locator("details.more > summary").last.click()
    page.get_by_role("button", name="More rows").last.click()
    page.locator("#f-rule_key").fill("b-tiers")
    page.locator("#f-tiers_mode").select_option("volume")
    page.locator("#f-rate_0").fill("5")
    page.get_by_role("button", name="What if", exact=True).last.click()
    page.wait_for_url("**/markup/what-if/*")
    page.locator(".proposal").wait_for()
    page.get_by_text("By module").or_(page.get_by_text("No calls in")).first.wait_for(
        timeout=30_000
    )
    context.close()
