"""Lists and prices, modelled on those of public sisters, that were misread: short names of ids, descriptions, `num`."""

from __future__ import annotations

from decimal import Decimal

import pytest

from shomare_mqtt.model import CatalogEntry, CatalogKind, Known
from shomare_mqtt.provider.reading import read_catalog, read_price, read_prices

from .reading_support import answer, context

APPLICATIONS = (CatalogEntry("14", "Telegram", ("Telegram",)), CatalogEntry("15", "WeChat", ("WeChat",)))


def test_names_that_describe_go_before_the_field_that_is_the_id() -> None:
    body = [{"service": "opt29", "serviceDescription": "Telegram"}, {"service": "opt4", "serviceDescription": "VK"}]
    found = read_catalog(CatalogKind.APPLICATIONS, answer(body), context())
    assert [(e.id, e.name) for e in found.entries] == [("opt29", "Telegram"), ("opt4", "VK")]


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (CatalogKind.COUNTRIES, "cid"),
        (CatalogKind.OPERATORS, "oid"),
        (CatalogKind.APPLICATIONS, "pid"),
        (CatalogKind.APPLICATIONS, "sid"),
    ],
)
def test_short_names_of_ids(kind: CatalogKind, name: str) -> None:
    body = {"status": True, "data": [{name: 14, "name": "One"}, {name: 15, "name": "Two"}]}
    assert [(e.id, e.name) for e in read_catalog(kind, answer(body), context()).entries] == [
        ("14", "One"),
        ("15", "Two"),
    ]


def test_a_plain_map_in_a_list_of_one() -> None:
    found = read_catalog(CatalogKind.OPERATORS, answer([{"any": "Any", "claro": "Claro"}]), context())
    assert [(e.id, e.name) for e in found.entries] == [("any", "Any"), ("claro", "Claro")]


def test_prices_by_short_ids_and_num_in_stock() -> None:
    rows = [{"pid": 14, "price": "1.50", "num": 30}, {"pid": 15, "price": "2.00", "num": 0}]
    known = context(Known(country="86", operator="1", applications=APPLICATIONS))
    found = read_prices("86", "1", answer({"status": True, "data": rows}), known)
    assert [(p.application, p.price, p.count) for p in found.prices] == [
        ("14", Decimal("1.50"), 30),
        ("15", Decimal("2.00"), 0),
    ]
    one = read_price("14", answer({"status": True, "data": {"price": "1.50", "num": 30}}), known)
    assert (one.price, one.count) == (Decimal("1.50"), 30)
