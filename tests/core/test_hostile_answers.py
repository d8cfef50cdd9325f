"""Answers changed at random, of all endpoints: the daemon is alive and truthful after each (contract, Answers).

A seed that found something stays among `FOUND`.
"""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.core.hostile import HostileProvider, may_refuse, phone_of
from tests.core.provider import sms
from tests.core.world import TOKEN

if TYPE_CHECKING:
    from tests.core.conftest import Opening
    from tests.core.world import World

SEEDS = range(24)
FOUND: tuple[int, ...] = ()
ANSWERS = 900
"""Of each seed, at least: 21,600 in all."""
KINDS = ("profile", "countries", "operators", "applications", "prices", "price", "buy", "check", "cancel")
KEPT = {"account", "countries", "operators", "applications", "defaults", "prices 0", "health"}
"""Tasks that never end."""
SETTINGS: dict[str, Any] = {
    "refresh": {"profile": 20, "catalog": 60, "prices": 60},
    "prices": [{"country": "2", "operator": "1"}],
    "defaults": {"country": "Russia", "operator": "1", "application": "1"},
    "limits": {"max_unused_per_day": 100_000, "max_open_orders": 1000},
    "orders": {"settle_delay": 1, "poll_interval": 2, "lifetime": 300},
}
OPEN = ("waiting", "received")


def tasks(world: World) -> set[str]:
    return {task.get_name() for task in world._tasks}


def squeezed(text: str) -> str:
    return re.sub(r"[\W_]|\\[nrt]|\\u....", "", text)


def code_of(purchase: str, number: int) -> str:
    return f"{int(purchase) * 7 + number:06d}"


class Story:
    """One world with a hostile provider, and what must be true of it."""

    def __init__(self, world: World, provider: HostileProvider, rng: random.Random) -> None:
        self.world, self.provider, self.rng = world, provider, rng

    async def buy(self) -> None:
        before = len(self.provider.numbers)
        answer = await self.world.ask("buy", {"country": "2", "operator": "1", "application": "1"})
        new = list(self.provider.numbers)[before:]
        assert len(new) <= 1, "bought twice"
        order = (answer.get("data") or {}).get("order")
        if new and not may_refuse(self.provider.bought[new[0]]):
            said = self.provider.bought[new[0]]
            assert answer["status"] in ("ok", "unknown"), (answer, said)
        if answer["status"] == "ok":
            assert new, "said to be bought, and it is not"
            self._names(answer["data"], self.provider.bought[new[0]].text)
        if order is not None:
            assert self.world.order(order)["state"] != "buying"

    def _names(self, order: Any, said: str) -> None:
        """All that an order says of its number stands in the answer."""
        assert order["purchase"] in said, (order, said[:500])
        if order["phone"] is not None:
            digits = "".join(filter(str.isdigit, said))
            assert order["phone"].lstrip("+").removeprefix("7")[-7:] in digits, (order, said[:500])

    async def act(self) -> None:
        world, rng = self.world, self.rng
        kind = rng.choice((*KINDS, "buy", "check", "sms"))
        if kind == "buy":
            await self.buy()
        elif kind in ("check", "cancel"):
            open_orders = world.json("orders")
            live = [o for o in open_orders if o["state"] in OPEN] or open_orders
            if live:
                await world.ask("query/check" if kind == "check" else "cancel", {"order": rng.choice(live)["order"]})
        elif kind == "sms":
            for number in self.provider.alive[-3:]:
                count = len(number.sms) + 1
                code = code_of(number.purchase, count)
                self.provider.gets(number.purchase, sms(f"Your code is {code}", code, provider_id=str(count)))
        elif kind in ("prices", "price"):
            await world.ask(f"query/{kind}", {"country": "2", "operator": "1"})
        else:
            await world.ask(f"query/{kind}")
        await world.sleep(rng.choice((0, 1, 5, 20)))
        self.check()

    def check(self) -> None:
        self.world.check()
        assert tasks(self.world) >= KEPT, "a task has ended"
        orders = [o for o in self.world.json("orders") if o["purchase"] is not None]
        assert len({o["purchase"] for o in orders}) == len(orders), "one purchase, two orders"
        for order in orders:
            assert order["state"] in ("waiting", "received", "unknown", "buying")

    async def end(self) -> None:
        """The provider answers as it should: all of it is understood, and no SMS is lost."""
        world, provider = self.world, self.provider
        provider.hostile = False
        await world.sleep(700)
        for kind in ("profile", "countries", "operators", "applications"):
            await world.data(f"query/{kind}")
        await world.data("query/prices", {"country": "2", "operator": "1"})
        assert (await world.data("query/price", {}))["price"] == 2200
        assert world.json("provider/state")["state"] == "online"
        assert [e["name"] for e in world.json("countries")] == ["Iran", "Russia", "Georgia"]
        assert len(world.json("prices/2/1")["prices"]) == 3
        order = await world.data("buy", {})
        assert order["phone"] == phone_of(order["purchase"])
        provider.gets(order["purchase"], sms("Your code is 918273", "918273"))
        await world.state(order["order"], "received")
        for event in world.events("sms"):
            said = event["code"] or event["text"][:200]
            assert any(squeezed(said) in squeezed(shown) for shown in provider.shown[event["purchase"]]), said
        assert "918273" in [e["code"] for e in world.events("sms") if e["order"] == order["order"]]
        self.check()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [*SEEDS, *FOUND])
async def test_no_answer_ends_or_deceives_the_daemon(
    opened: Opening, seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    rng = random.Random(seed)
    provider = HostileProvider(seed)
    world = await opened(started=False, **SETTINGS)
    world.provider = provider
    await world.start()
    story = Story(world, provider, rng)
    await world.sleep(5)
    provider.hostile = True
    while len(provider.said) < ANSWERS or not set(KINDS) <= set(provider.count_of):
        await story.act()
    await story.end()
    codes = {code_of(n.purchase, i) for n in provider.numbers.values() for i in range(1, len(n.sms) + 1)}
    assert not [code for code in (*codes, TOKEN, "918273") if code in caplog.text], "a secret in the log"
