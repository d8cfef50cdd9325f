"""One life of a real daemon: real journal, real HTTP, and a broker that outlives it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from shomare_mqtt.config import Settings
from shomare_mqtt.core.clock import SystemClock
from shomare_mqtt.core.orders import evidence, old_journal
from shomare_mqtt.daemon import broker, serving
from shomare_mqtt.daemon.daemon import Daemon
from shomare_mqtt.model import WATCHED_STATES, OrderState
from tests.crash.broker import BrokerLog, BrokerSession
from tests.crash.clock import BootedClock
from tests.crash.points import Points
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shomare_mqtt.model import Order
    from shomare_mqtt.mqtt.retained import RetainedPublisher
    from shomare_mqtt.mqtt.session import SessionListener
    from tests.crash.plan import Plan


def live(plan: Plan) -> None:
    """Live until all is quiet, or die at the plan's point. Raises TimeoutError."""
    asyncio.run(_live(plan))


async def _live(plan: Plan) -> None:
    folder = Path(plan.folder)
    points = Points(plan.die_at, folder / "points")
    stage = _Stage(plan, points, BrokerLog(folder / "broker"))
    with (
        points.watching_commits(),
        patch.object(broker, "Session", stage.session_for),
        patch.object(serving, "Daemon", stage.daemon_for),
        patch.object(serving, "SystemClock", lambda: stage.clock),
        # Each step of the journal is shown as soon as it can be: a death right after that is the one to be tried.
        patch.object(old_journal, "SOON", 0.0),
        patch.object(old_journal, "AT_MOST", 0.0),
        # Every life reads the balance before it buys, and not only one that took so long that the last is old.
        patch.object(evidence.Witness, "_is_stale", lambda _: True),
    ):
        await _live_on(stage, points, plan)


async def _live_on(stage: _Stage, points: Points, plan: Plan) -> None:
    stop = asyncio.Event()
    watching = asyncio.create_task(stage.until_quiet())
    points.watch_tasks(asyncio.get_running_loop())
    served = asyncio.create_task(serving.serve(settings_for(plan), stop), name="daemon")
    await asyncio.wait((served, watching), return_when=asyncio.FIRST_COMPLETED)
    points.armed = False
    stop.set()
    await served
    await watching


def settings_for(plan: Plan) -> Settings:
    return Settings.model_validate(
        {
            "state": {"directory": f"{plan.folder}/state"},
            "provider": {
                "base_url": plan.base_url,
                "token": "demo-token",
                "requests_per_minute": 0,
                "timeout": plan.timeout,
                "dialect": {"parameters": "path", "buy": "form"},
            },
            "orders": {"poll_interval": plan.poll_interval, "settle_delay": 0.05},
            "limits": {"max_buys_per_hour": plan.most_buys},
            "homeassistant": {"enabled": False},
        }
    )


class _Stage:
    """The daemon's surroundings."""

    def __init__(self, plan: Plan, points: Points, log: BrokerLog) -> None:
        self._plan = plan
        self._points = points
        self._log = log
        self._daemon: Daemon | None = None
        self._session: BrokerSession | None = None
        self._make_daemon = Daemon
        self.clock = SystemClock() if plan.boot is None else BootedClock(plan.boot)

    def session_for(
        self, settings: object, subscriptions: object, listener: SessionListener, **rest: object
    ) -> BrokerSession:
        del settings, subscriptions, rest
        parts = self._log, self._points, self._plan
        self._session = BrokerSession(*parts, listener)
        if isinstance(self.clock, BootedClock):
            self._session.put_clock_right = self.clock.put_right
        return self._session

    def daemon_for(self, *parts: Any) -> Daemon:
        self._daemon = self._make_daemon(*parts)
        return self._daemon

    async def until_quiet(self) -> None:
        """Returns once nothing is left to do: every command answered, every order decided, every message sent."""
        async with asyncio.timeout(PATIENCE):
            while not self._quiet():  # noqa: ASYNC110 - it hangs together from many things, and none of them tells
                await asyncio.sleep(0.002)

    def _quiet(self) -> bool:
        running, session = self._daemon, self._session
        if running is None or session is None or not session.connected:
            return False
        desk, ledger = running.bridge.desk, running.bridge.orders.ledger
        old_journal = running.bridge.orders.old_journal
        if not old_journal._started or old_journal._found is not None or old_journal._alone.locked():
            return False  # orders that the broker holds may be taken up yet
        orders = [record.order for record in ledger.open()]
        return (
            session.answered == len(self._plan.commands)
            and not desk.working.count
            and not any(map(self._goes_on, orders))
            and not running.bridge.orders.settler._cases
            and running.broker.outbox._empty.is_set()
            and _shown(running.broker.retained, self._log.retained())
        )

    def _goes_on(self, order: Order) -> bool:
        """Whether something is to come yet: of an SMS that the broker alone knew, what it says."""
        if order.state is OrderState.BUYING:
            return True
        return self._plan.wants_sms and order.state in WATCHED_STATES and all(s.text is None for s in order.sms)


def _shown(retained: RetainedPublisher, held: Mapping[str, str]) -> bool:
    """Whether the retained topics of orders say what they are to say."""
    topics = [topic for topic in retained._wanted if "/orders" in topic or "/current" in topic]
    ours = {topic: retained._payload(topic).decode() for topic in topics}
    return all(held.get(topic, "") == payload for topic, payload in ours.items())
