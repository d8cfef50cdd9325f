"""Where a number is to be had cheapest: read while one looks, and taken with a press."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.async_api import expect

from tests.browser.hands import buy_button, choose

if TYPE_CHECKING:
    from tests.browser.conftest import Came, Opened


async def test_the_cheapest_offer_is_found_and_bought(open_home: Opened, person_at: Came) -> None:
    home = await open_home(latency=0.02)
    page = await (await person_at(home.url)).opens("buy")
    await choose(page, "Application", "Telegram")
    await page.get_by_role("button", name="cheapest", exact=False).click()

    offers = page.get_by_role("main").get_by_role("listitem").filter(has_text="Indonesia")
    await expect(offers.first).to_contain_text("1,320")
    await expect(page.get_by_role("main").get_by_role("progressbar")).to_have_count(0)
    await offers.first.get_by_role("button").first.click()
    await buy_button(page).click()

    await expect(page).to_have_url(f"{home.url}#now")
    assert home.bought() == [("6", "1", "3")]
