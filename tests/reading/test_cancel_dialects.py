"""What is a cancel that was carried out, and what is not."""

from __future__ import annotations

from typing import Any

import pytest

from shomare_mqtt.errors import ErrorCode, ProviderError, ProviderRefusedError
from shomare_mqtt.provider.reading import read_cancel

from .reading_support import answer, context

DONE: list[tuple[Any, bool | None]] = [
    ({"status": True, "code": 200}, True),
    ({"status": True, "message": "canceled"}, True),
    ({"status": "success"}, True),
    ({"success": 1}, True),
    ({"isSuccess": True, "statusCode": 0, "message": "Canceled", "data": None}, True),
    ({"RESULT": 1, "DESCRIPTION": "number canceled"}, True),
    ({"id": 74001, "phone": "+79313226657", "status": "CANCELED", "sms": []}, True),
    ({"status": "STATUS_CANCEL"}, True),
    ({"status": "ACCESS_CANCEL"}, True),
    ({"id": "x", "status": "cancelled", "refunded": True}, True),
    ({"status": True, "data": {"refunded": False}}, False),
    ({"status": True, "data": {"refund": 2200}}, True),
    ({"status": True, "data": {"refund_amount": "0"}}, False),
    ({"response": 1, "tzid": 74001}, True),
    ({"ok": True, "result": True}, True),
    ([{"status": True}], True),
    ({"status": True, "data": {"id": 74001, "state": "لغو شده"}}, True),
    ({"message": "Order cancelled"}, True),
]


@pytest.mark.parametrize(("value", "refunded"), DONE, ids=range(len(DONE)))
def test_a_cancel_that_was_carried_out(value: Any, refunded: bool | None) -> None:
    assert read_cancel(answer(value), context()).refunded is refunded


NOT_DONE: list[tuple[int, Any, ErrorCode]] = [
    (200, {"status": False, "message": "too early"}, ErrorCode.PROVIDER_ERROR),
    (200, {"status": False, "message": "already cancelled"}, ErrorCode.PROVIDER_ERROR),
    (200, {"status": False, "code": 404}, ErrorCode.NOT_FOUND),
    (404, {"status": False, "code": 404}, ErrorCode.NOT_FOUND),
    (404, {"message": "x"}, ErrorCode.UNKNOWN_ENDPOINT),
    (409, {"status": False, "code": 409}, ErrorCode.PROVIDER_ERROR),
    (200, {"error": "cannot be cancelled"}, ErrorCode.PROVIDER_ERROR),
    (200, {"id": 74001, "status": "PENDING", "sms": []}, ErrorCode.MALFORMED_ANSWER),
    (200, {"status": "EARLY_CANCEL_DENIED"}, ErrorCode.PROVIDER_ERROR),
    (200, {}, ErrorCode.MALFORMED_ANSWER),
    (200, b"", ErrorCode.MALFORMED_ANSWER),
    (200, b"<html>", ErrorCode.MALFORMED_ANSWER),
    (200, "ok", ErrorCode.MALFORMED_ANSWER),
    (200, {"message": "hello"}, ErrorCode.MALFORMED_ANSWER),
    (502, b"<html>", ErrorCode.PROVIDER_ERROR),
    (500, {"message": "Server Error"}, ErrorCode.PROVIDER_ERROR),
]


@pytest.mark.parametrize(("http", "value", "code"), NOT_DONE, ids=range(len(NOT_DONE)))
def test_a_cancel_that_was_not(http: int, value: Any, code: ErrorCode) -> None:
    with pytest.raises(ProviderError) as caught:
        read_cancel(answer(value, http), context())
    assert caught.value.code is code


def test_a_refusal_in_the_providers_words_is_one() -> None:
    with pytest.raises(ProviderRefusedError, match="too early"):
        read_cancel(answer({"status": False, "message": "too early"}), context())
