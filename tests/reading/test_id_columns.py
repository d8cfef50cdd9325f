"""Which columns of a list could be its id: by what stands in them, whatever they are called."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from shomare_mqtt.model import Catalog, CatalogKind, Known, Sureness
from shomare_mqtt.provider import reading

if TYPE_CHECKING:
    from shomare_mqtt.provider.reading.places import Place

COUNTRIES, OPERATORS, APPLICATIONS = CatalogKind
CONTEXT = reading.Context(datetime(2026, 11, 24, 12, tzinfo=UTC), ZoneInfo("Asia/Tehran"), Known())
NAMES = ("Russia", "Iran", "United Kingdom", "Viet Nam")
SURE, DOUBTFUL, TRIED = Sureness.SURE, Sureness.DOUBTFUL, Sureness.TRIED


def read(data: Any, kind: CatalogKind = COUNTRIES, chosen: Place | None = None, *, whole: bool = False) -> Catalog:
    body = json.dumps(data if whole else {"status": True, "data": data}).encode()
    context = CONTEXT if chosen is None else replace(CONTEXT, chosen={f"{kind.value}.id": chosen})
    return reading.read_catalog(kind, reading.RawAnswer(200, body), context)


def rows(**columns: Any) -> list[dict[str, Any]]:
    """Entries of four; a column is a list of values, or the values as one text."""
    values = {name: value.split() if isinstance(value, str) else value for name, value in columns.items()}
    return [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]


def candidates(catalog: Catalog) -> tuple[list[str], list[str]]:
    """Columns that may well be the id, and those that hardly are."""
    likely = [column.place for column in catalog.ids if column.likely]
    return likely, [column.place for column in catalog.ids if not column.likely]


def sureness(catalog: Catalog) -> Sureness:
    return next(found.sureness for found in catalog.found if found.field == f"{catalog.kind.value}.id")


IDS, SLUGS = [7, 98, 44, 84], "russia iran united-kingdom vietnam"
LIST = SLUGS.split()


@pytest.mark.parametrize(
    ("data", "likely", "hardly"),
    [
        (rows(id=IDS, name=NAMES), ["id"], ["name"]),
        (rows(id=IDS, name=NAMES, slug=SLUGS, iso="RU IR GB VN"), ["id", "slug", "iso"], ["name"]),
        (rows(id=IDS, api_name=SLUGS, title=NAMES), ["id", "api_name"], ["title"]),
        (rows(id=IDS, cc="RU IR GB VN", name=NAMES), ["id", "cc"], ["name"]),
        (rows(id=IDS, name=SLUGS), ["id", "name"], []),
        (rows(id=IDS, name="RU IR GB VN"), ["id"], ["name"]),
        (rows(name=NAMES, fa="الف ب پ ت"), ["name", "fa"], []),
        (rows(id=IDS, name=NAMES, zorvex="k1 k2 k3 k4"), ["id", "zorvex"], ["name"]),
        (rows(code=[{"value": v, "note": "a b"} for v in LIST], id=IDS, name=NAMES), ["id", "code.value"], ["name"]),
        ([{"attributes": row} for row in rows(id=IDS, slug=SLUGS)], ["attributes.id", "attributes.slug"], []),
        ([{"node": row} for row in rows(id=IDS, slug=SLUGS, name=NAMES)], ["node.id", "node.slug"], ["node.name"]),
        ({str(i): row for i, row in zip(IDS, rows(name=NAMES, slug=SLUGS), strict=True)}, ['"@key"', "slug"], ["name"]),
        (dict(zip(LIST, rows(id=IDS, name=NAMES), strict=True)), ["id", '"@key"'], ["name"]),
        (dict(zip(map(str, IDS), NAMES, strict=True)), ['"@key"'], ["@"]),
        (dict(zip(NAMES, map(str, IDS), strict=True)), ["@"], ['"@key"']),
        (LIST, ["@"], []),
        ([["id", "slug"], *map(list, zip(IDS, LIST, strict=True))], ["[0]", "[1]"], []),
    ],
)  # fmt: skip
def test_the_columns_that_could_be_the_id(data: Any, likely: list[str], hardly: list[str]) -> None:
    catalog = read(data)
    assert candidates(catalog) == (likely, hardly)
    assert sureness(catalog) is (SURE if len(likely) == 1 else DOUBTFUL)
    assert all(len(column.values) == len(catalog.entries) for column in catalog.ids)
    assert [entry.id for entry in catalog.entries] == list(catalog.ids[0].values)


@pytest.mark.parametrize(
    "column",
    [
        {"flag": "ru.svg ir.svg gb.svg vn.svg"},
        {"code2": ["https://x/1", "https://x/2", "https://x/3", "https://x/4"]},
        {"key2": "#ff0000 #00ff00 #0000ff #ffffff"},
        {"seen": "2026-11-24 2026-11-25 2026-11-26 2026-11-27"},
        {"nr": [1, 2, 3, 4]},
        {"sort": [40, 30, 20, 10]},
        {"price": [2200, 2300, 2400, 2500]},
        {"phonecode": "+7 +98 +44 +84"},
        {"ratio": [1.5, 2.5, 3.5, 4.5]},
        {"words": ["a b c d e f g", "b c d e f g h", "c d e f g h i", "d e f g h i j"]},
        {"slug": "x x y z"},
        {"slug": ["x", None, "y", "z"]},
        {"same": IDS},
        {"emoji": ["🇷🇺", "🇮🇷", "🇬🇧", "🇻🇳"]},
        {"active": [True, False, True, True]},
    ],
    ids=str,
)
def test_what_is_no_id_by_what_stands_in_it(column: dict[str, Any]) -> None:
    assert candidates(read(rows(id=IDS, name=NAMES, **column))) == (["id"], ["name"])


def test_an_id_that_many_entries_share_is_none() -> None:
    data = rows(id=[1, 1, 1, 2], slug=SLUGS, name=NAMES)
    catalog = read(data, APPLICATIONS)
    assert [entry.id for entry in catalog.entries] == LIST
    assert [entry.name for entry in catalog.entries] == list(NAMES)
    assert [entry.id for entry in read(rows(id=[1, 1, 2, 3], name=["A", "A", "B", "C"])).entries] == ["1", "2", "3"]


def test_ids_of_operators_that_begin_anew_in_each_country_are_ids() -> None:
    data = rows(id=[1, 2, 1, 2], country_id=[7, 7, 98, 98], name=["MTS", "Beeline", "MCI", "MTN"])
    assert candidates(read(data, OPERATORS))[0] == ["id"]
    grouped = {"7": data[:2], "98": data[2:]}
    assert candidates(read(grouped, OPERATORS))[0] == ["id"]


@pytest.mark.parametrize(
    ("data", "chosen", "ids"),
    [
        (rows(id=IDS, name=NAMES, slug=SLUGS), ("slug",), LIST),
        (rows(id=IDS, name=NAMES, slug=SLUGS), ("name",), list(NAMES)),
        (rows(code=[{"value": v} for v in LIST], id=IDS, name=NAMES), ("code", "value"), LIST),
        ([{"attributes": row} for row in rows(id=IDS, slug=SLUGS)], ("attributes", "slug"), LIST),
        (dict(zip(LIST, rows(id=IDS, name=NAMES), strict=True)), ("@key",), LIST),
        (dict(zip(map(str, IDS), NAMES, strict=True)), (), list(NAMES)),
        (dict(zip(map(str, IDS), NAMES, strict=True)), ("@key",), list(map(str, IDS))),
        (dict(zip(NAMES, map(str, IDS), strict=True)), ("@key",), list(NAMES)),
        ([["id", "slug"], *map(list, zip(IDS, LIST, strict=True))], (1,), LIST),
        (rows(zorvex=[{"blim": i} for i in IDS], slug=SLUGS), ("slug",), LIST),
    ],
)
def test_the_column_that_trying_told_is_the_id(data: Any, chosen: Place, ids: list[str]) -> None:
    catalog = read(data, chosen=chosen)
    assert [entry.id for entry in catalog.entries] == ids
    assert sureness(catalog) is TRIED
    assert not any(doubt.startswith("id: ") for doubt in catalog.doubtful)
    assert all(entry.names for entry in catalog.entries)


@pytest.mark.parametrize("chosen", [("gone",), ("id", "x"), ("flag",)], ids=str)
def test_a_chosen_column_that_is_not_there_changes_nothing(chosen: Place) -> None:
    data = rows(id=IDS, name=NAMES, flag="ru.svg ir.svg gb.svg vn.svg")
    catalog = read(data, chosen=chosen)
    assert (catalog, catalog.found) == (read(data), read(data).found)


def test_an_entry_without_the_chosen_column_is_left_out_and_said() -> None:
    data = [{"id": n, "slug": f"s{n}", "name": f"Name {n}"} for n in range(30)]
    del data[3]["slug"]
    catalog = read(data, chosen=("slug",))
    assert "3" not in {entry.id for entry in catalog.entries}
    assert len(catalog.entries) == 29
    assert catalog.unread == ("id",)


def test_the_names_of_entries_are_the_same_with_every_id() -> None:
    data = rows(id=IDS, name=NAMES, fa_name="روسیه ایران بریتانیا ویتنام", slug=SLUGS)
    by_slug, by_id = read(data, chosen=("slug",)), read(data)
    assert [e.name for e in by_slug.entries] == [e.name for e in by_id.entries] == list(NAMES)
    assert by_slug.entries[0].extra["id"] == 7


def test_a_column_whose_field_was_read_under_another_name_is_shown_as_it_came() -> None:
    data = [{"zorvex": 100 + n, "name": f"Name {n}"} for n in range(5)]
    catalog = read(data)
    assert [entry.id for entry in catalog.entries] == [str(100 + n) for n in range(5)]
    assert catalog.ids[0].place == "zorvex"
