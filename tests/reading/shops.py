"""Whole shops, each the way one kind of provider answers the six endpoints that only read.

Every shop sells a few applications in one country through one operator; `truth` is what a person would read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Shop:
    """A shop's six answers, what is asked of it, and what a person would read in them."""

    name: str
    answers: dict[str, Any]
    """By endpoint: `profile`, `allcountries`, `alloperators`, `allapplications`, `pricebycountry`, `pricebyproduct`."""
    asked: tuple[str, str, str]
    balance: tuple[str, str | None]
    countries: dict[str, set[str]]
    operators: dict[str, set[str]]
    applications: dict[str, set[str]]
    prices: dict[str, tuple[str, int | None]]
    price: tuple[str, int | None]


SHOPS = [
    Shop(
        name="user envelope, fa_name, row ids in the ten thousands",
        answers={
            "profile": {
                "user": {"id": 2, "mobile": "09000000000", "created_at": "2022-01-09 19:17:35", "balance": 27200}
            },
            "allcountries": [
                {"id": 14, "name": "Russia", "fa_name": "روسیه", "slug": "russia", "flag": "🇷🇺"},
                {"id": 15, "name": "Iran", "fa_name": "ایران", "slug": "iran", "flag": "🇮🇷"},
            ],
            "alloperators": ["mts", "beeline", "any"],
            "allapplications": [
                {"id": 1, "name": "Telegram", "fa_name": "تلگرام", "slug": "telegram"},
                {"id": 4, "name": "WhatsApp", "fa_name": "واتساپ", "slug": "whatsapp"},
            ],
            "pricebycountry": [
                {
                    "id": 57172,
                    "count": 3,
                    "price": 64400,
                    "operator": "mts",
                    "country": {"id": 14, "fa_name": "روسیه", "slug": "russia"},
                    "service": {"id": 1, "fa_name": "تلگرام", "slug": "telegram"},
                },
                {
                    "id": 57173,
                    "count": 0,
                    "price": 31000,
                    "operator": "mts",
                    "country": {"id": 14, "fa_name": "روسیه", "slug": "russia"},
                    "service": {"id": 4, "fa_name": "واتساپ", "slug": "whatsapp"},
                },
            ],
            "pricebyproduct": [
                {
                    "id": 57172,
                    "count": 3,
                    "price": 64400,
                    "operator": "mts",
                    "country": {"id": 14, "fa_name": "روسیه", "slug": "russia"},
                    "service": {"id": 1, "fa_name": "تلگرام", "slug": "telegram"},
                }
            ],
        },
        asked=("14", "mts", "1"),
        balance=("27200", None),
        countries={"14": {"Russia", "روسیه"}, "15": set()},
        operators={"mts": {"mts"}, "beeline": set(), "any": set()},
        applications={"1": {"Telegram", "تلگرام"}, "4": set()},
        prices={"1": ("64400", 3), "4": ("31000", 0)},
        price=("64400", 3),
    ),
    Shop(
        name="stock in words with marks before them",
        answers={
            "profile": {"status": True, "data": {"balance": "45,000", "currency": "تومان", "username": "ali"}},
            "allcountries": {
                "status": True,
                "data": [{"id": 7, "country": "Russia 🇷🇺"}, {"id": 98, "country": "Iran 🇮🇷"}],
            },
            "alloperators": {"status": True, "data": [{"range": 1, "title": "رنج ۱"}, {"range": 2, "title": "رنج ۲"}]},
            "allapplications": {
                "status": True,
                "data": [{"id": 1, "application": "تلگرام"}, {"id": 2, "application": "واتساپ"}],
            },
            "pricebycountry": {
                "status": True,
                "data": [
                    {
                        "service_id": 1,
                        "service": "تلگرام",
                        "range": 1,
                        "price": 3000,
                        "count": "✅ موجود",
                        "emoji": "🇷🇺",
                    },
                    {
                        "service_id": 2,
                        "service": "واتساپ",
                        "range": 1,
                        "price": 8000,
                        "count": "❌ ناموجود",
                        "emoji": "🇷🇺",
                    },
                ],
            },
            "pricebyproduct": {
                "status": True,
                "data": {"service": "تلگرام", "range": 1, "price": 3000, "count": "✅ موجود"},
            },
        },
        asked=("7", "1", "1"),
        balance=("45000", "IRT"),
        countries={"7": {"Russia 🇷🇺"}, "98": set()},
        operators={"1": {"رنج ۱"}, "2": set()},
        applications={"1": {"تلگرام"}, "2": {"واتساپ"}},
        prices={"1": ("3000", None), "2": ("8000", 0)},
        price=("3000", None),
    ),
    Shop(
        name="slugs as keys, flags as keys, country to operator to product",
        answers={
            "profile": {
                "id": 1,
                "email": "a@b.c",
                "vendor": "demo",
                "default_forwarding_number": "78009005040",
                "balance": 100.25,
                "rating": 96,
                "default_country": {"name": "russia", "iso": "ru", "prefix": "+7"},
                "default_operator": {"name": ""},
                "frozen_balance": 12,
                "total_active_orders": 3,
            },
            "allcountries": {
                "russia": {
                    "iso": {"ru": 1},
                    "prefix": {"+7": 1},
                    "text_en": "Russia",
                    "text_ru": "Россия",
                    "virtual4": {"activation": 1},
                    "virtual21": {"activation": 1},
                },
                "iran": {
                    "iso": {"ir": 1},
                    "prefix": {"+98": 1},
                    "text_en": "Iran",
                    "text_ru": "Иран",
                    "virtual4": {"activation": 1},
                },
            },
            "alloperators": {"russia": ["mts", "beeline"], "iran": ["mci"]},
            "allapplications": {
                "telegram": {"Category": "activation", "Qty": 5021, "Price": 4.5},
                "whatsapp": {"Category": "activation", "Qty": 0, "Price": 9},
            },
            "pricebycountry": {
                "russia": {
                    "telegram": {
                        "mts": {"cost": 4.5, "count": 120, "rate": 99.9},
                        "beeline": {"cost": 3, "count": 7, "rate": 12},
                    },
                    "whatsapp": {"mts": {"cost": 9, "count": 0}},
                }
            },
            "pricebyproduct": {
                "russia": {
                    "telegram": {
                        "mts": {"cost": 4.5, "count": 120, "rate": 99.9},
                        "beeline": {"cost": 3, "count": 7, "rate": 12},
                    }
                }
            },
        },
        asked=("russia", "mts", "telegram"),
        balance=("100.25", None),
        countries={"russia": {"Russia"}, "iran": {"Iran"}},
        operators={"mts": set(), "beeline": set(), "mci": set()},
        applications={"telegram": set(), "whatsapp": set()},
        prices={"telegram": ("4.5", 120), "whatsapp": ("9", 0)},
        price=("4.5", 120),
    ),
    Shop(
        name="statusCode envelopes, karma, opt codes",
        answers={
            "profile": {"statusCode": 200, "data": {"balance": 12.34, "karma": 5.6}},
            "allcountries": {
                "statusCode": 200,
                "data": [
                    {"id": 1, "name": "Russian Federation", "code": "RU"},
                    {"id": 2, "name": "Ukraine", "code": "UA"},
                ],
            },
            "alloperators": {
                "statusCode": 200,
                "data": {"countryCode": "RU", "operators": ["Beeline", "MTS", "Tele2"]},
            },
            "allapplications": {
                "statusCode": 200,
                "data": [
                    {"service": "opt29", "serviceDescription": "Telegram"},
                    {"service": "opt20", "serviceDescription": "WhatsApp"},
                ],
            },
            "pricebycountry": {
                "statusCode": 200,
                "data": [
                    {
                        "service": "opt29",
                        "serviceDescription": "Telegram",
                        "country": "RU",
                        "price": 0.5,
                        "total": 1000,
                    },
                    {"service": "opt20", "serviceDescription": "WhatsApp", "country": "RU", "price": 1.25, "total": 0},
                ],
            },
            "pricebyproduct": {
                "statusCode": 200,
                "data": {
                    "service": "opt29",
                    "serviceDescription": "Telegram",
                    "country": "RU",
                    "price": 0.5,
                    "total": 1000,
                },
            },
        },
        asked=("1", "MTS", "opt29"),
        balance=("12.34", None),
        countries={"1": {"Russian Federation"}, "2": {"Ukraine"}},
        operators={"Beeline": set(), "MTS": set(), "Tele2": set()},
        applications={"opt29": {"Telegram"}, "opt20": {"WhatsApp"}},
        prices={"opt29": ("0.5", 1000), "opt20": ("1.25", 0)},
        price=("0.5", 1000),
    ),
    Shop(
        name="JSON:API with attributes and relationships",
        answers={
            "profile": {
                "data": {
                    "type": "users",
                    "id": "12",
                    "attributes": {"email": "a@b.c", "balance": "192100", "currency": "IRT"},
                }
            },
            "allcountries": {
                "data": [
                    {"type": "countries", "id": "7", "attributes": {"name": "Russia", "name-fa": "روسیه"}},
                    {"type": "countries", "id": "98", "attributes": {"name": "Iran", "name-fa": "ایران"}},
                ]
            },
            "alloperators": {
                "data": [
                    {"type": "operators", "id": "1", "attributes": {"name": "One"}},
                    {"type": "operators", "id": "2", "attributes": {"name": "Two"}},
                ]
            },
            "allapplications": {
                "data": [
                    {"type": "applications", "id": "3", "attributes": {"name": "Telegram"}},
                    {"type": "applications", "id": "5", "attributes": {"name": "WhatsApp"}},
                ]
            },
            "pricebycountry": {
                "data": [
                    {
                        "type": "prices",
                        "id": "901",
                        "attributes": {"price": "2200", "count": 5},
                        "relationships": {"application": {"data": {"type": "applications", "id": "3"}}},
                    },
                    {
                        "type": "prices",
                        "id": "902",
                        "attributes": {"price": "3100", "count": 0},
                        "relationships": {"application": {"data": {"type": "applications", "id": "5"}}},
                    },
                ]
            },
            "pricebyproduct": {
                "data": {
                    "type": "prices",
                    "id": "901",
                    "attributes": {"price": "2200", "count": 5},
                    "relationships": {"application": {"data": {"type": "applications", "id": "3"}}},
                }
            },
        },
        asked=("7", "1", "3"),
        balance=("192100", "IRT"),
        countries={"7": {"Russia", "روسیه"}, "98": set()},
        operators={"1": {"One"}, "2": set()},
        applications={"3": {"Telegram"}, "5": set()},
        prices={"3": ("2200", 5), "5": ("3100", 0)},
        price=("2200", 5),
    ),
    Shop(
        name="Persian field names and digits",
        answers={
            "profile": {"وضعیت": True, "موجودی": "۱۹۲٬۱۰۰ تومان"},
            "allcountries": [{"شناسه": 7, "نام": "روسیه"}, {"شناسه": 98, "نام": "ایران"}],
            "alloperators": [{"شناسه": 1, "عنوان": "همراه"}, {"شناسه": 2, "عنوان": "ایرانسل"}],
            "allapplications": [{"شناسه": 3, "نام": "تلگرام"}, {"شناسه": 5, "نام": "واتساپ"}],
            "pricebycountry": [
                {"شناسه برنامه": 3, "قیمت": "۲٬۲۰۰", "تعداد": "۱۲ عدد"},
                {"شناسه برنامه": 5, "قیمت": "۳٬۱۰۰ تومان", "تعداد": "۰"},
            ],
            "pricebyproduct": {"قیمت": "۲٬۲۰۰ تومان", "تعداد": "۱۲"},
        },
        asked=("7", "1", "3"),
        balance=("192100", "IRT"),
        countries={"7": {"روسیه"}, "98": set()},
        operators={"1": {"همراه"}, "2": set()},
        applications={"3": {"تلگرام"}, "5": set()},
        prices={"3": ("2200", 12), "5": ("3100", 0)},
        price=("2200", 12),
    ),
    Shop(
        name="Persian written in Latin letters",
        answers={
            "profile": {"vaziat": "ok", "mojoodi": "192,100", "vahed": "toman"},
            "allcountries": {
                "keshvarha": [
                    {"id": 7, "nam": "روسیه", "nam_en": "Russia"},
                    {"id": 98, "nam": "ایران", "nam_en": "Iran"},
                ]
            },
            "alloperators": {"operatorha": [{"id": 1, "nam": "یک"}, {"id": 2, "nam": "دو"}]},
            "allapplications": {"barnameha": [{"id": 3, "nam": "تلگرام"}, {"id": 5, "nam": "واتساپ"}]},
            "pricebycountry": {
                "gheymatha": [
                    {"barname_id": 3, "gheymat": "2,200", "tedad": 12},
                    {"barname_id": 5, "gheymat": "3,100", "tedad": 0},
                ]
            },
            "pricebyproduct": {"gheymat": "2,200", "tedad": 12},
        },
        asked=("7", "1", "3"),
        balance=("192100", "IRT"),
        countries={"7": {"Russia", "روسیه"}, "98": set()},
        operators={"1": {"یک"}, "2": set()},
        applications={"3": {"تلگرام"}, "5": set()},
        prices={"3": ("2200", 12), "5": ("3100", 0)},
        price=("2200", 12),
    ),
    Shop(
        name="ASP.NET in Pascal case, several sums",
        answers={
            "profile": {
                "IsSuccess": True,
                "StatusCode": 200,
                "Message": "",
                "Data": {
                    "UserId": 55,
                    "Balance": 192100.0,
                    "TotalSpent": 5000000,
                    "ReferralCredit": 1000,
                    "Currency": "IRT",
                },
            },
            "allcountries": {
                "IsSuccess": True,
                "StatusCode": 200,
                "Data": [
                    {"CountryId": 7, "CountryName": "Russia", "CountryNameFa": "روسیه", "PhoneCode": "7"},
                    {"CountryId": 98, "CountryName": "Iran", "CountryNameFa": "ایران", "PhoneCode": "98"},
                ],
            },
            "alloperators": {
                "IsSuccess": True,
                "Data": [{"OperatorId": 1, "OperatorName": "One"}, {"OperatorId": 2, "OperatorName": "Two"}],
            },
            "allapplications": {
                "IsSuccess": True,
                "Data": {
                    "Items": [{"AppId": 3, "AppName": "Telegram"}, {"AppId": 5, "AppName": "WhatsApp"}],
                    "TotalCount": 2,
                    "PageIndex": 0,
                    "PageSize": 50,
                },
            },
            "pricebycountry": {
                "IsSuccess": True,
                "Data": {
                    "Items": [
                        {
                            "Id": 81,
                            "AppId": 3,
                            "AppName": "Telegram",
                            "BuyPrice": 1500,
                            "SellPrice": 2200,
                            "AvailableCount": 5,
                        },
                        {
                            "Id": 82,
                            "AppId": 5,
                            "AppName": "WhatsApp",
                            "BuyPrice": 2500,
                            "SellPrice": 3100,
                            "AvailableCount": 0,
                        },
                    ],
                    "TotalCount": 2,
                    "PageIndex": 0,
                },
            },
            "pricebyproduct": {
                "IsSuccess": True,
                "Data": {
                    "Id": 81,
                    "AppId": 3,
                    "AppName": "Telegram",
                    "BuyPrice": 1500,
                    "SellPrice": 2200,
                    "AvailableCount": 5,
                },
            },
        },
        asked=("7", "1", "3"),
        balance=("192100", "IRT"),
        countries={"7": {"Russia", "روسیه"}, "98": set()},
        operators={"1": {"One"}, "2": set()},
        applications={"3": {"Telegram"}, "5": set()},
        prices={"3": ("2200", 5), "5": ("3100", 0)},
        price=("2200", 5),
    ),
    Shop(
        name="GraphQL edges and nodes",
        answers={
            "profile": {"data": {"viewer": {"id": "VXNlcjox", "wallet": {"balance": 192100, "currency": "IRT"}}}},
            "allcountries": {
                "data": {
                    "allCountries": {
                        "edges": [
                            {"cursor": "a", "node": {"id": "7", "name": "Russia"}},
                            {"cursor": "b", "node": {"id": "98", "name": "Iran"}},
                        ],
                        "pageInfo": {"hasNextPage": False, "endCursor": "b"},
                        "totalCount": 2,
                    }
                }
            },
            "alloperators": {
                "data": {
                    "allOperators": {
                        "edges": [
                            {"cursor": "a", "node": {"id": "1", "name": "One"}},
                            {"cursor": "b", "node": {"id": "2", "name": "Two"}},
                        ],
                        "pageInfo": {"hasNextPage": False, "endCursor": "b"},
                        "totalCount": 2,
                    }
                }
            },
            "allapplications": {
                "data": {
                    "allApplications": {
                        "nodes": [{"id": "3", "name": "Telegram"}, {"id": "5", "name": "WhatsApp"}],
                        "pageInfo": {"hasNextPage": False},
                    }
                }
            },
            "pricebycountry": {
                "data": {
                    "priceByCountry": {
                        "edges": [
                            {"node": {"application": {"id": "3", "name": "Telegram"}, "price": 2200, "count": 5}},
                            {"node": {"application": {"id": "5", "name": "WhatsApp"}, "price": 3100, "count": 0}},
                        ]
                    }
                }
            },
            "pricebyproduct": {"data": {"priceByProduct": {"price": 2200, "count": 5}}},
        },
        asked=("7", "1", "3"),
        balance=("192100", "IRT"),
        countries={"7": {"Russia"}, "98": {"Iran"}},
        operators={"1": {"One"}, "2": set()},
        applications={"3": {"Telegram"}, "5": set()},
        prices={"3": ("2200", 5), "5": ("3100", 0)},
        price=("2200", 5),
    ),
    Shop(
        name="Mongo ids",
        answers={
            "profile": {
                "success": True,
                "user": {"_id": "64ab", "email": "x", "wallet": {"main": 192100, "bonus": 500}},
            },
            "allcountries": {
                "success": True,
                "countries": [
                    {"_id": "64a1", "name": {"en": "Russia", "fa": "روسیه"}, "__v": 0},
                    {"_id": "64a2", "name": {"en": "Iran", "fa": "ایران"}, "__v": 0},
                ],
            },
            "alloperators": {
                "success": True,
                "operators": [{"_id": "64b1", "name": "One", "__v": 0}, {"_id": "64b2", "name": "Two", "__v": 0}],
            },
            "allapplications": {
                "success": True,
                "applications": [
                    {"_id": "64c1", "name": "Telegram", "__v": 0},
                    {"_id": "64c2", "name": "WhatsApp", "__v": 0},
                ],
            },
            "pricebycountry": {
                "success": True,
                "prices": [
                    {
                        "_id": "64d1",
                        "country": "64a1",
                        "operator": "64b1",
                        "application": "64c1",
                        "price": 2200,
                        "count": 5,
                        "__v": 0,
                    },
                    {
                        "_id": "64d2",
                        "country": "64a1",
                        "operator": "64b1",
                        "application": "64c2",
                        "price": 3100,
                        "count": 0,
                        "__v": 0,
                    },
                ],
            },
            "pricebyproduct": {
                "success": True,
                "price": {
                    "_id": "64d1",
                    "country": "64a1",
                    "operator": "64b1",
                    "application": "64c1",
                    "price": 2200,
                    "count": 5,
                    "__v": 0,
                },
            },
        },
        asked=("64a1", "64b1", "64c1"),
        balance=("192100", None),
        countries={"64a1": {"Russia", "روسیه"}, "64a2": set()},
        operators={"64b1": {"One"}, "64b2": set()},
        applications={"64c1": {"Telegram"}, "64c2": set()},
        prices={"64c1": ("2200", 5), "64c2": ("3100", 0)},
        price=("2200", 5),
    ),
]
