"""A daemon in the test's own process, so that a test can shorten what it waits for."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from shomare_mqtt.config import load
from shomare_mqtt.daemon.serving import serve

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.system.house import House


@asynccontextmanager
async def serving(house: House, settings: dict[str, Any]) -> AsyncIterator[None]:
    """Runs until the block ends; what ends the daemon before that is raised at the end."""
    stop = asyncio.Event()
    daemon = asyncio.create_task(serve(load(house.file(settings)), stop))
    try:
        yield
    finally:
        stop.set()
        await daemon


def told(house: House, event: str) -> list[str]:
    """What `event/bridge` says of a kind, oldest first."""
    return [s.json["message"] for s in house.probe.all("event/bridge") if s.json["event_type"] == event]
