"""A session under test, with everything that it tells written down."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import random
from typing import TYPE_CHECKING

import pytest

from shomare_mqtt.model import Message
from shomare_mqtt.mqtt import client as client_module
from shomare_mqtt.mqtt import session as session_module
from shomare_mqtt.mqtt import transport
from shomare_mqtt.mqtt.failures import PublishError
from shomare_mqtt.mqtt.session import ConnectionFacts, Session, SessionListener
from tests.mosquitto import Mosquitto
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from shomare_mqtt.config import Mqtt
    from shomare_mqtt.core.bridge_events import BridgeEvent
    from shomare_mqtt.core.ports import OnBroker
    from shomare_mqtt.model import Ack, Incoming

SUBSCRIPTIONS = ("buy", "cancel", "query/#")


class Watched:
    """A running session. `ack`: whether messages are acknowledged as they come. `answering`: it behaves like a daemon.

    `pause`: what it sleeps at most between attempts; None: it sleeps for ever.
    """

    def __init__(
        self,
        settings: Mqtt,
        *,
        ack: bool = True,
        pause: float | None = 0.01,
        answering: bool = False,
        wants_orders: bool = False,
    ) -> None:
        self.acknowledge = ack
        self.answering = answering
        self.journal: bytes | None = None
        self.wants_orders = wants_orders
        self.orders: dict[str, bytes] = {}
        self.answers: set[asyncio.Task[None]] = set()
        self.facts: list[ConnectionFacts] = []
        self.incoming: asyncio.Queue[tuple[Incoming, Ack]] = asyncio.Queue()
        self.endings: asyncio.Queue[str] = asyncio.Queue()
        self.pauses: asyncio.Queue[float] = asyncio.Queue()
        self.order: list[str] = []
        self.troubles: asyncio.Queue[tuple[BridgeEvent, str]] = asyncio.Queue()
        self._pause = pause
        self.session = Session(
            settings,
            (*(f"{settings.base_topic}/{each}" for each in SUBSCRIPTIONS), "homeassistant/status"),
            SessionListener(self._take, self._connected, self.endings.put_nowait, self._trouble, self._look),
            logger=logging.getLogger("session"),
            rng=random.Random(1),
            sleep=self._sleep,
        )
        self.task = asyncio.create_task(self.session.run())

    async def connected(self) -> ConnectionFacts:
        await until(self.session.wait_connected(), self.task)
        return self.facts[-1]

    async def message(self) -> Incoming:
        return (await self.message_and_ack())[0]

    async def message_and_ack(self) -> tuple[Incoming, Ack]:
        async with asyncio.timeout(PATIENCE):
            return await self.incoming.get()

    async def ended(self) -> str:
        async with asyncio.timeout(PATIENCE):
            return await self.endings.get()

    async def end(self) -> None:
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await self.task

    def _connected(self, facts: ConnectionFacts) -> None:
        self.order.append("connected")
        self.facts.append(facts)
        if self.answering:
            self.answer(Message("bridge/state", b"online", retain=True))

    def _take(self, incoming: Incoming, ack: Ack) -> None:
        self.order.append("message")
        if self.acknowledge:
            ack()
        self.incoming.put_nowait((incoming, ack))
        if self.answering and incoming.topic.endswith("/query/orders"):
            transaction = json.loads(incoming.payload)["transaction"]
            answer = {"status": "ok", "transaction": transaction, "data": []}
            self.answer(Message("response/query/orders", json.dumps(answer).encode()))

    async def _look(self, held: OnBroker) -> None:
        self.journal = await held.journal()
        if self.wants_orders:
            self.orders = dict(await held.orders())

    def _trouble(self, event: BridgeEvent, text: str) -> None:
        self.troubles.put_nowait((event, text))

    def answer(self, message: Message) -> None:
        self.answers.add(asyncio.create_task(self._publish(message)))

    async def _publish(self, message: Message) -> None:
        with contextlib.suppress(PublishError):
            await self.session.publish(message)

    async def _sleep(self, seconds: float) -> None:
        self.pauses.put_nowait(seconds)
        if self._pause is None:
            await asyncio.Event().wait()
        await asyncio.sleep(min(seconds, self._pause or 0))


async def until(waiting: Awaitable[object], *tasks: asyncio.Task[None], seconds: float = PATIENCE) -> None:
    """Waits for something, failing as soon as one of the tasks that should bring it about has ended."""
    wanted = asyncio.ensure_future(waiting)
    await asyncio.wait((wanted, *tasks), return_when=asyncio.FIRST_COMPLETED, timeout=seconds)
    for task in tasks:
        if task.done() and not wanted.done():
            task.result()
    if not wanted.done():
        wanted.cancel()
        pytest.fail("did not happen in time")
    await wanted


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker that answers late, as on a busy machine, is not taken for one that does not answer at all."""
    for module, limit in ((client_module, "SILENCE"), (session_module, "FAREWELL"), (transport, "OPEN_TIMEOUT")):
        monkeypatch.setattr(module, limit, PATIENCE)


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Mosquitto]:
    async with Mosquitto(tmp_path) as mosquitto:
        yield mosquitto


@pytest.fixture
async def watch() -> AsyncIterator[Callable[..., Watched]]:
    """Starts sessions that end with the test."""
    made: list[Watched] = []

    def start(settings: Mqtt, **options: object) -> Watched:
        made.append(Watched(settings, **options))  # type: ignore[arg-type]
        return made[-1]

    yield start
    for each in made:
        await each.end()
