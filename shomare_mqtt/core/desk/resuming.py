"""After a restart: what an earlier process took and did not answer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

from shomare_mqtt.core import render
from shomare_mqtt.core.desk.answering import Repeat
from shomare_mqtt.core.orders.buying import unknown
from shomare_mqtt.core.records import Batch, Done
from shomare_mqtt.core.render import Answer, Status
from shomare_mqtt.errors import CommandRefusedError, ErrorCode
from shomare_mqtt.model import Buy, OrderState, Parsed, Unparsed

if TYPE_CHECKING:
    import logging

    from shomare_mqtt.core.desk.answering import Answering
    from shomare_mqtt.core.desk.asking import Asking
    from shomare_mqtt.core.desk.screening import Screening
    from shomare_mqtt.core.desk.working import Working
    from shomare_mqtt.core.orders.ledger import Ledger
    from shomare_mqtt.core.ports import Journal
    from shomare_mqtt.core.records import PendingCommand, Record
    from shomare_mqtt.core.tickets import Ticket
    from shomare_mqtt.model import Action, Order

_DIED = "this program ended while the purchase may have been on its way"


class Resuming:
    """Goes on with it, or answers it. A `buy` from more than `longest_down` seconds ago is not carried out."""

    def __init__(
        self,
        longest_down: float,
        journal: Journal,
        ledger: Ledger,
        screening: Screening,
        answering: Answering,
        working: Working,
        asking: Asking,
        logger: logging.Logger,
    ) -> None:
        self._longest_down = longest_down
        self._journal = journal
        self._ledger = ledger
        self._screening = screening
        self._answering = answering
        self._working = working
        self._asking = asking
        self._logger = logger

    async def resume(self) -> None:
        """Go on with what an earlier process took and did not answer; to be called before any is taken."""
        pending = await self._journal.pending()
        bought = {r.command: r for r in self._ledger.open() if r.order.state is OrderState.BUYING}
        for command in pending:
            await self._resume(command, bought.pop(command.row, None))
        for record in bought.values():
            await self._never_answered(record)

    async def _never_answered(self, record: Record) -> None:
        """An order that stayed `buying` though its command is gone: it is unknown all the same."""
        batch = Batch()
        self._became_unknown(batch, record)
        await self._ledger.commit(batch)

    def _became_unknown(self, batch: Batch, record: Record) -> Order:
        """Put it into a batch, and say in the log what it means and what to do."""
        order = unknown(self._ledger, batch, record, _DIED).order
        self._logger.error("order %s: %s", order.order, order.error and order.error.message)
        return order

    async def _resume(self, command: PendingCommand, record: Record | None) -> None:
        what = self._screening.parse(command.incoming)
        if isinstance(what, Unparsed) and record is not None:
            # It was understood when it came, and may have been carried out: the settings are others since.
            what = Parsed(what.envelope, Buy(), "")
        if what.envelope.is_query:  # of an earlier version of this program, which kept them
            await self._ledger.commit(Batch(done=[Done(command.row)]))
            self._asking.take(command.incoming)
            return
        if isinstance(what, Unparsed):
            refusal = self._answering.refusal(what.envelope, what.error)
            done = Done(command.row, refusal.body, is_free=True)
            batch = Batch(postings=list(refusal.postings), done=[done])
            await self._ledger.commit(batch)
            self._answering.refused(what.envelope, what.error, command.row, command.received_at)
            return
        deadline = self._screening.deadline(command.incoming, what, command.received)
        action = cast("Action", what.request)
        taken = command.received, command.received_at
        ticket = self._answering.ticket(command.row, what.envelope, action, taken, deadline, resumed=True)
        if command.first is not None:
            await self._answering.repeat(Repeat(command.row, what.envelope), command.first, None)
        elif record is not None:
            await self._answer_unknown(ticket, record)
        elif (late := self._why_not_resumed(ticket, command)) is not None:
            error = CommandRefusedError(ErrorCode.EXPIRED_COMMAND, late)
            await self._answer(ticket, Batch(), Answer.failed(error))
        else:
            self._working.start(ticket)

    async def _answer_unknown(self, ticket: Ticket, record: Record) -> None:
        """A `buy` that may have been on its way when the last process ended."""
        self._working.note_press(ticket)
        batch = Batch()
        order = self._became_unknown(batch, record)
        data = render.order_json(order, codes=True)
        await self._answer(ticket, batch, Answer(Status.UNKNOWN, data, order.error, order.order))

    async def _answer(self, ticket: Ticket, batch: Batch, answer: Answer) -> None:
        """Answer a command that is not worked on any more."""
        self._answering.close(ticket, batch, answer)
        await self._ledger.commit(batch)
        self._answering.end(ticket)

    def _why_not_resumed(self, ticket: Ticket, command: PendingCommand) -> str | None:
        """Why a `buy` that was taken before the restart comes too late; a purchase must not come out of the blue."""
        if not isinstance(ticket.request, Buy):
            return None
        age, most = self._journal.time.age(command.received, command.received_at), max(1, self._longest_down)
        if age is None:
            return "nobody can tell how long the machine was off after this command came; nothing was bought"
        if age > most or self._journal.time.wall_is_behind():
            return f"the daemon was down for {age:.0f} seconds after this command came; nothing was bought"
        unexpired = replace(command.incoming, expiry=None)
        return self._screening.why_late(unexpired, Parsed(ticket.envelope, ticket.request, ""))
