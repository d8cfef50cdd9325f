"""Whatever up to six pairs are answered: what is sent is what the contract allows, and nothing after a doubt."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from shomare_mqtt.model import CatalogKind, Price
from tests.core.provider import (
    FAILED,
    INVALID_TOKEN,
    LOST,
    MALFORMED,
    NO_NUMBERS,
    NOT_FOUND,
    TIMEOUT,
    UNREACHABLE,
    Acting,
    Late,
    entries,
)
from tests.core.virtual import VirtualLoop
from tests.core.world import World

MOST = 6
GOES_ON = {"none": NO_NUMBERS, "gone": NOT_FOUND}
"""The provider's own word that there is nothing in this place."""
REFUSES = {"token": INVALID_TOKEN, "away": UNREACHABLE}
"""Nothing was bought, and nothing would be elsewhere."""
DOUBTS = {
    "lost": LOST,
    "lost and bought": Acting(LOST),
    "page": FAILED,
    "page and bought": Acting(FAILED),
    "nonsense": MALFORMED,
    "silence": TIMEOUT,
    "fault": RuntimeError("a bug"),
    "fault and bought": Acting(RuntimeError("a bug")),
}
PRICES: dict[str, Any] = {"dear": Decimal(5000), "cheap": Decimal(100), "unread": UNREACHABLE, "no price": None}
"""Passed over here, as the limits need the price."""
CODES = {"none": "no_numbers", "gone": "not_found", "token": "invalid_token", "away": "provider_unreachable",
         "dear": "price_too_high", "cheap": "price_too_low", "unread": "provider_unreachable",
         "no price": "malformed_answer"}  # fmt: skip
OUTCOMES = st.sampled_from(["bought", *GOES_ON, *REFUSES, *DOUBTS, *PRICES, *GOES_ON, *GOES_ON])
HAPPENINGS = st.sampled_from([None, "crash", "cancel", "stop"])


@dataclass
class Expected:
    """By the contract alone: what is asked for, and how it ends.

    `state`: None where there is no order; `at`: the pair that the order stands at; `code`: that of the answer.
    """

    sent: list[int] = field(default_factory=list)
    tries: list[tuple[int, str]] = field(default_factory=list)
    state: str | None = None
    code: str | None = None

    @property
    def at(self) -> int:
        return self.sent[-1]


def expected(outcomes: list[str], happening: str | None, when: int) -> Expected:
    """`happening`: what comes while the pair of this number is on its way, if it ever is."""
    found = Expected()
    for number, outcome in enumerate(outcomes):
        if outcome in PRICES:
            found.tries.append((number, CODES[outcome]))
            found.code = CODES[outcome]
            found.state = found.state and "failed"
            continue
        found.sent.append(number)
        now = happening if number == when else None
        if now == "crash" or outcome in DOUBTS:
            found.state, found.code = "unknown", "outcome_unknown"
            return found
        if outcome == "bought":
            found.state, found.code = "cancelled" if now == "cancel" else "waiting", None
            return found
        found.tries.append((number, CODES[outcome]))
        found.state, found.code = "failed", CODES[outcome]
        if now == "cancel":
            found.state, found.code = "cancelled", "cancelled"
            return found
        if outcome in REFUSES:
            return found
        if now == "stop" and number + 1 < len(outcomes):
            found.code = "busy"
            return found
    return found


class Trial:
    """One `buy` of so many countries, one operator, in a world of its own."""

    def __init__(self, outcomes: list[str], happening: str | None, when: int) -> None:
        self.outcomes, self.happening, self.when = outcomes, happening, when
        self.on_its_way = asyncio.Event()

    async def run(self, folder: Path) -> None:
        world = World(folder / "state", limits={"max_unused_per_day": 1000}, orders={"settle_delay": 5})
        world.provider.catalogs[CatalogKind.COUNTRIES] = entries(*(f"Country {n}" for n in range(MOST)))
        world.provider.always |= {"price": self._price, "buy": self._buy}
        await world.start()
        await world.sleep(1)
        request = {"country": [str(n + 1) for n in range(len(self.outcomes))], "operator": "1", "application": "1"}
        command = world.send("buy", {**request, "min_price": 500, "max_price": 3000, "transaction": "t"})
        await self._happen(world, command)
        answer = await world.answer(command)
        again = await world.ask("buy", {**request, "min_price": 500, "max_price": 3000, "transaction": "t"})
        await self._check(world, answer, again)
        await world.crash()

    def _price(self, product: Any) -> Any:
        price = PRICES.get(self.outcomes[int(product.country) - 1], Decimal(2200))
        return price if isinstance(price, Exception) else Price(product.application, price, 5)

    def _buy(self, product: Any) -> Any:
        number = int(product.country) - 1
        outcome = {**GOES_ON, **REFUSES, **DOUBTS}.get(self.outcomes[number])
        if number == self.when and self.happening is not None:
            self.on_its_way.set()
            return Late(10.0, outcome)
        return outcome

    async def _happen(self, world: World, command: Any) -> None:
        await world.until(lambda: self.on_its_way.is_set() or bool(world.answers(command)))
        if not self.on_its_way.is_set():
            return
        if self.happening == "cancel":
            world.send("cancel", {"order": "current"})
            await world.until(lambda: bool(world.answers(command)))
        elif self.happening is not None:
            world.provider.always["buy"] = AssertionError("a later process asks for no number")
            await world.restart(crash=self.happening == "crash")
        await world.sleep(1)

    async def _check(self, world: World, answer: Any, again: Any) -> None:
        wanted = expected(self.outcomes, self.happening if self.on_its_way.is_set() else None, self.when)
        sent = [int(p.country) - 1 for call, _, p in world.provider.calls if call == "buy"]
        if wanted.state is not None:
            assert again == {**answer, "replayed": True}
            assert sent == wanted.sent
        assert (answer.get("error") or {}).get("code") == wanted.code
        orders = await world.data("query/orders", {"state": "all"})
        assert [o["state"] for o in orders] == ([] if wanted.state is None else [wanted.state])
        for order in orders:
            assert [(int(t["country"]) - 1, t["error"]["code"]) for t in order["tries"]] == wanted.tries
            assert (int(order["country"]) - 1, order["operator"]) == (wanted.at, "1")
        await self._no_doubt_is_hidden(world, sent)

    async def _no_doubt_is_hidden(self, world: World, sent: list[int]) -> None:
        """Whatever was bought has its order, or one that says what it seems to have cost."""
        await world.sleep(60)
        orders = await world.data("query/orders", {"state": "all"})
        numbers = world.provider.numbers
        assert len(numbers) <= 1
        assert len(set(sent)) == len(sent)
        for purchase in numbers:
            (order,) = orders
            assert order["purchase"] == purchase or (order["state"], order["charged"]) == ("unknown", 2200)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.lists(OUTCOMES, min_size=1, max_size=MOST), HAPPENINGS, st.integers(0, MOST - 1))
@example(["none", "gone", "dear", "cheap", "unread", "bought"], None, 0)
@example(["none", "lost and bought", "bought"], None, 0)
@example(["dear", "none", "none", "dear"], "stop", 2)
def test_what_is_sent_is_what_the_contract_allows(outcomes: list[str], happening: str | None, when: int) -> None:
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(Trial(outcomes, happening, when).run(Path(folder)))
