"""The measuring clients' MQTT: packets come whole, however the stream was cut."""

from __future__ import annotations

import pytest

from tests.bench.wire import PUBLISH, Message, Splitter, message, puback, publish


@pytest.mark.parametrize("length", [0, 1, 100, 127, 128, 16_383, 16_384])
def test_a_message_comes_as_it_was_sent(length: int) -> None:
    payload = b"x" * length
    ((first, content),) = Splitter().feed(publish("a/b", payload, packet=258))

    assert first == PUBLISH | 2
    assert message(first, content) == Message(b"a/b", payload, 258)


def test_at_qos_0_there_is_no_packet() -> None:
    ((first, content),) = Splitter().feed(publish("a/b", b"\x00\x05"))

    assert message(first, content) == Message(b"a/b", b"\x00\x05", 0)


@pytest.mark.parametrize("size", [1, 2, 3, 130, 1000])
def test_packets_that_come_in_pieces(size: int) -> None:
    stream = publish("a", b"1" * 200) + puback(7) + publish("b", b"2", packet=1)
    splitter = Splitter()

    found = [each for at in range(0, len(stream), size) for each in splitter.feed(stream[at : at + size])]

    assert [first for first, _ in found] == [PUBLISH, 0x40, PUBLISH | 2]
    assert found[1][1] == b"\x00\x07"
    assert message(*found[0]).payload == b"1" * 200
    assert message(*found[2]) == Message(b"b", b"2", 1)
