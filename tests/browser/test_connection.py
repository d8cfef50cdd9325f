"""A connection that is lost and comes back, a proxy that strips a prefix, a slow line, a broker that is away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.async_api import expect

from tests.browser import paint
from tests.browser.hands import AWAY, buys, card
from tests.browser.looks import VIEWS

if TYPE_CHECKING:
    from playwright.async_api import Browser

    from tests.browser.conftest import Came, Opened
    from tests.browser.home import Home
    from tests.browser.wire import Wire
    from tests.mosquitto import Mosquitto

CODE = "48213"


async def test_a_lost_connection_is_shown_and_all_is_right_after_it(home: Home, wire: Wire, person_at: Came) -> None:
    person = await person_at(wire.url)
    person.expects(*AWAY)
    page = await person.opens("now")
    kept, given_up = await home.buy(), await home.buy(country="43")
    for order in (kept, given_up):
        await expect(card(page, order["phone"])).to_be_visible()

    wire.cut()
    await expect(page.get_by_role("main")).to_contain_text("No connection to the daemon")
    await home.probe.ok("cancel", {"order": given_up["order"]})
    home.sim.deliver_sms(kept["purchase"], code=CODE)
    await home.order(kept["order"], "received")
    third = await home.buy(country="16")
    wire.mend()

    await page.get_by_role("button", name="Try now").click()
    await expect(page.get_by_role("main")).to_contain_text("The connection is back")
    await expect(card(page, kept["phone"])).to_contain_text(CODE)
    await expect(card(page, given_up["phone"])).to_have_count(0)
    await expect(card(page, third["phone"])).to_be_visible()


async def test_a_daemon_that_restarts(home: Home, person_at: Came) -> None:
    person = await person_at(home.url)
    person.expects(*AWAY)
    page = await person.opens("now")
    order = await home.buy()
    await expect(card(page, order["phone"])).to_be_visible()

    await home.again()

    await home.buy(country="43")
    await expect(page.get_by_role("article")).to_have_count(2)
    await expect(page.get_by_role("main")).not_to_contain_text("No connection to the daemon")


async def test_a_broker_that_is_away(own_broker: Mosquitto, open_home: Opened, person_at: Came) -> None:
    """What the page does goes on without it."""
    home = await open_home(its_own=own_broker)
    page = await (await person_at(home.url)).opens("buy")
    await own_broker.kill()

    await buys(page)

    number = home.number
    home.sim.deliver_sms(home.purchase, code=CODE)
    await expect(card(page, number)).to_contain_text(CODE)


async def test_under_a_prefix_through_a_proxy_that_strips_it(home: Home, wire: Wire, person_at: Came) -> None:
    page = await (await person_at(wire.url)).opens()
    await buys(page)
    number = home.number
    home.sim.deliver_sms(home.purchase, code=CODE)
    await expect(card(page, number)).to_contain_text(CODE)
    for view in VIEWS:
        await page.goto(f"{wire.url}#{view}")
        await expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert wire.strays == []


async def test_a_slow_line(open_home: Opened, browser: Browser) -> None:
    home = await open_home(balance=paint.BALANCE)
    assert await paint.shown_after(browser, home, paint.SLOW_LINE) > 0


def test_the_page_is_light() -> None:
    assert paint.weight() <= paint.HEAVIEST
