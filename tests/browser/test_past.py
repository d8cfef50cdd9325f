"""What was, what came of it, and how everything stands: History, Figures and System."""

from __future__ import annotations

import csv
import re
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.async_api import expect

from tests.browser.furnishing import CODE, PAST
from tests.browser.hands import buy_button, wish

if TYPE_CHECKING:
    from tests.browser.conftest import Came
    from tests.browser.home import Home

ALL = len(PAST) + 3
WITH_CODE = sum(outcome == "came" for *_, outcome in PAST) + 1


def read(file: Path) -> list[dict[str, str]]:
    """A file that a spreadsheet takes for UTF-8."""
    return list(csv.DictReader(StringIO(file.read_text("utf-8-sig"))))


async def test_history_is_filtered_and_found(furnished: Home, person_at: Came) -> None:
    page = await (await person_at(furnished.url)).opens("history")
    main = page.get_by_role("main")
    await expect(main).to_contain_text(f"{ALL} orders")
    await page.get_by_label("Outcome").select_option(label="With a code")
    await expect(main).to_contain_text(f"{WITH_CODE} orders")
    await page.get_by_label("Find").fill("روسيه telegram")
    await expect(main).to_contain_text("1 order")
    await page.get_by_label("Outcome").select_option(label="All")
    await page.get_by_label("Find").fill(CODE)
    await expect(main.get_by_role("listitem")).to_have_count(1)
    await main.get_by_role("listitem").get_by_text("Telegram").first.click()
    await expect(main.get_by_role("listitem")).to_contain_text(f"Telegram code: {CODE}. Do not give it to anyone.")
    await page.get_by_label("Find").fill("nothing like it")
    await expect(main).to_contain_text("No order is like that.")


async def test_history_is_saved_as_a_file(furnished: Home, person_at: Came) -> None:
    page = await (await person_at(furnished.url)).opens("history")
    async with page.expect_download() as saved:
        await page.get_by_role("button", name=f"Save {ALL} orders as CSV").click()
    download = await saved.value
    rows = read(Path(await download.path()))
    assert re.fullmatch(r"shomare-\d{4}-\d\d-\d\d\.csv", download.suggested_filename)
    assert len(rows) == ALL
    (found,) = (row for row in rows if row["codes"] == CODE)
    purchase = furnished.sim.purchases[found["purchase"]]
    assert (found["phone"], found["price"], found["country"]) == (f"+{purchase.phone}", "2200", "Russia")


async def test_figures_are_those_of_the_journal(furnished: Home, person_at: Came) -> None:
    total = (await furnished.probe.ok("query/statistics", {}))["total"]
    page = await (await person_at(furnished.url)).opens("figures")
    main = page.get_by_role("main")
    await expect(main).to_contain_text(f"{total['spent']:,}")
    await expect(main).to_contain_text(f"{total['success']:.0%}")
    await expect(main.get_by_role("table").first).to_be_attached()
    await expect(main).to_contain_text("United Kingdom")


async def test_how_everything_stands(furnished: Home, person_at: Came) -> None:
    page = await (await person_at(furnished.url)).opens("system")
    main = page.get_by_role("main")
    for said in ("Online", "Connected", "60,000", "buying pauses", "1.0.0"):
        await expect(main).to_contain_text(said)
    lately = main.get_by_role("region", name="What happened lately")
    await expect(lately).to_contain_text("The provider has no free number there")


EXAMINATION = 110_000
"""Milliseconds; a process of its own, which has 120 seconds."""


async def test_what_doctor_finds(home: Home, person_at: Came) -> None:
    page = await (await person_at(home.url)).opens("system")
    examined = page.get_by_role("region", name="Examination")
    await examined.get_by_role("button", name="Examine now").click()
    await expect(examined).to_contain_text(re.compile("[1-9][0-9]* good findings"), timeout=EXAMINATION)
    home.sim.fault("profile", "html", times=None)
    await examined.get_by_role("button", name="Examine now").click()
    await expect(examined.get_by_role("listitem").filter(has_text="bad").first).to_be_visible(timeout=EXAMINATION)


async def test_the_switch_refuses_every_purchase(home: Home, person_at: Came) -> None:
    page = await (await person_at(home.url)).opens("system")
    switch = page.get_by_role("region", name="Buying")
    await switch.get_by_role("button", name="Turn buying off").click()
    await home.probe.text("buying", "off")
    await expect(switch.get_by_role("button", name="Turn buying on")).to_be_visible()

    await page.get_by_role("link", name="Buy").click()
    await wish(page)
    await buy_button(page).click()
    await expect(page.get_by_role("main").get_by_role("alert")).to_contain_text("off")
    assert home.bought() == []

    await page.get_by_role("link", name="System").click()
    await switch.get_by_role("button", name="Turn buying on").click()
    await home.probe.text("buying", "on")
