"""Who is let in: the owner, a viewer, nobody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.async_api import expect

from tests.browser.hands import AWAY, buys, card
from tests.browser.looks import complaints

if TYPE_CHECKING:
    from playwright.async_api import Page

    from tests.browser.conftest import Came, Opened

OWNERS, VIEWERS = "the owner's own words", "whoever may look"
CLOSED = {"web": {"password": OWNERS, "viewer_password": VIEWERS}}
CODE = "48213"


async def sign_in(page: Page, password: str) -> None:
    """Returns once another page stands there: the one behind the door, or the door again."""
    await page.get_by_label("Password").fill(password)
    async with page.expect_navigation():
        await page.get_by_role("button", name="Sign in").click()


async def test_the_owner_signs_in_buys_and_signs_out(open_home: Opened, person_at: Came) -> None:
    home = await open_home(CLOSED)
    person = await person_at(home.url)
    person.expects("401", *AWAY)
    page = await person.opens()
    assert await complaints(page) == []
    await sign_in(page, "a guess")
    await expect(page.get_by_role("alert")).to_contain_text("password")

    await sign_in(page, OWNERS)
    await buys(page)
    await home.again()
    await home.until_page()
    await page.reload()
    await expect(card(page, home.number)).to_be_visible()

    other = await person.opens("now")
    await expect(card(other, home.number)).to_be_visible()
    await page.get_by_role("link", name="System").click()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_label("Password")).to_be_visible()
    await expect(other.get_by_role("main")).to_contain_text("signed out")
    await page.goto(home.url)
    await expect(page.get_by_label("Password")).to_be_visible()


async def test_a_viewer_sees_no_code_and_no_button_that_sends(open_home: Opened, person_at: Came) -> None:
    home = await open_home(CLOSED)
    person = await person_at(home.url)
    page = await person.opens()
    await sign_in(page, VIEWERS)
    order = await home.buy()
    home.sim.deliver_sms(order["purchase"], text=f"Telegram code {CODE}", code=CODE)
    await home.order(order["order"], "received")

    await page.goto(f"{home.url}#now")

    shown = page.get_by_role("article")
    await expect(shown).to_contain_text("Telegram")
    await expect(shown).to_contain_text(order["phone"][-2:])
    whole = await page.content()
    assert CODE not in whole
    assert order["phone"].strip("+") not in whole
    await expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
    await page.get_by_role("link", name="Buy", exact=True).click()
    await expect(page.get_by_role("main").get_by_role("button", name="Buy")).to_have_count(0)
    for view in ("History", "Figures", "System"):
        await page.get_by_role("link", name=view).click()
        await expect(page.get_by_role("heading", name=view, level=1)).to_be_visible()


async def test_too_many_guesses(open_home: Opened, person_at: Came) -> None:
    home = await open_home(CLOSED)
    signed_in, guessing = await person_at(home.url), await person_at(home.url)
    guessing.expects("401", "429")
    inside = await signed_in.opens()
    await sign_in(inside, OWNERS)
    await expect(inside.get_by_role("navigation")).to_be_visible()
    page = await guessing.opens()
    for _ in range(5):
        await sign_in(page, "a guess")
        await expect(page.get_by_role("alert")).to_be_visible()
    await sign_in(page, OWNERS)
    await expect(page.get_by_role("alert")).to_contain_text("Too many wrong passwords")
    await inside.reload()
    await expect(inside.get_by_role("navigation")).to_be_visible()
