"""SMS and states out of every dialect that a check may come in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from shomare_mqtt.errors import ErrorCode, ProviderError, ProviderFailedError, ProviderRefusedError
from shomare_mqtt.model import PurchaseState
from shomare_mqtt.provider.reading import read_check

from .reading_support import answer, context

W, R, F, X, E = (
    PurchaseState.WAITING,
    PurchaseState.RECEIVED,
    PurchaseState.FINISHED,
    PurchaseState.CANCELLED,
    PurchaseState.EXPIRED,
)
T = "Your Telegram code is 12345"
CODE = [("12345", T)]
ONLY = [("12345", None)]
BARE = [("12345", "12345")]
DIALECTS: list[tuple[Any, PurchaseState | None, Any]] = [
    ({"status": True, "code": 200, "data": {"id": 74001, "status": "waiting", "sms": None}}, W, []),
    (
        {
            "status": True,
            "code": 200,
            "data": {"id": 74001, "status": "received", "sms": [{"code": "12345", "text": T}]},
        },
        R,
        CODE,
    ),
    (
        {"id": 74001, "phone": "+79313226657", "status": "PENDING", "sms": None, "expires": "2026-11-24T12:15:00Z"},
        W,
        [],
    ),
    (
        {
            "id": 74001,
            "phone": "+79313226657",
            "status": "RECEIVED",
            "sms": [
                {
                    "id": 1,
                    "created_at": "2026-11-24T12:01:00Z",
                    "date": "2026-11-24T12:01:00Z",
                    "sender": "Telegram",
                    "text": T,
                    "code": "12345",
                }
            ],
        },
        R,
        CODE,
    ),
    ({"id": 74001, "status": "CANCELED", "sms": []}, X, []),
    ({"id": 74001, "status": "TIMEOUT", "sms": []}, E, []),
    ({"id": 74001, "status": "BANNED", "sms": []}, X, []),
    ({"id": 74001, "status": "FINISHED", "sms": [{"code": "12345", "text": T}]}, F, CODE),
    ({"RESULT": 1, "CODE": "0", "DESCRIPTION": "wait code"}, W, []),
    ({"id": 74001, "smsCode": ["12345"], "smsText": [T]}, R, CODE),
    ({"id": 74001, "smsCode": ["12345", "777"], "smsText": [T]}, R, [("12345", None), ("777", None)]),
    ({"RESULT": 2, "CODE": "12345", "DESCRIPTION": "code received"}, R, ONLY),
    ({"RESULT": 3, "CODE": "0", "DESCRIPTION": "number canceled"}, X, []),
    ({"RESULT": 4, "CODE": "0", "DESCRIPTION": "number banned"}, X, []),
    ({"RESULT": 6, "CODE": "12345", "DESCRIPTION": "completed"}, F, ONLY),
    ({"status": True, "RESULT": 3, "CODE": 0}, X, []),
    ({"status": 1, "message": "pending", "resend": 0, "expiration": 1795522500}, W, []),
    ({"status": 3, "sms": "12345", "full_sms": T, "expiration": 1795522500}, R, CODE),
    ({"status": 6, "message": "This order has been refunded", "resend": 0}, X, []),
    (
        {"verificationType": 0, "sms": {"dateTime": "2026-11-24 15:31:00", "code": "12345", "text": T}, "call": None},
        R,
        CODE,
    ),
    ({"verificationType": 0, "sms": None, "call": None}, W, []),
    ({"smsCode": None}, W, []),
    ({"smsCode": "12345"}, R, ONLY),
    ({"smsCode": ["12345", "67890"]}, R, [("12345", None), ("67890", None)]),
    (
        [
            {
                "country": 7,
                "sum": 14,
                "service": "Telegram",
                "number": "+79313226657",
                "response": "TZ_NUM_WAIT",
                "tzid": 74001,
                "time": 281,
                "form": "index",
            }
        ],
        W,
        [],
    ),
    ([{"response": "TZ_NUM_ANSWER", "tzid": 74001, "number": "+79313226657", "msg": "12345", "time": 281}], R, BARE),
    ([{"response": "TZ_NUM_ANSWER", "tzid": 74001, "number": "+79313226657", "msg": T, "time": 281}], R, [(None, T)]),
    (
        [
            {"response": "TZ_NUM_WAIT", "tzid": 5},
            {"response": "TZ_NUM_ANSWER", "tzid": 74001, "msg": [{"service": "Telegram", "msg": T}]},
        ],
        R,
        [(None, T)],
    ),
    (
        {"statusCode": 200, "data": {"sms": {"code": "12345", "fullText": T}, "orderId": 74001, "orderExpireIn": 300}},
        R,
        CODE,
    ),
    ({"statusCode": 202, "error": {"description": "SMS not received yet"}}, W, []),
    ({"response": "2", "number": None, "id": 0, "text": None, "sms": None}, W, []),
    ({"response": "1", "number": "9313226657", "id": 74001, "sms": "12345", "text": T}, R, CODE),
    ({"status": False, "code": 202, "message": "Waiting for code"}, W, []),
    ({"status": False, "error_code": "wait_sms"}, W, []),
    ({"status": False, "message": "Waiting for code"}, W, []),
    ({"status": False, "message": "پیامکی دریافت نشده است"}, W, []),
    ({"status": True, "message": "در انتظار دریافت پیامک"}, W, []),
    ({"status": "success", "code": 200, "messages": []}, W, []),
    (
        {
            "status": "success",
            "messages": [
                {"id": 2, "code": "67890", "message": "b 67890", "created_at": "2026-11-24 15:32:00"},
                {"id": 1, "code": "12345", "message": T, "created_at": "2026-11-24 15:31:00"},
            ],
        },
        R,
        [("12345", T), ("67890", "b 67890")],
    ),
    ({"status": True, "code": "12345"}, R, ONLY),
    ({"status": True, "code": 12345}, R, ONLY),
    ({"status": True, "code": 200, "sms": "12345"}, R, BARE),
    ({"status": True, "code": 200, "sms": T}, R, [(None, T)]),
    (
        {
            "status": True,
            "code": 200,
            "sms": {"0": {"code": "12345", "text": T}, "1": {"code": None, "text": "Welcome"}},
        },
        R,
        [("12345", T), (None, "Welcome")],
    ),
    ({"status": True, "code": 200, "data": {"sms": "", "state": 1}}, W, []),
    ({"status": True, "data": {"status": 1, "sms": []}}, W, []),
    ({"status": True, "data": {"status": 3, "sms": [{"code": "12345"}]}}, R, ONLY),
    ({"status": True, "data": {"status": 2, "code": "12345", "text": T, "sender": "Telegram"}}, R, CODE),
    (
        {"status": True, "data": {"otp": "G-123456", "full_sms": "G-123456 is your code"}},
        R,
        [("G-123456", "G-123456 is your code")],
    ),
    ({"status": True, "data": {"activation_code": "123-456"}}, R, [("123-456", None)]),
    ({"status": True, "data": {"code": "0"}}, W, []),
    ({"status": True, "data": {"code": "null"}}, W, []),
    ({"status": True, "data": {"code": False}}, W, []),
    ({"status": True, "data": {"sms_code": "wait"}}, W, []),
    ({"status": True, "data": None}, W, []),
    ({"status": "STATUS_WAIT_CODE"}, W, []),
    ({"status": "STATUS_CANCEL"}, X, []),
    ({"status": "STATUS_OK", "code": "12345"}, R, ONLY),
    (
        {
            "success": True,
            "order_id": 15,
            "status": "otp_received",
            "otp_code": "12345",
            "number": "+919876543210",
            "price": 5.0,
            "sms_message": T,
            "seconds_remaining": 1182,
        },
        R,
        CODE,
    ),
    ({"code": "", "id": "74001", "status": 0}, W, []),
    ({"code": "12345", "id": "74001", "status": 1}, R, ONLY),
    ({"id": "act_9x2k1p", "status": "received", "code": "12345", "received_at": "2026-11-24T12:33:22Z"}, R, ONLY),
    ({"status": True, "data": {"state": "expired", "sms": None}}, E, []),
    ({"status": True, "data": {"state": "لغو شده", "sms": None}}, X, []),
    ({"status": True, "data": {"id": 74001, "is_cancelled": True}}, X, []),
    ({"status": True, "sms": [{"code": "12345", "text": T}, {"code": "12345", "text": T}]}, R, CODE),
    ({"status": True, "data": {"sms": [T, "Welcome"]}}, R, [(None, T), (None, "Welcome")]),
    ({"status": True, "data": [{"id": 9, "sms": "99999"}, {"id": 74001, "sms": "12345"}]}, R, BARE),
    ({"status": True, "data": {"sms": "۱۲۳۴۵"}}, R, [("12345", "۱۲۳۴۵")]),
]


@pytest.mark.parametrize(("value", "state", "sms"), DIALECTS, ids=range(len(DIALECTS)))
def test_state_and_sms_are_read(
    value: Any, state: PurchaseState | None, sms: list[tuple[str | None, str | None]]
) -> None:
    read = read_check(answer(value), context())
    assert (read.state, [(s.code, s.text) for s in read.sms]) == (state, sms)


def test_sender_time_and_id_of_an_sms() -> None:
    one = {"id": 7, "code": "12345", "text": T, "from": "Telegram", "received_at": "2026-11-24 15:31:00"}
    sms = read_check(answer({"status": True, "data": {"sms": [one]}}), context()).sms[0]
    assert (sms.sender, sms.provider_id) == ("Telegram", "7")
    assert sms.received_at == datetime(2026, 11, 24, 12, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("fields", "left"),
    [
        ({"expires_in": 300}, 300),
        ({"expires": "2026-11-24T12:15:00Z"}, 900),
        ({"expires_at": "2026-11-24 15:45:00"}, 900),
        ({"time_left": "00:05:00"}, 300),
        ({"orderExpireIn": 20}, 20),
        ({"endsAt": 1795522500000}, 900),
        ({"expiration": 1795522500}, 900),
        ({"remaining_minutes": 5}, 300),
        ({"expire_date": "1405/09/03", "expire_time": "15:45"}, 900),
        ({"created_at": "2026-11-24T11:55:00Z", "lifetime": 1200}, 900),
        ({"lifetime": 1200}, None),
        ({}, None),
    ],
)
def test_what_is_left_of_a_numbers_life(fields: dict[str, Any], left: float | None) -> None:
    value = {"status": True, "data": {"id": 74001, "status": "waiting", **fields}}
    assert read_check(answer(value), context()).lifetime == left


def test_a_number_with_time_left_has_not_ended_by_a_bare_number() -> None:
    read = read_check(answer({"status": True, "data": {"status": 3, "expires_in": 300}}), context())
    assert read.state is W
    assert read.unread == ("state",)


@pytest.mark.parametrize("value", [b"", b"<html>", b"STATUS_OK:123", {}, [], "x", 3, {"foo": "bar"}])
def test_nothing_usable_is_malformed(value: Any) -> None:
    with pytest.raises(ProviderFailedError) as caught:
        read_check(answer(value), context())
    assert caught.value.code is ErrorCode.MALFORMED_ANSWER


FAILURES: list[tuple[int, Any, ErrorCode]] = [
    (404, {"status": False, "code": 404}, ErrorCode.NOT_FOUND),
    (200, {"status": False, "code": 404}, ErrorCode.NOT_FOUND),
    (401, {"status": False, "code": -1}, ErrorCode.ACCOUNT_BLOCKED),
    (401, {"status": False, "code": 401}, ErrorCode.INVALID_TOKEN),
    (401, {"message": "Unauthenticated."}, ErrorCode.INVALID_TOKEN),
    (403, {"status": False, "code": 403}, ErrorCode.MISSING_TOKEN),
    (403, b"<html>", ErrorCode.MALFORMED_ANSWER),
    (403, {"message": "Forbidden"}, ErrorCode.PROVIDER_ERROR),
    (404, b"<html>", ErrorCode.UNKNOWN_ENDPOINT),
    (404, {"message": "not found"}, ErrorCode.UNKNOWN_ENDPOINT),
    (405, b"<html>", ErrorCode.METHOD_NOT_ALLOWED),
    (429, {"message": "Too Many Attempts."}, ErrorCode.PROVIDER_ERROR),
    (429, b"", ErrorCode.PROVIDER_ERROR),
    (500, {"status": False, "code": 500}, ErrorCode.PROVIDER_ERROR),
    (500, {"message": "Server Error"}, ErrorCode.PROVIDER_ERROR),
    (502, b"<html>", ErrorCode.PROVIDER_ERROR),
    (302, b"<html>", ErrorCode.MALFORMED_ANSWER),
    (200, {"status": False, "message": "your account has a problem"}, ErrorCode.PROVIDER_ERROR),
    (200, {"error": "Order not owned"}, ErrorCode.PROVIDER_ERROR),
    (200, {"RESULT": -304, "CODE": "0", "DESCRIPTION": "number id not found"}, ErrorCode.PROVIDER_ERROR),
]


@pytest.mark.parametrize(("http", "value", "code"), FAILURES, ids=range(len(FAILURES)))
def test_failures_are_told_apart(http: int, value: Any, code: ErrorCode) -> None:
    with pytest.raises(ProviderError) as caught:
        read_check(answer(value, http, retry_after=7.0), context())
    assert caught.value.code is code
    assert caught.value.retry_after == 7.0
    documented = code not in (ErrorCode.PROVIDER_ERROR, ErrorCode.MALFORMED_ANSWER)
    assert not documented or isinstance(caught.value, ProviderRefusedError)
