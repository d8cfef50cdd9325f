"""Whole answers to `buy` as sister providers and shops on Laravel give them, and what a person reads in them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from shomare_mqtt.provider.reading import read_buy
from tests.reading.answers_support import ANY, PHONE, context
from tests.reading.reading_support import answer


@dataclass(frozen=True)
class Buy:
    name: str
    given: Any
    purchase: str
    phone: str | None
    price: str | None = ANY
    lifetime: float | None = ANY
    country: str = "7"


BUYS = [
    Buy(
        "numberland",
        {
            "RESULT": "1",
            "ID": "74001",
            "NUMBER": "79313226657",
            "AREACODE": "7",
            "AMOUNT": "2200",
            "REPEAT": "1",
            "TIME": "00:20:00",
        },
        "74001",
        "+79313226657",
        "2200",
        1200,
    ),
    Buy(
        "numberland apart",
        {
            "RESULT": 1,
            "ID": 74001,
            "NUMBER": "9313226657",
            "AREACODE": "+7",
            "AMOUNT": 2200,
            "REPEAT": 1,
            "TIME": "00:15:00",
        },
        "74001",
        "+79313226657",
        "2200",
        900,
    ),
    Buy(
        "5sim",
        {
            "id": 11631253,
            "phone": "+79000381454",
            "operator": "beeline",
            "product": "vkontakte",
            "price": 21,
            "status": "PENDING",
            "expires": "2026-11-25T09:15:00.000000Z",
            "sms": None,
            "created_at": "2026-11-25T09:00:00.0Z",
            "forwarding": False,
            "forwarding_number": "",
            "country": "russia",
        },
        "11631253",
        "+79000381454",
        "21",
        900,
    ),
    Buy(
        "5sim in envelope",
        {
            "status": True,
            "code": 200,
            "data": {
                "id": 11631253,
                "phone": "+79000381454",
                "operator": "any",
                "product": "telegram",
                "price": "2,200 تومان",
                "status": "PENDING",
                "expires": "2026-11-25 12:45:00",
                "sms": [],
            },
        },
        "11631253",
        "+79000381454",
        "2200",
        900,
    ),
    Buy(
        "smsactivate v2",
        {
            "activationId": "635468024",
            "phoneNumber": "79584123456",
            "activationCost": "12.50",
            "currency": 643,
            "countryCode": "0",
            "canGetAnotherSms": "1",
            "activationTime": "2026-11-25 12:00:00",
            "activationOperator": "any",
        },
        "635468024",
        "+79584123456",
        "12.50",
        country="0",
    ),
    Buy(
        "hero v2 status 1",
        {"status": 1, "activationId": 635468024, "phoneNumber": 79584123456, "activationCost": 2200},
        "635468024",
        "+79584123456",
        "2200",
        None,
    ),
    Buy("access text as json string", "ACCESS_NUMBER:635468024:79584123456", "635468024", "+79584123456"),
    Buy(
        "sms-man",
        {"request_id": 1, "country_id": 7, "application_id": 3, "number": "79002415539"},
        "1",
        "+79002415539",
        None,
        None,
    ),
    Buy(
        "onlinesim",
        {"response": 1, "tzid": 1002341, "number": "+79651234567", "country": 7, "service": "telegram"},
        "1002341",
        "+79651234567",
        None,
        None,
    ),
    Buy(
        "onlinesim list",
        [{"response": "TZ_NUM_PREPARE", "tzid": 1002341, "number": "+79651234567", "time": 895, "sum": 2200}],
        "1002341",
        "+79651234567",
        "2200",
        895,
    ),
    Buy(
        "smspva",
        {
            "response": "1",
            "number": "9871234567",
            "id": 25623,
            "again": 0,
            "text": None,
            "extra": None,
            "karma": 12.3,
            "pass": None,
            "sms": None,
            "balanceOnPhone": 0,
            "service": None,
            "country": None,
            "CountryCode": "+7",
            "branchId": 0,
            "callForwarding": False,
            "goipSlotId": -1,
            "lifeSpan": 580,
        },
        "25623",
        "+79871234567",
        None,
        580,
    ),
    Buy(
        "smspva v2",
        {
            "statusCode": 200,
            "data": {"orderId": 100010010, "phoneNumber": "9871234567", "countryCode": "7", "orderExpireIn": 600},
        },
        "100010010",
        "+79871234567",
        None,
        600,
    ),
    Buy(
        "ozvinoo",
        {"number": "+79313226657", "request_id": "9812345", "country": "Russia", "price": 2200, "quality": "normal"},
        "9812345",
        "+79313226657",
        "2200",
    ),
    Buy(
        "ozvinoo v2",
        {
            "status": True,
            "data": {
                "number": "79313226657",
                "order_id": 987654321,
                "country": "Russia 🇷🇺",
                "price": 2200,
                "quality": "عالی",
                "range": "7931",
            },
        },
        "987654321",
        "+79313226657",
        "2200",
    ),
    Buy(
        "smspool",
        {
            "success": 1,
            "number": "79313226657",
            "cc": "7",
            "phonenumber": "9313226657",
            "order_id": "ABCDEFGH",
            "orderid": "ABCDEFGH",
            "country": "Russia",
            "service": "Telegram",
            "pool": 5,
            "expires_in": 599,
            "expiration": 1795597799,
            "message": "You have successfully ordered a Telegram number from pool: Foxtrot for 0.24.",
            "cost": "0.24",
            "cost_in_cents": 24,
            "current_balance": "12.30",
        },
        "ABCDEFGH",
        "+79313226657",
        "0.24",
        599,
    ),
    Buy(
        "vak",
        {"tel": 79091234567, "service": "tg", "idNum": "3adb61376b8f4adb90d6e758cf8084fd"},
        "3adb61376b8f4adb90d6e758cf8084fd",
        "+79091234567",
        None,
        None,
    ),
    Buy("verifyplus", {"number": "79959978292", "numberId": "1343243"}, "1343243", "+79959978292"),
    Buy(
        "shiz",
        {
            "order_id": 99123,
            "number": "+79313226657",
            "price": 2200,
            "status": "waiting",
            "created_at": "2026-11-25 12:30:00",
        },
        "99123",
        "+79313226657",
        "2200",
    ),
    Buy(
        "laravel resource",
        {
            "status": True,
            "code": 200,
            "message": "خرید با موفقیت انجام شد",
            "data": {
                "order": {
                    "id": 4412,
                    "user_id": 17,
                    "country_id": 7,
                    "operator_id": 1,
                    "application_id": 3,
                    "number": "9313226657",
                    "price": "2200.00",
                    "status": "pending",
                    "expires_at": "2026-11-25T12:50:00.000000Z",
                    "created_at": "2026-11-25T09:00:00Z",
                },
                "user": {"id": 17, "mobile": "09121234567", "wallet": 189900},
            },
        },
        "4412",
        "+79313226657",
        "2200",
        13800,
    ),
    Buy(
        "laravel user first",
        {
            "status": True,
            "user": {"id": 17, "mobile": "09121234567", "balance": 189900},
            "order": {"id": 4412, "phone": "79313226657", "amount": 2200, "expire": 1200},
        },
        "4412",
        "+79313226657",
        "2200",
        1200,
    ),
    Buy(
        "ghasedak style",
        {
            "status": "true",
            "code": "200",
            "result": {
                "OrderID": "4412",
                "Number": "00989123456789",
                "Price": "۲٬۲۰۰",
                "ExpireTime": "1405/09/04 12:50:00",
            },
        },
        "4412",
        "+989123456789",
        "2200",
        1200,
        country="1",
    ),
    Buy(
        "dashes",
        {"status": True, "order": {"code": "SH-88123", "phone": "+7 (931) 322-66-57", "cost": 2200}},
        "SH-88123",
        "+79313226657",
        "2200",
    ),
    Buy(
        "epoch ms",
        {
            "status": "success",
            "purchase": {
                "id": "p_1",
                "phoneNumber": "79313226657",
                "endsAt": 1795597800000,
                "price": {"amount": 2200, "currency": "IRT"},
            },
        },
        "p_1",
        "+79313226657",
        "2200",
        600,
    ),
    Buy(
        "expire min word",
        {"status": True, "id": 74001, "phone": "79313226657", "expire_minutes": 20},
        "74001",
        "+79313226657",
        None,
        1200,
    ),
    Buy(
        "remaining",
        {
            "status": True,
            "orderid": 74001,
            "num": "79313226657",
            "remaining_time": 1199,
            "start": 1795597200,
            "end": 1795598399,
        },
        "74001",
        "+79313226657",
        None,
        1199,
    ),
    Buy(
        "code 200 and tracking",
        {
            "status": True,
            "code": 200,
            "tracking_code": "740012",
            "number": "79313226657",
            "country": "7",
            "operator": "1",
            "app": "3",
        },
        "740012",
        "+79313226657",
    ),
    Buy(
        "number is id? number object",
        {
            "status": True,
            "number": {"id": 74001, "value": "79313226657", "country": {"id": 7, "name": "Russia", "prefix": "+7"}},
            "price": 2200,
        },
        "74001",
        "+79313226657",
        "2200",
    ),
    Buy(
        "number nested full",
        {"status": True, "data": {"id": 74001, "number": {"full": "+79313226657", "short": "9313226657", "code": "7"}}},
        "74001",
        "+79313226657",
    ),
    Buy(
        "order id equals country",
        {"status": True, "country": 7, "operator": 1, "application": 3, "id": 7, "number": "79313226657"},
        "7",
        "+79313226657",
    ),
    Buy(
        "balance only money",
        {"status": True, "id": 74001, "number": "79313226657", "balance": 189900},
        "74001",
        "+79313226657",
        None,
    ),
    Buy(
        "germany",
        {"status": True, "id": 74001, "number": "015123456789", "prefix": "+49"},
        "74001",
        "+4915123456789",
        country="43",
    ),
    Buy("uk 07", {"status": True, "id": 74001, "phone": "07911123456"}, "74001", "+447911123456", country="16"),
    Buy("usa 10", {"status": True, "id": 74001, "phone": 2025550123}, "74001", "+12025550123", country="187"),
    Buy("00", {"status": True, "id": 74001, "phone": "0079313226657"}, "74001", "+79313226657"),
    Buy("of another country", {"status": True, "id": 5512, "number": "40712345678"}, "5512", "+40712345678"),
    Buy("ru 8", {"status": True, "id": 74001, "phone": "89313226657"}, "74001", "+79313226657"),
    Buy(
        "user's own phone beside",
        {
            "status": True,
            "id": 74001,
            "user_mobile": "09121234567",
            "number": "79313226657",
            "support_phone": "02112345678",
        },
        "74001",
        "+79313226657",
    ),
    Buy("status 0 with number", {"status": 0, "id": 74001, "phone": "79313226657"}, "74001", "+79313226657"),
    Buy(
        "error false",
        {"error": False, "error_code": 0, "msg": "", "order_id": 74001, "phone": "79313226657"},
        "74001",
        "+79313226657",
    ),
    Buy("tiger text in data", {"status": True, "data": "ACCESS_NUMBER:999999:79313226657"}, "999999", "+79313226657"),
    Buy(
        "grizzly json",
        {
            "activationId": "112233",
            "phoneNumber": "79313226657",
            "activationCost": "11.5",
            "currency": "840",
            "countryCode": "7",
            "canGetAnotherSms": "1",
            "activationTime": "2026-11-25 09:00:00",
        },
        "112233",
        "+79313226657",
        "11.5",
    ),
    Buy(
        "sms4sats",
        {
            "status": "OK",
            "paid": True,
            "id": 1125699791,
            "number": 79313226657,
            "timestamp": 1795597200000,
            "country": "Russia",
            "service": "telegram",
        },
        "1125699791",
        "+79313226657",
        None,
    ),
    Buy(
        "sms-activate.dev",
        {
            "id": "act_9x2k1p",
            "number": "+79161234567",
            "service": "telegram",
            "country": "ru",
            "expires_at": "2026-11-25T09:20:00Z",
        },
        "act_9x2k1p",
        "+79161234567",
        None,
        1200,
    ),
    Buy(
        "id as phone-like long",
        {"status": True, "data": {"id": 17325500912, "number": "79313226657"}},
        "17325500912",
        "+79313226657",
    ),
    Buy(
        "id long no phone name",
        {"status": True, "data": {"order_id": "17325500912", "tel": "79313226657", "created_at": 1795597200}},
        "17325500912",
        "+79313226657",
    ),
    Buy(
        "BuyID",
        {
            "status": True,
            "BuyID": 3312,
            "PhoneNumber": "79313226657",
            "Price": 2200,
            "CountryID": 7,
            "OperatorID": 1,
            "AppID": 3,
        },
        "3312",
        "+79313226657",
        "2200",
    ),
    Buy(
        "factor",
        {"status": True, "factor_number": "5512", "number_id": 74001, "number": "79313226657"},
        "74001",
        "+79313226657",
    ),
    Buy("id only, no phone", {"status": True, "id": 74001}, "74001", None),
]


@pytest.mark.parametrize("case", BUYS, ids=lambda case: case.name)
def test_a_purchase(case: Buy) -> None:
    read = read_buy(answer(case.given), context(case.country))
    assert (read.purchase, read.phone) == (case.purchase, case.phone)
    if case.price is not ANY:
        assert read.price == (None if case.price is None else Decimal(case.price))
    if case.lifetime is not ANY:
        assert read.lifetime == case.lifetime


STATES = [
    *("PENDING", "RECEIVED", "waiting", "wait_code", "active", "new", "created", "processing", "CANCELED", 2, 3, 202),
    *("در انتظار پیامک", "STATUS_WAIT_CODE", "ACCESS_NUMBER", "in_progress", "open", "reserved", "WAIT_SMS"),
    *("registered", "started", 0, "0", "no_sms", "no sms yet", None),
]
SUCCESSES = [True, 1, 200, 201, "true", "1", "200", "success", "Success", "OK", "ok", "successful", "موفق"]


@pytest.mark.parametrize("status", [*STATES, *SUCCESSES], ids=str)
def test_a_number_that_is_named_was_bought_whatever_its_state(status: Any) -> None:
    read = read_buy(answer({"status": status, "id": 74001, "phone": PHONE}), context())
    assert (read.purchase, read.phone) == ("74001", PHONE)
