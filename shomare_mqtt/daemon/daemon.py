"""Puts all parts together, runs them, and ends them in order (architecture, 'Stopping')."""

from __future__ import annotations

import asyncio
import logging
import os
import random
from typing import TYPE_CHECKING

from shomare_mqtt import topics
from shomare_mqtt.core.bridge import Bridge
from shomare_mqtt.core.desk.intake import Delivery
from shomare_mqtt.core.faults import lasting
from shomare_mqtt.core.ports import Ports
from shomare_mqtt.daemon.announcer_link import DISCOVERY, AnnouncerLink
from shomare_mqtt.daemon.bridge_info import BridgeInfo
from shomare_mqtt.daemon.broker import Broker, Told
from shomare_mqtt.daemon.device_updates import DeviceUpdates
from shomare_mqtt.daemon.health import Health
from shomare_mqtt.daemon.identity import Identity
from shomare_mqtt.daemon.leftovers import Leftovers
from shomare_mqtt.daemon.plugin_surroundings import PluginSurroundings
from shomare_mqtt.daemon.tasks import Tasks
from shomare_mqtt.errors import InstanceConflictError
from shomare_mqtt.homeassistant.announcer import Announcer
from shomare_mqtt.mqtt.commands import CommandParser

if TYPE_CHECKING:
    from shomare_mqtt.config.held import Settings
    from shomare_mqtt.config.in_force import InForce
    from shomare_mqtt.core.clock import SystemClock
    from shomare_mqtt.core.masking import Mask
    from shomare_mqtt.core.ports import OnBroker
    from shomare_mqtt.daemon.paging import Paging
    from shomare_mqtt.journal.store import Journal
    from shomare_mqtt.model import Ack, Incoming
    from shomare_mqtt.mqtt.session import ConnectionFacts
    from shomare_mqtt.plugin.loading import Loaded
    from shomare_mqtt.provider.client import Client
    from shomare_mqtt.systemd import Notifier

LOG = logging.getLogger("shomare_mqtt")
GRACE = 5.0
"""Seconds beyond the provider's time limit that a purchase on its way has when the daemon stops."""
FAREWELLS = 30.0
"""Seconds that the rest of an end may take: plugins, what waits for the broker, the journal."""
_NEEDED_TO_THE_END = ("mqtt", "outbox", "retained", "alone", "plugins")


class Daemon:
    """One run of the daemon."""

    def __init__(
        self,
        in_force: InForce,
        clock: SystemClock,
        journal: Journal,
        client: Client,
        meta: dict[str, str],
        plugins: tuple[Loaded, ...],
        mask: Mask,
        notifier: Notifier,
    ) -> None:
        self._in_force = in_force
        self._settings = settings = in_force.now
        in_force.hold_back()
        self._clock = clock
        self._notifier = notifier
        self._mask = mask
        self._tasks = Tasks()
        self.health = Health(clock, journal, self._tasks, settings.provider.timeout)
        self._spawn = spawn = self._tasks.spawn
        self._ending = asyncio.Event()
        self._conflict: str | None = None
        self._identity = Identity(journal, meta, clock)
        base, prefix = settings.mqtt.base_topic, settings.homeassistant.discovery_prefix
        instance = self._identity.instance
        told = Told(self._on_message, self._on_connected, self._on_disconnected, self._look, self._on_lost)
        self.broker = broker = Broker(settings, instance, journal, clock, spawn, told)
        self._client = client
        self._journal = journal
        self._info = BridgeInfo(in_force, clock.now(), mask, broker.retained, client)
        surroundings = PluginSurroundings(broker, journal, mask, spawn)
        self.plugins = surroundings.host(plugins, base, clock, self._show_info)
        outward = broker.retained, broker.outbox, self.plugins, broker.say
        ports = Ports(clock, journal, client, *outward, lambda: broker.alone.standing)
        self.bridge = Bridge(in_force, ports, CommandParser(base, prefix).parse, spawn, mask, LOG)
        self.health.follow(settings, broker, self.bridge, client)
        self._leftovers = Leftovers(in_force, self.bridge.market.prices, broker.retained)
        link = AnnouncerLink(base, broker, journal, self.bridge.orders.ledger, clock.sleep)
        uniform = random.Random().uniform  # noqa: S311 - jitter, no secret
        self._announcer = Announcer(link, meta.get(DISCOVERY), sleep=clock.sleep, uniform=uniform)
        self._device = DeviceUpdates(in_force, instance, self.bridge, self.plugins, broker.say, self._announcer)

    # --- life -------------------------------------------------------------------------------------------------------

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set, then end in order. Raises InstanceConflictError where another daemon goes on."""
        session = self.broker.session
        self._notifier.end_within = self._settings.provider.timeout + GRACE + FAREWELLS
        async with self._tasks.group:
            self._spawn(session.run(), "mqtt")
            await self._identity.keep()
            if not await self.broker.attempted(stop):
                self.health.ends()
                await session.stop()
                return
            await self._start()
            await self._asked_to_end(stop)
            LOG.info("stopping")
            await self._stop()
        if self._conflict is not None:
            raise InstanceConflictError(self._conflict)

    async def _start(self) -> None:
        """Begin, after the first attempt at the broker: another daemon on the base topic forbids the rest."""
        if self._settings.metrics.enabled:
            self._measure()
        page = self._page() if self._settings.web.enabled else None
        await self.broker.retained.load()
        self.broker.retained.put(topics.BRIDGE_STATE, b"online")
        await self.plugins.start()
        self._spawn(self.plugins.run(), "plugins")
        await self.bridge.load()
        self._show_info()
        self._client.on_learnt = self._show_info
        self.bridge.market.account.listeners.append(self._say_balance)
        await self.bridge.start()
        # Only now: what the broker holds may be newer than the journal, and is overwritten once that has taken it up.
        self.broker.start()
        self._spawn(lasting(self._announcer.run, "discovery", self._clock, LOG), "discovery")
        if page is not None:
            self._spawn(lasting(page.run, "web", self._clock, LOG), "web")
        self._follow_the_market()
        await self._device.update()
        self._leftovers.forget()
        self.bridge.market.provider_state.on_changed = self._tell_status
        self.bridge.market.account.listeners.append(self._tell_status)
        self.bridge.orders.ledger.listeners.append(lambda *_: self._tell_status())
        self.health.started()
        self._notifier.ready(self._status())
        open_orders = self.bridge.orders.ledger.open_count
        base, waiting = self._settings.mqtt.base_topic, "" if self._info.protocol else "; waiting for the broker"
        LOG.info("started: base topic %s, %d open orders%s", base, open_orders, waiting)
        self._in_force.listeners.append(self._settings_changed)
        self._in_force.let_go()

    def _measure(self) -> None:
        """Count and answer, where that is wanted: else nothing of it is even imported."""
        for name in ("PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir"):
            os.environ.pop(name, None)  # prometheus-client would count in files, for several processes
        from shomare_mqtt.daemon.measuring import Measuring  # noqa: PLC0415 - see above

        settings, clock = self._settings.metrics, self._clock
        measuring = Measuring(settings, self.bridge, self.broker, self._journal, self._client, clock, self.health)
        self._spawn(lasting(measuring.run, "metrics", clock, LOG), "metrics")

    def _page(self) -> Paging:
        """What the page shows, from now on; else nothing of it is imported."""
        from shomare_mqtt.daemon.paging import Paging  # noqa: PLC0415 - see above

        return Paging(self._in_force, self.bridge, self.broker, self._journal, self._clock, self.health, self._mask)

    async def _asked_to_end(self, stop: asyncio.Event) -> None:
        """Returns once a signal, or another daemon that goes on in our place, ends this one."""
        waiting = [asyncio.create_task(event.wait()) for event in (stop, self._ending)]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()

    def _follow_the_market(self) -> None:
        """Lists, watched prices and defaults are part of what Home Assistant is told."""
        market = self.bridge.market
        market.catalogs.listeners.append(lambda _: self._announce_soon())
        market.prices.on_watched = self._watched_changed
        market.defaults.on_changed = self._announce_soon

    def _watched_changed(self) -> None:
        self._announce_soon()
        self._leftovers.forget()

    def _settings_changed(self, before: Settings) -> None:
        """Others hold, and those who work with them were told: show them, and what follows from them."""
        del before
        self._show_info()
        self._device.say_again()
        self._announce_soon()
        self._leftovers.forget()

    def _announce_soon(self) -> None:
        self._spawn(self._device.update(), "discovery update")

    async def _stop(self) -> None:
        self.health.ends()
        await self.bridge.desk.stop(self._settings.provider.timeout + GRACE)
        self._tasks.cancel(but=_NEEDED_TO_THE_END)
        await self.plugins.stop()
        self.bridge.orders.old_journal.show()
        await self.broker.stop(lost=self._conflict is not None)
        self._tasks.cancel()

    # --- what is heard ----------------------------------------------------------------------------------------------

    def _on_message(self, incoming: Incoming, ack: Ack) -> None:
        if incoming.topic == self.broker.status_topic:
            self._announcer.heard(incoming.payload)
            ack()
            return
        self.bridge.desk.deliver(Delivery(incoming, self._identity.session, ack, self.broker.alone.clearance))

    async def _look(self, broker: OnBroker) -> None:
        await self.bridge.orders.old_journal.compare(broker)

    def _on_connected(self, facts: ConnectionFacts) -> None:
        self._info.protocol = facts.protocol
        if self._identity.connected(facts.session):
            self._spawn(self._identity.keep(), "session")
        self.broker.retained.connected()
        self._show_info()
        self._tell_status()

    def _on_disconnected(self, text: str) -> None:
        del text
        self.bridge.desk.disconnected()
        self._info.protocol = None
        self._tell_status()

    def _on_lost(self, text: str) -> None:
        """Another daemon goes on in our place: end in order, and say what becomes of the orders here."""
        orders = self.bridge.orders.ledger.open_count
        self._conflict = (
            f"{text}. This daemon ends and buys nothing more; {orders} open orders stay in its journal, and it does "
            "not watch them until it is started again: stop the other first, or set another mqtt.base_topic"
        )
        self._ending.set()

    # --- what is shown ----------------------------------------------------------------------------------------------

    def _show_info(self) -> None:
        self._info.show(self.plugins)

    def _status(self) -> str:
        """A line for `systemctl status`."""
        broker = f"connected with MQTT {self._info.protocol}" if self._info.protocol else "waiting for the broker"
        provider, account = self.bridge.market.provider_state, self.bridge.market.account
        state = provider.state if provider.was_asked else "not known yet"
        status = f"{broker}; provider {state}; {self.bridge.orders.ledger.open_count} open orders"
        if provider.trouble is not None:
            return f"{status}. {provider.trouble[:1].upper()}{provider.trouble[1:]}"
        return status if account.balance is None else f"{status}; balance {account.said(account.balance)}"

    def _say_balance(self) -> None:
        """The account was read for the first time: the provider works, and takes the token."""
        account = self.bridge.market.account
        account.listeners.remove(self._say_balance)
        balance = "no balance was read in it" if account.balance is None else f"balance {account.said(account.balance)}"
        LOG.info("the provider at %s takes the token; %s", self._settings.shown_base_url, balance)

    def _tell_status(self) -> None:
        self._notifier.status(self._status())
