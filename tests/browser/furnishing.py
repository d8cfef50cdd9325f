"""A house that was lived in: closed orders of all kinds, a code that came, a number that waits, and one in doubt."""

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
    ("57", "4", "2", "nothing came"),
    ("6", "4", "1", "came"),
    ("7", "1", "3", "refused"),
    ("62", "3", "6", "given up"),
    ("6", "1", "8", "came"),
)
"""Country, operator, application, and what came of it."""
LIFETIME = 5.0
"""Seconds that those numbers live: time enough for their SMS to be found."""


async def furnish(home: Home) -> None:
    """All that was, and what is open now; the newest order is in doubt, so that the daemon buys nothing more."""
    home.sim.option(lifetime=LIFETIME)
    orders = [await _past(home, *each, number) for number, each in enumerate(PAST)]
    for order in filter(None, orders):
        await home.order(order, "finished", "cancelled", "expired")
    home.sim.option(lifetime=1200.0)
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


async def _past(home: Home, country: str, operator: str, application: str, outcome: str, number: int) -> str | None:
    """Buys one; the order where there is one. It closes by itself, at last when its time is over."""
    product = {"country": country, "operator": operator, "application": application}
    if outcome == "refused":
        home.sim.set_stock(**product, count=0)
        await home.probe.refused("buy", {**product, "transaction": "furniture-refused"})
        home.sim.set_stock(**product, count=500)
        return None
    order = await _bought(home, product)
    if outcome == "came":
        home.sim.deliver_sms(order["purchase"], text=f"Your code is {71000 + 1234 * number}")
    elif outcome == "given up":
        await home.probe.ok("cancel", {"order": order["order"], "transaction": f"given-up-{number}"})
    return str(order["order"])
