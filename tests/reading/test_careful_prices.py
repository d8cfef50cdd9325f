"""Price lists in which a wrong price or stock lies nearer than the right one."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from shomare_mqtt.errors import ErrorCode, ProviderFailedError
from shomare_mqtt.provider.reading import read_price, read_prices

from .reading_support import BARE, KNOWN, answer, context

TWO = {"3": (Decimal(2200), 5), "5": (Decimal(3100), 0)}


def rows(first: dict[str, Any], second: dict[str, Any]) -> list[dict[str, Any]]:
    """Two applications' rows."""
    return [{"app": 3, **first}, {"app": 5, **second}]


def priced(**more: Any) -> list[dict[str, Any]]:
    """The two applications with their prices and stocks, the first with something more."""
    telegram, whatsapp = rows({"price": 2200, "count": 5}, {"price": 3100, "count": 0})
    return [{**more, **telegram}, whatsapp]


JSON_API = [
    {
        "type": "prices",
        "id": own,
        "attributes": {"price": price, "count": count},
        "relationships": {"application": {"data": {"type": "applications", "id": application}}},
    }
    for own, application, price, count in (("5", "3", 2200, 5), ("3", "5", 3100, 0))
]
LISTS: list[Any] = [
    priced(history=[{"date": "2026-01-01", "price": 1}]),
    priced(tiers=[{"from": 10, "price": 2000}, {"from": 100, "price": 1900}]),
    priced(discount={"percent": 10, "amount": 220}),
    priced(wholesale={"price": 1000, "count": 100}),
    priced(call_price=1000),
    priced(rent_price=99000, refund_price=1),
    {"status": True, "user": {"id": 3, "balance": 500, "amount": 777}, "data": priced()},
    {"status": True, "min_price": 100, "currency": "IRT", "data": priced()},
    {"status": True, "currency": "IRT", "country": "7", "telegram": priced()[0], "whatsapp": priced()[1]},
    {
        "data": [
            {"id": i + 1, "category": word, "items": [row]}
            for i, (word, row) in enumerate(zip("ab", priced(), strict=True))
        ]
    },
    {"status": True, "prices": {"3": 2200, "5": 3100}, "counts": {"3": 5, "5": 0}},
    {"columns": ["application_id", "price", "count"], "rows": [[3, 2200, 5], [5, 3100, 0]]},
    [["application_id", "price", "count"], [3, 2200, 5], [5, 3100, 0]],
    {"status": True, "data": '[{"app":3,"price":2200,"count":5},{"app":5,"price":3100,"count":0}]'},
    {"data": JSON_API},
    rows(
        {"price": 3000, "price_with_discount": 2200, "count": 5},
        {"price": 4000, "price_with_discount": 3100, "count": 0},
    ),
    rows(
        {"price_rial": 22000, "price_toman": 2200, "count": 5}, {"price_rial": 31000, "price_toman": 3100, "count": 0}
    ),
    rows({"prices": {"call": 9000, "sms": 2200}, "count": 5}, {"prices": {"sms": 3100}, "count": 0}),
    rows({"rate": 98.2, "amount": 2200, "count": 5}, {"rate": 1, "amount": 3100, "count": 0}),
    rows({"price": 2200, "total": 500, "available": 5}, {"price": 3100, "total": 50, "available": 0}),
    rows(
        {"price": 2200, "count": {"total": 9, "available": 5}}, {"price": 3100, "count": {"total": 9, "available": 0}}
    ),
    [{"name": "تلگرام 💎", "price": 2200, "count": 5}, {"name": "WhatsApp ✳️", "price": 3100, "count": 0}],
    [{"barname_id": 3, "gheymat": "2,200", "tedad": 5}, {"barname_id": 5, "gheymat": "3,100", "tedad": 0}],
    [{"شناسه برنامه": 3, "قیمت": "۲٬۲۰۰", "تعداد": "۵ عدد"}, {"شناسه برنامه": 5, "قیمت": "۳٬۱۰۰", "تعداد": "۰"}],
    {
        "services": {
            "3": {"1": {"price": 2200, "count": 5}, "2": {"price": 1, "count": 1}},
            "5": {"1": {"id": 9, "price": 3100, "count": 0}},
        }
    },
]


@pytest.mark.parametrize("value", LISTS)
def test_prices_of_the_applications(value: Any) -> None:
    read = read_prices("7", "1", answer(value), context())
    assert {p.application: (p.price, p.count) for p in read.prices} == TWO


@pytest.mark.parametrize("value", LISTS)
def test_one_price_out_of_the_list(value: Any) -> None:
    read = read_price("3", answer(value), context())
    assert (read.price, read.count) == TWO["3"]


def test_ids_that_are_operators_too_are_applications_in_a_price_list() -> None:
    value = {"1": {"price": 2200, "count": 5}, "2": {"price": 3100, "count": 0}}
    read = read_prices("7", "1", answer(value), context(BARE))
    assert [p.application for p in read.prices] == ["1", "2"]


def test_a_stock_does_not_take_its_price_from_a_figure_of_the_page() -> None:
    read = read_prices("7", "1", answer({"min_price": 100, "data": [{"app": 3, "count": 5}]}), context())
    assert [(p.application, p.price, p.count, p.unread) for p in read.prices] == [("3", None, 5, ("price",))]


@pytest.mark.parametrize(
    "value",
    [
        {"status": True, "data": []},
        {"status": True, "data": {"current_page": 1, "data": [], "links": [{"url": None, "active": True}], "total": 0}},
        {"status": True, "country": {"id": 7, "name": "Russia"}, "prices": []},
    ],
)
def test_an_empty_list_is_one(value: Any) -> None:
    assert read_prices("7", "1", answer(value), context()).prices == ()


@pytest.mark.parametrize(
    "value",
    [
        {"status": True, "data": {"id": 5, "price": 2200, "count": 5}},
        {"status": True, "product": {"id": 99123, "country": "7", "operator": "1", "price": "2200", "stock": "5"}},
        {"status": True, "min_price": 100, "data": {"price": 2200, "count": 5}},
        {"data": {"price": 2200, "count": 5}, "suggestions": [{"operator_id": 2, "price": 1, "count": 7}]},
        {"data": {"price": 2200, "count": 5}, "suggestions": [{"price": 1, "count": 7}]},
        {"data": [{"country_id": 98, "price": 1, "count": 1}, {"price": 2200, "count": 5}]},
        {"price_final": 2200, "count": 5, "history": [{"date": "2026-01-01", "price": 1}]},
        {"data": {"app": 3, "price": 2200, "count": 5, "related": [{"app": 5, "price": 1}, {"app": 9, "price": 2}]}},
    ],
)
@pytest.mark.parametrize("known", [KNOWN, BARE], ids=["with-lists", "without"])
def test_the_product_asked_for(value: Any, known: Any) -> None:
    read = read_price("3", answer(value), context(known))
    assert (read.price, read.count) == TWO["3"]


@pytest.mark.parametrize(
    "value",
    [
        {"status": True, "data": {"id": 5, "name": "WhatsApp", "price": 1, "count": 1}},
        {"status": True, "data": {"application_id": 5, "price": 1, "count": 1}},
        {
            "status": True,
            "data": [{"id": 1, "items": [{"id": 5, "price": 1}]}, {"id": 2, "items": [{"id": 9, "price": 2}]}],
        },
    ],
)
def test_another_application_s_price_is_none(value: Any) -> None:
    with pytest.raises(ProviderFailedError) as caught:
        read_price("3", answer(value), context())
    assert caught.value.code is ErrorCode.MALFORMED_ANSWER


@pytest.mark.parametrize("value", [{"status": True, "result": 2200}, {"ok": True, "response": "2,200 تومان"}])
def test_a_price_that_is_all_there_is(value: Any) -> None:
    read = read_price("3", answer(value), context())
    assert (read.price, read.unread) == (Decimal(2200), ("count",))


def test_rows_without_prices_are_no_table_of_prices() -> None:
    read = read_prices("7", "1", answer(rows({"count": 5}, {"count": 0})), context())
    assert [(p.application, p.price, p.count) for p in read.prices] == [("3", None, 5), ("5", None, 0)]


def test_success_is_no_stock() -> None:
    read = read_price("3", answer({"status": 200, "price": 2200}), context())
    assert (read.price, read.count, read.unread) == (Decimal(2200), None, ("count",))


@pytest.mark.parametrize(
    ("word", "count"),
    [
        ("✅ موجود", None),
        ("❌ ناموجود", 0),
        ("❌", 0),
        ("✅", None),
        ("✅ 12", 12),
        ("موجود نمی باشد", 0),
        ("نیست", 0),
        ("غیرفعال", 0),
        ("خیر", 0),
        ("خالی", 0),
        ("نامحدود", None),
        ("بی‌نهایت", None),
        ("no limit", None),
        ("زیاد", None),
        ("12 شماره", 12),
        ("1087 عدد موجود", 1087),
        ("in stock (12)", 12),
        ("+100", 100),
        ("more than 50", 50),
        ("۱٬۰۸۷", 1087),
    ],
)
def test_a_stock_in_words(word: str, count: int | None) -> None:
    read = read_price("3", answer({"price": 2200, "count": word}), context())
    assert (read.count, read.unread) == (count, ())


@pytest.mark.parametrize("word", ["12 ناموجود", "2-5", "50%", "$5", "2200 تومان", "به زودی", "3.5", "-1", "x" * 100])
def test_a_stock_that_nobody_can_tell(word: str) -> None:
    read = read_price("3", answer({"price": 2200, "count": word}), context())
    assert (read.count, read.unread) == (None, ("count",))


@pytest.mark.parametrize(("flag", "count"), [(1, None), (0, 0), ("1", None), (True, None), (False, 0)])
def test_a_flag_is_no_number_of_pieces(flag: Any, count: int | None) -> None:
    read = read_price("3", answer({"price": 2200, "active": flag}), context())
    assert (read.count, read.unread) == (count, ())


@pytest.mark.parametrize(
    ("text", "price"),
    [
        ("192.100 تومان", "192100"),
        ("۱۲.۵۰۰ ریال", "12500"),
        ("12.500", None),
        ("0,450", "0.450"),
        ("12,5", "12.5"),
        ("12,500", "12500"),
        ("1,0000", None),
        ("0,4500", "0.4500"),
        ("12,34,567", None),
        ("2.2k", None),
        ("1.2M", None),
        ("2 هزار تومان", None),
        ("15%", None),
        ("\u22122200", None),
        ("0.45 USDT", "0.45"),
        ("¥22.5", "22.5"),
        ("22 kr", "22"),
    ],
)
def test_money_with_separators(text: str, price: str | None) -> None:
    read = read_price("3", answer({"price": text, "count": 5}), context())
    assert read.price == (None if price is None else Decimal(price))
