"""The broker's side of the wire, scripted: for what no real broker does on demand."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from shomare_mqtt.config import Mqtt
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, PINGREQ, DISCONNECT = 1, 2, 3, 4, 8, 9, 12, 14


def packet(kind: int, body: bytes) -> bytes:
    assert len(body) < 128
    return bytes([kind << 4, len(body)]) + body


@dataclass
class Peer:
    """One connection. `version` is that of its CONNECT: 4 or 5; `flags` are its connect flags."""

    writer: asyncio.StreamWriter
    version: int = 0
    client_id: str = ""
    clean: bool = False
    flags: int = 0
    published: list[bytes] = field(default_factory=list)
    acknowledged: list[bytes] = field(default_factory=list)

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    def close(self) -> None:
        self.writer.close()


class FakeBroker:
    """Grants everything unless told otherwise.

    `connect(peer)`: the bytes that answer a CONNECT, empty for none; may close the peer. `properties`: of CONNACK, over
    MQTT 5. `acknowledges`: whether PUBLISH gets its PUBACK. `granted`: the code of SUBACK for each filter.
    `hangs_up_on(peer, kind)`: whether a packet ends the connection.
    """

    def __init__(self, connect: Callable[[Peer], bytes] | None = None, properties: bytes = b"") -> None:
        self._connect = connect or self.accept
        self._properties = properties
        self.acknowledges = True
        self.pings = True
        self.granted = 1
        self.hangs_up_on: Callable[[Peer, int], bool] = lambda *_: False
        self.peers: list[Peer] = []
        self.arrived = asyncio.Condition()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for peer in self.peers:
            peer.close()
        await asyncio.sleep(0)

    def settings(self, **changes: object) -> Mqtt:
        return Mqtt.model_validate({"host": "127.0.0.1", "port": self.port, **changes})

    def accept(self, peer: Peer) -> bytes:
        properties = bytes([len(self._properties)]) + self._properties if peer.version == 5 else b""
        return packet(CONNACK, b"\0\0" + properties)

    async def until(self, true: Callable[[], bool]) -> None:
        """Waits until something holds, looked at after each packet."""
        async with asyncio.timeout(PATIENCE), self.arrived:
            await self.arrived.wait_for(true)

    def sessions(self) -> list[Peer]:
        """The connections that are not the short ones for a look around."""
        return [peer for peer in self.peers if peer.client_id == "shomare-mqtt-shomare"]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(writer)
        self.peers.append(peer)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                kind, body = await _read(reader)
                self._answer(peer, kind >> 4, body)
                async with self.arrived:
                    self.arrived.notify_all()
        writer.close()

    def _answer(self, peer: Peer, kind: int, body: bytes) -> None:
        if self.hangs_up_on(peer, kind):
            peer.close()
        elif kind == CONNECT:
            peer.version, peer.flags, peer.clean = body[6], body[7], bool(body[7] & 2)
            start = 10 + (1 + body[10] if peer.version == 5 else 0)
            size = int.from_bytes(body[start : start + 2], "big")
            peer.client_id = body[start + 2 : start + 2 + size].decode()
            peer.send(self._connect(peer))
        elif kind == SUBSCRIBE:
            filters = _count_filters(body[2:], peer.version)
            peer.send(
                packet(SUBACK, body[:2] + (b"\0" if peer.version == 5 else b"") + bytes([self.granted]) * filters)
            )
        elif kind == PUBLISH:
            size = int.from_bytes(body[:2], "big")
            peer.published.append(body[2 + size : 4 + size])
            if self.acknowledges:
                peer.send(packet(PUBACK, peer.published[-1]))
        elif kind == PUBACK:
            peer.acknowledged.append(body[:2])
        elif kind == PINGREQ and self.pings:
            peer.send(b"\xd0\x00")
        elif kind == DISCONNECT:
            peer.close()


def _count_filters(body: bytes, version: int) -> int:
    position, count = (1 + body[0] if version == 5 else 0), 0
    while position < len(body):
        position += 2 + int.from_bytes(body[position : position + 2], "big") + 1
        count += 1
    return count


async def _read(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    kind = (await reader.readexactly(1))[0]
    size, shift = 0, 0
    while True:
        digit = (await reader.readexactly(1))[0]
        size |= (digit & 0x7F) << shift
        shift += 7
        if not digit & 0x80:
            return kind, await reader.readexactly(size)
