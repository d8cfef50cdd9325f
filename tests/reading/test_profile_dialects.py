"""Balance and unit out of every dialect that a profile may come in."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from shomare_mqtt.errors import ErrorCode, ProviderFailedError
from shomare_mqtt.provider.reading import read_profile

from .reading_support import answer, context

DIALECTS: list[tuple[Any, str, str | None]] = [
    ({"status": True, "balance": 192100}, "192100", None),
    ({"isSuccess": True, "statusCode": 0, "message": "OK", "data": {"credit": 150000.0}}, "150000", None),
    ({"status": True, "code": 200, "data": {"balance": "192,100", "currency": "toman"}}, "192100", "IRT"),
    ({"status": "success", "credit": 100000}, "100000", None),
    ({"balance": "1.00"}, "1.00", None),
    ({"RESULT": 1, "BALANCE": "25000", "CURRENCY": "toman"}, "25000", "IRT"),
    ([{"balance": 981000, "unit": "Toman"}], "981000", "IRT"),
    (
        {"user": {"id": 2, "mobile": "09000000000", "created_at": "2022-01-09 19:17:35", "balance": 27200}},
        "27200",
        None,
    ),
    ({"cellphone": "09121234567", "balance": 25000}, "25000", None),
    (
        {
            "id": 1,
            "email": "a@b.c",
            "vendor": "demo",
            "default_forwarding_number": "78009005040",
            "balance": 100.5,
            "rating": 96,
            "default_country": {"name": "russia", "iso": "ru", "prefix": "+7"},
            "frozen_balance": 7,
        },
        "100.5",
        None,
    ),
    ({"status": True, "user": {"id": 9, "wallet": {"balance": "۱۹۲٬۱۰۰", "unit": "ریال"}}}, "192100", "IRR"),
    ({"status": True, "result": {"walletCharge": "2,200 تومان", "name": "x"}}, "2200", "IRT"),
    ({"ok": True, "result": {"amount": 15, "currency": "USD"}}, "15", "USD"),
    ({"status": True, "data": {"id": 12, "name": "a", "wallet": 45000}}, "45000", None),
    ({"status": True, "data": {"currentBalance": 4.25, "currency": {"code": "RUB", "symbol": "₽"}}}, "4.25", "RUB"),
    ({"status": True, "data": {"user": {"id": 5, "phone": "09121234567"}, "wallet": {"amount": 3000}}}, "3000", None),
    ({"status": True, "data": {"balance_rial": "1,000,000"}}, "1000000", "IRR"),
    ({"success": True, "data": {"balance": {"amount": "12.50", "currency": "EUR"}}}, "12.50", "EUR"),
    ({"status": True, "payload": {"account": {"charge": "٥٠٠٠", "level": "gold"}}}, "5000", None),
    ({"status": True, "money": "22.50"}, "22.50", None),
    ({"status": 1, "cash": 10}, "10", None),
    ({"status": True, "data": {"wallet_balance": 0, "bonus_balance": 10}}, "0", None),
    ({"status": True, "data": {"balance": -500}}, "-500", None),
    ({"response": "1", "balance": "73.97", "zbalance": 0}, "73.97", None),
    ({"status": True, "profile": {"username": "u", "Balance": "1.234.567"}}, "1234567", None),
    ({"status": True, "data": {"wallet": {"irt": 5000, "currency": "IRT"}}}, "5000", "IRT"),
    ({"statusCode": 200, "data": {"balance": 5.123}}, "5.123", None),
    ({"status": True, "code": 200, "message": "ok", "data": [{"credit": "12 500"}]}, "12500", None),
    ({"status": True, "data": {"deposit": 70, "hold": 10, "available_balance": 60, "currency": "usd"}}, "60", "USD"),
    ({"موجودی": "۲٬۲۰۰ تومان", "status": True}, "2200", "IRT"),
    ({"status": True, "balance": 12345678901234567}, "12345678901234567", None),
    ({"status": True, "data": {"info": {"userinfo": {"finance": {"balance": 42}}}}}, "42", None),
]


@pytest.mark.parametrize(("value", "balance", "currency"), DIALECTS, ids=range(len(DIALECTS)))
def test_balance_and_currency_are_read(value: Any, balance: str, currency: str | None) -> None:
    profile = read_profile(answer(value), context())
    assert (profile.balance, profile.currency) == (Decimal(balance), currency)
    assert profile.unread == ()


def test_a_profile_without_balance_says_so() -> None:
    profile = read_profile(answer({"status": True, "data": {"name": "x", "level": 3}}), context())
    assert profile.balance is None
    assert profile.unread == ("balance",)
    assert profile.extra == {"name": "x", "level": 3}


def test_all_else_is_extra() -> None:
    profile = read_profile(
        answer({"status": True, "code": 200, "data": {"balance": 5, "name": "x", "vip": False}}), context()
    )
    assert profile.extra == {"name": "x", "vip": False}


@pytest.mark.parametrize("value", [b"", b"<html>", b"OK", b'{"status": tr', {}, [], {"status": True}, 5, "text", None])
def test_nothing_usable_is_malformed(value: Any) -> None:
    with pytest.raises(ProviderFailedError) as caught:
        read_profile(answer(value), context())
    assert caught.value.code is ErrorCode.MALFORMED_ANSWER
