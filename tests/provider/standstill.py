"""`python -m tests.provider.standstill`: one request by a process that its test stops, and whose time it moves on.

Arguments: address, endpoint, the file that holds by how many seconds the loop's time is ahead, and the grace.
"""

from __future__ import annotations

import asyncio
import mmap
import struct
import sys
from pathlib import Path

from shomare_mqtt.errors import ProviderError
from shomare_mqtt.model import Endpoint
from shomare_mqtt.provider import time_limit, transport
from shomare_mqtt.provider.dialect import Request
from tests.provider.fakes import FakeClock
from tests.provider.servers import settings

LIMIT = 1000.0
"""Seconds: longer than any test takes."""


class Loop(asyncio.SelectorEventLoop):
    """A loop for which time goes by while the process stands still."""

    def __init__(self, ahead: Path) -> None:
        with ahead.open("rb") as file:
            self._ahead = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        super().__init__()

    def time(self) -> float:
        (ahead,) = struct.unpack("d", self._ahead[:8])
        return super().time() + float(ahead)


async def ask(url: str, endpoint: Endpoint) -> str:
    looking = asyncio.create_task(_look_at_the_time())
    try:
        return await _asked(url, endpoint)
    finally:
        looking.cancel()


async def _look_at_the_time() -> None:
    """A selector waits in real time, and would not see that the loop's has gone on."""
    while True:  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0.05)


async def _asked(url: str, endpoint: Endpoint) -> str:
    async with transport.Transport(settings(url, timeout=LIMIT), "t", FakeClock()) as way:
        try:
            answer = await way.ask(Request(endpoint, endpoint.value))
        except ProviderError as error:
            return f"{error.code} {error.message}"
        return answer.body.decode()


if __name__ == "__main__":
    address, asked, path, time_limit.GRACE = *sys.argv[1:4], float(sys.argv[4])
    with asyncio.Runner(loop_factory=lambda: Loop(Path(path))) as runner:
        sys.stdout.write(runner.run(ask(address, Endpoint(asked))))
