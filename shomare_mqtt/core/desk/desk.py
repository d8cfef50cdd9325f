"""Where commands come in and answers go out: taken down before the PUBACK, worked on after it, answered once.

The order of things is what keeps money safe: a command is in the journal before the broker hears that it was taken, and
its answer is in the journal with what it did.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shomare_mqtt.core import render
from shomare_mqtt.core.bridge_events import BridgeEvent
from shomare_mqtt.core.desk.answering import Answering, Repeat
from shomare_mqtt.core.desk.double_press import DoublePress
from shomare_mqtt.core.masking import trace_of
from shomare_mqtt.core.orders.buying import unknown
from shomare_mqtt.core.records import (
    Arrival,
    ArrivalKind,
    ArrivalResult,
    Batch,
    Done,
    PendingCommand,
    Posting,
)
from shomare_mqtt.core.render import Answer, Status, error_info
from shomare_mqtt.core.tickets import Outcome, Ticket
from shomare_mqtt.errors import CommandRefusedError, ErrorCode, JournalError, ShomareError
from shomare_mqtt.model import (
    Buy,
    Cancel,
    Incoming,
    Order,
    OrderState,
    Parsed,
    Resolve,
    SetBuying,
    Unparsed,
)

if TYPE_CHECKING:
    import logging
    from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
    from typing import Any

    from shomare_mqtt.config import Settings
    from shomare_mqtt.core.clock import Clock
    from shomare_mqtt.core.orders.ledger import Ledger
    from shomare_mqtt.core.ports import Journal, Outbox
    from shomare_mqtt.core.records import Record

MOST_PENDING = 500
"""Commands that are worked on at the same moment; beyond it `busy` is answered."""
MOST_AT_ONCE = 100
_LONGEST_KIND = 64


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message from the broker, and the function that sends its PUBACK."""

    incoming: Incoming
    session: str
    ack: Callable[[], None]


class Desk:
    """Takes commands, has them carried out, answers them."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        journal: Journal,
        ledger: Ledger,
        outbox: Outbox,
        parse: Callable[[Incoming], Parsed | Unparsed],
        handle: Callable[[Ticket], Awaitable[Outcome]],
        spawn: Callable[[Coroutine[Any, Any, None], str], asyncio.Task[None]],
        logger: logging.Logger,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._journal = journal
        self._ledger = ledger
        self._outbox = outbox
        self._parse = parse
        self._handle = handle
        self._spawn = spawn
        self._logger = logger
        self._queue: asyncio.Queue[Delivery] = asyncio.Queue()
        self._working: dict[int, asyncio.Task[None]] = {}
        self._double_press = DoublePress(settings.limits.double_press)
        self._answering = Answering(journal, ledger, logger)
        self._stopping = False
        self.commands = 0

    @property
    def answers(self) -> int:
        """How many answers were given."""
        return self._answering.count

    # --- taking -----------------------------------------------------------------------------------------------------

    def deliver(self, delivery: Delivery) -> None:
        """A message came; nothing is done here but to line it up."""
        if not self._stopping:
            self._queue.put_nowait(delivery)

    async def run(self) -> None:
        """Take commands for ever, those that came together in one transaction."""
        while True:
            deliveries = [await self._queue.get()]
            while len(deliveries) < MOST_AT_ONCE and not self._queue.empty():
                deliveries.append(self._queue.get_nowait())
            await self._take(deliveries)

    async def _take(self, deliveries: list[Delivery]) -> None:
        parsed = list(self._fitting(self._screened(d.incoming) for d in deliveries))
        arrivals = [self._arrival(d, p) for d, p in zip(deliveries, parsed, strict=True)]
        results = await self._journal.arrive(arrivals, self._settings.orders.remember)
        for delivery in deliveries:
            delivery.ack()
        self._outbox.wake()
        for delivery, what, arrival, result in zip(deliveries, parsed, arrivals, results, strict=True):
            self.commands += 1
            await self._begin(delivery.incoming, what, arrival, result)

    def _screened(self, incoming: Incoming) -> Parsed | Unparsed:
        """The command, unless it must not be acted on for a reason that its content does not show."""
        what = self._parse(incoming)
        if incoming.retain:
            message = "the command is retained; it is never acted on, and nothing was done: send it without retain"
            return Unparsed(what.envelope, CommandRefusedError(ErrorCode.RETAINED_COMMAND, message))
        if isinstance(what, Unparsed):
            return what
        if (late := self._why_late(incoming, what)) is not None:
            return Unparsed(what.envelope, CommandRefusedError(ErrorCode.EXPIRED_COMMAND, late))
        return what

    def _fitting(self, commands: Iterable[Parsed | Unparsed]) -> Iterator[Parsed | Unparsed]:
        """The commands, those refused for which there is no room.

        The switch has room always: it asks nobody, and is what stops an automation that fills the queue.
        """
        room = MOST_PENDING - len(self._working)
        for what in commands:
            if isinstance(what, Unparsed) or isinstance(what.request, SetBuying):
                yield what
            elif room > 0:
                room -= 1
                yield what
            else:
                message = f"{MOST_PENDING} commands are being worked on; nothing was done"
                yield Unparsed(what.envelope, CommandRefusedError(ErrorCode.BUSY, message))

    def _why_late(self, incoming: Incoming, parsed: Parsed) -> str | None:
        """Why a command comes too late, None where it does not."""
        expires_at = parsed.envelope.expires_at
        if expires_at is None:
            return "the command's time was over; nothing was done" if incoming.expiry == 0 else None
        if isinstance(parsed.request, Buy) and self._journal.time.wall_is_behind():
            return (
                "this machine's clock is earlier than the newest time in the journal, so nobody can tell whether the "
                "command is late; nothing was bought: set the clock, or send it without expires_at"
            )
        if self._clock.now() >= expires_at:
            return "the command came after its expires_at; nothing was done"
        return None

    def _arrival(self, delivery: Delivery, what: Parsed | Unparsed) -> Arrival:
        incoming, envelope = delivery.incoming, what.envelope
        postings: tuple[Posting, ...] = ()
        content, keyed = "", None
        if isinstance(what, Unparsed):
            postings = self._answering.refusal(envelope, what.error)
        else:
            content = what.content
            keyed = envelope.transaction if isinstance(what.request, Buy | Cancel | Resolve) else None
        conflict = CommandRefusedError(
            ErrorCode.TRANSACTION_CONFLICT,
            "this transaction was used for another command of this kind; nothing was done",
        )
        return Arrival(
            incoming=incoming,
            command=_kind(envelope.command),
            content=content,
            session=delivery.session,
            received_at=self._journal.time.wall(),
            received=self._journal.time.now(),
            keyed=keyed,
            postings=postings,
            on_conflict=self._answering.refusal(envelope, conflict),
        )

    async def _begin(
        self, incoming: Incoming, what: Parsed | Unparsed, arrival: Arrival, result: ArrivalResult
    ) -> None:
        """Go on with one command after its PUBACK."""
        if result.kind is ArrivalKind.REDELIVERED:
            self._logger.info("%s was delivered twice; it is acted on once", arrival.command)
        elif result.kind is ArrivalKind.CONFLICT:
            self._logger.warning("%s refused: %s", arrival.command, ErrorCode.TRANSACTION_CONFLICT)
        elif isinstance(what, Unparsed):
            self._answering.count += 1
            self._logger.warning("%s refused: %s: %s", arrival.command, what.error.code, what.error.message)
        elif result.kind is ArrivalKind.REPEATED:
            await self._answering.repeat(Repeat(result.row, what.envelope), result.first or 0, result.answer)
        elif not self._stopping:  # else it is in the journal, and the next process begins it
            self._start(self._ticket(result.row, incoming, what, arrival.received))

    def _ticket(
        self, row: int, incoming: Incoming, parsed: Parsed, received: float, *, resumed: bool = False
    ) -> Ticket:
        ends = []
        if incoming.expiry is not None:
            ends.append(received + incoming.expiry)
        if parsed.envelope.expires_at is not None:
            left = (parsed.envelope.expires_at - self._clock.now()).total_seconds()
            ends.append(self._journal.time.now() + left)

        def close(batch: Batch, answer: Answer) -> None:
            self._answering.close(ticket, batch, answer)

        ticket = Ticket(row, parsed.envelope, parsed.request, received, min(ends, default=None), close, resumed)
        return ticket

    # --- carrying out -----------------------------------------------------------------------------------------------

    def _start(self, ticket: Ticket) -> None:
        self._answering.begin(ticket)
        self._working[ticket.row] = self._spawn(self._work(ticket), f"{ticket.envelope.command} {ticket.row}")

    async def _work(self, ticket: Ticket) -> None:
        try:
            outcome = await self._outcome(ticket)
            if outcome.batch is not None:
                self._answering.close(ticket, outcome.batch, outcome.answer)
                await self._ledger.commit(outcome.batch)
            if outcome.after is not None:
                await outcome.after()
        finally:
            self._working.pop(ticket.row, None)
            self._answering.end(ticket)

    async def _outcome(self, ticket: Ticket) -> Outcome:
        try:
            self._double_press.check(ticket)
            outcome = await self._handle(ticket)
        except ShomareError as error:
            outcome = Outcome(Answer.failed(error_info(error)))
        except JournalError:
            raise
        except Exception as error:  # noqa: BLE001 - the one place for faults of ours: the sender is told, we go on
            self._logger.error(  # noqa: TRY400 - the exception's own words may repeat an SMS
                "%s: a fault of this program: %s", ticket.envelope.command, trace_of(error)
            )
            outcome = Outcome(Answer.failed(render.internal_error()))
        if outcome.answer.order is None and outcome.answer.status is not Status.OK:
            self._double_press.forget(ticket)
        return outcome

    # --- starting and stopping --------------------------------------------------------------------------------------

    async def resume(self) -> None:
        """Go on with what an earlier process took and did not answer; to be called before `run`."""
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
        what = self._parse(command.incoming)
        if isinstance(what, Unparsed) and record is not None:
            # It was understood when it came, and may have been carried out: the settings are others since.
            what = Parsed(what.envelope, Buy(), "")
        if isinstance(what, Unparsed):
            batch = Batch(postings=list(self._answering.refusal(what.envelope, what.error)), done=[Done(command.row)])
            await self._ledger.commit(batch)
            return
        ticket = self._ticket(command.row, command.incoming, what, command.received, resumed=True)
        if command.first is not None:
            await self._answering.repeat(Repeat(command.row, what.envelope), command.first, None)
        elif record is not None:
            await self._answer_unknown(ticket, record)
        elif (late := self._why_not_resumed(ticket, command)) is not None:
            error = CommandRefusedError(ErrorCode.EXPIRED_COMMAND, late)
            await self._answer(ticket, Batch(), Answer.failed(error_info(error)))
        else:
            self._start(ticket)

    async def _answer_unknown(self, ticket: Ticket, record: Record) -> None:
        """A `buy` that may have been on its way when the last process ended."""
        self._double_press.note(ticket)
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
        age, most = self._journal.time.now() - command.received, max(1, self._settings.mqtt.session_expiry)
        if age > most or self._journal.time.wall_is_behind():
            return f"the daemon was down for {age:.0f} seconds after this command came; nothing was bought"
        if (
            late := self._why_late(replace(command.incoming, expiry=None), Parsed(ticket.envelope, ticket.request, ""))
        ) is not None:
            return late
        return None

    async def forget(self) -> None:
        """Drop what need not be remembered, and what waits too long for the broker; to be called now and then.

        An SMS that could not be sent before is tried again: whoever paid for it may still be glad of it.
        """
        if await self._journal.take_back_aside():
            self._outbox.wake()
        dropped = await self._journal.forget(self._settings.orders.remember)
        if dropped:
            message = f"{dropped} messages waited too long for the broker and were dropped (never an SMS)"
            self._logger.warning("%s", message)
            await self._ledger.say(BridgeEvent.MESSAGE_DROPPED, message)

    async def stop(self, timeout: float) -> None:  # noqa: ASYNC109 - the bound is what is asked for
        """Take no more commands; let a purchase that may be on its way end, leave the rest to the next start."""
        self._stopping = True
        for row, task in self._working.items():
            if row not in self._ledger.intents:
                task.cancel()
        if tasks := list(self._working.values()):
            await asyncio.wait(tasks, timeout=timeout)


_DIED = "this program ended while the purchase may have been on its way"


def _kind(command: str) -> str:
    """The command that a transaction belongs to: its topic less ids in it, cut where it is no query but very long."""
    parts = command.split("/")
    return "/".join(parts[:2])[:_LONGEST_KIND] if parts[0] == "query" else command
