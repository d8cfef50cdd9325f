"""`defaults/…`, and what a `buy` and the price queries take from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.system.house import PRICE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.system.house import House

pytestmark = pytest.mark.mosquitto


async def test_setting_them(house: House) -> None:
    assert await house.probe.ok("defaults/country/set", "russia") == {"country": "7"}
    assert await house.probe.ok("defaults/operator/set", "1") == {"operator": "1"}
    await house.probe.text("defaults/country", "7")
    await house.probe.text("defaults/country/name", "Russia")
    await house.probe.text("quote", "")
    assert (await house.probe.refused("buy", {}))["code"] == "invalid_command"
    assert await house.probe.ok("defaults/application/set", "تلگرام") == {"application": "3"}
    quote = await house.probe.holds("quote", lambda q: q["price"] == PRICE)
    assert (quote["country"], quote["operator"], quote["application"]) == ("7", "1", "3")
    order = await house.probe.ok("buy", {})
    assert (order["country"], order["operator"], order["application"]) == ("7", "1", "3")
    order = await house.probe.ok("buy", {"country": "", "application": "whatsapp"})
    assert (order["country"], order["operator"], order["application"]) == ("7", "1", "1")
    assert (await house.probe.ok("query/price", ""))["price"] == PRICE
    assert len((await house.probe.ok("query/prices", {}))["prices"]) == 10
    assert await house.probe.ok("defaults/country/set", "") == {"country": None}
    await house.probe.text("defaults/country", "")
    await house.probe.text("defaults/country/name", "")
    await house.probe.text("quote", "")
    assert (await house.probe.refused("query/price", {}))["code"] == "invalid_command"
    for field in ("country", "operator", "application"):
        assert (await house.probe.refused(f"defaults/{field}/set", "no such thing"))["code"] == "unknown_name"
    assert len(house.bought()) == 2


async def test_the_most_a_number_may_cost(house: House) -> None:
    for text, shown in (("3000", "3000"), ("2199.5", "2199.5"), ("1e3", "1000"), ("0", ""), ("50", "50"), ("", "")):
        data = await house.probe.ok("defaults/max_price/set", text)
        assert data == {"max_price": float(shown) if shown else None}
        await house.probe.text("defaults/max_price", shown)
    for wrong in ("-1", "cheap", "NaN", "Infinity", "1e999", "{}", "null"):
        assert (await house.probe.refused("defaults/max_price/set", wrong))["code"] == "invalid_command", wrong
    await house.probe.ok("defaults/max_price/set", str(PRICE - 1))
    product = {"country": 7, "operator": 1, "application": 3}
    assert (await house.probe.refused("buy", product))["code"] == "price_too_high"
    assert (await house.probe.refused("buy", {**product, "max_price": 9999}))["code"] == "price_too_high"
    await house.probe.ok("defaults/max_price/set", "0")
    assert (await house.buy())["price"] == PRICE


async def test_they_outlive_a_restart_and_outrank_the_file(open_house: Callable[..., Awaitable[House]]) -> None:
    house = await open_house()
    defaults = {"country": "ایران", "operator": "any", "application": 3, "max_price": 9000}
    await house.start({"defaults": defaults})
    await house.probe.text("defaults/country/name", "Iran")
    await house.probe.text("defaults/operator/name", "Any operator")
    await house.probe.text("defaults/max_price", "9000")
    await house.probe.ok("defaults/country/set", "7")
    await house.probe.ok("defaults/max_price/set", "8000")
    await house.again()
    assert (await house.probe.ok("buy", {}))["country"] == "7"
    await house.probe.text("defaults/max_price", "8000")
    assert await house.probe.ok("defaults/country/set", "") == {"country": "57"}
    assert await house.probe.ok("defaults/max_price/set", "0") == {"max_price": 9000}
    assert (await house.probe.ok("buy", {}))["country"] == "57"


async def test_a_name_in_the_settings_that_is_not_in_the_lists(open_house: Callable[..., Awaitable[House]]) -> None:
    house = await open_house()
    prices = [{"country": "Narnia", "operator": 1}, {"country": "Russia", "operator": 1}]
    await house.start({"defaults": {"country": "Atlantis", "operator": 1, "application": 3}, "prices": prices})
    for name in ("Atlantis", "Narnia"):
        told = await house.probe.message("event/bridge", 0, lambda s, n=name: n in s.json["message"])  # type: ignore[misc]
        assert told.json["event_type"] == "name_unknown"
    await house.probe.message("prices/7/1")
    await house.probe.text("defaults/operator", "1")
    assert (await house.probe.refused("buy", {}))["code"] == "invalid_command"
    assert (await house.probe.ok("buy", {"country": 7}))["state"] == "waiting"
