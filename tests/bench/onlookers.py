"""`python -m tests.bench.onlookers <port> <reading> <deaf>`: pages that are open, as browsers hold them.

A process of its own that costs little. The reading ones take what comes as it comes. The deaf ones ask for the events
and then read nothing, with as little room in the kernel as there may be, so that all else waits at the daemon.

A line is printed once each reading page has its state, and one more each time that all of them have been told of as
many SMS as `--each` says.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_STATE = b'"topic":"bridge/state"'
_SMS = b'"topic":"event/sms"'
_LEAST_ROOM = 4096
"""Bytes; the kernel makes somewhat more of it."""


class Page(asyncio.Protocol):
    """One that reads. `told`: called where it may have learnt something."""

    def __init__(self, request: bytes, told: Callable[[], None]) -> None:
        self._request = request
        self._told = told
        self._rest = b""
        self.has_state = False
        self.sms = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        data = self._rest + data
        self._rest = data[-len(_SMS) + 1 :]
        found = data.count(_SMS)
        if found or (not self.has_state and _STATE in data):
            self.has_state = True
            self.sms += found
            self._told()

    def connection_lost(self, error: Exception | None) -> None:
        raise SystemExit(f"a page that reads was cut off: {error}")


class Crowd:
    """All pages."""

    def __init__(self, port: int, each: int) -> None:
        self._port = port
        self._each = each
        self._pages = list[Page]()
        self._deaf = list[socket.socket]()
        self._said = -1
        self._request = f"GET /api/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()

    async def come(self, reading: int, deaf: int) -> None:
        """So many of each kind."""
        loop = asyncio.get_running_loop()
        self._pages = [Page(self._request, self._tell) for _ in range(reading)]
        for _ in range(deaf):
            await asyncio.to_thread(self._come_deaf)
        for page in self._pages:
            await loop.create_connection(lambda page=page: page, "127.0.0.1", self._port)  # type: ignore[misc]

    def _come_deaf(self) -> None:
        deaf = socket.socket()
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _LEAST_ROOM)
        deaf.connect(("127.0.0.1", self._port))
        deaf.sendall(self._request)
        self._deaf.append(deaf)

    def _tell(self) -> None:
        """What all of them know by now, each time that it is more."""
        if not all(page.has_state for page in self._pages):
            return
        known = min(page.sms for page in self._pages) // self._each
        while self._said < known:
            self._said += 1
            print(self._said, flush=True)


async def look_on(port: int, reading: int, deaf: int, each: int) -> None:
    """For ever."""
    crowd = Crowd(port, each)
    await crowd.come(reading, deaf)
    await asyncio.get_running_loop().create_future()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.onlookers")
    parser.add_argument("port", type=int)
    parser.add_argument("reading", type=int)
    parser.add_argument("deaf", type=int)
    parser.add_argument("--each", type=int, default=1)
    arguments = parser.parse_args()
    asyncio.run(look_on(arguments.port, arguments.reading, arguments.deaf, arguments.each))


if __name__ == "__main__":
    main()
