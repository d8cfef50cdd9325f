"""What no daemon can outdo here: a bare MQTT echo, and a bare HTTP call on a connection that is kept.

`python -m tests.bench.limit PORT BASE` is the echo: it answers each query with nothing but what the answer must have.
"""

from __future__ import annotations

import asyncio
import socket
import sys
import time

from tests.bench.wire import (
    PUBLISH,
    SUBACK,
    Splitter,
    acknowledge_at_once,
    connect,
    message,
    puback,
    publish,
    subscribe,
)


class Echo(asyncio.Protocol):
    """Answers at the QoS that the question came with."""

    def __init__(self, base: str) -> None:
        self._base = base
        self._splitter = Splitter()
        self._packet = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._socket: socket.socket = transport.get_extra_info("socket")
        transport.write(connect("") + subscribe(1, f"{self._base}/query/#"))

    def connection_lost(self, error: Exception | None) -> None:
        asyncio.get_running_loop().stop()

    def data_received(self, data: bytes) -> None:
        acknowledge_at_once(self._socket)
        out: list[bytes] = []
        for first, content in self._splitter.feed(data):
            kind = first & 0xF0
            if kind == PUBLISH:
                topic, payload, packet = message(first, content)
                self._answer(topic.decode(), payload, packet, out)
            elif kind == SUBACK:
                print("ready", flush=True)
        if out:
            self._transport.write(b"".join(out))

    def _answer(self, topic: str, payload: bytes, packet: int, out: list[bytes]) -> None:
        if packet:
            out.append(puback(packet))
            self._packet = packet = self._packet % 65535 + 1
        answer = f"{self._base}/response{topic.removeprefix(self._base)}"
        out.append(publish(answer, b'{"status":"ok",' + payload[1:], packet))


def http_calls(port: int, seconds: float) -> list[float]:
    """How long calls of the profile take, one after the other for so many seconds; at least ten, ascending."""
    request = b"GET /api/profile HTTP/1.1\r\nHost: 127.0.0.1\r\ntoken: bench\r\n\r\n"
    times: list[float] = []
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        end = time.perf_counter() + seconds
        while len(times) < 10 or time.perf_counter() < end:
            began = time.perf_counter()
            connection.sendall(request)
            connection.recv(65536)
            acknowledge_at_once(connection)
            times.append(time.perf_counter() - began)
    return sorted(times)


def main() -> None:
    port, base = int(sys.argv[1]), sys.argv[2]
    loop = asyncio.new_event_loop()
    loop.run_until_complete(loop.create_connection(lambda: Echo(base), "127.0.0.1", port))
    loop.run_forever()


if __name__ == "__main__":
    main()
