"""A second round of sisters, written after the reading had been mended for the first, to see whether it generalises."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from shomare_mqtt.errors import ProviderError
from shomare_mqtt.model import CatalogEntry, CatalogKind, Endpoint
from shomare_mqtt.model import PurchaseState as S
from shomare_mqtt.provider.reading import (
    read_buy,
    read_cancel,
    read_catalog,
    read_check,
    read_price,
    read_prices,
    read_profile,
)
from tests.reading.reading_support import KNOWN, answer, context

COUNTRIES, POOLS, APPS = CatalogKind.COUNTRIES, CatalogKind.OPERATORS, CatalogKind.APPLICATIONS


def told(data: Any, **more: Any) -> dict[str, Any]:
    """The provider's documented marks around the data."""
    return {"status": True, "code": 200, **more, "data": data}


PROFILES: list[tuple[Any, str, str | None]] = [
    (told({"user": {"id": 1, "name": "a", "balance": {"toman": 45000, "rial": 450000}}}), "45000", "IRT"),
    ({"status": True, "profile": {"credit": "45,000", "currency": "تومان", "discount": 5}}, "45000", "IRT"),
    ({"status": 1, "balance_toman": 45000, "balance_dollar": 1.2}, "45000", "IRT"),
    (told({"wallet": {"id": 3, "user_id": 14, "amount": 45000, "blocked_amount": 2000}}), "45000", None),
    (told({"wallets": [{"currency": "IRT", "balance": 45000}]}), "45000", "IRT"),
    (told({"name": "x", "sharj": 45000}), "45000", None),
    (told({"name": "x", "etebar": 45000}), "45000", None),
    (told({"mojudi": "45000"}), "45000", None),
    (told({"موجودی کیف پول": "۴۵٬۰۰۰"}), "45000", None),
    (told({"id": 7, "wallet_inventory": 45000}), "45000", None),
    (told({"account_balance": 45000, "account_id": 5}), "45000", None),
    (told({"total_balance": 50000, "available_balance": 45000, "blocked_balance": 5000}), "45000", None),
    (told({"balance": "45000.00", "last_balance": "1.00", "bonus_balance": 100}), "45000.00", None),
    (told({"id": 14, "username": "ali", "phone": "09121234567", "money": 45000, "token": "abc"}), "45000", None),
    ({"status": True, "code": 200, "wallet": "45000 Toman", "user": "ali"}, "45000", "IRT"),
    ({"data": {"type": "users", "id": "1", "attributes": {"balance": 45000}}, "status": True}, "45000", None),
]


@pytest.mark.parametrize(("given", "balance", "unit"), PROFILES)
def test_profile(given: Any, balance: str, unit: str | None) -> None:
    read = read_profile(answer(given), context())
    assert (read.balance, read.currency) == (Decimal(balance), unit)


LISTS: list[tuple[CatalogKind, Any, dict[str, str]]] = [
    (COUNTRIES, told({"countries": {"data": [{"id": 7, "name": "Russia"}]}}), {"7": "Russia"}),
    (
        COUNTRIES,
        {"status": True, "countries": {"russia": {"id": 7, "fa": "روسیه"}, "iran": {"id": 98, "fa": "ایران"}}},
        {"7": "روسیه", "98": "ایران"},
    ),
    (
        COUNTRIES,
        told({"list": [{"id": 7, "name": "Russia"}, {"id": 98, "name": "Iran"}], "count": 2}),
        {"7": "Russia", "98": "Iran"},
    ),
    (
        COUNTRIES,
        told({"7": {"country": "Russia", "flag": "ru"}, "98": {"country": "Iran", "flag": "ir"}}),
        {"7": "Russia", "98": "Iran"},
    ),
    (
        COUNTRIES,
        told([{"country": {"id": 7, "name": "Russia"}}, {"country": {"id": 98, "name": "Iran"}}]),
        {"7": "Russia", "98": "Iran"},
    ),
    (
        COUNTRIES,
        told([{"id": "7", "iso2": "RU", "iso3": "RUS", "persian_name": "روسیه", "english_name": "Russia"}]),
        {"7": "Russia"},
    ),
    (
        COUNTRIES,
        told([{"CountryCode": 7, "Country": "Russia"}, {"CountryCode": 98, "Country": "Iran"}]),
        {"7": "Russia", "98": "Iran"},
    ),
    (COUNTRIES, told([{"c_id": 7, "c_name": "Russia"}, {"c_id": 98, "c_name": "Iran"}]), {"7": "Russia", "98": "Iran"}),
    (POOLS, told([{"name": "mts"}, {"name": "beeline"}]), {"mts": "mts", "beeline": "beeline"}),
    (POOLS, told({"operators": ["1", "2", "any"]}), {"1": "1", "2": "2", "any": "any"}),
    (POOLS, told([1, 2, 3]), {"1": "1", "2": "2", "3": "3"}),
    (POOLS, told({"1": "سرور 1", "2": "سرور 2"}), {"1": "سرور 1", "2": "سرور 2"}),
    (
        APPS,
        told({"tg": {"name": "Telegram", "icon": "t.png"}, "wa": {"name": "WhatsApp", "icon": "w.png"}}),
        {"tg": "Telegram", "wa": "WhatsApp"},
    ),
    (
        APPS,
        told({"messengers": [{"id": 3, "name": "Telegram"}], "social": [{"id": 9, "name": "Instagram"}]}),
        {"3": "Telegram", "9": "Instagram"},
    ),
    (
        APPS,
        told([{"category": "Messenger", "items": [{"id": 3, "name": "Telegram"}, {"id": 5, "name": "WhatsApp"}]}]),
        {"3": "Telegram", "5": "WhatsApp"},
    ),
    (APPS, told([{"id": 3, "name": "Telegram", "price": 2200, "count": 10}]), {"3": "Telegram"}),
    (
        APPS,
        told([{"_id": "64ab", "name": "Telegram"}, {"_id": "64ac", "name": "WhatsApp"}]),
        {"64ab": "Telegram", "64ac": "WhatsApp"},
    ),
    (
        POOLS,
        told([{"id": 1, "name": "سرور ۱", "country_id": 7}, {"id": 2, "name": "سرور ۲", "country_id": 7}]),
        {"1": "سرور ۱", "2": "سرور ۲"},
    ),
    (POOLS, told([{"id": 1, "operator": "mts", "country": {"id": 7, "name": "Russia"}}]), {"1": "mts"}),
    (APPS, told([{"id": 3, "app_name": "Telegram", "persian": "تلگرام", "image": {"url": "x"}}]), {"3": "Telegram"}),
    (
        COUNTRIES,
        told(
            [
                {"id": 7, "name": "Russia", "operators": [{"id": 1, "name": "mts"}]},
                {"id": 98, "name": "Iran", "operators": []},
            ]
        ),
        {"7": "Russia", "98": "Iran"},
    ),
    (COUNTRIES, told({"total": 2, "items": {"7": "Russia", "98": "Iran"}}), {"7": "Russia", "98": "Iran"}),
]


@pytest.mark.parametrize(("kind", "given", "wanted"), LISTS)
def test_list(kind: CatalogKind, given: Any, wanted: dict[str, str]) -> None:
    read = read_catalog(kind, answer(given), context())
    assert [e.id for e in read.entries] == list(wanted)
    for entry in read.entries:
        assert wanted[entry.id] in {entry.name, *entry.names}


TG, WA = ("2200", 10), ("1500", 0)
PRICES: list[tuple[Any, dict[str, tuple[str, int | None]]]] = [
    (told({"telegram": {"price": 2200, "count": 10}, "whatsapp": {"price": 1500, "count": 0}}), {"3": TG, "5": WA}),
    (told([{"application": {"id": 3, "name": "Telegram"}, "cost": 2200, "available": True}]), {"3": ("2200", None)}),
    (
        told([{"name": "Telegram", "price": 2200, "count": 10}, {"name": "WhatsApp", "price": 1500, "count": 0}]),
        {"3": TG, "5": WA},
    ),
    (told({"prices": {"3": {"price": 2200, "count": 10}, "5": {"price": 1500, "count": 0}}}), {"3": TG, "5": WA}),
    (told([{"id": 3, "title": "Telegram", "pivot": {"price": 2200, "count": 10, "country_id": 7}}]), {"3": TG}),
    (told([{"service": {"id": 3, "name": "Telegram"}, "detail": {"price": 2200, "count": 10}}]), {"3": TG}),
    (told([{"service_id": "3", "price": "2200", "currency": "IRT", "qty": "10", "min": 1, "max": 100}]), {"3": TG}),
    (told([{"app": "Telegram", "price_irt": 2200, "price_irr": 22000, "stock": 10}]), {"3": TG}),
    (told([{"id": 3, "name": "Telegram", "price": {"toman": 2200, "dollar": 0.04}, "count": 10}]), {"3": TG}),
    (told([{"id": 3, "name": "Telegram", "price": "2,200", "count": "10+"}]), {"3": TG}),
    (told([{"id": 3, "name": "Telegram", "price": 2200, "count": "نامحدود"}]), {"3": ("2200", None)}),
    (
        told([{"id": 881, "application_id": 3, "country_id": 7, "operator_id": 1, "price": 2200, "number": 10}]),
        {"3": TG},
    ),
    (told({"country": 7, "operator": 1, "items": [{"app": 3, "price": 2200, "count": 10}]}), {"3": TG}),
    (told({"7": {"1": {"3": {"price": 2200, "count": 10}}}}), {"3": TG}),
    (told({"7": {"3": {"1": {"cost": 2200, "count": 10}, "2": {"cost": 900, "count": 3}}}}), {"3": TG}),
    (
        told(
            [
                {"id": 5, "service_id": 3, "price": 2200, "count": 10},
                {"id": 3, "service_id": 5, "price": 1500, "count": 0},
            ]
        ),
        {"3": TG, "5": WA},
    ),
    (told([{"app_id": 3, "price": 2200, "total": 100, "sold": 90, "remaining": 10}]), {"3": TG}),
    (told([{"slug": "telegram", "fa": "تلگرام", "price": 2200, "quantity": 10, "success": 88, "speed": 5}]), {"3": TG}),
    (told([{"AppID": 3, "CountryID": 7, "OperatorID": 1, "Amount": 2200, "Stock": 10}]), {"3": TG}),
    (told({"3": {"1": 2200, "2": 900}, "5": {"1": 1500}}), {"3": ("2200", None), "5": ("1500", None)}),
    (told([{"name": "تلگرام", "price": 2200, "count": 10, "old_price": 3000}]), {"3": TG}),
    (told([{"name": "تلگرام", "price": 2200, "count": 10, "usd_price": 0.04}]), {"3": TG}),
    (told([]), {}),
]


@pytest.mark.parametrize(("given", "wanted"), PRICES)
def test_prices(given: Any, wanted: dict[str, tuple[str, int | None]]) -> None:
    found = {p.application: (p.price, p.count) for p in read_prices("7", "1", answer(given), context()).prices}
    assert found == {a: (Decimal(p), n) for a, (p, n) in wanted.items()}
    if "3" in wanted:
        one = read_price("3", answer(given), context())
        assert (one.price, one.count) == (Decimal(wanted["3"][0]), wanted["3"][1])


P = "79313226657"
BUYS: list[tuple[Any, str, str | None]] = [
    (told({"number": {"id": 74001, "number": P, "code": None}}), "74001", "+" + P),
    (told({"id": 74001, "num": P}), "74001", "+" + P),
    (told({"purchase": {"id": 74001}, "number": {"value": P}}), "74001", "+" + P),
    (told({"reserve_code": "R1", "phone": P}), "R1", "+" + P),
    ({"status": True, "id": "74001", "number": P, "code": 200}, "74001", "+" + P),
    (told({"ID": 74001, "Number": P, "CountryID": 7, "OperatorID": 1, "AppID": 3}), "74001", "+" + P),
    (told({"id": 74001, "phone": "+7 (931) 322-66-57"}), "74001", "+" + P),
    (told({"id": 74001, "phone": "9313226657"}), "74001", "+" + P),
    (told({"id": 74001, "phone": "9313226657", "phone_code": "+7"}), "74001", "+" + P),
    (told({"id": 74001, "phone": "9313226657", "dial_code": "007"}), "74001", "+" + P),
    (told({"id": 74001, "full_number": P, "number": "9313226657"}), "74001", "+" + P),
    (told({"order": {"code": "74001"}, "phone": P}), "74001", "+" + P),
    (told({"id": 74001, "transaction_id": 555, "phone": P}), "74001", "+" + P),
    (told({"order_id": 74001, "number_id": 57172, "phone": P}), "74001", "+" + P),
    (told({"id": 74001, "number_id": 57172, "phone": P}), "74001", "+" + P),
    (told({"id": 74001, "user_id": 5, "server_id": 1, "provider_order_id": 99, "phone": P}), "74001", "+" + P),
    (told({"data": {"id": 74001, "attributes": {"phone": P}}}), "74001", "+" + P),
    (told({"uuid": "9b1c2d", "phone": P}), "9b1c2d", "+" + P),
    (told({"_id": "64ab12", "phone": P}), "64ab12", "+" + P),
    (told({"buyId": 74001, "simNumber": P}), "74001", "+" + P),
    (told({"id": 74001, "phone": P, "expire": 1200, "message": "ok"}, request_id="req-77"), "74001", "+" + P),
    (told({"PurchaseID": 74001, "PhoneNumber": P}), "74001", "+" + P),
    (told({"kharid_id": 74001, "shomare": P}), "74001", "+" + P),
    (told({"id_kharid": 74001, "number": P}), "74001", "+" + P),
    (told({"شماره مجازی": P, "شناسه خرید": 74001}), "74001", "+" + P),
    (told({"order_number": 74001, "number": P}), "74001", "+" + P),
]


@pytest.mark.parametrize(("given", "own", "phone"), BUYS)
def test_buy(given: Any, own: str, phone: str | None) -> None:
    read = read_buy(answer(given), context())
    assert (read.purchase, read.phone) == (own, phone)


T = "Telegram code: 12345. Do not give it to anyone"
CHECKS: list[tuple[Any, S | None, list[tuple[str | None, str | None]]]] = [
    (told({"code": "12345"}), S.RECEIVED, [("12345", None)]),
    (told({"sms": {"code": "12345", "body": T}}), S.RECEIVED, [("12345", T)]),
    (told({"messages": [{"message": T, "received": "2026-11-24 15:31:00"}]}), S.RECEIVED, [(None, T)]),
    ({"status": True, "code": 200, "sms": [T]}, S.RECEIVED, [(None, T)]),
    (
        told(
            {
                "codes": [
                    {"code": "12345", "created_at": "2026-11-24 15:31:00"},
                    {"code": "22233", "created_at": "2026-11-24 15:32:00"},
                ]
            }
        ),
        S.RECEIVED,
        [("12345", None), ("22233", None)],
    ),
    (told({"status": "done", "code": "12345"}), S.FINISHED, [("12345", None)]),
    (told({"status": "success", "code": "12345"}), S.RECEIVED, [("12345", None)]),
    (told({"status": "ok", "code": None}), S.WAITING, []),
    (told({"state": "WAIT_SMS"}), S.WAITING, []),
    (told({"status": "no_sms"}), S.WAITING, []),
    (told({"status": "SMS_RECEIVED", "sms": "12345"}), S.RECEIVED, [("12345", "12345")]),
    (told({"status_text": "کد دریافت شد", "code": "12345"}), S.RECEIVED, [("12345", None)]),
    (told({"status": "timeout"}), S.EXPIRED, []),
    (told({"status": "منقضی"}), S.EXPIRED, []),
    (told({"status": "برگشت وجه"}), S.CANCELLED, []),
    ({"status": True, "message": "sms not received", "data": {"sms": ""}}, S.WAITING, []),
    ({"status": False, "code": 201, "message": "wait"}, S.WAITING, []),
    ({"status": "waiting"}, S.WAITING, []),
    ({"status": "pending", "data": None}, S.WAITING, []),
    ({"status": "received", "code": "12345", "text": T}, S.RECEIVED, [("12345", T)]),
    (told({"text": "Your code 12-34-56", "code": 123456}), S.RECEIVED, [("123456", "Your code 12-34-56")]),
    (told({"otp": 0}), S.WAITING, []),
    (told({"verification_code": "G-123456"}), S.RECEIVED, [("G-123456", None)]),
    (
        told({"id": 74001, "phone": P, "sms_text": T, "sms_code": "12345", "received_at": "2026-11-24 15:31:00"}),
        S.RECEIVED,
        [("12345", T)],
    ),
    (told({"number": {"id": 74001, "number": P, "code": "12345", "status": 1}}), S.RECEIVED, [("12345", None)]),
    (told({"id": 74001, "phone": P, "inbox": [{"from": "Telegram", "content": T}]}), S.RECEIVED, [(None, T)]),
    (told({"id": 74001, "country_code": 7, "dial_code": "98765", "code": None}), S.WAITING, []),
    (told({"id": 74001, "order_code": "55443", "status": "waiting"}), S.WAITING, []),
    (told({"id": 74001, "price": 12345, "created_at": 1795521600, "sms": None}), S.WAITING, []),
    ({"status": True, "code": 200, "message": T, "data": {"code": "12345"}}, S.RECEIVED, [("12345", None)]),
    (
        told({"id": 74001, "sms": [{"id": 2, "text": "b", "code": "22222"}, {"id": 1, "text": "a", "code": "11111"}]}),
        S.RECEIVED,
        [("11111", "a"), ("22222", "b")],
    ),
    (told({"پیامک": "کد شما ۱۲۳۴۵", "وضعیت": "دریافت شد"}), S.RECEIVED, [(None, "کد شما ۱۲۳۴۵")]),
    (told({"id": 74001, "code": None, "message": "تا ۲ دقیقه امکان لغو وجود ندارد"}), S.WAITING, []),
    (told({"id": 74001, "status": "waiting", "description": "در صورت لغو مبلغ بازگشت داده می شود"}), S.WAITING, []),
    (told({"id": 74001, "status": "expired", "code": "12345"}), S.EXPIRED, [("12345", None)]),
]


@pytest.mark.parametrize(("given", "state", "sms"), CHECKS)
def test_check(given: Any, state: S | None, sms: list[tuple[str | None, str | None]]) -> None:
    read = read_check(answer(given), context())
    assert (read.state, [(s.code, s.text) for s in read.sms]) == (state, sms)


CANCELS: list[Any] = [
    told({"refund_amount": 2200, "balance": 100000}),
    told(None, message="Number cancelled successfully"),
    told(True),
    told({"result": True}),
    {"status": "canceled"},
    {"status": "success", "message": "ok"},
    {"status": True, "message": "درخواست لغو ثبت شد"},
    told({"id": 74001, "sms": None, "code": None, "status": "لغو شده"}),
    told({"status": "refunded"}),
    {"status": True, "message": "Order cancelled. No SMS was received, money returned"},
    {"status": True, "message": "عملیات با موفقیت انجام شد"},
    told({"id": 74001, "is_cancelled": True}),
    told([]),
]


@pytest.mark.parametrize("given", CANCELS)
def test_cancel(given: Any) -> None:
    assert read_cancel(answer(given), context()).refunded is True


ERRORS = [
    (401, -1, "account_blocked"),
    (401, 401, "invalid_token"),
    (402, 402, "insufficient_balance"),
    (403, 403, "missing_token"),
    (404, 404, "not_found"),
    (405, 405, "method_not_allowed"),
]
SHAPES = [
    lambda c: {"status": False, "code": c, "message": "x"},
    lambda c: {"status": "error", "code": str(c), "msg": "x", "data": None},
    lambda c: {"status": 0, "code": c, "error": {"message": "x"}, "data": []},
    lambda c: {"Status": "Failed", "Code": c, "Errors": ["x"]},
    lambda c: [{"status": False, "code": c}],
]
READS: dict[Endpoint, Any] = {
    Endpoint.PROFILE: read_profile,
    Endpoint.COUNTRIES: lambda a, c: read_catalog(COUNTRIES, a, c),
    Endpoint.OPERATORS: lambda a, c: read_catalog(POOLS, a, c),
    Endpoint.APPLICATIONS: lambda a, c: read_catalog(APPS, a, c),
    Endpoint.PRICES: lambda a, c: read_prices("7", "1", a, c),
    Endpoint.PRICE: lambda a, c: read_price("3", a, c),
    Endpoint.BUY: read_buy,
    Endpoint.CHECK: read_check,
    Endpoint.CANCEL: read_cancel,
}


@pytest.mark.parametrize("endpoint", list(READS))
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("http", "own", "wanted"), ERRORS)
def test_documented_errors(endpoint: Endpoint, shape: Any, http: int, own: int, wanted: str) -> None:
    for status in (http, 200):
        with pytest.raises(ProviderError) as caught:
            READS[endpoint](answer(shape(own), status), context())
        assert caught.value.code.value == wanted


def test_lists_that_share_their_ids() -> None:
    """Countries, operators and applications are all counted from 1: the commonest of panels."""
    countries = tuple(CatalogEntry(str(i), f"Country {i}", (f"Country {i}",)) for i in range(1, 60))
    apps = tuple(CatalogEntry(str(i), f"App {i}", (f"App {i}",)) for i in range(1, 60))
    known = replace(KNOWN, country="3", operator="1", application="3", countries=countries, applications=apps)
    for given in (
        told({"3": {"price": 2200, "count": 10}, "5": {"price": 1500, "count": 0}}),
        told(
            [
                {"id": 1, "country_id": 3, "operator_id": 1, "app_id": 3, "price": 2200, "count": 10},
                {"id": 2, "country_id": 3, "operator_id": 1, "app_id": 5, "price": 1500, "count": 0},
            ]
        ),
        told({"3": {"1": {"3": {"price": 2200, "count": 10}, "5": {"price": 1500, "count": 0}}}}),
        told({"3": {"2200": 10}, "5": {"1500": 0}}),
        told(
            [
                {"id": 3, "name": "App 3", "price": 2200, "count": 10},
                {"id": 5, "name": "App 5", "price": 1500, "count": 0},
            ]
        ),
        told([{"id": 3, "price": 2200, "count": 10}, {"id": 5, "price": 1500, "count": 0}]),
        told(
            {
                "country": {"id": 3, "name": "Country 3"},
                "operator": {"id": 1},
                "apps": [{"id": 3, "price": 2200, "count": 10}, {"id": 5, "price": 1500, "count": 0}],
            }
        ),
    ):
        read = read_prices("3", "1", answer(given), context(known))
        found = {p.application: (p.price, p.count) for p in read.prices}
        assert found == {"3": (Decimal(2200), 10), "5": (Decimal(1500), 0)}, given
