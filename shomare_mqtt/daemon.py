"""Builds everything, runs it, and ends it in order (architecture, 'Stopping')."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import signal
from typing import TYPE_CHECKING, Any

from shomare_mqtt import __version__, topics
from shomare_mqtt.announcing import DISCOVERY, Announcing
from shomare_mqtt.core import render
from shomare_mqtt.core.bridge import Bridge
from shomare_mqtt.core.bridge_events import BridgeEvent
from shomare_mqtt.core.clock import SystemClock
from shomare_mqtt.core.desk.intake import Delivery
from shomare_mqtt.core.ids import new_id
from shomare_mqtt.core.masking import Mask
from shomare_mqtt.core.ports import Ports
from shomare_mqtt.errors import ErrorCode, SettingsError
from shomare_mqtt.homeassistant.announcer import status_topic
from shomare_mqtt.journal.memories import DialectMemory, PluginMemory
from shomare_mqtt.journal.store import Journal
from shomare_mqtt.model import Message
from shomare_mqtt.mqtt.commands import CommandParser
from shomare_mqtt.mqtt.publisher import OutboxPublisher
from shomare_mqtt.mqtt.retained import RetainedPublisher
from shomare_mqtt.mqtt.session import ConnectionFacts, Session, SessionListener
from shomare_mqtt.plugin.api_factory import ApiFactory
from shomare_mqtt.plugin.call_journal import CallJournal
from shomare_mqtt.plugin.health import FailureReports
from shomare_mqtt.plugin.host import PluginHost
from shomare_mqtt.plugin.loading import load_plugins
from shomare_mqtt.provider.client import Client
from shomare_mqtt.provider.limiter import Limiter
from shomare_mqtt.systemd import Notifier
from shomare_mqtt.topics import SUBSCRIPTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from shomare_mqtt.config import Settings
    from shomare_mqtt.model import Incoming, Order
    from shomare_mqtt.mqtt.failures import TooLargeError
    from shomare_mqtt.plugin.loading import Loaded

LOG = logging.getLogger("shomare_mqtt")
DRAIN = 5.0
"""Seconds that the outbox has to empty when the daemon stops; what is left is sent after the next start."""
GRACE = 5.0
"""Seconds beyond the provider's time limit that a purchase on its way has when the daemon stops."""
INSTANCE, SESSION = "instance", "session"
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


async def run_daemon(read: Callable[[], Settings], set_up_log: Callable[[Settings], Mask]) -> None:
    """Run until SIGTERM or SIGINT, then stop cleanly. SIGHUP: stop, and start anew with what `read` gives by then.

    `set_up_log` makes the log of the settings; its mask learns the plugins' secrets. Raises SettingsError,
    InstanceConflictError, TakenOverError, JournalError.
    """
    signals: asyncio.Queue[int] = asyncio.Queue()
    notifier = Notifier()
    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, signals.put_nowait, number)
    try:
        settings: Settings | None = read()
        while settings is not None:
            told = _told(signals, read, notifier)
            settings = await _serve_until_told(settings, set_up_log(settings), told, notifier)
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)


async def _serve_until_told(
    settings: Settings, mask: Mask, told: Coroutine[Any, Any, Settings | None], notifier: Notifier
) -> Settings | None:
    """Serve until told. The settings to go on with; None where the end was asked for."""
    stop = asyncio.Event()
    listening = asyncio.create_task(told)
    listening.add_done_callback(lambda _: stop.set())
    try:
        await serve(settings, stop, mask, notifier)
    finally:
        listening.cancel()
    return listening.result()


async def _told(signals: asyncio.Queue[int], read: Callable[[], Settings], notifier: Notifier) -> Settings | None:
    """New settings that can be used, or None for the end. A file with a mistake changes nothing: the daemon goes on."""
    while await signals.get() == signal.SIGHUP:
        try:
            settings = read()
            _ = settings.token
            load_plugins(settings.plugins, LOG.getChild("plugin"))
        except SettingsError as error:
            LOG.error("the settings are not taken over, those before stay in force: %s", error)  # noqa: TRY400 - no traceback
        else:
            LOG.info("the settings were read again; starting anew with them")
            return settings
    notifier.stopping()
    return None


async def serve(
    settings: Settings, stop: asyncio.Event, mask: Mask | None = None, notifier: Notifier | None = None
) -> None:
    """Run until `stop` is set. Raises what `run_daemon` raises."""
    clock = SystemClock()
    token = settings.token
    plugins = load_plugins(settings.plugins, LOG.getChild("plugin"))  # before anything starts
    journal = Journal(settings.state.directory, clock)
    await journal.open()
    try:
        meta = await journal.meta()
        memory = DialectMemory(journal, meta)
        limiter = Limiter(settings.provider.requests_per_minute, clock)
        logger = LOG.getChild("provider")
        async with Client(
            settings.provider, token, clock=clock, limiter=limiter, memory=memory, logger=logger
        ) as client:
            learning = mask or Mask(settings.secrets())
            daemon = Daemon(settings, clock, journal, client, meta, plugins, learning, notifier or Notifier())
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
        self,
        settings: Settings,
        clock: SystemClock,
        journal: Journal,
        client: Client,
        meta: dict[str, str],
        plugins: tuple[Loaded, ...],
        mask: Mask,
        notifier: Notifier,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._journal = journal
        self._notifier = notifier
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
            (
                *(f"{base}/{each}" for each in SUBSCRIPTIONS),
                *([self._status_topic] if settings.homeassistant.enabled else []),
            ),
            SessionListener(self._on_message, self._on_connected, self._on_disconnected, self._say),
            logger=LOG.getChild("mqtt"),
            rng=random.Random(),  # noqa: S311 - jitter, no secret
            sleep=clock.sleep,
        )
        log = LOG.getChild("mqtt")
        self.outbox = OutboxPublisher(journal, self.session, _too_large, self._say, clock.sleep, log)
        self.retained = RetainedPublisher(base, journal, self.session, self._say, clock.sleep, log)
        self.plugins = PluginHost(
            plugins,
            apis=ApiFactory(base, self._publish_of_plugin, clock, LOG.getChild("plugin")),
            reports=FailureReports(LOG.getChild("plugin"), self._on_plugin_failed, self._show_info),
            journal=CallJournal(PluginMemory(journal), self._lookup, journal.time.now),
            clock=clock,
        )
        self.mask = mask
        mask.learn(self.plugins.secrets())
        ports = Ports(clock, journal, client, self.retained, self.outbox, self.plugins)
        self.bridge = Bridge(settings, ports, CommandParser(base, prefix).parse, self._spawn, self.mask, LOG)
        self._instance = meta.get(INSTANCE) or new_id(clock.now()).lower()
        self._announcing = Announcing(
            settings,
            clock,
            self._instance,
            meta.get(DISCOVERY),
            bridge=self.bridge,
            journal=journal,
            session=self.session,
            retained=self.retained,
            plugins=self.plugins,
        )

    # --- life -------------------------------------------------------------------------------------------------------

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set, then end in order."""
        async with self._group:
            running = self._spawn(self.session.run(), "mqtt")
            await self._journal.put_meta({INSTANCE: self._instance, SESSION: self._session_id})
            if not await self._attempted(stop):
                await self.session.stop()
                return
            await self._start()
            await stop.wait()
            LOG.info("stopping")
            await self._stop(running)

    async def _attempted(self, stop: asyncio.Event) -> bool:
        """Wait for the first attempt at the broker, which may hang; False where `stop` came before its end."""
        waiting = [asyncio.create_task(event.wait()) for event in (self.session.first_attempt, stop)]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
        return self.session.first_attempt.is_set()

    async def _start(self) -> None:
        """Begin, after the first attempt at the broker: another daemon on the base topic forbids the rest."""
        await self.retained.load()
        self.retained.put("bridge/state", b"online")
        await self.plugins.start()
        self._spawn(self.plugins.run(), "plugins")
        await self.bridge.load()
        self._show_info()
        self._spawn(self.retained.run(), "retained")
        self._spawn(self.outbox.run(), "outbox")
        await self.bridge.start()
        self._spawn(self._announcing.run(), "discovery")
        self.bridge.market.catalogs.listeners.append(lambda _: self._announce_soon())
        self.bridge.market.prices.on_watched = self._watched_changed
        self.bridge.market.defaults.on_changed = self._announce_soon
        await self._announcing.update()
        self._forget_leftovers()
        self.bridge.market.provider_state.on_changed = self._tell_status
        self.bridge.orders.ledger.listeners.append(lambda *_: self._tell_status())
        self._notifier.ready(self._status())
        LOG.info(
            "started: base topic %s, %d open orders",
            self._settings.mqtt.base_topic,
            len(self.bridge.orders.ledger.open()),
        )

    def _watched_changed(self) -> None:
        self._announce_soon()
        self._forget_leftovers()

    def _announce_soon(self) -> None:
        self._spawn(self._announcing.update(), "discovery update")

    def _forget_leftovers(self) -> None:
        """Empty topics that an earlier process left; price lists and the discovery, which come later, are not such."""
        base = self._settings.mqtt.base_topic
        prices_known = len(self.bridge.market.prices.settled) == len(self._settings.prices)
        watched = {f"{base}/{topics.prices(c, o)}" for c, o, _ in self.bridge.market.prices.watched.values()}
        plugins = tuple(f"{base}/plugin/{name}/" for name in self._settings.plugins.enabled)
        discovery = f"{self._settings.homeassistant.discovery_prefix}/"

        def is_left(topic: str) -> bool:
            if topic.startswith(f"{base}/prices/"):
                return prices_known and topic not in watched
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
        provider = self.bridge.market.provider_state
        state = provider.state if provider.was_asked else "not asked yet"
        return f"{broker}; provider {state}; {len(self.bridge.orders.ledger.open())} open orders"

    def _tell_status(self) -> None:
        self._notifier.status(self._status())

    # --- the broker -------------------------------------------------------------------------------------------------

    def _on_message(self, incoming: Incoming, ack: Callable[[], None]) -> None:
        if incoming.topic == self._status_topic:
            self._announcing.heard(incoming.payload)
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
        self._tell_status()

    def _on_disconnected(self, text: str) -> None:
        del text
        self._protocol = None
        self._tell_status()

    def _say(self, event: BridgeEvent, text: str) -> None:
        self._spawn(self.bridge.say(event, text), "event")

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

    # --- plugins ----------------------------------------------------------------------------------------------------

    def _publish_of_plugin(self, topic: str, payload: bytes, retain: bool) -> None:  # noqa: FBT001 - the host's port
        if retain:
            self.retained.put(topic, payload)
        else:
            self.outbox.send_volatile(Message(topic, payload))

    def _on_plugin_failed(self, name: str, message: str) -> None:
        work = self.bridge.say(BridgeEvent.PLUGIN_FAILED, self.mask.text(message), plugin=name)
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
