"""The core put together: what the daemon decides, between the journal, the provider and the broker."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

from shomare_mqtt.core import render
from shomare_mqtt.core.bridge_events import BridgeEvent
from shomare_mqtt.core.desk.desk import Desk
from shomare_mqtt.core.market.market import Market
from shomare_mqtt.core.orders.orders import Orders
from shomare_mqtt.core.problems import Problems
from shomare_mqtt.core.waiting import pause

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable

    from shomare_mqtt.config.in_force import InForce
    from shomare_mqtt.core.masking import Mask
    from shomare_mqtt.core.ports import Ports, Spawn
    from shomare_mqtt.model import Incoming, Parsed, Unparsed

HEALTH_INTERVAL = 60.0
_FORGET_EVERY, _FORGET_FIRST = 60, 5
"""Reports between two looks at what the journal need not hold any more, and before the first one: what waited for the
broker while this program was down is sent, and not dropped for its age."""


class Bridge:
    """The rooms of the core, made once for a process. Life: `load`, `start`, and `desk.stop` before tasks are ended."""

    def __init__(
        self,
        settings: InForce,
        ports: Ports,
        parse: Callable[[Incoming], Parsed | Unparsed],
        spawn: Spawn,
        mask: Mask,
        logger: logging.Logger,
    ) -> None:
        self._settings = settings
        self._clock = ports.clock
        self._journal = ports.journal
        self._retained = ports.retained
        self._outbox = ports.outbox
        self._say = ports.say
        self._spawn = spawn
        self._logger = logger
        self._began = ports.clock.monotonic()
        self.problems = Problems(ports.clock, ports.journal.time, ports.retained)
        self.market = Market(settings, ports, mask, self.problems, logger)
        self.orders = Orders(settings, ports, self.market, self.problems, spawn, logger)
        self._paused = asyncio.Event()
        self.orders.old_journal.on_changed = self._pause_changed
        self.desk = Desk(settings, ports, self.market, self.orders, self.problems, parse, spawn, logger)

    async def load(self) -> None:
        """Take up what the journal holds; retained topics are put. Raises JournalError."""
        await self.orders.load()
        await self.market.load()
        await self.orders.statistics.renew()
        await self.desk.load()
        self.problems.begin()

    async def start(self) -> None:
        """Begin to work: what was left unanswered, then watching, then what comes."""
        self.orders.settle()
        await self.desk.resume()
        await self.orders.old_journal.start()
        self.orders.watch()
        self.desk.start()
        self.market.start(self._spawn)
        self._spawn(self._report_health(), "health")
        self._spawn(self.problems.run(), "problems")

    def _pause_changed(self) -> None:
        self._paused.set()
        self.problems.show()

    # --- health -----------------------------------------------------------------------------------------------------

    async def _report_health(self) -> None:
        minute = 0
        while True:
            await self._show_health()
            await self._journal.keep_time()
            await self.orders.ledger.follow_clock()
            if minute % _FORGET_EVERY == _FORGET_FIRST:
                await self._forget()
            minute += 1
            while await pause(self._clock, HEALTH_INTERVAL, self._paused):
                await self._show_health()

    async def _show_health(self) -> None:
        self._paused.clear()
        self._retained.put("bridge/health", render.dumps(await self.health()))

    async def _forget(self) -> None:
        """Drop what need not be remembered, and what waits too long for the broker.

        An SMS that could not be sent before is tried again: whoever paid for it may still be glad of it.
        """
        if await self._journal.take_back_aside():
            self._outbox.wake()
        dropped = await self._journal.forget(self._settings.now.orders.remember)
        if dropped:
            message = f"{dropped} messages waited too long for the broker and were dropped (never an SMS)"
            self._logger.warning("%s", message)
            await self._say(BridgeEvent.MESSAGE_DROPPED, message)

    async def health(self) -> dict[str, object]:
        """What `bridge/health` says."""
        why = self.orders.guard.why_paused()
        counted = await self.orders.guard.facts()
        state = self.market.provider_state
        return {
            "uptime": round(self._clock.monotonic() - self._began),
            "commands": self.desk.intake.commands,
            "answers": self.desk.answering.count,
            "api_calls": state.calls.total(),
            "api_calls_by_endpoint": dict(sorted(state.calls.items())),
            "errors": state.errors.total(),
            "errors_by_code": dict(sorted(state.errors.items())),
            "sms": self.orders.ledger.sms_count,
            "open_orders": self.orders.ledger.open_count,
            "outbox": await self._journal.outbox_length(),
            "memory": _resident_bytes(),
            "buying_paused": why is not None,
            "buying_paused_reason": why,
            # Beside the limits in bridge/info: how much of them is used up.
            "counted": counted._asdict(),
            "updated_at": render.timestamp(self._clock.now()),
        }


def _resident_bytes() -> int | None:
    """What this process takes of the machine's memory."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")
