"""A second daemon on the base topic, with a client id and a state directory of its own: one of the two has to end."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from tests.patience import PATIENCE
from tests.storm.people import Heard, order_became

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from random import Random

    from tests.storm.people import Person
    from tests.storm.processes import Daemon
    from tests.storm.wire import Wire

CONFLICT = 78
ONLINE = Heard("bridge/state", "online")


class Another:
    """Brings the second daemon in, and sees that one of the two ends. `done` counts it, `broken` is what went wrong."""

    def __init__(
        self, first: Daemon, second: Daemon, wire: Wire, recorder: Person, buy: Callable[[int], Awaitable[None]],
        chance: Random,
    ) -> None:  # fmt: skip
        self._first = first
        self._second = second
        self._wire = wire
        self._recorder = recorder
        self._buy = buy
        self._chance = chance
        self.done: Counter[str] = Counter()
        self.broken: list[str] = []

    async def at_once(self, since: int) -> None:
        """Both begin at the same moment; either may go on."""
        await self._first.kill()
        since = len(self._recorder.heard)
        await asyncio.gather(self._first.start(), self._second.start(), self._buy(2))
        await self._recorder.hears(lambda heard: heard == ONLINE, PATIENCE, since)
        await self._buy(2)
        await self._one_ends("at once", (self._first, self._second))

    async def while_stopped(self, since: int) -> None:
        """The second begins while the first is stopped; that goes on with all that came meanwhile in its socket."""
        self._first.pause()
        await self._serve_alone()
        self._first.go_on()
        await self._one_ends("while the first was stopped", (self._second,))

    async def while_cut_off(self, since: int) -> None:
        """The second begins while the first is off the net; what came meanwhile waits for that at the broker."""
        self._wire.cut()
        await self._serve_alone()
        self._wire.mend()
        await self._one_ends("while the first was cut off", (self._second,))

    async def _serve_alone(self) -> None:
        await self._buy(1)
        since = len(self._recorder.heard)
        await self._second.start()
        if not await self._recorder.hears(lambda heard: heard == ONLINE, PATIENCE, since):
            self.broken.append("a second daemon did not begin while the first was away")
        since = len(self._recorder.heard)
        await self._buy(3)
        await self._recorder.hears(order_became("waiting"), 3, since)

    async def _one_ends(self, when: str, may_end: tuple[Daemon, ...]) -> None:
        """One ends with 78 and the other goes on; then, where that is the second, it is ended as well."""
        buys = asyncio.ensure_future(self._buy(2))
        both = self._first, self._second
        ending = {asyncio.ensure_future(each.ended()): each for each in both}
        ended, _ = await asyncio.wait(ending, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        await buys
        for task in ending:
            task.cancel()
        losers = [ending[task] for task in ended]
        statuses = [each.status for each in losers]
        if statuses != [CONFLICT]:
            self.broken.append(f"a second daemon {when}: {len(losers)} ended, with {statuses}")
        elif losers[0] not in may_end:
            self.broken.append(f"a second daemon {when}: the first ended, which had started before it")
        else:
            self.done[f"second daemon {when}"] += 1
        await self._recorder.hears(order_became("waiting"), self._chance.uniform(0, 1), len(self._recorder.heard))
        await (self._second.kill() if self._chance.random() < 0.5 else self._stop_second())

    async def _stop_second(self) -> None:
        if self._second.is_running:
            status = await self._second.stop()
            if status not in (0, CONFLICT):
                self.broken.append(f"the second daemon ended with status {status}")
