"""Offers stand behind everything else that `requests_per_minute` has to carry (contract, Commands, 'Offers')."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.model import CatalogKind, Priority
from shomare_mqtt.provider.limiter import Limiter
from tests.core.provider import FakeProvider, entries

if TYPE_CHECKING:
    from collections.abc import Callable

    from shomare_mqtt.core.ports import Permit
    from shomare_mqtt.model import (
        CheckReading,
        Known,
        Price,
        PriceList,
        Product,
        Profile,
        Purchase,
    )
    from tests.core.conftest import Opening
    from tests.core.world import World

PER_MINUTE = 60
ONE_REQUEST = 60 / (PER_MINUTE - 15 + 1)
"""Seconds that the limiter takes to let one request through, after a burst of 15."""
ANSWERS = 0.2
"""Seconds that an answer takes."""


class InLine(FakeProvider):
    """A provider whose calls wait for their turn as the real client's do, and whose answers take a while."""

    def __init__(self, limiter: Limiter) -> None:
        super().__init__()
        self._limiter = limiter
        self.left: list[float] = []
        """When each request left."""

    async def _outcome(self, call: str, asked: Any, usual: Callable[[], Any]) -> Any:
        self.left.append(self._limiter._clock.monotonic())
        await self._limiter._clock.sleep(ANSWERS)
        return await super()._outcome(call, asked, usual)

    async def profile(self, *, priority: Priority) -> Profile:
        await self._limiter.slot(priority)
        return await super().profile(priority=priority)

    async def prices(self, country: str, operator: str, *, known: Known, priority: Priority) -> PriceList:
        await self._limiter.slot(priority)
        return await super().prices(country, operator, known=known, priority=priority)

    async def price(self, product: Product, *, known: Known, priority: Priority) -> Price:
        await self._limiter.slot(priority)
        return await super().price(product, known=known, priority=priority)

    async def check(self, purchase: str, *, known: Known, priority: Priority) -> CheckReading:
        await self._limiter.slot(priority)
        return await super().check(purchase, known=known, priority=priority)

    async def buy(self, product: Product, *, known: Known, permit: Permit) -> Purchase:
        await self._limiter.slot(Priority.MONEY)
        return await super().buy(product, known=known, permit=permit)


async def in_line(opened: Opening, **settings: Any) -> tuple[World, InLine]:
    """A world with 40 countries, 5 operators and the usual limit."""
    world = await opened(started=False, **settings)
    provider = world.provider = InLine(Limiter(PER_MINUTE, world.clock))
    provider.catalogs[CatalogKind.COUNTRIES] = entries(*map(str, range(40)))
    provider.catalogs[CatalogKind.OPERATORS] = entries(*"abcde")
    await world.start()
    await world.sleep(60)
    return world, provider


async def buys(world: World, moments: list[float]) -> list[float]:
    """Seconds from each `buy`, sent at these moments from now on, until its answer."""
    began, took = world.clock.monotonic(), []
    for moment in moments:
        await world.sleep(max(0.0, began + moment - world.clock.monotonic()))
        sent = world.clock.monotonic()
        await world.buy(country="1", max_price=100_000)
        took.append(world.clock.monotonic() - sent)
    return took


@pytest.mark.parametrize("seed", range(4))
async def test_buys_meanwhile_are_not_delayed_by_more_than_one_request(opened: Opening, seed: int) -> None:
    chance = random.Random(seed)
    moments = sorted(chance.uniform(1, 240) for _ in range(12))
    world, _ = await in_line(opened, limits={"max_unused_per_day": 100})
    alone = await buys(world, moments)
    await world.sleep(2000)
    asked = world.send("query/offers", {"application": 1, "max_age": 60})
    beside = await buys(world, moments)
    assert (await world.answer(asked))["data"]["read"] == 200
    assert all(b <= a + ONE_REQUEST for a, b in zip(alone, beside, strict=True)), (alone, beside)


async def test_it_is_complete_in_the_time_that_the_limit_takes_and_never_beyond_it(opened: Opening) -> None:
    world, provider = await in_line(opened)
    began = world.clock.monotonic()
    data = await world.data("query/offers/1")
    assert (data["places"], data["read"], data["unread"]) == (200, 200, 0)
    assert world.clock.monotonic() - began <= 200 * ONE_REQUEST + 60
    left = provider.left
    assert all(sum(at <= each < at + 60 for each in left) <= PER_MINUTE for at in left)


async def test_queries_and_polls_go_first(opened: Opening) -> None:
    world, provider = await in_line(opened)
    asked = world.send("query/offers", {"application": 1, "wait": False})
    await world.answer(asked)
    await world.sleep(60)
    before = world.clock.monotonic()
    for _ in range(3):
        await world.data("query/prices/40/5")
    assert world.clock.monotonic() - before <= ONE_REQUEST + 3 * ANSWERS, "a part of the burst is left for them"
    assert provider.count("prices") < 200
