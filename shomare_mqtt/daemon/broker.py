"""The way to the broker: one session, and the outbox and the retained topics that go through it."""

from __future__ import annotations

import asyncio
import json
import logging
import random
from typing import TYPE_CHECKING

from shomare_mqtt.core import render
from shomare_mqtt.core.notices import Notices
from shomare_mqtt.errors import ErrorCode
from shomare_mqtt.homeassistant.announcer import status_topic
from shomare_mqtt.mqtt.publisher import OutboxPublisher
from shomare_mqtt.mqtt.retained import RetainedPublisher
from shomare_mqtt.mqtt.session import Session, SessionListener
from shomare_mqtt.topics import SUBSCRIPTIONS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from shomare_mqtt.config import Settings
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


class Broker:
    """Session and publishers, made together; the four functions are told as mqtt.session.SessionListener says."""

    def __init__(
        self,
        settings: Settings,
        journal: Journal,
        clock: Clock,
        spawn: Spawn,
        on_message: Callable[[Incoming, Ack], None],
        on_connected: Callable[[ConnectionFacts], None],
        on_disconnected: Callable[[str], None],
        look: Callable[[OnBroker], Awaitable[None]],
    ) -> None:
        self._spawn = spawn
        self.status_topic = status_topic(settings.homeassistant.discovery_prefix)
        self.session = Session(
            settings.mqtt,
            _subscriptions(settings),
            SessionListener(on_message, on_connected, on_disconnected, self._tell, look),
            logger=LOG,
            rng=random.Random(),  # noqa: S311 - jitter, no secret
            sleep=clock.sleep,
        )
        self.outbox = OutboxPublisher(journal, self.session, _too_large, self._tell, clock.sleep, LOG)
        base = settings.mqtt.base_topic
        self.retained = RetainedPublisher(base, journal, self.session, self._tell, clock.sleep, LOG)
        self.say = Notices(journal, self.outbox).say

    def start(self) -> None:
        """Publish what waits and what comes."""
        self._spawn(self.retained.run(), "retained")
        self._spawn(self.outbox.run(), "outbox")

    async def attempted(self, stop: asyncio.Event) -> bool:
        """Wait for the first attempt at the broker, which may hang; False where `stop` came before its end."""
        waiting = [asyncio.create_task(event.wait()) for event in (self.session.first_attempt, stop)]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
        return self.session.first_attempt.is_set()

    async def drain(self) -> None:
        """Give the broker some time to take what waits for it."""
        if not self.session.connected:
            return
        try:
            async with asyncio.timeout(DRAIN):
                await asyncio.gather(self.outbox.drained(), self.retained.drained())
        except TimeoutError:
            LOG.warning("the broker did not take all messages in time; they are sent after the next start")

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
