"""Builds everything, runs it, and ends it in order (architecture, 'Stopping')."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import signal
from typing import TYPE_CHECKING, Any

from shomare_mqtt import __version__
from shomare_mqtt.core import render
from shomare_mqtt.core.bridge import Bridge
from shomare_mqtt.core.bridge_events import BridgeEvent
from shomare_mqtt.core.clock import SystemClock
from shomare_mqtt.core.desk import Delivery
from shomare_mqtt.core.ids import new_id
from shomare_mqtt.core.masking import Mask
from shomare_mqtt.errors import ErrorCode
from shomare_mqtt.homeassistant.announcer import Announcer, status_topic
from shomare_mqtt.homeassistant.context import DiscoveryContext, WatchedProduct
from shomare_mqtt.journal.store import Journal
from shomare_mqtt.model import CatalogKind, Message
from shomare_mqtt.mqtt.commands import CommandParser
from shomare_mqtt.mqtt.failures import LinkError, TooLargeError
from shomare_mqtt.mqtt.publisher import OutboxPublisher
from shomare_mqtt.mqtt.retained import RetainedPublisher
from shomare_mqtt.mqtt.session import ConnectionFacts, Session
from shomare_mqtt.plugin.host import PluginHost
from shomare_mqtt.provider.client import Client
from shomare_mqtt.provider.limiter import Limiter
from shomare_mqtt.systemd import Notifier
from shomare_mqtt.topics import SUBSCRIPTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from shomare_mqtt.config import Settings
    from shomare_mqtt.model import Incoming, Order

LOG = logging.getLogger("shomare_mqtt")
DRAIN = 5.0
"""Seconds that the outbox has to empty when the daemon stops; what is left is sent after the next start."""
GRACE = 5.0
"""Seconds beyond the provider's time limit that a purchase on its way has when the daemon stops."""
INSTANCE, SESSION, DIALECT, DISCOVERY = "instance", "session", "dialect", "discovery"


async def run_daemon(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT, then stop cleanly.

    Raises SettingsError, InstanceConflictError, TakenOverError, JournalError.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        await serve(settings, stop)
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


async def serve(settings: Settings, stop: asyncio.Event) -> None:
    """Run until `stop` is set. Raises what `run_daemon` raises."""
    clock = SystemClock()
    token = settings.token
    journal = Journal(settings.state.directory, clock)
    await journal.open()
    try:
        meta = await journal.meta()
        memory = _DialectMemory(journal, meta)
        limiter = Limiter(settings.provider.requests_per_minute, clock)
        logger = LOG.getChild("provider")
        async with Client(
            settings.provider, token, clock=clock, limiter=limiter, memory=memory, logger=logger
        ) as client:
            daemon = Daemon(settings, clock, journal, client, meta)
            await daemon.run(stop)
    except BaseExceptionGroup as group:
        raise _first(group) from group
    finally:
        await journal.close()


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error that ended the daemon: the others are of tasks that were ended with it."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


class Daemon:
    """One run of the daemon."""

    def __init__(
        self, settings: Settings, clock: SystemClock, journal: Journal, client: Client, meta: dict[str, str]
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._journal = journal
        self._meta = meta
        self._notifier = Notifier()
        self._tasks: set[asyncio.Task[None]] = set()
        self._group = asyncio.TaskGroup()
        self._started_at = clock.now()
        self._protocol: str | None = None
        self._session_id = meta.get(SESSION) or new_id(clock.now())
        self._connections = 0
        base = settings.mqtt.base_topic
        prefix = settings.homeassistant.discovery_prefix
        self._status_topic = status_topic(prefix)
        self.session = Session(
            settings.mqtt,
            subscriptions=SUBSCRIPTIONS,
            absolute_subscriptions=(self._status_topic,) if settings.homeassistant.enabled else (),
            on_message=self._on_message,
            on_connected=self._on_connected,
            on_disconnected=self._on_disconnected,
            logger=LOG.getChild("mqtt"),
            rng=random.Random(),  # noqa: S311 - jitter, no secret
            sleep=clock.sleep,
        )
        self.retained = RetainedPublisher(base, journal, self.session, LOG.getChild("mqtt"))
        self.outbox = OutboxPublisher(
            journal, self.session, _too_large, self._on_set_aside, clock.sleep, LOG.getChild("mqtt")
        )
        self.plugins = PluginHost.load(
            settings.plugins,
            logger=LOG.getChild("plugin"),
            publish=self._publish_of_plugin,
            on_failed=self._on_plugin_failed,
            on_change=self._show_info,
            memory=_PluginMemory(journal),
            lookup=self._lookup,
            clock=clock,
            base_topic=base,
            now=journal.time.now,
        )
        self.mask = Mask((*settings.secrets(), *self.plugins.secrets()))
        self.bridge = Bridge(
            settings,
            clock=clock,
            journal=journal,
            provider=client,
            retained=self.retained,
            outbox=self.outbox,
            extensions=self.plugins,
            parse=CommandParser(base, prefix).parse,
            spawn=self._spawn,
            mask=self.mask,
            logger=LOG,
        )
        self._announcer = Announcer(
            self,
            meta.get(DISCOVERY),
            sleep=clock.sleep,
            uniform=random.Random().uniform,  # noqa: S311 - jitter
        )
        self._instance = meta.get(INSTANCE) or new_id(clock.now()).lower()

    # --- life -------------------------------------------------------------------------------------------------------

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set, then end in order."""
        async with self._group:
            running = self._spawn(self.session.run(), "mqtt")
            await self._start()
            await stop.wait()
            self._notifier.stopping()
            LOG.info("stopping")
            await self._stop(running)

    async def _start(self) -> None:
        """Begin, after the first attempt at the broker: another daemon on the base topic forbids the rest."""
        await self._journal.put_meta({INSTANCE: self._instance, SESSION: self._session_id})
        await self.session.first_attempt.wait()
        await self.retained.load()
        self.retained.put("bridge/state", b"online")
        await self.plugins.start()
        self._spawn(self.plugins.run(), "plugins")
        await self.bridge.load()
        self._show_info()
        self._spawn(self.retained.run(), "retained")
        self._spawn(self.outbox.run(), "outbox")
        await self.bridge.start()
        self._spawn(self._announcer.run(), "discovery")
        self.bridge.catalogs.listeners.append(lambda _: self._announce_soon())
        self.bridge.prices.on_watched = self._watched_changed
        self.bridge.defaults.on_changed = self._announce_soon
        await self._announce()
        self._forget_leftovers()
        self._notifier.ready(self._status())
        LOG.info(
            "started: base topic %s, %d open orders", self._settings.mqtt.base_topic, len(self.bridge.ledger.open())
        )

    def _watched_changed(self) -> None:
        self._announce_soon()
        self._forget_leftovers()

    def _announce_soon(self) -> None:
        self._spawn(self._announce(), "discovery update")

    def _forget_leftovers(self) -> None:
        """Empty topics that an earlier process left; price lists and the discovery, which come later, are not such."""
        base = self._settings.mqtt.base_topic
        prices_known = len(self.bridge.prices.settled) == len(self._settings.prices)
        plugins = tuple(f"{base}/plugin/{name}/" for name in self._settings.plugins.enabled)
        discovery = f"{self._settings.homeassistant.discovery_prefix}/"

        def is_left(topic: str) -> bool:
            if topic.startswith(f"{base}/prices/"):
                return prices_known
            if topic.startswith((f"{base}/orders/", f"{base}/plugin/")):
                return not topic.startswith(plugins)
            return not topic.startswith((f"{base}/", discovery))

        self.retained.forget_leftovers(is_left)

    async def _stop(self, running: asyncio.Task[None]) -> None:
        await self.bridge.desk.stop(self._settings.provider.timeout + GRACE)
        for task in self._tasks - {running}:
            if task.get_name() not in ("outbox", "retained", "plugins"):
                task.cancel()
        await self.plugins.stop()
        if self.session.connected:
            try:
                async with asyncio.timeout(DRAIN):
                    await asyncio.gather(self.outbox.drained(), self.retained.drained())
            except TimeoutError:
                LOG.warning("the broker did not take all messages in time; they are sent after the next start")
        await self.session.stop()
        for task in self._tasks:
            task.cancel()

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = self._group.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _status(self) -> str:
        """A line for `systemctl status`."""
        broker = f"connected with MQTT {self._protocol}" if self._protocol else "waiting for the broker"
        return f"{broker}; provider {self.bridge.provider_state.state}; {len(self.bridge.ledger.open())} open orders"

    # --- the broker -------------------------------------------------------------------------------------------------

    def _on_message(self, incoming: Incoming, ack: Callable[[], None]) -> None:
        if incoming.topic == self._status_topic:
            self._announcer.heard(incoming.payload)
            ack()
            return
        self.bridge.desk.deliver(Delivery(incoming, self._session_id, ack))

    def _on_connected(self, facts: ConnectionFacts) -> None:
        self._protocol = facts.protocol
        if facts.session != self._connections:
            # Packet ids of another session mean other messages.
            self._connections = facts.session
            self._session_id = new_id(self._clock.now())
            self._spawn(self._journal.put_meta({SESSION: self._session_id}), "session")
        self.retained.connected()
        self._show_info()
        self._notifier.status(self._status())

    def _on_disconnected(self, text: str) -> None:
        del text
        self._protocol = None
        self._notifier.status(self._status())

    async def _on_set_aside(self, text: str) -> None:
        await self.bridge.ledger.say(BridgeEvent.MESSAGE_DROPPED, text)

    def _show_info(self) -> None:
        """`bridge/info`."""
        info = {
            "version": __version__,
            "started_at": render.timestamp(self._started_at),
            "base_topic": self._settings.mqtt.base_topic,
            "protocol": self._protocol,
            "plugins": self.plugins.describe(),
            "capabilities": ["buy", "cancel", "resolve", "query", "defaults", "buying", "homeassistant", "plugins"],
            "settings": self.mask.value(self._settings.masked()),
        }
        self.retained.put("bridge/info", render.dumps(info))

    # --- Home Assistant: fulfils homeassistant.announcer.Link -------------------------------------------------------

    async def _announce(self) -> None:
        catalogs = {kind: found for kind in CatalogKind if (found := self.bridge.catalogs.get(kind))}
        defaults = {kind.field: value for kind in CatalogKind if (value := self.bridge.defaults.get(kind.field))}
        current = self.bridge.ledger.current()
        self._announcer.update(
            DiscoveryContext(
                instance=self._instance,
                version=__version__,
                settings=self._settings,
                catalogs=catalogs,
                defaults=defaults,
                watched=tuple(self._watched()),
                extra=await self.plugins.discovery(current.order if current else None),
            )
        )

    def _watched(self) -> list[WatchedProduct]:
        found = []
        for country, operator, application in self.bridge.prices.watched.values():
            if application is not None:
                labels = (
                    self.bridge.catalogs.label(CatalogKind.APPLICATIONS, application),
                    self.bridge.catalogs.label(CatalogKind.COUNTRIES, country),
                )
                found.append(WatchedProduct(country, operator, application, " ".join(labels)))
        return found

    def put(self, topic: str, payload: bytes) -> None:
        """Want a whole retained topic to hold the payload."""
        self.retained.put_absolute(topic, payload)

    async def deliver(self, message: Message) -> None:
        """Publish once, and return when the broker has it."""
        while True:
            await self.session.wait_connected()
            try:
                return await self.session.publish(message)
            except TooLargeError as error:
                LOG.error("Home Assistant is not told of the device: %s", error)  # noqa: TRY400 - no traceback
                return None
            except LinkError:
                await self._clock.sleep(1.0)

    async def remember(self, text: str) -> None:
        """Keep what Home Assistant was told."""
        await self._journal.put_meta({DISCOVERY: text})

    def repeat_states(self) -> None:
        """Home Assistant is ready: what it may have missed is published again."""
        self.bridge.ledger.publish_code_again()
        base = self._settings.mqtt.base_topic
        for kind in CatalogKind:
            self.retained.put_again(f"{base}/defaults/{kind.field}/name")

    # --- plugins ----------------------------------------------------------------------------------------------------

    def _publish_of_plugin(self, topic: str, payload: bytes, retain: bool) -> None:  # noqa: FBT001 - the host's port
        if retain:
            self.retained.put(topic, payload)
        else:
            self.outbox.send_volatile(Message(topic, payload))

    def _on_plugin_failed(self, name: str, message: str) -> None:
        work = self.bridge.ledger.say(BridgeEvent.PLUGIN_FAILED, self.mask.text(message), plugin=name)
        self._spawn(work, f"plugin {name} failed")

    async def _lookup(self, order: str) -> Order | None:
        record = await self._journal.find(order)
        return record.order if record else None


def _too_large(answer: bytes, error: TooLargeError) -> bytes:
    """The answer that takes the place of one that is larger than the broker takes."""
    body = json.loads(answer)
    message = f"{error}; ask for less (a smaller limit, one list at a time)"
    problem = {"code": ErrorCode.TOO_LARGE.value, "message": message, "retryable": False}
    return render.dumps({"status": "error", "transaction": body.get("transaction"), "error": problem})


class _DialectMemory:
    """What was learnt of the provider's dialect, in the journal; fulfils provider.dialect.DialectMemory."""

    def __init__(self, journal: Journal, meta: dict[str, str]) -> None:
        self._journal = journal
        self._stored = meta.get(DIALECT)

    def load(self) -> dict[str, str]:
        """What was learnt by earlier processes."""
        return dict(json.loads(self._stored)) if self._stored else {}

    async def save(self, learnt: dict[str, str]) -> None:
        """Keep what was learnt."""
        await self._journal.put_meta({DIALECT: json.dumps(learnt)})


class _PluginMemory:
    """Calls of plugins that outlive the process; fulfils plugin.calls.PluginMemory."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def load(self) -> Sequence[tuple[str, str, str, str, str | None, float, int]]:
        """All of them, oldest first."""
        return await self._journal.plugin_calls()

    async def save(self, row: tuple[str, str, str, str, str | None, float, int]) -> None:
        """Keep one."""
        await self._journal.save_plugin_call(row)

    async def delete(self, row_id: str) -> None:
        """Forget one."""
        await self._journal.delete_plugin_call(row_id)
