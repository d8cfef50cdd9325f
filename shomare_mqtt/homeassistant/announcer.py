"""When the discovery is published, and how what is no longer there is taken back (contract, section Home Assistant)."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from shomare_mqtt.core.records import stored
from shomare_mqtt.homeassistant.discovery import build_components, discovery_message

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from shomare_mqtt.homeassistant.context import DiscoveryContext
    from shomare_mqtt.model import Message

SETTLE = 2.0
"""Seconds between two messages, and before states are sent again: while Home Assistant still works on one message it
drops most of the next, and it loses states that come before their entity is ready."""
LONGEST_DELAY = 3.0
"""Seconds: not every bridge of a house should answer Home Assistant's start at once."""


class Link(Protocol):
    """What the announcer needs of the daemon. Topics are whole."""

    def put(self, topic: str, payload: bytes) -> None:
        """Wants the retained topic to hold the payload, also after a broker lost it; empty: wants it emptied."""
        ...

    async def deliver(self, message: Message) -> None:
        """Publish once and return when the broker has it, however long that takes; `put` alone may skip a step."""
        ...

    async def remember(self, text: str) -> None:
        """Keep the text in the journal, for the next start's `remembered`."""
        ...

    def repeat_states(self, *, online: bool) -> None:
        """The device was announced: publish `defaults/+/name` and `defaults/max_price` again, changed or not.

        An empty one too: no broker keeps it, and only a message tells that there is no limit. `online`: Home Assistant
        has just started, so `code` too; at any other time a second `code` would look like a new one.
        """
        ...


@dataclass(frozen=True, slots=True)
class Published:
    """What Home Assistant was told: the message's topic, and each component's platform by its key."""

    topic: str = ""
    components: Mapping[str, str] = field(default_factory=dict)

    def to_text(self) -> str:
        """As kept in the journal."""
        return json.dumps({"topic": self.topic, "components": dict(self.components)})

    @classmethod
    def from_text(cls, text: str | None) -> Published:
        """As it was kept; None is nothing, and so is what makes no sense."""
        match stored(text, dict, {}):
            case {"topic": str(topic), "components": dict(components)}:
                platforms = {str(key): platform for key, platform in components.items() if isinstance(platform, str)}
                return cls(topic, platforms)
        return cls()


class Announcer:
    """Publishes the discovery at start, when it changed, and when Home Assistant comes online.

    `remembered`: the text last given to `Link.remember`, by this process or an earlier one. Run `run` in a task group;
    the other methods only say what is wanted.
    """

    def __init__(
        self,
        link: Link,
        remembered: str | None,
        *,
        sleep: Callable[[float], Awaitable[None]],
        uniform: Callable[[float, float], float],
    ) -> None:
        self._link = link
        self._published = Published.from_text(remembered)
        self._sleep = sleep
        self._uniform = uniform
        self._context: DiscoveryContext | None = None
        self._payload = b""
        self._is_online = False
        self._wake = asyncio.Event()

    def update(self, context: DiscoveryContext) -> None:
        """Something that the message depends on may have changed."""
        self._context = context
        self._wake.set()

    def heard(self, payload: bytes) -> None:
        """A message on `status_topic`; anything but `online` is nothing to do."""
        if payload == b"online":
            self._is_online = True
            self._wake.set()

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self._is_online:
                await self._sleep(self._uniform(0.0, LONGEST_DELAY))
            again, self._is_online = self._is_online, False
            if self._context is not None and await self._announce(self._context, again=again):
                await self._sleep(SETTLE)
                self._link.repeat_states(online=again)

    async def _announce(self, context: DiscoveryContext, *, again: bool) -> bool:
        """Publish what is to be published; whether anything was."""
        message = discovery_message(context)
        enabled = context.settings.homeassistant.enabled
        if self._published.topic and (not enabled or self._published.topic != message.topic):
            self._link.put(self._published.topic, b"")
            self._payload = b""
            await self._remember(Published())
        if not enabled:
            return False
        platforms = {key: c["platform"] for key, c in build_components(context).items()}
        missing = {k: p for k, p in self._published.components.items() if platforms.get(k) != p}
        gone, kept = (missing, {}) if context.complete else ({}, missing)
        if message.payload == self._payload and not gone:
            if again:
                await self._link.deliver(message)
            return again
        # What is about to be known must be remembered before, or a crash in between would leave it there for ever.
        await self._remember(Published(message.topic, platforms | missing))
        if gone:
            await self._link.deliver(discovery_message(context, gone))
        self._link.put(message.topic, message.payload)
        self._payload = message.payload
        await self._remember(Published(message.topic, platforms | kept))
        return True

    async def _remember(self, published: Published) -> None:
        if published != self._published:
            self._published = published
            await self._link.remember(published.to_text())


def status_topic(prefix: str) -> str:
    """Where Home Assistant says `online`, under its discovery prefix."""
    return f"{prefix}/status"
