"""No order is `failed` that took money, whatever comes back about then: one price for all, and all that can fail.

What nobody can know of is left out: numbers that somebody buys by hand on the provider's site and gives back there.
"""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shomare_mqtt.errors import ErrorCode, ProviderError, ProviderRefusedError, Upstream
from shomare_mqtt.model import PurchaseState
from tests.core.provider import (
    FAILED,
    LOST,
    MALFORMED,
    NOT_FOUND,
    TIMEOUT,
    TOO_EARLY,
    UNREACHABLE,
    Acting,
    Late,
    Number,
    sms,
)
from tests.core.virtual import VirtualLoop
from tests.core.world import PRODUCT, World

LIFETIME = 300.0
REFUSED = ProviderRefusedError(ErrorCode.PROVIDER_ERROR, "it cannot be cancelled", Upstream(400, 400))
EARLIER = st.sampled_from(["waiting", "waiting", "received", "unknown", "expired"])
AGO = st.sampled_from([1.0, 12.0, 45.0, 100.0])
MOMENTS = st.sampled_from([-40.0, -20.0, -8.0, -1.0, 0.05, 4.0, 9.0, 20.0, 33.0, 50.0])
"""Seconds from when a purchase is asked for whose answer is lost."""


@dataclass(frozen=True)
class GivenBack:
    """By the provider, or by somebody on its site."""

    number: int
    state: PurchaseState

    async def happen(self, life: Life) -> None:
        if found := life.paid(self.number):
            life.world.provider.give_back(found, self.state)


@dataclass(frozen=True)
class Cancelled:
    """By a command of ours; of an order in doubt we do not know that the number is ours."""

    number: int
    outcome: Any

    async def happen(self, life: Life) -> None:
        if found := life.paid(self.number):
            life.world.provider.script("cancel", self.outcome)
            life.world.send("cancel", {"purchase": found.purchase})


@dataclass(frozen=True)
class Killed:
    """A cancel is carried out, and the process dies before its answer; asked for again it is refused, or fails."""

    number: int
    again: ProviderError

    async def happen(self, life: Life) -> None:
        if found := life.paid(self.number):
            life.world.provider.script("cancel", Late(60.0), *[self.again] * 4)
            life.world.send("cancel", {"purchase": found.purchase})
            await life.world.sleep(0.01)
            life.world.provider.give_back(found, PurchaseState.CANCELLED)
            await life.restart(0.0, reboot=False)


@dataclass(frozen=True)
class Restarted:
    """The process dies, and another one comes."""

    down: float
    reboot: bool

    async def happen(self, life: Life) -> None:
        await life.restart(self.down, reboot=self.reboot)


@dataclass(frozen=True)
class ChecksFail:
    """From now on; or no more."""

    outcome: ProviderError | None

    async def happen(self, life: Life) -> None:
        life.world.provider.always["check"] = self.outcome


NUMBERS = st.integers(0, 2)
RETURNS = st.one_of(
    st.builds(GivenBack, NUMBERS, st.sampled_from([PurchaseState.CANCELLED, PurchaseState.EXPIRED])),
    st.builds(Cancelled, NUMBERS, st.sampled_from([None, Acting(TIMEOUT), Acting(MALFORMED), Late(9.0), TOO_EARLY])),
    st.builds(Killed, NUMBERS, st.sampled_from([REFUSED, TIMEOUT, NOT_FOUND])),
)
TROUBLES = st.one_of(
    st.builds(ChecksFail, st.sampled_from([None, FAILED, NOT_FOUND, UNREACHABLE])),
    st.builds(Restarted, st.sampled_from([0.0, 2.0, 40.0]), st.booleans()),
)


@dataclass(frozen=True)
class Plan:
    """One purchase in doubt, what was there before it, and what happens about then."""

    earlier: list[tuple[str, float]]
    returns: list[tuple[float, Any]]
    troubles: list[tuple[float, Any]]
    late: float
    queue: float
    connecting: float
    is_bought: bool

    @property
    def events(self) -> list[tuple[float, Any]]:
        return sorted([*self.returns, *self.troubles, (0.0, None)], key=lambda event: event[0])


PLANS = st.builds(
    Plan,
    st.lists(st.tuples(EARLIER, AGO), min_size=1, max_size=2),
    st.lists(st.tuples(MOMENTS, RETURNS), min_size=1, max_size=2),
    st.lists(st.tuples(MOMENTS, TROUBLES), max_size=2),
    late=st.sampled_from([0.0, 0.0, 3.0, 25.0]),
    queue=st.sampled_from([0.0, 0.0, 3.0, 15.0]),
    connecting=st.sampled_from([0.0, 0.0, 15.0]),
    is_bought=st.sampled_from([True, True, True, False]),
)


class Life:
    """A world in which a plan is carried out."""

    def __init__(self, world: World, plan: Plan) -> None:
        self.world = world
        self.plan = plan

    async def live(self) -> None:
        provider = self.world.provider
        await self.world.start()
        for number, (state, ago) in enumerate(self.plan.earlier, 2):
            await self._before(state, ago, str(number))
        provider.books_late = self.plan.late
        began = self._now() + max(0.0, -self.plan.events[0][0])
        for moment, event in self.plan.events:
            await self.world.sleep(began + moment - self._now())
            await (self._buy() if event is None else event.happen(self))
        await self.world.sleep(began + 200 - self._now())
        self.look()
        provider.always.clear()
        await self.world.sleep(2000)
        self.look()

    async def _before(self, state: str, ago: float, application: str) -> None:
        """An order of an earlier time."""
        world = self.world
        if state == "unknown":
            world.provider.script("buy", Acting(LOST))
        number = len(world.provider.numbers)
        await world.ask("buy", {**PRODUCT, "application": application})
        if state == "received":
            world.provider.gets(f"p{number + 1}", sms())
        if state == "unknown":
            await world.sleep(90)
        if state == "expired":
            world.provider.always["cancel"] = TOO_EARLY
            await world.sleep(LIFETIME + 320)
            del world.provider.always["cancel"]
        await world.sleep(ago)

    async def _buy(self) -> None:
        """The purchase whose answer is lost."""
        provider = self.world.provider
        provider.queue, provider.connecting = self.plan.queue, self.plan.connecting
        provider.script("buy", Acting(LOST) if self.plan.is_bought else LOST)
        self.world.send("buy", PRODUCT)

    async def restart(self, down: float, *, reboot: bool) -> None:
        await self.world.crash()
        await asyncio.sleep(down)
        self.world.clock.new_process()
        if reboot:
            self.world.clock.reboot()
        await self.world.start()
        await self.world.settle()

    def paid(self, number: int) -> Number | None:
        """One of the numbers that the provider holds money for."""
        paid = [n for n in self.world.provider.numbers.values() if n.is_paid]
        return paid[number % len(paid)] if paid else None

    def look(self) -> None:
        """What failed for the balance's sake took no money."""
        self.world.check()
        for event in self.world.events("order"):
            order = event["order"]
            if order["state"] == "failed" and order["error"]["code"] == "outcome_unknown":
                paid = [n.purchase for n in self.world.provider.numbers.values() if n.is_paid and _is_of(n, order)]
                assert not paid, f"{paid} was paid for, and {order['order']} failed: {order['error']['message']}"

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def _is_of(number: Number, order: dict[str, Any]) -> bool:
    return number.product is not None and number.product.application == order["application"]


@pytest.mark.slow
@pytest.mark.timeout(900)
@settings(max_examples=150)
@given(plan=PLANS)
def test_nothing_failed_that_took_money(plan: Plan) -> None:
    async def live() -> None:
        with tempfile.TemporaryDirectory() as folder:
            world = World(Path(folder) / "state", orders={"lifetime": LIFETIME})
            try:
                await Life(world, plan).live()
            finally:
                await world.crash()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(live())
