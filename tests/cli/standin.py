"""A stand-in for the daemon: a real MQTT client that answers commands as a test tells it to."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from shomare_mqtt.cli.demo_amqtt import embedded
from shomare_mqtt.config import Mqtt
from shomare_mqtt.mqtt.connection import Link, open_link
from shomare_mqtt.mqtt.packets import Opening, Publication
from shomare_mqtt.topics import SUBSCRIPTIONS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from shomare_mqtt.model import Incoming

    Answer = Callable[[str, dict[str, Any]], dict[str, Any] | None]

ORDER = {
    "order": "01KARAAAAAAAAAAAAAAAAAAAAA", "purchase": "74001", "transaction": "t", "state": "waiting",
    "country": "7", "country_name": "Russia", "operator": "1", "operator_name": "MTS",
    "application": "3", "application_name": "Telegram", "phone": "+79313226657", "price": 2200,
    "created_at": "2025-11-24T03:00:00Z", "updated_at": "2025-11-24T03:00:00Z", "expires_at": "2999-01-01T00:00:00Z",
    "closed_at": None, "sms_count": 0, "sms": [], "refunded": None, "charged": None, "tries": [], "error": None,
}  # fmt: skip


class StandIn:
    """Takes commands under `shomare/`; `answer(command, fields)` gives the answer, or None for silence.

    The fields of a command that is plain text are `{"text"}`.
    """

    def __init__(self, answer: Answer) -> None:
        self.heard: list[tuple[str, dict[str, Any], float | None]] = []
        self.asked = asyncio.Event()
        self.port = 0
        self._answer = answer
        self._link: Link | None = None
        self._incoming: asyncio.Queue[Incoming] = asyncio.Queue()

    async def start(self, port: int, state: str | None) -> None:
        self.port = port
        settings = Mqtt.model_validate({"port": port, "protocol": "3.1.1"})
        self._link = await open_link(settings, Opening("3.1.1", "stand-in", clean=True), self._take)
        await self._link.subscribe([f"shomare/{each}" for each in SUBSCRIPTIONS])
        if state is not None:
            await self.say("bridge/state", state, retain=True)

    def _take(self, incoming: Incoming, ack: Callable[[], None]) -> None:
        ack()
        self._incoming.put_nowait(incoming)

    async def say(self, topic: str, body: Any, *, retain: bool = False) -> None:
        assert self._link is not None
        text = body if isinstance(body, str) else json.dumps(body)
        await self._link.publish(Publication(f"shomare/{topic}", text.encode(), retain=retain))

    async def serve(self) -> None:
        while True:
            incoming = await self._incoming.get()
            command = incoming.topic.removeprefix("shomare/")
            fields = {"text": incoming.payload.decode()} if command.endswith("/set") else json.loads(incoming.payload)
            self.heard.append((command, fields, incoming.expiry))
            self.asked.set()
            answer = self._answer(command, fields)
            if answer is not None:
                await self.say(f"response/{command}", {"transaction": fields.get("transaction")} | answer)

    async def stop(self) -> None:
        if self._link is not None:
            await self._link.disconnect()


@asynccontextmanager
async def stand_in(answer: Answer, state: str | None = "online") -> AsyncIterator[StandIn]:
    """A stand-in on a broker of its own."""
    async with embedded() as port, stand_in_on(port, answer, state) as daemon:
        yield daemon


@asynccontextmanager
async def stand_in_on(port: int, answer: Answer, state: str | None = "online") -> AsyncIterator[StandIn]:
    """A stand-in on a broker that is there."""
    daemon = StandIn(answer)
    await daemon.start(port, state)
    serving = asyncio.create_task(daemon.serve())
    try:
        yield daemon
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        await daemon.stop()
