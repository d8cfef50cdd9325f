"""A client's first packet, as far as amqtt has to be told about it or kept from it."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncio import StreamReader

_CONNECT = 0x10
_LARGEST = 1_000_000
_MQTT_3_1_1 = 4
_MQTT_5 = 5
_WILL_RETAIN = 0x20
_TO_MQTT_5 = bytes([0x20, 3, 0, 0x84, 0])
"""A CONNACK of MQTT 5: Unsupported Protocol Version, no properties."""
_TO_OLDER = bytes([0x20, 2, 0, 1])
"""A CONNACK of MQTT 3: unacceptable protocol version."""


@dataclass(frozen=True, slots=True)
class Connect:
    """`packet`: all of it, as it came. `keep_alive` is in seconds, 0: none. What follows `level` is known of 3.1.1."""

    packet: bytes
    level: int
    will_retain: bool = False
    keep_alive: int = 0
    client_id: str = ""


async def read_connect(reader: StreamReader) -> Connect:
    """Raises ValueError for anything else, IncompleteReadError where the client leaves before."""
    packet = await _packet(reader)
    body = packet[len(packet) - _length(packet) :]
    try:
        name, rest = _text(body)
        level, flags, keep_alive = struct.unpack("!BBH", rest[:4])
        if name not in ("MQTT", "MQIsdp"):
            raise ValueError(name)
        if level != _MQTT_3_1_1:
            return Connect(packet, level)
        client_id, _ = _text(rest[4:])
    except struct.error as error:
        raise ValueError(packet) from error
    return Connect(packet, level, bool(flags & _WILL_RETAIN), keep_alive, client_id)


def refusal(connect: Connect) -> bytes:
    """The CONNACK that says so where a client speaks another version than 3.1.1; else nothing."""
    if connect.level == _MQTT_3_1_1:
        return b""
    return _TO_MQTT_5 if connect.level >= _MQTT_5 else _TO_OLDER


async def _packet(reader: StreamReader) -> bytes:
    head = await reader.readexactly(2)
    if head[0] != _CONNECT:
        raise ValueError(head)
    while head[-1] & 0x80 and len(head) < 5:  # noqa: PLR2004 - the most that a length takes
        head += await reader.readexactly(1)
    packet = bytes(head)
    if (length := _length(packet)) > _LARGEST:
        raise ValueError(length)
    return packet + await reader.readexactly(length)


def _length(packet: bytes) -> int:
    """What a packet says of the length of its body."""
    length = 0
    for place, byte in enumerate(packet[1:5]):
        length |= (byte & 0x7F) << (7 * place)
        if not byte & 0x80:
            return length
    raise ValueError(packet[:5])


def _text(data: bytes) -> tuple[str, bytes]:
    """A text with its length before it, and what follows."""
    (length,) = struct.unpack("!H", data[:2])
    return data[2 : 2 + length].decode(), data[2 + length :]
