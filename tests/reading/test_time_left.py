"""What is left of a number's life, by `check`: a wrong word ends the order, and the SMS comes to nobody."""

from __future__ import annotations

from typing import Any

import pytest

from shomare_mqtt.provider.reading import read_buy, read_check
from tests.reading.answers_support import NOW, PHONE, context
from tests.reading.reading_support import answer

WAITING = {"id": 74001, "number": PHONE, "sms": None, "status": "waiting"}

NO_LIFE: list[dict[str, Any]] = [
    {"remaining_sms": 3},
    {"remaining_attempts": 3},
    {"attempts_left": 5},
    {"numbers_left": 5},
    {"remaining_balance": 189900},
    {"token_expires_in": 30},
    {"session_ttl": 30},
    {"cache_ttl": 30},
    {"code_expires_in": 120},
    {"expire_price": 3000},
    {"expired": 0},
    {"expired": False},
    {"end": 1},
    {"timeout": 1200},
    {"duration_min": 20},
    {"موجودی_باقیمانده": 1899},
    {"is_expired": 0},
    {"expires_at": "0000-00-00 00:00:00"},
    {"cancel_time": 120},
    {"retry_after": 5},
    {"time": 1200},
    {"time": "00:20:00"},
    {"time": "12:30:05"},
    {"date": "1405/09/04", "time": "01:12:05"},
    {"timestamp": int(NOW.timestamp())},
    {"lifetime": 20},
]


@pytest.mark.parametrize("given", NO_LIFE, ids=str)
def test_what_says_nothing_of_the_end(given: dict[str, Any]) -> None:
    read = read_check(answer({"status": True, "data": {**WAITING, **given}}), context(purchase="74001"))
    assert read.lifetime is None


LEFT: list[tuple[dict[str, Any], float]] = [
    ({"remaining": 431}, 431),
    ({"time": 431}, 431),
    ({"timer": "07:11"}, 431),
    ({"expires_in_minutes": 7}, 420),
    ({"expires_in_ms": 431000}, 431),
    ({"left_time": "7 دقیقه"}, 420),
    ({"duration": 1200, "created_at": "2026-11-25T08:55:00Z"}, 900),
    ({"lifetime": 20, "created_at": "2026-11-25T08:55:00Z"}, 900),
]


@pytest.mark.parametrize(("given", "left"), LEFT, ids=str)
def test_what_is_left(given: dict[str, Any], left: float) -> None:
    read = read_check(answer({"status": True, "data": {**WAITING, **given}}), context(purchase="74001"))
    assert read.lifetime == left


@pytest.mark.parametrize(
    "given", [{"time": "12:30:05"}, {"date": "1405/09/04", "time": "01:12:05"}, {"expired": 0}], ids=str
)
def test_when_it_was_bought_is_no_lifetime(given: dict[str, Any]) -> None:
    assert read_buy(answer({"status": True, "id": 74001, "phone": PHONE, **given}), context()).lifetime is None
