"""Whole dialects, each a sister's way of telling one and the same truth at all nine endpoints."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from shomare_mqtt.errors import ErrorCode, ProviderRefusedError
from shomare_mqtt.model import CatalogKind, Known, PurchaseState
from shomare_mqtt.provider.reading import (
    read_buy,
    read_cancel,
    read_catalog,
    read_check,
    read_price,
    read_prices,
    read_profile,
)

from .reading_support import NOW, answer, context

TEXT = "Telegram code 12345. Do not share it."
END = int(NOW.timestamp()) + 1200
Dialect = dict[str, Any]


def laravel_resource() -> Dialect:
    """Laravel API resources with camelCase names, a paginator, and money as text."""

    def page(rows: list[Any]) -> Any:
        links = [{"url": None, "label": "pagination.previous", "page": None, "active": False}]
        return {
            "status": True,
            "code": 200,
            "data": rows,
            "links": {"first": "u", "last": "u", "next": None},
            "meta": {"current_page": 1, "from": 1, "links": links, "per_page": 50, "to": 2, "total": 2},
        }

    return {
        "profile": {
            "status": True,
            "code": 200,
            "data": {
                "type": "users",
                "id": 81,
                "attributes": {
                    "fullName": "A B",
                    "mobile": "09121234567",
                    "walletBalance": "192,100",
                    "walletUnit": "تومان",
                },
            },
        },
        "countries": page(
            [
                {"id": 7, "title": "Russia", "flag": "ru.svg", "dialCode": "+7", "isActive": True},
                {"id": 98, "title": "Iran", "flag": "ir.svg", "dialCode": "+98", "isActive": True},
            ]
        ),
        "operators": page([{"id": 1, "title": "mts", "countryId": 7}, {"id": 2, "title": "beeline", "countryId": 7}]),
        "applications": page(
            [
                {"id": 3, "title": "Telegram", "icon": "t.svg", "sort": 1},
                {"id": 5, "title": "WhatsApp", "icon": "w.svg", "sort": 2},
            ]
        ),
        "prices": page(
            [
                {
                    "id": 901,
                    "applicationId": 3,
                    "applicationTitle": "Telegram",
                    "finalPrice": "2,200",
                    "availableCount": 10,
                },
                {
                    "id": 902,
                    "applicationId": 5,
                    "applicationTitle": "WhatsApp",
                    "finalPrice": "3,100",
                    "availableCount": 0,
                },
            ]
        ),
        "price": {
            "status": True,
            "code": 200,
            "data": {"id": 901, "applicationId": 3, "finalPrice": "2,200", "availableCount": 10},
        },
        "buy": {
            "status": True,
            "code": 200,
            "data": {
                "orderId": 74001,
                "phoneNumber": "9313226657",
                "dialCode": "+7",
                "finalPrice": "2,200",
                "expiresAt": "2026-11-24T15:50:00",
            },
        },
        "waiting": {
            "status": True,
            "code": 200,
            "data": {"orderId": 74001, "orderStatus": "WAITING_FOR_SMS", "messages": []},
        },
        "received": {
            "status": True,
            "code": 200,
            "data": {
                "orderId": 74001,
                "orderStatus": "CODE_RECEIVED",
                "messages": [{"id": 4, "body": TEXT, "otp": "12345", "receivedAt": "2026-11-24T15:31:00"}],
            },
        },
        "cancel": {"status": True, "code": 200, "message": "سفارش لغو شد"},
        "poor": (402, {"status": False, "code": 402, "message": "موجودی کافی نیست"}),
    }


def upper_flat() -> Dialect:
    """Upper-case names, a RESULT, everything as text."""
    return {
        "profile": {"RESULT": "1", "BALANCE": "192100", "CURRENCY": "IRT"},
        "countries": [
            {"ID": "7", "NAME": "Russia", "NAME_EN": "Russia", "AREACODE": "+7", "ACTIVE": "1"},
            {"ID": "98", "NAME": "Iran", "NAME_EN": "Iran", "AREACODE": "+98", "ACTIVE": "1"},
        ],
        "operators": [{"ID": "1", "NAME": "mts"}, {"ID": "2", "NAME": "beeline"}],
        "applications": [{"ID": "3", "NAME": "Telegram", "ICON": "x"}, {"ID": "5", "NAME": "WhatsApp", "ICON": "x"}],
        "prices": [
            {
                "SERVICE": "3",
                "COUNTRY": "7",
                "OPERATOR": "1",
                "COUNT": "10",
                "AMOUNT": "2200",
                "REPEAT": "0",
                "TIME": "00:20:00",
            },
            {
                "SERVICE": "5",
                "COUNTRY": "7",
                "OPERATOR": "1",
                "COUNT": "0",
                "AMOUNT": "3100",
                "REPEAT": "0",
                "TIME": "00:20:00",
            },
        ],
        "price": [
            {
                "SERVICE": "3",
                "COUNTRY": "7",
                "OPERATOR": "1",
                "COUNT": "10",
                "AMOUNT": "2200",
                "REPEAT": "0",
                "TIME": "00:20:00",
            }
        ],
        "buy": {
            "RESULT": "1",
            "ID": "74001",
            "NUMBER": "9313226657",
            "AREACODE": "+7",
            "AMOUNT": "2200",
            "REPEAT": "0",
            "TIME": "00:20:00",
        },
        "waiting": {"RESULT": "1", "CODE": "0", "DESCRIPTION": "waiting"},
        "received": {"RESULT": "2", "CODE": "12345", "TEXT": TEXT, "DESCRIPTION": "code received"},
        "cancel": {"RESULT": "1", "DESCRIPTION": "canceled"},
        "poor": (200, {"STATUS": False, "CODE": 402, "DESCRIPTION": "low balance"}),
    }


def keyed_everything() -> Dialect:
    """Objects keyed by ids beside the marks; nothing is a list."""
    return {
        "profile": {"status": True, "code": 200, "user": {"81": {"name": "A", "credit": 192100, "unit": "toman"}}},
        "countries": {
            "status": True,
            "code": 200,
            "7": {"fa": "روسیه", "en": "Russia"},
            "98": {"fa": "ایران", "en": "Iran"},
        },
        "operators": {"status": True, "code": 200, "1": {"en": "mts"}, "2": {"en": "beeline"}},
        "applications": {
            "status": True,
            "code": 200,
            "3": {"fa": "تلگرام", "en": "Telegram"},
            "5": {"fa": "واتساپ", "en": "WhatsApp"},
        },
        "prices": {"status": True, "code": 200, "3": {"price": 2200, "count": 10}, "5": {"price": 3100, "count": 0}},
        "price": {"status": True, "code": 200, "3": {"price": 2200, "count": 10}},
        "buy": {"status": True, "code": 200, "order": {"id": 74001, "number": 79313226657, "ttl": 1200}},
        "waiting": {"status": True, "code": 200, "order": {"id": 74001, "sms": {}}},
        "received": {"status": True, "code": 200, "order": {"id": 74001, "sms": {"0": {"code": 12345, "text": TEXT}}}},
        "cancel": {"status": True, "code": 200, "order": {"id": 74001, "status": "cancelled"}},
        "poor": (402, {"status": False, "code": 402}),
    }


def nested_by_names() -> Dialect:
    """Slugs instead of ids in prices, nested country, application, operator."""
    return {
        "profile": {"id": 1, "email": "a@b.c", "balance": 192100, "currency": "IRT", "rating": 96, "frozen_balance": 5},
        "countries": {
            "7": {"iso": {"ru": 1}, "prefix": {"+7": 1}, "text_en": "Russia"},
            "98": {"iso": {"ir": 1}, "prefix": {"+98": 1}, "text_en": "Iran"},
        },
        "operators": {"7": [{"id": 1, "name": "mts"}, {"id": 2, "name": "beeline"}], "98": [{"id": 1, "name": "mts"}]},
        "applications": [
            {"id": 3, "name": "Telegram", "category": "messenger"},
            {"id": 5, "name": "WhatsApp", "category": "messenger"},
        ],
        "prices": {
            "Russia": {
                "Telegram": {"mts": {"cost": 2200, "count": 10, "rate": 99.9}, "beeline": {"cost": 1, "count": 3}},
                "WhatsApp": {"mts": {"cost": 3100, "count": 0}},
            }
        },
        "price": {"Russia": {"Telegram": {"mts": {"cost": 2200, "count": 10}, "beeline": {"cost": 1, "count": 3}}}},
        "buy": {
            "id": 74001,
            "phone": "+79313226657",
            "operator": "mts",
            "product": "telegram",
            "price": 2200,
            "status": "PENDING",
            "expires": "2026-11-24T12:20:00Z",
            "sms": None,
            "country": "russia",
        },
        "waiting": {
            "id": 74001,
            "phone": "+79313226657",
            "operator": "mts",
            "product": "telegram",
            "price": 2200,
            "status": "PENDING",
            "expires": "2026-11-24T12:20:00Z",
            "sms": [],
            "country": "russia",
        },
        "received": {
            "id": 74001,
            "phone": "+79313226657",
            "status": "RECEIVED",
            "expires": "2026-11-24T12:20:00Z",
            "sms": [
                {
                    "created_at": "2026-11-24T12:01:00Z",
                    "date": "2026-11-24T12:01:00Z",
                    "sender": "TG",
                    "text": TEXT,
                    "code": "12345",
                }
            ],
        },
        "cancel": {"id": 74001, "phone": "+79313226657", "status": "CANCELED", "sms": []},
        "poor": (200, {"status": "error", "code": 402, "message": "not enough user balance"}),
    }


def ok_result() -> Dialect:
    """A bot-like API: `ok` and `result`."""
    return {
        "profile": {
            "ok": True,
            "result": {"first_name": "A", "wallet": {"cash": 192100, "gift": 10, "currency": "toman"}},
        },
        "countries": {
            "ok": True,
            "result": [{"country": 7, "flag": "🇷🇺", "text": "Russia"}, {"country": 98, "flag": "🇮🇷", "text": "Iran"}],
        },
        "operators": {"ok": True, "result": [{"operator": 1, "text": "mts"}, {"operator": 2, "text": "beeline"}]},
        "applications": {
            "ok": True,
            "result": [{"service": 3, "text": "Telegram"}, {"service": 5, "text": "WhatsApp"}],
        },
        "prices": {
            "ok": True,
            "result": [
                {"service": 3, "range": 1, "sum": 2200, "stock": 10},
                {"service": 5, "range": 1, "sum": 3100, "stock": 0},
            ],
        },
        "price": {"ok": True, "result": {"service": 3, "range": 1, "sum": 2200, "stock": 10}},
        "buy": {
            "ok": True,
            "result": {"request_id": 74001, "number": "+7 931 322 66 57", "sum": 2200, "time_left": 1200},
        },
        "waiting": {"ok": True, "result": {"request_id": 74001, "state": "wait_sms", "otp": None}},
        "received": {"ok": True, "result": {"request_id": 74001, "state": "got_sms", "otp": "12345", "content": TEXT}},
        "cancel": {"ok": True, "result": {"request_id": 74001, "state": "canceled"}},
        "poor": (402, {"ok": False, "status": False, "code": 402, "description": "x"}),
    }


def persian_keys_and_digits() -> Dialect:
    """Persian digits and words in every value."""
    return {
        "profile": {"status": True, "code": 200, "data": {"نام": "ا", "موجودی": "۱۹۲٬۱۰۰ تومان"}},
        "countries": {
            "status": True,
            "data": [
                {"id": "۷", "name": "روسیه", "name_en": "Russia"},
                {"id": "۹۸", "name": "ایران", "name_en": "Iran"},
            ],
        },
        "operators": {"status": True, "data": [{"id": "۱", "name": "mts"}, {"id": "۲", "name": "beeline"}]},
        "applications": {
            "status": True,
            "data": [
                {"id": "۳", "name": "تلگرام", "name_en": "Telegram"},
                {"id": "۵", "name": "واتساپ", "name_en": "WhatsApp"},
            ],
        },
        "prices": {
            "status": True,
            "data": [
                {"id": "۳", "قیمت": "۲٬۲۰۰ تومان", "تعداد": "۱۰ عدد"},
                {"id": "۵", "قیمت": "۳٬۱۰۰ تومان", "تعداد": "ناموجود"},
            ],
        },
        "price": {"status": True, "data": {"id": "۳", "قیمت": "۲٬۲۰۰ تومان", "تعداد": "۱۰ عدد"}},
        "buy": {
            "status": True,
            "data": {"شناسه": "۷۴۰۰۱", "شماره": "۷۹۳۱۳۲۲۶۶۵۷", "قیمت": "۲٬۲۰۰", "زمان": "۲۰ دقیقه"},
        },
        "waiting": {"status": True, "data": {"id": "۷۴۰۰۱", "وضعیت": "در انتظار پیامک", "پیامک": None}},
        "received": {"status": True, "data": {"id": "۷۴۰۰۱", "وضعیت": "دریافت شد", "کد": "۱۲۳۴۵", "متن": TEXT}},
        "cancel": {"status": True, "message": "شماره لغو و مبلغ برگشت داده شد"},
        "poor": (402, {"status": False, "code": "402", "message": "موجودی کافی نیست"}),
    }


def dotnet() -> Dialect:
    """Pascal case, isSuccess beside a null error, values under `Value`."""
    return {
        "profile": {
            "IsSuccess": True,
            "Error": None,
            "Value": {"UserName": "a", "CurrentBalance": 192100.0, "CurrencyCode": "IRT"},
        },
        "countries": {
            "IsSuccess": True,
            "Error": None,
            "Value": {
                "Items": [
                    {"Id": 7, "EnglishName": "Russia", "PersianName": "روسیه"},
                    {"Id": 98, "EnglishName": "Iran", "PersianName": "ایران"},
                ],
                "TotalCount": 2,
            },
        },
        "operators": {
            "IsSuccess": True,
            "Value": {"Items": [{"Id": 1, "EnglishName": "mts"}, {"Id": 2, "EnglishName": "beeline"}], "TotalCount": 2},
        },
        "applications": {
            "IsSuccess": True,
            "Value": {
                "Items": [{"Id": 3, "EnglishName": "Telegram"}, {"Id": 5, "EnglishName": "WhatsApp"}],
                "TotalCount": 2,
            },
        },
        "prices": {
            "IsSuccess": True,
            "Value": {
                "Items": [
                    {"Id": 11, "ServiceId": 3, "CountryId": 7, "OperatorId": 1, "UnitPrice": 2200.0, "InStock": 10},
                    {"Id": 12, "ServiceId": 5, "CountryId": 7, "OperatorId": 1, "UnitPrice": 3100.0, "InStock": 0},
                ],
                "TotalCount": 2,
            },
        },
        "price": {"IsSuccess": True, "Value": {"Id": 11, "ServiceId": 3, "UnitPrice": 2200.0, "InStock": 10}},
        "buy": {
            "IsSuccess": True,
            "Value": {
                "OrderId": 74001,
                "PhoneNumber": "79313226657",
                "ExpiredAt": "2026-11-24T12:20:00.0000000Z",
                "Amount": 2200.0,
            },
        },
        "waiting": {"IsSuccess": True, "Value": {"OrderId": 74001, "Status": "Pending", "SmsList": []}},
        "received": {
            "IsSuccess": True,
            "Value": {
                "OrderId": 74001,
                "Status": "Received",
                "SmsList": [{"SmsCode": "12345", "SmsText": TEXT, "CreatedAt": "2026-11-24T12:01:00.0000000Z"}],
            },
        },
        "cancel": {"IsSuccess": True, "Value": {"OrderId": 74001, "Status": "Cancelled"}},
        "poor": (200, {"IsSuccess": False, "Status": False, "Code": 402, "Message": "x"}),
    }


def pipes() -> Dialect:
    """Terse names, numbers in text, timestamps in milliseconds."""
    return {
        "profile": {"status": 1, "data": {"u": "a", "bal": 1, "credit": "192100.00", "unit": "Toman"}},
        "countries": {
            "status": 1,
            "data": [{"code": 7, "name": "Russia", "iso": "RU"}, {"code": 98, "name": "Iran", "iso": "IR"}],
        },
        "operators": {"status": 1, "data": [{"code": 1, "name": "mts"}, {"code": 2, "name": "beeline"}]},
        "applications": {"status": 1, "data": [{"code": 3, "name": "Telegram"}, {"code": 5, "name": "WhatsApp"}]},
        "prices": {
            "status": 1,
            "data": [{"code": 3, "price": "2200.00", "qty": "10"}, {"code": 5, "price": "3100.00", "qty": "0"}],
        },
        "price": {"status": 1, "data": {"code": 3, "price": "2200.00", "qty": "10"}},
        "buy": {"status": 1, "data": {"tzid": "74001", "tel": "79313226657", "endsAt": END * 1000}},
        "waiting": {"status": 1, "data": {"tzid": "74001", "code": "", "endsAt": END * 1000}},
        "received": {"status": 1, "data": {"tzid": "74001", "code": "12345", "full_sms": TEXT, "endsAt": END * 1000}},
        "cancel": {"status": 1},
        "poor": (200, {"status": 0, "code": 402, "msg": "x"}),
    }


def names_only() -> Dialect:
    """Prices name applications, operators and countries by their names alone."""
    return {
        "profile": {"status": "OK", "response": {"account": {"money": "192 100", "currency": "تومان"}}},
        "countries": {
            "status": "OK",
            "response": {
                "countries": [
                    {"country_id": "7", "country_name": "Russia"},
                    {"country_id": "98", "country_name": "Iran"},
                ]
            },
        },
        "operators": {
            "status": "OK",
            "response": {
                "operators": [
                    {"operator_id": "1", "operator_name": "mts"},
                    {"operator_id": "2", "operator_name": "beeline"},
                ]
            },
        },
        "applications": {
            "status": "OK",
            "response": {"apps": [{"app_id": "3", "app_name": "Telegram"}, {"app_id": "5", "app_name": "WhatsApp"}]},
        },
        "prices": {
            "status": "OK",
            "response": {
                "prices": [
                    {"id": 1, "country": "Russia", "operator": "beeline", "app": "Telegram", "cost": 7, "quantity": 9},
                    {"id": 2, "country": "Russia", "operator": "mts", "app": "Telegram", "cost": 2200, "quantity": 10},
                    {"id": 3, "country": "Russia", "operator": "mts", "app": "WhatsApp", "cost": 3100, "quantity": 0},
                ]
            },
        },
        "price": {
            "status": "OK",
            "response": {
                "price": {
                    "id": 2,
                    "country": "Russia",
                    "operator": "mts",
                    "app": "Telegram",
                    "cost": 2200,
                    "quantity": 10,
                }
            },
        },
        "buy": {
            "status": "OK",
            "response": {
                "activation": {
                    "id": 74001,
                    "phone": {"number": "9313226657", "prefix": "+7"},
                    "price": {"amount": 2200, "currency": "IRT"},
                    "expires_in": 1200,
                }
            },
        },
        "waiting": {
            "status": "OK",
            "response": {"activation": {"id": 74001, "status": {"code": 1, "text": "waiting"}, "sms": None}},
        },
        "received": {
            "status": "OK",
            "response": {
                "activation": {
                    "id": 74001,
                    "status": {"code": 2, "text": "received"},
                    "sms": {"code": "12345", "text": TEXT},
                }
            },
        },
        "cancel": {
            "status": "OK",
            "response": {"activation": {"id": 74001, "status": {"code": 3, "text": "cancelled"}}},
        },
        "poor": (402, {"status": "ERROR", "code": 402}),
    }


def wrapped_twice() -> Dialect:
    """data within data, counts as words, one list around everything."""
    return {
        "profile": [
            {
                "status": True,
                "code": 200,
                "data": {"data": {"profile": {"wallet": "192100", "currency": "IRT", "level": 1}}},
            }
        ],
        "countries": [
            {
                "status": True,
                "code": 200,
                "data": {
                    "data": [{"id": 7, "slug": "russia", "name": "Russia"}, {"id": 98, "slug": "iran", "name": "Iran"}]
                },
            }
        ],
        "operators": [
            {
                "status": True,
                "data": {
                    "data": [{"id": 1, "slug": "mts", "name": "mts"}, {"id": 2, "slug": "beeline", "name": "beeline"}]
                },
            }
        ],
        "applications": [
            {
                "status": True,
                "data": {
                    "data": [
                        {"id": 3, "slug": "telegram", "name": "Telegram"},
                        {"id": 5, "slug": "whatsapp", "name": "WhatsApp"},
                    ]
                },
            }
        ],
        "prices": [
            {
                "status": True,
                "data": {
                    "data": [
                        {"slug": "telegram", "price": "2200", "count": 10},
                        {"slug": "whatsapp", "price": "3100", "count": "out of stock"},
                    ]
                },
            }
        ],
        "price": [{"status": True, "data": {"data": {"slug": "telegram", "price": "2200", "count": 10}}}],
        "buy": [
            {
                "status": True,
                "data": {
                    "data": {"purchase": {"id": 74001, "mobile": "79313226657", "expiredAt": "1405/09/03 15:50:00"}}
                },
            }
        ],
        "waiting": [
            {"status": True, "data": {"data": {"purchase": {"id": 74001, "expired": False, "smsCode": False}}}}
        ],
        "received": [
            {"status": True, "data": {"data": {"purchase": {"id": 74001, "smsCode": "12345", "smsText": TEXT}}}}
        ],
        "cancel": [{"status": True, "data": {"data": {"purchase": {"id": 74001, "cancelled": True}}}}],
        "poor": (402, [{"status": False, "code": 402}]),
    }


def django() -> Dialect:
    """Django REST: results with count and next, detail for errors, no marks at all."""

    def page(rows: list[Any]) -> Any:
        return {"count": len(rows), "next": None, "previous": None, "results": rows}

    return {
        "profile": {
            "username": "a",
            "wallet": {"balance": "192100.00", "currency": "IRT"},
            "date_joined": "2020-01-01T00:00:00Z",
        },
        "countries": page(
            [{"pk": 7, "name": "Russia", "phone_code": "7"}, {"pk": 98, "name": "Iran", "phone_code": "98"}]
        ),
        "operators": page([{"pk": 1, "name": "mts"}, {"pk": 2, "name": "beeline"}]),
        "applications": page([{"pk": 3, "name": "Telegram"}, {"pk": 5, "name": "WhatsApp"}]),
        "prices": page(
            [
                {
                    "pk": 77,
                    "application": {"pk": 3, "name": "Telegram"},
                    "operator": {"pk": 1, "name": "mts"},
                    "price": "2200.00",
                    "stock": 10,
                },
                {
                    "pk": 78,
                    "application": {"pk": 5, "name": "WhatsApp"},
                    "operator": {"pk": 1, "name": "mts"},
                    "price": "3100.00",
                    "stock": 0,
                },
            ]
        ),
        "price": {
            "pk": 77,
            "application": {"pk": 3, "name": "Telegram"},
            "operator": {"pk": 1, "name": "mts"},
            "price": "2200.00",
            "stock": 10,
        },
        "buy": {
            "pk": 5,
            "uuid": "74001",
            "number": "9313226657",
            "country": {"pk": 7, "phone_code": "7"},
            "expires_at": "2026-11-24T15:50:00+03:30",
        },
        "waiting": {"uuid": "74001", "status": "waiting", "messages": []},
        "received": {
            "uuid": "74001",
            "status": "received",
            "messages": [{"text": TEXT, "code": "12345", "received_at": "2026-11-24T15:31:00+03:30"}],
        },
        "cancel": {"uuid": "74001", "status": "canceled"},
        "poor": (402, {"status": 402, "detail": "Insufficient balance"}),
    }


def columns_apart() -> Dialect:
    """Prices with operators inside applications; a status object."""
    return {
        "profile": {"status": {"code": 200, "message": "ok"}, "data": {"balance": {"irt": 192100, "currency": "IRT"}}},
        "countries": {
            "status": {"code": 200},
            "data": {"countries": {"7": {"name": "Russia"}, "98": {"name": "Iran"}}},
        },
        "operators": {"status": {"code": 200}, "data": {"operators": {"1": "mts", "2": "beeline"}}},
        "applications": {
            "status": {"code": 200},
            "data": {"services": {"3": {"name": "Telegram"}, "5": {"name": "WhatsApp"}}},
        },
        "prices": {
            "status": {"code": 200},
            "data": {
                "services": {
                    "3": {
                        "name": "Telegram",
                        "operators": {"1": {"price": 2200, "count": 10}, "2": {"price": 9, "count": 9}},
                    },
                    "5": {"name": "WhatsApp", "operators": {"1": {"price": 3100, "count": 0}}},
                }
            },
        },
        "price": {
            "status": {"code": 200},
            "data": {"operators": {"1": {"price": 2200, "count": 10}, "2": {"price": 9, "count": 9}}},
        },
        "buy": {
            "status": {"code": 200},
            "data": {"sim": {"id": 74001, "full_number": "79313226657", "cost": 2200, "remaining_time": 1200}},
        },
        "waiting": {"status": {"code": 200}, "data": {"sim": {"id": 74001, "inbox": []}}},
        "received": {
            "status": {"code": 200},
            "data": {
                "sim": {"id": 74001, "inbox": [{"from": "TG", "message": TEXT, "code": "12345", "time": 1795521660}]}
            },
        },
        "cancel": {
            "status": {"code": 200, "message": "canceled"},
            "data": {"sim": {"id": 74001, "status": "canceled"}},
        },
        "poor": (402, {"status": False, "error": {"code": 402, "message": "x"}}),
    }


def stringly() -> Dialect:
    """Everything is text, also true."""
    return {
        "profile": {"status": "true", "code": "200", "result": {"remaining_credit": "192100", "currency": "TOMAN"}},
        "countries": {
            "status": "true",
            "code": "200",
            "result": [
                {"id": "7", "fa_name": "روسیه", "name": "Russia"},
                {"id": "98", "fa_name": "ایران", "name": "Iran"},
            ],
        },
        "operators": {"status": "true", "result": [{"id": "1", "name": "mts"}, {"id": "2", "name": "beeline"}]},
        "applications": {
            "status": "true",
            "result": [
                {"id": "3", "fa_name": "تلگرام", "name": "Telegram"},
                {"id": "5", "fa_name": "واتساپ", "name": "WhatsApp"},
            ],
        },
        "prices": {
            "status": "true",
            "result": [{"id": "3", "price": "2200", "total": "10"}, {"id": "5", "price": "3100", "total": "0"}],
        },
        "price": {"status": "true", "result": {"price": "2200", "total": "10"}},
        "buy": {
            "status": "true",
            "code": "200",
            "result": {"id": "74001", "number": "9313226657", "areacode": "7", "expire": "1200"},
        },
        "waiting": {"status": "false", "code": "202", "message": "پیامکی یافت نشد"},
        "received": {"status": "true", "code": "200", "result": {"id": "74001", "sms_code": "12345", "sms_text": TEXT}},
        "cancel": {"status": "true", "code": "200"},
        "poor": (402, {"status": "false", "code": "402"}),
    }


def json_api() -> Dialect:
    """JSON:API: data with type, id and attributes."""

    def thing(kind: str, own: Any, **attributes: Any) -> Any:
        return {"type": kind, "id": str(own), "attributes": attributes}

    return {
        "profile": {"data": thing("account", 81, balance=192100, currency="IRT")},
        "countries": {"data": [thing("country", 7, name="Russia"), thing("country", 98, name="Iran")]},
        "operators": {"data": [thing("operator", 1, name="mts"), thing("operator", 2, name="beeline")]},
        "applications": {"data": [thing("application", 3, name="Telegram"), thing("application", 5, name="WhatsApp")]},
        "prices": {
            "data": [
                thing("price", 901, application_id=3, price=2200, stock=10),
                thing("price", 902, application_id=5, price=3100, stock=0),
            ]
        },
        "price": {"data": thing("price", 901, application_id=3, price=2200, stock=10)},
        "buy": {"data": thing("order", 74001, phone="79313226657", expires_at="2026-11-24T12:20:00Z")},
        "waiting": {"data": thing("order", 74001, state="waiting", sms=[])},
        "received": {"data": thing("order", 74001, state="received", sms=[{"text": TEXT, "code": "12345"}])},
        "cancel": {"data": thing("order", 74001, state="cancelled")},
        "poor": (402, {"status": False, "code": 402, "errors": [{"status": "402", "title": "x"}]}),
    }


def short_rows() -> Dialect:
    """Plain tables from id to name; only codes where an SMS is."""
    return {
        "profile": {"success": True, "data": {"balance_toman": 192100}},
        "countries": {"success": True, "data": {"7": "Russia", "98": "Iran"}},
        "operators": {"success": True, "data": {"1": "mts", "2": "beeline"}},
        "applications": {"success": True, "data": {"3": "Telegram", "5": "WhatsApp"}},
        "prices": {
            "success": True,
            "data": {"3": {"price": 2200, "available": 10}, "5": {"price": 3100, "available": 0}},
        },
        "price": {"success": True, "data": {"price": 2200, "available": 10}},
        "buy": {"success": True, "data": {"id": 74001, "phone": 79313226657, "lifetime": 20}},
        "waiting": {"success": True, "data": {"id": 74001, "codes": []}},
        "received": {"success": True, "data": {"id": 74001, "codes": ["12345"]}},
        "cancel": {"success": True, "data": True},
        "poor": (402, {"success": False, "status": False, "code": 402}),
    }


ALL = [
    laravel_resource,
    upper_flat,
    keyed_everything,
    nested_by_names,
    ok_result,
    persian_keys_and_digits,
    dotnet,
    pipes,
    names_only,
    wrapped_twice,
    django,
    columns_apart,
    stringly,
    json_api,
    short_rows,
]
each = pytest.mark.parametrize("dialect", [make() for make in ALL], ids=[make.__name__ for make in ALL])


def known(dialect: Dialect) -> Known:
    """What the daemon knows after it read the lists."""
    lists = {k: read_catalog(k, answer(dialect[k.value]), context(Known())).entries for k in CatalogKind}
    return Known(
        country="7",
        operator="1",
        application="3",
        purchase="74001",
        countries=lists[CatalogKind.COUNTRIES],
        operators=lists[CatalogKind.OPERATORS],
        applications=lists[CatalogKind.APPLICATIONS],
    )


@each
def test_profile(dialect: Dialect) -> None:
    profile = read_profile(answer(dialect["profile"]), context(Known()))
    assert (profile.balance, profile.currency) == (Decimal(192100), "IRT")


@each
@pytest.mark.parametrize(
    ("kind", "truth"),
    [
        (CatalogKind.COUNTRIES, {"7": "Russia", "98": "Iran"}),
        (CatalogKind.OPERATORS, {"1": "mts", "2": "beeline"}),
        (CatalogKind.APPLICATIONS, {"3": "Telegram", "5": "WhatsApp"}),
    ],
)
def test_lists(dialect: Dialect, kind: CatalogKind, truth: dict[str, str]) -> None:
    entries = read_catalog(kind, answer(dialect[kind.value]), context(Known())).entries
    assert [e.id for e in entries] == list(truth)
    assert all(truth[e.id] in (e.name, *e.names) for e in entries)


@each
def test_prices(dialect: Dialect) -> None:
    read = read_prices("7", "1", answer(dialect["prices"]), context(known(dialect)))
    assert [(p.application, p.price, p.count) for p in read.prices] == [
        ("3", Decimal(2200), 10),
        ("5", Decimal(3100), 0),
    ]


@each
def test_price(dialect: Dialect) -> None:
    read = read_price("3", answer(dialect["price"]), context(known(dialect)))
    assert (read.application, read.price, read.count) == ("3", Decimal(2200), 10)


@each
def test_buy(dialect: Dialect) -> None:
    read = read_buy(answer(dialect["buy"]), context(known(dialect)))
    assert (read.purchase, read.phone) == ("74001", "+79313226657")
    assert read.lifetime == pytest.approx(1200, abs=1)


@each
def test_waiting(dialect: Dialect) -> None:
    read = read_check(answer(dialect["waiting"]), context(known(dialect)))
    assert (read.state, read.sms, read.unread) == (PurchaseState.WAITING, (), ())


@each
def test_received(dialect: Dialect) -> None:
    read = read_check(answer(dialect["received"]), context(known(dialect)))
    assert (read.state, [s.code for s in read.sms]) == (PurchaseState.RECEIVED, ["12345"])
    assert read.sms[0].text in (TEXT, None)
    assert read.sms[0].text == TEXT or TEXT not in str(dialect["received"])


@each
def test_cancel(dialect: Dialect) -> None:
    assert read_cancel(answer(dialect["cancel"]), context(known(dialect))).refunded is True


@each
def test_too_little_money(dialect: Dialect) -> None:
    http, value = dialect["poor"]
    with pytest.raises(ProviderRefusedError) as caught:
        read_buy(answer(value, http), context(known(dialect)))
    assert caught.value.code is ErrorCode.INSUFFICIENT_BALANCE
