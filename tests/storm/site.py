"""People on the provider's own site: they cancel numbers of ours, and buy and cancel some that no daemon knows of."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from random import Random

    from tests.storm.processes import Provider

REFUND_DELAY = 0.4
"""Seconds until a refund is booked at most: within `orders.settle_delay`, which is what a daemon waits for one."""
DEAR = [("43", operator, application) for operator in ("1", "2", "3", "4", "any") for application in ("1", "3")]
"""Products whose prices none of those has that daemons are asked for: nobody could tell such a refund from a purchase
that was not made."""


class Site:
    """What is done there; `done` counts it."""

    def __init__(self, provider: Provider, chance: Random) -> None:
        self._provider = provider
        self._chance = chance
        self.done: Counter[str] = Counter()

    async def without_sms(self) -> None:
        """Numbers that are bought from now on get no SMS, and so can be cancelled."""
        await self._provider.control(
            "option", sms_count=0, refund_delay=self._chance.choice((0, REFUND_DELAY / 4, REFUND_DELAY))
        )

    async def with_sms(self) -> None:
        await self._provider.control("option", sms_count=2)

    async def lose_answers(self) -> None:
        """To the next `buy`, which is carried out or not; and maybe to some questions for numbers."""
        kind = self._chance.choice(("reset_after", "reset_after", "hang_after", "reset_before"))
        await self._provider.control("fault", endpoint="buy", kind=kind)
        if self._chance.random() < 0.5:
            times = self._chance.randint(1, 8)
            await self._provider.control("fault", endpoint="check", kind="framework_500", times=times)

    async def cancel_ours(self, most: int) -> None:
        """Cancel some of the newest numbers that live and have no SMS, whether or not a daemon knows of them."""
        found = [p for p in await self._live() if not p["by_hand"]][-2 * most :]
        for purchase in self._chance.sample(found, min(most, len(found))):
            await self._cancel(purchase, "cancelled on the site")

    async def cancel_newest(self) -> None:
        """Cancel the number that was bought last, where it lives: the one whose answer was lost, say."""
        for purchase in [p for p in await self._live() if not p["by_hand"]][-1:]:
            await self._cancel(purchase, "cancelled on the site")

    async def buy(self) -> None:
        country, operator, application = self._chance.choice(DEAR)
        await self._provider.control("buy", country=country, operator=operator, application=application)
        self.done["bought on the site"] += 1

    async def buy_and_cancel(self) -> None:
        """Buy one by hand, and cancel it again, where it still lives."""
        await self.buy()
        await asyncio.sleep(self._chance.uniform(0, REFUND_DELAY))
        for purchase in [p for p in await self._live() if p["by_hand"]][-1:]:
            await self._cancel(purchase, "bought and cancelled on the site")

    async def busy(self, seconds: float) -> None:
        """Some of all that, for about so long."""
        for _ in range(3):
            await asyncio.sleep(self._chance.uniform(0, seconds / 3))
            await self._chance.choice((self.buy, self.buy_and_cancel, lambda: self.cancel_ours(1)))()

    async def _live(self) -> list[dict[str, Any]]:
        return [p for p in (await self._provider.state())["purchases"] if p["state"] == "waiting"]

    async def _cancel(self, purchase: dict[str, Any], what: str) -> None:
        # An SMS, or our own cancel, may come before.
        if await self._provider.may("cancel", purchase=purchase["purchase"]):
            self.done[what] += 1
