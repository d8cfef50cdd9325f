"""Where commands come in: taken down in the journal, acknowledged once that is on disk. Queries go their own way."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, groupby
from typing import TYPE_CHECKING, cast

from shomare_mqtt.core.clearance import given
from shomare_mqtt.core.desk.acknowledging import Acknowledging
from shomare_mqtt.core.desk.answering import Repeat
from shomare_mqtt.core.desk.double_press import press_content
from shomare_mqtt.core.records import Arrival, ArrivalKind
from shomare_mqtt.core.render import Answer
from shomare_mqtt.errors import CommandRefusedError, ErrorCode
from shomare_mqtt.model import Buy, Cancel, Parsed, Resolve, SetBuying, Unparsed

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterable, Iterator

    from shomare_mqtt.config.in_force import InForce
    from shomare_mqtt.core.clearance import Clearance
    from shomare_mqtt.core.desk.answering import Answering
    from shomare_mqtt.core.desk.asking import Asking
    from shomare_mqtt.core.desk.screening import Screening
    from shomare_mqtt.core.desk.working import Working
    from shomare_mqtt.core.ports import Journal, Outbox
    from shomare_mqtt.core.records import ArrivalResult, Posting
    from shomare_mqtt.model import Ack, Action, Envelope, Incoming

MOST_PENDING = 500
"""Commands that are worked on at the same moment; beyond it `busy` is answered."""
MOST_AT_ONCE = 100
MOST_LINED_UP = 5000
"""Messages that wait to be taken; of what comes beyond that, what is not held back by its PUBACK (QoS 0) is refused."""
_LONGEST_KIND = 64
_TAKING = 5.0
"""Seconds that an end waits for what is being taken down: a full disk may hold that up."""
_ENDS = "this program ends, and did not take this. Ask again once it runs, with the same transaction where it has one"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Delivery:
    """One message from the broker, and the function that sends its PUBACK.

    `clearance`: whether another daemon may have got it too.
    """

    incoming: Incoming
    session: str
    ack: Ack
    clearance: Clearance = field(default_factory=given)


class Intake:
    """Takes commands, and hands queries on to `asking`; all are acknowledged in the order in which they came.

    `commands`: how many came, queries too. `is_query` tells by the whole topic.
    """

    def __init__(
        self,
        settings: InForce,
        journal: Journal,
        outbox: Outbox,
        screening: Screening,
        answering: Answering,
        working: Working,
        asking: Asking,
        logger: logging.Logger,
    ) -> None:
        self._settings = settings
        self._journal = journal
        self._outbox = outbox
        self._screening = screening
        self._answering = answering
        self._working = working
        self._asking = asking
        self._logger = logger
        self._acknowledging = Acknowledging(journal, working.spawn)
        self._queue: asyncio.Queue[Delivery] = asyncio.Queue()
        self._closed = False
        self._idle = False
        self._is_overrun = False
        self._taking = asyncio.Lock()
        self.commands = 0

    def deliver(self, delivery: Delivery) -> None:
        """A message came: it is lined up, but for a query that finds nobody before it."""
        if self._closed:
            self._turn_away(delivery)
        elif self._idle and self._queue.empty() and self._screening.is_query(delivery.incoming):
            self._take_query(delivery)
        elif self._queue.qsize() < MOST_LINED_UP or not self._is_beyond(delivery):
            self._queue.put_nowait(delivery)

    def _is_beyond(self, delivery: Delivery) -> bool:
        """Whether one is refused for those before it; not what the broker holds back itself, and not the switch."""
        what = self._screening.screened(delivery.incoming)
        is_switch = isinstance(what, Parsed) and isinstance(what.request, SetBuying)
        if delivery.incoming.packet_id or is_switch:
            return False
        message = f"{MOST_LINED_UP} commands are lined up; nothing was done"
        refusal = Answer.failed(CommandRefusedError(ErrorCode.BUSY, message))
        self._send_beside(what.envelope, refusal)
        if not self._is_overrun:
            self._is_overrun = True
            self._logger.warning("%s refused: busy: %s", _kind(what.envelope.command), message)
        return True

    async def close(self) -> None:
        """Take no more; what is taken down already is left to the next process, and acknowledged."""
        self._closed = True
        with suppress(TimeoutError):
            async with asyncio.timeout(_TAKING), self._taking:
                await self._acknowledging.settle()
        for _ in range(self._queue.qsize()):
            self._turn_away(delivery := self._queue.get_nowait())
            if delivery.incoming.asker is None:
                self._queue.put_nowait(delivery)

    def _turn_away(self, delivery: Delivery) -> None:
        """This program ends: whoever asks here is told; what a broker brought is its own to bring again."""
        if delivery.incoming.asker is not None:
            refusal = Answer.failed(CommandRefusedError(ErrorCode.BUSY, _ENDS))
            self._send_beside(self._screening.parse(delivery.incoming).envelope, refusal)

    def _send_beside(self, envelope: Envelope, answer: Answer) -> None:
        for each in chain(*self._answering.beside(envelope, answer)):
            self._outbox.send_volatile(each)

    async def run(self) -> None:
        """Take commands for ever, those that came together in one transaction."""
        while True:
            self._idle = True
            self._is_overrun = self._is_overrun and not self._queue.empty()
            deliveries = [await self._queue.get()]
            self._idle = False
            while len(deliveries) < MOST_AT_ONCE and not self._queue.empty():
                deliveries.append(self._queue.get_nowait())
            async with self._taking:
                for are_queries, some in groupby(deliveries, lambda d: self._screening.is_query(d.incoming)):
                    if are_queries:
                        for delivery in some:
                            self._take_query(delivery)
                    else:
                        await self._take(list(some))
            await asyncio.sleep(0)  # a flood of queries leaves no gap by itself

    def _take_query(self, delivery: Delivery) -> None:
        """It needs no journal: whoever gets no answer asks again."""
        self.commands += 1
        self._acknowledging.acknowledge(delivery.ack)
        self._asking.take(delivery.incoming)

    async def _take(self, deliveries: list[Delivery]) -> None:
        parsed = list(self._fitting(self._screening.screened(d.incoming) for d in deliveries))
        arrivals = [self._arrival(d, p) for d, p in zip(deliveries, parsed, strict=True)]
        if self._may_wait(deliveries, parsed):
            self._acknowledging.hold()
            arrivals = [arrivals[0]._replace(written=self._acknowledging.let_go)]
        results = await self._journal.arrive(arrivals, self._settings.now.orders.remember)
        for delivery, result in zip(deliveries, results, strict=True):
            self._acknowledging.acknowledge(partial(delivery.ack, partial(self._journal.heard, result.row)))
        if any(a.postings or r.kind is ArrivalKind.CONFLICT for a, r in zip(arrivals, results, strict=True)):
            self._outbox.wake()
        for delivery, what, arrival, result in zip(deliveries, parsed, arrivals, results, strict=True):
            self.commands += 1
            await self._begin(delivery, what, arrival, result)

    def _may_wait(self, deliveries: list[Delivery], parsed: list[Parsed | Unparsed]) -> bool:
        """Whether there is one `buy` alone that nothing holds up: it may be on disk with its intent."""
        (delivery, what), *others = zip(deliveries, parsed, strict=True)
        if self._closed or others or not isinstance(what, Parsed) or not isinstance(what.request, Buy):
            return False
        return bool(delivery.incoming.packet_id) and delivery.clearance.is_given and not self._acknowledging.is_held

    def _fitting(self, commands: Iterable[Parsed | Unparsed]) -> Iterator[Parsed | Unparsed]:
        """The commands, those refused for which there is no room.

        The switch has room always: it asks nobody, and is what stops an automation that fills the queue.
        """
        room = MOST_PENDING - self._working.count
        for what in commands:
            if isinstance(what, Unparsed) or isinstance(what.request, SetBuying):
                yield what
            elif room > 0:
                room -= 1
                yield what
            else:
                message = f"{MOST_PENDING} commands are being worked on; nothing was done"
                yield Unparsed(what.envelope, CommandRefusedError(ErrorCode.BUSY, message))

    def _arrival(self, delivery: Delivery, what: Parsed | Unparsed) -> Arrival:
        incoming, envelope = delivery.incoming, what.envelope
        postings: tuple[Posting, ...] = ()
        refusal = None
        content, keyed = "", None
        if isinstance(what, Unparsed):
            refusal, postings = self._answering.refusal(envelope, what.error)
        else:
            content = press_content(envelope, cast("Action", what.request)) or what.content
            keyed = envelope.transaction if isinstance(what.request, Buy | Cancel | Resolve) else None
        return Arrival(
            incoming=incoming,
            command=_kind(envelope.command),
            content=content,
            session=delivery.session,
            received_at=self._journal.time.wall(),
            received=self._journal.time.now(),
            keyed=keyed,
            postings=postings,
            on_conflict=self._answering.refusal(envelope, _conflict()).postings,
            refusal=refusal,
        )

    async def _begin(
        self, delivery: Delivery, what: Parsed | Unparsed, arrival: Arrival, result: ArrivalResult
    ) -> None:
        """Go on with one command that is taken down."""
        if result.kind is ArrivalKind.REDELIVERED:
            self._logger.info("%s was delivered twice; it is acted on once", arrival.command)
            if result.answer is not None:
                await self._answering.again(what.envelope, result.answer)
        elif result.kind is ArrivalKind.NO_ROOM:
            self._refuse_volatile(what)
        elif result.kind is ArrivalKind.CONFLICT:
            self._answering.refused(what.envelope, _conflict(), result.row, arrival.received_at)
            self._logger.warning("%s refused: %s", arrival.command, ErrorCode.TRANSACTION_CONFLICT)
        elif isinstance(what, Unparsed):
            self._answering.refused(what.envelope, what.error, result.row, arrival.received_at)
            self._logger.warning("%s refused: %s: %s", arrival.command, what.error.code, what.error.message)
        elif result.kind is ArrivalKind.REPEATED:
            await self._answering.repeat(Repeat(result.row, what.envelope), result.first or 0, result.answer)
        elif not self._closed or self._is_refused(delivery, what):
            # Else it is in the journal, and the next process begins it.
            deadline = self._screening.deadline(delivery.incoming, what, arrival.received)
            action = cast("Action", what.request)
            taken = arrival.received, arrival.received_at
            ticket = self._answering.ticket(result.row, what.envelope, action, taken, deadline)
            self._working.start(ticket, delivery.clearance)

    def _is_refused(self, delivery: Delivery, what: Parsed) -> bool:
        """Whether another daemon may have carried it out: it is not left to a process that would know nothing of it."""
        return delivery.clearance.contested is not None and isinstance(what.request, Buy)

    def _refuse_volatile(self, what: Parsed | Unparsed) -> None:
        """Say that the disk is full, beside the journal, which has no room for that either."""
        error = what.error if isinstance(what, Unparsed) else _no_room(what)
        self._answering.refused(what.envelope, error)
        for posting in self._answering.refusal(what.envelope, error).postings:
            self._outbox.send_volatile(posting.message)
        self._logger.warning("%s refused: %s: %s", _kind(what.envelope.command), error.code, error.message)


def _conflict() -> CommandRefusedError:
    message = "this transaction was used for another command of this kind; nothing was done"
    return CommandRefusedError(ErrorCode.TRANSACTION_CONFLICT, message)


def _no_room(what: Parsed) -> CommandRefusedError:
    code = ErrorCode.BUYING_PAUSED if isinstance(what.request, Buy) else ErrorCode.BUSY
    message = "the disk is full: the command could not be written down, and nothing was done. Make room, try again"
    return CommandRefusedError(code, message)


def _kind(command: str) -> str:
    """The command that a transaction belongs to: its topic, cut where it is very long and therefore none."""
    return command[:_LONGEST_KIND]
