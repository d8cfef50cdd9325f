"""The daemon's session with the broker: connects, connects again for ever, tells the rest what comes and goes."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shomare_mqtt.errors import InstanceConflictError, TakenOverError
from shomare_mqtt.mqtt.client import Client
from shomare_mqtt.mqtt.connection import Link, open_link
from shomare_mqtt.mqtt.failures import (
    SESSION_TAKEN_OVER,
    ConnectRefusedError,
    HungUpError,
    LinkError,
    NotConnectedError,
)
from shomare_mqtt.mqtt.instances import another_answers
from shomare_mqtt.mqtt.packets import Ending, Opening, Publication
from shomare_mqtt.mqtt.transport import address

if TYPE_CHECKING:
    import logging
    import random
    from collections.abc import Awaitable, Callable

    from shomare_mqtt.config import Mqtt
    from shomare_mqtt.model import Incoming, Message
    from shomare_mqtt.mqtt.packets import Version

LONGEST_PAUSE = 60.0
"""Seconds between two attempts at most, and always where the broker refuses the password (contract, Settings)."""

STABLE = 5.0
"""Seconds after which a connection counts as stable; one that ends sooner may have been taken over."""

SHORT_LIVES = 3
"""So many connections in a row that ended soon, with no reason given, are a reason to look for another daemon."""

HANG_UPS = 2
"""So many connections in a row that end without a CONNACK are a reason to try both versions of MQTT again."""

FAREWELL = 2.0
"""Seconds that the last `offline` may take; after that the last will says it."""

_AWAY, _REFUSED = "away", "refused"


@dataclass(frozen=True, slots=True)
class ConnectionFacts:
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


class Session:
    """The daemon's one connection at a time. `run` does it all; the rest may be called from anywhere on the loop.

    - `on_connected(facts)`: after each subscribing; only then messages are handed over.
    - `on_message(incoming, ack)`: each message. `ack()` sends its PUBACK; until then the broker keeps the message and
      brings it again. It does nothing once the connection that brought it is gone. Call it in the order of arrival.
    - `on_disconnected(text)`: after each `on_connected`, once.

    All three are called on the loop, must not block, and what they raise ends `run`.
    `first_attempt` is set once the first attempt at the broker has ended, either way.
    """

    def __init__(
        self,
        settings: Mqtt,
        *,
        subscriptions: tuple[str, ...],
        absolute_subscriptions: tuple[str, ...] = (),
        on_message: Callable[[Incoming, Callable[[], None]], None],
        on_connected: Callable[[ConnectionFacts], None],
        on_disconnected: Callable[[str], None],
        logger: logging.Logger,
        rng: random.Random,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._settings = settings
        self._filters = (*(self._whole(each) for each in subscriptions), *absolute_subscriptions)
        self._on_message = on_message
        self._on_connected = on_connected
        self._on_disconnected = on_disconnected
        self._log = logger
        self._rng = rng
        self._sleep = sleep
        self._address = address(settings)
        self._will = Publication(self._whole("bridge/state"), b"offline", retain=True)
        self.first_attempt = asyncio.Event()
        self._connected = asyncio.Event()
        self._stopping = asyncio.Event()
        self._over = asyncio.Event()
        self._over.set()
        self._link: Link | None = None
        self._held: list[tuple[Incoming, Callable[[], None]]] = []
        self._protocol: Version | None = None
        self._alone = False
        self._cleaned = False
        self._sessions = 0
        self._failures = 0
        self._hang_ups = 0
        self._short_lives = 0
        self._said: set[str] = set()

    @property
    def connected(self) -> bool:
        """Whether `publish` can be called now."""
        return self._connected.is_set()

    async def wait_connected(self) -> None:
        """Returns once `connected`."""
        await self._connected.wait()

    async def publish(self, message: Message) -> None:
        """Publish with QoS 1; returns on PUBACK.

        Raises NotConnectedError (nothing was sent), DisconnectedError (the link dropped under it: nobody knows),
        PublishRefusedError (MQTT 5: the broker said no), TooLargeError (not sent).
        """
        if self._link is None:
            raise NotConnectedError("there is no connection to the broker")
        topic = message.topic if message.absolute else self._whole(message.topic)
        await self._link.publish(Publication(topic, message.payload, message.retain, message.correlation))

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

    async def stop(self) -> None:
        """Say `offline`, disconnect without a last will, and end `run`; takes a few seconds at most."""
        self._stopping.set()
        await self._over.wait()

    # --- connecting -------------------------------------------------------------------------------------------------

    async def _serve(self) -> None:
        while not self._stopping.is_set():
            try:
                link = await self._connect()
            except LinkError as error:
                pause = self._pause_after_failure(error)
            else:
                pause = await self._live(link)
            finally:
                self.first_attempt.set()
            await self._sleep(pause)

    async def _connect(self) -> Link:
        """One attempt, up to a connection that is subscribed. Raises LinkError or InstanceConflictError."""
        protocol = self._protocol if self._alone and self._protocol else await self._look_around()
        try:
            if protocol == "3.1.1" and not self._cleaned:
                await self._leave_no_session()
                self._cleaned = True
            self._held = []
            link = await open_link(self._settings, self._opening(protocol), self._take)
        except (HungUpError, ConnectRefusedError) as error:
            self._doubt_protocol(error)
            raise
        try:
            await self._begin(link)
        except BaseException:
            link.close()
            raise
        return link

    async def _look_around(self) -> Version:
        """Find out which MQTT the broker speaks and, the first time, whether we are alone on the base topic."""
        async with Client(self._settings) as client:
            if client.protocol not in {self._settings.protocol, self._protocol}:
                self._log.warning(
                    "The broker at %s refuses MQTT 5; MQTT 3.1.1 it is, as long as this process lives", self._address
                )
            self._protocol = client.protocol
            if not self._alone and await another_answers(client):
                raise InstanceConflictError(
                    f"another daemon answers on the base topic {self._settings.base_topic!r} at {self._address}: "
                    "nothing was started; stop that one, or set another mqtt.base_topic"
                )
            self._alone = True
            return client.protocol

    def _doubt_protocol(self, error: HungUpError | ConnectRefusedError) -> None:
        """The broker may have become another one: next time find out anew which MQTT it speaks."""
        self._hang_ups += 1
        refused = isinstance(error, ConnectRefusedError) and error.is_protocol
        if refused or (isinstance(error, HungUpError) and self._hang_ups >= HANG_UPS):
            self._hang_ups = 0
            self._protocol = None

    def _opening(self, protocol: Version) -> Opening:
        client_id = self._settings.effective_client_id
        return Opening(protocol, client_id, clean=False, session_expiry=self._settings.session_expiry, will=self._will)

    async def _leave_no_session(self) -> None:
        """Over 3.1.1 a clean connection is what ends a session (3.1.1, section 3.1.2.4)."""
        opening = Opening("3.1.1", self._settings.effective_client_id, clean=True)
        link = await open_link(self._settings, opening, lambda *_: None)
        await link.disconnect()

    async def _begin(self, link: Link) -> None:
        for each, reason in (await link.subscribe(self._filters)).items():
            self._log.warning(
                "The broker refuses the subscription to %s (%s): nothing sent there is heard", each, reason
            )
        self._sessions += not link.facts.session_present
        self._hang_ups = 0
        self._said.clear()
        self._log.info(
            "Connected to the broker at %s with MQTT %s, session %s",
            *(self._address, link.protocol, "resumed" if link.facts.session_present else "new"),
        )
        self._link = link
        self._connected.set()

    # --- being connected --------------------------------------------------------------------------------------------

    async def _live(self, link: Link) -> float:
        """Until the connection ends. Returns the seconds to wait before the next."""
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            self._on_connected(self._facts(link))
            self.first_attempt.set()
            held, self._held = self._held, []
            for incoming, ack in held:
                self._on_message(incoming, ack)
            await asyncio.wait((link.ended,))
        finally:
            self._link = None
            self._connected.clear()
            link.close()
            self._on_disconnected(link.ended.result().text)
        return await self._after(link.ended.result(), clock() - began)

    def _facts(self, link: Link) -> ConnectionFacts:
        present, largest = link.facts.session_present, link.facts.maximum_packet_size
        return ConnectionFacts(link.protocol, present, self._sessions, largest, link.window)

    def _take(self, incoming: Incoming, ack: Callable[[], None]) -> None:
        """A broker that resumes a session sends at once: those messages wait until `on_connected` was called."""
        if self._link is None or self._held:
            self._held.append((incoming, ack))
        else:
            self._on_message(incoming, ack)

    async def _after(self, ending: Ending, life: float) -> float:
        if ending.fault is not None:
            raise ending.fault
        if ending.reason == SESSION_TAKEN_OVER:
            raise TakenOverError(self._taken_over())
        if self._stopping.is_set():
            return 0
        self._log.warning("The connection to the broker at %s ended: %s. Connecting again", self._address, ending.text)
        self._said.add(_AWAY)
        if life >= STABLE:
            self._failures = 0
        self._short_lives = self._short_lives + 1 if life < STABLE and ending.reason is None else 0
        if self._short_lives >= SHORT_LIVES:
            await self._look_for_rival()
        return self._pause()

    async def _look_for_rival(self) -> None:
        """Brokers of 3.1.1 give no reason when another client takes the session: ask whether there is one."""
        with contextlib.suppress(LinkError):
            async with Client(self._settings, protocol=self._protocol) as client:
                if await another_answers(client, insist=True):
                    raise TakenOverError(self._taken_over())
                self._short_lives = 0

    def _taken_over(self) -> str:
        return (
            f"another client took the session {self._settings.effective_client_id!r} at the broker {self._address}: "
            "this daemon ends and does not fight for it; orders stay in its journal. Run one daemon a base topic, and "
            "give no other client its mqtt.client_id"
        )

    # --- failing and stopping ---------------------------------------------------------------------------------------

    def _pause_after_failure(self, error: LinkError) -> float:
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
        return self._pause()

    def _pause(self) -> float:
        """Full jitter: anything from nothing to a bound that doubles, so that many clients do not come in step."""
        bound = min(LONGEST_PAUSE, 2.0**self._failures)
        self._failures = min(self._failures + 1, 10)
        return self._rng.uniform(0, bound)

    async def _farewell(self) -> None:
        link = self._link
        if link is not None:
            try:
                async with asyncio.timeout(FAREWELL):
                    await link.publish(self._will)
            except (TimeoutError, LinkError):
                link.close("the broker did not take the last message")
            else:
                await link.disconnect()
        if self._cleaned:
            with contextlib.suppress(TimeoutError, LinkError):
                async with asyncio.timeout(FAREWELL):
                    await self._leave_no_session()

    def _whole(self, topic: str) -> str:
        return f"{self._settings.base_topic}/{topic}"
