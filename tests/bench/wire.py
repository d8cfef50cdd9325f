"""MQTT 3.1.1 as bytes: as much as a load, an echo and a listener need, and nothing that costs more than it must."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Iterator

CONNACK, PUBLISH, PUBACK, SUBACK = 0x20, 0x30, 0x40, 0x90
_QUICKACK = getattr(socket, "TCP_QUICKACK", None)


class Message(NamedTuple):
    """A PUBLISH that came. `packet`: its identifier, 0 at QoS 0."""

    topic: bytes
    payload: bytes
    packet: int


def _text(text: str) -> bytes:
    encoded = text.encode()
    return len(encoded).to_bytes(2, "big") + encoded


def _packet(first: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes((first, length)) + content
    coded = bytearray((first,))
    while length >= 0x80:
        coded.append(length & 0x7F | 0x80)
        length >>= 7
    coded.append(length)
    return bytes(coded) + content


def connect(client_id: str) -> bytes:
    """A clean session without a keepalive."""
    return _packet(0x10, _text("MQTT") + b"\x04\x02\x00\x00" + _text(client_id))


def subscribe(qos: int, *filters: str) -> bytes:
    return _packet(0x82, b"\x00\x01" + b"".join(_text(each) + bytes((qos,)) for each in filters))


def publish(topic: str, payload: bytes, packet: int = 0) -> bytes:
    """QoS 1 where `packet`, its identifier, is not 0."""
    if packet:
        return _packet(PUBLISH | 2, _text(topic) + packet.to_bytes(2, "big") + payload)
    return _packet(PUBLISH, _text(topic) + payload)


def puback(packet: int) -> bytes:
    return b"\x40\x02" + packet.to_bytes(2, "big")


class Splitter:
    """Packets out of a stream."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Each whole packet's first byte and content."""
        data = self._rest + data
        start, end = 0, len(data)
        while (found := _length(data, start, end)) is not None:
            content, stop = found
            if stop > end:
                break
            yield data[start], data[content:stop]
            start = stop
        self._rest = data[start:]


def _length(data: bytes, start: int, end: int) -> tuple[int, int] | None:
    """Where a packet's content begins and ends; None where not even that can be told yet."""
    length = shift = 0
    for at in range(start + 1, min(start + 5, end)):
        length |= (data[at] & 0x7F) << shift
        shift += 7
        if data[at] < 0x80:
            return at + 1, at + 1 + length
    return None


def message(first: int, content: bytes) -> Message:
    """What a PUBLISH holds."""
    end = 2 + int.from_bytes(content[:2], "big")
    if first & 6:
        return Message(content[2:end], content[end + 2 :], int.from_bytes(content[end : end + 2], "big"))
    return Message(content[2:end], content[end:], 0)


def acknowledge_at_once(connection: socket.socket) -> None:
    """The kernel forgets this by itself, so that it is said anew after each message."""
    if _QUICKACK is not None:
        connection.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)


class Listener:
    """A subscriber that waits, for what is told seldom: whether a daemon is there, and the like.

    At least one filter: a broker closes the connection of who subscribes to nothing.
    """

    def __init__(self, port: int, *filters: str, patience: float = 60.0) -> None:
        self._connection = socket.create_connection(("127.0.0.1", port), patience)
        self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._splitter = Splitter()
        self._connection.sendall(connect("") + subscribe(0, *filters))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def patience(self, seconds: float) -> None:
        """For how long it waits from now on."""
        self._connection.settimeout(seconds)

    def send(self, topic: str, payload: bytes) -> None:
        """At QoS 0."""
        self._connection.sendall(publish(topic, payload))

    def messages(self) -> Iterator[Message]:
        """As they come. Raises TimeoutError where none comes for as long as its patience lasts."""
        while data := self._connection.recv(65536):
            acknowledge_at_once(self._connection)
            for first, content in self._splitter.feed(data):
                if first & 0xF0 == PUBLISH:
                    yield message(first, content)
        raise ConnectionError("the broker closed the connection")

    def until(self, *topics: str) -> dict[str, bytes]:
        """Returns once each of these topics has held something that is not empty."""
        missing, found = set(topics), {}
        for each in self.messages():
            topic = each.topic.decode()
            if each.payload and topic in missing:
                missing.discard(topic)
                found[topic] = each.payload
            if not missing:
                break
        return found
