"""Those who send commands, and one who writes down all that the daemon publishes; each a client that comes again."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from shomare_mqtt.mqtt.connection import Link, open_link
from shomare_mqtt.mqtt.failures import DisconnectedError, LinkError
from shomare_mqtt.mqtt.packets import Opening, Publication

if TYPE_CHECKING:
    from collections.abc import Callable

    from shomare_mqtt.config import Mqtt
    from shomare_mqtt.model import Incoming

BASE = "shomare/"
FILTERS = ("event/#", "response/#", "orders", "bridge/state")


@dataclass(frozen=True)
class Heard:
    """One message of the daemon's; `topic` without the base topic."""

    topic: str
    payload: str

    @cached_property
    def json(self) -> Any:
        return json.loads(self.payload)


class Person:
    """A client with a session that the broker keeps; `heard` grows with each message."""

    def __init__(self, settings: Mqtt, name: str, filters: tuple[str, ...] = ()) -> None:
        self._settings = settings
        self._opening = Opening("5", name, clean=False, session_expiry=3600)
        self._filters = [f"{BASE}{each}" for each in filters]
        self._link: Link | None = None
        self._connected = asyncio.Event()
        self._news = asyncio.Event()
        self.heard: list[Heard] = []

    async def __aenter__(self) -> Self:
        self._running = asyncio.create_task(self._run())
        await self._connected.wait()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._running.cancel()
        await asyncio.wait((self._running,))
        if self._link is not None:
            self._link.close()

    async def _run(self) -> None:
        while True:
            try:
                link = await open_link(self._settings, self._opening, self._hear)
                if self._filters and not link.facts.session_present:
                    await link.subscribe(self._filters)
            except LinkError:
                await asyncio.sleep(0.05)
                continue
            self._link = link
            self._connected.set()
            await asyncio.wait((link.ended,))
            self._link = None
            self._connected.clear()

    def _hear(self, incoming: Incoming, ack: Callable[[], None]) -> None:
        self.heard.append(Heard(incoming.topic.removeprefix(BASE), incoming.payload.decode()))
        ack()
        self._news.set()

    async def publish(self, topic: str, payload: bytes, *, again: bool) -> bool:
        """Publish under the base topic; whether the broker took it for sure. `again`: until it did."""
        while True:
            await self._connected.wait()
            try:
                assert self._link is not None
                await self._link.publish(Publication(f"{BASE}{topic}", payload))
            except DisconnectedError:
                if not again:
                    return False
            except LinkError:
                await asyncio.sleep(0.02)
            else:
                return True

    async def hears(self, wanted: Callable[[Heard], bool], seconds: float, since: int = 0) -> bool:
        """Wait for a message, of those from number `since` on; whether it came in time."""
        return await self.until(lambda: any(wanted(each) for each in self.heard[since:]), seconds)

    async def until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Wait until a condition holds, which each message may bring about; whether it came to that in time."""
        try:
            async with asyncio.timeout(seconds):
                while not condition():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return False
        return True

    def last(self, topic: str) -> Heard | None:
        """The newest message on a topic."""
        return next((each for each in reversed(self.heard) if each.topic == topic), None)


def order_became(state: str) -> Callable[[Heard], bool]:
    """An order has just got this state."""
    return lambda heard: heard.topic == "event/order" and heard.json["event_type"] == state
