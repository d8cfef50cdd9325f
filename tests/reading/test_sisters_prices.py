"""Price lists and single prices of real sister providers, as they would be if served at this API's endpoints."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from shomare_mqtt.provider.reading import read_price, read_prices
from tests.reading.sisters_support import NUMBERS, SHORT, SLUGS, Case, raw, seen, versions

TG, WA, IG = ("2200", 10), ("1500", 0), ("3000", 7)
ALL = {"3": TG, "5": WA, "9": IG}


def app(own: object, **more: object) -> dict[str, object]:
    """An application inside a row."""
    return {"id": own, **more}


PRICES = [
    Case(
        "numberland",
        [
            {
                "service": s,
                "country": "7",
                "operator": "1",
                "count": n,
                "amount": a,
                "repeat": "1",
                "time": "00:20:00",
                "active": 1,
                "description": "بدون ریپورت",
            }
            for s, n, a in (("3", "10", "2200"), ("5", "0", "1500"), ("9", "7", "3000"))
        ],
        ALL,
    ),
    Case(
        "numberland-all-operators",
        [
            {
                "service": "3",
                "country": c,
                "operator": o,
                "count": n,
                "amount": a,
                "repeat": "0",
                "time": "00:20:00",
                "active": "1",
                "description": "",
            }
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
            for i, s, m, n, p in (
                (57172, 3, "Telegram", 10, 2200),
                (57173, 5, "WhatsApp", 0, 1500),
                (57174, 9, "Instagram", 7, 3000),
            )
        ],
        ALL,
    ),
    Case(
        "parsnumber",
        [
            {
                "id": 2,
                "country": {"id": 7, "name": "روسیه", "slug": "russia"},
                "service": {"id": 3, "name": "تلگرام", "slug": "telegram"},
                "price": 2200,
                "count": 10,
            },
            {
                "id": 3,
                "country": {"id": 7, "name": "روسیه", "slug": "russia"},
                "service": {"id": 5, "name": "واتساپ", "slug": "whatsapp"},
                "price": 1500,
                "count": 0,
            },
        ],
        {"3": TG, "5": WA},
    ),
    Case(
        "myonlinesim",
        {
            "data": [
                {"name": "تلگرام", "count": 10, "price": 2200, "service": "telegram"},
                {"name": "واتساپ", "count": 0, "price": 1500, "service": "whatsapp"},
            ]
        },
        {"3": TG, "5": WA},
    ),
    Case(
        "callinoo",
        [
            {"country": "Russia", "range": 1, "price": 2200, "count": "موجود", "application_id": 3, "emoji": "🇷🇺"},
            {"country": "Russia", "range": 1, "price": 1500, "count": "ناموجود", "application_id": 5},
        ],
        {"3": ("2200", None), "5": WA},
    ),
    Case(
        "5sim-guest",
        {
            "russia": {
                "telegram": {"beeline": {"cost": 22, "count": 10, "rate": 99.99}, "mts": {"cost": 4, "count": 1260}},
                "whatsapp": {"beeline": {"cost": 15, "count": 0}},
            }
        },
        {"telegram": ("22", 10), "whatsapp": ("15", 0)},
        SLUGS,
    ),
    Case(
        "5sim-other-way",
        {"russia": {"beeline": {"telegram": {"cost": 22.5, "count": 10}, "whatsapp": {"cost": 15, "count": 0}}}},
        {"telegram": ("22.5", 10), "whatsapp": ("15", 0)},
        SLUGS,
    ),
    Case(
        "5sim-products",
        {
            "telegram": {"Category": "activation", "Qty": 10, "Price": 22},
            "whatsapp": {"Category": "activation", "Qty": 0, "Price": 15},
        },
        {"telegram": ("22", 10), "whatsapp": ("15", 0)},
        SLUGS,
    ),
    Case(
        "sms-activate",
        {
            "0": {
                "tg": {"cost": 22.0, "count": 10, "physicalCount": 5},
                "wa": {"cost": "15.00", "count": 0, "physicalCount": 0},
            }
        },
        {"tg": ("22", 10), "wa": ("15", 0)},
        SHORT,
    ),
    Case(
        "sms-activate-list",
        [{"0": {"tg": {"cost": 22.0, "count": 10}, "wa": {"cost": "15.00", "count": 0}}}],
        {"tg": ("22", 10), "wa": ("15", 0)},
        SHORT,
    ),
    Case(
        "daisysms",
        {
            "tg": {"0": {"count": "10", "cost": "22.00", "name": "Telegram", "ttl": 500}},
            "wa": {"0": {"count": "0", "cost": "15.00", "name": "WhatsApp", "ttl": 500}},
        },
        {"tg": ("22", 10), "wa": ("15", 0)},
        SHORT,
    ),
    Case("smshub", {"0": {"tg": {"22.00": 10}, "wa": {"15.00": 0}}}, {"tg": ("22", 10), "wa": ("15", 0)}, SHORT),
    Case(
        "smshub-many",
        {"0": {"tg": {"25.00": 40, "22.00": 10}, "wa": {"15.00": 0, "16.50": 3}}},
        {"tg": ("22", 10), "wa": ("16.5", 3)},
        SHORT,
    ),
    Case("smshub-toman", {"7": {"3": {"2200": 10}, "5": {"1500": 0}, "9": {"3000": 7}}}, ALL),
    Case("smshub-flat", {"3": {"2200": 10}, "5": {"1500": 0}, "9": {"3000": 7}}, ALL),
    Case(
        "tiger",
        {"0": {"tg": {"cost": "22", "count": "10"}, "wa": {"cost": "15", "count": "0"}}},
        {"tg": ("22", 10), "wa": ("15", 0)},
        SHORT,
    ),
    Case(
        "grizzly-v3",
        {
            "0": {
                "tg": {
                    "price": 22,
                    "count": 10,
                    "providers": {
                        "1": {"count": 4, "price": [22], "provider_id": 1},
                        "7": {"count": 6, "price": [23], "provider_id": 7},
                    },
                }
            }
        },
        {"tg": ("22", 10)},
        SHORT,
    ),
    Case(
        "onlinesim-stats",
        {
            "7": {
                "name": "Russia",
                "code": 7,
                "enabled": True,
                "services": {
                    "service_3": {"count": 10, "price": 2200, "id": 3, "service": "Telegram", "slug": "telegram"},
                    "service_5": {"count": 0, "price": 1500, "id": 5, "service": "WhatsApp", "slug": "whatsapp"},
                },
            }
        },
        {"3": TG, "5": WA},
    ),
    Case(
        "smsman",
        {"3": {"cost": "2200", "count": 10}, "5": {"cost": "1500", "count": 0}, "9": {"cost": "3000", "count": 7}},
        ALL,
    ),
    Case(
        "smsman-country",
        {"7": {"3": {"cost": "2200", "count": 10}, "5": {"cost": "1500", "count": 0}}},
        {"3": TG, "5": WA},
    ),
    Case(
        "smsman-limits",
        [
            {"application_id": "3", "country_id": "7", "numbers": "10", "price": "2200"},
            {"application_id": "5", "country_id": "7", "numbers": "0", "price": "1500"},
        ],
        {"3": TG, "5": WA},
    ),
    Case(
        "smspool",
        [
            {
                "service": 3,
                "service_name": "Telegram",
                "country": 7,
                "country_name": "Russia",
                "short_name": "RU",
                "pool": 1,
                "price": "2200.00",
                "stock": 10,
            },
            {"service": 5, "service_name": "WhatsApp", "country": 7, "pool": 1, "price": "1500.00", "stock": 0},
        ],
        {"3": TG, "5": WA},
    ),
    Case(
        "smspva2",
        {
            "statusCode": 200,
            "data": [
                {
                    "service": "3",
                    "serviceDescription": "Telegram",
                    "country": "7",
                    "price": 2200.0,
                    "currentPrice": 2200,
                    "total": 10,
                },
                {"service": "5", "serviceDescription": "WhatsApp", "country": "7", "price": 1500, "total": 0},
            ],
        },
        {"3": TG, "5": WA},
    ),
    Case(
        "simsms",
        {
            "response": "1",
            "country": "7",
            "services": [
                {"service": "3", "service_name": "Telegram", "price": "2200", "online": 10},
                {"service": "5", "service_name": "WhatsApp", "price": "1500", "online": 0},
            ],
        },
        {"3": TG, "5": WA},
    ),
    Case(
        "laravel1",
        {
            "status": True,
            "code": 200,
            "data": [
                {"id": 881, "app_id": 3, "app": "تلگرام", "price": "2,200", "count": "10"},
                {"id": 882, "app_id": 5, "app": "واتساپ", "price": "1,500", "count": "0"},
            ],
        },
        {"3": TG, "5": WA},
    ),
    Case(
        "laravel2",
        {
            "status": True,
            "code": 200,
            "result": {
                "country": {"id": 7, "name": "روسیه"},
                "operator": {"id": 1, "name": "سرور ۱"},
                "prices": [
                    {
                        "application": {"id": 3, "title": "تلگرام"},
                        "price": {"amount": 2200, "currency": "IRT"},
                        "stock": True,
                    },
                    {
                        "application": {"id": 5, "title": "واتساپ"},
                        "price": {"amount": 1500, "currency": "IRT"},
                        "stock": False,
                    },
                ],
            },
        },
        {"3": ("2200", None), "5": WA},
    ),
    Case(
        "discount",
        {
            "status": True,
            "data": [
                {"id": 3, "title": "Telegram", "original_price": 3000, "discount": 800, "price": 2200, "count": 10},
                {"id": 5, "title": "WhatsApp", "original_price": 1500, "discount": 0, "price": 1500, "count": 0},
            ],
        },
        {"3": TG, "5": WA},
    ),
    Case(
        "discounted",
        {"status": True, "data": [{"id": 3, "name": "Telegram", "price": 3000, "discounted_price": 2200, "count": 10}]},
        {"3": TG},
    ),
    Case(
        "final",
        {
            "status": True,
            "data": [
                {"id": 3, "name": "Telegram", "base_price": 2000, "price": 2100, "final_price": 2200, "count": 10}
            ],
        },
        {"3": TG},
    ),
    Case(
        "prices-object",
        {
            "status": True,
            "data": [
                {"id": 3, "name": "Telegram", "prices": {"original": 3000, "discount": 800, "final": 2200}, "count": 10}
            ],
        },
        {"3": TG},
    ),
    Case(
        "by-price-map",
        {"status": True, "data": {"3": 2200, "5": 1500, "9": 3000}},
        {"3": ("2200", None), "5": ("1500", None), "9": ("3000", None)},
    ),
    Case(
        "by-name-map",
        {"status": True, "data": {"telegram": 2200, "whatsapp": 1500}},
        {"3": ("2200", None), "5": ("1500", None)},
    ),
    Case(
        "AppID",
        {
            "status": True,
            "data": [
                {"AppID": 3, "AppName": "Telegram", "Price": 2200, "Count": 10},
                {"AppID": 5, "AppName": "WhatsApp", "Price": 1500, "Count": 0},
            ],
        },
        {"3": TG, "5": WA},
    ),
    Case(
        "persian",
        {
            "status": True,
            "data": [
                {"برنامه": "تلگرام", "قیمت": "۲٬۲۰۰ تومان", "تعداد": "۱۰"},
                {"برنامه": "واتساپ", "قیمت": "۱٬۵۰۰ تومان", "تعداد": "ناموجود"},
            ],
        },
        {"3": TG, "5": WA},
    ),
    Case(
        "operators-inside",
        {
            "status": True,
            "data": [
                {
                    "app": 3,
                    "operators": [
                        {"operator": 2, "price": 1000, "count": 4},
                        {"operator": 1, "price": 2200, "count": 10},
                    ],
                },
                {"app": 5, "operators": [{"operator": 1, "price": 1500, "count": 0}]},
            ],
        },
        {"3": TG, "5": WA},
    ),
    Case(
        "paginator",
        {
            "status": True,
            "data": {
                "current_page": 1,
                "data": [
                    {"id": 1, "service_id": 3, "price": 2200, "available": 10},
                    {"id": 2, "service_id": 5, "price": 1500, "available": 0},
                ],
                "total": 2,
                "per_page": 15,
                "last_page": 1,
            },
        },
        {"3": TG, "5": WA},
    ),
    Case(
        "django",
        {
            "count": 2,
            "next": None,
            "previous": None,
            "results": [
                {"id": 71, "service": 3, "country": 7, "price": "2200.00", "quantity": 10},
                {"id": 72, "service": 5, "country": 7, "price": "1500.00", "quantity": 0},
            ],
        },
        {"3": TG, "5": WA},
    ),
    Case(
        "two-units",
        {"status": True, "data": [{"id": 3, "name": "Telegram", "price": 2200, "price_usd": 0.04, "count": 10}]},
        {"3": TG},
    ),
    Case(
        "rates",
        {
            "status": True,
            "data": [
                {
                    "id": 3,
                    "title": "Telegram",
                    "success_rate": 94,
                    "rate": 4.5,
                    "price": 2200,
                    "count": 10,
                    "min_price": 1900,
                    "max_price": 2600,
                }
            ],
        },
        {"3": TG},
    ),
    Case(
        "camel",
        {
            "success": True,
            "payload": {
                "items": [
                    {"serviceId": 3, "serviceName": "Telegram", "unitPrice": 2200, "availableCount": 10},
                    {"serviceId": 5, "serviceName": "WhatsApp", "unitPrice": 1500, "availableCount": 0},
                ]
            },
        },
        {"3": TG, "5": WA},
    ),
    Case(
        "amount-number",
        {
            "status": True,
            "data": [{"service": 3, "amount": 2200, "number": 10}, {"service": 5, "amount": 1500, "number": 0}],
        },
        {"3": TG, "5": WA},
    ),
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
    Case(
        "simsms",
        {"response": "1", "country": "7", "service": "3", "service_name": "Telegram", "price": "2200"},
        ("2200", None),
    ),
    Case("onlinesim", {"response": "1", "price": "2200"}, ("2200", None)),
    Case(
        "numberland",
        [
            {
                "service": "3",
                "country": "7",
                "operator": "1",
                "count": "10",
                "amount": "2200",
                "repeat": "1",
                "time": "00:20:00",
                "active": 1,
                "description": "",
            }
        ],
        ("2200", 10),
    ),
    Case(
        "5sim",
        {"russia": {"telegram": {"beeline": {"cost": 22, "count": 10}, "mts": {"cost": 4, "count": 1260}}}},
        ("22", 10),
        SLUGS,
    ),
    Case("laravel1", {"status": True, "code": 200, "data": {"price": 2200, "count": 10}}, ("2200", 10)),
    Case("laravel2", {"status": True, "code": 200, "price": "2,200 تومان", "count": "موجود"}, ("2200", None)),
    Case(
        "laravel3",
        {
            "status": True,
            "code": 200,
            "data": {
                "id": 881,
                "country_id": 7,
                "operator_id": 1,
                "app_id": 3,
                "price": 2200,
                "stock": 10,
                "active": 1,
                "updated_at": "2024-05-05",
            },
        },
        ("2200", 10),
    ),
    Case(
        "laravel4",
        {
            "status": True,
            "code": 200,
            "data": {
                "country": {"id": 7, "name": "Russia"},
                "operator": {"id": 1, "name": "Server 1"},
                "application": {"id": 3, "name": "Telegram"},
                "price": {"amount": "2200", "currency": "IRT"},
                "quantity": 10,
            },
        },
        ("2200", 10),
    ),
    Case("scalar", {"status": True, "code": 200, "data": 2200}, ("2200", None), bare=True),
    Case("scalar-text", {"status": True, "code": 200, "data": "2,200 تومان"}, ("2200", None), bare=True),
    Case("scalar-price", {"status": True, "code": 200, "price": 2200}, ("2200", None)),
    Case("world", {"service": "telegram", "country": "ru", "price": 0.07, "available": 142}, ("0.07", 142)),
    Case(
        "discount",
        {"status": True, "data": {"price": {"original": 3000, "discounted": 2200}, "count": 10}},
        ("2200", 10),
    ),
    Case(
        "product",
        {"status": True, "product": {"id": 3, "name": "Telegram", "price": 2200, "stock": 10, "country": {"id": 7}}},
        ("2200", 10),
    ),
    Case(
        "list-of-all",
        {"status": True, "data": [{"app_id": 5, "price": 1500, "count": 0}, {"app_id": 3, "price": 2200, "count": 10}]},
        ("2200", 10),
    ),
    Case("none-left", {"status": True, "data": {"price": 2200, "count": 0}}, ("2200", 0)),
    Case("bool", {"status": True, "data": {"cost": 2200, "is_available": True}}, ("2200", None)),
    Case("persian", {"status": True, "data": {"قیمت": "۲۲۰۰", "موجودی": "۱۰"}}, ("2200", 10)),
]


@pytest.mark.parametrize("case", versions(PRICE))
def test_price(case: Case) -> None:
    assert case.known.application is not None
    read = read_price(case.known.application, raw(case), seen(case))
    assert (read.price, read.count) == (Decimal(case.truth[0]), case.truth[1])
