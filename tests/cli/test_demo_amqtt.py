"""The demo's embedded broker, spoken to byte by byte: what amqtt alone gets wrong (docs/amqtt.md)."""

from __future__ import annotations

import asyncio
import struct
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple, Self

import pytest

from tests.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytest.importorskip("amqtt", reason="the extra demo brings amqtt")
from shomare_mqtt.cli.demo_amqtt import embedded

CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP = 0x10, 0x20, 0x30, 0x40, 0x50, 0x62, 0x70
SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT = 0x82, 0x90, 0xA2, 0xB0, 0xC0, 0xD0, 0xE0


def text(value: str) -> bytes:
    return struct.pack("!H", len(value.encode())) + value.encode()


def packet(kind: int, body: bytes = b"") -> bytes:
    length, size = bytearray(), len(body)
    while True:
        size, low = divmod(size, 128)
        length.append(low | (0x80 if size else 0))
        if not size:
            return bytes([kind]) + bytes(length) + body


def connect(client: str, *, clean: bool = True, keep_alive: int = 0, will: tuple[str, str] | None = None) -> bytes:
    flags = (2 if clean else 0) | (4 if will else 0)
    body = text("MQTT") + bytes([4, flags]) + struct.pack("!H", keep_alive) + text(client)
    return packet(CONNECT, body + (text(will[0]) + text(will[1]) if will else b""))


def publish(topic: str, payload: bytes, qos: int = 0, *, retain: bool = False) -> bytes:
    return packet(PUBLISH | qos << 1 | retain, text(topic) + (struct.pack("!H", 7) if qos else b"") + payload)


class Message(NamedTuple):
    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False


class Raw:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int) -> Self:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    def send(self, *packets: bytes) -> None:
        self._writer.write(b"".join(packets))

    async def packet(self) -> tuple[int, bytes]:
        async with asyncio.timeout(PATIENCE):
            (kind,) = await self._reader.readexactly(1)
            length = shift = 0
            while True:
                (byte,) = await self._reader.readexactly(1)
                length |= (byte & 0x7F) << shift
                shift += 7
                if not byte & 0x80:
                    return kind, await self._reader.readexactly(length)

    async def message(self) -> Message:
        """The next one, acknowledged."""
        kind, body = await self.packet()
        assert kind & 0xF0 == PUBLISH, kind
        (length,) = struct.unpack("!H", body[:2])
        topic, rest, qos = body[2 : 2 + length].decode(), body[2 + length :], kind >> 1 & 3
        if qos == 1:
            self.send(packet(PUBACK, rest[:2]))
        return Message(topic, rest[2 if qos else 0 :], qos, bool(kind & 1))

    async def up_to_now(self) -> list[Message]:
        """What has come by the time that a ping is answered."""
        self.send(packet(PINGREQ))
        found = list[Message]()
        while True:
            kind, body = await self.packet()
            if kind == PINGRESP:
                return found
            (length,) = struct.unpack("!H", body[:2])
            skipped = 2 + length + (2 if kind & 6 else 0)
            found.append(Message(body[2 : 2 + length].decode(), body[skipped:], kind >> 1 & 3, bool(kind & 1)))

    async def subscribe(self, *filters: tuple[str, int]) -> bytes:
        self.send(packet(SUBSCRIBE, b"\0\1" + b"".join(text(each) + bytes([qos]) for each, qos in filters)))
        kind, body = await self.packet()
        assert kind == SUBACK
        return body[2:]

    async def end(self) -> bytes:
        """What still comes until the broker closes."""
        async with asyncio.timeout(PATIENCE):
            return await self._reader.read()

    def end_of_words(self) -> None:
        """What a client's close is for the broker, but that we may still wait for its own."""
        self._writer.write_eof()

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()

    def vanish(self) -> None:
        self._writer.transport.abort()


class House:
    def __init__(self, port: int) -> None:
        self.port = port
        self._clients: list[Raw] = []

    async def bare(self) -> Raw:
        self._clients.append(await Raw.open(self.port))
        return self._clients[-1]

    async def client(self, name: str = "", *, clean: bool = True, will: tuple[str, str] | None = None) -> Raw:
        raw = await self.bare()
        raw.send(connect(name, clean=clean, will=will))
        kind, body = await raw.packet()
        assert (kind, body[1]) == (CONNACK, 0)
        return raw

    async def says(self, *packets: bytes) -> None:
        """A client that connects, sends, says goodbye and is gone, all in one breath."""
        raw = await self.client()
        raw.send(*packets, packet(DISCONNECT))
        raw.end_of_words()
        await raw.end()

    async def close(self) -> None:
        for each in self._clients:
            await each.close()


@pytest.fixture
async def house(capfd: pytest.CaptureFixture[str]) -> AsyncIterator[House]:
    async with open_house() as opened:
        yield opened
    assert capfd.readouterr() == ("", ""), "no log of any library is shown"


@asynccontextmanager
async def open_house() -> AsyncIterator[House]:
    async with embedded() as port:
        opened = House(port)
        try:
            yield opened
        finally:
            await opened.close()


async def test_what_a_client_says_in_one_breath_arrives_in_order(house: House) -> None:
    listener = await house.client()
    await listener.subscribe(("said/#", 0))
    for number in range(35):
        await house.says(publish("said/now", b"%d" % number), publish("said/now", b"too"), publish("said/now", b"last"))
    said = [(await listener.message()).payload for _ in range(3 * 35)]
    assert said == [payload for number in range(35) for payload in (b"%d" % number, b"too", b"last")]


async def test_retained_messages_go_to_the_subscriptions_that_they_match(house: House) -> None:
    for topic, qos in (("a/one", 0), ("a/two", 1), ("b", 1)):
        await house.says(publish(topic, b"kept", qos, retain=True))
    other = await house.client()
    await other.subscribe(("#", 1))
    listener = await house.client()
    await listener.subscribe(("nothing/here", 0))
    assert await listener.up_to_now() == []
    await listener.subscribe(("a/+", 1))
    assert await listener.up_to_now() == [Message("a/one", b"kept", 0, True), Message("a/two", b"kept", 1, True)]
    await listener.subscribe(("b", 0))
    assert await listener.up_to_now() == [Message("b", b"kept", 0, True)]


async def test_an_empty_payload_clears_what_is_retained(house: House) -> None:
    await house.says(publish("a", b"kept", retain=True), publish("a", b"", retain=True))
    listener = await house.client()
    await listener.subscribe(("a", 0))
    assert await listener.up_to_now() == []


@pytest.mark.parametrize("wanted", [0, 1, 2])
@pytest.mark.parametrize("sent", [0, 1])
async def test_a_message_comes_once_at_the_lower_of_both_levels(house: House, wanted: int, sent: int) -> None:
    listener = await house.client()
    assert await listener.subscribe(("#", 0), ("a/+", wanted), ("a/b", 0)) == bytes([0, wanted, 0])
    await house.says(publish("a/b", b"x", sent))
    assert await listener.message() == Message("a/b", b"x", min(wanted, sent))
    assert await listener.up_to_now() == []


async def test_a_message_at_level_2_comes_once(house: House) -> None:
    listener = await house.client()
    await listener.subscribe(("a", 0))
    sender = await house.client()
    sender.send(publish("a", b"x", 2), publish("a", b"x", 2))
    assert [await sender.packet() for _ in range(2)] == [(PUBREC, b"\0\7")] * 2
    sender.send(packet(PUBREL, b"\0\7"), packet(PUBREL, b"\0\7"))
    assert [await sender.packet() for _ in range(2)] == [(PUBCOMP, b"\0\7")] * 2
    assert await listener.message() == Message("a", b"x")
    assert await listener.up_to_now() == []


async def test_topics_with_a_dollar_are_nobodys(house: House) -> None:
    listener = await house.client()
    await listener.subscribe(("#", 0), ("+/x", 0), ("$SYS/#", 0))
    assert await listener.up_to_now() == []
    await house.says(publish("$SYS/x", b"mine"), publish("a", b"after"))
    assert await listener.message() == Message("a", b"after")


@pytest.mark.parametrize("wrong", ["", "a#", "a/#/b", "a+/b", "#/a"])
async def test_a_filter_that_is_none_is_refused(house: House, wrong: str) -> None:
    listener = await house.client()
    assert await listener.subscribe((wrong, 0), ("a/+/#", 1)) == bytes([0x80, 1])


async def test_a_subscription_is_replaced_and_ends(house: House) -> None:
    listener = await house.client()
    await listener.subscribe(("a", 1))
    await listener.subscribe(("a", 0))
    await house.says(publish("a", b"one", 1))
    assert await listener.message() == Message("a", b"one", 0)
    listener.send(packet(UNSUBSCRIBE, b"\0\2" + text("a") + text("never")))
    assert await listener.packet() == (UNSUBACK, b"\0\2")
    await house.says(publish("a", b"two", 1))
    assert await listener.up_to_now() == []


@pytest.mark.parametrize(
    ("name", "level", "answer"),
    [("MQTT", 5, b"\x20\x03\x00\x84\x00"), ("MQTT", 9, b"\x20\x03\x00\x84\x00"), ("MQIsdp", 3, b"\x20\x02\x00\x01")],
)
async def test_another_version_is_refused_in_its_own_words(house: House, name: str, level: int, answer: bytes) -> None:
    raw = await house.bare()
    raw.send(packet(CONNECT, text(name) + bytes([level, 2, 0, 60, 0]) + text("me")))
    assert await raw.end() == answer


@pytest.mark.parametrize(
    "nonsense",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        packet(CONNECT, b"\0"),
        packet(CONNECT, text("else") + b"\4\2\0\0\0\0"),
        b"\x10\xff\xff\xff\xff\xff",
        b"\x10\xff\xff\xff\x7f",
        packet(PUBLISH),
    ],
)
async def test_what_is_no_connect_is_hung_up_on(house: House, nonsense: bytes) -> None:
    raw = await house.bare()
    raw.send(nonsense)
    assert await raw.end() == b""


async def test_clients_that_leave_without_a_word(house: House) -> None:
    listener = await house.client()
    await listener.subscribe(("wills/#", 0))
    for number in range(5):
        raw = await house.client(will=(f"wills/{number}", "gone"))
        await raw.subscribe(("x", 0))
        raw.vanish()
        assert await listener.message() == Message(f"wills/{number}", b"gone")
        (await house.bare()).vanish()
        half = await house.bare()
        half.send(connect("x")[:-1])
        half.vanish()
        await house.says(*[publish("x", b"x" * 100_000)] * 10)
    raw = await house.client(will=("wills/none", "gone"))
    raw.send(packet(DISCONNECT))
    await raw.end()
    assert await listener.up_to_now() == []


@pytest.mark.parametrize("clean", [True, False])
async def test_a_second_client_of_the_same_name_takes_over(house: House, clean: bool) -> None:
    listener = await house.client()
    await listener.subscribe(("will", 0))
    older = await house.client("me", clean=clean, will=("will", "gone"))
    newer = await house.client("me", clean=clean)
    assert await older.end() == b""
    assert await listener.message() == Message("will", b"gone")
    await newer.subscribe(("a", 0))
    await house.says(publish("a", b"x"))
    assert await newer.message() == Message("a", b"x")


async def test_a_session_keeps_what_comes_while_its_client_is_away(house: House) -> None:
    first = await house.client("me", clean=False)
    await first.subscribe(("a", 1))
    first.send(packet(DISCONNECT))
    await first.end()
    await house.says(publish("a", b"kept", 1, retain=True), publish("a", b"lost", 0), publish("a", b"too", 1))
    again = await house.bare()
    again.send(connect("me", clean=False))
    assert await again.packet() == (CONNACK, b"\1\0")
    assert [await again.message() for _ in range(2)] == [Message("a", b"kept", 1), Message("a", b"too", 1)]
    assert await again.up_to_now() == []
    anew = await house.client("me", clean=True)
    await house.says(publish("a", b"x", 1))
    assert await anew.up_to_now() == []


async def test_large_payloads(house: House) -> None:
    listener = await house.client()
    await listener.subscribe(("a", 0))
    await house.says(publish("a", b"x" * 3_000_000))
    assert (await listener.message()).payload == b"x" * 3_000_000


async def test_a_client_that_is_silent_for_too_long_is_gone(house: House) -> None:
    listener = await house.client()
    await listener.subscribe(("will", 0))
    raw = await house.bare()
    raw.send(connect("me", keep_alive=1, will=("will", "gone")))
    assert (await raw.packet())[0] == CONNACK
    assert await listener.message() == Message("will", b"gone")
    assert await raw.end() == b""


async def test_a_second_connect_ends_a_connection(house: House) -> None:
    raw = await house.client("me")
    raw.send(connect("me"))
    assert await raw.end() == b""
