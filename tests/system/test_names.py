"""Names that several have, labels, and ids that look like nothing."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

import pytest

from tests.patience import PATIENCE
from tests.system.house import PRODUCT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.system.house import House

pytestmark = pytest.mark.mosquitto


async def test_a_name_of_several(open_house: Callable[..., Awaitable[House]]) -> None:
    house = await open_house()
    house.product_sold("countries", "77", "Russia")
    house.product_sold("countries", "0", "Zero")
    house.product_sold("countries", "a/b+c#d", "Odd")
    await house.start({"prices": [{"country": "a/b+c#d", "operator": 1}]})
    error = await house.probe.refused("buy", {**PRODUCT, "country": "russia"})
    assert error["code"] == "ambiguous_name"
    assert all(word in error["message"] for word in ("7", "77", "Russia"))
    error = await house.probe.refused("defaults/country/set", "Russia")
    assert error["code"] == "ambiguous_name"
    assert await house.probe.ok("defaults/country/set", "Russia (77)") == {"country": "77"}
    await house.probe.text("defaults/country/name", "Russia (77)")
    assert await house.probe.ok("defaults/country/set", "77") == {"country": "77"}
    for given, wanted in (("RUSSIA (7)", "7"), (0, "0"), ("0", "0"), ("zero", "0"), ("odd", "a/b+c#d")):
        assert (await house.buy(country=given))["country"] == wanted
    assert (await house.probe.message("prices/a%2Fb%2Bc%23d/1")).json["country"] == "a/b+c#d"
    data = await house.probe.ok("query/prices/a%2Fb%2Bc%23d/1")
    assert data["country"] == "a/b+c#d"
    assert (await house.probe.ok("query/prices/a%2fb%2bc%23d/mts"))["operator"] == "1"
    assert await house.probe.ok("defaults/country/set", "0") == {"country": "0"}
    await house.probe.text("defaults/country", "0")
    assert (await house.probe.ok("buy", {"operator": 1, "application": 3}))["country"] == "0"
    assert [c for c, _, _ in house.bought()] == ["7", "0", "0", "0", "a/b+c#d", "0"]


async def test_wrong_names_in_the_settings_stand_in_the_log(open_house: Callable[..., Awaitable[House]]) -> None:
    """Once each, with the nearest; after the settings are read again once more."""
    house = await open_house()
    wrong = {
        "defaults": {"country": "Rusia", "operator": 1, "application": "Telegram"},
        "prices": [{"country": "Russia", "operator": "MTZ"}],
        "homeassistant": {"applications": ["Telegram", "Gogle"]},
    }
    daemon = await house.start(wrong)
    lacks = "the provider's list holds no"
    slips = (
        f"WARNING shomare_mqtt: defaults.country is left out: country: {lacks} 'Rusia'; the nearest are Russia (7)",
        f"WARNING shomare_mqtt: prices[0] is left out: operator: {lacks} 'MTZ'; the nearest are MTS",
        f"WARNING homeassistant: homeassistant.applications: {lacks} 'Gogle'; the nearest are Google",
    )
    for slip in slips:
        await daemon.said(slip)
        assert daemon.log.count(slip) == 1
    error = await house.probe.refused("buy", {})
    assert error["code"] == "invalid_command"
    assert 'defaults.country = "Rusia" in the settings is of no use' in error["message"]
    assert "the nearest are Russia (7)" in error["message"]
    daemon.process.send_signal(signal.SIGHUP)
    async with asyncio.timeout(PATIENCE):
        while any(daemon.log.count(slip) < 2 for slip in slips):  # noqa: ASYNC110 - as in Daemon.said
            await asyncio.sleep(0.02)
    assert [daemon.log.count(slip) for slip in slips] == [2, 2, 2]


async def test_a_name_that_came_later_is_found(house: House) -> None:
    assert (await house.probe.refused("buy", {**PRODUCT, "country": "Narnia"}))["code"] == "unknown_name"
    house.product_sold("countries", "500", "Narnia")
    assert "500" in [c["id"] for c in await house.probe.ok("query/countries")]
    assert (await house.buy(country="narnia"))["country"] == "500"
    assert "500" in [c["id"] for c in await house.probe.holds("countries", lambda c: len(c) == 9)]
