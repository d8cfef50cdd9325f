"""Purchases out of every dialect, and what alone counts as a refusal (contract, end of section Answers)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from shomare_mqtt.errors import ErrorCode, OutcomeUnknownError, ProviderRefusedError
from shomare_mqtt.model import Known
from shomare_mqtt.provider.reading import read_buy

from .reading_support import KNOWN, answer, context

PHONE = "+79313226657"
BOUGHT: list[tuple[Any, str, str | None, str | None, float | None]] = [
    ({"status": True, "code": 200, "data": {"id": 74001, "phone": PHONE, "price": 2200}}, "74001", PHONE, "2200", None),
    ({"status": True, "order_id": "74001", "number": "79313226657"}, "74001", PHONE, None, None),
    (
        {"status": True, "id": 74001, "number": "9313226657", "areacode": "+7", "time": "00:20:00"},
        "74001",
        PHONE,
        None,
        1200,
    ),
    (
        {
            "isSuccess": True,
            "statusCode": 0,
            "data": {"requestId": 74001, "phoneNumber": PHONE, "cost": 2200.0, "remainingSeconds": 1200},
        },
        "74001",
        PHONE,
        "2200",
        1200,
    ),
    (
        {
            "RESULT": 1,
            "ID": "74001",
            "NUMBER": "9313226657",
            "AREACODE": "7",
            "AMOUNT": "2200",
            "REPEAT": "0",
            "TIME": "00:20:00",
        },
        "74001",
        PHONE,
        "2200",
        1200,
    ),
    (
        {
            "id": 74001,
            "phone": PHONE,
            "operator": "tele2",
            "product": "vk",
            "price": 21,
            "status": "PENDING",
            "expires": "2026-11-24T12:15:00.307041Z",
            "sms": None,
            "created_at": "2026-11-24T12:00:00Z",
            "country": "russia",
        },
        "74001",
        PHONE,
        "21",
        900.0,
    ),
    (
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
            "expiration": 1795521600,
            "message": "You have succesfully ordered",
            "cost": "0.3",
            "cost_in_cents": 30,
        },
        "ABCDEFGH",
        PHONE,
        "0.3",
        599,
    ),
    (
        {
            "activationId": "635468021",
            "phoneNumber": "79313226657",
            "activationCost": "12.50",
            "countryCode": "0",
            "canGetAnotherSms": "1",
            "activationTime": "2026-11-24 15:30:00",
            "activationEndTime": "2026-11-24 15:50:00",
            "activationOperator": "mtt",
        },
        "635468021",
        PHONE,
        "12.50",
        1200,
    ),
    (
        {
            "statusCode": 200,
            "data": {"orderId": 123456, "phoneNumber": 9313226657, "countryCode": "RU", "orderExpireIn": 600},
        },
        "123456",
        PHONE,
        None,
        600,
    ),
    (
        {
            "response": "1",
            "number": "9313226657",
            "id": 25623,
            "CountryCode": "+7",
            "again": 0,
            "text": None,
            "extra": None,
            "karma": 10,
            "sms": None,
            "lifeSpan": 600,
        },
        "25623",
        PHONE,
        None,
        600,
    ),
    (
        {"tel": 79313226657, "idNum": "3adb61376b8f4adb90d6e758cf8084fd"},
        "3adb61376b8f4adb90d6e758cf8084fd",
        PHONE,
        None,
        None,
    ),
    ({"response": 1, "tzid": 74001, "number": PHONE}, "74001", PHONE, None, None),
    ({"number": "79313226657", "numberId": "1343243"}, "1343243", PHONE, None, None),
    ({"status": "success", "request_id": 74001, "number": "9313226657", "areacode": "7"}, "74001", PHONE, None, None),
    (
        {"status": True, "data": {"order": {"id": 74001, "mobile": "۹۳۱۳۲۲۶۶۵۷", "prefix": "007"}}},
        "74001",
        PHONE,
        None,
        None,
    ),
    (
        {"status": True, "result": [{"order_code": "A-74001", "ordered_number": "+7 (931) 322-66-57"}]},
        "A-74001",
        PHONE,
        None,
        None,
    ),
    ({"status": True, "data": {"tracking_code": "TR74001", "phone": "9313226657"}}, "TR74001", PHONE, None, None),
    ([{"status": True, "id": 74001, "number": "79313226657"}], "74001", PHONE, None, None),
    (
        {
            "status": True,
            "data": {"user": {"id": 1, "phone": "09121234567"}, "order": {"id": 74001, "phone": "79313226657"}},
        },
        "74001",
        PHONE,
        None,
        None,
    ),
    (
        {
            "status": True,
            "data": {"id": 74001, "number": {"phone": "9313226657", "country": {"id": 7, "areacode": "+7"}}},
        },
        "74001",
        PHONE,
        None,
        None,
    ),
    (
        {
            "status": True,
            "data": {"id": 74001, "phone": "79313226657", "expire_date": "1405/9/3", "expire_time": "15:45:00"},
        },
        "74001",
        PHONE,
        None,
        900,
    ),
    (
        {"status": True, "data": {"id": 74001, "phone": "79313226657", "endsAt": 1795522500000}},
        "74001",
        PHONE,
        None,
        None,
    ),
    (
        {"status": True, "data": {"id": 74001, "phone": "79313226657", "expires_at": "2026-11-24 15:50:00"}},
        "74001",
        PHONE,
        None,
        1200,
    ),
    (
        {"status": True, "data": {"id": 74001, "phone": "79313226657", "lifetime_minutes": 20}},
        "74001",
        PHONE,
        None,
        1200,
    ),
    ({"status": True, "data": {"id": 74001, "phone": "79313226657", "ttl": "1200"}}, "74001", PHONE, None, 1200),
    ({"status": True, "data": {"id": 74001, "phone": "79313226657", "time": 20}}, "74001", PHONE, None, 1200),
    ({"status": True, "data": {"id": 74001.0, "phone": 79313226657}}, "74001", PHONE, None, None),
    (
        {"status": True, "data": {"id": 123456789012345678901234567890, "phone": PHONE}},
        "123456789012345678901234567890",
        PHONE,
        None,
        None,
    ),
    ({"status": True, "data": {"id": 74001}}, "74001", None, None, None),
    (
        {"ok": True, "order": 74001, "phone_number": "0079313226657", "balance": 500, "price": "2,200 تومان"},
        "74001",
        PHONE,
        "2200",
        None,
    ),
    (
        {"status": 200, "payload": {"activation": {"activation_id": 74001, "msisdn": "79313226657", "cost": 5}}},
        "74001",
        PHONE,
        "5",
        None,
    ),
    (
        {
            "id": "act_9x2k1p",
            "number": PHONE,
            "service": "telegram",
            "country": "ru",
            "expires_at": "2026-11-24T12:10:00Z",
        },
        "act_9x2k1p",
        PHONE,
        None,
        600,
    ),
    (
        {"success": True, "title": "", "message": "", "number_id": 28, "number": PHONE, "status": "NUMBER_PURCHASED"},
        "28",
        PHONE,
        None,
        None,
    ),
    (
        {
            "success": True,
            "order_id": 15,
            "number": "+91 98765 43210",
            "price": 5.0,
            "expires_at": "2026-11-24T17:40:00+05:30",
            "status": "waiting_sms",
        },
        "15",
        "+919876543210",
        "5.0",
        600,
    ),
    (
        {
            "status": True,
            "data": {
                "id": 5,
                "application_id": 3,
                "country_id": 7,
                "operator_id": 1,
                "phone": "79313226657",
                "status": 1,
            },
        },
        "5",
        PHONE,
        None,
        None,
    ),
]


@pytest.mark.parametrize(("value", "purchase", "phone", "price", "left"), BOUGHT, ids=range(len(BOUGHT)))
def test_purchases_are_read(
    value: Any, purchase: str, phone: str | None, price: str | None, left: float | None
) -> None:
    read = read_buy(answer(value), context())
    assert (read.purchase, read.phone) == (purchase, phone)
    assert read.price == (None if price is None else Decimal(price))
    if left is not None:
        assert read.lifetime == pytest.approx(left, abs=1)


HTML = b"<html><body>blocked</body></html>"
REFUSED: list[tuple[int, Any, ErrorCode]] = [
    (401, {"status": False, "code": 401}, ErrorCode.INVALID_TOKEN),
    (401, {"status": False, "code": -1}, ErrorCode.ACCOUNT_BLOCKED),
    (402, {"status": False, "code": 402, "message": "x"}, ErrorCode.INSUFFICIENT_BALANCE),
    (200, {"status": False, "code": 402}, ErrorCode.INSUFFICIENT_BALANCE),
    (200, {"status": False, "code": "402"}, ErrorCode.INSUFFICIENT_BALANCE),
    (200, {"status": False, "error": {"code": 402, "message": "x"}}, ErrorCode.INSUFFICIENT_BALANCE),
    (403, {"status": False, "code": 403}, ErrorCode.MISSING_TOKEN),
    (404, {"status": False, "code": 404}, ErrorCode.NOT_FOUND),
    (404, {"code": 404, "message": "x"}, ErrorCode.NOT_FOUND),
    (404, HTML, ErrorCode.UNKNOWN_ENDPOINT),
    (404, b"", ErrorCode.UNKNOWN_ENDPOINT),
    (404, {"message": "The route api/buy could not be found."}, ErrorCode.UNKNOWN_ENDPOINT),
    (405, HTML, ErrorCode.METHOD_NOT_ALLOWED),
    (405, {"message": "not supported"}, ErrorCode.METHOD_NOT_ALLOWED),
    (405, {"status": False, "code": 405}, ErrorCode.METHOD_NOT_ALLOWED),
    (500, {"status": False, "code": 500}, ErrorCode.NO_NUMBERS),
    (500, {"status": False}, ErrorCode.NO_NUMBERS),
    (500, {"code": 500, "message": "x"}, ErrorCode.NO_NUMBERS),
    (200, {"status": False, "code": 500}, ErrorCode.NO_NUMBERS),
    (200, {"status": "error", "message": "no numbers"}, ErrorCode.PROVIDER_ERROR),
    (409, {"status": 409, "detail": "No number available!"}, ErrorCode.PROVIDER_ERROR),
    (200, {"status": False, "code": 402, "id": 5, "phone": PHONE}, ErrorCode.INSUFFICIENT_BALANCE),
    (200, {"status": 0, "code": 500, "data": {"id": 5, "phone": PHONE}}, ErrorCode.NO_NUMBERS),
    (200, {"status": None}, ErrorCode.PROVIDER_ERROR),
    (503, {"status": False, "message": "later"}, ErrorCode.PROVIDER_ERROR),
    (402, {"code": 402}, ErrorCode.INSUFFICIENT_BALANCE),
]


@pytest.mark.parametrize(("http", "value", "code"), REFUSED, ids=range(len(REFUSED)))
def test_refusals_in_the_providers_own_words(http: int, value: Any, code: ErrorCode) -> None:
    with pytest.raises(ProviderRefusedError) as caught:
        read_buy(answer(value, http), context())
    assert caught.value.code is code
    assert caught.value.upstream is not None
    assert caught.value.upstream.http == http


UNKNOWN: list[tuple[int, Any]] = [
    (200, b""),
    (200, HTML),
    (200, b'{"status": true, "data": {"id": 74'),
    (200, {"status": True}),
    (200, {"status": True, "data": {"phone": PHONE}}),
    (200, {"status": False, "id": 5, "phone": PHONE}),
    (200, {"status": "success", "message": "bought"}),
    (200, {"status": "pending"}),
    (200, {}),
    (200, []),
    (200, "OK"),
    (200, {"error": "no_numbers"}),
    (201, {"message": "created"}),
    (204, b""),
    (302, HTML),
    (302, {"message": "Redirecting"}),
    (400, {"message": "bad"}),
    (401, HTML),
    (401, {"message": "Unauthenticated."}),
    (401, {"code": -1}),
    (402, HTML),
    (403, HTML),
    (403, {"message": "Forbidden"}),
    (404, b'{"status": false, "code'),
    (422, {"message": "invalid", "errors": {"country": ["required"]}}),
    (429, {"message": "Too Many Attempts."}),
    (429, HTML),
    (500, HTML),
    (500, {"message": "Server Error"}),
    (500, b""),
    (500, []),
    (502, HTML),
    (503, b"Service Unavailable"),
    (504, {"message": "Gateway Timeout"}),
    (500, {"id": 74001, "phone": PHONE}),
]


@pytest.mark.parametrize(("http", "value"), UNKNOWN, ids=range(len(UNKNOWN)))
def test_all_else_is_an_unknown_outcome(http: int, value: Any) -> None:
    with pytest.raises(OutcomeUnknownError) as caught:
        read_buy(answer(value, http, retry_after=30.0), context())
    assert caught.value.code is ErrorCode.OUTCOME_UNKNOWN
    assert caught.value.retry_after == 30.0
    assert PHONE[3:] not in str(caught.value)


@pytest.mark.parametrize(
    ("number", "fields", "expected"),
    [
        ("9121234567", {"areacode": "98"}, "+989121234567"),
        ("09121234567", {"areacode": "+98"}, "+989121234567"),
        ("989121234567", {"areacode": "98"}, "+989121234567"),
        ("7771234567", {"prefix": "7"}, "+77771234567"),
        ("77771234567", {"prefix": "7"}, "+77771234567"),
        ("2025550123", {"country_code": 1}, "+12025550123"),
        ("12025550123", {"country_code": "1"}, "+12025550123"),
        ("9123456789", {"dial_code": "+91"}, "+919123456789"),
        ("447350690992", {"prefix": "+44"}, "+447350690992"),
        ("+447350690992", {}, "+447350690992"),
        ("7350690992", {"country_code": "GB"}, "7350690992"),
    ],
)
def test_the_dialling_code_stands_once(number: str, fields: dict[str, Any], expected: str) -> None:
    value = {"status": True, "data": {"id": 1, "number": number, **fields}}
    assert read_buy(answer(value), context(Known())).phone == expected


@pytest.mark.parametrize("left", [-5, 99999999, "soon", "-00:05:00", "2020-01-01 00:00:00"])
def test_an_implausible_lifetime_is_not_understood(left: Any) -> None:
    read = read_buy(answer({"status": True, "id": 5, "phone": PHONE, "expires_in": left}), context(KNOWN))
    assert read.lifetime is None
    assert read.unread == ("lifetime",)
