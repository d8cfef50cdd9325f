"""Ids and names out of every dialect that a list may come in."""

from __future__ import annotations

from typing import Any

import pytest

from shomare_mqtt.errors import ErrorCode, ProviderFailedError
from shomare_mqtt.model import CatalogKind
from shomare_mqtt.provider.reading import read_catalog

from .reading_support import answer, context

C, P, A = CatalogKind.COUNTRIES, CatalogKind.OPERATORS, CatalogKind.APPLICATIONS
RU_IR = [("7", "Russia"), ("98", "Iran")]
DIALECTS: list[tuple[CatalogKind, Any, list[tuple[str, str]]]] = [
    (C, {"status": True, "data": [{"id": 7, "name": "Russia"}, {"id": 98, "name": "Iran"}]}, RU_IR),
    (C, [{"id": "7", "name": "Russia", "code": "ru"}, {"id": "98", "name": "Iran", "code": "ir"}], RU_IR),
    (
        C,
        {"status": True, "countries": [{"country_id": 7, "title": "Russia"}, {"country_id": 98, "title": "Iran"}]},
        RU_IR,
    ),
    (C, {"status": True, "7": {"name": "Russia", "iso": "RU"}, "98": {"name": "Iran", "iso": "IR"}}, RU_IR),
    (C, {"0": {"id": 7, "rus": "Россия", "eng": "Russia"}, "1": {"id": 98, "rus": "Иран", "eng": "Iran"}}, RU_IR),
    (C, {"status": True, "0": {"id": 7, "name": "Russia"}, "1": {"id": 98, "name": "Iran"}}, RU_IR),
    (C, {"status": True, "data": {"7": "Russia", "98": "Iran"}}, RU_IR),
    (C, {"status": True, "data": {"Russia": 7, "Iran": 98}}, RU_IR),
    (C, [{"id": 2, "name": "آلمان", "slug": "germany", "prefix": "+49"}], [("2", "آلمان")]),
    (
        C,
        {
            "afghanistan": {"iso": {"af": 1}, "prefix": {"+93": 1}, "text_en": "Afghanistan", "text_ru": "Афганистан"},
            "albania": {"iso": {"al": 1}, "prefix": {"+355": 1}, "text_en": "Albania", "text_ru": "Албания"},
        },
        [("afghanistan", "Afghanistan"), ("albania", "Albania")],
    ),
    (
        C,
        {
            "status": True,
            "data": {
                "current_page": 1,
                "data": [
                    {"id": 7, "name": {"fa": "روسیه", "en": "Russia"}},
                    {"id": 98, "name": {"fa": "ایران", "en": "Iran"}},
                ],
                "total": 2,
                "per_page": 15,
                "links": [
                    {"url": None, "label": "&laquo; Previous", "active": False},
                    {"url": "x", "label": "1", "active": True},
                ],
            },
        },
        RU_IR,
    ),
    (
        C,
        {"response": 1, "countries": {"_7": {"name": "Russia", "code": 7}, "_98": {"name": "Iran", "code": 98}}},
        RU_IR,
    ),
    (
        C,
        [{"ID": 1, "name": "United States", "short_name": "US", "cc": "1", "region": "Americas"}],
        [("1", "United States")],
    ),
    (C, {"status": True, "result": ["russia", "iran"]}, [("russia", "russia"), ("iran", "iran")]),
    (
        C,
        {"status": True, "data": [{"country": "ru", "name": "Russia"}, {"country": "ir", "name": "Iran"}]},
        [("ru", "Russia"), ("ir", "Iran")],
    ),
    (C, {"status": True, "items": [{"iso": "ru", "fa_name": "روسیه"}]}, [("ru", "روسیه")]),
    (C, {"status": True, "data": {"id": 7, "name": "Russia"}}, [("7", "Russia")]),
    (
        C,
        {
            "status": True,
            "data": [{"id": 7, "name": "Russia"}, {"id": 7, "name": "Russia again"}, {"id": 98, "name": "Iran"}],
        },
        RU_IR,
    ),
    (
        C,
        {"status": True, "data": {"list": {"rows": [{"id": 7.0, "name_en": "Russia", "name_fa": "روسیه"}]}}},
        [("7", "Russia")],
    ),
    (
        C,
        {"statusCode": 200, "data": {"countries": [{"countryCode": "RU", "countryName": "Russia"}]}},
        [("RU", "Russia")],
    ),
    (
        P,
        {"status": True, "data": [{"id": 1, "name": "mts"}, {"id": 2, "name": "beeline"}]},
        [("1", "mts"), ("2", "beeline")],
    ),
    (P, {"status": True, "operators": ["any", "mts"]}, [("any", "any"), ("mts", "mts")]),
    (
        P,
        {"status": "success", "countryOperators": {"0": ["any", "mts"], "1": ["any", "life"]}},
        [("any", "any"), ("mts", "mts"), ("life", "life")],
    ),
    (
        P,
        {"status": True, "data": [{"server": 1, "title": "Fast"}, {"server": 2, "title": "Cheap"}]},
        [("1", "Fast"), ("2", "Cheap")],
    ),
    (
        P,
        {
            "status": True,
            "data": {
                "russia": [{"id": 1, "name": "mts"}],
                "iran": [{"id": 4, "name": "mci"}, {"id": 1, "name": "mts"}],
            },
        },
        [("1", "mts"), ("4", "mci")],
    ),
    (
        P,
        {
            "data": [
                {"id": 7, "name": "Russia", "operators": [{"id": 1, "name": "mts"}, {"id": 2, "name": "b"}]},
                {"id": 98, "name": "Iran", "operators": []},
            ]
        },
        [("1", "mts"), ("2", "b")],
    ),
    (
        P,
        {"status": True, "data": {"7": {"1": "mts", "2": "beeline"}, "98": {"4": "mci"}}},
        [("1", "mts"), ("2", "beeline"), ("4", "mci")],
    ),
    (P, {"status": True, "data": [{"operator_id": "1", "country_id": "7", "operator": "mts"}]}, [("1", "mts")]),
    (
        P,
        {"status": True, "data": {"1": {"title": "Server 1", "active": 1}, "any": {"title": "Any", "active": 1}}},
        [("1", "Server 1"), ("any", "Any")],
    ),
    (
        A,
        {"status": "success", "services": [{"code": "tg", "name": "Telegram"}, {"code": "wa", "name": "WhatsApp"}]},
        [("tg", "Telegram"), ("wa", "WhatsApp")],
    ),
    (A, {"status": True, "data": [{"id": 3, "slug": "telegram", "name": "تلگرام"}]}, [("3", "تلگرام")]),
    (
        A,
        {
            "telegram": {"Category": "activation", "Qty": 5, "Price": 4},
            "whatsapp": {"Category": "activation", "Qty": 1, "Price": 9},
        },
        [("telegram", "telegram"), ("whatsapp", "whatsapp")],
    ),
    (
        A,
        {
            "status": True,
            "data": {
                "applications": [{"app_id": 3, "app_name": "Telegram"}],
                "countries": [{"id": 7, "name": "Russia"}, {"id": 8, "name": "B"}],
            },
        },
        [("3", "Telegram")],
    ),
    (
        A,
        {"status": True, "data": [{"product": "telegram"}, {"product": "whatsapp"}]},
        [("telegram", "telegram"), ("whatsapp", "whatsapp")],
    ),
    (A, {"status": True, "data": {"tg": "Telegram", "wa": "WhatsApp"}}, [("tg", "Telegram"), ("wa", "WhatsApp")]),
    (
        A,
        {
            "status": True,
            "data": [
                {
                    "_id": "65f0",
                    "key": "tg",
                    "translations": [{"locale": "fa", "name": "تلگرام"}, {"locale": "en", "name": "Telegram"}],
                }
            ],
        },
        [("65f0", "تلگرام")],
    ),
    (
        A,
        {
            "status": True,
            "data": {
                "data": [{"service_id": 3, "service_name": "Telegram", "icon": "x.png"}],
                "meta": {"total": 1},
                "links": {"next": None},
            },
        },
        [("3", "Telegram")],
    ),
    (A, {"status": True, "data": [{"short_name": "tg", "name": "Telegram"}]}, [("tg", "Telegram")]),
    (A, {"status": True, "data": []}, []),
    (A, {"status": True, "data": [{"id": 0, "name": "Other"}]}, [("0", "Other")]),
    (
        A,
        {"status": True, "data": [{"id": 12345678901234567890123, "name": "Big"}]},
        [("12345678901234567890123", "Big")],
    ),
    (
        A,
        {"status": True, "data": [{"value": 3, "label": "Telegram"}, {"value": 5, "label": "WhatsApp"}]},
        [("3", "Telegram"), ("5", "WhatsApp")],
    ),
]


@pytest.mark.parametrize(("kind", "value", "expected"), DIALECTS, ids=range(len(DIALECTS)))
def test_ids_and_names_are_read(kind: CatalogKind, value: Any, expected: list[tuple[str, str]]) -> None:
    catalog = read_catalog(kind, answer(value), context())
    assert [(e.id, e.name) for e in catalog.entries] == expected


def test_every_name_is_kept_and_the_rest_is_extra() -> None:
    row = {"id": 7, "name": "روسیه", "name_en": "Russia", "slug": "russia", "areacode": "+7", "active": 1}
    entry = read_catalog(C, answer({"status": True, "data": [row]}), context()).entries[0]
    assert entry.names == ("روسیه", "Russia")
    assert entry.extra["areacode"] == "+7"
    assert entry.extra["active"] == 1


@pytest.mark.parametrize(
    "value", [b"", b"<html>", {}, {"status": True}, {"status": True, "message": "ok"}, "x", 3, [1.5, None]]
)
def test_no_list_is_malformed(value: Any) -> None:
    with pytest.raises(ProviderFailedError) as caught:
        read_catalog(C, answer(value), context())
    assert caught.value.code is ErrorCode.MALFORMED_ANSWER


@pytest.mark.timeout(20)  # it takes some 35 ms; quadratic time would take minutes
def test_two_thousand_entries_are_read_at_once() -> None:
    rows = [
        {"id": i, "name": f"App {i}", "slug": f"app-{i}", **{f"field{k}": k for k in range(12)}} for i in range(2000)
    ]
    assert len(read_catalog(A, answer({"status": True, "data": rows}), context()).entries) == 2000
