"""Profiles, lists and prices of real sister providers, as they would be if served at this API's endpoints."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from shomare_mqtt.model import CatalogKind
from shomare_mqtt.provider.reading import read_catalog, read_profile
from tests.reading.sisters_support import Case, raw, seen, versions

COUNTRIES, POOLS, APPS = CatalogKind.COUNTRIES, CatalogKind.OPERATORS, CatalogKind.APPLICATIONS

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
            COUNTRIES,
            [
                {
                    "id": "1",
                    "name": "روسیه",
                    "name_en": "Russia",
                    "areacode": "7",
                    "emoji": "🇷🇺",
                    "image": "x",
                    "active": "1",
                },
                {
                    "id": "2",
                    "name": "اوکراین",
                    "name_en": "Ukraine",
                    "areacode": "380",
                    "emoji": "",
                    "image": "",
                    "active": "0",
                },
            ],
        ),
        {"1": "روسیه|Russia", "2": "Ukraine"},
    ),
    Case(
        "numberland",
        (
            APPS,
            [{"id": "1", "name": "تلگرام", "name_en": "Telegram", "description": "", "image": "t.png", "active": 1}],
        ),
        {"1": "تلگرام|Telegram"},
    ),
    Case(
        "parsnumber",
        (
            COUNTRIES,
            [
                {"id": 2, "name": "آلمان", "slug": "germany", "prefix": "+49"},
                {"id": 1, "name": "آمریکا", "slug": "usa", "prefix": "+1"},
            ],
        ),
        {"2": "آلمان|germany", "1": "آمریکا"},
    ),
    Case(
        "shiznumber",
        (
            APPS,
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
            COUNTRIES,
            {
                "afghanistan": {
                    "iso": {"af": 1},
                    "prefix": {"+93": 1},
                    "text_en": "Afghanistan",
                    "text_ru": "Афганистан",
                    "virtual18": {"activation": 1},
                    "virtual21": {"activation": 1},
                },
                "albania": {
                    "iso": {"al": 1},
                    "prefix": {"+355": 1},
                    "text_en": "Albania",
                    "text_ru": "Албания",
                    "virtual4": {"activation": 1},
                },
            },
        ),
        {"afghanistan": "Afghanistan|Афганистан", "albania": "Albania"},
    ),
    Case(
        "5sim",
        (
            APPS,
            {
                "telegram": {"Category": "activation", "Qty": 87, "Price": 14},
                "whatsapp": {"Category": "activation", "Qty": 1, "Price": 3},
            },
        ),
        {"telegram": "telegram", "whatsapp": "whatsapp"},
    ),
    Case(
        "sms-activate",
        (
            COUNTRIES,
            {
                "0": {
                    "id": 0,
                    "rus": "Россия",
                    "eng": "Russia",
                    "chn": "俄罗斯",
                    "visible": 1,
                    "retry": 1,
                    "rent": 1,
                    "multiService": 1,
                },
                "1": {
                    "id": 1,
                    "rus": "Украина",
                    "eng": "Ukraine",
                    "chn": "乌克兰",
                    "visible": 1,
                    "retry": 1,
                    "rent": 0,
                    "multiService": 1,
                },
                "6": {
                    "id": 6,
                    "rus": "Индонезия",
                    "eng": "Indonesia",
                    "chn": "印度",
                    "visible": 1,
                    "retry": 1,
                    "rent": 0,
                    "multiService": 1,
                },
            },
        ),
        {"0": "Russia|Россия", "1": "Ukraine", "6": "Indonesia"},
    ),
    Case(
        "sms-activate",
        (POOLS, {"status": "success", "countryOperators": {"0": ["beeline", "mts"], "1": ["kyivstar", "life"]}}),
        {"beeline": "beeline", "mts": "mts", "kyivstar": "kyivstar", "life": "life"},
    ),
    Case(
        "sms-activate",
        (
            APPS,
            {"status": "success", "services": [{"code": "tg", "name": "Telegram"}, {"code": "wa", "name": "Whatsapp"}]},
        ),
        {"tg": "Telegram", "wa": "Whatsapp"},
    ),
    Case(
        "grizzly",
        (
            COUNTRIES,
            [
                {"id": 0, "external_id": 54, "title": "Russia", "sort": 1},
                {"id": 6, "external_id": 3, "title": "Indonesia", "sort": 2},
            ],
        ),
        {"0": "Russia", "6": "Indonesia"},
    ),
    Case(
        "onlinesim",
        (
            COUNTRIES,
            {
                "response": 1,
                "countries": {
                    "_7": {"name": "Russia", "original": "russia", "code": 7, "pos": 0, "new": False, "enabled": True},
                    "_380": {
                        "name": "Ukraine",
                        "original": "ukraine",
                        "code": 380,
                        "pos": 1,
                        "new": False,
                        "enabled": True,
                    },
                },
            },
        ),
        {"7": "Russia", "380": "Ukraine"},
    ),
    Case(
        "smspool",
        (
            COUNTRIES,
            [
                {"ID": 1, "name": "United States", "region": "Americas", "short_name": "US", "cc": "1"},
                {"ID": 2, "name": "United Kingdom", "region": "Europe", "short_name": "GB", "cc": "44"},
            ],
        ),
        {"1": "United States|US", "2": "United Kingdom"},
    ),
    Case(
        "smspool",
        (APPS, [{"ID": 1, "name": "1688", "favourite": 0}, {"ID": 907, "name": "Telegram", "favourite": 1}]),
        {"1": "1688", "907": "Telegram"},
    ),
    Case(
        "smspool",
        (POOLS, [{"ID": 1, "name": "Alpha"}, {"ID": 5, "name": "Echo"}]),
        {"1": "Alpha", "5": "Echo"},
    ),
    Case(
        "vaksms",
        (
            COUNTRIES,
            [
                {"countryName": "Tajikistan", "countryCode": "tj", "operatorList": ["babilon", "beeline"]},
                {"countryName": "Russia", "countryCode": "ru", "operatorList": ["mts"]},
            ],
        ),
        {"tj": "Tajikistan", "ru": "Russia"},
    ),
    Case(
        "smsman",
        (
            COUNTRIES,
            {"1": {"id": "1", "title": "Russia", "code": "RU"}, "2": {"id": "2", "title": "Ukraine", "code": "UA"}},
        ),
        {"1": "Russia|RU", "2": "Ukraine"},
    ),
    Case(
        "smsman",
        (APPS, {"1": {"id": "1", "title": "Vk", "code": "vk"}, "3": {"id": "3", "title": "Telegram", "code": "tg"}}),
        {"1": "Vk", "3": "Telegram|tg"},
    ),
    Case(
        "simsms",
        (
            COUNTRIES,
            {
                "response": "1",
                "countries": [
                    {"country_code": "RU", "country_name": "Russia"},
                    {"country_code": "UA", "country_name": "Ukraine"},
                ],
            },
        ),
        {"RU": "Russia", "UA": "Ukraine"},
    ),
    Case(
        "textverified",
        (APPS, [{"serviceName": "telegram", "capability": "sms"}, {"serviceName": "yahoo", "capability": "sms"}]),
        {"telegram": "telegram", "yahoo": "yahoo"},
    ),
    Case(
        "callinoo",
        (
            APPS,
            [
                {"id": 1, "application": "telegram", "fa_name": "تلگرام"},
                {"id": 2, "application": "whatsapp", "fa_name": "واتساپ"},
            ],
        ),
        {"1": "تلگرام|telegram", "2": "whatsapp"},
    ),
    Case(
        "plain",
        (APPS, ["telegram", "whatsapp", "instagram"]),
        {"telegram": "telegram", "whatsapp": "whatsapp", "instagram": "instagram"},
    ),
    Case(
        "map",
        (APPS, {"tg": "Telegram", "wa": "WhatsApp", "ig": "Instagram"}),
        {"tg": "Telegram", "wa": "WhatsApp", "ig": "Instagram"},
    ),
    Case(
        "nummap",
        (COUNTRIES, {"7": "Russia", "98": "Iran", "44": "England"}),
        {"7": "Russia", "98": "Iran", "44": "England"},
    ),
    Case(
        "inverse", (COUNTRIES, {"Russia": 7, "Iran": 98, "England": 44}), {"7": "Russia", "98": "Iran", "44": "England"}
    ),
    Case("rows", (COUNTRIES, [["7", "Russia"], ["98", "Iran"]]), {"7": "Russia", "98": "Iran"}),
    Case(
        "rows3",
        (APPS, [[3, "Telegram", "تلگرام"], [5, "WhatsApp", "واتساپ"]]),
        {"3": "Telegram|تلگرام", "5": "WhatsApp"},
    ),
    Case(
        "fa-en", (COUNTRIES, [{"id": 7, "name": {"fa": "روسیه", "en": "Russia"}, "flag": "🇷🇺"}]), {"7": "Russia|روسیه"}
    ),
    Case(
        "fa-en2",
        (
            POOLS,
            [
                {"operator_id": 1, "names": {"fa": "سرور ۱", "en": "Server 1"}},
                {"operator_id": 2, "names": {"fa": "سرور ۲", "en": "Server 2"}},
            ],
        ),
        {"1": "Server 1|سرور ۱", "2": "Server 2"},
    ),
    Case(
        "paginator",
        (
            COUNTRIES,
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
            APPS,
            {
                "data": [
                    {"id": 3, "type": "application", "attributes": {"title": "Telegram", "slug": "telegram"}},
                    {"id": 5, "type": "application", "attributes": {"title": "WhatsApp", "slug": "whatsapp"}},
                ],
                "links": {"first": "u", "last": "u", "prev": None, "next": None},
                "meta": {"current_page": 1, "total": 2, "links": [{"url": None, "label": "1", "active": True}]},
            },
        ),
        {"3": "Telegram", "5": "WhatsApp"},
    ),
    Case(
        "django",
        (
            COUNTRIES,
            {
                "count": 2,
                "next": None,
                "previous": None,
                "results": [
                    {"pk": 7, "name": "Russia", "iso_code": "RU"},
                    {"pk": 98, "name": "Iran", "iso_code": "IR"},
                ],
            },
        ),
        {"7": "Russia", "98": "Iran"},
    ),
    Case(
        "camel",
        (
            POOLS,
            {
                "operators": [
                    {"operatorId": 1, "operatorName": "Server 1", "isActive": True},
                    {"operatorId": 2, "operatorName": "Server 2", "isActive": False},
                ]
            },
        ),
        {"1": "Server 1", "2": "Server 2"},
    ),
    Case(
        "servers",
        (POOLS, {"servers": [{"server": 1, "title": "سرور یک"}, {"server": 2, "title": "سرور دو"}]}),
        {"1": "سرور یک", "2": "سرور دو"},
    ),
    Case(
        "labels",
        (COUNTRIES, {"items": [{"value": 7, "label": "Russia (+7)"}, {"value": 44, "label": "England (+44)"}]}),
        {"7": "Russia (+7)", "44": "England (+44)"},
    ),
    Case(
        "CountryID",
        (
            COUNTRIES,
            [
                {"CountryID": 7, "CountryName": "Russia", "CountryNameFa": "روسیه"},
                {"CountryID": 98, "CountryName": "Iran", "CountryNameFa": "ایران"},
            ],
        ),
        {"7": "Russia|روسیه", "98": "Iran"},
    ),
    Case(
        "OperatorID",
        (POOLS, [{"OperatorID": 1, "Title": "اپراتور ۱"}, {"OperatorID": 2, "Title": "اپراتور ۲"}]),
        {"1": "اپراتور ۱", "2": "اپراتور ۲"},
    ),
    Case(
        "AppID",
        (
            APPS,
            [
                {"AppID": 3, "AppName": "Telegram", "AppIcon": "x.png"},
                {"AppID": 5, "AppName": "WhatsApp", "AppIcon": "y.png"},
            ],
        ),
        {"3": "Telegram", "5": "WhatsApp"},
    ),
    Case(
        "bycountry",
        (
            POOLS,
            {
                "countries": [
                    {"id": 7, "name": "Russia", "operators": [{"id": 1, "name": "MTS"}, {"id": 2, "name": "Beeline"}]},
                    {"id": 98, "name": "Iran", "operators": [{"id": 5, "name": "MCI"}]},
                ]
            },
        ),
        {"1": "MTS", "2": "Beeline", "5": "MCI"},
    ),
    Case(
        "nested",
        (COUNTRIES, {"result": {"countries": [{"id": 7, "fa": "روسیه", "en": "Russia", "code": "+7"}]}}),
        {"7": "Russia|روسیه"},
    ),
    Case(
        "persian",
        (APPS, [{"شناسه": 3, "نام": "تلگرام"}, {"شناسه": 5, "نام": "واتساپ"}]),
        {"3": "تلگرام", "5": "واتساپ"},
    ),
    Case(
        "uuid",
        (APPS, [{"uuid": "9b1c", "name": "Telegram"}, {"uuid": "9b1d", "name": "WhatsApp"}]),
        {"9b1c": "Telegram", "9b1d": "WhatsApp"},
    ),
    Case(
        "code-and-id",
        (COUNTRIES, [{"id": 1, "country_id": 7, "name": "Russia"}, {"id": 2, "country_id": 98, "name": "Iran"}]),
        {"7": "Russia", "98": "Iran"},
    ),
    Case(
        "phonecode",
        (
            COUNTRIES,
            [
                {"id": 15, "name": "Russia", "code": "ru", "phone_code": 7, "flag": "ru.svg", "sort": 1, "status": 1},
                {"id": 16, "name": "Iran", "code": "ir", "phone_code": 98, "flag": "ir.svg", "sort": 2, "status": 1},
            ],
        ),
        {"15": "Russia", "16": "Iran"},
    ),
    Case(
        "slugs",
        (
            COUNTRIES,
            [{"slug": "russia", "name": "روسیه", "areacode": "7"}, {"slug": "iran", "name": "ایران", "areacode": "98"}],
        ),
        {"russia": "روسیه", "iran": "ایران"},
    ),
]


@pytest.mark.parametrize(
    "case", [p for c in LISTS for p in versions([replace(c, given=c.given[1], truth=(c.given[0], c.truth))])]
)
def test_list(case: Case) -> None:
    kind, wanted = case.truth
    read = read_catalog(kind, raw(case), seen(case))
    assert [e.id for e in read.entries] == list(wanted)
    for entry in read.entries:
        names = {entry.name, *entry.names}
        assert set(wanted[entry.id].split("|")) <= names, entry
