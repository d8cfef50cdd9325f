"""The desk room: its parts, made and started together.

The order of things is what keeps money safe: a command is in the journal before the broker hears that it was taken, and
its answer is in the journal with what it did. A query costs nothing, and is neither.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from shomare_mqtt.core.desk.answering import Answering
from shomare_mqtt.core.desk.asking import Asking
from shomare_mqtt.core.desk.dispatch import Dispatch
from shomare_mqtt.core.desk.double_press import DoublePress
from shomare_mqtt.core.desk.intake import Intake
from shomare_mqtt.core.desk.queries import Queries
from shomare_mqtt.core.desk.refusals import Refusals
from shomare_mqtt.core.desk.resuming import Resuming
from shomare_mqtt.core.desk.screening import Screening
from shomare_mqtt.core.desk.working import Working

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable

    from shomare_mqtt.config.in_force import InForce
    from shomare_mqtt.core.desk.intake import Delivery
    from shomare_mqtt.core.market.market import Market
    from shomare_mqtt.core.orders.orders import Orders
    from shomare_mqtt.core.ports import Ports, Spawn
    from shomare_mqtt.core.problems import Problems
    from shomare_mqtt.model import Incoming, Parsed, Unparsed


class Desk:
    """Takes commands, has them carried out, answers them. Life: `resume`, then `start`, and `stop`."""

    def __init__(
        self,
        settings: InForce,
        ports: Ports,
        market: Market,
        orders: Orders,
        problems: Problems,
        parse: Callable[[Incoming], Parsed | Unparsed],
        spawn: Spawn,
        logger: logging.Logger,
    ) -> None:
        self._spawn = spawn
        self._journal = journal = ports.journal
        self._stopping = orders.stopping
        ledger, longest_down = orders.ledger, settings.now.mqtt.session_expiry
        self.queries = Queries(journal, market, orders)
        self._refusals = Refusals(journal, ledger, problems)
        self.answering = answering = Answering(journal, ledger, self._refusals, logger)
        screening = Screening(settings.now.mqtt.base_topic, parse, ports.clock, ledger.time)
        self._double_press = DoublePress(settings)
        dispatch = Dispatch(market, orders, self.queries, ports.clock)
        self.working = Working(ledger, answering, dispatch.handle, self._double_press, ports.clearance, spawn, logger)
        self.asking = asking = Asking(screening, answering, ports.outbox, dispatch.ask, spawn, logger)
        self._resuming = Resuming(longest_down, journal, ledger, screening, answering, self.working, asking, logger)
        self.intake = Intake(settings, journal, ports.outbox, screening, answering, self.working, asking, logger)

    def deliver(self, delivery: Delivery) -> None:
        """A message came, or a command of somebody here; nothing is awaited."""
        self.intake.deliver(delivery)

    def disconnected(self) -> None:
        """The connection to the broker is lost, and with it what it brought and nobody wrote down."""
        self.asking.cut_off()

    async def load(self) -> None:
        """Take up what an earlier process answered with an error. Raises JournalError."""
        await self._refusals.load()

    async def resume(self) -> None:
        """Go on with what an earlier process took and did not answer."""
        self._double_press.take_up(await self._journal.presses(self._double_press.window))
        await self._resuming.resume()

    def start(self) -> None:
        """Take what comes."""
        self._spawn(self.intake.run(), "desk")

    async def stop(self, timeout: float) -> None:  # noqa: ASYNC109 - the bound is what is asked for
        """Take no more commands; let a purchase that may be on its way end, leave the rest to the next start.

        Queries are answered that they are not answered.
        """
        await self.intake.close()
        self._stopping.end()
        await asyncio.gather(self.asking.stop(), self.working.stop(timeout))
