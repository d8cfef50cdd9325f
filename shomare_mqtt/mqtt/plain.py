"""PUBLISH with QoS 0 or 1, and PUBACK: read where they have no properties, and written (MQTT 5, 3.1.1, section 3).

They come by thousands a second, and nothing is to be found out about them: what a packet says in properties, and all
other packets, paho knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shomare_mqtt.model import Incoming

if TYPE_CHECKING:
    from shomare_mqtt.mqtt.packets import Publication, Version

PUBLISH, PUBACK, DISCONNECT = 0x30, 0x40, 0xE0
TYPE = 0xF0
"""The bits of a packet's first byte that say what it is."""

_DUP, _RETAIN, _QOS_1 = 0x08, 0x01, 0x02
_MORE = 0x80
_LONGEST_LENGTH = 4
_EXPIRY, _CORRELATION = b"\x02", b"\x09"
"""Message Expiry Interval, Correlation Data (MQTT 5, section 2.2.2.2)."""


class MalformedError(Exception):
    """No packet begins so."""


def first_packet(buffer: bytearray) -> tuple[int, int]:
    """Where the fixed header of the first packet ends, and the packet; (0, 0) where it is not there as a whole yet.

    Raises MalformedError.
    """
    size = shift = 0
    for at in range(1, min(len(buffer), 1 + _LONGEST_LENGTH)):
        byte = buffer[at]
        size |= (byte & ~_MORE) << shift
        if byte < _MORE:
            end = at + 1 + size
            return (at + 1, end) if end <= len(buffer) else (0, 0)
        shift += 7
    if len(buffer) > _LONGEST_LENGTH:
        raise MalformedError
    return 0, 0


def read_publish(buffer: bytearray, start: int, end: int, protocol: Version) -> tuple[Incoming, int] | None:
    """The message of a PUBLISH whose fixed header ends at `start`, and its QoS; None where it is none of the plain."""
    first = buffer[0]
    qos = first >> 1 & 3
    at = start + 2
    if qos > 1 or at > end:
        return None
    after = at + (buffer[start] << 8 | buffer[start + 1])
    if after == at or after + 2 * qos + (protocol == "5") > end:
        return None
    topic = buffer[at:after]
    packet = 0
    if qos:
        packet = buffer[after] << 8 | buffer[after + 1]
        after += 2
    if protocol == "5":
        if buffer[after]:
            return None
        after += 1
    try:
        incoming = Incoming(
            topic.decode(), bytes(buffer[after:end]), bool(first & _RETAIN), bool(first & _DUP), packet_id=packet
        )
    except UnicodeDecodeError:
        return None
    return incoming, qos


def read_puback(buffer: bytearray, start: int, end: int, protocol: Version) -> tuple[int, int] | None:
    """The packet id of a PUBACK, and its reason code, 0 where it has none; None where it is no PUBACK."""
    size = end - start
    if size < 2 or (size > 2 and protocol != "5"):  # noqa: PLR2004 - the packet id
        return None
    return buffer[start] << 8 | buffer[start + 1], buffer[start + 2] if size > 2 else 0  # noqa: PLR2004


def publish_packet(publication: Publication, packet: int, protocol: Version) -> bytes:
    """A PUBLISH with QoS 1."""
    topic = publication.topic.encode()
    properties = _properties(publication) if protocol == "5" else b""
    size = 2 + len(topic) + 2 + len(properties) + len(publication.payload)
    return b"".join(
        (
            bytes((PUBLISH | _QOS_1 | (_RETAIN if publication.retain else 0),)),
            _length(size),
            len(topic).to_bytes(2, "big"),
            topic,
            packet.to_bytes(2, "big"),
            properties,
            publication.payload,
        )
    )


def _properties(publication: Publication) -> bytes:
    """With their length before them."""
    found = b""
    if publication.expiry is not None:
        found += _EXPIRY + publication.expiry.to_bytes(4, "big")
    if publication.correlation is not None:
        found += _CORRELATION + len(publication.correlation).to_bytes(2, "big") + publication.correlation
    return _length(len(found)) + found


def puback_packet(packet: int) -> bytes:
    """A PUBACK that says that all is well."""
    return bytes((PUBACK, 2, packet >> 8, packet & 0xFF))


def _length(size: int) -> bytes:
    """A variable byte integer."""
    encoded = bytearray()
    while size >= _MORE:
        encoded.append(size & ~_MORE & 0xFF | _MORE)
        size >>= 7
    encoded.append(size)
    return bytes(encoded)
