"""The core in a small world: real journal, fake provider, broker and plugins that record, and time at will."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import os
import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from shomare_mqtt.config import GivenSettings
from shomare_mqtt.config.in_force import InForce
from shomare_mqtt.core.bridge import Bridge
from shomare_mqtt.core.clearance import given
from shomare_mqtt.core.desk.intake import Delivery
from shomare_mqtt.core.masking import Mask
from shomare_mqtt.core.notices import Notices
from shomare_mqtt.core.ports import Ports
from shomare_mqtt.journal.store import Journal
from shomare_mqtt.model import Incoming, Message, Reply
from shomare_mqtt.mqtt.commands import CommandParser
from tests.core.provider import FakeProvider
from tests.core.virtual import FakeClock, owing

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from datetime import datetime
    from decimal import Decimal
    from pathlib import Path

    from shomare_mqtt.core.records import OutboxRow
    from shomare_mqtt.model import Order, PriceList, Product, Profile, Sms

PRODUCT = {"country": "2", "operator": "1", "application": "1"}
LONGEST_WAIT = 7200.0
"""Virtual seconds that an answer has: longer than anything that the core waits for."""
INSTANT = 1e-6
"""Virtual seconds: the least that passes only once nothing more can run."""
TOKEN = "tok-3f9a77"


def merged(*parts: dict[str, Any]) -> dict[str, Any]:
    whole: dict[str, Any] = {}
    for part in parts:
        for key, value in part.items():
            old = whole.get(key)
            whole[key] = merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return whole


class FakeExtensions:
    """Plugins that record; `veto` and `code` decide."""

    def __init__(self) -> None:
        self.veto: Exception | None = None
        self.code: str | None = None
        self.authorized: list[tuple[Product, Decimal | None, Decimal]] = []
        self.orders: list[tuple[Order, Order | None]] = []
        self.read: list[str] = []
        self.sms: list[tuple[Order, Sms]] = []
        self.profiles: list[Profile] = []
        self.prices: list[tuple[PriceList, PriceList | None]] = []

    async def authorize_buy(self, product: Product, price: Decimal | None, spend: Decimal) -> None:
        self.authorized.append((product, price, spend))
        if self.veto is not None:
            raise self.veto

    async def extract_code(self, text: str) -> str | None:
        self.read.append(text)
        return self.code

    def order_changed(self, order: Order, previous: Order | None) -> None:
        self.orders.append((order, previous))

    def sms_received(self, order: Order, sms: Sms) -> None:
        self.sms.append((order, sms))

    def balance_changed(self, profile: Profile, previous: Profile | None) -> None:
        self.profiles.append(profile)

    def prices_changed(self, prices: PriceList, previous: PriceList | None) -> None:
        self.prices.append((prices, previous))


class FakeRetained:
    """What the broker holds, and every value that it held."""

    def __init__(self) -> None:
        self.now: dict[str, bytes] = {}
        self.ever: list[tuple[str, bytes]] = []
        self.written_down: set[str] = set()

    def whole(self, topic: str) -> str:
        return f"shomare/{topic}"

    def remembered(self, topics: list[str]) -> None:
        self.written_down.update(topics)

    def put(self, topic: str, payload: bytes) -> None:
        self.ever.append((topic, payload))
        self.now[topic] = payload

    def put_made(self, topic: str, make: Callable[[], bytes]) -> None:
        self.put(topic, make())


class OnBroker:
    """What the broker holds when a process starts; None where there was none before."""

    def __init__(self, held: dict[str, bytes]) -> None:
        self._held = {topic: payload for topic, payload in held.items() if payload}

    async def journal(self) -> bytes | None:
        return self._held.get("bridge/journal")

    async def orders(self) -> dict[str, bytes]:
        return {t.removeprefix("orders/"): p for t, p in self._held.items() if t.startswith("orders/")}


@dataclass
class Broker:
    """What was sent, over all processes: `rows` by their number in the journal's outbox."""

    rows: dict[int, OutboxRow] = field(default_factory=dict)
    volatile: list[Message] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    away: bool = False
    taking: asyncio.Event | None = None
    """Set once the broker acknowledges what is sent beside the journal; None: at once."""

    def sent(self) -> list[Message]:
        """All that was sent: what stood in the outbox in its order, then what went beside it."""
        return [row.message for _, row in sorted(self.rows.items())] + self.volatile


class FakeOutbox:
    """Sends what the journal holds, and takes it off, unless the broker is away."""

    def __init__(self, journal: Journal, broker: Broker) -> None:
        self._journal = journal
        self._broker = broker
        self._woken = asyncio.Event()

    def wake(self) -> None:
        self._woken.set()

    def send_volatile(self, message: Message) -> None:
        if not self._broker.away:
            self._broker.volatile.append(message)
            self._broker.news.set()

    async def publish_once(self, answer: Message) -> None:
        self.send_volatile(answer)
        if self._broker.taking is not None:
            await self._broker.taking.wait()

    async def run(self) -> None:
        self._woken.set()
        while True:
            await self._woken.wait()
            self._woken.clear()
            while not self._broker.away and (rows := await self._journal.outbox(0, 100)):
                self._broker.rows.update({r.row: r for r in rows})
                await self._journal.sent([r.row for r in rows])
                self._broker.news.set()


@dataclass(eq=False)
class Command:
    """One command that was sent."""

    number: int
    incoming: Incoming
    acked: int = 0
    heard: Callable[[], None] | None = None
    """To be called once the broker is to have read the PUBACK."""


class World:
    """One daemon's core, from start to start, on one directory."""

    def __init__(self, directory: Path, **settings: Any) -> None:
        self.directory = directory
        self.given = settings
        self.clock = FakeClock()
        self.provider = FakeProvider()
        self.extensions = FakeExtensions()
        self.retained = FakeRetained()
        self.broker = Broker()
        self.session = "session-1"
        self.clearance = given()
        self.faults: list[BaseException] = []
        self.on_loaded: Callable[[], object] = lambda: None
        self.before_commit: Callable[[], Awaitable[None]] | None = None
        self._numbers = itertools.count(1)
        self._tasks: set[asyncio.Task[None]] = set()
        self.journal: Journal
        self.in_force: InForce
        self.bridge: Bridge

    # --- life -------------------------------------------------------------------------------------------------------

    def settings(self) -> GivenSettings:
        base = {
            "provider": {"token": TOKEN},
            "state": {"directory": str(self.directory)},
            "limits": {"double_press": 0},
        }
        return GivenSettings.model_validate(merged(base, self.given))

    async def start(self, *, broker: bool = True) -> World:
        """Open the journal and begin to work; `broker`: whether it is there from the start, else see `reach_broker`."""
        self.in_force = InForce(self.settings())
        self.journal = open_journal(self.directory, self.clock)
        await self.journal.open()
        self.held = OnBroker(self.retained.now)
        self.retained = FakeRetained()
        self.outbox = FakeOutbox(self.journal, self.broker)
        self.bridge = Bridge(
            self.in_force,
            self._ports(),
            CommandParser("shomare", "homeassistant").parse,
            self.spawn,
            Mask((TOKEN,)),
            logging.getLogger("shomare_mqtt"),
        )
        if broker:
            await self.reach_broker()
        await self.bridge.load()
        self.on_loaded()
        self.spawn(self.outbox.run(), "outbox")
        await self.bridge.start()
        return self

    async def reach_broker(self) -> None:
        """The first connection."""
        await self.bridge.orders.old_journal.compare(self.held)

    def _ports(self) -> Ports:
        say = Notices(self.journal, self.outbox).say
        outward = self.retained, self.outbox, self.extensions, say
        return Ports(self.clock, self.journal, self.provider, *outward, lambda: self.clearance)

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.faults.append(error)
            self.broker.news.set()

    async def crash(self) -> None:
        """The process ends at once; what the journal's thread was given before is written."""
        await self._end_tasks()
        await self.journal.close()

    async def stop(self, seconds: float = 25.0) -> None:
        """The process ends in order."""
        await self.bridge.desk.stop(seconds)
        await self._end_tasks()
        self.bridge.orders.old_journal.show()
        await self.journal.close()
        self.check()

    async def _end_tasks(self) -> None:
        """End all, and what is begun by their ends: nothing of a process runs on in the next one."""
        while tasks := list(self._tasks):
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def restart(self, *, crash: bool = False, down: float = 0.0, **settings: Any) -> World:
        """The process ends, and another starts; `settings` change some."""
        await (self.crash() if crash else self.stop())
        await asyncio.sleep(down)
        self.given = merged(self.given, settings)
        self.clock.new_process()
        return await self.start()

    def reload(self, **settings: Any) -> None:
        """The settings are read again; `settings` change some."""
        self.given = merged(self.given, settings)
        self.in_force.take(self.settings())

    def check(self) -> None:
        """No task ended with a fault."""
        if self.faults:
            raise self.faults[0]

    # --- commands ---------------------------------------------------------------------------------------------------

    def send(self, topic: str, payload: Any = b"", *, reply: str | None = None, **flags: Any) -> Command:
        """A message from the broker; JSON is made of what is neither text nor bytes."""
        number = next(self._numbers)
        if not isinstance(payload, bytes):
            payload = payload.encode() if isinstance(payload, str) else json.dumps(payload).encode()
        flags = {"packet_id": number, **flags}
        target = Reply(reply or f"reply/{number}", str(number).encode())
        return self.deliver(Command(number, Incoming(f"shomare/{topic}", payload, reply=target, **flags)))

    def deliver(self, command: Command) -> Command:
        def ack(heard: Callable[[], None] | None = None) -> None:
            command.acked += 1
            command.heard = heard

        self.bridge.desk.deliver(Delivery(command.incoming, self.session, ack, self.clearance))
        return command

    def answers(self, command: Command) -> list[Any]:
        """What came on the command's Response Topic."""
        assert command.incoming.reply is not None
        topic = command.incoming.reply.topic
        found = [m for m in self.broker.sent() if m.topic == topic]
        assert all(m.correlation == command.incoming.reply.correlation and m.absolute for m in found)
        return [json.loads(m.payload) for m in found]

    async def answer(self, command: Command) -> Any:
        """The first answer, once it is there."""
        await self.until(lambda: bool(self.answers(command)))
        return self.answers(command)[0]

    async def ask(self, topic: str, payload: Any = b"", **flags: Any) -> Any:
        return await self.answer(self.send(topic, payload, **flags))

    async def data(self, topic: str, payload: Any = b"", **flags: Any) -> Any:
        """The `data` of a command that is carried out."""
        answer = await self.ask(topic, payload, **flags)
        assert answer["status"] == "ok", answer
        return answer["data"]

    async def error(self, topic: str, payload: Any = b"", **flags: Any) -> Any:
        """The `error.code` of a command that is not."""
        answer = await self.ask(topic, payload, **flags)
        assert answer["status"] == "error", answer
        return answer["error"]["code"]

    async def buy(self, **more: Any) -> Any:
        """The order that is bought."""
        return await self.data("buy", {**PRODUCT, **more})

    # --- waiting and looking ----------------------------------------------------------------------------------------

    async def until(self, happened: Callable[[], bool], seconds: float = LONGEST_WAIT) -> None:
        """Returns once something is so; it is looked at after each message and, at the latest, each second."""
        end = asyncio.get_running_loop().time() + seconds
        while not happened():
            self.check()
            assert asyncio.get_running_loop().time() < end, "it did not happen"
            self.broker.news.clear()
            try:
                async with asyncio.timeout(1.0 + INSTANT):
                    await self.broker.news.wait()
            except TimeoutError:
                pass
        self.check()

    async def sleep(self, seconds: float) -> None:
        """So long, and until all that is due at that moment has run: what comes next races with none of it."""
        await asyncio.sleep(seconds + INSTANT)
        self.check()

    async def settle(self) -> None:
        """Let everything run that can run now."""
        await self.sleep(0)

    async def state(self, order: str, state: str, seconds: float = LONGEST_WAIT) -> Any:
        """The order, once it is in a state."""
        await self.until(lambda: self.order(order).get("state") == state, seconds)
        return self.order(order)

    def order(self, order: str) -> Any:
        """The retained order; empty where there is none."""
        return json.loads(self.retained.now.get(f"orders/{order}") or b"{}")

    async def full(self, order: str) -> Any:
        """The order with its codes, from the journal."""
        orders = await self.data("query/orders", {"state": "all", "limit": 500})
        return next(o for o in orders if o["order"] == order)

    def json(self, topic: str) -> Any:
        return json.loads(self.retained.now[topic])

    def text(self, topic: str) -> str:
        return self.retained.now[topic].decode()

    def events(self, topic: str) -> list[Any]:
        """What was published on `event/…`, in order."""
        return [json.loads(m.payload) for m in self.broker.sent() if m.topic == f"event/{topic}"]

    def bridge_events(self, kind: str) -> list[Any]:
        return [e for e in self.events("bridge") if e["event_type"] == kind]

    def moves(self, order: str) -> list[str]:
        """The states that an order went through."""
        return [e["event_type"] for e in self.events("order") if e["order"]["order"] == order]

    def codes(self) -> list[str]:
        rows = [r.message for _, r in sorted(self.broker.rows.items())]
        return [m.payload.decode() for m in rows if m.topic == "code"]

    def expires(self, moment: datetime) -> str:
        return moment.isoformat().replace("+00:00", "Z")


class Shaken:
    """The journal's jobs; now and then the loop stands still, as on a busy machine, until one is done."""

    def __init__(self, jobs: Any, seed: str) -> None:
        self.get, self.empty = jobs.get, jobs.empty
        self._jobs = jobs
        self._chance = random.Random(seed)

    def put(self, job: Any) -> None:
        self._jobs.put(job)
        time.sleep(self._chance.choice((0, 0, 0.001, 0.004)))


def open_journal(directory: Path, clock: FakeClock) -> Journal:
    """A journal during whose work no virtual time passes.

    SHAKE=7 make pytest ARGS=tests/core finds the tests that rely on which of loop and journal is quicker.
    """
    journal = Journal(directory, clock)
    database: Any = journal._database
    if seed := os.environ.get("SHAKE"):
        database._jobs = Shaken(database._jobs, seed)
    for name in ("open", "close", "run"):
        setattr(database, name, owing(getattr(database, name)))
    return journal
