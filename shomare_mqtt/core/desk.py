"""Where commands come in and answers go out: taken down before the PUBACK, worked on after it, answered once.

The order of things is what keeps money safe: a command is in the journal before the broker hears that it was taken, and
its answer is in the journal with what it did.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shomare_mqtt import topics
from shomare_mqtt.core import render
from shomare_mqtt.core.bridge_events import BridgeEvent
from shomare_mqtt.core.buying import unknown
from shomare_mqtt.core.ledger import bridge_posting
from shomare_mqtt.core.masking import trace_of
from shomare_mqtt.core.records import (
    Arrival,
    ArrivalKind,
    ArrivalResult,
    Batch,
    Done,
    MessageKind,
    PendingCommand,
    Posting,
)
from shomare_mqtt.core.render import Answer, Status, error_info
from shomare_mqtt.core.tickets import Outcome, Ticket
from shomare_mqtt.errors import CommandRefusedError, ErrorCode, JournalError, ShomareError
from shomare_mqtt.model import (
    Buy,
    Cancel,
    Envelope,
    Incoming,
    Message,
    OrderState,
    Parsed,
    Reply,
    Resolve,
    Unparsed,
)

if TYPE_CHECKING:
    import logging
    from collections.abc import Awaitable, Callable, Coroutine
    from typing import Any

    from shomare_mqtt.config import Settings
    from shomare_mqtt.core.ledger import Ledger
    from shomare_mqtt.core.ports import Clock, Journal, Outbox
    from shomare_mqtt.core.records import Record

MOST_PENDING = 500
"""Commands that are worked on at the same moment; beyond it `busy` is answered."""
MOST_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message from the broker, and the function that sends its PUBACK."""

    incoming: Incoming
    session: str
    ack: Callable[[], None]


@dataclass(slots=True)
class _Repeat:
    """A repeat of a command that is still worked on."""

    row: int
    envelope: Envelope


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
        self._repeats: dict[int, list[_Repeat]] = {}
        self._presses: dict[str, float] = {}
        self._stopping = False
        self.commands = 0
        self.answers = 0

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
        parsed = [self._screened(d.incoming) for d in deliveries]
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
        if len(self._working) >= MOST_PENDING:
            message = f"{MOST_PENDING} commands are being worked on; nothing was done"
            return Unparsed(what.envelope, CommandRefusedError(ErrorCode.BUSY, message))
        return what

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
            postings = self._refusal(envelope, what.error)
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
            on_conflict=self._refusal(envelope, conflict),
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
            self.answers += 1
            self._logger.warning("%s refused: %s: %s", arrival.command, what.error.code, what.error.message)
        elif result.kind is ArrivalKind.REPEATED:
            await self._repeat(_Repeat(result.row, what.envelope), result.first or 0, result.answer)
        else:
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
            self._close(ticket, batch, answer)

        ticket = Ticket(row, parsed.envelope, parsed.request, received, min(ends, default=None), close, resumed)
        return ticket

    # --- carrying out -----------------------------------------------------------------------------------------------

    def _start(self, ticket: Ticket) -> None:
        self._repeats[ticket.row] = []
        self._working[ticket.row] = self._spawn(self._work(ticket), f"{ticket.envelope.command} {ticket.row}")

    async def _work(self, ticket: Ticket) -> None:
        try:
            outcome = await self._outcome(ticket)
            if outcome.batch is not None:
                self._close(ticket, outcome.batch, outcome.answer)
                await self._ledger.commit(outcome.batch)
            if outcome.after is not None:
                await outcome.after()
        finally:
            self._working.pop(ticket.row, None)
            self._repeats.pop(ticket.row, None)

    async def _outcome(self, ticket: Ticket) -> Outcome:
        try:
            self._check_double_press(ticket)
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
            self._forget_press(ticket)
        return outcome

    def _close(self, ticket: Ticket, batch: Batch, answer: Answer) -> None:
        """Put the answer into a batch: for its sender, for those who repeated it, and for repeats to come."""
        self._logger.debug("%s: %s", ticket.envelope.command, answer.status)
        refused = answer.status is Status.ERROR and answer.order is None
        keep = (
            ticket.envelope.transaction is not None
            and not refused
            and isinstance(ticket.request, Buy | Cancel | Resolve)
        )
        stored = render.dumps(render.answer_json(answer, ticket.envelope.transaction)) if keep else None
        self._post_answer(batch, ticket.envelope, answer)
        batch.done.append(Done(ticket.row, stored, answer.order))
        if refused and answer.error is not None:
            batch.postings.append(_refused_event(ticket.envelope, answer))
            self._logger.warning("%s refused: %s: %s", ticket.envelope.command, answer.error.code, answer.error.message)
        for repeat in self._repeats.get(ticket.row, []):
            self._post_answer(batch, repeat.envelope, answer, replayed=True)
            batch.done.append(Done(repeat.row))

    def _post_answer(self, batch: Batch, envelope: Envelope, answer: Answer, *, replayed: bool = False) -> None:
        self.answers += 1
        body = render.answer_json(answer, envelope.transaction, replayed=replayed)
        batch.postings.extend(answer_postings(envelope, render.dumps(body)))

    def _refusal(self, envelope: Envelope, error: ShomareError) -> tuple[Posting, ...]:
        answer = Answer.failed(error_info(error))
        body = render.dumps(render.answer_json(answer, envelope.transaction))
        return (*answer_postings(envelope, body), _refused_event(envelope, answer))

    async def _repeat(self, repeat: _Repeat, first: int, stored: bytes | None) -> None:
        """Answer a repeat of a transaction with the first one's answer, now or when that is there."""
        if stored is None and first in self._repeats:
            self._repeats[first].append(repeat)
            return
        stored = stored or await self._journal.answer_of(first)
        batch = Batch(done=[Done(repeat.row)])
        if stored is None:
            answer = Answer.failed(render.internal_error())
            self._post_answer(batch, repeat.envelope, answer)
        else:
            self.answers += 1
            batch.postings.extend(answer_postings(repeat.envelope, stored[:-1] + b',"replayed":true}'))
        await self._ledger.commit(batch)

    # --- two presses ------------------------------------------------------------------------------------------------

    def _check_double_press(self, ticket: Ticket) -> None:
        """Raise CommandRefusedError where the same `buy` came within `double_press` seconds (contract, Commands)."""
        window = self._settings.limits.double_press
        if (
            not isinstance(ticket.request, Buy)
            or ticket.envelope.transaction is not None
            or ticket.resumed
            or not window
        ):
            return
        self._presses = {k: at for k, at in self._presses.items() if ticket.received - at < window}
        if (press := repr(ticket.request)) in self._presses:
            raise CommandRefusedError(
                ErrorCode.DUPLICATE_COMMAND,
                f"the same buy came within {window:g} seconds: taken for one press, this one is not carried out "
                "(give each buy a transaction of its own to buy several)",
            )
        self._presses[press] = ticket.received

    def _forget_press(self, ticket: Ticket) -> None:
        """A `buy` that was refused before it cost anything may be pressed again."""
        press = repr(ticket.request)
        if self._presses.get(press) == ticket.received:
            del self._presses[press]

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
        unknown(self._ledger, batch, record, _DIED)
        await self._ledger.commit(batch)

    async def _resume(self, command: PendingCommand, record: Record | None) -> None:
        what = self._parse(command.incoming)
        if isinstance(what, Unparsed):
            batch = Batch(postings=list(self._refusal(what.envelope, what.error)), done=[Done(command.row)])
            await self._ledger.commit(batch)
            return
        ticket = self._ticket(command.row, command.incoming, what, command.received, resumed=True)
        if command.first is not None:
            await self._repeat(_Repeat(command.row, what.envelope), command.first, None)
        elif record is not None:
            await self._answer_unknown(ticket, record)
        elif (late := self._why_not_resumed(ticket, command)) is not None:
            batch = Batch()
            self._close(ticket, batch, Answer.failed(error_info(CommandRefusedError(ErrorCode.EXPIRED_COMMAND, late))))
            await self._ledger.commit(batch)
        else:
            self._start(ticket)

    async def _answer_unknown(self, ticket: Ticket, record: Record) -> None:
        """A `buy` that may have been on its way when the last process ended."""
        batch = Batch()
        changed = unknown(self._ledger, batch, record, _DIED)
        self._logger.error("order %s: %s", changed.order.order, _DIED)
        data = render.order_json(changed.order, codes=True)
        self._close(ticket, batch, Answer(Status.UNKNOWN, data, changed.order.error, changed.order.order))
        await self._ledger.commit(batch)

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
        """Drop what need not be remembered, and what waits too long for the broker; to be called now and then."""
        dropped = await self._journal.forget(self._settings.orders.remember)
        if dropped:
            message = f"{dropped} messages waited too long for the broker and were dropped (never an SMS)"
            self._logger.warning("%s", message)
            await self._ledger.say(BridgeEvent.MESSAGE_DROPPED, message)

    async def stop(self, timeout: float) -> None:  # noqa: ASYNC109 - the bound is what is asked for
        """Take no more commands; let a purchase that may be on its way end, leave the rest to the next start."""
        self._stopping = True
        spending = {r.command for r in self._ledger.open() if r.order.state is OrderState.BUYING}
        for row, task in self._working.items():
            if row not in spending:
                task.cancel()
        if tasks := list(self._working.values()):
            await asyncio.wait(tasks, timeout=timeout)


_DIED = "this program ended while the purchase may have been on its way"


def _kind(command: str) -> str:
    """The command that a transaction belongs to: its topic less ids in it."""
    parts = command.split("/")
    return "/".join(parts[:2]) if parts[0] == "query" else command


def answer_postings(envelope: Envelope, body: bytes) -> list[Posting]:
    """An answer for the command's own topic, and for the Response Topic that an MQTT 5 sender gave."""
    messages = [Message(topics.response(envelope.command), body)]
    reply: Reply | None = envelope.reply
    if reply is not None:
        messages.append(Message(reply.topic, body, absolute=True, correlation=reply.correlation))
    return [Posting(MessageKind.ANSWER, m) for m in messages]


def _refused_event(envelope: Envelope, answer: Answer) -> Posting:
    """`command_refused`: the only event for a command that was answered with an error before an order existed."""
    error = answer.error or render.internal_error()
    message = f"{envelope.command}: {error.message}"
    more = {"command": envelope.command, "code": error.code.value, "transaction": envelope.transaction}
    return bridge_posting(BridgeEvent.COMMAND_REFUSED, message, **more)
