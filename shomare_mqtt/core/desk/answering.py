"""Answers: each command gets one, a repeat of its transaction gets the same, and a refusal is said as an event too."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from shomare_mqtt import topics
from shomare_mqtt.core import problem_words as words
from shomare_mqtt.core import render
from shomare_mqtt.core.bridge_events import BridgeEvent
from shomare_mqtt.core.records import Batch, Done, MessageKind, Posting, bridge_posting
from shomare_mqtt.core.render import Answer, Status
from shomare_mqtt.core.tickets import Ticket
from shomare_mqtt.errors import CommandRefusedError, ErrorCode, ShomareError
from shomare_mqtt.model import Envelope, Message, Reply

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable
    from datetime import datetime

    from shomare_mqtt.core.desk.refusals import Refusals
    from shomare_mqtt.core.orders.ledger import Ledger
    from shomare_mqtt.core.ports import Journal
    from shomare_mqtt.model import Action, ErrorInfo


_OF_THE_COMMAND = frozenset(
    {
        ErrorCode.INVALID_COMMAND,
        ErrorCode.UNKNOWN_COMMAND,
        ErrorCode.UNKNOWN_NAME,
        ErrorCode.AMBIGUOUS_NAME,
        ErrorCode.RETAINED_COMMAND,
        ErrorCode.EXPIRED_COMMAND,
        ErrorCode.ORDER_NOT_FOUND,
    }
)
"""What is wrong with a command itself, and not with what was asked because of it."""


class Refusal(NamedTuple):
    """The answer to what is not carried out, and what the outbox is to hold of it, the answer among it."""

    body: bytes
    postings: tuple[Posting, ...]


class Repeat(NamedTuple):
    """A repeat of another command's transaction."""

    row: int
    envelope: Envelope


def _unheard(_command: str, _status: Status) -> None:
    """Nobody listens."""


class Answering:
    """Puts answers into batches. `count` is how many were given; `on_answered` is told of each but a second delivery's.

    It gets the command as it came, which a stranger may have made up, and how it ended.
    """

    def __init__(self, journal: Journal, ledger: Ledger, refusals: Refusals, logger: logging.Logger) -> None:
        self._journal = journal
        self._ledger = ledger
        self._refusals = refusals
        self._logger = logger
        self._waiting: dict[int, list[Repeat]] = {}
        self._closing: dict[int, Answer] = {}
        self.count = 0
        self.on_answered: Callable[[str, Status], None] = _unheard

    def note(self, envelope: Envelope, status: Status) -> None:
        """A command got its answer."""
        self.count += 1
        self.on_answered(envelope.command, status)

    def ticket(
        self,
        row: int,
        envelope: Envelope,
        request: Action,
        taken: tuple[float, datetime],
        deadline: float | None,
        *,
        resumed: bool = False,
    ) -> Ticket:
        """A command's ticket: what carries it out may close the answer into its own batch.

        `taken`: when, in steady seconds and by the wall clock.
        """

        def close(batch: Batch, answer: Answer) -> None:
            self.close(ticket, batch, answer)

        ticket = Ticket(row, envelope, request, *taken, deadline, close, resumed)
        return ticket

    def begin(self, ticket: Ticket) -> None:
        """A command is worked on from now on: repeats wait for it."""
        self._waiting[ticket.row] = []

    def end(self, ticket: Ticket) -> None:
        """A command's answer is in the journal, or the process ends."""
        self._waiting.pop(ticket.row, None)
        self._closing.pop(ticket.row, None)

    def close(self, ticket: Ticket, batch: Batch, answer: Answer) -> None:
        """Put the answer into a batch: for its sender, for those who repeated it, and for repeats to come.

        To be committed at once: a repeat that comes from here on finds the answer there.
        """
        refused = answer.status is Status.ERROR and answer.order is None
        body = self._post(batch, ticket.envelope, answer)
        # What another daemon may have carried out, a repeat of its transaction must not buy a second time.
        is_free = refused and ticket.clearance.contested is None
        batch.done.append(Done(ticket.row, body, answer.order or answer.about, is_free=is_free))
        batch.answers.append(partial(self._refusals.ended, ticket.envelope, answer, ticket.row, ticket.came))
        if answer.status is Status.ERROR:
            batch.postings.extend(_refused_event(ticket.envelope, answer))
        if refused and answer.error is not None:
            self._logger.warning("%s refused: %s: %s", ticket.envelope.command, answer.error.code, answer.error.message)
        else:
            self._logger.debug("%s: %s", ticket.envelope.command, answer.status)
        self._closing[ticket.row] = answer
        for repeat in self._waiting.pop(ticket.row, []):
            self._post(batch, repeat.envelope, answer, replayed=True)
            batch.done.append(Done(repeat.row))

    def refusal(self, envelope: Envelope, error: ShomareError) -> Refusal:
        """The answer to what is not carried out, and its event. Whoever waits for it here is not told by this."""
        answer = Answer.failed(error)
        body = render.dumps(render.answer_json(answer, envelope.transaction))
        return Refusal(body, (*_postings(envelope, body), *_refused_event(envelope, answer)))

    def refused(
        self, envelope: Envelope, error: ShomareError, row: int | None = None, came: datetime | None = None
    ) -> None:
        """What `refusal` has put together is on disk, with its command in a row, or sent: tell whoever waits here.

        `came`: when the command was taken by the wall clock; None: now.
        """
        self.note(envelope, Status.ERROR)
        self._refusals.ended(envelope, Answer.failed(error), row, came)
        if envelope.asker is not None:
            envelope.asker(self.refusal(envelope, error).body)

    def beside(self, envelope: Envelope, answer: Answer) -> tuple[list[Message], list[Message]]:
        """The answer to a query, for each topic that it goes to, and its events, to be sent beside the outbox.

        Whoever waits for it here has it by then, and it goes to no topic.
        """
        self.note(envelope, answer.status)
        body = render.dumps(render.answer_json(answer, envelope.transaction))
        if envelope.asker is not None:
            envelope.asker(body)
        if answer.error is None or _is_told(envelope, answer.error):
            self._refusals.ended(envelope, answer)
        answers = _messages(envelope, body)
        if answer.status is not Status.ERROR:
            return answers, []
        return answers, [posting.message for posting in _refused_event(envelope, answer)]

    async def again(self, envelope: Envelope, stored: bytes) -> None:
        """Answer what may be a second delivery of a command as the first was: nobody can tell it from a new one."""
        self.count += 1
        await self._ledger.commit(Batch(postings=_postings(envelope, stored)))

    async def repeat(self, repeat: Repeat, first: int, stored: bytes | None) -> None:
        """Answer a repeat with the first one's answer: with the stored one, or as soon as there is one."""
        if stored is None and first in self._waiting:
            self._waiting[first].append(repeat)
            return
        batch = Batch(done=[Done(repeat.row)])
        if stored is None and first in self._closing:
            self._post(batch, repeat.envelope, self._closing[first], replayed=True)
        elif stored := stored or await self._journal.answer_of(first):
            self.note(repeat.envelope, Status(json.loads(stored)["status"]))
            _give(batch, repeat.envelope, _again(stored))
        else:
            message = "the command that this one repeats was refused, and nothing was done; it may be tried again"
            error = CommandRefusedError(ErrorCode.BUSY, message)
            refusal = self.refusal(repeat.envelope, error)
            batch.postings.extend(refusal.postings)
            batch.done = [Done(repeat.row, refusal.body)]
            batch.answers.append(partial(self.refused, repeat.envelope, error, repeat.row))
        await self._ledger.commit(batch)

    def _post(self, batch: Batch, envelope: Envelope, answer: Answer, *, replayed: bool = False) -> bytes:
        """Put an answer into a batch; what a repeat is to be told as well."""
        self.note(envelope, answer.status)
        body = render.dumps(render.answer_json(answer, envelope.transaction))
        _give(batch, envelope, _again(body) if replayed or answer.replayed else body)
        return body


def _again(answer: bytes) -> bytes:
    """An answer as a repeat gets it."""
    return answer[:-1] + b',"replayed":true}'


def _give(batch: Batch, envelope: Envelope, body: bytes) -> None:
    """Put an answer into a batch, for where it is waited for."""
    batch.postings.extend(_postings(envelope, body))
    _tell(batch, envelope, body)


def _tell(batch: Batch, envelope: Envelope, body: bytes) -> None:
    if envelope.asker is not None:
        batch.answers.append(partial(envelope.asker, body))


def _postings(envelope: Envelope, body: bytes) -> list[Posting]:
    """An answer for the outbox; none where somebody waits for it here."""
    return [Posting(MessageKind.ANSWER, message) for message in _messages(envelope, body)]


def _messages(envelope: Envelope, body: bytes) -> list[Message]:
    """An answer for the command's own topic, and for the Response Topic that an MQTT 5 sender gave.

    Of a command that came by no broker the answer goes to no topic (contract, Web page).
    """
    if envelope.asker is not None:
        return []
    messages = [Message(topics.response(envelope.command), body)]
    reply: Reply | None = envelope.reply
    if reply is not None:
        messages.append(Message(reply.topic, body, absolute=True, correlation=reply.correlation))
    return messages


def _is_told(envelope: Envelope, error: ErrorInfo) -> bool:
    """Whether an error is told as an event: not that of a query that only found no answer."""
    return not envelope.is_query or error.code in _OF_THE_COMMAND


def _refused_event(envelope: Envelope, answer: Answer) -> list[Posting]:
    """`command_refused`, for what was answered with an error."""
    error = answer.error or render.internal_error()
    if not _is_told(envelope, error):
        return []
    more: dict[str, object] = {
        "command": envelope.command,
        "code": error.code.value,
        "transaction": envelope.transaction,
        "sentence": words.fitting(words.refused(envelope.command, error.code, error.message)),
    }
    if order := answer.order or answer.about:
        more["order"] = order
    return [bridge_posting(BridgeEvent.COMMAND_REFUSED, f"{envelope.command}: {error.message}", **more)]
