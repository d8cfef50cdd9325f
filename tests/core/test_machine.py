"""Anything in any order: commands, repeats, faults, SMS, deaths and clocks that jump, against a small model."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from shomare_mqtt.model import CatalogKind, OrderState, PurchaseState
from tests.core.provider import (
    FAILED,
    LOST,
    NO_NUMBERS,
    NOT_FOUND,
    TIMEOUT,
    TOO_EARLY,
    UNREACHABLE,
    Acting,
    Late,
    entries,
    sms,
)
from tests.core.virtual import VirtualLoop
from tests.core.world import Command, World

APPLICATIONS = 60
CLOSED = frozenset(s for s in OrderState if s not in ("buying", "waiting", "received", "unknown"))
BUY_FAULTS = st.sampled_from([
    None, None, NO_NUMBERS, UNREACHABLE, FAILED, Acting(FAILED), LOST, Acting(LOST), TIMEOUT, Acting(TIMEOUT),
    Late(8.0), Late(8.0, Acting(LOST)), RuntimeError("a bug in the reading"),
])  # fmt: skip
CALL_FAULTS = st.sampled_from([None, FAILED, UNREACHABLE, TIMEOUT, NOT_FOUND, Late(4.0), RuntimeError("a bug")])
CANCEL_FAULTS = st.sampled_from([None, FAILED, Acting(FAILED), UNREACHABLE, Acting(TIMEOUT), TOO_EARLY, Late(3.0)])
YEAR = 365 * 86400.0


@dataclass
class Asked:
    """A `buy` that was sent, and its product: no two have the same."""

    command: Command
    application: str
    transaction: str | None


class Machine(RuleBasedStateMachine):
    """The daemon's core under everything that may happen to it; `asked` is the model."""

    buys = Bundle("buys")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner(loop_factory=VirtualLoop)
        self.folder = tempfile.TemporaryDirectory()
        self.asked: list[Asked] = []
        self.codes = 10_000

    @initialize()
    def begin(self) -> None:
        self.runner.run(self._begin())

    async def _begin(self) -> None:
        self.world = World(
            Path(self.folder.name) / "state", limits={"max_unused_per_day": 1000, "max_open_orders": 1000}
        )
        self.world.provider.catalogs[CatalogKind.APPLICATIONS] = entries(*(f"App {i}" for i in range(APPLICATIONS)))
        await self.world.start()
        await self.world.sleep(1)

    def teardown(self) -> None:
        try:
            if hasattr(self, "world"):
                self.runner.run(self._end())
        finally:
            self.runner.close()
            self.folder.cleanup()

    # --- what happens -----------------------------------------------------------------------------------------------

    @rule(target=buys, outcome=BUY_FAULTS, keyed=st.booleans(), wait=st.sampled_from([0.0, 1e-6, 1.0, 10.0]))
    def buy(self, outcome: Any, keyed: bool, wait: float) -> Asked:
        number = len(self.asked) + 1
        fields = {"country": "1", "operator": "1", "application": str(number % APPLICATIONS + 1)}
        transaction = f"t-{number}" if keyed else None
        if transaction:
            fields["transaction"] = transaction
        self.world.provider.script("buy", outcome)
        asked = Asked(self.run(self._send("buy", fields, wait)), fields["application"], transaction)
        self.asked.append(asked)
        return asked

    @rule(asked=buys)
    def deliver_again(self, asked: Asked) -> None:
        """The broker did not see our PUBACK."""
        self.run(self._deliver_again(asked))

    async def _deliver_again(self, asked: Asked) -> None:
        asked.command.incoming = replace(asked.command.incoming, dup=True)
        self.world.deliver(asked.command)
        await self.world.settle()

    @rule(asked=buys)
    def repeat(self, asked: Asked) -> None:
        """The sender sends again by itself, as one with a transaction may."""
        if asked.transaction is not None:
            self.run(self._send("buy", json.loads(asked.command.incoming.payload), 1.0))

    @rule(asked=buys, outcome=CANCEL_FAULTS, wait=st.sampled_from([1e-6, 20.0]))
    def cancel(self, asked: Asked, outcome: Any, wait: float) -> None:
        order = self._order_of(asked)
        if order is not None:
            self.world.provider.script("cancel", outcome)
            self.run(self._send("cancel", {"order": order["order"]}, wait))

    @rule(number=st.integers(0, 5), outcome=CALL_FAULTS)
    def receive(self, number: int, outcome: Any) -> None:
        """An SMS arrives on a number that is alive."""
        alive = self.world.provider.alive
        if alive:
            self.codes += 1
            self.world.provider.gets(alive[number % len(alive)].purchase, sms(f"Your code is {self.codes}"))
            self.world.provider.script("check", outcome)

    @rule(call=st.sampled_from(["check", "profile", "price", "cancel"]), outcome=CALL_FAULTS)
    def fail(self, call: str, outcome: Any) -> None:
        self.world.provider.script(call, outcome)

    @rule(number=st.integers(0, 5), state=st.sampled_from([PurchaseState.CANCELLED, PurchaseState.EXPIRED]))
    def provider_ends(self, number: int, state: PurchaseState) -> None:
        alive = self.world.provider.alive
        if alive:
            alive[number % len(alive)].state = state

    @rule(asked=buys, bought=st.booleans())
    def resolve(self, asked: Asked, bought: bool) -> None:
        """The operator says what the provider's site says."""
        order, purchase = self._order_of(asked), self._purchase_of(asked)
        if order is None or order["state"] != "unknown":
            return
        fields = {"order": order["order"], "outcome": "not_bought"}
        if purchase is not None:
            fields = {"order": order["order"], "outcome": "bought", "purchase": purchase, "phone": "+79310000000"}
        if bought or purchase is None:
            self.run(self._send("resolve", fields, 1.0))

    @rule(seconds=st.sampled_from([0.5, 5.0, 35.0, 70.0, 600.0, 1300.0]))
    def wait(self, seconds: float) -> None:
        self.run(self.world.sleep(seconds))

    @rule(away=st.booleans())
    def broker(self, away: bool) -> None:
        self.world.broker.away = away
        self.world.outbox.wake()
        self.run(self.world.settle())

    @rule(crash=st.booleans(), down=st.sampled_from([0.0, 1.0, 30.0, 5000.0]), reboot=st.booleans())
    def restart(self, crash: bool, down: float, reboot: bool) -> None:
        self.run(self._restart(crash, down, reboot))

    async def _restart(self, crash: bool, down: float, reboot: bool) -> None:
        await (self.world.crash() if crash else self.world.stop())
        await asyncio.sleep(down)
        self.world.clock.new_process()
        if reboot:
            self.world.clock.reboot()
        await self.world.start()
        for asked in self.asked:
            if not asked.command.acked:  # the broker keeps the session
                await self._deliver_again(asked)
        await self.world.settle()

    @rule(seconds=st.sampled_from([-10 * YEAR, -3600.0, 3600.0, 10 * YEAR]))
    def jump(self, seconds: float) -> None:
        self.world.clock.jump(seconds=seconds)

    # --- what must hold ---------------------------------------------------------------------------------------------

    @invariant()
    def nothing_is_bought_twice(self) -> None:
        if hasattr(self, "world"):
            bought = Counter(product.application for call, _, product in self.world.provider.calls if call == "buy")
            asked = Counter(each.application for each in self.asked)
            assert bought <= asked, "a purchase was asked for more often than its command was sent"

    @invariant()
    def nothing_closed_opens_again(self) -> None:
        closed: dict[str, str] = {}
        for event in self.world.events("order") if hasattr(self, "world") else ():
            order, state = event["order"]["order"], event["event_type"]
            assert order not in closed, f"{order} was {closed.get(order)} and is {state}"
            if state in CLOSED:
                closed[order] = state

    def run(self, work: Any) -> Any:
        result = self.runner.run(work)
        self.world.check()
        return result

    async def _send(self, topic: str, fields: dict[str, Any], wait: float) -> Command:
        command = self.world.send(topic, fields)
        if wait:
            await self.world.sleep(wait)
        return command

    async def _end(self) -> None:
        """The faults are over: all comes to its end, and every promise was kept."""
        world = self.world
        world.provider._scripts.clear()
        world.broker.away = False
        world.outbox.wake()
        await world.sleep(10_000)
        orders = await world.data("query/orders", {"state": "all", "limit": 500})
        by_purchase = {order["purchase"]: order for order in orders if order["purchase"]}
        self._all_is_quiet(orders)
        self._every_sms_is_there(by_purchase)
        self._every_end_is_true(orders)
        self._nobody_is_in_doubt(orders, by_purchase)
        await world.crash()
        world.check()

    def _all_is_quiet(self, orders: list[Any]) -> None:
        stuck = [order for order in orders if order["state"] not in {*CLOSED, "unknown"}]
        assert not stuck
        for each in self.asked:
            answers = self.world.answers(each.command)
            assert answers, f"no answer to {each}"
            assert each.command.acked
            said = {json.dumps(a.get("data", a.get("error")), sort_keys=True) for a in answers if not a.get("replayed")}
            assert len(said) <= 1, f"{each} has several answers: {said}"

    def _every_sms_is_there(self, by_purchase: dict[str, Any]) -> None:
        ids: dict[tuple[str, str], set[str]] = {}
        for event in self.world.events("sms"):
            ids.setdefault((event["purchase"], event["text"]), set()).add(event["sms"])
        assert all(len(names) == 1 for names in ids.values()), ids
        stored = {(p, s["text"]) for p, order in by_purchase.items() for s in order["sms"]}
        assert stored == ids.keys(), "an SMS that is on disk was not published"

    def _every_end_is_true(self, orders: list[Any]) -> None:
        numbers = self.world.provider.numbers
        for order in orders:
            number = numbers.get(order["purchase"] or "")
            if order["state"] == "failed":
                assert order["purchase"] is None
            elif order["state"] != "unknown":
                assert number is not None
            if order["refunded"]:
                assert number is not None
                assert number.state is PurchaseState.CANCELLED

    def _nobody_is_in_doubt(self, orders: list[Any], by_purchase: dict[str, Any]) -> None:
        """Each number that was paid has its order, or one that is `unknown` with what it cost, or is said to be."""
        doubtful = Counter(o["application"] for o in orders if o["state"] == "unknown")
        failed = Counter(o["application"] for o in orders if o["state"] == "failed")
        bought = Counter(self._application_of(p) for p in self.world.provider.numbers if p not in by_purchase)
        assert bought <= doubtful, f"bought {bought}, in doubt {doubtful}, failed {failed}"

    # --- the model --------------------------------------------------------------------------------------------------

    def _application_of(self, purchase: str) -> str:
        product = self.world.provider.numbers[purchase].product
        assert product is not None
        return product.application

    def _purchase_of(self, asked: Asked) -> str | None:
        """What was bought for a command, as the provider's site shows it."""
        numbers = self.world.provider.numbers
        return next((p for p in numbers if self._application_of(p) == asked.application), None)

    def _order_of(self, asked: Asked) -> Any:
        shown = (json.loads(p) for t, p in self.world.retained.now.items() if t.startswith("orders/") and p)
        return next((order for order in shown if order["application"] == asked.application), None)


Machine.TestCase.settings = settings(
    max_examples=50,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,
)
TestMachine = Machine.TestCase
