"""Prices and stocks out of every dialect that `pricebycountry` and `pricebyproduct` may come in."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from shomare_mqtt.errors import ErrorCode, ProviderFailedError
from shomare_mqtt.provider.reading import read_price, read_prices

from .reading_support import BARE, KNOWN, answer, context

TWO = [("3", "2200", 10), ("5", "3100", 0)]
ROWS: list[tuple[Any, Any]] = [
    (
        {
            "status": True,
            "data": [{"application": 3, "price": 2200, "count": 10}, {"application": 5, "price": 3100, "count": 0}],
        },
        TWO,
    ),
    (
        {
            "status": True,
            "data": [
                {"id": 3, "name": "Telegram", "price": "2,200", "count": "10"},
                {"id": 5, "name": "WhatsApp", "price": "3,100", "count": "0"},
            ],
        },
        TWO,
    ),
    (
        {
            "status": True,
            "data": [
                {"id": 57172, "service": 3, "cost": 2200, "qty": 10},
                {"id": 57173, "service": 5, "cost": 3100, "qty": 0},
            ],
        },
        TWO,
    ),
    (
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
                "price": 3100,
                "count": 0,
            },
        ],
        TWO,
    ),
    ({"status": True, "3": {"price": 2200, "count": 10}, "5": {"price": 3100, "count": 0}}, TWO),
    ({"7": {"tg": {"cost": 2200, "count": 10}, "wa": {"cost": 3100, "count": 0}}}, TWO),
    (
        {
            "russia": {
                "telegram": {"mts": {"cost": 2200, "count": 10}, "beeline": {"cost": 1, "count": 5}},
                "whatsapp": {"mts": {"cost": 3100, "count": 0}},
            }
        },
        TWO,
    ),
    (
        {
            "status": True,
            "data": {
                "telegram": {"Category": "activation", "Qty": 10, "Price": 2200},
                "whatsapp": {"Category": "activation", "Qty": 0, "Price": 3100},
            },
        },
        TWO,
    ),
    ({"status": True, "prices": {"3": 2200, "5": "3,100"}}, [("3", "2200", None), ("5", "3100", None)]),
    (
        {
            "status": True,
            "data": {
                "current_page": 1,
                "total": 2,
                "per_page": 15,
                "data": [
                    {"app_id": 3, "amount": "۲۲۰۰", "stock": "۱۰"},
                    {"app_id": 5, "amount": "۳۱۰۰", "stock": "ناموجود"},
                ],
            },
        },
        TWO,
    ),
    (
        {
            "status": True,
            "data": [
                {
                    "id": 3,
                    "title": "Telegram",
                    "operators": [
                        {"operator": "1", "price": 2200, "count": 10},
                        {"operator": "2", "price": 1, "count": 99},
                    ],
                },
                {
                    "id": 5,
                    "title": "WhatsApp",
                    "operators": [
                        {"operator": "1", "price": 3100, "count": 0},
                        {"operator": "2", "price": 1, "count": 99},
                    ],
                },
            ],
        },
        TWO,
    ),
    (
        [
            {
                "service": "3",
                "country": "7",
                "operator": "1",
                "count": "10",
                "amount": "2200",
                "time": "00:20:00",
                "active": "1",
            },
            {
                "service": "5",
                "country": "7",
                "operator": "1",
                "count": "0",
                "amount": "3100",
                "time": "00:20:00",
                "active": "1",
            },
            {
                "service": "3",
                "country": "98",
                "operator": "1",
                "count": "4",
                "amount": "9",
                "time": "00:20:00",
                "active": "1",
            },
            {
                "service": "3",
                "country": "7",
                "operator": "2",
                "count": "4",
                "amount": "8",
                "time": "00:20:00",
                "active": "1",
            },
        ],
        TWO,
    ),
    (
        {
            "status": True,
            "result": [
                {"product": "telegram", "price": 2200, "available": 10},
                {"product": "whatsapp", "price": 3100, "available": False},
            ],
        },
        TWO,
    ),
    (
        {
            "status": True,
            "data": [
                {
                    "service": 3,
                    "service_name": "Telegram",
                    "country": 7,
                    "country_name": "Russia",
                    "pool": 1,
                    "price": "2200.00",
                    "stock": 10,
                },
                {
                    "service": 5,
                    "service_name": "WhatsApp",
                    "country": 7,
                    "country_name": "Russia",
                    "pool": 1,
                    "price": "3100.00",
                    "stock": 0,
                },
            ],
        },
        TWO,
    ),
    (
        {
            "status": True,
            "data": [
                {"id": 1, "name": "Telegram", "price": 2200, "count": 10},
                {"id": 2, "name": "WhatsApp", "price": 3100, "count": 0},
            ],
        },
        TWO,
    ),
    (
        {
            "status": True,
            "data": {
                "0": {"slug": "telegram", "price": 2200, "count": 10},
                "1": {"slug": "whatsapp", "price": 3100, "count": 0},
            },
        },
        TWO,
    ),
    (
        {
            "7": {
                "name": "russia",
                "code": 7,
                "enabled": True,
                "services": {
                    "service_3": {
                        "count": 10,
                        "popular": True,
                        "price": 2200,
                        "id": 3,
                        "service": "Telegram",
                        "slug": "telegram",
                    },
                    "service_5": {
                        "count": 0,
                        "popular": True,
                        "price": 3100,
                        "id": 5,
                        "service": "WhatsApp",
                        "slug": "whatsapp",
                    },
                },
            }
        },
        TWO,
    ),
    (
        {
            "status": True,
            "data": [
                {
                    "application": {"id": 3, "name": {"fa": "تلگرام", "en": "Telegram"}},
                    "price": {"amount": 2200, "currency": "IRT"},
                    "count": 10,
                },
                {
                    "application": {"id": 5, "name": {"fa": "و", "en": "WhatsApp"}},
                    "price": {"amount": 3100, "currency": "IRT"},
                    "count": 0,
                },
            ],
        },
        TWO,
    ),
    (
        {
            "status": True,
            "data": [
                {"appId": 3, "sellPrice": 2200, "oldPrice": 9999, "inStock": 10},
                {"appId": 5, "sellPrice": 3100, "oldPrice": 9999, "inStock": 0},
            ],
        },
        TWO,
    ),
    (
        {
            "status": True,
            "data": {
                "country": {"id": 7, "name": "Russia"},
                "operator": {"id": 1, "name": "mts"},
                "items": [{"id": 3, "price": 2200, "count": 10}, {"id": 5, "price": 3100, "count": 0}],
            },
        },
        TWO,
    ),
    (
        {
            "status": True,
            "data": [
                {"application_id": "3", "price": "2200 تومان", "numbers": 10},
                {"application_id": "5", "price": "3100 تومان", "numbers": 0},
            ],
        },
        TWO,
    ),
    (
        {
            "status": True,
            "data": [
                {"name": "تلگرام", "price": 2200, "count": "in stock"},
                {"name": "واتساپ", "price": 3100, "count": "out of stock"},
            ],
        },
        [("3", "2200", None), ("5", "3100", 0)],
    ),
    ({"status": True, "data": []}, []),
    (
        {
            "status": True,
            "data": {
                "tg": {"any": {"price": 5, "count": 3}, "mts": {"price": 2200, "count": 10}},
                "wa": {"mts": {"price": 3100, "count": 0}},
            },
        },
        TWO,
    ),
    ({"data": [{"id": 3, "price": 2200, "quantity": "10+"}, {"id": 5, "price": 3100, "quantity": 0}]}, TWO),
]


@pytest.mark.parametrize(("value", "expected"), ROWS, ids=range(len(ROWS)))
def test_price_lists_are_read(value: Any, expected: list[tuple[str, str, int | None]]) -> None:
    read = read_prices("7", "1", answer(value), context())
    assert [(p.application, p.price, p.count) for p in read.prices] == [(a, Decimal(p), c) for a, p, c in expected]


WITHOUT_LISTS = [0, 1, 2, 3, 4, 9, 10, 11, 13, 17, 18, 19, 20, 24]


@pytest.mark.parametrize("number", WITHOUT_LISTS)
def test_price_lists_are_read_before_the_lists_are_known(number: int) -> None:
    value, expected = ROWS[number]
    read = read_prices("7", "1", answer(value), context(BARE))
    assert [(p.application, p.price, p.count) for p in read.prices] == [(a, Decimal(p), c) for a, p, c in expected]


ONE: list[tuple[Any, str, int | None]] = [
    ({"status": True, "price": 2200, "count": 10}, "2200", 10),
    ({"status": True, "code": 200, "data": {"price": "2,200", "count": "10"}}, "2200", 10),
    ({"status": True, "data": [{"id": 57172, "price": 2200, "count": 10}]}, "2200", 10),
    ({"status": True, "data": {"id": 3, "name": "Telegram", "cost": 2200.5, "quantity": 0}}, "2200.5", 0),
    ({"7": {"tg": {"cost": 2200, "count": 10}}}, "2200", 10),
    ({"service": "telegram", "country": "ru", "price": 0.07, "available": 142}, "0.07", 142),
    ({"response": "1", "country": "RU", "service": "opt4", "price": "9.00"}, "9.00", None),
    ({"russia": {"telegram": {"beeline": {"cost": 1, "count": 9}, "mts": {"cost": 2200, "count": 10}}}}, "2200", 10),
    (
        {
            "status": True,
            "data": [{"application": 5, "price": 1, "count": 1}, {"application": 3, "price": 2200, "count": 10}],
        },
        "2200",
        10,
    ),
    (
        {"status": True, "data": {"telegram": {"Price": 2200, "Qty": 10}, "whatsapp": {"Price": 1, "Qty": 1}}},
        "2200",
        10,
    ),
    ({"status": True, "product": {"id": 88, "price": {"value": 2200, "unit": "toman"}, "stock": 10}}, "2200", 10),
    (
        {
            "status": True,
            "data": {
                "country": {"id": 7, "name": "Russia"},
                "operator": {"id": 1, "name": "x"},
                "application": {"id": 3, "name": "Telegram"},
                "price": 2200,
                "count": 10,
            },
        },
        "2200",
        10,
    ),
    ({"status": True, "result": {"amount": "۲۲۰۰", "number": "موجود"}}, "2200", None),
    ({"id": "32", "phonecode": "90", "price": "2", "stock": 180}, "2", 180),
    (
        {
            "status": True,
            "data": [{"operator": 2, "price": 1, "count": 9}, {"operator": 1, "price": 2200, "count": 10}],
        },
        "2200",
        10,
    ),
    (
        {"status": True, "data": {"price": 2200, "count": 10, "country_id": 7, "operator_id": 1, "application_id": 3}},
        "2200",
        10,
    ),
    ({"status": True, "data": {"3": {"price": 2200, "count": 10}}}, "2200", 10),
    ({"status": True, "price": "2200", "in_stock": True}, "2200", None),
    ({"status": True, "data": {"sum": 2200, "total": 10}}, "2200", 10),
    (
        {"status": True, "message": "ok", "data": {"server": 1, "price": 2200, "count": 10, "time": "00:20:00"}},
        "2200",
        10,
    ),
]


@pytest.mark.parametrize(("value", "price", "count"), ONE, ids=range(len(ONE)))
def test_one_price_is_read(value: Any, price: str, count: int | None) -> None:
    read = read_price("3", answer(value), context())
    assert (read.application, read.price, read.count) == ("3", Decimal(price), count)


def test_a_price_that_is_another_products_is_not_taken() -> None:
    with pytest.raises(ProviderFailedError) as caught:
        read_price("3", answer({"status": True, "data": [{"application": 5, "price": 9, "count": 1}]}), context(KNOWN))
    assert caught.value.code is ErrorCode.MALFORMED_ANSWER


def test_what_is_not_understood_is_named() -> None:
    rows = [{"application": 3, "price": "ask us", "count": 5}, {"application": 5, "price": 7, "count": "???"}]
    read = read_prices("7", "1", answer({"status": True, "data": rows}), context())
    assert [(p.application, p.price, p.count) for p in read.prices] == [("3", None, 5), ("5", Decimal(7), None)]
    assert set(read.unread) == {"price", "count"}


def test_names_come_from_the_list() -> None:
    read = read_prices(
        "7", "1", answer({"status": True, "data": [{"application": 3, "price": 1, "count": 1}]}), context()
    )
    assert read.prices[0].application_name == "Telegram"


@pytest.mark.parametrize(
    "value", [b"", b"<html>", {}, {"status": True}, "x", 3, {"status": True, "data": {"name": "x"}}]
)
def test_nothing_usable_is_malformed(value: Any) -> None:
    for read in (
        lambda: read_prices("7", "1", answer(value), context()),
        lambda: read_price("3", answer(value), context()),
    ):
        with pytest.raises(ProviderFailedError) as caught:
            read()
        assert caught.value.code is ErrorCode.MALFORMED_ANSWER


def test_a_rows_own_id_does_not_pass_for_another_application() -> None:
    names = [(5, "Telegram", 1), (9, "WhatsApp", 2), (3, "Instagram", 3)]
    rows = [{"id": own, "name": name, "price": price, "count": 1} for own, name, price in names]
    read = read_prices("7", "1", answer({"status": True, "data": rows}), context())
    assert [(p.application, p.price) for p in read.prices] == [("3", Decimal(1)), ("5", Decimal(2)), ("9", Decimal(3))]
