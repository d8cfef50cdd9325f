"""What is done on the page, by its visible words: the one place that knows what its parts are called."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.async_api import expect

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

CLIPBOARD = ["clipboard-read", "clipboard-write"]
"""What a browser asks its person for before a page may read what was copied; a test reads it."""
AWAY = ("net::ERR_", "Failed to fetch", "network error")
"""What Chromium itself writes down of a connection that is gone."""


async def choose(page: Page, field: str, *typed: str) -> None:
    """Searches by typing, and takes the first that is found; several where several may be chosen."""
    box = page.get_by_role("combobox", name=field)
    for text in typed:
        await box.fill(text)
        await page.get_by_role("option").first.wait_for()
        await box.press("Enter")
    await box.press("Escape")


async def wish(page: Page, country: str = "Russia", operator: str = "MTS", application: str = "Telegram") -> None:
    """All that a purchase needs."""
    await choose(page, "Application", application)
    await choose(page, "Country", country)
    await choose(page, "Operator", operator)


def buy_button(page: Page) -> Locator:
    return page.get_by_role("main").get_by_role("button", name="Buy")


async def buys(page: Page, **wished: str) -> None:
    """Returns once the number is there to be read."""
    await wish(page, **wished)
    await buy_button(page).click()
    await expect(page).to_have_url(re.compile("#now$"))


def card(page: Page, number: str) -> Locator:
    """What stands of one order among the open ones."""
    return page.get_by_role("article").filter(has_text=number)


async def copied(page: Page) -> str:
    """What lies in the clipboard."""
    text: str = await page.evaluate("navigator.clipboard.readText()")
    return text
