"""What the broker held of ours before this process told it anything: read once, at the first connection."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging
    from collections.abc import Mapping

    from shomare_mqtt.model import Incoming
    from shomare_mqtt.mqtt.client import Client

GRACE = 0.2
"""Seconds for a retained message after its subscription: brokers send it at once, but need not."""
QUIET, LONGEST = 1.0, 20.0
"""Seconds without another retained order after which there are no more, and for all of them."""

_JOURNAL = "bridge/journal"
_ORDERS = "orders/"


class Held:
    """Reads it with a client, whose retained messages come to `take`; fulfils core.ports.OnBroker.

    `subscribe` goes before what else is asked with that client, so that nobody waits for `journal` in vain.
    """

    def __init__(self, logger: logging.Logger) -> None:
        self._log = logger
        self._client: Client | None = None
        self._journal: bytes | None = None
        self._came = asyncio.Event()
        self._until = 0.0

    def take(self, topic: str, payload: bytes) -> None:
        """A retained message came, on a topic under the base topic."""
        if topic == _JOURNAL:
            self._journal = payload
            self._came.set()

    async def subscribe(self, client: Client) -> None:
        """Ask for what says how far the journal had come. Raises LinkError."""
        if await self._refused(client, _JOURNAL):
            return
        self._client = client
        self._until = asyncio.get_running_loop().time() + GRACE

    def give_up(self) -> None:
        """The broker hangs up on the question: what did not come by now does not come."""
        self._client = None

    async def journal(self) -> bytes | None:
        """The payload of `bridge/journal`; None where there is none, or the broker does not let us read it."""
        if self._client is not None:
            try:
                async with asyncio.timeout_at(self._until):
                    await self._came.wait()
            except TimeoutError:
                pass
        return self._journal

    async def orders(self) -> Mapping[str, bytes]:
        """The payloads under `orders/`, by what comes behind that. Raises LinkError."""
        client, found = self._client, dict[str, bytes]()
        if client is None or await self._refused(client, f"{_ORDERS}+"):
            return found
        try:
            async with asyncio.timeout(LONGEST):
                while incoming := await _next(client):
                    topic = client.relative(incoming.topic)
                    if incoming.retain and topic.startswith(_ORDERS) and incoming.payload:
                        found[topic.removeprefix(_ORDERS)] = incoming.payload
        except TimeoutError:
            self._log.warning("the broker held orders that it did not send within %g seconds", LONGEST)
        return found

    async def _refused(self, client: Client, wanted: str) -> bool:
        refused = await client.subscribe(wanted)
        for topic, reason in refused.items():
            self._log.warning(
                "The broker refuses the subscription to %s (%s): a backup of the journal that was put back would "
                "not be noticed by what stands there. Allow this user to read that topic in the broker's access list",
                *(topic, reason),
            )
        return bool(refused)


async def _next(client: Client) -> Incoming | None:
    """The next message; None after a while without one. Raises DisconnectedError."""
    try:
        async with asyncio.timeout(QUIET):
            return await anext(client)
    except TimeoutError:
        return None
