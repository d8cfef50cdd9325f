"""Whole answers to `cancel`, and what a person reads in them."""

from __future__ import annotations

from typing import Any

import pytest

from shomare_mqtt.errors import ProviderError, ProviderFailedError
from shomare_mqtt.provider.reading import read_cancel
from tests.reading.answers_support import context
from tests.reading.reading_support import answer

CANCELLED: list[Any] = [
    True,
    {"status": "1", "code": "200"},
    {"success": 1, "message": "The order has been cancelled and refunded"},
    {"message": "شماره با موفقیت لغو شد"},
    {"status": True, "code": 200, "message": "شماره لغو و مبلغ به کیف پول بازگشت"},
    {"status": True, "data": {"refund_amount": "2,200", "wallet": "192,100"}},
    {"RESULT": 3, "CODE": "0", "DESCRIPTION": "number canceled"},
    {"status": True, "data": "ACCESS_CANCEL"},
    {"status": True, "data": {"status": "CANCELED", "message": "order already canceled"}},
    {"response": "1", "tzid": 74001},
    {"statusCode": 200, "data": None},
    {"status": True, "data": {"id": 74001, "status": 3}},
    {"error": None, "result": "cancelled"},
    {"status": "success", "message": "Активация отменена"},
    {"status": 1, "msg": "取消成功"},
    {"status": True, "message": "Sipariş iptal edildi"},
    {"status": True, "message": "تم إلغاء الطلب"},
]


@pytest.mark.parametrize("given", CANCELLED, ids=str)
def test_carried_out(given: Any) -> None:
    assert read_cancel(answer(given), context(purchase="74001")).refunded is True


NOT_CANCELLED: list[tuple[int, Any]] = [
    (200, {"RESULT": 1, "CODE": "0", "DESCRIPTION": "wait code"}),
    (200, {"RESULT": -304, "DESCRIPTION": "number id not found"}),
    (400, {"status": False, "code": 400, "message": "EARLY_CANCEL_DENIED"}),
    (200, {"status": True, "message": "امکان لغو تا ۲ دقیقه وجود ندارد"}),
    (200, {"status": "success", "message": "Нельзя отменить активацию"}),
    (400, b"order has sms"),
    (200, {"response": "ERROR_NO_OPERATIONS"}),
    (200, {"response": "TRY_AGAIN_LATER"}),
    (200, {"status": "smsReceived"}),
    (200, {"status": True, "result": False}),
    (200, {"status": True, "cancelled": False}),
    (200, {"status": True, "error": "order not found"}),
    (200, {"status": True, "data": {"id": 74001, "status": "RECEIVED", "sms": [{"code": "1234"}]}}),
    (200, False),
]


@pytest.mark.parametrize(("http", "given"), NOT_CANCELLED, ids=str)
def test_not_carried_out(http: int, given: Any) -> None:
    with pytest.raises(ProviderError):
        read_cancel(answer(given, http), context(purchase="74001"))


@pytest.mark.parametrize("given", [{"refund_amount": 0}, {"refunded": False}], ids=str)
def test_carried_out_and_the_money_is_gone(given: Any) -> None:
    assert read_cancel(answer({"status": True, "data": given}), context(purchase="74001")).refunded is False


@pytest.mark.parametrize("given", [b"", b"OK", b"<p>x", [], {}, 0, "no"], ids=str)
def test_no_word_of_it(given: Any) -> None:
    with pytest.raises(ProviderFailedError):
        read_cancel(answer(given), context(purchase="74001"))


REFUSALS = [
    *("You can't cancel this order", "Order couldn’t be cancelled", "We won't cancel it", "Cancel is unavailable"),
    *("SMS already received. Cancel unavailable", "Cancel blocked for 2 minutes", "Refund impossible", "Rejected"),
    *("Please wait 2 minutes before cancel", "cancel limit reached", "too early to cancel", "cancellation failed"),
    *("مجاز به لغو نیستید", "خطا در لغو سفارش", "لغو تا ۲ دقیقه دیگر", "لغو سفارش مجاز نیست", "لغو نشد"),
    *("Отмена невозможна", "Отменить можно через 2 минуты", "暂时无法取消", "不能取消", "取消失败", "iptal edilemedi"),
    *("İptal edilemez", "لا يمكن الإلغاء", "فشل الإلغاء"),
]


@pytest.mark.parametrize("words", REFUSALS)
def test_words_that_refuse_outweigh_the_mark_of_success(words: str) -> None:
    with pytest.raises(ProviderError):
        read_cancel(answer({"status": True, "message": words}), context(purchase="74001"))
    with pytest.raises(ProviderError):
        read_cancel(answer({"message": words}), context(purchase="74001"))


SUCCESSES = [
    *("Cancelled", "Order has been cancelled", "Number cancelled and 2200 refunded", "Cancelled. Balance: 192100"),
    *("با موفقیت کنسل شد", "شماره لغو گردید و وجه به حساب شما برگشت", "Активация отменена, деньги возвращены"),
    *("订单已取消", "iptal edildi", "تم الإلغاء"),
]


@pytest.mark.parametrize("words", SUCCESSES)
def test_words_alone_can_say_that_it_was_cancelled(words: str) -> None:
    assert read_cancel(answer({"message": words}), context(purchase="74001")).refunded is True
