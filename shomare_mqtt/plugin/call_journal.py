"""Calls of observing hooks that outlive the process, and what becomes of them in the next one."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from shomare_mqtt.plugin.hookspecs import REPEATABLE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from shomare_mqtt.model import Order

Row = tuple[str, str, str, str, str | None, float, int]
"""id, plugin, hook, order, SMS (None for `shomare_order_changed`), time in seconds, attempts."""


class PluginMemory(Protocol):
    """Where calls outlive the process: the journal."""

    async def load(self) -> Sequence[Row]:
        """All rows, oldest first."""
        ...

    async def save(self, row: Row) -> None:
        """Adds the row, or replaces the one with its id."""
        ...

    async def delete(self, row_id: str) -> None:
        """Forgets the row, where there is one."""
        ...


class Noted(NamedTuple):
    """A row with names."""

    id: str
    plugin: str
    hook: str
    order: str
    sms: str | None
    created: float
    attempts: int


@dataclass(slots=True)
class Call:
    """One call to make. `noted`: it stands in the journal."""

    hook: str
    given: dict[str, Any]
    created: float
    order: str | None = None
    sms: str | None = None
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    attempts: int = 0
    noted: bool = False

    @property
    def repeatable(self) -> bool:
        """Whether it can be made again by another process."""
        return self.hook in REPEATABLE and self.order is not None


class CallJournal:
    """Writes calls down and takes them up again.

    `lookup` reads an order with its SMS; `now` gives seconds that go on over restarts.
    """

    def __init__(
        self, memory: PluginMemory, lookup: Callable[[str], Awaitable[Order | None]], now: Callable[[], float]
    ) -> None:
        self._memory = memory
        self._lookup = lookup
        self.now = now

    async def note(self, plugin: str, call: Call) -> None:
        """Writes a call down, or how often it was tried by now."""
        assert call.order is not None  # noqa: S101 - what is noted has one
        await self._memory.save(Noted(call.id, plugin, call.hook, call.order, call.sms, call.created, call.attempts))
        call.noted = True

    async def forget(self, call: Call) -> None:
        """Nothing more is to come of this call."""
        if call.noted:
            await self._memory.delete(call.id)

    async def load(self, is_wanted: Callable[[Noted], bool]) -> list[tuple[str, Call]]:
        """Plugin and call of all that an earlier process noted, oldest first.

        Forgets what is not wanted, what has no order any more, and all changes of an order but the newest.
        """
        rows = [Noted(*row) for row in await self._memory.load()]
        newest = {(row.plugin, row.order): row.id for row in rows if row.sms is None}
        calls = []
        for row in rows:
            is_newest = row.sms is not None or newest[row.plugin, row.order] == row.id
            call = await self._recalled(row) if is_newest and is_wanted(row) else None
            if call is None:
                await self._memory.delete(row.id)
            else:
                calls.append((row.plugin, call))
        return calls

    async def _recalled(self, row: Noted) -> Call | None:
        order = await self._lookup(row.order)
        return _call_of(row, order) if order else None


def _call_of(row: Noted, order: Order) -> Call | None:
    """The call of a row, for the order as it is now; None where its SMS is gone or lost its code."""
    given: dict[str, Any] = {"order": order, "previous": None}
    if row.sms is not None:
        sms = next((s for s in order.sms if s.sms == row.sms), None)
        if sms is None or (row.hook == "shomare_code_received" and not sms.code):
            return None
        given = {"order": order, "sms": sms, "code": sms.code}
    return Call(row.hook, given, row.created, row.order, row.sms, row.id, attempts=row.attempts, noted=True)
