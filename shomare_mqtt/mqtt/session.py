"""The daemon's session with the broker: connects, connects again for ever, tells the rest what comes and goes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from shomare_mqtt.core.bridge_events import BridgeEvent
from shomare_mqtt.core.pace import Pace
from shomare_mqtt.errors import TakenOverError
from shomare_mqtt.mqtt.backoff import LONGEST_PAUSE, Backoff
from shomare_mqtt.mqtt.connector import Connector
from shomare_mqtt.mqtt.failures import (
    SESSION_TAKEN_OVER,
    ConnectRefusedError,
    DisconnectedError,
    LinkError,
    NotConnectedError,
)
from shomare_mqtt.mqtt.packets import Publication
from shomare_mqtt.mqtt.rivals import STABLE, ShortLives, suspicion, taken_over
from shomare_mqtt.mqtt.suspects import End, Suspects
from shomare_mqtt.mqtt.transport import address, manner

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable

    from shomare_mqtt.config.held import Mqtt
    from shomare_mqtt.core.ports import OnBroker
    from shomare_mqtt.model import Ack, Incoming, Message
    from shomare_mqtt.mqtt.connection import Link
    from shomare_mqtt.mqtt.packets import Ending, Version

FAREWELL = 2.0
"""Seconds that the last `offline` may take; after that the last will says it."""

_AWAY, _REFUSED = "away", "refused"


class ConnectionFacts(NamedTuple):
    """What is known of a connection.

    `session` counts the broker's sessions within this process; 0 is one that an earlier process left. Packet ids
    and DUP mean something within one session alone. `maximum_packet_size`: bytes, None where the broker names none.
    `receive_maximum`: how many messages of ours may be unacknowledged at once, 20 at most.
    """

    protocol: Version
    session_present: bool
    session: int
    maximum_packet_size: int | None
    receive_maximum: int


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SessionListener:
    """Whom the session tells; all on the loop. None of it may block, and what it raises ends `Session.run`.

    - `connected(facts)`: after each subscribing; only then messages are handed over.
    - `message(incoming, ack)`: each message. `ack` (model.Ack) sends its PUBACK; until then the broker keeps the
      message and brings it again. It does nothing once the connection that brought it is gone. Call it in the order of
      arrival.
    - `disconnected(text)`: after each `connected`, once.
    - `trouble(event, text)`: what an operator should see; it stands in the log already.
    - `look(held)`: awaited once, before the first `connected`, at what the broker holds of ours; again at the next
      attempt where it raised a LinkError of `held`'s.
    """

    message: Callable[[Incoming, Ack], None]
    connected: Callable[[ConnectionFacts], None]
    disconnected: Callable[[str], None]
    trouble: Callable[[BridgeEvent, str], None]
    look: Callable[[OnBroker], Awaitable[None]]


class Session:
    """The daemon's one connection at a time. `run` does it all; the rest may be called from anywhere on the loop.

    `subscriptions` are whole, as is `also`, which the daemon can do without.

    `first_attempt` is set once the first attempt at the broker has ended, either way. `connections`: how many there
    were. `pace`: of its attempts; a connection has its own, see `stood`.
    """

    def __init__(
        self,
        settings: Mqtt,
        subscriptions: tuple[str, ...],
        listener: SessionListener,
        *,
        also: tuple[str, ...] = (),
        logger: logging.Logger,
        rng: random.Random,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._settings = settings
        self._subscriptions = subscriptions
        self._also = also
        self._listener = listener
        self._log = logger
        self._sleep = sleep
        self._address = address(settings)
        self._who_and_where = settings.effective_client_id, self._address
        self._connector = Connector(settings, logger, listener.look)
        self._backoff = Backoff(rng)
        self._suspects = Suspects()
        self._short_lives = ShortLives()
        self.first_attempt = asyncio.Event()
        self._connected = asyncio.Event()
        self._stopping = asyncio.Event()
        self._over = asyncio.Event()
        self._over.set()
        self._quietly = False
        self._link: Link | None = None
        self._held: list[tuple[Incoming, Ack]] = []
        self._sessions = 0
        self.pace = Pace(asyncio.get_running_loop().time)
        self.connections = 0
        self._said: set[str] = set()

    @property
    def connected(self) -> bool:
        """Whether `publish` can be called now."""
        return self._connected.is_set()

    def stood(self) -> float:
        """Seconds since an attempt at the broker began or ended, or by which the connection's keep alive is late."""
        return self.pace.stood() if self._link is None else self._link.late()

    async def wait_connected(self) -> None:
        """Returns once `connected`."""
        await self._connected.wait()

    async def publish(self, message: Message) -> None:
        """Publish with QoS 1; returns on PUBACK. A message that may end the connection waits until it can go alone.

        Raises NotConnectedError (nothing was sent), DisconnectedError (the link dropped under it: nobody knows),
        PublishRefusedError (MQTT 5: the broker said no), HangsUpError (it says no by hanging up), TooLargeError (not
        sent).
        """
        if self._link is None:
            raise NotConnectedError("there is no connection to the broker")
        topic = message.topic if message.absolute else f"{self._settings.base_topic}/{message.topic}"
        publication = Publication(topic, message.payload, message.retain, message.correlation)
        await self._suspects.send(topic, partial(self._link.publish, publication))

    async def run(self) -> None:
        """Stay connected until `stop` or cancelled.

        Raises InstanceConflictError where another daemon answers on the base topic, TakenOverError where one took the
        session, and what the callbacks raise.
        """
        self._over.clear()
        serving = asyncio.create_task(self._serve())
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
            if not serving.done():
                await self._farewell()
        finally:
            stopping.cancel()
            serving.cancel()
            await asyncio.wait((serving, stopping))
            self._over.set()
        if not serving.cancelled():
            serving.result()

    async def stop(self, *, quietly: bool = False) -> None:
        """Say `offline`, disconnect without a last will, and end `run`; takes a few seconds at most.

        `quietly`: another daemon goes on in our place: no `offline`, and no session in which its commands are kept.
        """
        self._quietly = quietly
        self._stopping.set()
        await self._over.wait()

    # --- connecting -------------------------------------------------------------------------------------------------

    async def _serve(self) -> None:
        while not self._stopping.is_set():
            self.pace.gets_on()
            try:
                link = await self._connect()
            except LinkError as error:
                pause = self._pause_after_failure(error)
            else:
                pause = await self._live(link)
            finally:
                self.first_attempt.set()
            self.pace.gets_on()
            await self._sleep(pause)

    async def _connect(self) -> Link:
        """One attempt, up to a connection that is subscribed. Raises LinkError or InstanceConflictError."""
        self._held = []
        link = await self._connector.connect(self._take)
        try:
            await self._begin(link)
        except BaseException:
            link.close()
            raise
        return link

    async def _begin(self, link: Link) -> None:
        for each, reason in (await link.subscribe(self._subscriptions)).items():
            self._say_once(
                f"The broker refuses the subscription to {each} ({reason}): nothing sent there is heard, no command is "
                "carried out or answered. Allow this user to read that topic in the broker's access list"
            )
        await self._listen(link)
        if self._connector.will_refused:
            self._say_once(
                f"The broker at {self._address} refuses our last will, the retained 'offline' on "
                f"{self._connector.will.topic}: where this daemon dies, that goes on saying 'online'. Allow this user "
                "to publish there, and retained messages"
            )
        self._sessions += not link.facts.session_present
        self._said -= {_AWAY, _REFUSED}
        self._log.log(
            logging.DEBUG if self._short_lives.suspected else logging.INFO,
            "Connected to the broker at %s with MQTT %s (%s), session %s",
            *(self._address, link.protocol, manner(self._settings)),
            "resumed" if link.facts.session_present else "new",
        )
        self._suspects.connected()
        link.ended.add_done_callback(self._on_end)
        self._link = link
        self.connections += 1
        self._connected.set()

    def _on_end(self, ended: asyncio.Future[Ending]) -> None:
        """Before those hear of it who wait for a PUBACK: they may go on to wait for the next connection."""
        self._connected.clear()
        self._suspects.ended(ended.result())

    async def _listen(self, link: Link) -> None:
        """Subscribe to what the daemon can do without, unless the broker hangs up on that."""
        if not self._also or not self._connector.may_listen:
            return
        try:
            refused = await link.subscribe(self._also)
        except DisconnectedError:
            self._connector.listening_was_cut_off()
            raise
        self._connector.listening_was_taken()
        for each, reason in refused.items():
            self._say_once(
                f"The broker refuses the subscription to {each} ({reason}): another daemon on the base topic, and what "
                "others publish there, may be missed. Allow this user to read that topic"
            )

    def _say_once(self, text: str) -> None:
        """An error that every connection would repeat."""
        if text not in self._said:
            self._said.add(text)
            self._log.error("%s", text)

    # --- being connected --------------------------------------------------------------------------------------------

    async def _live(self, link: Link) -> float:
        """Until the connection ends. Returns the seconds to wait before the next."""
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            self._listener.connected(self._facts(link))
            self.first_attempt.set()
            held, self._held = self._held, []
            for incoming, ack in held:
                self._listener.message(incoming, ack)
            await asyncio.wait((link.ended,))
        finally:
            self.pace.gets_on()
            self._link = None
            self._connected.clear()
            link.close()
            self._listener.disconnected(link.ended.result().text)
        return await self._after(link.ended.result(), clock() - began)

    def _facts(self, link: Link) -> ConnectionFacts:
        present, largest = link.facts.session_present, link.facts.maximum_packet_size
        return ConnectionFacts(link.protocol, present, self._sessions, largest, link.window)

    def _take(self, incoming: Incoming, ack: Ack) -> None:
        """A broker that resumes a session sends at once: those messages wait until `connected` was told."""
        if self._link is None or self._held:
            self._held.append((incoming, ack))
        else:
            self._listener.message(incoming, ack)

    async def _after(self, ending: Ending, life: float) -> float:
        if ending.fault is not None:
            raise ending.fault
        if ending.reason == SESSION_TAKEN_OVER:
            raise TakenOverError(taken_over(*self._who_and_where))
        if self._stopping.is_set():
            return 0
        say = self._log.debug if self._short_lives.suspected else self._log.warning
        say("The connection to the broker at %s ended: %s. Connecting again", self._address, ending.text)
        self._said.add(_AWAY)
        if life >= STABLE:
            self._backoff.reset()
        end = self._suspects.last_end
        if self._short_lives.ended(life, end, reason_given=ending.reason is not None):
            await self._look_for_rival()
        return self._backoff.short() if end in {End.ALONE, End.TRIAL} else self._backoff.grown()

    async def _look_for_rival(self) -> None:
        """Another daemon that took the session goes on in our place; what else takes it is said."""
        with contextlib.suppress(LinkError):
            if await self._connector.another_answers():
                raise TakenOverError(taken_over(*self._who_and_where))
            if self._short_lives.suspect():
                text = suspicion(*self._who_and_where)
                self._log.warning("%s", text)
                self._listener.trouble(BridgeEvent.INSTANCE_SUSPECTED, text)

    # --- failing and stopping ---------------------------------------------------------------------------------------

    def _pause_after_failure(self, error: LinkError) -> float:
        self._short_lives.start_anew()
        refused = isinstance(error, ConnectRefusedError) and error.is_credentials
        kind = _REFUSED if refused else _AWAY
        say = self._log.debug if kind in self._said else self._log.warning
        self._said.add(kind)
        if refused:
            say(
                "The broker at %s refuses the user name, the password or the client id: %s. No command is heard until "
                "that is put right; trying once a minute",
                *(self._address, error),
            )
            return LONGEST_PAUSE
        say("The broker at %s cannot be used: %s. Trying again until it can", self._address, error)
        return self._backoff.grown()

    async def _farewell(self) -> None:
        link = self._link
        if link is not None:
            try:
                async with asyncio.timeout(FAREWELL):
                    if not self._quietly:
                        await link.publish(self._connector.will)
            except (TimeoutError, LinkError):
                link.close("the broker did not take the last message")
            else:
                await link.disconnect()
        with contextlib.suppress(TimeoutError, LinkError):
            async with asyncio.timeout(FAREWELL):
                await self._connector.end_session(always=self._quietly)
