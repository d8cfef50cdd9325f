"""Which message is to blame where the broker ends the connection under it.

A broker that denies a topic, or a size, may say so by hanging up: over MQTT 3.1.1 it has no other way, and some do it
over MQTT 5 too. Sent again after each reconnect, such a message would keep the daemon from its work for ever. But a
connection ends for other reasons as well, and an answer must not be lost for that. So a message is to blame only where
the connection ended three times while nothing else was under way: the first time whenever it happens, the others on
connections that had stood for a while without it.
"""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

from shomare_mqtt.mqtt.failures import DisconnectedError, HangsUpError, NotConnectedError, PublishRefusedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from shomare_mqtt.mqtt.packets import Ending

STRIKES = 3
"""So many connections that ended under a message alone make it the one to blame."""

QUIET = 0.5
"""Seconds that a connection must have stood before what ended one alone is tried again: one that does not hold at all
ends sooner, and another client that takes it from us, and waits a second between two tries, comes when it was sent."""

OVERTAKEN = 5.0
"""Seconds for which others go first of what ended a connection alone: where they never end, it would never go."""

CLOSED = 600.0
"""Seconds for which a topic is not tried at all, once two messages on it in a row were to blame."""

_MOST = 1000
"""Topics under suspicion at once."""


class End(Enum):
    """What was under way when a connection ended."""

    IDLE = auto()
    BUSY = auto()
    """Several messages, or one where it ended for a reason that is no message's."""
    ALONE = auto()
    """One message."""
    TRIAL = auto()
    """One that had ended one before, tried once the connection had stood: it is why, as far as anybody can tell."""


@dataclass(slots=True, eq=False, repr=False)
class _Suspicion:
    """What speaks against a topic. `carried`: how many messages the broker had taken before the first strike."""

    strikes: int = 0
    carried: int = 0
    blames: int = 0
    closed_until: float = 0.0


@dataclass(slots=True, eq=False, repr=False)
class _Turn:
    """A message that waits for its turn, or is under way. `since`: the loop's time at which it came."""

    topic: str
    number: int
    since: float


class Suspects:
    """Lets messages through: together while nothing speaks against their topics, else each alone.

    `connected` and `ended` tell it of the connection; `last_end` says what was under way when the last one ended.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._suspicions: dict[str, _Suspicion] = {}
        self._under_way: set[_Turn] = set()
        self._waiting: dict[_Turn, asyncio.Future[None]] = {}
        self._numbers = itertools.count()
        self._carried = 0
        self._alone = False
        self._began = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self.last_end = End.IDLE

    def connected(self) -> None:
        """A connection stands."""
        self._began = self._loop.time()

    def ended(self, ending: Ending) -> None:
        """The connection ended; to be called before those hear of it who wait for an acknowledgement."""
        topics = [turn.topic for turn in self._under_way]
        for topic in topics:
            self._suspect(topic)
        if len(topics) == 1 and ending.may_be_for_a_message:
            suspicion = self._suspicions[topics[0]]
            self.last_end = End.TRIAL if suspicion.strikes else End.ALONE
            self._strike(suspicion)
        else:
            self.last_end = End.BUSY if topics else End.IDLE
            for suspicion in self._suspicions.values():
                suspicion.closed_until = 0.0  # the broker may have been set up anew
        for admitted in self._waiting.values():
            if not admitted.done():
                admitted.set_exception(NotConnectedError("the connection ended before the message's turn came"))
        self._waiting.clear()
        self._stop_timer()

    async def send(self, topic: str, publish: Callable[[], Awaitable[None]]) -> None:
        """Publish, once it is the message's turn.

        Raises HangsUpError where the message is to blame, NotConnectedError where its turn did not come, else what
        `publish` raises.
        """
        self._refuse_closed(topic)
        turn = await self._enter(topic)
        try:
            await publish()
        except DisconnectedError:
            self._blame(topic)
            raise
        except PublishRefusedError:
            self._taken(topic)  # or refused in words: that ends no connection
            raise
        else:
            self._taken(topic)
        finally:
            self._under_way.discard(turn)
            self._alone = False
            self._admit()

    # --- turns ------------------------------------------------------------------------------------------------------

    async def _enter(self, topic: str) -> _Turn:
        turn = _Turn(topic, next(self._numbers), self._loop.time())
        if self._waiting or topic in self._suspicions or self._is_trial():
            await self._wait_for(turn)
        else:
            self._alone = False
            self._under_way.add(turn)
        return turn

    async def _wait_for(self, turn: _Turn) -> None:
        admitted = self._waiting[turn] = self._loop.create_future()
        self._admit()
        try:
            await admitted
        except BaseException:
            self._under_way.discard(turn)  # cancelled in the moment in which it was admitted
            self._waiting.pop(turn, None)
            self._admit()
            raise

    def _admit(self) -> None:
        """Let in who may go now: in the order of asking, those that ended a connection alone last for a while."""
        while self._waiting and not self._is_trial():
            turn = min(self._waiting, key=self._place)
            suspicion = self._suspicions.get(turn.topic)
            if suspicion is not None and not self._may_try(suspicion):
                return
            admitted = self._waiting.pop(turn)
            if not admitted.done():
                self._alone = suspicion is not None
                self._under_way.add(turn)
                admitted.set_result(None)

    def _is_trial(self) -> bool:
        return self._alone and bool(self._under_way)

    def _place(self, turn: _Turn) -> tuple[int, int]:
        suspicion = self._suspicions.get(turn.topic)
        if suspicion is None or not suspicion.strikes or self._goes_first(turn):
            return 0, turn.number
        return suspicion.strikes, turn.number

    def _goes_first(self, turn: _Turn) -> bool:
        """Whether others overtook it for long enough, and hold it up no more, as the connection has stood."""
        now = self._loop.time()
        return now - turn.since >= OVERTAKEN and now - self._began >= QUIET

    def _may_try(self, suspicion: _Suspicion) -> bool:
        """Whether a suspect can go at this moment; where only time is missing, it is looked again."""
        if self._under_way:
            return False
        wait = self._began + QUIET - self._loop.time() if suspicion.strikes else 0.0
        if wait > 0 and self._timer is None:
            self._timer = self._loop.call_later(wait, self._on_timer)
        return wait <= 0

    def _on_timer(self) -> None:
        self._timer = None
        self._admit()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # --- blame ------------------------------------------------------------------------------------------------------

    def _taken(self, topic: str) -> None:
        self._carried += 1
        self._suspicions.pop(topic, None)

    def _suspect(self, topic: str) -> None:
        if topic not in self._suspicions:
            self._suspicions[topic] = _Suspicion(carried=self._carried)
            if len(self._suspicions) > _MOST:
                del self._suspicions[next(iter(self._suspicions))]

    def _strike(self, suspicion: _Suspicion) -> None:
        if not suspicion.strikes:
            suspicion.carried = self._carried
        suspicion.strikes += 1

    def _blame(self, topic: str) -> None:
        """Raises HangsUpError where a message on the topic has ended its connections alone often enough."""
        suspicion = self._suspicions.get(topic)
        if suspicion is None or suspicion.strikes < STRIKES:
            return
        suspicion.strikes = STRIKES - 1  # the next message there is tried once
        suspicion.blames += 1
        if suspicion.blames > 1:
            suspicion.closed_until = self._loop.time() + CLOSED
        text = "the broker ends the connection each time this is sent"
        raise HangsUpError(text, others_carried=self._carried > suspicion.carried) from None

    def _refuse_closed(self, topic: str) -> None:
        suspicion = self._suspicions.get(topic)
        if suspicion is not None and (closed := suspicion.closed_until - self._loop.time()) > 0:
            text = "the broker ended the connection each time something was sent there"
            raise HangsUpError(text, others_carried=self._carried > suspicion.carried, closed=closed)
