"""A house that was lived in: closed orders of all kinds, a code that has come, a number that waits, and one in doubt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.system.house import PRODUCT

if TYPE_CHECKING:
    from tests.browser.home import Home

CODE = "48213"
PAST = (
    ("16", "2", "1", "came"),
    ("43", "1", "3", "came"),
    ("6", "4", "4", "came"),
    ("22", "any", "1", "given up"),
    ("16", "2", "3", "came"),
    ("57", "4", "2", "gone at the provider's"),
    ("6", "4", "1", "came"),
    ("7", "1", "3", "refused"),
    ("62", "3", "6", "given up"),
    ("6", "1", "8", "came"),
)
"""Country, operator, application, and what came of it."""


async def furnish(home: Home) -> None:
    """All that was, and what is open now; the newest order is in doubt, so that the daemon buys nothing more."""
    for number, (country, operator, application, outcome) in enumerate(PAST):
        await _close(home, {"country": country, "operator": operator, "application": application}, outcome, number)
    received = await _bought(home, PRODUCT)
    home.sim.deliver_sms(received["purchase"], text=f"Telegram code: {CODE}. Do not give it to anyone.", code=CODE)
    await home.order(received["order"], "received")
    await _bought(home, {"country": "43", "operator": "2", "application": "1"})
    home.sim.fault("buy", "reset_after")
    home.sim.fault("profile", "hold", times=None)  # else the balance settles it
    answer = await home.probe.ask("buy", {"country": "22", "operator": "4", "application": "2", "transaction": "doubt"})
    assert answer["status"] == "unknown"


async def _bought(home: Home, product: dict[str, Any]) -> Any:
    return await home.probe.ok("buy", {**product, "transaction": f"furniture-{len(home.sim.purchases)}"})


async def _close(home: Home, product: dict[str, Any], outcome: str, number: int) -> None:
    if outcome == "refused":
        home.sim.set_stock(**product, count=0)
        await home.probe.refused("buy", {**product, "transaction": "furniture-refused"})
        home.sim.set_stock(**product, count=500)
        return
    order = await _bought(home, product)
    if outcome == "came":
        home.sim.deliver_sms(order["purchase"], text=f"Your code is {71000 + 1234 * number}", code=None)
        await home.order(order["order"], "received")
        home.sim.end(order["purchase"], "finished")
        await home.order(order["order"], "finished")
    elif outcome == "given up":
        await home.probe.ok("cancel", {"order": order["order"], "transaction": f"given-up-{number}"})
    else:
        home.sim.end(order["purchase"], "banned")
        await home.order(order["order"], "cancelled", "expired", "finished", "failed")
