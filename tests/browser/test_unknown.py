"""An order in doubt: its evidence, and the two ways to settle it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from playwright.async_api import expect

from tests.browser.hands import buy_button, wish

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

    from tests.browser.conftest import Came
    from tests.browser.home import Home


async def in_doubt(home: Home, page: Page, kind: str) -> Locator:
    """A purchase of which nobody knows what came; what stands of it."""
    await wish(page)
    home.sim.fault("buy", kind)
    await buy_button(page).click()
    await home.called("buy")
    home.sim.fault("profile", "hold", times=None)  # else the balance may settle it first
    await page.get_by_role("link", name="Now").click()
    found = page.get_by_role("article").filter(has_text="Nobody knows")
    await expect(found).to_be_visible()
    return found


async def the_order(home: Home) -> Any:
    (order,) = await home.probe.ok("query/orders", {"state": "all"})
    return order


async def test_it_was_not_bought(home: Home, person_at: Came) -> None:
    page = await (await person_at(home.url)).opens("buy")
    doubt = await in_doubt(home, page, "reset_before")
    await expect(doubt).to_contain_text("connection reset")

    await doubt.get_by_role("button", name="No, it was not bought").click()
    await doubt.get_by_role("button", name="Yes, close it").click()

    await expect(page.get_by_role("article")).to_have_count(0)
    assert (await the_order(home))["state"] == "failed"
    assert home.bought() == []


async def test_it_was_bought(home: Home, person_at: Came) -> None:
    page = await (await person_at(home.url)).opens("buy")
    doubt = await in_doubt(home, page, "reset_after")
    bought = home.sim.purchases[home.purchase]

    await doubt.get_by_role("button", name="Yes, it was bought").click()
    await doubt.get_by_label("Purchase").fill(bought.purchase)
    await doubt.get_by_label("Number", exact=True).fill(home.number)
    await doubt.get_by_role("button", name="Settle").click()

    order = await the_order(home)
    await expect(page.get_by_role("article")).to_contain_text(home.number)
    assert (order["state"], order["purchase"]) == ("waiting", bought.purchase)
    home.sim.deliver_sms(home.purchase, code="48213")
    await expect(page.get_by_role("article")).to_contain_text("48213")
    assert len(home.bought()) == 1
