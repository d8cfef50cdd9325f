"""Profiles and lists in which a wrong balance or a wrong id lies nearer than the right one."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from shomare_mqtt.errors import ErrorCode, ProviderFailedError
from shomare_mqtt.model import CatalogKind, Known
from shomare_mqtt.provider.reading import read_catalog, read_prices, read_profile

from .reading_support import answer, context

NOTHING = context(Known())
TWO = [{"id": 7, "name": "Russia"}, {"id": 98, "name": "Iran"}]
RUSSIA_AND_IRAN = {"7": "Russia", "98": "Iran"}


@pytest.mark.parametrize(
    ("value", "balance", "currency"),
    [
        ({"status": True, "balance": {"total": 200000, "blocked": 7900, "available": 192100}}, "192100", None),
        ({"wallet": {"free": 45000, "frozen": 1, "total": 45001}}, "45000", None),
        ({"user": {"wallet": {"main": 192100, "bonus": 500}}}, "192100", None),
        ({"deposit": {"last": 5000, "total": 900000}, "credit": {"current": 45000}}, "45000", None),
        ({"data": {"income": {"today": 1, "total": 2}, "wallet": {"balance": 45000}}}, "45000", None),
        ({"data": {"plan": {"name": "gold", "credit": 100}, "credit": 45000}}, "45000", None),
        ({"data": {"bank_account": {"balance": 7}, "wallet": {"balance": 45000}}}, "45000", None),
        ({"balance": {"USD": Decimal("3.1"), "IRT": 192100}}, "192100", "IRT"),
        ({"balance": {"rial": 450000, "toman": 45000}}, "45000", "IRT"),
        ({"wallets": [{"currency": "USDT", "balance": 3}, {"currency": "IRT", "balance": 192100}]}, "192100", "IRT"),
        ({"data": {"wallets": [{"type": "gift", "balance": 300}, {"type": "main", "balance": 5000}]}}, "5000", None),
        ({"balanceIRR": "12500"}, "12500", "IRR"),
        ({"balance": "192.100 تومان"}, "192100", "IRT"),
        ({"balance": "0,450", "currency": "USD"}, "0.450", "USD"),
        ({"data": {"remain": "45000"}}, "45000", None),
        ({"vaziat": "ok", "mojoodi": "192,100", "vahed": "toman"}, "192100", "IRT"),
        ({"status": True, "result": 192100}, "192100", None),
        ({"ok": True, "result": "192100.50"}, "192100.50", None),
        ({"success": True, "response": 2200}, "2200", None),
        ({"d": '{"balance": 5, "currency": "IRT"}'}, "5", "IRT"),
    ],
)
def test_the_balance_that_can_be_spent(value: Any, balance: str, currency: str | None) -> None:
    read = read_profile(answer(value), NOTHING)
    assert (read.balance, read.currency) == (Decimal(balance), currency)


@pytest.mark.parametrize(
    "value",
    [
        {"data": {"username": "x", "orders": {"total": 5, "amount": 900}}},
        {"status": True, "total": 3, "data": {"username": "x"}},
        {"data": {"username": "x", "deposit": {"last": 5000, "total": 900000}}},
        {"data": {"username": "x", "last_payment": {"amount": 900000, "balance": 3}}},
        {"data": {"username": "x", "referral": {"balance": 9}}},
        {"data": {"username": "x", "payments": [{"id": 1, "amount": 99999}]}},
        {"data": {"income": {"today": 1, "total": 2}}},
        {"wallets": [{"title": "a", "balance": 300}, {"title": "b", "balance": 5000}]},
        {"wallets": [{"currency": "IRT", "balance": 300}, {"currency": "IRT", "balance": 5000}]},
    ],
)
def test_what_counts_something_else_is_no_balance(value: Any) -> None:
    read = read_profile(answer(value), NOTHING)
    assert (read.balance, read.unread) == (None, ("balance",))


@pytest.mark.parametrize("value", [{"status": True, "result": 1}, {"status": True, "result": 200, "response": 1}])
def test_a_mark_of_success_is_no_balance(value: Any) -> None:
    with pytest.raises(ProviderFailedError) as caught:
        read_profile(answer(value), NOTHING)
    assert caught.value.code is ErrorCode.MALFORMED_ANSWER


@pytest.mark.parametrize(
    "value",
    [
        {"status": "success", "data": {"Russia": "7", "Iran": "98"}},
        [["id", "name"], ["7", "Russia"], ["98", "Iran"]],
        {"columns": ["id", "name"], "rows": [[7, "Russia"], [98, "Iran"]]},
        [{"country": entry, "flag": "x"} for entry in TWO],
        {"Russia": {"id": 7, "iso": "RU"}, "Iran": {"id": 98, "iso": "IR"}},
        {"data": {"allCountries": {"edges": [{"cursor": "a", "node": e} for e in TWO], "pageInfo": {"end": "b"}}}},
        {"country": [{"@attributes": {"id": e["id"]}, "name": e["name"]} for e in TWO]},
        {"hits": {"total": 2, "hits": [{"_id": e["id"], "_source": {"name": e["name"]}} for e in TWO]}},
        [{"_id": e["id"], "_source": {"name": e["name"], "attributes": 3}, "attributes": {}} for e in TWO],
        {"foo": {"bar": TWO}},
        {"foo": {"bar": {"baz": TWO}}},
        {"status": True, "foo": {"message": "x", "bar": TWO}},
        {"status": True, "foo": {"total": 2, "bar": TWO}},
        {"data": [{"id": i + 1, "title": f"page {i}", "items": [entry]} for i, entry in enumerate(TWO)]},
        {"countries": [{"id": i + 1, "title": f"page {i}", "items": [entry]} for i, entry in enumerate(TWO)]},
        {"banners": [{"id": 1, "title": "Sale"}, {"id": 2, "title": "New"}, {"id": 3, "title": "Hot"}], "data": TWO},
        [{**entry, "details": [{"id": 1, "name": "Fast"}], "regions": [{"id": 5, "name": "North"}]} for entry in TWO],
        {"d": '[{"id": 7, "name": "Russia"}, {"id": 98, "name": "Iran"}]'},
    ],
)
def test_countries_by_id(value: Any) -> None:
    read = read_catalog(CatalogKind.COUNTRIES, answer(value), NOTHING)
    assert {entry.id: entry.name for entry in read.entries} == RUSSIA_AND_IRAN


def test_an_object_id_is_an_id() -> None:
    value = [{"_id": {"$oid": "64a1"}, "name": "Russia"}]
    read = read_catalog(CatalogKind.COUNTRIES, answer(value), NOTHING)
    assert [(entry.id, entry.name) for entry in read.entries] == [("64a1", "Russia")]


@pytest.mark.parametrize(
    "value",
    [
        [{"countryName": "Russia", "countryCode": "ru", "operatorList": ["mts", "beeline"]}],
        {"status": True, "data": {"countryCode": "RU", "operators": ["mts", "beeline"]}},
    ],
)
def test_operators_in_a_list_of_countries(value: Any) -> None:
    read = read_catalog(CatalogKind.OPERATORS, answer(value), NOTHING)
    assert [entry.id for entry in read.entries] == ["mts", "beeline"]


def test_countries_stay_countries_beside_their_operators() -> None:
    value = [{"countryName": "Russia", "countryCode": "ru", "operatorList": ["mts", "beeline"]}]
    read = read_catalog(CatalogKind.COUNTRIES, answer(value), NOTHING)
    assert [(entry.id, entry.name) for entry in read.entries] == [("ru", "Russia")]


def test_a_text_under_the_list_s_own_name_is_no_entry() -> None:
    with pytest.raises(ProviderFailedError):
        read_catalog(CatalogKind.OPERATORS, answer({"status": True, "operators": "mts,beeline"}), NOTHING)


def test_the_first_name_is_shown_where_a_slug_repeats_it() -> None:
    value = [{"id": 3, "name": "Telegram", "title": "تلگرام", "slug": "telegram"}]
    (read,) = read_catalog(CatalogKind.APPLICATIONS, answer(value), NOTHING).entries
    assert (read.name, read.names) == ("Telegram", ("Telegram", "تلگرام"))


def test_a_number_is_no_name_of_its_own() -> None:
    value = [{"server": "2669", "display_name": "Beeline"}]
    (read,) = read_catalog(CatalogKind.OPERATORS, answer(value), NOTHING).entries
    assert (read.id, read.names) == ("2669", ("Beeline",))


def test_a_number_is_a_name_where_there_is_no_other() -> None:
    read = read_catalog(CatalogKind.OPERATORS, answer([{"id": 1, "name": "1"}, {"id": 2, "name": "2"}]), NOTHING)
    assert [(entry.id, entry.name, entry.names) for entry in read.entries] == [("1", "1", ("1",)), ("2", "2", ("2",))]
    assert read.unread == ()


@pytest.mark.parametrize(
    ("pager", "goes_on"),
    [
        ({"current_page": 1, "last_page": 3, "total": 60, "next_page_url": "https://example.org/x?page=2"}, True),
        ({"current_page": 1, "last_page": 1, "total": 2, "next_page_url": None}, False),
        ({"meta": {"page": "1", "totalPages": "2"}}, True),
        ({"links": {"next": "/api/allcountries?page=2", "prev": None}}, True),
        ({"count": 2, "next": None, "previous": None}, False),
        ({"pagination": {"page": 2, "pages": 2}}, False),
        ({"total": 2}, False),
    ],
)
@pytest.mark.parametrize("wrapped", [True, False])
def test_a_page_that_others_follow_is_said_to_be_one(pager: dict[str, Any], goes_on: bool, wrapped: bool) -> None:
    page = {"data": TWO, **pager}
    value = {"status": True, "result": page} if wrapped else {"status": True, **page}
    read = read_catalog(CatalogKind.COUNTRIES, answer(value), NOTHING)
    assert {e.id: e.name for e in read.entries} == RUSSIA_AND_IRAN
    assert read.unread == (("next pages",) if goes_on else ())
    rows = [{"application_id": 3, "price": 2200, "count": 5}]
    value = {"status": True, "result": {**page, "data": rows}} if wrapped else {"status": True, **page, "data": rows}
    assert read_prices("7", "1", answer(value), NOTHING).unread == (("next pages",) if goes_on else ())
