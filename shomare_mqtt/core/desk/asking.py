"""Queries: taken, worked on and answered in memory, beside the journal and its outbox (contract, Commands)."""

from __future__ import annotations

import asyncio
from itertools import chain
from typing import TYPE_CHECKING, cast

from shomare_mqtt.core.desk.telling import told
from shomare_mqtt.core.render import Answer
from shomare_mqtt.errors import CommandRefusedError, ErrorCode
from shomare_mqtt.model import Unparsed

if TYPE_CHECKING:
    import logging
    from collections.abc import Awaitable, Callable

    from shomare_mqtt.core.desk.answering import Answering
    from shomare_mqtt.core.desk.screening import Screening
    from shomare_mqtt.core.ports import Outbox, Spawn
    from shomare_mqtt.errors import ShomareError
    from shomare_mqtt.model import Envelope, Incoming, Query

MOST_ASKED = 500
"""Queries that are worked on at the same moment, or whose answers the broker did not take yet; beyond it `busy` is
answered."""

_LONGEST_KIND = 64
_TAKING = 5.0
"""Seconds that the broker has at an end to take the answers that are ready."""
_ENDS = "this program ends, and the query was not answered; ask again"


class Asking:
    """Has queries answered by `ask`, each in a task of its own, told the steady second after which nobody waits.

    A query leaves no trace on the disk, nor does its answer: one that a crash or a lost connection cuts off is not
    answered. What it finds out (an SMS) is stored by whoever finds it.
    """

    def __init__(
        self,
        screening: Screening,
        answering: Answering,
        outbox: Outbox,
        ask: Callable[[Query, float | None], Awaitable[Answer]],
        spawn: Spawn,
        logger: logging.Logger,
    ) -> None:
        self._screening = screening
        self._answering = answering
        self._outbox = outbox
        self._ask = ask
        self._spawn = spawn
        self._logger = logger
        self._taken = 0
        self._tasks: dict[int, asyncio.Task[None]] = {}
        """By the query's number."""
        self._asked: dict[int, tuple[Envelope, int]] = {}
        """What has no answer yet, and which connection it came over."""
        self._connection = 0
        self._is_full = False
        self._stopping = False

    def take(self, incoming: Incoming) -> None:
        """Begin to answer a query, or refuse it."""
        what = self._screening.screened(incoming)
        if isinstance(what, Unparsed):
            self._log_refused(what.envelope, what.error.code, what.error.message)
            self._refuse(what.envelope, what.error)
        elif self._stopping:
            self._refuse(what.envelope, CommandRefusedError(ErrorCode.BUSY, _ENDS))
        elif len(self._tasks) >= MOST_ASKED:
            self._refuse_busy(what.envelope)
        else:
            self._is_full = self._is_full and len(self._tasks) > MOST_ASKED // 2
            number = self._taken = self._taken + 1
            self._asked[number] = what.envelope, self._connection
            deadline = self._screening.deadline(incoming, what)
            work = self._work(number, what.envelope, cast("Query", what.request), deadline)
            self._tasks[number] = self._spawn(work, what.envelope.command)

    async def _work(self, number: int, envelope: Envelope, query: Query, deadline: float | None) -> None:
        try:
            answer = await told(self._ask(query, deadline), _kind(envelope), self._logger)
            _, connection = self._asked.pop(number, (envelope, -1))
            await self._answer(envelope, answer, connection)
        finally:
            self._asked.pop(number, None)
            del self._tasks[number]

    async def _answer(self, envelope: Envelope, answer: Answer, connection: int) -> None:
        if answer.error is not None:
            self._log_refused(envelope, answer.error.code, answer.error.message)
        if connection != self._connection and envelope.asker is None:
            return  # the broker may have brought it again; or it is refused already, since this program ends
        answers, events = self._answering.beside(envelope, answer)
        for event in events:
            self._outbox.send_volatile(event)
        if len(answers) > 1:  # a Response Topic gets the same, made smaller where it must be
            await asyncio.gather(*map(self._outbox.publish_once, answers))
        elif answers:
            await self._outbox.publish_once(answers[0])

    def cut_off(self) -> None:
        """The connection to the broker is lost: nothing that came over it is answered on another.

        Whoever asks here does without a broker.
        """
        self._connection += 1

    async def stop(self) -> None:
        """Answer what is worked on that it must be asked again: no other process knows of it.

        What is answered already is the broker's to take, for a few seconds.
        """
        self._stopping = True
        asked, self._asked = self._asked, {}
        for number, (envelope, connection) in asked.items():
            self._tasks[number].cancel()
            if connection == self._connection or envelope.asker is not None:
                self._refuse(envelope, CommandRefusedError(ErrorCode.BUSY, _ENDS))
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=_TAKING)

    def _refuse_busy(self, envelope: Envelope) -> None:
        """Say so in the log once, until there is room again: a line for each would wear the disk out."""
        message = f"{MOST_ASKED} queries are being worked on; nothing was done"
        if not self._is_full:
            self._is_full = True
            self._log_refused(envelope, ErrorCode.BUSY, message)
        self._refuse(envelope, CommandRefusedError(ErrorCode.BUSY, message))

    def _refuse(self, envelope: Envelope, error: ShomareError) -> None:
        for message in chain(*self._answering.beside(envelope, Answer.failed(error))):
            self._outbox.send_volatile(message)

    def _log_refused(self, envelope: Envelope, code: ErrorCode, message: str) -> None:
        self._logger.warning("%s refused: %s: %s", _kind(envelope), code, message)


def _kind(envelope: Envelope) -> str:
    """What is asked, without the ids in its topic."""
    return "/".join(envelope.command.split("/", 2)[:2])[:_LONGEST_KIND]
