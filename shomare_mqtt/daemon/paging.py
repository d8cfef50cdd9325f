"""The page put together: what it is told of as things happen, and where its commands go.

Imported only where `[web] enabled` says so.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING

from shomare_mqtt.core.desk.intake import Delivery
from shomare_mqtt.core.masking import trace_of
from shomare_mqtt.core.records import HERE
from shomare_mqtt.model import Incoming
from shomare_mqtt.web import files
from shomare_mqtt.web.commands import Commands
from shomare_mqtt.web.crowd import Crowd
from shomare_mqtt.web.doctoring import Doctoring
from shomare_mqtt.web.doors import Doors, admits
from shomare_mqtt.web.headers import told_always
from shomare_mqtt.web.healthz import healthz
from shomare_mqtt.web.lately import Lately
from shomare_mqtt.web.pages import Pages
from shomare_mqtt.web.serving import Rules, serve
from shomare_mqtt.web.stream import Stream
from shomare_mqtt.web.visits import visit_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp import web

    from shomare_mqtt.config.in_force import InForce
    from shomare_mqtt.core.bridge import Bridge
    from shomare_mqtt.core.clock import Clock
    from shomare_mqtt.core.masking import Mask
    from shomare_mqtt.daemon.broker import Broker
    from shomare_mqtt.daemon.health import Health
    from shomare_mqtt.journal.store import Journal
    from shomare_mqtt.model import Asker, Message
    from shomare_mqtt.mqtt.retained import RetainedPublisher
    from shomare_mqtt.web.sessions import Session

LOG = logging.getLogger("shomare_mqtt.web")
_EVENTS = "event/"
_CODE = "code"


class _State:
    """The retained topics below the base topic; fulfils web.stream.State."""

    def __init__(self, base_topic: str, retained: RetainedPublisher) -> None:
        self._base = f"{base_topic}/"
        self._retained = retained

    def name(self, whole: str) -> str | None:
        """A whole topic without the base topic; None where it stands elsewhere."""
        return whole.removeprefix(self._base) if whole.startswith(self._base) else None

    def topics(self) -> list[str]:
        """Those that hold something."""
        return [name for whole in self._retained.wanted() if (name := self.name(whole)) is not None]

    def payload(self, topic: str) -> bytes:
        """What one holds now; empty where it holds nothing."""
        return self._retained.payload(self._base + topic)


class Paging:
    """Listens from its making on, to be made before anything happens; `run` once commands are taken."""

    def __init__(
        self,
        in_force: InForce,
        bridge: Bridge,
        broker: Broker,
        journal: Journal,
        clock: Clock,
        health: Health,
        mask: Mask,
    ) -> None:
        self._in_force = in_force
        self._base = in_force.now.mqtt.base_topic
        self._bridge = bridge
        self._broker = broker
        self._clock = clock
        self._health = health
        doctoring = Doctoring(in_force.now.origin.file, mask.text)
        directory = in_force.now.state.directory
        self._doors = Doors(lambda: in_force.now.web, directory, clock, doctoring, self._tell)
        self._doors.on_ended.append(self._signed_out)
        self._state = _State(self._base, broker.retained)
        self._stream = Stream(self._state, self._doors.in_use)
        self._lately = Lately(clock.now)
        broker.retained.on_wanted = self._changed
        broker.outbox.on_volatile = self._happened
        journal.on_posted = self._happened

    async def run(self) -> None:
        """Answer whoever opens the page and is let in, for ever."""
        await self._doors.open()
        read = await asyncio.to_thread(files.read)
        crowd, commands, health = Crowd(), Commands(self._deliver), healthz(self._health.faults)
        pages = Pages(self._state, self._stream, self._lately, commands, health, read, crowd, self._tell)
        settings, room = self._in_force.now.web, Rules(crowd.make_room, told=told_always())
        async with asyncio.TaskGroup() as group:
            page = self._page(pages)
            group.create_task(serve(page, "web.port", settings.host, settings.port, self._clock, room))
            if settings.ingress_port:
                told, page = told_always(is_ingress=True), self._page(pages, is_ingress=True)
                rules = Rules(crowd.make_room, self._admits, told)
                group.create_task(serve(page, "web.ingress_port", None, settings.ingress_port, self._clock, rules))

    def _page(self, pages: Pages, *, is_ingress: bool = False) -> Callable[[], web.Application]:
        return lambda: pages.application(partial(self._doors.guard, is_ingress=is_ingress))

    def _admits(self, peer: str | None) -> bool:
        return admits(peer, self._in_force.now.web)

    def _signed_out(self, session: Session) -> None:
        self._stream.end(lambda request: visit_of(request).session is session)

    def _changed(self, whole: str) -> None:
        if (topic := self._state.name(whole)) is not None:
            self._stream.changed(topic)

    def _happened(self, message: Message) -> None:
        """What is posted or sent: of that the events, which all hear. Answers are their askers' own."""
        topic = message.topic
        if message.absolute or not (topic.startswith(_EVENTS) or topic == _CODE):
            return
        try:
            self._lately.happened(topic, message.payload)
            self._stream.happened(topic, message.payload)
        except Exception as error:  # noqa: BLE001 - whatever a page is shown, what was bought is watched on
            self._tell(error)

    def _deliver(self, topic: str, payload: bytes, asker: Asker) -> None:
        incoming = Incoming(f"{self._base}/{topic}", payload, asker=asker)
        self._bridge.desk.deliver(Delivery(incoming, HERE, _no_puback, self._broker.alone.clearance_here))

    def _tell(self, error: BaseException) -> None:
        LOG.error("web: a fault of this program: %s", trace_of(error))


def _no_puback(heard: Callable[[], None] | None = None) -> None:
    """Whoever gave it is answered, and by nothing else."""
