"""Commands being worked on: each in a task of its own, answered in the transaction that holds what it did."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from shomare_mqtt.core.desk.telling import told
from shomare_mqtt.core.render import Answer, Status
from shomare_mqtt.core.tickets import Outcome
from shomare_mqtt.model import Buy

if TYPE_CHECKING:
    import logging
    from collections.abc import Awaitable, Callable

    from shomare_mqtt.core.clearance import Clearance
    from shomare_mqtt.core.desk.answering import Answering
    from shomare_mqtt.core.desk.double_press import DoublePress
    from shomare_mqtt.core.orders.ledger import Ledger
    from shomare_mqtt.core.ports import Spawn
    from shomare_mqtt.core.tickets import Ticket


class Working:
    """Has commands carried out by `handle`. `spawn` runs a task whose fault ends the program."""

    def __init__(
        self,
        ledger: Ledger,
        answering: Answering,
        handle: Callable[[Ticket], Awaitable[Outcome]],
        double_press: DoublePress,
        clearance: Callable[[], Clearance],
        spawn: Spawn,
        logger: logging.Logger,
    ) -> None:
        self._ledger = ledger
        self._answering = answering
        self._handle = handle
        self._double_press = double_press
        self._clearance = clearance
        self.spawn = spawn
        self._logger = logger
        self._tasks: dict[int, tuple[Ticket, asyncio.Task[None]]] = {}

    @property
    def count(self) -> int:
        """How many are being worked on."""
        return len(self._tasks)

    def start(self, ticket: Ticket, clearance: Clearance | None = None) -> None:
        """Begin to work on a command, by the clearance that it came with, else by what holds now."""
        ticket = replace(ticket, clearance=clearance or self._clearance())
        self._answering.begin(ticket)
        task = self.spawn(self._work(ticket), f"{ticket.envelope.command} {ticket.row}")
        self._tasks[ticket.row] = ticket, task

    async def _work(self, ticket: Ticket) -> None:
        try:
            outcome = await self._outcome(ticket)
            if outcome.batch is not None:
                self._answering.close(ticket, outcome.batch, outcome.answer)
                await self._ledger.commit(outcome.batch)
            if outcome.after is not None:
                await outcome.after()
        finally:
            self._tasks.pop(ticket.row, None)
            self._answering.end(ticket)

    async def _outcome(self, ticket: Ticket) -> Outcome:
        outcome = await told(self._carry_out(ticket), ticket.envelope.command, self._logger)
        if isinstance(outcome, Answer):
            outcome = Outcome(outcome)
        if outcome.answer.order is None and outcome.answer.status is not Status.OK:
            self._double_press.forget(ticket)
        return outcome

    async def _carry_out(self, ticket: Ticket) -> Outcome:
        self._double_press.check(ticket)
        return await self._handle(ticket)

    def note_press(self, ticket: Ticket) -> None:
        """Remember a command that is not worked on any more, so that a second press of it is known for one."""
        self._double_press.note(ticket)

    async def stop(self, timeout: float) -> None:  # noqa: ASYNC109 - the bound is what is asked for
        """Let a purchase that may be on its way end; leave the rest to the next start.

        Not a `buy` that another daemon may have carried out: that one may be gone by then, and nobody would know.
        """
        for ticket, task in self._tasks.values():
            is_refused = isinstance(ticket.request, Buy) and ticket.clearance.contested is not None
            if ticket.row not in self._ledger.intents and not is_refused:
                task.cancel()
        if tasks := [task for _, task in self._tasks.values()]:
            await asyncio.wait(tasks, timeout=timeout)
