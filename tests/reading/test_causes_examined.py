"""What an answer to `check` says of the request, and not of the number: a failure's `code`, a token that expired."""

from __future__ import annotations

from typing import Any

import pytest

from shomare_mqtt.errors import ErrorCode, ProviderError
from shomare_mqtt.model import PurchaseState
from shomare_mqtt.provider.reading import read_buy, read_cancel, read_check

from .reading_support import answer, context

WAITING, RECEIVED = PurchaseState.WAITING, PurchaseState.RECEIVED


def state_and_codes(body: Any) -> tuple[PurchaseState | ErrorCode | None, list[str | None]]:
    try:
        reading = read_check(answer(body), context())
    except ProviderError as error:
        return error.code, []
    return reading.state, [sms.code for sms in reading.sms]


@pytest.mark.parametrize("before", range(0, 400, 7))
def test_a_long_text_is_cut_between_words(before: int) -> None:
    """Half of a token that the provider repeats is not known for one by who masks it."""
    token = "0123456789abcdef" * 4
    words = ("w" * before + f" {token} is wrong").strip()
    for body in ({"status": False, "message": words}, {"status": False, "code": words}):
        with pytest.raises(ProviderError) as refused:
            read_buy(answer(body), context())
        said = f"{refused.value.message} {refused.value.upstream and refused.value.upstream.code}"
        assert token[:4] not in said.replace(token, "")


@pytest.mark.parametrize(
    "body",
    [
        {"status": False, "code": 1004, "message": "Order not found"},
        {"status": False, "code": "1004"},
        {"success": False, "code": 40001, "message": "no such order"},
        {"code": 50101, "message": "The session is not known here."},
        {"code": 4001, "msg": "error"},
        {"error": True, "code": 1200},
        {"error": {"code": 1200, "message": "x"}},
        {"errors": [{"code": "1200"}]},
        {"status": "error", "code": 12345},
        {"status": 400, "code": 1004},
        {"response": "ERROR", "code": 1004},
        {"code": "ERR404", "message": "x"},
        {"code": 4040, "detail": "Not found."},
    ],
)
def test_a_failure_s_code_is_no_sms(body: Any) -> None:
    state, codes = state_and_codes(body)
    assert codes == []
    assert isinstance(state, ErrorCode)


@pytest.mark.parametrize(
    "body",
    [
        {"code": 50101, "message": "The message has not been received yet. Please try again later."},
        {"status": True, "code": 1000, "data": {"sms": None}},
        {"status": True, "code": 2000, "data": {"id": 74001, "status": "waiting"}},
        {"code": 20000, "msg": "ok", "data": {"id": 74001, "status": "pending"}},
        {"code": 10000, "msg": "成功", "data": {"sms": "", "orderId": 74001}},
    ],
)
def test_a_provider_s_own_code_for_fine_is_no_sms(body: Any) -> None:
    assert state_and_codes(body) == (WAITING, [])


@pytest.mark.parametrize(
    "body",
    [
        {"code": "12345"},
        {"code": 12345, "request_id": 74001},
        {"code": "12345", "message": "ok"},
        {"code": "12345", "message": "code received"},
        {"code": "12345", "message": "Telegram code 12345"},
        {"status": True, "code": "12345", "message": "کد دریافت شد"},
        {"status": True, "code": "12345", "data": {"id": 74001}},
        {"success": True, "code": "12345", "data": None},
        {"status": "received", "code": "12345"},
    ],
)
def test_the_code_of_a_success_is_the_sms_s(body: Any) -> None:
    assert state_and_codes(body) == (RECEIVED, ["12345"])


def test_the_sms_beside_a_status_of_three_digits() -> None:
    reading = read_check(answer({"code": 100, "data": "Your code is 12345"}), context())
    assert [(sms.code, sms.text) for sms in reading.sms] == [(None, "Your code is 12345")]


@pytest.mark.parametrize(
    "body",
    [
        {"status": "BAD_KEY"},
        {"status": "BAD_STATUS"},
        {"error": "BAD_ACTION"},
        {"status": True, "data": "BAD_KEY"},
        {"status": "USER_BANNED"},
        {"status": "TOKEN_EXPIRED"},
        {"response": "SESSION_EXPIRED"},
        {"status": "REQUEST_TIMEOUT"},
        {"status": "SERVICE_CLOSED"},
        {"status": True, "message": "Request completed"},
        {"status": True, "message": "done"},
        {"status": True, "message": "finished successfully"},
        {"status": True, "message": "عملیات با موفقیت تکمیل شد"},
    ],
)
def test_what_is_said_of_the_request_ends_no_number(body: Any) -> None:
    state, codes = state_and_codes(body)
    assert codes == []
    assert state is None or isinstance(state, ErrorCode)


@pytest.mark.parametrize(
    ("body", "state"),
    [
        ({"status": "CANCELED_BY_USER"}, PurchaseState.CANCELLED),
        ({"status": "request_cancelled"}, PurchaseState.CANCELLED),
        ({"status": "BANNED"}, PurchaseState.CANCELLED),
        ({"status": "number banned by service"}, PurchaseState.CANCELLED),
        ({"status": "bad number"}, PurchaseState.CANCELLED),
        ({"status": "ACTIVATION_EXPIRED"}, PurchaseState.EXPIRED),
        ({"status": "TIMEOUT"}, PurchaseState.EXPIRED),
        ({"RESULT": 6, "CODE": "22334", "DESCRIPTION": "completed"}, PurchaseState.FINISHED),
        ({"data": {"id": 74001, "status": "completed"}}, PurchaseState.FINISHED),
    ],
)
def test_what_is_said_of_the_number_ends_it(body: Any, state: PurchaseState) -> None:
    assert state_and_codes(body)[0] is state


def test_a_chinese_code_and_an_american_reply() -> None:
    found = read_check(answer({"code": "0", "msg": "success", "sms": "验证码123456", "yzm": "123456"}), context())
    assert [(sms.code, sms.text) for sms in found.sms] == [("123456", "验证码123456")]
    body = {"status": "ok", "message": [{"from": "4042", "to": "13476711222", "reply": "Code 4434", "pin": "4434"}]}
    assert [(s.code, s.text, s.sender) for s in read_check(answer(body), context()).sms] == [
        ("4434", "Code 4434", "4042")
    ]


def test_a_number_as_mdn_and_what_was_charged() -> None:
    body = {"status": "ok", "message": [{"id": "10000001", "mdn": "79313226657", "amount_charged": "0.60"}]}
    bought = read_buy(answer(body), context())
    assert (bought.purchase, bought.phone, str(bought.price)) == ("10000001", "+79313226657", "0.60")


@pytest.mark.parametrize(
    "body",
    [
        {"status": True, "data": {"id": 74001, "sms": None, "text": "به زودی دریافت میشود"}},
        {"status": True, "data": {"text": "Please wait 1200 seconds for code"}},
        {"status": True, "data": {"id": 74001, "sms": "Please wait 60 seconds"}},
        {"status": True, "data": {"id": 74001, "sms": None, "password": "12345"}},
        {"status": True, "code": "", "pass": "12345"},
        {"status": True, "sms": [None]},
        {"status": True, "sms": [""]},
    ],
)
def test_what_stands_where_no_sms_is_yet_is_none(body: Any) -> None:
    assert state_and_codes(body) == (WAITING, [])


def test_the_text_of_a_failure_is_no_sms() -> None:
    assert state_and_codes({"status": False, "text": "Error code 12345"}) == (ErrorCode.PROVIDER_ERROR, [])


def test_an_sms_that_speaks_of_waiting_is_one() -> None:
    text = "Do not share this code: 12345. Wait for no one"
    reading = read_check(answer({"status": True, "data": {"id": 74001, "sms": text}}), context())
    assert [sms.text for sms in reading.sms] == [text]
    assert state_and_codes({"status": True, "password": "12345"}) == (RECEIVED, ["12345"])


@pytest.mark.parametrize(
    "body",
    [
        {"status": True, "message": "لطفا ۲ دقیقه صبر کنید"},
        {"status": True, "message": "پیامک دریافت شده است"},
        {"status": True, "message": "SMS received"},
        {"status": True, "data": {"cancelled": 0}},
        {"status": True, "data": {"is_canceled": "0"}},
        {"code": 200, "message": "failed"},
        {"code": 404, "msg": "ok"},
        {"code": 200},
    ],
)
def test_no_cancel_where_the_rest_of_the_answer_says_otherwise(body: Any) -> None:
    with pytest.raises(ProviderError):
        read_cancel(answer(body), context())


@pytest.mark.parametrize(
    "body",
    [
        {"code": 200, "msg": "success"},
        {"code": 0, "message": "ok", "data": None},
        {"status": True, "message": "لغو شد و مبلغ دریافت شد"},
        {"status": True, "data": {"cancelled": 1}},
    ],
)
def test_a_cancel_in_other_words(body: Any) -> None:
    assert read_cancel(answer(body), context()).refunded is True
