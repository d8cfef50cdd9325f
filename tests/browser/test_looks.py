"""Every view in every dress: a screen reader stumbles over nothing, nothing is cut off, all is in one language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.async_api import expect

from tests.browser.looks import VIEWS, complaints, cut_off, latin_words, too_small

if TYPE_CHECKING:
    from playwright.async_api import Page

    from tests.browser.conftest import Came
    from tests.browser.home import Home

PHONE: dict[str, Any] = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
WIDE: dict[str, Any] = {"viewport": {"width": 1600, "height": 900}}
DRESSES: list[dict[str, Any]] = [
    {"color_scheme": "light", "locale": "en-GB", **WIDE},
    {"color_scheme": "dark", "locale": "en-GB", **PHONE},
    {"color_scheme": "light", "locale": "fa-IR", **PHONE},
    {"color_scheme": "dark", "locale": "fa-IR", **WIDE},
]
ABBREVIATIONS = {"Shomare", "MQTT", "CSV", "HTTP", "SMS", "TLS", "limits"}
"""What Persian readers meet in these letters, too; `[limits]` is a table of the settings file."""


async def at(page: Page, url: str, view: str) -> None:
    await page.goto(f"{url}#{view}")
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    await expect(page.get_by_role("main").locator("[aria-busy=true]")).to_have_count(0)


@pytest.mark.parametrize("dress", DRESSES, ids=lambda dress: f"{dress['locale'][:2]}-{dress['color_scheme']}")
async def test_a_dress(furnished: Home, person_at: Came, dress: dict[str, Any]) -> None:
    page = await (await person_at(furnished.url, reduced_motion="reduce", **dress)).opens()
    found = dict[str, list[str]]()
    for view in VIEWS:
        await at(page, furnished.url, view)
        found[f"{view}: axe"] = await complaints(page)
        found[f"{view}: cut off"] = await cut_off(page)
        found[f"{view}: too small"] = await too_small(page)
        if dress["locale"] == "fa-IR":
            assert await page.evaluate("[document.documentElement.lang, document.documentElement.dir]") == ["fa", "rtl"]
            found[f"{view}: not Persian"] = sorted(set(await latin_words(page)) - ABBREVIATIONS)
    assert {what: wrong for what, wrong in found.items() if wrong} == {}


async def test_the_language_is_chosen_and_stays(furnished: Home, person_at: Came) -> None:
    page = await (await person_at(furnished.url)).opens("history")
    await page.get_by_role("button", name="فارسی").click()
    await expect(page.get_by_role("link", name="تاریخچه")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("link", name="تاریخچه")).to_be_visible()
    await page.get_by_role("button", name="English").click()
    await expect(page.get_by_role("link", name="History")).to_be_visible()


async def test_digits_are_persian_where_read_and_latin_where_copied(furnished: Home, person_at: Came) -> None:
    page = await (await person_at(furnished.url, locale="fa-IR")).opens("now")
    await expect(page.get_by_role("main")).to_contain_text("48213")
    await expect(page.get_by_role("banner")).to_contain_text("٬")
    assert await page.evaluate("/[۰-۹]/.test(document.querySelector('header').textContent)")
