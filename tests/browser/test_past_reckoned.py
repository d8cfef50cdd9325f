"""What History reckons and writes by itself: what became of the money, and a file that a spreadsheet opens."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.browser.test_past import read
from tests.system.house import PRODUCT

if TYPE_CHECKING:
    from tests.browser.conftest import Came
    from tests.browser.home import Home

FORMULA = '=HYPERLINK("http://example.com/48213","your code, 48213")'
_BOUGHT = {"state": "finished", "purchase": "1", "closed_at": "then", "sms_count": 1, "price": 100}
_UNUSED = {**_BOUGHT, "state": "cancelled", "sms_count": 0}
FATES: list[tuple[dict[str, Any], str, int]] = [
    ({"state": "buying", "price": 100}, "unclear", 100),
    ({"state": "waiting", "purchase": "1", "price": 100}, "held", 100),
    ({"state": "waiting", "purchase": "1", "price": 100, "charged": 120}, "held", 120),
    (_BOUGHT, "kept", 100),
    ({**_UNUSED, "refunded": True}, "back", 0),
    ({**_UNUSED, "refunded": False}, "kept", 100),
    (_UNUSED, "unclear", 100),
    ({"state": "cancelled", "purchase": None, "closed_at": "then", "price": 100}, "none", 0),
    ({"state": "failed", "closed_at": "then", "price": 100}, "none", 0),
    ({"state": "unknown", "price": 100}, "unclear", 0),
    ({"state": "unknown", "price": 100, "charged": 100}, "unclear", 100),
]
"""An order, what became of its money, and what of it is spent as far as is known."""
_RECKONED = """
async (orders) => {
    const {moneyOf, totalOf} = await import(new URL("past.js", location.href).href);
    return orders.map((order) => {
        const whole = {sms_count: 0, refunded: null, charged: null, ...order};
        return [moneyOf(whole), totalOf([whole]).spent];
    });
}
"""


async def test_what_became_of_the_money(furnished: Home, person_at: Came) -> None:
    page = await (await person_at(furnished.url)).opens()
    reckoned = await page.evaluate(_RECKONED, [order for order, _, _ in FATES])
    assert reckoned == [[fate, spent] for _, fate, spent in FATES]


async def test_a_text_is_no_formula_in_the_file(home: Home, person_at: Came) -> None:
    order = await home.probe.ok("buy", {**PRODUCT, "transaction": "t"})
    home.sim.deliver_sms(order["purchase"], text=FORMULA, code="48213")
    await home.order(order["order"], "received")
    page = await (await person_at(home.url)).opens("history")
    async with page.expect_download() as saved:
        await page.get_by_role("button", name="Save 1 order as CSV").click()
    (row,) = read(Path(await (await saved.value).path()))
    assert row["texts"] == f"'{FORMULA}"
    assert (row["phone"], row["codes"]) == (home.number, "48213"), "what is a number stays one"
