"""The way to the broker: one session, and the outbox and the retained topics that go through it."""

from __future__ import annotations

import asyncio
import json
import logging
import random
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from shomare_mqtt import topics
from shomare_mqtt.core import render
from shomare_mqtt.core.notices import Notices
from shomare_mqtt.errors import ErrorCode
from shomare_mqtt.homeassistant.announcer import status_topic
from shomare_mqtt.mqtt.alone import LISTENED_TO, Alone
from shomare_mqtt.mqtt.command_fields import kept
from shomare_mqtt.mqtt.publisher import OutboxPublisher
from shomare_mqtt.mqtt.retained import RetainedPublisher
from shomare_mqtt.mqtt.session import Session, SessionListener
from shomare_mqtt.mqtt.state_keeper import StateKeeper
from shomare_mqtt.topics import SUBSCRIPTIONS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from shomare_mqtt.config.held import Settings
    from shomare_mqtt.core.bridge_events import BridgeEvent
    from shomare_mqtt.core.clock import Clock
    from shomare_mqtt.core.ports import OnBroker, Spawn
    from shomare_mqtt.journal.store import Journal
    from shomare_mqtt.model import Ack, Incoming
    from shomare_mqtt.mqtt.failures import TooLargeError
    from shomare_mqtt.mqtt.session import ConnectionFacts

LOG = logging.getLogger("shomare_mqtt.mqtt")
DRAIN = 5.0
"""Seconds that the outbox has to empty when the daemon stops; what is left is sent after the next start."""


class Told(NamedTuple):
    """Who is told as mqtt.session.SessionListener says. `lost(text)`: another daemon goes on in our place, once."""

    message: Callable[[Incoming, Ack], None]
    connected: Callable[[ConnectionFacts], None]
    disconnected: Callable[[str], None]
    look: Callable[[OnBroker], Awaitable[None]]
    lost: Callable[[str], None]


class Broker:
    """Session and publishers, made together. `instance` is the journal's name."""

    def __init__(
        self, settings: Settings, instance: str, journal: Journal, clock: Clock, spawn: Spawn, told: Told
    ) -> None:
        base = settings.mqtt.base_topic
        self._spawn = spawn
        self._told = told
        self._now = clock.monotonic
        self._away_since: float | None = clock.monotonic()
        self.status_topic = status_topic(settings.homeassistant.discovery_prefix)
        self.session = session = Session(
            settings.mqtt,
            _subscriptions(settings),
            SessionListener(self._on_message, self._on_connected, self._on_disconnected, self._tell, told.look),
            also=tuple(f"{base}/{each}" for each in LISTENED_TO),
            logger=LOG,
            rng=random.Random(),  # noqa: S311 - jitter, no secret
            sleep=clock.sleep,
        )
        self.alone = Alone(base, instance, session, self, LOG)
        self.outbox = OutboxPublisher(journal, session, _too_large, self._tell, clock.sleep, LOG)
        self.retained = RetainedPublisher(base, journal, self.alone, self._tell, clock.sleep, LOG)
        state = f"{base}/{topics.BRIDGE_STATE}"
        self._state = StateKeeper(state, lambda: self.retained.put_again(state), LOG)
        self.say = Notices(journal, self.outbox).say

    def start(self) -> None:
        """Publish what waits and what comes, and look whether another daemon is there."""
        self._spawn(self.retained.run(), "retained")
        self._spawn(self.outbox.run(), "outbox")
        self._spawn(self.alone.run(), "alone")

    def away_for(self) -> float:
        """Seconds since there was a connection, or since the start; 0 while there is one."""
        return 0.0 if self._away_since is None else self._now() - self._away_since

    async def attempted(self, stop: asyncio.Event) -> bool:
        """Wait for the first attempt at the broker, which may hang; False where `stop` came before its end."""
        waiting = [asyncio.create_task(event.wait()) for event in (self.session.first_attempt, stop)]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
        return self.session.first_attempt.is_set()

    async def stop(self, *, lost: bool) -> None:
        """Give the broker some time to take what waits for it, and disconnect.

        `lost`: another daemon goes on, so that what is retained, `offline` too, is its own matter.
        """
        self._state.stop()
        if self.session.connected:
            await self._drain(self.outbox.drained(), *(() if lost else (self.retained.drained(),)))
            if not lost:
                await self.alone.leave()
        await self.session.stop(quietly=lost)

    async def _drain(self, *drained: Awaitable[None]) -> None:
        try:
            async with asyncio.timeout(DRAIN):
                await asyncio.gather(*drained)
        except TimeoutError:
            LOG.warning("the broker did not take all messages in time; they are sent after the next start")

    # --- what the session tells -------------------------------------------------------------------------------------

    def _on_message(self, incoming: Incoming, ack: Ack) -> None:
        self.alone.message(incoming, ack)

    def _on_connected(self, facts: ConnectionFacts) -> None:
        self._away_since = None
        self.alone.connected()
        self._told.connected(facts)

    def _on_disconnected(self, text: str) -> None:
        self._away_since = self._now()
        self.alone.disconnected()
        self._state.disconnected()
        self._told.disconnected(text)

    # --- what comes of other daemons --------------------------------------------------------------------------------

    def hand_over(self, incoming: Incoming, ack: Ack) -> None:
        """A message for the daemon."""
        if (payload := kept(incoming.payload)) is not incoming.payload:
            incoming = replace(incoming, payload=payload)
        self._told.message(incoming, ack)

    def lost(self, text: str) -> None:
        """Another daemon goes on."""
        self._state.stop()
        self._told.lost(text)

    def won(self) -> None:
        """We go on: what the other left retained is not what we say."""
        self.retained.connected()

    def state_was_set(self) -> None:
        """Somebody else set `bridge/state`."""
        self._state.was_set()

    def trouble(self, event: BridgeEvent, text: str) -> None:
        """For the operator."""
        self._tell(event, text)

    def _tell(self, event: BridgeEvent, text: str) -> None:
        """What went wrong on the way to the broker, for the operator."""
        self._spawn(self.say(event, text), "event")


def _subscriptions(settings: Settings) -> tuple[str, ...]:
    """Whole topic filters."""
    commands = tuple(f"{settings.mqtt.base_topic}/{each}" for each in SUBSCRIPTIONS)
    home = settings.homeassistant
    return (*commands, status_topic(home.discovery_prefix)) if home.enabled else commands


def _too_large(answer: bytes, error: TooLargeError) -> bytes:
    """The answer that takes the place of one that is larger than the broker takes."""
    body = json.loads(answer)
    message = f"{error}; ask for less (a smaller limit, one list at a time)"
    problem = {"code": ErrorCode.TOO_LARGE.value, "message": message, "retryable": False}
    return render.dumps({"status": "error", "transaction": body.get("transaction"), "error": problem})
