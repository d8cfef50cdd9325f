"""What a viewer sees: no code, no text, of numbers the last two digits, whatever topic they stand in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shomare_mqtt.core.bridge_events import BridgeEvent
from shomare_mqtt.errors import ErrorCode
from shomare_mqtt.web.viewer import number_hidden, seen_by_viewer

CODE, TEXT, PHONE = "482913", "Your code is 482913, اکانت", "+79313226657"
SMS = {"sms": "01KAR-5f", "code": CODE, "text": TEXT, "sender": "Telegram", "received_at": "2026-01-01T00:00:00.000Z"}
ORDER = {
    "order": "01KARZ5T0PH9M3C4V5B6N7Q8RS", "purchase": "74001", "transaction": "t-17", "state": "received",
    "country": "7", "country_name": "Russia", "operator": "1", "operator_name": "MTS", "application": "3",
    "application_name": "Telegram", "phone": PHONE, "price": 2200, "created_at": "2026-01-01T00:00:00.000Z",
    "updated_at": "2026-01-01T00:00:10.000Z", "expires_at": "2026-01-01T00:20:00.000Z", "closed_at": None,
    "sms_count": 1, "sms": [SMS], "refunded": None, "charged": None, "tries": [], "error": None,
}  # fmt: skip
"""As it stands in retained topics where `privacy.retain_codes` is on."""


def seen(topic: str, payload: Any) -> Any:
    body = seen_by_viewer(topic, json.dumps(payload).encode())
    assert body is not None
    return json.loads(body)


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("orders", [ORDER, {**ORDER, "order": "b"}]),
        ("orders/01KARZ5T0PH9M3C4V5B6N7Q8RS", ORDER),
        ("current", ORDER),
        ("event/order", {"event_type": "received", "previous": "waiting", "order": ORDER}),
        ("event/sms", {"event_type": "sms_received", "order": "a", "purchase": "b", "phone": PHONE, **SMS}),
    ],
)
def test_no_code_no_text_and_two_digits(topic: str, payload: Any) -> None:
    text = json.dumps(seen(topic, payload), ensure_ascii=False)
    for secret in (CODE, TEXT, PHONE, PHONE[1:], PHONE[-3:], "اکانت"):
        assert secret not in text
    assert '"+*********57"' in text
    assert text.count('"***"') >= 2


def test_all_else_of_an_order_stays() -> None:
    shown = seen("current", ORDER)
    assert {name: shown[name] for name in ORDER if name not in ("phone", "sms")} == {
        name: value for name, value in ORDER.items() if name not in ("phone", "sms")
    }
    assert shown["sms"] == [{**SMS, "code": "***", "text": "***"}]
    assert seen("current", {"state": "none"}) == {"state": "none"}
    without = {**ORDER, "phone": None, "sms": [{**SMS, "code": None}, {"sms": "x", "received_at": None}]}
    assert seen("current", without)["sms"] == [{**SMS, "code": None, "text": "***"}, {"sms": "x", "received_at": None}]


@pytest.mark.parametrize(
    "topic", ["code", "plugin/webhook/last", "response/buy", "orders/a/b", "event/other", "buy", ""]
)
def test_what_is_not_named_is_not_shown(topic: str) -> None:
    assert seen_by_viewer(topic, b'{"text": "482913"}') is None


@pytest.mark.parametrize("topic", ["orders", "current", "event/bridge"])
@pytest.mark.parametrize("payload", [b"482913", b"{", b"\xff", b'"482913'])
def test_what_cannot_be_read_shows_no_code(topic: str, payload: bytes) -> None:
    assert seen_by_viewer(topic, payload) in (None, payload if payload == b"482913" else None)


@pytest.mark.parametrize("topic", ["orders/a", "current", "bridge/state", "defaults/country"])
def test_that_a_topic_was_emptied_is_told(topic: str) -> None:
    assert seen_by_viewer(topic, b"") == b""


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("bridge/state", b"online"), ("buying", b"on"), ("profile/balance", b"1000000.10"), ("defaults/country", b"7"),
        ("defaults/country/name", b"Russia (7)"), ("countries", b'[{"id":"7","name":"Russia","code":"7931322"}]'),
        ("prices/7/1", b'{"country":"7","prices":[{"price":2200.10}]}'), ("quote", b'{"price":1234567}'),
        ("statistics", b'{"total":{"spent":123456789}}'), ("profile", b'{"balance":123456789.10}'),
        ("event/offers", b'{"event_type":"done","read":1,"unread":0,"places":1}'),
    ],
)  # fmt: skip
def test_what_names_no_order_stays_byte_for_byte(topic: str, payload: bytes) -> None:
    assert seen_by_viewer(topic, payload) == payload


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("+79313226657 is not of Russia", "+*********57 is not of Russia"),
        ("the number 9313226657, bought", "the number ********57, bought"),
        ("+7 931 322-66-57", "+* *** ***-**-57"),
        ("+7 (931) 322 66 57!", "+* (***) *** ** 57!"),
        ("۰۹۱۲۳۴۵۶۷۸۹ نیست", "*********۸۹ نیست"),
        ("tel79313226657x", "tel*********57x"),
        ("+793****6657", "+*********57"),
        ("+7\u00a0931\u202f322\u200f66\u200e57", "+*\u00a0***\u202f***\u200f**\u200e57"),
        ("it cost 2,200,000 IRT, not 1,000,000 IRT", "it cost 2,200,000 IRT, not 1,000,000 IRT"),
        ("order 01KARZ5T0PH9M3C4V5B6N7Q8RS of 2026-01-01T10:11:12.131Z", None),
        ("at 2026-01-01 10:11:12 on port 8099", None),
        ("HTTP 429: wait 300 seconds", None),
    ],
)
@pytest.mark.parametrize("topic", ["event/bridge", "bridge/problem", "bridge/health", "provider/state", "bridge/info"])
def test_numbers_in_messages(topic: str, message: str, shown: str | None) -> None:
    expected = message if shown is None else shown
    for wrap in ("message", "error", "anything"):
        assert seen(topic, {"a": [{wrap: message}]}) == {"a": [{wrap: expected}]}


def test_codes_of_errors_and_of_events_are_no_secrets() -> None:
    for code in ErrorCode:
        error = {"code": code.value, "message": "m", "retryable": False, "upstream": {"http": 402, "code": 402}}
        assert seen("current", {**ORDER, "error": error})["error"] == error
        event = {"event_type": BridgeEvent.COMMAND_REFUSED.value, "message": "m", "code": code.value}
        assert seen("event/bridge", event) == event
    assert seen("event/bridge", {"message": "m", "code": CODE})["code"] == "***"
    assert seen("event/bridge", {"message": "m", "code": 482913})["code"] == "***"
    for outline in (["number"], {"a": "text"}, [{"code": "text"}]):
        assert seen("bridge/info", {"learnt": {"code": outline}})["learnt"]["code"] == "***"


def test_a_number_that_is_also_the_purchases_id_is_hidden_there_too() -> None:
    shown = seen("current", {**ORDER, "purchase": PHONE[1:], "error": {"code": "busy", "message": f"x{PHONE[1:]}x"}})
    assert PHONE[1:] not in json.dumps(shown)
    assert PHONE[1:] not in json.dumps(seen("current", {**ORDER, "charged": int(PHONE[1:])}))


def test_money_keeps_its_digits() -> None:
    body = seen_by_viewer("current", json.dumps(ORDER).replace("2200", "2200.10000000000000000001").encode())
    assert body is not None
    assert b'"price":2200.10000000000000000001' in body


@given(
    phone=st.from_regex(r"\+?[0-9]{7,15}", fullmatch=True),
    code=st.from_regex(r"[0-9A-Z]{4,8}", fullmatch=True),
    text=st.text(min_size=8),
    message=st.sampled_from(["", "number {} gone", "{}", "a{}b", "({})"]),
)
def test_nothing_of_an_sms_comes_through(phone: str, code: str, text: str, message: str) -> None:
    sms = {"sms": "id", "code": code, "text": text, "sender": "S", "received_at": "2026-01-01T00:00:00.000Z"}
    error = {"code": "provider_error", "message": message.format(phone), "retryable": False}
    order = {"order": "o", "purchase": phone, "phone": phone, "state": "received", "sms": [sms], "error": error}
    for topic, payload in (("current", order), ("orders", [order]), ("event/order", {"order": order})):
        shown = seen(topic, payload)
        body = shown if topic == "current" else shown[0] if topic == "orders" else shown["order"]
        assert body["sms"] == [{**sms, "code": "***", "text": "***"}]
        assert body["phone"] == number_hidden(phone)
        digits = phone.removeprefix("+")
        assert digits not in json.dumps([body["phone"], body["purchase"], body["error"]])


@pytest.mark.parametrize(
    ("number", "hidden"),
    [("+79313226657", "+*********57"), ("57", "57"), ("", ""), ("+7 93", "+* 93"), ("۰۹۱۲", "**۱۲")],
)
def test_two_digits_are_left(number: str, hidden: str) -> None:
    assert number_hidden(number) == hidden
