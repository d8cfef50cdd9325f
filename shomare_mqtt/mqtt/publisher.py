"""The outbox goes out: in order, and a message leaves it on the broker's PUBACK."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from shomare_mqtt import topics
from shomare_mqtt.core.bridge_events import BridgeEvent
from shomare_mqtt.core.fitting import fitted
from shomare_mqtt.core.pace import Pace
from shomare_mqtt.errors import ErrorCode
from shomare_mqtt.mqtt.failures import HangsUpError, LinkError, PublishRefusedError, TooLargeError
from shomare_mqtt.mqtt.shortening import Learnt, room_for

if TYPE_CHECKING:
    import logging
    from collections.abc import Awaitable, Callable

    from shomare_mqtt.core.records import OutboxRow
    from shomare_mqtt.model import Message

AT_ONCE = 20
"""Messages on their way at once; the session waits for less where the broker takes less."""
MOST_VOLATILE = 5000
"""Messages in no journal that may wait for the broker to take them; what comes beyond that is lost. Most are `busy`,
half a kilobyte each."""
AGAIN_AFTER = 60.0
"""Seconds after which a message that ended the connection each time, or was refused without a reason, is tried once
more: it may have been chance, or the broker's own trouble."""
WAIT_AFTER_REFUSAL = 10.0
"""Seconds that a broker is given to which it was too much at once."""
MOST_REFUSALS = 6
"""How often that is done for an answer that stands in no journal."""
LONGEST_BREAK = 60.0
"""Seconds for which such an answer waits for the next connection, where it is why the last one ended; who asked has
given up by then."""
_LONGEST_SHOWN = 200
_MOST_SAID = 1000
"""Topics and messages of which it is remembered that they were said."""


class Sender(Protocol):
    """The session with the broker, as the publishers see it."""

    async def publish(self, message: Message) -> None:
        """Publish with QoS 1; returns on PUBACK. Raises a subclass of LinkError."""
        ...

    async def wait_connected(self) -> None:
        """Returns once connected."""
        ...


class CountingSender(Sender, Protocol):
    """One that tells whether the connection is still the same."""

    @property
    def connections(self) -> int:
        """How many there were."""
        ...


class OutboxStore(Protocol):
    """The outbox in the journal."""

    async def outbox(self, after: int, limit: int) -> list[OutboxRow]:
        """Messages that stand behind a row, oldest first."""
        ...

    async def sent(self, rows: list[int]) -> None:
        """The broker acknowledged these."""
        ...

    async def set_aside(self, row: int, *, keep: bool) -> None:
        """This one cannot be sent for now; an SMS is kept whatever `keep` says."""
        ...

    async def take_back_aside(self) -> int:
        """Let what was set aside be tried again; how many."""
        ...

    async def replace_answer(self, row: int, payload: bytes) -> None:
        """Another payload for a message that waits."""
        ...


class OutboxPublisher:
    """Sends what the journal's outbox holds, in order, again and again until the broker acknowledged it.

    What the broker refuses is set aside and the rest goes on; `say` tells the operator of it, once
    for each topic, or for each message that is too large. `pace`: of each message that was taken or was not, while some
    wait and there is a connection.
    """

    def __init__(
        self,
        store: OutboxStore,
        sender: CountingSender,
        too_large: Callable[[bytes, TooLargeError], bytes],
        say: Callable[[BridgeEvent, str], None],
        sleep: Callable[[float], Awaitable[None]],
        logger: logging.Logger,
    ) -> None:
        self._store = store
        self._sleep = sleep
        self._sender = sender
        self._too_large = too_large
        self._say = say
        self._logger = logger
        self._news = asyncio.Event()
        self._empty = asyncio.Event()
        self._said: dict[str | int, None] = {}
        self._repeated: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._volatile: deque[Message] = deque()
        self._senders = 0
        self._is_quiet = asyncio.Event()
        self._is_quiet.set()
        self._overflows = False
        self._waited = False
        self._learnt = Learnt()
        self.pace = Pace(asyncio.get_running_loop().time)
        self.set_aside = 0
        self.on_volatile: Callable[[Message], object] = lambda _: None
        """Told of each message that stands in no journal, as it is to be sent, whether or not the broker is there."""

    def wake(self) -> None:
        """There are new rows."""
        self._empty.clear()
        self._news.set()

    async def drained(self) -> None:
        """Returns once nothing waits any more, in the journal or beside it."""
        await self._empty.wait()
        await self._is_quiet.wait()

    def send_volatile(self, message: Message) -> None:
        """Publish once while connected, without the journal; lost where too many wait."""
        self.on_volatile(message)
        if len(self._volatile) >= MOST_VOLATILE:
            if not self._overflows:
                self._overflows = True
                self._logger.warning("%d messages wait for the broker to take them: more are lost", MOST_VOLATILE)
            return
        self._volatile.append(message)
        if self._senders < AT_ONCE:
            self._senders += 1
            self._is_quiet.clear()
            self._keep(asyncio.ensure_future(self._send_volatile()))

    async def _send_volatile(self) -> None:
        """Send what waits, beside others that do: each begins with the next, so that they go out in order."""
        try:
            while self._volatile:
                await self._send_once(self._volatile.popleft())
            self._overflows = False
        finally:
            self._senders -= 1
            if not self._senders:
                self._is_quiet.set()

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        """A fault in it is one of the loop's, which ends the daemon."""
        self._tasks.discard(task)
        if not task.cancelled():
            task.result()

    async def publish_once(self, answer: Message) -> None:
        """Publish an answer while connected, without the journal; returns on PUBACK, or once it is given up."""
        payload = self._learnt.cut(answer.payload, gently=True)
        left: Message | None = answer if payload is answer.payload else replace(answer, payload=payload)
        refusals = 0
        while left is not None:
            try:
                await self._sender.publish(left)
            except LinkError as error:
                refusals += is_over_quota(error)
                left = await self._instead(left, error, refusals)
            else:
                self._said.pop(left.topic, None)
                return

    async def _instead(self, answer: Message, error: LinkError, refusals: int) -> Message | None:
        """What is to go now in the place of an answer that was not taken; None where nothing is."""
        if is_over_quota(error):
            if refusals <= MOST_REFUSALS and await self._stays_connected():
                return answer
        elif (smaller := self._smaller(answer, error)) is not None and (
            not isinstance(error, HangsUpError) or await self._is_connected_again()
        ):
            return smaller
        self._lost(answer, error, refusals)
        return None

    async def _stays_connected(self) -> bool:
        """Give the broker time; whether the connection is still the one over which was asked."""
        before = self._sender.connections
        await self._sleep(WAIT_AFTER_REFUSAL)
        return self._sender.connections == before

    async def _is_connected_again(self) -> bool:
        """Wait for the next connection.

        The broker that hung up on the answer has read our PUBACK before it: it does not bring again what was asked, and
        nothing is answered twice.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_BREAK):
                await self._sender.wait_connected()
                return True
        return False

    def _smaller(self, answer: Message, error: LinkError) -> Message | None:
        """As of the answers in the outbox: an SMS in it comes cut, else it says that it is too large."""
        room = room_for(answer.payload, error)
        cut = None if room is None else fitted(answer.payload, room, gently=isinstance(error, HangsUpError))
        if room is not None and cut is not None:
            self._learnt.too_much(room, error)
            self._logger.warning("an answer on %s comes cut: %s", _shown(answer.topic), error)
            return replace(answer, payload=cut)
        if not isinstance(error, TooLargeError) or (said := self._too_large(answer.payload, error)) == answer.payload:
            return None
        self._logger.warning("the answer on %s is %s: %s", _shown(answer.topic), ErrorCode.TOO_LARGE, error)
        return replace(answer, payload=said)

    async def _send_once(self, message: Message) -> None:
        try:
            await self._sender.publish(message)
        except LinkError as error:
            self._lost(message, error)
        else:
            self._said.pop(message.topic, None)

    def _lost(self, message: Message, error: LinkError, refusals: int = 0) -> None:
        """What stands in no journal was not published; `refusals`: how often it was too much for the broker."""
        text = f"a message on {_shown(message.topic)} was not published: {error}"
        is_refused = isinstance(error, PublishRefusedError) and not error.is_over_quota
        if isinstance(error, TooLargeError) or is_refused or refusals > MOST_REFUSALS:
            self._tell_once(message.topic, text, message.topic)
        else:
            self._logger.debug("%s", text)

    async def run(self) -> None:
        """Send for ever."""
        self._news.set()
        try:
            while True:
                self.pace.waits()
                await self._news.wait()
                self._news.clear()
                await self._sender.wait_connected()
                self.pace.gets_on()
                if self._waited:
                    self._waited = False
                    await self._store.take_back_aside()
                await self._empty_outbox()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _empty_outbox(self) -> None:
        """Send all that waits, as far as the connection carries."""
        while rows := await self._store.outbox(0, AT_ONCE):
            self.pace.gets_on()
            if not await self._send_all(rows):
                self._news.set()
                return
        if not self._news.is_set():
            self._empty.set()

    async def _send_all(self, rows: list[OutboxRow]) -> bool:
        """Send some rows; whether the connection held, and the broker took what it does not refuse for good."""
        results = await asyncio.gather(*(self._send(row) for row in rows), return_exceptions=True)
        sent = [row for row, result in zip(rows, results, strict=True) if result is None]
        if sent:
            await self._store.sent([row.row for row in sent])
        for row in sent:
            self._taken(row)
        held = True
        for row, result in zip(rows, results, strict=True):
            if isinstance(result, BaseException):
                held = await self._failed(row, result) and held
                self.pace.gets_on()
        if any(is_over_quota(result) for result in results):
            await self._sleep(WAIT_AFTER_REFUSAL)
        return held

    async def _send(self, row: OutboxRow) -> None:
        try:
            await self._sender.publish(row.message)
        finally:
            self.pace.gets_on()

    async def _failed(self, row: OutboxRow, error: BaseException) -> bool:
        """Deal with a row that was not sent; whether the rest can go on at once."""
        if isinstance(error, LinkError) and await self._cut(row, error):
            return True
        match error:
            case TooLargeError():
                await self._replace(row, error)
                return True
            case PublishRefusedError(is_over_quota=True):
                return False
            case HangsUpError():
                await self._give_up(row, str(error), of=row.message.topic, keep=True, closed=error.closed)
                return True
            case PublishRefusedError():
                why = f"the broker refuses it ({error})"
                await self._give_up(row, why, of=row.message.topic, keep=error.may_pass)
                return True
            case LinkError():
                return False
        raise error

    async def _cut(self, row: OutboxRow, error: LinkError) -> bool:
        """Have the SMS in it come cut (contract, Events), the rest whole; whether that can help.

        An answer under which the connection ended is not cut further than anybody minds: it may have been chance.
        """
        gently = isinstance(error, HangsUpError) and row.kind != "sms"
        smaller = _fitting(row.message.payload, error, gently=gently)
        if smaller is None:
            return False
        await self._store.replace_answer(row.row, smaller)
        self._logger.warning("a message on %s comes cut: %s", _shown(row.message.topic), error)
        return True

    async def _replace(self, row: OutboxRow, error: TooLargeError) -> None:
        """An answer that is too large becomes one that says so."""
        if row.kind == "answer" and (smaller := self._too_large(row.message.payload, error)) != row.message.payload:
            await self._store.replace_answer(row.row, smaller)
            self._logger.warning("the answer on %s is %s: %s", _shown(row.message.topic), ErrorCode.TOO_LARGE, error)
            return
        await self._give_up(row, str(error), of=row.row)

    async def _give_up(
        self, row: OutboxRow, why: str, *, of: str | int, keep: bool = False, closed: float = 0.0
    ) -> None:
        """Set a row aside and say so, once: `of` is the topic that is refused, or the row alone.

        `closed`: seconds for which it is of no use to try.
        """
        self.set_aside += 1
        await self._store.set_aside(row.row, keep=keep)
        if keep and (closed or row.row not in self._repeated):
            if not closed:
                self._repeated.add(row.row)
            self._keep(asyncio.ensure_future(self._try_again(closed or AGAIN_AFTER)))
        again = "; it is kept, and tried again within an hour" if keep or row.kind == "sms" else ""
        self._tell_once(of, f"a message on {_shown(row.message.topic)} was set aside: {why}{again}", row.message.topic)

    async def _try_again(self, seconds: float) -> None:
        await self._sleep(seconds)
        self._waited = True  # the rest is for `run`, so that an error of the journal ends it
        self.wake()

    def _tell_once(self, of: str | int, text: str, topic: str) -> None:
        if of in self._said:
            self._logger.debug("%s", text)
            return
        self._said[of] = None
        if len(self._said) > _MOST_SAID:
            del self._said[next(iter(self._said))]
        self._logger.error("%s", text)
        if topic != topics.BRIDGE_EVENT:  # there it would be told of itself, for ever
            self._say(BridgeEvent.MESSAGE_DROPPED, text)

    def _taken(self, row: OutboxRow) -> None:
        self._repeated.discard(row.row)
        self._said.pop(row.row, None)
        self._said.pop(row.message.topic, None)


def is_over_quota(error: object) -> bool:
    """Whether it was too much at once for the broker: the same message may be taken a while later."""
    return isinstance(error, PublishRefusedError) and error.is_over_quota


def _fitting(payload: bytes, error: LinkError, *, gently: bool) -> bytes | None:
    """The payload with its SMS cut to what the broker takes; None where that cannot help."""
    room = room_for(payload, error)
    return None if room is None else fitted(payload, room, gently=gently)


def _shown(topic: str) -> str:
    """A topic in words: an answer's is as long as its sender made the command's."""
    return topic[:_LONGEST_SHOWN]
