"""What a page gets of what topics hold: JSON as it is, with every digit; texts as texts."""

from __future__ import annotations

import json

import pytest

from shomare_mqtt.web.payloads import as_json, frame, state_json


@pytest.mark.parametrize(
    ("topic", "payload", "as_it_is_sent"),
    [
        ("orders", b'[{"price":2200.10}]', b'[{"price":2200.10}]'),
        ("profile/balance", b"997800", b'"997800"'),
        ("bridge/state", b"online", b'"online"'),
        ("defaults/country", b"7", b'"7"'),
        ("defaults/country/name", b'{"looks":"like JSON"}', b'"{\\"looks\\":\\"like JSON\\"}"'),
        ("defaults/country/name", "ایران".encode(), '"ایران"'.encode()),
        ("code", b"[123]", b'"[123]"'),
        ("event/sms", b'{"code":"1"}', b'{"code":"1"}'),
        ("plugin/mine/a", b'{"a":\r\n1}', b'{"a":  1}'),
        ("plugin/mine/a", b"{no JSON\n", b'"{no JSON\\n"'),
        ("plugin/mine/a", b'{"a":NaN}', b'"{\\"a\\":NaN}"'),
        ("plugin/mine/a", b"[" * 100_000, b'"' + b"[" * 100_000 + b'"'),
        ("plugin/mine/a", b"\xff", '"\ufffd"'.encode()),
        ("plugin/mine/a", b'["\xff"]', '"[\\"\ufffd\\"]"'.encode()),
        ("plugin/mine/a", b"1", b'"1"'),
    ],
)
def test_each_kind(topic: str, payload: bytes, as_it_is_sent: bytes) -> None:
    sent = as_json(topic, payload)
    assert sent == as_it_is_sent
    assert b"\n" not in sent
    json.loads(sent)


def test_put_together() -> None:
    assert json.loads(state_json([])) == {}
    assert state_json([("a/b", b"1"), ("orders", b"[]")]) == b'{"a/b":"1","orders":[]}'
    assert frame("buying", b"on", retained=True) == b'data: {"topic":"buying","payload":"on","retained":true}\n\n'
    assert frame("orders/1", b"", retained=True) == b'data: {"topic":"orders/1","payload":null,"retained":true}\n\n'
