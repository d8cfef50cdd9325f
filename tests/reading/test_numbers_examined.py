"""Answers about a number, modelled on those of public sisters, that were misread, each with its near miss."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from shomare_mqtt.errors import ErrorCode, OutcomeUnknownError, ProviderFailedError
from shomare_mqtt.model import Known, PurchaseState
from shomare_mqtt.provider.reading import read_buy, read_cancel, read_check

from .reading_support import answer, context

NUMBER = {"id": 74001, "number": "79313226657"}


def sms_of(body: Any, **known: Any) -> list[tuple[str | None, str | None]]:
    reading = read_check(answer(body), context(Known(purchase="74001", **known)))
    return [(sms.code, sms.text) for sms in reading.sms]


@pytest.mark.parametrize(
    "body",
    [
        {"response": "2", "id": -1, "text": "low balance"},
        {"response": "2", "id": "-1", "number": ""},
        {"status": 1, "id": "000", "number": ""},
        {"status": True, "data": {"id": "null", "number": "null"}},
        {"status": True, "data": {"id": "undefined"}},
    ],
)
def test_an_id_that_says_there_is_none_is_no_purchase(body: Any) -> None:
    with pytest.raises(OutcomeUnknownError):
        read_buy(answer(body), context())


def test_the_order_s_id_goes_before_the_number_shown_to_people() -> None:
    body = {"status": True, "data": {"order_number": "A-1", **NUMBER}}
    assert read_buy(answer(body), context()).purchase == "74001"
    del body["data"]["id"]  # type: ignore[attr-defined]
    assert read_buy(answer(body), context()).purchase == "A-1"


def test_a_purchase_kept_under_its_id() -> None:
    body = {"status": True, "data": {"74001": {"number": "79313226657", "price": 2200}}}
    bought = read_buy(answer(body), context(Known(country="7")))
    assert (bought.purchase, bought.phone, bought.price) == ("74001", "+79313226657", Decimal(2200))
    with pytest.raises(OutcomeUnknownError):  # a running number is no id
        read_buy(answer({"status": True, "data": {"1": {"number": "79313226657"}}}), context())


@pytest.mark.parametrize(
    "other",
    [
        {"balance": {"amount": 47800}},
        {"new_balance": {"amount": 47800, "currency": "IRT"}},
        {"credit": {"value": 47800}},
        {"charge": 47800},
        {"discount": {"amount": 100}},
        {"tax": {"amount": 198}},
        {"max_price": 5000},
    ],
)
def test_other_money_is_no_price(other: Any) -> None:
    assert read_buy(answer({"status": True, "data": {**NUMBER, **other}}), context()).price is None
    paid = {"status": True, "data": {**NUMBER, **other, "amount": 2200}}
    assert read_buy(answer(paid), context()).price == Decimal(2200)


def test_a_price_in_toman_within_the_price() -> None:
    body = {"status": True, "data": {**NUMBER, "price": {"rial": 22000, "toman": 2200}}}
    assert read_buy(answer(body), context()).price == Decimal(2200)


def test_a_check_s_number_without_its_dialling_code_is_the_known_one() -> None:
    body = {"response": "1", "id": 74001, "number": "9313226657", "sms": "99231"}
    assert read_check(answer(body), context(Known(purchase="74001", phone="+79313226657"))).phone == "+79313226657"
    assert read_check(answer(body), context(Known(purchase="74001", phone="+79310000000"))).phone == "9313226657"


@pytest.mark.parametrize("status", ["STATUS_OK:24123", "STATUS_OK: '24123'", "STATUS_WAIT_RETRY:24123"])
def test_a_code_behind_the_state(status: str) -> None:
    reading = read_check(answer({"status": status}), context())
    assert [sms.code for sms in reading.sms] == ["24123"]
    assert reading.state is PurchaseState.RECEIVED


@pytest.mark.parametrize("status", ["STATUS_WAIT_CODE", "error:12345", "2026-01-01 10:00:00"])
def test_no_code_behind_what_is_no_state(status: str) -> None:
    assert sms_of({"status": True, "data": {"id": 74001, "status": status}}) == []


def test_a_code_at_the_top_and_its_text_within_are_one_sms() -> None:
    body = {"status": True, "code": "73912", "result": {"numberId": 74001, "sms_text": "Code: 73912"}}
    assert sms_of(body) == [("73912", "Code: 73912")]
    body["code"] = "11111"
    assert sorted(sms_of(body), key=str) == [("11111", None), (None, "Code: 73912")]


@pytest.mark.parametrize(
    "box",
    [
        {"edges": [{"node": {"id": "m1", "text": "Telegram code 60606", "code": "60606"}}]},
        {"nodes": [{"text": "Telegram code 60606", "code": "60606"}]},
        {"count": 1, "results": [{"body": "Telegram code 60606", "code": "60606"}]},
    ],
)
def test_sms_in_a_page_or_a_connection(box: Any) -> None:
    body = {"data": {"order": {"id": 74001, "state": "RECEIVED", "messages": box}}}
    assert sms_of(body) == [("60606", "Telegram code 60606")]


@pytest.mark.parametrize("name", ["matn", "payam", "m", "contents1"])
def test_the_only_sentence_with_a_number_is_the_sms(name: str) -> None:
    body = {"status": True, "data": {"id": 74001, "sms": [{name: "کد ورود 8812", "from": "Telegram"}]}}
    assert sms_of(body) == [(None, "کد ورود 8812")]


@pytest.mark.parametrize(
    "box",
    [
        {"href": "/api/sms?order=74001", "method": "GET"},
        {"error": "Order 74001 not there"},
        {"tarikh": "Thu Jan 1 2026"},
        {"note": "Ask the support, number 1234"},
        {"a": "Code 12345 one", "b": "Code 12345 two"},
        {"x": "waiting for code 12345"},
    ],
)
def test_no_sms_is_made_of_what_may_be_none(box: Any) -> None:
    assert sms_of({"status": True, "data": {"id": 74001, "sms": box}}) == []


@pytest.mark.parametrize("name", ["request_code", "server_code", "reserve_code", "buy_code"])
def test_codes_that_are_not_the_sms_s(name: str) -> None:
    assert sms_of({"status": True, "data": {"id": 74001, "status": "waiting", name: "77777"}}) == []


def test_a_cancel_with_errors_within_is_not_carried_out() -> None:
    body: Any = {"status": True, "data": {"cancelOrder": None, "errors": [{"message": "Order has SMS"}]}}
    with pytest.raises(ProviderFailedError) as raised:
        read_cancel(answer(body), context())
    assert raised.value.code is ErrorCode.MALFORMED_ANSWER
    body["data"]["errors"] = []
    assert read_cancel(answer(body), context()).refunded is True
