"""Answers to `buy` in which other things have an id, a phone, a price or a time, too: what lies near votes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from shomare_mqtt.provider.reading import read_buy
from tests.reading.answers_support import PHONE, context
from tests.reading.reading_support import answer

DIGITS = PHONE[1:]
NUMBER = {"id": 74001, "number": DIGITS}
PAYMENT = {"id": 9911, "amount": 5500, "status": "paid"}

PURCHASES: list[tuple[dict[str, Any], str]] = [
    ({"transaction": {"id": 9911, "amount": 2200}, "order": NUMBER}, "74001"),
    ({"transaction": {"id": 9911, "amount": 2200}, "number": {"id": 74001, "phone": DIGITS}}, "74001"),
    ({"transaction_id": 9911, "data": {"id": 74001, "phone": DIGITS}}, "74001"),
    ({"transaction_id": 9911, "id": 74001, "phone": DIGITS}, "74001"),
    ({"transaction_id": "T-1", "phone": DIGITS}, "T-1"),
    ({"payment": PAYMENT, "response": {"request_id": "act_9x2k", "number": DIGITS}}, "act_9x2k"),
    ({"payment": PAYMENT, "data": {"tracking_code": 878210249, "tel": DIGITS}}, "878210249"),
    ({"wallet": {"id": 55, "balance": 100}, "purchase": {"code": "P-7", "phone": DIGITS}}, "P-7"),
    ({"log": {"id": 3}, "data": {"item": {"order_code": "601622", "phone": DIGITS}}}, "601622"),
    ({"request_id": "r-1", "data": {"activation_id": 74001, "phone": DIGITS}}, "74001"),
    ({"order_id": 74001, "data": {"id": 5, "phone": DIGITS}}, "74001"),
    ({"order": {"id": 74001}, "number": {"id": 9, "phone": DIGITS}}, "74001"),
    ({"id": 74001, "number": {"id": 9, "phone": DIGITS}}, "74001"),
    ({"activation": 74001, "product": {"id": 3, "name": "Telegram"}, "phone": DIGITS}, "74001"),
    ({"id": "\u200e74001\u200f", "phone": DIGITS}, "74001"),
]


@pytest.mark.parametrize(("given", "purchase"), PURCHASES, ids=str)
def test_the_purchase_is_the_one_with_the_number(given: dict[str, Any], purchase: str) -> None:
    read = read_buy(answer({"status": True, **given}), context())
    assert (read.purchase, read.phone) == (purchase, PHONE)


PHONES: list[tuple[dict[str, Any], str, str]] = [
    ({"phone": "09121234567", "number": DIGITS}, "7", PHONE),
    ({"number": "9123456789", "support": {"phone": "02191001234"}}, "1", "+989123456789"),
    ({"phone": {"country_code": "7", "national": "9313226657"}}, "7", PHONE),
    ({"number": "\u202a+79313226657\u202c"}, "7", PHONE),
    ({"number": "tel:+79313226657"}, "7", PHONE),
    ({"phone": "+44 (0)7911 123456"}, "16", "+447911123456"),
    ({"phone": "+44(0)7911 123456"}, "16", "+447911123456"),
    ({"phone": "07911123456"}, "16", "+447911123456"),
    ({"phone": "1-202-555-0123"}, "187", "+12025550123"),
    ({"phone": 9123456789}, "1", "+989123456789"),
    ({"phone": "12025550123", "countryCode": "187"}, "187", "+12025550123"),
    ({"phone": "9876543210", "country_code": "22"}, "22", "+919876543210"),
    ({"phone": "15123456789", "country_code": 43}, "43", "+4915123456789"),
    ({"phone": "9123456789", "country_code": "98"}, "1", "+989123456789"),
    ({"phone": "9123456789", "country_code": "98"}, "no such", "+989123456789"),
    ({"phone": "9123456789", "prefix": "+98"}, "7", "+989123456789"),
    ({"phone": DIGITS, "prefix": "931"}, "7", PHONE),
    ({"phone": "9313226657", "prefix": 931}, "7", PHONE),
    ({"number": "+7\u00a0931\u00a0322\u201366\u201357"}, "7", PHONE),
]


@pytest.mark.parametrize(("given", "country", "phone"), PHONES, ids=str)
def test_the_phone_is_one_of_the_country_that_was_asked_for(given: dict[str, Any], country: str, phone: str) -> None:
    assert read_buy(answer({"status": True, "id": 74001, **given}), context(country)).phone == phone


LIVES: list[tuple[dict[str, Any], float | None]] = [
    ({"expired_at": {"date": "2026-11-25 09:20:00.000000", "timezone_type": 3, "timezone": "UTC"}}, 1200),
    ({"expired_at": {"date": "2026-11-25 12:50:00.000000", "timezone_type": 3, "timezone": "Asia/Tehran"}}, 1200),
    ({"expired_at": {"date": "2026-11-25 12:50:00.000000", "timezone_type": 1, "timezone": "+03:30"}}, 1200),
    ({"expired_at": {"date": "2026-11-25 12:50:00.000000", "timezone": "No/Where"}}, 1200),
    ({"expires_at": "Wed, 25 Nov 2026 09:20:00 GMT"}, 1200),
    ({"expires_at": "Fri, 31 Dec 9999 23:59:59 -1200"}, None),
    ({"expires_at": "25 Nov 20262026202620 09:20:00 +0000"}, None),
    ({"expires_at": "1405-09-04 12:50:00"}, 1200),
    ({"expiresInMs": 1200000}, 1200),
    ({"ttl_ms": 1200000}, 1200),
    ({"expire_time": "12:50:00"}, 1200),
    ({"expire_time": "00:20:00"}, 1200),
    ({"expiretime": "12:50:00", "expiredate": "1405/09/04"}, 1200),
    ({"ttl": "20m"}, 1200),
    ({"ttl": "PT20M"}, 1200),
    ({"time_left": "19m 30s"}, 1170),
    ({"time_remaining": "1 ساعت و 30 دقیقه"}, 5400),
    ({"start": 1795597200, "end": 1795598400}, 1200),
    ({"duration_min": 20}, 1200),
    ({"timeout": 1200}, 1200),
    ({"زمان_باقیمانده": 1200}, 1200),
    ({"activationTime": "2026-11-25 12:00:00"}, None),
    ({"can_cancel_at": "2026-11-25T09:02:00Z"}, None),
    ({"duration": "20 min"}, 1200),
    ({"lifetime_hours": 2}, 7200),
    ({"time": 20}, 1200),
    ({"time": 0.12}, None),
    ({"meta": {"time": 300, "request_id": "r1"}}, None),
    ({"expires_in": 0}, None),
    ({"expires_in": -1}, None),
]


@pytest.mark.parametrize(("given", "seconds"), LIVES, ids=str)
def test_lifetime(given: dict[str, Any], seconds: float | None) -> None:
    assert read_buy(answer({"status": True, "id": 74001, "phone": DIGITS, **given}), context()).lifetime == seconds


@pytest.mark.parametrize("beside", ["payment", "invoice", "transaction"])
def test_the_price_is_the_numbers_own(beside: str) -> None:
    read = read_buy(answer({"status": True, beside: PAYMENT, "data": {**NUMBER, "sum": 2100}}), context())
    assert read.price == Decimal(2100)
