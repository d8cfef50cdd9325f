"""Profiles, lists and prices of real sister providers, as they would be if served at this API's endpoints."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from shomare_mqtt.model import CatalogKind
from shomare_mqtt.provider.reading import read_catalog, read_price, read_prices, read_profile
from tests.reading.sisters_support import NUMBERS, SHORT, SLUGS, Case, raw, seen, versions

C, O, A = CatalogKind.COUNTRIES, CatalogKind.OPERATORS, CatalogKind.APPLICATIONS

PROFILES = [
    Case("numberland", {"RESULT": "1", "BALANCE": "192100", "CURRENCY": "Toman"}, ("192100", "IRT")),
    Case("parsnumber", {"cellphone": "09121234567", "balance": 25000}, ("25000", None)),
    Case(
        "shiznumber",
        {"user": {"id": 2, "mobile": "09000000000", "created_at": "2022-01-09 19:17:35", "balance": 27200}},
        ("27200", None),
    ),
    Case("myonlinesim", {"status": "success", "credit": 100000}, ("100000", None)),
    Case("arzancell", [{"balance": 981000, "unit": "Toman"}], ("981000", "IRT")),
    Case(
        "5sim",
        {
            "id": 1,
            "email": "mail@gmail.com",
            "vendor": "demo",
            "default_forwarding_number": "78009005040",
            "balance": 100,
            "rating": 96,
            "default_country": {"name": "russia", "iso": "ru", "prefix": "+7"},
            "default_operator": {"name": ""},
            "frozen_balance": 0,
        },
        ("100", None),
    ),
    Case("onlinesim", {"response": "1", "balance": "10.58", "zbalance": 0}, ("10.58", None)),
    Case("smspool", {"balance": "1.20"}, ("1.20", None)),
    Case("smspva1", {"response": "1", "balance": "34.67"}, ("34.67", None)),
    Case("smspva2", {"statusCode": 200, "data": {"balance": 34.5, "currency": "USD"}}, ("34.5", "USD")),
    Case("smspva3", {"response": "1", "balance": "34.67", "karma": "100.0", "userid": 1532}, ("34.67", None)),
    Case("vaksms", {"balance": 123.5}, ("123.5", None)),
    Case("smsman", {"balance": "123.30", "hold": 0, "channels": None}, ("123.30", None)),
    Case("simsms", {"response": "1", "balance": "102.00", "karma": 10, "rating": 5}, ("102.00", None)),
    Case("textverified", {"username": "a@b.c", "currentBalance": 17.5}, ("17.5", None)),
    Case(
        "sms-activate-partner",
        {"balance": 55.5, "cashBack": 1.1, "balanceHold": 3, "currency": "RUB"},
        ("55.5", "RUB"),
    ),
    Case("smscodes", {"Status": "Success", "Balance": "4.80", "Error": "None"}, ("4.80", None)),
    Case("hero", {"status": "success", "amount": "55.20", "currency": "USD"}, ("55.20", "USD")),
    Case(
        "laravel1",
        {
            "status": True,
            "code": 200,
            "data": {
                "id": 14,
                "name": "علی",
                "mobile": "09121234567",
                "wallet": 450000,
                "orders_count": 12,
                "created_at": "1402/03/01",
            },
        },
        ("450000", None),
    ),
    Case(
        "laravel2",
        {
            "status": True,
            "user": {"username": "ali", "wallet": {"id": 9, "balance": "۱۲۳٬۴۵۰", "unit": "تومان"}, "level": 3},
        },
        ("123450", "IRT"),
    ),
    Case("laravel3", {"status": True, "result": {"wallet_balance": "1,250,000 ریال"}}, ("1250000", "IRR")),
    Case("laravel4", {"status": True, "code": 200, "data": 45000}, ("45000", None)),
    Case("laravel5", {"status": True, "code": 200, "balance": 0, "name": "x"}, ("0", None)),
    Case("laravel6", {"status": True, "user": {"mojodi": "12000", "id": 5, "total_buy": 900000}}, ("12000", None)),
    Case("callinoo", {"balance": 18000, "error": False}, ("18000", None)),
    Case("numberino", {"ok": True, "result": {"charge": 27500, "currency": "toman"}}, ("27500", "IRT")),
    Case(
        "camel",
        {"success": True, "payload": {"userId": 71, "walletCharge": 20000, "totalOrders": 55}},
        ("20000", None),
    ),
    Case("persian", {"status": True, "data": {"موجودی": "۲۵٬۰۰۰ تومان", "نام": "رضا"}}, ("25000", "IRT")),
    Case("money", {"status": True, "data": {"balance": {"amount": "85000", "currency": "IRT"}}}, ("85000", "IRT")),
    Case(
        "django",
        {"id": 3, "username": "u", "profile": {"credit": "3500.00", "phone": "0912"}, "last_login": "2024-01-01"},
        ("3500.00", None),
    ),
    Case("getsmscode", {"status": True, "data": {"score": 33.5, "balance": "33.50"}}, ("33.50", None)),
    Case("remaining", {"status": True, "data": {"remaining_credit": 7800, "used_credit": 120000}}, ("7800", None)),
    Case(
        "purse",
        {"status": True, "data": {"id": 12, "first_name": "a", "inventory": 99000, "is_active": 1, "level": 2}},
        ("99000", None),
    ),
]


@pytest.mark.parametrize("case", versions(PROFILES))
def test_profile(case: Case) -> None:
    read = read_profile(raw(case), seen(case))
    assert (read.balance, read.currency) == (Decimal(case.truth[0]), case.truth[1])


LISTS = [
    Case(
        "numberland",
        (
            C,
            [
                {"id": "1", "name": "روسیه", "name_en": "Russia", "areacode": "7", "emoji": "🇷🇺", "image": "x", "active": "1"},
                {"id": "2", "name": "اوکراین", "name_en": "Ukraine", "areacode": "380", "emoji": "", "image": "", "active": "0"},
            ],
        ),
        {"1": "روسیه|Russia", "2": "Ukraine"},
    ),
    Case(
        "numberland",
        (A, [{"id": "1", "name": "تلگرام", "name_en": "Telegram", "description": "", "image": "t.png", "active": 1}]),
        {"1": "تلگرام|Telegram"},
    ),
    Case(
        "parsnumber",
        (C, [{"id": 2, "name": "آلمان", "slug": "germany", "prefix": "+49"}, {"id": 1, "name": "آمریکا", "slug": "usa", "prefix": "+1"}]),
        {"2": "آلمان|germany", "1": "آمریکا"},
    ),
    Case(
        "shiznumber",
        (
            A,
            [
                {"id": 4, "name": "Telegram", "fa_name": "تلگرام", "slug": "telegram", "img": "https://x/t.png"},
                {"id": 6, "name": "WhatsApp", "fa_name": "واتساپ", "slug": "whatsapp", "img": "https://x/w.png"},
            ],
        ),
        {"4": "Telegram|تلگرام", "6": "WhatsApp"},
    ),
    Case(
        "5sim",
        (
            C,
            {
                "afghanistan": {
                    "iso": {"af": 1},
                    "prefix": {"+93": 1},
                    "text_en": "Afghanistan",
                    "text_ru": "Афганистан",
                    "virtual18": {"activation": 1},
                    "virtual21": {"activation": 1},
                },
                "albania": {"iso": {"al": 1}, "prefix": {"+355": 1}, "text_en": "Albania", "text_ru": "Албания", "virtual4": {"activation": 1}},
            },
        ),
        {"afghanistan": "Afghanistan|Афганистан", "albania": "Albania"},
    ),
    Case(
        "5sim",
        (A, {"telegram": {"Category": "activation", "Qty": 87, "Price": 14}, "whatsapp": {"Category": "activation", "Qty": 1, "Price": 3}}),
        {"telegram": "telegram", "whatsapp": "whatsapp"},
    ),
    Case(
        "sms-activate",
        (
            C,
            {
                "0": {"id": 0, "rus": "Россия", "eng": "Russia", "chn": "俄罗斯", "visible": 1, "retry": 1, "rent": 1, "multiService": 1},
                "1": {"id": 1, "rus": "Украина", "eng": "Ukraine", "chn": "乌克兰", "visible": 1, "retry": 1, "rent": 0, "multiService": 1},
                "6": {"id": 6, "rus": "Индонезия", "eng": "Indonesia", "chn": "印度", "visible": 1, "retry": 1, "rent": 0, "multiService": 1},
            },
        ),
        {"0": "Russia|Россия", "1": "Ukraine", "6": "Indonesia"},
    ),
    Case(
        "sms-activate",
        (O, {"status": "success", "countryOperators": {"0": ["beeline", "mts"], "1": ["kyivstar", "life"]}}),
        {"beeline": "beeline", "mts": "mts", "kyivstar": "kyivstar", "life": "life"},
    ),
    Case(
        "sms-activate",
        (A, {"status": "success", "services": [{"code": "tg", "name": "Telegram"}, {"code": "wa", "name": "Whatsapp"}]}),
        {"tg": "Telegram", "wa": "Whatsapp"},
    ),
    Case(
        "grizzly",
        (C, [{"id": 0, "external_id": 54, "title": "Russia", "sort": 1}, {"id": 6, "external_id": 3, "title": "Indonesia", "sort": 2}]),
        {"0": "Russia", "6": "Indonesia"},
    ),
    Case(
        "onlinesim",
        (
            C,
            {
                "response": 1,
                "countries": {
                    "_7": {"name": "Russia", "original": "russia", "code": 7, "pos": 0, "new": False, "enabled": True},
                    "_380": {"name": "Ukraine", "original": "ukraine", "code": 380, "pos": 1, "new": False, "enabled": True},
                },
            },
        ),
        {"7": "Russia", "380": "Ukraine"},
    ),
    Case(
        "smspool",
        (C, [{"ID": 1, "name": "United States", "region": "Americas", "short_name": "US", "cc": "1"}, {"ID": 2, "name": "United Kingdom", "region": "Europe", "short_name": "GB", "cc": "44"}]),
        {"1": "United States|US", "2": "United Kingdom"},
    ),
    Case(
        "smspool",
        (A, [{"ID": 1, "name": "1688", "favourite": 0}, {"ID": 907, "name": "Telegram", "favourite": 1}]),
        {"1": "1688", "907": "Telegram"},
    ),
    Case(
        "smspool",
        (O, [{"ID": 1, "name": "Alpha"}, {"ID": 5, "name": "Echo"}]),
        {"1": "Alpha", "5": "Echo"},
    ),
    Case(
        "vaksms",
        (C, [{"countryName": "Tajikistan", "countryCode": "tj", "operatorList": ["babilon", "beeline"]}, {"countryName": "Russia", "countryCode": "ru", "operatorList": ["mts"]}]),
        {"tj": "Tajikistan", "ru": "Russia"},
    ),
    Case(
        "smsman",
        (C, {"1": {"id": "1", "title": "Russia", "code": "RU"}, "2": {"id": "2", "title": "Ukraine", "code": "UA"}}),
        {"1": "Russia|RU", "2": "Ukraine"},
    ),
    Case("smsman", (A, {"1": {"id": "1", "title": "Vk", "code": "vk"}, "3": {"id": "3", "title": "Telegram", "code": "tg"}}), {"1": "Vk", "3": "Telegram|tg"}),
    Case("simsms", (C, {"response": "1", "countries": [{"country_code": "RU", "country_name": "Russia"}, {"country_code": "UA", "country_name": "Ukraine"}]}), {"RU": "Russia", "UA": "Ukraine"}),
    Case("textverified", (A, [{"serviceName": "telegram", "capability": "sms"}, {"serviceName": "yahoo", "capability": "sms"}]), {"telegram": "telegram", "yahoo": "yahoo"}),
    Case("callinoo", (A, [{"id": 1, "application": "telegram", "fa_name": "تلگرام"}, {"id": 2, "application": "whatsapp", "fa_name": "واتساپ"}]), {"1": "تلگرام|telegram", "2": "whatsapp"}),
    Case("plain", (A, ["telegram", "whatsapp", "instagram"]), {"telegram": "telegram", "whatsapp": "whatsapp", "instagram": "instagram"}),
    Case("map", (A, {"tg": "Telegram", "wa": "WhatsApp", "ig": "Instagram"}), {"tg": "Telegram", "wa": "WhatsApp", "ig": "Instagram"}),
    Case("nummap", (C, {"7": "Russia", "98": "Iran", "44": "England"}), {"7": "Russia", "98": "Iran", "44": "England"}),
    Case("inverse", (C, {"Russia": 7, "Iran": 98, "England": 44}), {"7": "Russia", "98": "Iran", "44": "England"}),
    Case("rows", (C, [["7", "Russia"], ["98", "Iran"]]), {"7": "Russia", "98": "Iran"}),
    Case("rows3", (A, [[3, "Telegram", "تلگرام"], [5, "WhatsApp", "واتساپ"]]), {"3": "Telegram|تلگرام", "5": "WhatsApp"}),
    Case("fa-en", (C, [{"id": 7, "name": {"fa": "روسیه", "en": "Russia"}, "flag": "🇷🇺"}]), {"7": "Russia|روسیه"}),
    Case("fa-en2", (O, [{"operator_id": 1, "names": {"fa": "سرور ۱", "en": "Server 1"}}, {"operator_id": 2, "names": {"fa": "سرور ۲", "en": "Server 2"}}]), {"1": "Server 1|سرور ۱", "2": "Server 2"}),
    Case(
        "paginator",
        (
            C,
            {
                "current_page": 1,
                "data": [{"id": 7, "title": "روسیه"}, {"id": 98, "title": "ایران"}],
                "first_page_url": "u",
                "from": 1,
                "last_page": 1,
                "links": [{"url": None, "label": "«", "active": False}, {"url": "u", "label": "1", "active": True}],
                "per_page": 50,
                "to": 2,
                "total": 2,
            },
        ),
        {"7": "روسیه", "98": "ایران"},
    ),
    Case(
        "resource",
        (
            A,
            {
                "data": [{"id": 3, "type": "application", "attributes": {"title": "Telegram", "slug": "telegram"}}, {"id": 5, "type": "application", "attributes": {"title": "WhatsApp", "slug": "whatsapp"}}],
                "links": {"first": "u", "last": "u", "prev": None, "next": None},
                "meta": {"current_page": 1, "total": 2, "links": [{"url": None, "label": "1", "active": True}]},
            },
        ),
        {"3": "Telegram", "5": "WhatsApp"},
    ),
    Case("django", (C, {"count": 2, "next": None, "previous": None, "results": [{"pk": 7, "name": "Russia", "iso_code": "RU"}, {"pk": 98, "name": "Iran", "iso_code": "IR"}]}), {"7": "Russia", "98": "Iran"}),
    Case("camel", (O, {"operators": [{"operatorId": 1, "operatorName": "Server 1", "isActive": True}, {"operatorId": 2, "operatorName": "Server 2", "isActive": False}]}), {"1": "Server 1", "2": "Server 2"}),
    Case("servers", (O, {"servers": [{"server": 1, "title": "سرور یک"}, {"server": 2, "title": "سرور دو"}]}), {"1": "سرور یک", "2": "سرور دو"}),
    Case("labels", (C, {"items": [{"value": 7, "label": "Russia (+7)"}, {"value": 44, "label": "England (+44)"}]}), {"7": "Russia (+7)", "44": "England (+44)"}),
    Case("CountryID", (C, [{"CountryID": 7, "CountryName": "Russia", "CountryNameFa": "روسیه"}, {"CountryID": 98, "CountryName": "Iran", "CountryNameFa": "ایران"}]), {"7": "Russia|روسیه", "98": "Iran"}),
    Case("OperatorID", (O, [{"OperatorID": 1, "Title": "اپراتور ۱"}, {"OperatorID": 2, "Title": "اپراتور ۲"}]), {"1": "اپراتور ۱", "2": "اپراتور ۲"}),
    Case("AppID", (A, [{"AppID": 3, "AppName": "Telegram", "AppIcon": "x.png"}, {"AppID": 5, "AppName": "WhatsApp", "AppIcon": "y.png"}]), {"3": "Telegram", "5": "WhatsApp"}),
    Case(
        "bycountry",
        (O, {"countries": [{"id": 7, "name": "Russia", "operators": [{"id": 1, "name": "MTS"}, {"id": 2, "name": "Beeline"}]}, {"id": 98, "name": "Iran", "operators": [{"id": 5, "name": "MCI"}]}]}),
        {"1": "MTS", "2": "Beeline", "5": "MCI"},
    ),
    Case("nested", (C, {"result": {"countries": [{"id": 7, "fa": "روسیه", "en": "Russia", "code": "+7"}]}}), {"7": "Russia|روسیه"}),
    Case("persian", (A, [{"شناسه": 3, "نام": "تلگرام"}, {"شناسه": 5, "نام": "واتساپ"}]), {"3": "تلگرام", "5": "واتساپ"}),
    Case("uuid", (A, [{"uuid": "9b1c", "name": "Telegram"}, {"uuid": "9b1d", "name": "WhatsApp"}]), {"9b1c": "Telegram", "9b1d": "WhatsApp"}),
    Case("code-and-id", (C, [{"id": 1, "country_id": 7, "name": "Russia"}, {"id": 2, "country_id": 98, "name": "Iran"}]), {"7": "Russia", "98": "Iran"}),
    Case("phonecode", (C, [{"id": 15, "name": "Russia", "code": "ru", "phone_code": 7, "flag": "ru.svg", "sort": 1, "status": 1}, {"id": 16, "name": "Iran", "code": "ir", "phone_code": 98, "flag": "ir.svg", "sort": 2, "status": 1}]), {"15": "Russia", "16": "Iran"}),
    Case("slugs", (C, [{"slug": "russia", "name": "روسیه", "areacode": "7"}, {"slug": "iran", "name": "ایران", "areacode": "98"}]), {"russia": "روسیه", "iran": "ایران"}),
]


@pytest.mark.parametrize("case", [p for c in LISTS for p in versions([replace(c, given=c.given[1], truth=(c.given[0], c.truth))])])
def test_list(case: Case) -> None:
    kind, wanted = case.truth
    read = read_catalog(kind, raw(case), seen(case))
    assert [e.id for e in read.entries] == list(wanted)
    for entry in read.entries:
        names = {entry.name, *entry.names}
        assert set(wanted[entry.id].split("|")) <= names, entry


TG, WA, IG = ("2200", 10), ("1500", 0), ("3000", 7)
ALL = {"3": TG, "5": WA, "9": IG}


def app(own: object, **more: object) -> dict[str, object]:
    """An application inside a row."""
    return {"id": own, **more}


PRICES = [
    Case(
        "numberland",
        [
            {"service": s, "country": "7", "operator": "1", "count": n, "amount": a, "repeat": "1", "time": "00:20:00", "active": 1, "description": "بدون ریپورت"}
            for s, n, a in (("3", "10", "2200"), ("5", "0", "1500"), ("9", "7", "3000"))
        ],
        ALL,
    ),
    Case(
        "numberland-all-operators",
        [
            {"service": "3", "country": c, "operator": o, "count": n, "amount": a, "repeat": "0", "time": "00:20:00", "active": "1", "description": ""}
            for c, o, n, a in (("7", "2", "99", "1100"), ("7", "1", "10", "2200"), ("98", "1", "5", "900"))
        ],
        {"3": TG},
    ),
    Case(
        "shiznumber",
        [
            {
                "id": i,
                "count": n,
                "price": p,
                "operator": 1,
                "country": {"id": 7, "name": "Russia", "fa_name": "روسیه", "slug": "russia"},
                "service": {"id": s, "name": m, "fa_name": "x", "slug": m.lower(), "img": "u"},
            }
            for i, s, m, n, p in ((57172, 3, "Telegram", 10, 2200), (57173, 5, "WhatsApp", 0, 1500), (57174, 9, "Instagram", 7, 3000))
        ],
        ALL,
    ),
    Case(
        "parsnumber",
        [
            {"id": 2, "country": {"id": 7, "name": "روسیه", "slug": "russia"}, "service": {"id": 3, "name": "تلگرام", "slug": "telegram"}, "price": 2200, "count": 10},
            {"id": 3, "country": {"id": 7, "name": "روسیه", "slug": "russia"}, "service": {"id": 5, "name": "واتساپ", "slug": "whatsapp"}, "price": 1500, "count": 0},
        ],
        {"3": TG, "5": WA},
    ),
    Case("myonlinesim", {"data": [{"name": "تلگرام", "count": 10, "price": 2200, "service": "telegram"}, {"name": "واتساپ", "count": 0, "price": 1500, "service": "whatsapp"}]}, {"3": TG, "5": WA}),
    Case("callinoo", [{"country": "Russia", "range": 1, "price": 2200, "count": "موجود", "application_id": 3, "emoji": "🇷🇺"}, {"country": "Russia", "range": 1, "price": 1500, "count": "ناموجود", "application_id": 5}], {"3": ("2200", None), "5": WA}),
    Case("5sim-guest", {"russia": {"telegram": {"beeline": {"cost": 22, "count": 10, "rate": 99.99}, "mts": {"cost": 4, "count": 1260}}, "whatsapp": {"beeline": {"cost": 15, "count": 0}}}}, {"telegram": ("22", 10), "whatsapp": ("15", 0)}, SLUGS),
    Case("5sim-other-way", {"russia": {"beeline": {"telegram": {"cost": 22.5, "count": 10}, "whatsapp": {"cost": 15, "count": 0}}}}, {"telegram": ("22.5", 10), "whatsapp": ("15", 0)}, SLUGS),
    Case("5sim-products", {"telegram": {"Category": "activation", "Qty": 10, "Price": 22}, "whatsapp": {"Category": "activation", "Qty": 0, "Price": 15}}, {"telegram": ("22", 10), "whatsapp": ("15", 0)}, SLUGS),
    Case("sms-activate", {"0": {"tg": {"cost": 22.0, "count": 10, "physicalCount": 5}, "wa": {"cost": "15.00", "count": 0, "physicalCount": 0}}}, {"tg": ("22", 10), "wa": ("15", 0)}, SHORT),
    Case("sms-activate-list", [{"0": {"tg": {"cost": 22.0, "count": 10}, "wa": {"cost": "15.00", "count": 0}}}], {"tg": ("22", 10), "wa": ("15", 0)}, SHORT),
    Case("daisysms", {"tg": {"0": {"count": "10", "cost": "22.00", "name": "Telegram", "ttl": 500}}, "wa": {"0": {"count": "0", "cost": "15.00", "name": "WhatsApp", "ttl": 500}}}, {"tg": ("22", 10), "wa": ("15", 0)}, SHORT),
    Case("smshub", {"0": {"tg": {"22.00": 10}, "wa": {"15.00": 0}}}, {"tg": ("22", 10), "wa": ("15", 0)}, SHORT),
    Case("smshub-many", {"0": {"tg": {"25.00": 40, "22.00": 10}, "wa": {"15.00": 0, "16.50": 3}}}, {"tg": ("22", 10), "wa": ("16.5", 3)}, SHORT),
    Case("smshub-toman", {"7": {"3": {"2200": 10}, "5": {"1500": 0}, "9": {"3000": 7}}}, ALL),
    Case("smshub-flat", {"3": {"2200": 10}, "5": {"1500": 0}, "9": {"3000": 7}}, ALL),
    Case("tiger", {"0": {"tg": {"cost": "22", "count": "10"}, "wa": {"cost": "15", "count": "0"}}}, {"tg": ("22", 10), "wa": ("15", 0)}, SHORT),
    Case("grizzly-v3", {"0": {"tg": {"price": 22, "count": 10, "providers": {"1": {"count": 4, "price": [22], "provider_id": 1}, "7": {"count": 6, "price": [23], "provider_id": 7}}}}}, {"tg": ("22", 10)}, SHORT),
    Case("onlinesim-stats", {"7": {"name": "Russia", "code": 7, "enabled": True, "services": {"service_3": {"count": 10, "price": 2200, "id": 3, "service": "Telegram", "slug": "telegram"}, "service_5": {"count": 0, "price": 1500, "id": 5, "service": "WhatsApp", "slug": "whatsapp"}}}}, {"3": TG, "5": WA}),
    Case("smsman", {"3": {"cost": "2200", "count": 10}, "5": {"cost": "1500", "count": 0}, "9": {"cost": "3000", "count": 7}}, ALL),
    Case("smsman-country", {"7": {"3": {"cost": "2200", "count": 10}, "5": {"cost": "1500", "count": 0}}}, {"3": TG, "5": WA}),
    Case("smsman-limits", [{"application_id": "3", "country_id": "7", "numbers": "10", "price": "2200"}, {"application_id": "5", "country_id": "7", "numbers": "0", "price": "1500"}], {"3": TG, "5": WA}),
    Case("smspool", [{"service": 3, "service_name": "Telegram", "country": 7, "country_name": "Russia", "short_name": "RU", "pool": 1, "price": "2200.00", "stock": 10}, {"service": 5, "service_name": "WhatsApp", "country": 7, "pool": 1, "price": "1500.00", "stock": 0}], {"3": TG, "5": WA}),
    Case("smspva2", {"statusCode": 200, "data": [{"service": "3", "serviceDescription": "Telegram", "country": "7", "price": 2200.0, "currentPrice": 2200, "total": 10}, {"service": "5", "serviceDescription": "WhatsApp", "country": "7", "price": 1500, "total": 0}]}, {"3": TG, "5": WA}),
    Case("simsms", {"response": "1", "country": "7", "services": [{"service": "3", "service_name": "Telegram", "price": "2200", "online": 10}, {"service": "5", "service_name": "WhatsApp", "price": "1500", "online": 0}]}, {"3": TG, "5": WA}),
    Case("laravel1", {"status": True, "code": 200, "data": [{"id": 881, "app_id": 3, "app": "تلگرام", "price": "2,200", "count": "10"}, {"id": 882, "app_id": 5, "app": "واتساپ", "price": "1,500", "count": "0"}]}, {"3": TG, "5": WA}),
    Case("laravel2", {"status": True, "code": 200, "result": {"country": {"id": 7, "name": "روسیه"}, "operator": {"id": 1, "name": "سرور ۱"}, "prices": [{"application": {"id": 3, "title": "تلگرام"}, "price": {"amount": 2200, "currency": "IRT"}, "stock": True}, {"application": {"id": 5, "title": "واتساپ"}, "price": {"amount": 1500, "currency": "IRT"}, "stock": False}]}}, {"3": ("2200", None), "5": WA}),
    Case("discount", {"status": True, "data": [{"id": 3, "title": "Telegram", "original_price": 3000, "discount": 800, "price": 2200, "count": 10}, {"id": 5, "title": "WhatsApp", "original_price": 1500, "discount": 0, "price": 1500, "count": 0}]}, {"3": TG, "5": WA}),
    Case("discounted", {"status": True, "data": [{"id": 3, "name": "Telegram", "price": 3000, "discounted_price": 2200, "count": 10}]}, {"3": TG}),
    Case("final", {"status": True, "data": [{"id": 3, "name": "Telegram", "base_price": 2000, "price": 2100, "final_price": 2200, "count": 10}]}, {"3": TG}),
    Case("prices-object", {"status": True, "data": [{"id": 3, "name": "Telegram", "prices": {"original": 3000, "discount": 800, "final": 2200}, "count": 10}]}, {"3": TG}),
    Case("by-price-map", {"status": True, "data": {"3": 2200, "5": 1500, "9": 3000}}, {"3": ("2200", None), "5": ("1500", None), "9": ("3000", None)}),
    Case("by-name-map", {"status": True, "data": {"telegram": 2200, "whatsapp": 1500}}, {"3": ("2200", None), "5": ("1500", None)}),
    Case("AppID", {"status": True, "data": [{"AppID": 3, "AppName": "Telegram", "Price": 2200, "Count": 10}, {"AppID": 5, "AppName": "WhatsApp", "Price": 1500, "Count": 0}]}, {"3": TG, "5": WA}),
    Case("persian", {"status": True, "data": [{"برنامه": "تلگرام", "قیمت": "۲٬۲۰۰ تومان", "تعداد": "۱۰"}, {"برنامه": "واتساپ", "قیمت": "۱٬۵۰۰ تومان", "تعداد": "ناموجود"}]}, {"3": TG, "5": WA}),
    Case("operators-inside", {"status": True, "data": [{"app": 3, "operators": [{"operator": 2, "price": 1000, "count": 4}, {"operator": 1, "price": 2200, "count": 10}]}, {"app": 5, "operators": [{"operator": 1, "price": 1500, "count": 0}]}]}, {"3": TG, "5": WA}),
    Case("paginator", {"status": True, "data": {"current_page": 1, "data": [{"id": 1, "service_id": 3, "price": 2200, "available": 10}, {"id": 2, "service_id": 5, "price": 1500, "available": 0}], "total": 2, "per_page": 15, "last_page": 1}}, {"3": TG, "5": WA}),
    Case("django", {"count": 2, "next": None, "previous": None, "results": [{"id": 71, "service": 3, "country": 7, "price": "2200.00", "quantity": 10}, {"id": 72, "service": 5, "country": 7, "price": "1500.00", "quantity": 0}]}, {"3": TG, "5": WA}),
    Case("two-units", {"status": True, "data": [{"id": 3, "name": "Telegram", "price": 2200, "price_usd": 0.04, "count": 10}]}, {"3": TG}),
    Case("rates", {"status": True, "data": [{"id": 3, "title": "Telegram", "success_rate": 94, "rate": 4.5, "price": 2200, "count": 10, "min_price": 1900, "max_price": 2600}]}, {"3": TG}),
    Case("camel", {"success": True, "payload": {"items": [{"serviceId": 3, "serviceName": "Telegram", "unitPrice": 2200, "availableCount": 10}, {"serviceId": 5, "serviceName": "WhatsApp", "unitPrice": 1500, "availableCount": 0}]}}, {"3": TG, "5": WA}),
    Case("amount-number", {"status": True, "data": [{"service": 3, "amount": 2200, "number": 10}, {"service": 5, "amount": 1500, "number": 0}]}, {"3": TG, "5": WA}),
    Case("sum-qty", {"status": True, "data": [{"product": "telegram", "sum": 2200, "qty": 10}]}, {"3": TG}),
]


@pytest.mark.parametrize("case", versions(PRICES))
def test_prices(case: Case) -> None:
    assert case.known.country is not None
    assert case.known.operator is not None
    read = read_prices(case.known.country, case.known.operator, raw(case), seen(case))
    found = {p.application: (p.price, p.count) for p in read.prices}
    assert found == {a: (Decimal(p), n) for a, (p, n) in case.truth.items()}


PRICE = [
    Case("vaksms", {"tg": 10, "price": 22.0}, ("22", 10), SHORT),
    Case("smspool", {"price": "2200", "high_price": "2600", "pool": "1", "success_rate": "100.00"}, ("2200", None)),
    Case("sms-activate", {"0": {"tg": {"cost": 22.0, "count": 10, "physicalCount": 5}}}, ("22", 10), SHORT),
    Case("smshub", {"0": {"tg": {"22.00": 10}}}, ("22", 10), SHORT),
    Case("smshub-toman", {"3": {"2200": 10}}, ("2200", 10)),
    Case("smshub-one", {"2200": 10}, ("2200", 10), replace(NUMBERS, price=Decimal(2200))),
    Case("simsms", {"response": "1", "country": "7", "service": "3", "service_name": "Telegram", "price": "2200"}, ("2200", None)),
    Case("onlinesim", {"response": "1", "price": "2200"}, ("2200", None)),
    Case("numberland", [{"service": "3", "country": "7", "operator": "1", "count": "10", "amount": "2200", "repeat": "1", "time": "00:20:00", "active": 1, "description": ""}], ("2200", 10)),
    Case("5sim", {"russia": {"telegram": {"beeline": {"cost": 22, "count": 10}, "mts": {"cost": 4, "count": 1260}}}}, ("22", 10), SLUGS),
    Case("laravel1", {"status": True, "code": 200, "data": {"price": 2200, "count": 10}}, ("2200", 10)),
    Case("laravel2", {"status": True, "code": 200, "price": "2,200 تومان", "count": "موجود"}, ("2200", None)),
    Case("laravel3", {"status": True, "code": 200, "data": {"id": 881, "country_id": 7, "operator_id": 1, "app_id": 3, "price": 2200, "stock": 10, "active": 1, "updated_at": "2024-05-05"}}, ("2200", 10)),
    Case("laravel4", {"status": True, "code": 200, "data": {"country": {"id": 7, "name": "Russia"}, "operator": {"id": 1, "name": "Server 1"}, "application": {"id": 3, "name": "Telegram"}, "price": {"amount": "2200", "currency": "IRT"}, "quantity": 10}}, ("2200", 10)),
    Case("scalar", {"status": True, "code": 200, "data": 2200}, ("2200", None), bare=True),
    Case("scalar-text", {"status": True, "code": 200, "data": "2,200 تومان"}, ("2200", None), bare=True),
    Case("scalar-price", {"status": True, "code": 200, "price": 2200}, ("2200", None)),
    Case("world", {"service": "telegram", "country": "ru", "price": 0.07, "available": 142}, ("0.07", 142)),
    Case("discount", {"status": True, "data": {"price": {"original": 3000, "discounted": 2200}, "count": 10}}, ("2200", 10)),
    Case("product", {"status": True, "product": {"id": 3, "name": "Telegram", "price": 2200, "stock": 10, "country": {"id": 7}}}, ("2200", 10)),
    Case("list-of-all", {"status": True, "data": [{"app_id": 5, "price": 1500, "count": 0}, {"app_id": 3, "price": 2200, "count": 10}]}, ("2200", 10)),
    Case("none-left", {"status": True, "data": {"price": 2200, "count": 0}}, ("2200", 0)),
    Case("bool", {"status": True, "data": {"cost": 2200, "is_available": True}}, ("2200", None)),
    Case("persian", {"status": True, "data": {"قیمت": "۲۲۰۰", "موجودی": "۱۰"}}, ("2200", 10)),
]


@pytest.mark.parametrize("case", versions(PRICE))
def test_price(case: Case) -> None:
    assert case.known.application is not None
    read = read_price(case.known.application, raw(case), seen(case))
    assert (read.price, read.count) == (Decimal(case.truth[0]), case.truth[1])
