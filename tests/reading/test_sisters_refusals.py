"""Answers that must not be taken for a success, a purchase, a refusal, an end or a price: each would cost money."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from shomare_mqtt.errors import OutcomeUnknownError, ProviderError, ProviderRefusedError, Upstream
from shomare_mqtt.model import CatalogEntry, CatalogKind
from shomare_mqtt.provider.reading import (
    read_buy,
    read_cancel,
    read_catalog,
    read_check,
    read_price,
    read_prices,
    read_profile,
)
from shomare_mqtt.provider.reading.states import ENDED
from tests.reading.reading_support import BARE, KNOWN, answer, context

HTML = b"<!doctype html><html><body>10.10.34.36</body></html>"
PHONE = "79313226657"

UNKNOWN_BUYS: list[tuple[Any, int]] = [
    (HTML, 200),
    (HTML, 403),
    (HTML, 500),
    (HTML, 502),
    (HTML, 302),
    (b"", 200),
    (b"", 500),
    (b'{"status": true, "data": {"id": 74001, "pho', 200),
    (b'{"status": false, "co', 500),
    (b"NO_NUMBERS", 200),
    ("NO_NUMBERS", 200),
    ("ACCESS_NUMBER:1:2", 500),
    ([], 200),
    ({}, 200),
    (74001, 200),
    (True, 200),
    (None, 200),
    ({"message": "Server Error"}, 500),
    ({"message": "Too Many Attempts."}, 429),
    ({"message": "x", "exception": "ErrorException", "file": "/a.php", "line": 3, "trace": [{"file": "b"}]}, 500),
    ({"message": "Unauthenticated."}, 401),
    ({"message": "Forbidden"}, 403),
    ({"message": "Payment Required"}, 402),
    ({"detail": "Internal server error"}, 500),
    ({"statusCode": 500, "message": "Internal server error"}, 500),
    ({"status_code": 500, "message": "500 Internal Server Error"}, 500),
    ({"statusCode": 403, "message": "Forbidden resource", "error": "Forbidden"}, 403),
    ({"error": {"code": 500, "message": "Internal error"}}, 500),
    ({"error": {"code": 403, "message": "denied"}}, 403),
    ({"errors": [{"code": 500}]}, 500),
    ({"meta": {"code": 500}, "message": "x"}, 500),
    ({"error_code": 500, "error": "x"}, 500),
    ({"error": "Service Unavailable"}, 503),
    ({"code": 422, "message": "x"}, 422),
    ({"code": 500, "message": "No numbers"}, 200),
    ({"code": 503, "message": "x"}, 503),
    ({"error": "NO_NUMBERS"}, 200),
    ({"success": False, "message": "no numbers"}, 200),
    ({"RESULT": "-205"}, 200),
    ({"status": True}, 200),
    ({"status": True, "code": 200, "data": None}, 200),
    ({"status": True, "code": 200, "data": []}, 200),
    ({"status": True, "code": 200, "message": "Your order is queued"}, 200),
    ({"status": True, "code": 200, "data": {"number": PHONE}}, 200),
    ({"status": True, "code": 200, "data": {"balance": 97800, "user_id": 14}}, 200),
    ({"status": True, "code": 200, "data": {"country_id": 7, "operator_id": 1, "app_id": 3}}, 200),
    ({"status": True, "code": 200, "data": {"user": {"id": 14}, "phone": PHONE}}, 200),
    ({"status": True, "code": 200, "data": {"service": {"id": 3}, "country": {"id": 7}}}, 200),
    ({"status": True, "code": 200, "data": {"country_id": 7, "service_code": 3, "number": PHONE}}, 200),
    ({"status": True, "code": 200, "data": {"first_id": 5, "second_id": 6, "number": PHONE}}, 200),
    ({"status": True, "code": 200, "data": {"code": 74001, "number": PHONE}}, 200),
    ({"status": True, "code": 200, "data": {"kind_id": 3, "number": PHONE}}, 200),
    ({"status": True, "data": {"status": False}}, 200),
    ({"status": "pending"}, 200),
    ({"status": "processing", "message": "try later"}, 202),
    ({"status": 202}, 202),
    ({"data": {"id": 74001, "phone": PHONE}}, 500),
    ({"status": False, "data": {"id": 1, "phone": PHONE}}, 200),
]


@pytest.mark.parametrize(("given", "http"), UNKNOWN_BUYS)
def test_no_purchase_and_no_refusal(given: Any, http: int) -> None:
    with pytest.raises(OutcomeUnknownError):
        read_buy(answer(given, http), context())


REFUSED_BUYS: list[tuple[Any, int, str]] = [
    ({"status": False, "code": 500}, 500, "no_numbers"),
    ({"status": False, "code": 500, "message": "شماره خالی موجود نیست"}, 200, "no_numbers"),
    ({"status": "error", "code": 402, "message": "موجودی کافی نیست"}, 402, "insufficient_balance"),
    ({"status": 0, "code": 402}, 200, "insufficient_balance"),
    ({"status": "false", "code": 404}, 404, "not_found"),
    ({"status": False, "code": -1}, 401, "account_blocked"),
    ({"status": False, "code": "-1"}, 401, "account_blocked"),
    ({"status": False, "code": 401}, 401, "invalid_token"),
    ({"status": False, "code": 403}, 403, "missing_token"),
    ({"status": False}, 500, "no_numbers"),
    ({"code": 500, "message": "empty"}, 500, "no_numbers"),
    ({"code": 402}, 402, "insufficient_balance"),
    ({"status": None, "code": 402}, 402, "insufficient_balance"),
    ({"status": "", "message": "?"}, 200, "provider_error"),
    ({"status": False, "code": 500, "data": {"id": 1, "phone": PHONE}}, 200, "no_numbers"),
    ({"status": False, "code": 429}, 429, "provider_error"),
    ({"message": "The route api/buy could not be found."}, 404, "unknown_endpoint"),
    (HTML, 404, "unknown_endpoint"),
    (b"", 404, "unknown_endpoint"),
    ({"message": "The GET method is not supported"}, 405, "method_not_allowed"),
    (HTML, 405, "method_not_allowed"),
]


@pytest.mark.parametrize(("given", "http", "code"), REFUSED_BUYS)
def test_refused_in_the_providers_own_words(given: Any, http: int, code: str) -> None:
    with pytest.raises(ProviderRefusedError) as caught:
        read_buy(answer(given, http), context())
    assert caught.value.code.value == code


QUIET_CHECKS: list[tuple[Any, int]] = [
    (HTML, 200),
    (b"", 200),
    (b"STATUS_CANCEL", 200),
    ("STATUS_CANCEL", 200),
    ({}, 200),
    ([], 200),
    ({"message": "Server Error"}, 500),
    ({"message": "Too Many Attempts."}, 429),
    ({"status": True}, 200),
    ({"status": True, "code": 200, "message": "ok"}, 200),
    ({"status": True, "data": {"id": 74001, "price": 2200, "balance": 54321, "code": None}}, 200),
    ({"status": True, "data": {"id": 74001, "country_code": "98", "operator": 1, "expires_in": 600}}, 200),
    ({"status": True, "data": {"id": 74001, "status": 3, "time_left": 600}}, 200),
    ({"status": True, "data": {"id": 74001, "can_cancel": True, "cancelable": True, "is_finished": 0}}, 200),
    ({"status": True, "data": {"id": 74001, "refundable": True, "code": None}}, 200),
    ({"status": True, "data": {"id": 74001, "expired_at": "2026-11-24 15:50:00", "code": ""}}, 200),
    ({"status": True, "data": {"id": 74001, "status": "active", "sms": "در انتظار دریافت پیامک"}}, 200),
    ({"status": True, "data": {"id": 74001, "sms": "No SMS yet"}}, 200),
    ({"status": True, "data": {"id": 74001, "sms": 0, "sms_count": 0}}, 200),
    ({"status": True, "data": {"id": 74001, "code": "wait"}}, 200),
    ({"status": True, "data": {"id": 74001, "status": "not finished"}}, 200),
    ({"status": True, "data": {"id": 74001, "status": "not_canceled", "sms": []}}, 200),
    ({"status": False, "message": "Too many requests, this check was cancelled, try again later"}, 200),
    ({"status": False, "code": 404, "message": "order expired or not found"}, 404),
    ({"status": False, "code": 401}, 401),
    ({"status": True, "activeActivations": [{"activationId": "74001", "activationStatus": "4", "smsCode": None}]}, 200),
    ({"status": True, "data": {"id": 74001, "number": PHONE, "sms": None, "user_status": "banned"}}, 200),
    ({"status": True, "data": {"id": 74001, "sms": None, "payment_status": "completed"}}, 200),
]


@pytest.mark.parametrize(("given", "http"), QUIET_CHECKS)
def test_no_end_and_no_sms(given: Any, http: int) -> None:
    try:
        read = read_check(answer(given, http), context())
    except ProviderError:
        return
    assert read.state not in ENDED
    assert read.sms == ()


NO_CANCELS: list[tuple[Any, int]] = [
    (HTML, 200),
    (b"", 200),
    (b"ACCESS_CANCEL", 500),
    ({}, 200),
    ([], 200),
    ({"message": "Server Error"}, 500),
    ({"status": False, "message": "too early"}, 200),
    ({"status": False, "code": 404}, 404),
    ({"status": False, "message": "order cancelled?"}, 200),
    ({"status": True, "message": "You cannot cancel yet"}, 200),
    ({"status": True, "message": "امکان لغو وجود ندارد"}, 200),
    ({"status": True, "message": "این شماره قابل لغو نیست"}, 200),
    ({"status": True, "data": {"status": "pending"}}, 200),
    ({"status": True, "data": {"canceled": False}}, 200),
    ({"status": True, "data": {"success": False}}, 200),
    ({"status": True, "data": "EARLY_CANCEL_DENIED"}, 200),
    ({"error": "EARLY_CANCEL_DENIED"}, 200),
    ({"status": "update"}, 200),
    ({"status": "waiting"}, 200),
    ({"RESULT": -1}, 200),
    ({"RESULT": 2, "CODE": "12345", "DESCRIPTION": "code received"}, 200),
    ({"status": True, "data": {"id": 74001, "status": "received", "code": "12345"}}, 200),
    ({"status": True, "data": {"id": 74001, "status": "finished"}}, 200),
]


@pytest.mark.parametrize(("given", "http"), NO_CANCELS)
def test_no_cancel(given: Any, http: int) -> None:
    with pytest.raises(ProviderError):
        read_cancel(answer(given, http), context())


@pytest.mark.parametrize("read", [read_check, read_cancel])
@pytest.mark.parametrize("message", ["Your code is 48213", "کد شما ۴۸۲۱۳", "already received G-123 456"])
def test_no_code_gets_into_an_error(read: Any, message: str) -> None:
    """Errors are logged and retained; a refusal that quotes the SMS must not bring its code there."""
    for said, kept in ((message, False), ("too early, wait 120 seconds", True)):
        with pytest.raises(ProviderError) as caught:
            read(answer({"status": False, "code": 400, "message": said}, 400), context())
        assert (said in caught.value.message) is kept


@pytest.mark.parametrize("read", [read_check, read_cancel])
@pytest.mark.parametrize("code", [48213, "48213", "G-48213", "482 133"])
def test_no_code_gets_into_an_errors_upstream(read: Any, code: Any) -> None:
    for said, kept in ((code, None), (-1, -1), (404, 404), (202, 202)):
        with pytest.raises(ProviderError) as caught:
            read(answer({"status": False, "code": said, "message": "received already"}, 400), context())
        assert caught.value.upstream == Upstream(400, kept)


NO_PRICES: list[Any] = [
    HTML,
    {"status": True},
    {"status": True, "code": 200, "data": "ok"},
    {"status": True, "code": 200, "data": {"total": 5, "page": 1}},
    {"status": True, "code": 200, "data": [{"id": 3, "country": 7}]},
    {"vk_0": 76, "ok_0": 139},
    {"status": True, "data": [["3", 2200, 10], ["5", 1500, 0]]},
    {"status": True, "data": {"3": [2200, 10], "5": [1500, 0]}},
    {"status": True, "data": True},
    {"status": True, "data": [2200, 10]},
    {"status": True, "data": {"limit": 50, "offset": 0}},
    {"status": True, "data": {"price": "تماس بگیرید"}},
]


@pytest.mark.parametrize("given", NO_PRICES)
def test_no_price(given: Any) -> None:
    with pytest.raises(ProviderError):
        read_prices("7", "1", answer(given), context())
    with pytest.raises(ProviderError):
        read_price("3", answer(given), context())


ODD_PRICES: list[tuple[Any, str | None]] = [
    ({"3": {"44": 10}}, "44"),
    ({"3": {"9": 10}}, "9"),
    ({"3": {"2200": 10, "1900": 0}}, "2200"),
    ({"3": {"7": 2200, "98": 100}}, "2200"),
    ({"3": {"1": 2200, "2": 100}}, "2200"),
    ({"3": {"any": 2200}}, "2200"),
    ({"3": 2200, "5": 100, "77": 900}, "2200"),
    ({"7": {"1": {"3": 2200, "5": 100}}}, "2200"),
    ({"service": "3", "prices": {"2200": 10}}, "2200"),
    (
        {
            "3": {
                "country": 7,
                "count": 43575,
                "price": 15,
                "retail_price": 30,
                "freePriceMap": {"12.00": 43, "18.00": 3},
            }
        },
        "15",
    ),
    ({"status": True, "data": {"app_id": 3, "price": None, "count": 5}}, None),
    ({"status": True, "data": {"app_id": 3, "price": -1, "count": 5}}, None),
]


@pytest.mark.parametrize(("given", "wanted"), ODD_PRICES)
def test_never_a_wrong_price(given: Any, wanted: str | None) -> None:
    expected = None if wanted is None else Decimal(wanted)
    assert read_price("3", answer(given), context()).price == expected
    found = {p.application: p.price for p in read_prices("7", "1", answer(given), context()).prices}
    assert found["3"] == expected


def test_a_price_that_is_also_an_id() -> None:
    """Ids without a gap: 22 is an application, and 7 one as well as the country asked for."""
    every = tuple(CatalogEntry(str(i), f"App {i}", (f"App {i}",)) for i in range(1, 60))
    given = {"3": {"22": 10}, "7": {"22": 10, "31": 4}, "9": {"15": 2}}
    read = read_prices("7", "1", answer(given), context(replace(KNOWN, applications=every)))
    found = {p.application: (p.price, p.count) for p in read.prices}
    assert found == {"3": (Decimal(22), 10), "7": (Decimal(22), 10), "9": (Decimal(15), 2)}


@pytest.mark.parametrize(
    "given", [{"3": {"2200": 10}}, {"7": {"3": {"2200": 10}}}, {"status": True, "3": {"22.5": 10}}]
)
def test_the_stock_is_no_price_where_no_list_is_known(given: Any) -> None:
    try:
        read = read_price("3", answer(given), context(BARE))
    except ProviderError:
        return
    assert read.price != Decimal(10)


@pytest.mark.parametrize(
    "given",
    [
        HTML,
        {},
        [],
        {"status": True, "code": 200},
        {"status": True, "code": 200, "message": "ok"},
        {"status": True, "data": True},
    ],
)
def test_no_profile(given: Any) -> None:
    with pytest.raises(ProviderError):
        read_profile(answer(given), context())


@pytest.mark.parametrize(
    "given",
    [
        {"status": True, "data": {"id": 5, "name": "x", "orders_count": 7, "total_spent": 900}},
        {"status": True, "data": {"id": 5, "frozen_balance": 7, "mobile": "09121234567"}},
    ],
)
def test_no_balance(given: Any) -> None:
    assert read_profile(answer(given), context()).balance is None


@pytest.mark.parametrize(
    "given",
    [HTML, {}, {"status": True, "code": 200}, {"status": True, "message": "ok"}, {"status": True, "data": "ok"}, 5],
)
@pytest.mark.parametrize("kind", list(CatalogKind))
def test_no_list(given: Any, kind: CatalogKind) -> None:
    with pytest.raises(ProviderError):
        read_catalog(kind, answer(given), context(KNOWN))
