"""From choosing to the copied code, and what may come between."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from tests.browser.hands import CLIPBOARD, buy_button, buys, card, choose, copied, wish

if TYPE_CHECKING:
    from tests.browser.conftest import Came, Opened
    from tests.browser.home import Home
    from tests.browser.wire import Wire

CODE = "48213"
TYPED = (("kingd", "United Kingdom"), ("روسيه", "Russia"), ("TUR", "Turkey"), ("تركيه", "Turkey"))
"""The Persian ones as an Arabic keyboard writes them."""


_EARS = """
window.told = []; window.sounds = 0; window.away = false;
window.Notification = class {
    static permission = "default";
    static requestPermission() { this.permission = "granted"; }
    constructor(title, { body }) { told.push(`${title} ${body}`); }
};
OscillatorNode.prototype.start = () => { sounds += 1; };
Object.defineProperty(document, "hidden", { get: () => away });
"""
"""A browser that writes down what it would sound and show, and whose person may look elsewhere."""


async def test_from_choosing_to_the_copied_code(home: Home, person_at: Came) -> None:
    person = await person_at(home.url, permissions=CLIPBOARD)
    page = await person.opens()
    await wish(page)
    await expect(page.get_by_role("main")).to_contain_text("2,200")

    await buy_button(page).click()

    await expect(page).to_have_url(f"{home.url}#now")
    assert home.bought() == [("7", "1", "3")]
    number = home.number
    await card(page, number).get_by_role("button", name=f"Copy the number {number}").click()
    assert await copied(page) == number

    home.sim.deliver_sms(home.purchase, text=f"Telegram code {CODE}", code=CODE)

    await expect(page).to_have_title(f"{CODE} – Shomare")
    await expect(card(page, number)).to_contain_text(f"Telegram code {CODE}")
    await card(page, number).get_by_role("button", name=f"Copy the code {CODE}").click()
    assert await copied(page) == CODE
    await page.reload()
    await expect(card(page, number)).to_contain_text(CODE)


async def test_a_code_is_told_loudly_to_whoever_asked_for_that(home: Home, person_at: Came) -> None:
    """Before a click allowed it nothing sounds; what is shown beside the page is shown where nobody looks at that."""
    person = await person_at(home.url)
    await person.context.add_init_script(_EARS)
    page = await person.opens("buy")
    await buys(page)
    home.sim.deliver_sms(home.purchase, text="Telegram code 1111", code="1111")
    await expect(page).to_have_title("1111 – Shomare")
    assert await page.evaluate("[sounds, told]") == [0, []]

    await page.get_by_role("button", name="Sound with a code").click()
    assert await page.evaluate("[sounds, Notification.permission]") == [1, "granted"]
    home.sim.deliver_sms(home.purchase, text="Telegram code 2222", code="2222")
    await expect(page).to_have_title("2222 – Shomare")
    assert await page.evaluate("[sounds, told]") == [2, []]

    await page.evaluate("away = true")
    home.sim.deliver_sms(home.purchase, text=f"Telegram code {CODE}", code=CODE)
    await expect(page).to_have_title(f"{CODE} – Shomare")
    sounds, told = await page.evaluate("[sounds, told]")
    assert (sounds, len(told)) == (3, 1)
    assert CODE in told[0]
    assert home.number in told[0]


async def test_a_list_that_is_left_closes_and_takes_what_can_be_meant_alone(home: Home, person_at: Came) -> None:
    page = await (await person_at(home.url)).opens("buy")
    country, operator = (page.get_by_role("combobox", name=name) for name in ("Country", "Operator"))
    await country.fill("kingd")
    await expect(page.get_by_role("option")).to_have_count(1)
    await country.press("Tab")
    await expect(page.get_by_role("button", name="Remove United Kingdom")).to_be_visible()
    await country.click()
    await operator.click()
    await expect(country).to_have_attribute("aria-expanded", "false")
    await expect(page.get_by_role("listbox")).to_have_count(1)


async def test_enter_chooses_once_and_not_what_stands_first_after_it(home: Home, person_at: Came) -> None:
    page = await (await person_at(home.url)).opens("buy")
    country = page.get_by_role("combobox", name="Country")
    await country.fill("kingd")
    await expect(page.get_by_role("option")).to_have_count(1)
    await country.press("Enter")
    await country.press("Enter")
    await expect(page.get_by_role("button", name="Remove ")).to_have_count(1)
    await expect(page.get_by_role("button", name="Remove United Kingdom")).to_be_visible()


async def test_what_is_missing_is_said_until_it_is_chosen(home: Home, person_at: Came) -> None:
    page = await (await person_at(home.url)).opens("buy")
    await buy_button(page).click()
    refusal = page.get_by_role("alert").get_by_text("Choose an application first.")
    await expect(refusal).to_be_visible()
    await choose(page, "Application", "Telegram")
    await expect(refusal).to_have_count(0)


async def test_names_are_found_in_both_scripts_and_however_they_are_typed(home: Home, person_at: Came) -> None:
    page = await (await person_at(home.url)).opens("buy")
    for typed, found in (
        ("kingd", "United Kingdom"),
        ("روسيه", "Russia"),
        ("TUR", "Turkey"),
        ("تركيه", "Turkey"),
    ):
        box = page.get_by_role("combobox", name="Country")
        await box.fill(typed)
        await expect(page.get_by_role("option")).to_have_count(1)
        await expect(page.get_by_role("option")).to_contain_text(found)
    await box.fill("nowhere")
    await expect(page.get_by_role("listbox", name="Country")).to_contain_text("Nothing is called that")


async def test_a_number_is_given_back(home: Home, person_at: Came) -> None:
    page = await (await person_at(home.url)).opens()
    await buys(page)
    number = home.number
    assert home.sim.balance == 1_000_000 - 2200

    await card(page, number).get_by_role("button", name="Cancel").click()
    await expect(card(page, number)).to_contain_text("2,200")  # what comes back is said before
    await card(page, number).get_by_role("button", name="Yes").click()

    await expect(card(page, number)).to_have_count(0)
    assert home.sim.purchases[home.purchase].state == "cancelled"
    assert home.sim.balance == 1_000_000
    await expect(page.get_by_role("banner")).to_contain_text("1,000,000")


async def test_a_button_that_is_pressed_twice_buys_once(home: Home, person_at: Came) -> None:
    page = await (await person_at(home.url)).opens("buy")
    await wish(page)
    home.sim.fault("buy", "hold")

    await buy_button(page).dblclick()
    await page.keyboard.press("Enter")
    await home.called("buy")
    home.sim.clear_faults()

    await expect(page).to_have_url(f"{home.url}#now")
    await home.all_taken()
    assert len(home.bought()) == 1


async def test_a_lost_answer_is_asked_for_again_and_nothing_is_bought_twice(
    home: Home, wire: Wire, person_at: Came
) -> None:
    person = await person_at(wire.url)
    person.expects("net::ERR_")
    page = await person.opens("buy")
    await wish(page)
    wire.lose_answer("/api/command/buy")
    wire.lose_answer("/api/command/buy")

    await buy_button(page).click()

    await expect(page).to_have_url(f"{wire.url}#now")
    sent = [passed.body for passed in wire.to("/api/command/buy")]
    assert len(sent) == 3
    assert len(set(sent)) == 1
    assert '"transaction"' in sent[0]
    assert len(home.bought()) == 1


async def test_a_door_that_is_shut_after_a_lost_answer_does_not_say_that_nothing_was_done(
    home: Home, wire: Wire, person_at: Came
) -> None:
    person = await person_at(wire.url)
    person.expects("net::ERR_")
    person.expects("403")
    page = await person.opens("buy")
    await wish(page)
    wire.lose_answer("/api/command/buy")
    wire.shut("/api/command/buy", after=1)

    await buy_button(page).click()

    await expect(page.get_by_role("main").get_by_role("alert")).to_contain_text("nobody knows")
    await page.get_by_role("link", name="Now").click()  # as the page says: to see whether it is there
    await page.get_by_role("heading", level=1, name="Now").wait_for()
    await page.get_by_role("link", name="Buy").click()
    await buy_button(page).click()
    await expect(page).to_have_url(f"{wire.url}#now")
    sent = [passed.body for passed in wire.to("/api/command/buy")]
    assert (len(sent), len(set(sent)), len(home.bought())) == (2, 1, 1)


async def test_what_is_refused_is_said_where_it_was_pressed(home: Home, person_at: Came) -> None:
    page = await (await person_at(home.url)).opens("buy")
    home.sim.set_balance(100)
    await wish(page)

    await buy_button(page).click()

    said = page.get_by_role("main").get_by_role("alert")
    await expect(said).to_contain_text("too little for this number")
    await expect(page).to_have_url(f"{home.url}#buy")
    await expect(buy_button(page)).to_be_enabled()
    assert home.bought() == []


async def test_where_no_view_was_asked_for_none_goes_while_somebody_presses_in_it(home: Home, person_at: Came) -> None:
    """The order is open for a moment: that must not show another view, and take the reason away."""
    page = await (await person_at(home.url)).opens("")
    await wish(page)
    home.sim.set_balance(100)
    home.sim.fault("buy", "slow", delay=1)

    await buy_button(page).click()

    await expect(page.get_by_role("main").get_by_role("alert")).to_contain_text("too little for this number")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Buy a number")


async def test_an_application_that_was_typed_over_is_not_bought(home: Home, person_at: Came) -> None:
    page = await (await person_at(home.url)).opens("buy")
    await wish(page)
    await page.get_by_role("combobox", name="Application").fill("nothing of that name")

    await buy_button(page).click()  # the price goes with the application, and the button moves away under this
    await page.get_by_role("button", name="Buy", exact=True).click()

    await expect(page.get_by_role("main").get_by_role("alert")).to_contain_text("application")
    assert home.sim.calls["buy"] == 0


async def test_what_is_too_dear_is_not_bought(home: Home, person_at: Came) -> None:
    page = await (await person_at(home.url)).opens("buy")
    await wish(page)
    await page.get_by_label("At most").fill("2,000")

    await buy_button(page).click()

    await expect(page.get_by_role("main").get_by_role("alert")).to_contain_text("2,200")
    assert home.bought() == []


@pytest.mark.parametrize("typed", ["2000 or so", "cheap", "-5", "0,75"])
async def test_a_limit_that_cannot_be_read_is_no_limit_left_out(home: Home, person_at: Came, typed: str) -> None:
    page = await (await person_at(home.url)).opens("buy")
    await wish(page)
    await page.get_by_label("At most").fill(typed)

    await buy_button(page).click()

    await expect(page.get_by_role("main").get_by_role("alert")).to_contain_text("At most")
    await home.all_taken()
    assert home.bought() == []


async def test_what_another_buys_is_there_at_once_in_both_tabs(home: Home, person_at: Came) -> None:
    person = await person_at(home.url)
    one, other = await person.opens("now"), await person.opens("now")
    order = await home.buy()
    for page in (one, other):
        await expect(card(page, order["phone"])).to_be_visible()
    home.sim.deliver_sms(order["purchase"], code=CODE)
    for page in (one, other):
        await expect(card(page, order["phone"])).to_contain_text(CODE)

    await card(one, order["phone"]).get_by_role("button", name="Cancel").click()
    await card(one, order["phone"]).get_by_role("button", name="Yes").click()

    refused = home.sim.purchases[order["purchase"]].state != "cancelled"
    await expect(card(other, order["phone"])).to_have_count(1 if refused else 0)


async def test_alternatives_are_tried_until_one_is_to_be_had(home: Home, person_at: Came) -> None:
    page = await (await person_at(home.url)).opens("buy")
    for operator in ("1", "2"):
        home.sim.set_stock("7", operator, "3", 0)
    await choose(page, "Application", "Telegram")
    await choose(page, "Country", "Russia", "Germany")
    await choose(page, "Operator", "MTS", "Beeline")

    await buy_button(page).click()

    await expect(page).to_have_url(f"{home.url}#now")
    assert home.bought() == [("43", "1", "3")]
    await expect(page.get_by_role("article")).to_contain_text("Germany")


async def test_first_steps_without_a_token(open_home: Opened, person_at: Came) -> None:
    home = await open_home({"provider": {"token": "of long ago"}}, knows_nothing=True)
    page = await (await person_at(home.url)).opens()
    await expect(page.get_by_role("main")).to_contain_text("token")
    await expect(page.get_by_role("main")).to_contain_text("provider.token")


async def test_a_page_by_keyboard_alone(home: Home, person_at: Came) -> None:
    """From the address to the copied code with Tab, arrows, letters and Enter."""
    page = await (await person_at(home.url, permissions=CLIPBOARD)).opens("buy")
    await page.get_by_role("combobox", name="Country").wait_for()

    async def tab_to(name: str) -> None:
        for _ in range(60):
            await page.keyboard.press("Tab")
            if await page.evaluate(_NAMED, name):
                return
        raise AssertionError(f"Tab does not lead to {name}")

    for field, typed in (("Application", "telegr"), ("Country", "russ"), ("Operator", "mts")):
        await tab_to(field)
        await page.keyboard.type(typed)
        await page.keyboard.press("Enter")
    await tab_to("Buy")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(f"{home.url}#now")
    home.sim.deliver_sms(home.purchase, code=CODE)
    await expect(page.get_by_role("article")).to_contain_text(CODE)
    await tab_to(f"Copy the code {CODE}")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("article")).to_contain_text("Copied")
    assert await copied(page) == CODE


_NAMED = """name => {
    const here = document.activeElement, label = here.labels?.[0]?.textContent ?? here.getAttribute("aria-label");
    const shows = [here, here.parentElement].some(each => getComputedStyle(each).outlineStyle !== "none");
    return shows && (label ?? here.textContent).trim().startsWith(name);
}"""
"""Whether what is focused has a name, and can be seen to be focused."""
