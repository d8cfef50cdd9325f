"""Messages without properties, which pass beside paho: their packets, and how they come and go on a connection."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt._packet import decode_puback, decode_publish
from paho.mqtt.enums import MQTTProtocolVersion

from shomare_mqtt.config import Mqtt
from shomare_mqtt.mqtt import connection
from shomare_mqtt.mqtt.connection import Link, open_link
from shomare_mqtt.mqtt.failures import DisconnectedError, PublishRefusedError
from shomare_mqtt.mqtt.packets import Opening, Publication, publish_size
from shomare_mqtt.mqtt.paho_adapter import _PACKETS_AT_ONCE
from shomare_mqtt.mqtt.plain import (
    MalformedError,
    first_packet,
    puback_packet,
    publish_packet,
    read_puback,
    read_publish,
)
from shomare_mqtt.mqtt.streams import CHUNK
from tests.mqtt.fake_broker import CONNACK, PUBACK, FakeBroker, packet
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from shomare_mqtt.model import Ack, Incoming
    from shomare_mqtt.mqtt.packets import Version

VERSIONS: list[Version] = ["5", "3.1.1"]
TOPICS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=80)


# --- packets --------------------------------------------------------------------------------------------------------


@given(
    topic=TOPICS,
    payload=st.one_of(st.binary(max_size=300), st.sampled_from([16_300, 2_097_100]).map(bytes)),
    retain=st.booleans(),
    number=st.integers(1, 65535),
    version=st.sampled_from(VERSIONS),
)
def test_what_is_written_is_read_again(topic: str, payload: bytes, retain: bool, number: int, version: Version) -> None:
    publication = Publication(topic, payload, retain)
    wire = publish_packet(publication, number, version)
    assert len(wire) == publish_size(publication, version)
    buffer = bytearray(wire + b"\x40\x02")
    start, end = first_packet(buffer)
    assert end == len(wire)
    read = read_publish(buffer, start, end, version)
    assert read is not None
    incoming, qos = read
    assert qos == 1
    assert (incoming.topic, incoming.payload, incoming.retain) == (topic, payload, retain)
    assert (incoming.packet_id, incoming.dup) == (number, False)


@given(
    correlation=st.none() | st.binary(max_size=300), expiry=st.none() | st.integers(0, 2**32 - 1), payload=st.binary()
)
def test_properties_are_written_as_paho_reads_them(
    correlation: bytes | None, expiry: int | None, payload: bytes
) -> None:
    from paho.mqtt.packettypes import PacketTypes  # noqa: PLC0415
    from paho.mqtt.properties import Properties  # noqa: PLC0415

    publication = Publication("a", payload, correlation=correlation, expiry=expiry)
    wire = publish_packet(publication, 7, "5")
    assert len(wire) == publish_size(publication, "5")
    start, _ = first_packet(bytearray(wire))
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    _, size = properties.unpack(wire[start + 5 :])  # type: ignore[no-untyped-call]
    assert getattr(properties, "CorrelationData", None) == correlation
    assert getattr(properties, "MessageExpiryInterval", None) == expiry
    assert wire[start + 5 + size :] == payload


@pytest.mark.parametrize(
    ("version", "wire"),
    [
        ("5", b"\x32\x09\0\x03a/b\x12\x34\0{"),
        ("3.1.1", b"\x32\x08\0\x03a/b\x12\x34{"),
    ],
)
def test_a_publish_as_the_standard_writes_it(version: Version, wire: bytes) -> None:
    assert publish_packet(Publication("a/b", b"{"), 0x1234, version) == wire
    assert puback_packet(0x1234) == b"\x40\x02\x12\x34"


def test_a_message_with_qos_0_and_one_that_comes_again() -> None:
    read = read_publish(bytearray(b"\x31\x05\0\x01a\0x"), 2, 7, "5")
    assert read is not None
    assert (read[0].topic, read[0].payload, read[0].retain, read[0].packet_id, read[1]) == ("a", b"x", True, 0, 0)
    again = read_publish(bytearray(b"\x3a\x05\0\x01a\0\x07"), 2, 7, "3.1.1")
    assert again is not None
    assert (again[0].dup, again[0].packet_id, again[1]) == (True, 7, 1)


@given(size=st.sampled_from([0, 1, 100, 127, 128, 20_000]))
def test_a_packet_is_taken_once_it_is_whole(size: int) -> None:
    wire = publish_packet(Publication("a", bytes(size)), 1, "5")
    for cut in {0, 1, 2, 3, len(wire) // 2, len(wire) - 1}:
        assert first_packet(bytearray(wire[:cut])) == (0, 0)
    assert first_packet(bytearray(wire))[1] == len(wire)


def test_a_length_that_has_no_end() -> None:
    assert first_packet(bytearray(b"\x30\xff\xff\xff")) == (0, 0)
    with pytest.raises(MalformedError):
        first_packet(bytearray(b"\x30\xff\xff\xff\xff"))


@pytest.mark.parametrize(
    "wire",
    [
        b"\x30\x07\0\x01a\x02\x01\x01x",  # a property
        b"\x34\x06\0\x01a\0\x01\0",  # QoS 2
        b"\x36\x06\0\x01a\0\x01\0",  # QoS 3
        b"\x30\x05\0\x01\xff\0x",  # not UTF-8
        b"\x30\x04\0\0\0x",  # a topic of no characters, as with an alias
        b"\x30\x01\0",
        b"\x30\0",
        b"\x30\x05\0\x09abc",  # the topic goes on behind the packet
        b"\x32\x05\0\x01a\0\x01",  # no properties, not even none
    ],
)
def test_what_is_left_to_paho(wire: bytes) -> None:
    buffer = bytearray(wire + b"\0" * 20)
    start, end = first_packet(buffer)
    assert end == len(wire)
    assert read_publish(buffer, start, end, "5") is None


@given(wire=st.binary(min_size=2, max_size=40), version=st.sampled_from(VERSIONS))
def test_no_bytes_are_too_strange(wire: bytes, version: Version) -> None:
    buffer = bytearray(b"\x32" + bytes([len(wire)]) + wire)
    start, end = first_packet(buffer)
    read = read_publish(buffer, start, end, version)
    assert read is None or buffer[:end].endswith(read[0].payload)


def test_what_a_puback_says() -> None:
    assert read_puback(bytearray(b"\x40\x02\x80\x01"), 2, 4, "5") == (0x8001, 0)
    assert read_puback(bytearray(b"\x40\x03\x80\x01\x87"), 2, 5, "5") == (0x8001, 0x87)
    assert read_puback(bytearray(b"\x40\x03\x80\x01\x87"), 2, 5, "3.1.1") is None
    assert read_puback(bytearray(b"\x40\x01\x80\0"), 2, 3, "5") is None


@given(
    topic=st.binary(max_size=12),
    payload=st.binary(max_size=200),
    qos=st.integers(0, 2),
    flags=st.tuples(st.booleans(), st.booleans()),
    number=st.integers(1, 65535),
    properties=st.sampled_from([b"\0", b"\x02\x01\x01", b"\x03\x23\0\x07", b"\x05\x02\0\0\0\x09"]),
    version=st.sampled_from(VERSIONS),
)
def test_what_is_read_is_what_paho_reads(
    topic: bytes,
    payload: bytes,
    qos: int,
    flags: tuple[bool, bool],
    number: int,
    properties: bytes,
    version: Version,
) -> None:
    """And what is not read is for paho: it has properties, is no text, or of a QoS that we do not ask for."""
    head = 0x30 | qos << 1 | flags[0] << 3 | flags[1]
    body = len(topic).to_bytes(2, "big") + topic + (number.to_bytes(2, "big") if qos else b"")
    body += (properties if version == "5" else b"") + payload
    size = len(body)
    length = bytes([size]) if size < 128 else bytes([size & 127 | 128, size >> 7])
    buffer = bytearray(bytes([head]) + length + body + b"\x40")
    start, end = first_packet(buffer)
    assert bytes(buffer[start:end]) == body
    read = read_publish(buffer, start, end, version)
    is_plain = qos < 2 and bool(topic) and is_text(topic) and (version != "5" or properties == b"\0")
    assert (read is not None) is is_plain
    if read is not None:
        theirs = decode_publish(
            head, body, MQTTProtocolVersion.MQTTv5 if version == "5" else MQTTProtocolVersion.MQTTv311
        )
        ours = read[0]
        assert (ours.topic, ours.payload, read[1]) == (theirs.topic.decode(), bytes(theirs.payload), theirs.qos)
        assert (ours.retain, ours.dup) == (theirs.retain, theirs.dup)
        assert ours.packet_id == (theirs.mid if qos else 0)


@given(
    number=st.integers(0, 65535),
    reason=st.none() | st.sampled_from([0, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99]),
    properties=st.sampled_from([b"", b"\0", b"\x07\x1f\0\x04text", b"\x07\x26\0\x01a\0\x01b"]),
)
def test_what_a_puback_says_is_what_paho_reads(number: int, reason: int | None, properties: bytes) -> None:
    body = number.to_bytes(2, "big") + (b"" if reason is None else bytes([reason]) + properties)
    read = read_puback(bytearray(packet(PUBACK, body)), 2, 2 + len(body), "5")
    theirs = decode_puback(0x40, body, MQTTProtocolVersion.MQTTv5)
    assert read == (theirs.mid, theirs.reason.value)


# --- a connection ---------------------------------------------------------------------------------------------------


@asynccontextmanager
async def linked(broker: FakeBroker, take: Callable[[Incoming, Ack], None] = lambda *_: None) -> AsyncIterator[Link]:
    link = await open_link(broker.settings(), Opening("5", "plain", clean=True), take)
    try:
        yield link
    finally:
        link.close()


def is_text(topic: bytes) -> bool:
    try:
        topic.decode()
    except UnicodeDecodeError:
        return False
    return True


def message(number: int, *, qos: int) -> bytes:
    body = b"\0\x01a" + (number.to_bytes(2, "big") if qos else b"") + b"\0" + str(number).encode()
    return packet(3, body).replace(b"\x30", bytes([0x30 | qos << 1]), 1)


class Heard:
    """Messages that came, each acknowledged at once."""

    def __init__(self, count: int) -> None:
        self.payloads: list[bytes] = []
        self.all = asyncio.Event()
        self._count = count

    def take(self, incoming: Incoming, ack: Ack) -> None:
        ack()
        self.payloads.append(incoming.payload)
        if len(self.payloads) == self._count:
            self.all.set()

    async def wait(self) -> list[bytes]:
        async with asyncio.timeout(PATIENCE):
            await self.all.wait()
        return self.payloads


async def test_a_flood_comes_in_order_with_every_puback_in_few_pieces() -> None:
    heard, numbers = Heard(1200), range(1, 1201)
    async with FakeBroker() as broker, linked(broker, heard.take) as link:
        write, writes = link._opened.stream._write, []
        link._opened.stream._write = lambda data: writes.append(len(data)) or write(data)  # type: ignore[func-returns-value, method-assign]
        broker.peers[-1].send(b"".join(message(n, qos=n % 2) for n in numbers))
        assert await heard.wait() == [str(n).encode() for n in numbers]
        await broker.until(lambda: len(broker.peers[-1].acknowledged) == 600)
        assert broker.peers[-1].acknowledged == [n.to_bytes(2, "big") for n in numbers if n % 2]
        assert len(writes) < 100


async def test_a_puback_waits_for_those_of_messages_before_it() -> None:
    """A command's waits for the disk; what is acknowledged at once must not overtake it (MQTT 5, section 4.6)."""
    acks: list[Ack] = []
    heard: list[int] = []
    came = Heard(4)

    def take(incoming: Incoming, ack: Ack) -> None:
        acks.append(ack)
        came.take(incoming, lambda *_: None)

    async with FakeBroker() as broker, linked(broker, take) as link:
        peer = broker.peers[-1]
        peer.send(b"".join(message(n, qos=int(n > 0)) for n in range(4)))
        await came.wait()
        acks[3](lambda: heard.append(3))
        acks[2]()
        acks[3]()
        acks[0]()
        await link.publish(Publication("a", b"x"))
        assert (peer.acknowledged, heard) == ([], []), "what has not gone out was not read"
        acks[1]()
        await link.publish(Publication("a", b"x"))
        assert peer.acknowledged == [n.to_bytes(2, "big") for n in (1, 2, 3)]
        assert heard == [3]


async def test_packets_come_in_any_pieces() -> None:
    heard = Heard(8)
    with_properties = packet(3, b"\0\x01a\x02\x01\x01there")
    wire = b"".join(message(n, qos=n % 2) for n in range(7)) + with_properties
    async with FakeBroker() as broker, linked(broker, heard.take) as link:
        stream = link._opened.stream
        for byte in wire:
            stream.buffer.append(byte)
            link._read()
        assert heard.payloads == [*(str(n).encode() for n in range(7)), b"there"]


async def test_messages_go_out_in_order_with_properties_or_without() -> None:
    async with FakeBroker() as broker, linked(broker) as link:
        peer = broker.peers[-1]
        kinds: list[dict[str, Any]] = [{"correlation": b"c"}, {}, {"expiry": 5}, {}]
        await asyncio.gather(*(link.publish(Publication("a", b"x", **kind)) for kind in kinds))
        assert [int.from_bytes(each, "big") for each in peer.published] == [0x8000, 0x8001, 0x8002, 0x8003]


async def test_what_paho_itself_publishes_is_acknowledged_to_it() -> None:
    """It reads what is its own and not a byte more: of what follows it would know nothing."""
    async with FakeBroker() as broker, linked(broker) as link:
        broker.acknowledges = False
        peer = broker.peers[-1]
        infos = [link._adapter.publish("a", b"x", 1) for _ in range(2)]
        publishing = asyncio.create_task(link.publish(Publication("a", b"x")))
        await broker.until(lambda: len(peer.published) == 3)
        first, second = (info.mid.to_bytes(2, "big") for info in infos)
        peer.send(b"".join(packet(PUBACK, each) for each in (first, b"\x80\0", second)))
        await asyncio.wait_for(publishing, PATIENCE)
        async with asyncio.timeout(PATIENCE):
            while not all(info.is_published() for info in infos):  # noqa: ASYNC110 - paho tells threads alone
                await asyncio.sleep(0)


async def test_an_id_is_used_again_once_it_was_acknowledged() -> None:
    async with FakeBroker() as broker, linked(broker) as link:
        broker.acknowledges = False
        peer = broker.peers[-1]
        link._adapter._last_id = 0xFFFD
        first = [asyncio.create_task(link.publish(Publication("a", b"x"))) for _ in range(4)]
        await broker.until(lambda: len(peer.published) == 4)
        assert [int.from_bytes(each, "big") for each in peer.published] == [0xFFFE, 0xFFFF, 0x8000, 0x8001]
        peer.send(packet(PUBACK, b"\x80\0"))
        await asyncio.wait_for(first[2], PATIENCE)
        link._adapter._last_id = 0xFFFF
        second = [asyncio.create_task(link.publish(Publication("a", b"x"))) for _ in range(2)]
        await broker.until(lambda: len(peer.published) == 6)
        assert [int.from_bytes(each, "big") for each in peer.published[4:]] == [0x8000, 0x8002]
        for task in (*first, *second):
            task.cancel()


@pytest.mark.parametrize(
    ("reason", "said"), [(0x87, "Not authorized"), (0x95, "Packet too large"), (0xFE, "an unknown reason")]
)
async def test_any_reason_of_a_puback_is_a_refusal(reason: int, said: str) -> None:
    """Of an SMS that is larger than it takes mosquitto says what the standard has for a DISCONNECT alone."""
    async with FakeBroker() as broker, linked(broker) as link:
        broker.acknowledges = False
        publishing = asyncio.create_task(link.publish(Publication("a", b"x")))
        await broker.until(lambda: bool(broker.peers[-1].published))
        broker.peers[-1].send(packet(PUBACK, b"\x80\0" + bytes([reason])))
        with pytest.raises(PublishRefusedError, match=said) as refused:
            await asyncio.wait_for(publishing, PATIENCE)
        assert refused.value.reason == reason
        assert not link.ended.done()


async def test_a_flood_is_read_no_faster_than_it_is_taken() -> None:
    """What the broker sends meanwhile waits with it; and a turn of the loop takes no more than two times so many."""
    count = 60_000
    heard, waiting, taken, turns = Heard(count), list[int](), list[int](), asyncio.Event()

    async with FakeBroker() as broker, linked(broker, heard.take) as link:
        loop = asyncio.get_running_loop()

        def each_turn() -> None:
            waiting.append(len(link._opened.stream.buffer))
            taken.append(len(heard.payloads))
            if not turns.is_set():
                loop.call_soon(each_turn)

        each_turn()
        broker.peers[-1].send(b"".join(message(n, qos=0) for n in range(count)))
        await heard.wait()
        turns.set()
    assert max(waiting) < 2 * CHUNK
    assert max(after - before for before, after in pairwise(taken)) <= 2 * _PACKETS_AT_ONCE


async def test_why_the_broker_ends_it_is_heard_though_a_write_fails_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that lost its session to another must not fight for it."""
    async with FakeBroker() as broker, linked(broker) as link:
        peer = broker.peers[-1]
        peer.send(message(1, qos=0) + packet(14, b"\x8e\0"))
        await peer.writer.drain()
        stream = link._opened.stream
        monkeypatch.setattr(stream, "_write", refusing)
        while not stream._sock.recv(1, socket.MSG_PEEK):
            pass
        link._adapter.send_publish(Publication("a", b"x"))
        link._write()
        assert link.ended.result().reason == 0x8E


def refusing(_: object) -> int:
    raise BrokenPipeError


async def test_what_is_queued_in_a_turn_goes_out_together_but_not_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of many answers that are ready at once may take long to be read: the first is not to wait for the last."""
    monkeypatch.setattr(connection, "HELD_BACK", 3600.0)
    async with FakeBroker() as broker, linked(broker) as link:
        loop, stream, waiting = asyncio.get_running_loop(), link._opened.stream, list[bool]()

        def an_hour_goes_by() -> None:
            link._write_due_since -= 3601.0

        publishing = list[asyncio.Task[None]]()
        for between in (lambda: None, an_hour_goes_by, lambda: None):
            publishing.append(asyncio.create_task(link.publish(Publication("a", b"x"))))
            loop.call_soon(lambda: waiting.append(stream.unsent()))
            loop.call_soon(between)
        await asyncio.wait_for(asyncio.gather(*publishing), PATIENCE)
        assert waiting == [True, True, False]


async def test_whoever_publishes_hears_of_a_write_that_fails_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HELD_BACK", -1.0)
    async with FakeBroker() as broker, linked(broker) as link:
        monkeypatch.setattr(link._opened.stream, "_write", refusing)
        with pytest.raises(DisconnectedError):
            await asyncio.wait_for(link.publish(Publication("a", b"x")), PATIENCE)


def is_blocked(link: Link) -> bool:
    return link._watching and link._opened.stream.unsent()


async def test_a_broker_that_does_not_read_is_waited_for() -> None:
    go_on, whole = asyncio.Event(), asyncio.Event()
    received = bytearray()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly((await reader.readexactly(2))[1])
        writer.write(packet(CONNACK, b"\0\0\0"))
        await go_on.wait()
        while data := await reader.read(1 << 20):
            received.extend(data)
            if received.endswith(b"\xe0\x00"):
                whole.set()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    settings = Mqtt(host="127.0.0.1", port=server.sockets[0].getsockname()[1])
    link = await open_link(settings, Opening("5", "plain", clean=True), lambda *_: None)
    publications = [Publication(f"t/{n}", bytes([n]) * 1_000_000) for n in range(15)]
    publishing = [asyncio.create_task(link.publish(each)) for each in publications]
    async with asyncio.timeout(PATIENCE):
        while not is_blocked(link):  # noqa: ASYNC110 - a socket tells nobody that it is full
            await asyncio.sleep(0)
        go_on.set()
        while is_blocked(link):  # noqa: ASYNC110 - nor that it is not
            await asyncio.sleep(0)
        await link.disconnect()
        await whole.wait()
    assert bytes(received[:-2]) == b"".join(publish_packet(p, 0x8000 + n, "5") for n, p in enumerate(publications))
    await asyncio.gather(*publishing, return_exceptions=True)
    server.close()
    await server.wait_closed()
