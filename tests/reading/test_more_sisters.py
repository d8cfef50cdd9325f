"""More sisters, single answers each: shapes and names that were met after the reading was built."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.model import CatalogKind, Known
from shomare_mqtt.provider.reading import (
    read_buy,
    read_catalog,
    read_check,
    read_price,
    read_prices,
    read_profile,
)

from .reading_support import answer, context

if TYPE_CHECKING:
    from collections.abc import Callable

C, P, A = CatalogKind.COUNTRIES, CatalogKind.OPERATORS, CatalogKind.APPLICATIONS
T = "Your code is 54321"
TWO = [("3", "2200", 10), ("5", "3100", 0)]


def cat(kind: CatalogKind, value: Any) -> Any:
    return [(e.id, e.name) for e in read_catalog(kind, answer(value), context(Known())).entries]


def chk(value: Any, http: int = 200) -> Any:
    read = read_check(answer(value, http), context())
    return (read.state, [(s.code, s.text) for s in read.sms], read.lifetime)


def prs(value: Any) -> Any:
    return [(p.application, str(p.price), p.count) for p in read_prices("7", "1", answer(value), context()).prices]


def pr(value: Any) -> Any:
    read = read_price("3", answer(value), context())
    return (str(read.price), read.count)


def buy(value: Any) -> Any:
    read = read_buy(answer(value), context())
    return (read.purchase, read.phone, read.lifetime and round(read.lifetime))


def prof(value: Any) -> Any:
    read = read_profile(answer(value), context(Known()))
    return (str(read.balance), read.currency)


CASES: list[tuple[Callable[..., Any], tuple[Any, ...], Any]] = [
    (chk, ({"status": 202, "message": "wait"},), ("waiting", [], None)),
    (chk, ({"status": False}, 202), ("waiting", [], None)),
    (chk, ({"status": True, "code": 54321, "sms": T},), ("received", [("54321", T)], None)),
    (chk, ({"status": True, "code": 200, "data": {"code": "54321", "sms": T}},), ("received", [("54321", T)], None)),
    (
        chk,
        ({"status": True, "data": {"number": "79313226657", "code": None, "othersms": ["a 11111"]}},),
        ("received", [(None, "a 11111")], None),
    ),
    (chk, ({"status": True, "data": "54321"},), ("received", [("54321", None)], None)),
    (chk, ({"status": True, "data": {"id": 74001, "time": "00:12:11", "sms": None}},), ("waiting", [], 731.0)),
    (chk, ({"status": True, "data": {"sms": [{"text": "54321"}]}},), ("received", [("54321", "54321")], None)),
    (
        chk,
        ({"status": True, "data": {"sms": {"sms": "54321", "date": "2026-11-24 15:31:00"}}},),
        ("received", [("54321", "54321")], None),
    ),
    (chk, ({"status": True, "data": {"status": "ACTIVE", "sms_count": 0, "sms": []}},), ("waiting", [], None)),
    (chk, ({"status": True, "data": {"status": "success", "code": "54321"}},), ("received", [("54321", None)], None)),
    (
        chk,
        ({"status": True, "data": {"order": {"id": 74001, "status": {"id": 5, "name": "Expired"}}}},),
        ("expired", [], None),
    ),
    (
        chk,
        (
            {
                "status": True,
                "data": {
                    "id": 74001,
                    "phone": "79313226657",
                    "country": {"id": 7, "code": "RU"},
                    "service": {"id": 3, "code": "tg"},
                    "code": None,
                },
            },
        ),
        ("waiting", [], None),
    ),
    (
        cat,
        (
            P,
            {
                "status": True,
                "data": [
                    {
                        "country": {"id": 7, "name": "Russia"},
                        "operators": [{"id": 1, "name": "mts"}, {"id": 2, "name": "bee"}],
                    }
                ],
            },
        ),
        [("1", "mts"), ("2", "bee")],
    ),
    (
        cat,
        (
            C,
            {
                "status": True,
                "data": [
                    {
                        "id": 7,
                        "name": "Russia",
                        "operators": [{"id": 1, "name": "mts"}, {"id": 2, "name": "b"}, {"id": 3, "name": "c"}],
                    },
                    {"id": 98, "name": "Iran", "operators": [{"id": 4, "name": "mci"}]},
                ],
            },
        ),
        [("7", "Russia"), ("98", "Iran")],
    ),
    (
        cat,
        (
            A,
            {
                "data": [
                    {"category": "Social", "items": [{"id": 3, "name": "Telegram"}]},
                    {"category": "Other", "items": [{"id": 5, "name": "WhatsApp"}]},
                ]
            },
        ),
        [("3", "Telegram"), ("5", "WhatsApp")],
    ),
    (
        cat,
        (P, {"status": True, "data": [{"name": "mts", "count": 5}, {"name": "any", "count": 3}]}),
        [("mts", "mts"), ("any", "any")],
    ),
    (
        cat,
        (C, {"status": True, "data": {"count": 2, "list": [{"id": 7, "name": "Russia"}, {"id": 98, "name": "Iran"}]}}),
        [("7", "Russia"), ("98", "Iran")],
    ),
    (
        cat,
        (
            C,
            {
                "data": {
                    "7": {"id": 7, "names": {"fa": "روسیه", "en": "Russia"}},
                    "98": {"id": 98, "names": {"fa": "ایران", "en": "Iran"}},
                }
            },
        ),
        [("7", "Russia"), ("98", "Iran")],
    ),
    (
        prs,
        (
            {
                "data": [
                    {
                        "country_id": 7,
                        "operator_id": 1,
                        "applications": [{"id": 3, "price": 2200, "count": 10}, {"id": 5, "price": 3100, "count": 0}],
                    }
                ]
            },
        ),
        TWO,
    ),
    (
        prs,
        (
            {
                "status": True,
                "data": [
                    {"id": 3, "price": {"toman": 2200, "rial": 22000}, "count": 10},
                    {"id": 5, "price": {"toman": 3100, "rial": 31000}, "count": 0},
                ],
            },
        ),
        TWO,
    ),
    (
        prs,
        (
            {
                "status": True,
                "data": [
                    {"id": 3, "prices": {"1": {"price": 2200, "count": 10}, "2": {"price": 5, "count": 9}}},
                    {"id": 5, "prices": {"1": {"price": 3100, "count": 0}}},
                ],
            },
        ),
        TWO,
    ),
    (
        prs,
        (
            {
                "status": True,
                "data": [{"app": {"id": 3}, "price": 2200, "count": 10}, {"app": {"id": 5}, "price": 3100, "count": 0}],
            },
        ),
        TWO,
    ),
    (
        prs,
        (
            {
                "status": True,
                "data": [
                    {"id": 3, "price": 2200, "count": 10, "country": {"id": 7}, "min_price": 100},
                    {"id": 5, "price": 3100, "count": 0, "country": {"id": 7}, "min_price": 100},
                ],
            },
        ),
        TWO,
    ),
    (prs, ({"tg": {"cost": 2200, "count": 10}, "wa": {"cost": 3100, "count": 0}},), TWO),
    (
        prs,
        (
            {
                "status": True,
                "data": [
                    {"id": 3, "name": "Telegram", "count": 10, "price": 2200, "status": 1},
                    {"id": 5, "name": "WhatsApp", "count": 0, "price": 3100, "status": 0},
                ],
            },
        ),
        TWO,
    ),
    (pr, ({"mts": {"price": 2200, "count": 10}, "beeline": {"price": 5, "count": 9}},), ("2200", 10)),
    (
        pr,
        (
            {
                "status": True,
                "data": [
                    {"id": 1, "operator": "any", "price": 5, "count": 4},
                    {"id": 2, "operator": "mts", "price": 2200, "count": 10},
                ],
            },
        ),
        ("2200", 10),
    ),
    (pr, ({"status": True, "data": {"price": 2200, "number": "79", "count": 10}},), ("2200", 10)),
    (
        buy,
        (
            {
                "status": True,
                "data": {
                    "id": 74001,
                    "number": "9313226657",
                    "expire_at": {"date": "2026-11-24 15:50:00.000000", "timezone_type": 3, "timezone": "Asia/Tehran"},
                },
            },
        ),
        ("74001", "+79313226657", 1200),
    ),
    (
        buy,
        ({"status": True, "data": {"id": 74001, "phone": "79313226657", "expires": "1795522800"}},),
        ("74001", "+79313226657", 1200),
    ),
    (
        buy,
        (
            {
                "status": True,
                "data": {
                    "number_id": "74001",
                    "user_id": 9,
                    "country_code": "RU",
                    "number": "79313226657",
                    "created_at": "2026-11-24 15:30:00",
                    "updated_at": "2026-11-24 15:30:00",
                },
            },
        ),
        ("74001", "+79313226657", None),
    ),
    (
        buy,
        ({"status": True, "data": {"id": 74001, "service_id": 3, "phone": {"code": "7", "number": "9313226657"}}},),
        ("74001", "+79313226657", None),
    ),
    (prof, ({"status": True, "data": {"balance": {"toman": "192,100", "rial": "1,921,000"}}},), ("192100", "IRT")),
    (prof, ({"status": True, "balance": "192,100 Rial"},), ("192100", "IRR")),
    (
        prof,
        (
            {
                "status": True,
                "data": {
                    "name": "x",
                    "transactions": [{"amount": 5}, {"amount": 6}],
                    "wallet": {"id": 4, "value": 192100},
                },
            },
        ),
        ("192100", None),
    ),
    (
        prof,
        ({"status": True, "data": {"user": {"id": 3, "balance": 192100}, "orders_count": 12, "sum": 3}},),
        ("192100", None),
    ),
    (prof, ({"status": True, "data": {"credit": "0", "balance": "192100"}},), ("192100", None)),
]


@pytest.mark.parametrize(("read", "given", "expected"), CASES, ids=range(len(CASES)))
def test_more_sisters(read: Callable[..., Any], given: tuple[Any, ...], expected: Any) -> None:
    assert read(*given) == expected
