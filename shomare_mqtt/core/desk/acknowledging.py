"""PUBACKs, in the order in which the messages came (MQTT 5, section 4.6), each once its command is on disk.

A `buy` that comes alone is on disk with what is written next, its intent: one wait for the disk instead of two. Until
then nothing was asked of the provider but what costs nothing, and the broker has no PUBACK: after a crash it brings the
`buy` again, of which nothing was begun.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    from shomare_mqtt.core.ports import Journal, Spawn

LONGEST = 2.0
"""Seconds that a `buy` may wait for its intent: before that the balance is asked for, which may hang."""
MOST = 10
"""PUBACKs that may be held: brokers send no more than so many messages (mosquitto: 20) without one."""


class Acknowledging:
    """Sends PUBACKs, or holds them while the command before them is not on disk."""

    def __init__(self, journal: Journal, spawn: Spawn) -> None:
        self._journal = journal
        self._spawn = spawn
        self._acks: list[Callable[[], object]] = []
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_held(self) -> bool:
        """Whether a command waits to be on disk, and all PUBACKs for it."""
        return self._timer is not None

    def acknowledge(self, ack: Callable[[], object]) -> None:
        """Send a PUBACK once it is its turn."""
        if not self.is_held:
            ack()
            return
        self._acks.append(ack)
        if len(self._acks) == MOST:
            self._write()

    def hold(self) -> None:
        """A command is being taken that may be on disk with its intent: `let_go` is to be called once it is."""
        self._timer = asyncio.get_running_loop().call_later(LONGEST, self._write)

    async def settle(self) -> None:
        """Returns once nothing is held."""
        if self.is_held:
            await self._journal.write()

    def let_go(self) -> None:
        """It is on disk, or nowhere for want of room."""
        cast("asyncio.TimerHandle", self._timer).cancel()  # whoever is let go was held
        self._timer = None
        acks, self._acks = self._acks, []
        for ack in acks:
            ack()

    def _write(self) -> None:
        self._spawn(self._journal.write(), "command")
