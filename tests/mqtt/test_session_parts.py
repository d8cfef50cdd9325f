"""What lies below the session and needs no broker: sizes, the window, WebSocket frames."""

from __future__ import annotations

import asyncio
import os
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shomare_mqtt.mqtt.failures import NotConnectedError
from shomare_mqtt.mqtt.packets import Publication, publish_size, topic_fault
from shomare_mqtt.mqtt.streams import Stream
from shomare_mqtt.mqtt.websocket import WebSocketStream, frame, masked
from shomare_mqtt.mqtt.window import Window
from tests.patience import PATIENCE


@given(data=st.binary(max_size=300), mask=st.binary(min_size=4, max_size=4))
def test_masking_is_byte_by_byte(data: bytes, mask: bytes) -> None:
    assert masked(data, mask) == bytes(byte ^ mask[n % 4] for n, byte in enumerate(data))


def server_frame(opcode: int, data: bytes, *, final: bool = True) -> bytes:
    size = len(data)
    head = bytes([0x80 * final | opcode])
    if size < 126:
        return head + bytes([size]) + data
    return head + (b"\x7e" + size.to_bytes(2, "big") if size < 65536 else b"\x7f" + size.to_bytes(8, "big")) + data


class Pipe:
    """A stream and the far end of its socket."""

    def __enter__(self) -> tuple[WebSocketStream, socket.socket]:
        self.near, self.far = socket.socketpair()
        self.near.setblocking(False)
        self.far.settimeout(5)
        return WebSocketStream(self.near, b""), self.far

    def __exit__(self, *_: object) -> None:
        self.near.close()
        self.far.close()


@given(
    parts=st.lists(st.binary(min_size=1, max_size=400), min_size=1, max_size=8),
    cuts=st.lists(st.integers(1, 200), max_size=10),
    size=st.integers(1, 500),
)
def test_frames_may_be_cut_anywhere(parts: list[bytes], cuts: list[int], size: int) -> None:
    wire = b"".join(server_frame(2 if n == 0 else 0, part, final=n == len(parts) - 1) for n, part in enumerate(parts))
    got = b""
    with Pipe() as (stream, far):
        for cut in [*cuts, len(wire)]:
            far.sendall(wire[:cut])
            wire = wire[cut:]
            try:
                got += stream.recv(size)
                while stream.pending():
                    got += stream.recv(size)
            except BlockingIOError:
                pass
    assert got == b"".join(parts)


def test_pings_are_answered_between_frames() -> None:
    with Pipe() as (stream, far):
        far.sendall(server_frame(9, b"are you there") + server_frame(2, b"x"))
        assert stream.recv(10) == b"x"
        pong = far.recv(100)
        assert pong[0] == 0x8A
        assert masked(pong[6:], pong[2:6]) == b"are you there"


def test_a_pong_never_lands_inside_a_frame() -> None:
    data = os.urandom(3_000_000)
    with Pipe() as (stream, far):
        with pytest.raises(BlockingIOError):
            stream.send(data)
        far.sendall(server_frame(9, b"now?"))
        with pytest.raises(BlockingIOError):
            stream.recv(1)
        received = bytearray()
        sent = 0
        while not sent:
            received += far.recv(1 << 20)
            try:
                sent = stream.send(data)
            except BlockingIOError:
                continue
        assert sent == len(data)
        size = len(frame(2, data))
        while len(received) < size + 10:
            received += far.recv(1 << 20)
        assert masked(received[14:size], bytes(received[10:14])) == data
        assert received[size] == 0x8A


@pytest.mark.parametrize("end", [server_frame(8, b"\x03\xe8"), server_frame(1, b"text"), b"\x82\x81mask", None])
def test_what_ends_a_websocket(end: bytes | None) -> None:
    with Pipe() as (stream, far):
        far.sendall(server_frame(2, b"last"))
        if end is None:
            far.shutdown(socket.SHUT_WR)
        else:
            far.sendall(end)
        assert stream.recv(10) == b"last"
        assert stream.recv(10) == b""


def test_a_stream_keeps_the_error_that_ended_it() -> None:
    near, far = socket.socketpair()
    near.setblocking(False)
    stream = Stream(near)
    with pytest.raises(BlockingIOError):
        stream.recv(1)
    far.close()
    with pytest.raises(BrokenPipeError) as caught:
        stream.send(b"x")
    assert stream.failure is caught.value
    stream.close()


@given(
    topic=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="+#\0"), min_size=1, max_size=40),
    payload=st.integers(0, 40_000),
    correlation=st.none() | st.binary(max_size=300),
    expiry=st.none() | st.integers(0, 2**32 - 1),
)
async def test_sizes_are_those_on_the_wire(
    topic: str, payload: int, correlation: bytes | None, expiry: int | None
) -> None:
    from paho.mqtt.packettypes import PacketTypes  # noqa: PLC0415
    from paho.mqtt.properties import Properties, VariableByteIntegers  # noqa: PLC0415

    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    if correlation is not None:
        properties.CorrelationData = correlation
    if expiry is not None:
        properties.MessageExpiryInterval = expiry
    rest = 2 + len(topic.encode()) + 2 + payload
    publication = Publication(topic, bytes(payload), correlation=correlation, expiry=expiry)

    def whole(size: int) -> int:
        return 1 + len(VariableByteIntegers.encode(size)) + size  # type: ignore[no-untyped-call]

    assert publish_size(publication, "3.1.1") == whole(rest)
    assert publish_size(publication, "5") == whole(rest + len(properties.pack()))  # type: ignore[no-untyped-call]
    assert topic_fault(topic) is None


def test_a_topic_too_deep_for_brokers() -> None:
    assert topic_fault("a/" * 198 + "b") is None
    assert topic_fault("a/" * 200 + "b") == "the topic has more than 200 levels"


async def test_the_window_is_first_come_first_served() -> None:
    window = Window(1)
    await window.enter()
    got: list[int] = []

    async def wait(number: int) -> None:
        await window.enter()
        got.append(number)

    waiting = [asyncio.create_task(wait(n)) for n in range(4)]
    await asyncio.sleep(0)
    waiting[1].cancel()
    window.leave()
    waiting[0].cancel()  # in the moment in which it was given the place
    await asyncio.wait(waiting[:3])
    assert got == [2]
    window.leave()
    await asyncio.wait(waiting[3:], timeout=PATIENCE)
    assert got == [2, 3]


async def test_a_closed_window_fails_all() -> None:
    window = Window(0)
    waiting = asyncio.create_task(window.enter())
    await asyncio.sleep(0)
    window.close(NotConnectedError("over"))
    for each in (waiting, window.enter()):
        with pytest.raises(NotConnectedError):
            await each
