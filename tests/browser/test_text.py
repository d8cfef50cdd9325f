"""Whatever the provider or an SMS says is text, and never markup."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.async_api import expect

from shomare_mqtt.simulator.catalog import Entry
from tests.browser.hands import buys, card
from tests.browser.looks import VIEWS

if TYPE_CHECKING:
    from tests.browser.conftest import Came
    from tests.browser.home import Home

MARKUP = "<img src=x onerror=alert(1)>"


async def test_markup_is_shown_as_text(home: Home, person_at: Came) -> None:
    catalog = home.sim._desk.catalog
    catalog.countries["666"] = Entry("666", f"A{MARKUP}", f"ب{MARKUP}", 100, "7")
    catalog.applications["667"] = Entry("667", f"B{MARKUP}", "", 900)
    await home.probe.ok("query/countries", {})
    await home.probe.ok("query/applications", {})
    page = await (await person_at(home.url)).opens("buy")
    await buys(page, country=f"A{MARKUP}", application=f"B{MARKUP}")
    assert home.bought() == [("666", "1", "667")]
    number = home.number
    home.sim.deliver_sms(home.purchase, text=f"Code 48213 {MARKUP}", code="48213")

    await expect(card(page, number)).to_contain_text(f"Code 48213 {MARKUP}")
    await expect(card(page, number)).to_contain_text(f"A{MARKUP}")
    for view in VIEWS:
        await page.goto(f"{home.url}#{view}")
        await expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert await page.locator("img[src=x]").count() == 0
