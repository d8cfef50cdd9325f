"""Nothing that the provider sends ends the daemon, nor does what an earlier one stored of it (contract, Answers)."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.core.market.labels import labels
from shomare_mqtt.core.records import stored
from shomare_mqtt.errors import ErrorCode, JournalError, ProviderFailedError
from shomare_mqtt.model import (
    Catalog,
    CatalogEntry,
    CatalogKind,
    CheckReading,
    Price,
    PriceList,
    Profile,
    PurchaseState,
)
from tests.core.provider import entries, sms
from tests.core.world import PRODUCT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.core.conftest import Opening
    from tests.core.world import World

NO_TEXT: Any = object()
"""Where a text should be: nothing here can make use of it."""
LISTS = tuple(CatalogKind)
WATCHED = [{"country": "2", "operator": "1"}]


def of_no_use(kind: CatalogKind) -> Catalog:
    return Catalog(kind, (CatalogEntry("1", NO_TEXT),))


def problem(world: World) -> str:
    return str((world.json("provider/state")["error"] or {}).get("code"))


@pytest.mark.parametrize("kind", LISTS)
async def test_a_list_is_kept_only_once_it_is_understood(opened: Opening, kind: CatalogKind) -> None:
    world = await opened(refresh={"catalog": 600})
    world.provider.script(kind.value, of_no_use(kind))
    await world.sleep(700)
    assert json.loads(world.retained.now[kind.value]) == [
        {"id": e.id, "name": e.name} for e in world.provider.catalogs[kind]
    ]
    assert (await world.ask(f"query/{kind.value}"))["status"] == "ok"
    await world.restart()
    assert world.bridge.market.catalogs.entries(kind) == world.provider.catalogs[kind]


async def test_a_fault_of_ours_in_a_list_is_said(opened: Opening, caplog: pytest.LogCaptureFixture) -> None:
    world = await opened()
    await world.settle()
    world.provider.script("countries", of_no_use(CatalogKind.COUNTRIES))
    answer = await world.ask("query/countries")
    assert answer["error"]["code"] == "malformed_answer"
    assert world.json("provider/state")["fields"] == [
        "allcountries: a fault of this program (AttributeError) while reading the answer"
    ]
    assert "a fault of this program" in caplog.text
    assert "_index" in caplog.text, "the log says where"


@pytest.mark.parametrize("entry", [CatalogEntry("", ""), CatalogEntry(" ", "MTS")], ids=repr)
async def test_one_entry_that_is_of_no_use_spoils_no_list(world: World, entry: CatalogEntry) -> None:
    good = entries("MCI", "Irancell")
    world.provider.script("operators", Catalog(CatalogKind.OPERATORS, (good[0], entry, good[1])))
    assert (await world.ask("query/operators"))["data"] == [{"id": "1", "name": "MCI"}, {"id": "2", "name": "Irancell"}]


def store(directory: Path, statement: str, *values: Any) -> None:
    with closing(sqlite3.connect(directory / "journal.sqlite3")) as connection, connection:
        connection.execute(statement, values)


NOW = "2026-01-01T00:00:00+00:00"


@pytest.mark.parametrize(
    ("content", "updated_at"),
    [
        ('[["1","MTS",["MTS"],{}],["","",[""],{}]]', NOW),
        ('[["1",null,["MTS"],{}]]', NOW),
        ('[["1","MTS",[7],{}]]', NOW),
        ('[["1"]]', NOW),
        ("[7]", NOW),
        ("7", NOW),
        ('[["1","MTS",["MTS"],7]]', NOW),
        ("{", NOW),
        ("[" * 100_000, NOW),
        ('[["1","MTS",["MTS"],{}]]', "yesterday"),
        ('[["1","MTS",["MTS"],{}]]', "2026-01-01T00:00:00"),
    ],
)
async def test_a_stored_list_that_is_of_no_use_is_fetched_anew(opened: Opening, content: str, updated_at: str) -> None:
    world = await opened()
    await world.crash()
    store(
        world.directory,
        "INSERT OR REPLACE INTO catalogs VALUES ('operators', ?, ?)",
        content.encode(),
        updated_at,
    )
    await world.start()
    await world.sleep(100_000)
    assert world.json("operators") == [{"id": "1", "name": "MCI"}, {"id": "2", "name": "Irancell"}]


async def test_a_stored_list_of_an_unknown_kind_is_none(opened: Opening) -> None:
    world = await opened()
    await world.crash()
    store(world.directory, "INSERT INTO catalogs VALUES ('continents', ?, ?)", b"[]", NOW)
    await world.start()
    await world.sleep(10)
    assert (await world.ask("query/countries"))["status"] == "ok"


@pytest.mark.parametrize("text", ["", "{", "null", "7", "[]", "{}", '""', '"x', '{"2": 1}', "[" * 100_000])
@pytest.mark.parametrize("key", ["default.country", "default.max_price", "watched"])
async def test_a_stored_value_that_is_of_no_use_is_dropped(opened: Opening, key: str, text: str) -> None:
    world = await opened(prices=WATCHED, defaults={"country": "3", "max_price": 5000})
    await world.crash()
    store(world.directory, "INSERT OR REPLACE INTO meta VALUES (?, ?)", key, text)
    await world.start()
    await world.sleep(10)
    assert world.retained.now["defaults/country"] == b"3"
    assert world.retained.now["defaults/max_price"] == b"5000"
    assert world.json("prices/2/1")["country"] == "2"


@pytest.mark.parametrize("ids", [["2"], ["2", "1"], ["2", 1, None], [None, "1", "1"], "2", {"country": "2"}], ids=str)
async def test_a_stored_meaning_that_is_of_no_use_is_looked_up_anew(opened: Opening, ids: Any) -> None:
    world = await opened(prices=WATCHED)
    await world.crash()
    store(world.directory, "UPDATE meta SET value = ? WHERE key = 'watched'", json.dumps({'["2", "1", null]': ids}))
    await world.start()
    await world.sleep(10)
    assert world.json("prices/2/1")["operator"] == "1"


@pytest.mark.parametrize("price", ['"NaN"', '"sNaN"', '"Infinity"', '"much"'])
async def test_a_stored_price_that_is_none_is_dropped(opened: Opening, price: str) -> None:
    world = await opened()
    await world.crash()
    store(world.directory, "INSERT INTO meta VALUES ('default.max_price', ?)", price)
    await world.start()
    assert world.retained.now["defaults/max_price"] == b""


async def test_prices_and_a_profile_of_no_use_end_nothing(opened: Opening) -> None:
    world = await opened(prices=WATCHED, refresh={"prices": 60, "profile": 60})
    world.provider.script("prices", PriceList("2", "1", (Price("1", NO_TEXT, 5),)))
    world.provider.script("profile", Profile(NO_TEXT))
    await world.sleep(70)
    assert problem(world) in ("malformed_answer", "None")
    await world.sleep(700)
    assert world.json("provider/state")["state"] == "online"
    assert world.json("prices/2/1")["prices"][0]["price"] == int(world.provider.price_of or 0)
    assert world.json("profile")["balance"] == int(world.provider.balance or 0)


async def test_an_sms_of_no_use_ends_no_watch(world: World) -> None:
    purchase = (await world.buy())["purchase"]
    world.provider.script("check", CheckReading(PurchaseState.RECEIVED, (sms(NO_TEXT),)))
    await world.sleep(10)
    world.provider.gets(purchase, sms())
    await world.sleep(60)
    assert [event["code"] for event in world.events("sms")] == ["48213"]


@pytest.mark.parametrize("part", ["account", "catalogs", "defaults", "prices"])
async def test_no_fault_in_what_is_renewed_ends_the_daemon(
    opened: Opening, part: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    world = await opened(prices=WATCHED, started=False)
    loads = world.on_loaded

    def spoil() -> None:
        loads()
        kept = getattr(world.bridge.market, part)
        run, faults = kept.run, iter([RuntimeError("tok-3f9a77 is not said")])

        async def running(*args: Any) -> None:
            for fault in faults:
                raise fault
            await run(*args)

        monkeypatch.setattr(kept, "run", running)

    world.on_loaded = spoil
    await world.start()
    await world.sleep(200)
    assert "RuntimeError" in caplog.text
    assert "tok-3f9a77" not in caplog.text
    assert {"countries", "operators", "applications", "prices/2/1", "profile"} <= set(world.retained.now)


async def test_a_journal_that_fails_does_end_it(opened: Opening, monkeypatch: pytest.MonkeyPatch) -> None:
    world = await opened(started=False)

    async def full(*_: Any) -> None:
        raise JournalError("the disk is full")

    def spoil() -> None:
        monkeypatch.setattr(world.journal, "put_catalog", full)

    world.on_loaded = spoil
    await world.start()
    with pytest.raises(JournalError):
        await world.sleep(1)
    world.faults.clear()


async def test_what_the_provider_says_is_still_what_it_says(world: World) -> None:
    await world.settle()  # the lists are asked for once at the start, and nobody is to join that
    world.provider.script("countries", ProviderFailedError(ErrorCode.PROVIDER_ERROR, "in repair"))
    assert (await world.ask("query/countries"))["error"]["code"] == "provider_error"


def test_a_name_that_shows_nothing_is_no_label() -> None:
    shown = labels((CatalogEntry("7", "\u200f"), CatalogEntry("8", "Russia")))
    assert shown == {"7": "\u200f (7)", "8": "Russia"}


def test_what_is_stored_is_of_its_kind_or_nothing() -> None:
    assert stored('{"a": 1}', dict, {}) == {"a": 1}
    assert stored('["a"]', dict, {}) == {}
    assert stored(None, str, "x") == "x"


assert PRODUCT["country"] == WATCHED[0]["country"]
