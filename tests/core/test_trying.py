"""Ids that may be another column's: tried before a purchase and in the background, and what a change takes along."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.core.market.moves import moves_between
from shomare_mqtt.core.market.trying import LONGEST, LOOK_AGAIN, OTHERS_FIRST
from shomare_mqtt.model import (
    Catalog,
    CatalogEntry,
    CatalogKind,
    IdColumn,
    IdDoubt,
    Price,
    PriceList,
    Priority,
    Product,
)
from tests.core.provider import INVALID_TOKEN, MALFORMED, UNREACHABLE, Late, entries
from tests.core.world import PRODUCT, World
from tests.small_disk import small_disk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.core.conftest import Opening

COUNTRIES, OPERATORS, APPLICATIONS = CatalogKind
BY_SLUG = (CatalogEntry("iran", "Iran"), CatalogEntry("russia", "Russia"), CatalogEntry("georgia", "Georgia"))
SHIFTED = (CatalogEntry("2", "Iran"), CatalogEntry("3", "Russia"), CatalogEntry("1", "Georgia"))
WITHOUT_RUSSIA = (BY_SLUG[0], BY_SLUG[2])
ASKED = Product("2", "1", "1", "Russia", "MCI", "Telegram")


def finding(world: World, found: tuple[CatalogEntry, ...], kind: CatalogKind = COUNTRIES) -> Callable[[Any], Any]:
    """What trying comes to: from then on the list has other ids."""

    def tried(_: object) -> frozenset[CatalogKind]:
        world.provider.catalogs[kind] = found
        world.provider.doubts = {}
        return frozenset({kind})

    return tried


async def doubting(opened: Opening, **settings: Any) -> World:
    world = await opened(started=False, **settings)
    world.provider.doubts = {COUNTRIES: IdDoubt.OPEN}
    await world.start()
    await world.settle()
    return world


def tries(world: World) -> list[Any]:
    return [asked for name, _, asked in world.provider.calls if name == "try_ids"]


def bought(world: World) -> list[tuple[str, str, str]]:
    return [(p.country, p.operator, p.application) for name, _, p in world.provider.calls if name == "buy"]


# --- before a purchase ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("country", ["2", 2, "Russia"])
@pytest.mark.parametrize(("found", "own"), [(BY_SLUG, "russia"), (SHIFTED, "3")], ids=["slugs", "another's before"])
async def test_a_purchase_goes_out_with_the_ids_that_were_found(
    opened: Opening, found: tuple[CatalogEntry, ...], own: str, country: Any
) -> None:
    world = await doubting(opened)
    world.provider.script("try_ids", finding(world, found))
    order = await world.buy(country=country)
    assert tries(world) == [(ASKED, Priority.MONEY)]
    assert bought(world) == [(own, "1", "1")]
    assert (order["country"], order["country_name"]) == (own, "Russia")
    assert [entry["id"] for entry in world.json("countries")] == [entry.id for entry in found]
    await world.buy(country="Russia")
    assert len(tries(world)) == 1


async def test_an_entry_that_is_not_there_any_more_is_not_bought(opened: Opening) -> None:
    world = await doubting(opened)
    world.provider.script("try_ids", finding(world, WITHOUT_RUSSIA))
    assert await world.error("buy", PRODUCT) == "unknown_name"
    assert bought(world) == []


@pytest.mark.parametrize("doubt", [IdDoubt.SETTLED, IdDoubt.UNTOLD])
async def test_nothing_is_tried_where_nothing_is_to_be_found_out(opened: Opening, doubt: IdDoubt) -> None:
    world = await doubting(opened)
    world.provider.doubts = {COUNTRIES: doubt}
    await world.buy()
    await world.sleep(2 * LOOK_AGAIN)
    assert tries(world) == []


@pytest.mark.parametrize("failure", [UNREACHABLE, KeyError("a fault"), frozenset()], ids=["away", "a fault", "nothing"])
async def test_a_failure_to_find_out_decides_nothing(opened: Opening, failure: Any) -> None:
    world = await doubting(opened)
    world.provider.script("try_ids", failure)
    await world.buy()
    assert bought(world) == [("2", "1", "1")]


@pytest.mark.parametrize("again", [UNREACHABLE, Late(90.0, UNREACHABLE)], ids=["away", "slow"])
async def test_nothing_is_bought_by_ids_that_are_known_to_be_others(opened: Opening, again: Any) -> None:
    """The list could not be read again: what it has for Russia's id may be another country's."""
    world = await doubting(opened)

    def tried(_: object) -> frozenset[CatalogKind]:
        world.provider.catalogs[COUNTRIES] = SHIFTED
        world.provider.doubts[COUNTRIES] = IdDoubt.WRONG
        return frozenset({COUNTRIES})

    def read(_: object) -> None:
        world.provider.doubts = {}

    world.provider.always["try_ids"] = tried
    world.provider.always["countries"] = again
    assert await world.error("buy", PRODUCT) == "busy"
    assert bought(world) == []
    world.provider.always["countries"] = read
    await world.sleep(120)
    await world.buy(country="Russia")
    assert bought(world) == [("3", "1", "1")]


async def test_a_purchase_does_not_wait_for_ever(opened: Opening, caplog: pytest.LogCaptureFixture) -> None:
    world = await doubting(opened)
    world.provider.script("try_ids", Late(None))
    began = world.clock.monotonic()
    await world.buy()
    assert LONGEST <= world.clock.monotonic() - began < LONGEST + 1
    assert bought(world) == [("2", "1", "1")]
    assert "was not found out in time" in caplog.text


async def test_a_purchase_that_expires_is_left_half_of_its_time(opened: Opening) -> None:
    world = await doubting(opened)
    world.provider.script("try_ids", Late(None))
    began = world.clock.monotonic()
    command = world.send("buy", PRODUCT, expiry=20.0)
    assert (await world.answer(command))["status"] == "ok"
    assert 10 <= world.clock.monotonic() - began < 11
    assert bought(world) == [("2", "1", "1")]


async def test_a_purchase_whose_time_is_over_meanwhile_is_not_made(opened: Opening) -> None:
    world = await opened()
    await world.settle()
    await world.sleep(3600)
    world.provider.script("countries", Late(30.0))
    world.provider.catalogs[COUNTRIES] = entries("Iran", "Russia", "Georgia", "Armenia")
    command = world.send("buy", {**PRODUCT, "country": "Armenia"}, expiry=20.0)
    assert (await world.answer(command))["error"]["code"] == "expired_command"
    assert bought(world) == []


async def test_lists_of_which_nothing_is_known_are_read_first_and_once(opened: Opening) -> None:
    world = await opened()
    await world.settle()
    await world.restart()
    world.provider.calls.clear()
    world.provider.doubts = dict.fromkeys(CatalogKind, IdDoubt.UNREAD)

    def read(_: object) -> None:
        world.provider.doubts.pop(COUNTRIES)

    def is_read(_: object) -> None:
        world.provider.doubts[OPERATORS] = IdDoubt.OPEN

    world.provider.script("countries", read)
    world.provider.script("operators", is_read)
    world.provider.script("applications", MALFORMED)
    await world.buy()
    calls = [name for name, _, _ in world.provider.calls if name != "profile"]
    assert calls == ["countries", "operators", "applications", "try_ids", "buy"]


async def test_a_list_that_changes_its_ids_after_the_purchase_was_prepared_stops_it(opened: Opening) -> None:
    world = await opened()
    await world.settle()
    world.provider.queue = 5.0
    command = world.send("buy", PRODUCT)
    await world.sleep(1)
    world.provider.catalogs[COUNTRIES] = SHIFTED
    await world.data("query/countries")
    answer = await world.answer(command)
    assert (answer["error"]["code"], answer["error"]["retryable"]) == ("unknown_name", False)
    assert bought(world) == []
    assert world.moves(answer["data"]["order"] if "data" in answer else world.events("order")[0]["order"]["order"])[
        -1
    ] == ("failed")


async def test_a_list_that_changes_its_ids_while_names_are_looked_up_is_looked_at_again(opened: Opening) -> None:
    world = await opened()
    await world.sleep(3600)

    def renumbered(_: object) -> None:
        world.provider.catalogs[COUNTRIES] = (*SHIFTED, CatalogEntry("9", "Armenia"))

    world.provider.script("countries", renumbered)
    await world.buy(country="Armenia")
    assert bought(world) == [("9", "1", "1")]


@pytest.mark.parametrize("country", ["2", 2, "۲"])
async def test_an_id_means_what_it_meant_when_the_command_came(opened: Opening, country: Any) -> None:
    """Its sender knows the list of then, however long a name beside it takes to be found."""
    world = await opened()
    await world.sleep(3600)
    world.provider.script("operators", Late(5.0, Catalog(OPERATORS, entries("MCI", "Irancell", "Rightel"))))
    command = world.send("buy", {**PRODUCT, "country": country, "operator": "Rightel"})
    await world.sleep(1)
    world.provider.catalogs[COUNTRIES] = SHIFTED
    await world.data("query/countries")
    assert (await world.answer(command))["data"]["country_name"] == "Russia"
    assert bought(world) == [("3", "3", "1")]


async def test_nor_after_the_command_waited_for_its_turn(opened: Opening) -> None:
    world = await opened()
    await world.sleep(3600)
    world.provider.script("operators", Late(5.0, Catalog(OPERATORS, entries("MCI", "Irancell", "Rightel"))))
    world.send("defaults/operator/set", "Rightel")
    command = world.send("buy", PRODUCT)
    await world.sleep(1)
    world.provider.catalogs[COUNTRIES] = SHIFTED
    await world.data("query/countries")
    await world.answer(command)
    assert bought(world) == [("3", "1", "1")]


async def test_one_that_waited_for_two_changes_is_refused(opened: Opening) -> None:
    world = await opened()
    await world.sleep(3600)
    world.provider.script("operators", Late(5.0))
    world.send("defaults/operator/set", "Nobody")
    command = world.send("buy", PRODUCT)
    await world.sleep(1)
    for found in (SHIFTED, BY_SLUG):
        world.provider.catalogs[COUNTRIES] = found
        await world.data("query/countries")
    assert (await world.answer(command))["error"]["code"] == "unknown_name"
    assert bought(world) == []


async def test_where_the_ids_of_a_list_stood_is_kept_with_it(opened: Opening) -> None:
    """A crash may come after another column was found to be the id, and before the list was read with it."""
    world = await opened(started=False)
    column = IdColumn("data[*].code", ("1", "2"))
    world.provider.script("countries", None, Catalog(COUNTRIES, entries("Iran", "Russia"), ids=(column,)))
    await world.start()
    await world.settle()
    assert set(world.provider.kept_lists.items()) == {(kind, None) for kind in CatalogKind}
    await world.data("query/countries")
    await world.restart(crash=True)
    assert world.provider.kept_lists == {COUNTRIES: "data[*].code", OPERATORS: None, APPLICATIONS: None}
    world.provider.script("countries", Catalog(COUNTRIES, entries("Iran", "Russia")))
    await world.data("query/countries")
    await world.restart()
    assert world.provider.kept_lists[COUNTRIES] is None


async def test_an_id_of_before_two_changes_means_nothing(opened: Opening) -> None:
    world = await opened()
    await world.settle()
    catalogs = world.bridge.market.catalogs
    assert catalogs.as_of_now(COUNTRIES, "2", 0) == "2"
    for found in (BY_SLUG, SHIFTED):
        world.provider.catalogs[COUNTRIES] = found
        await world.data("query/countries")
    assert catalogs.edition == 2
    assert [catalogs.as_of_now(COUNTRIES, "russia", edition) for edition in (0, 1, 2)] == [None, "3", "russia"]
    assert catalogs.as_of_now(COUNTRIES, "any", 1) == "any"


# --- in the background ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "product"),
    [
        ({}, None),
        ({"defaults": PRODUCT}, Product("2", "1", "1")),
        ({"prices": [{**PRODUCT, "application": "3"}]}, Product("2", "1", "3")),
        ({"prices": [{"country": "2", "operator": "1"}]}, None),
    ],
    ids=["nothing set", "defaults", "a watched price", "a watched list"],
)
async def test_ids_in_doubt_are_tried_once_the_lists_came(
    opened: Opening, settings: dict[str, Any], product: Product | None
) -> None:
    world = await doubting(opened, **settings)
    await world.sleep(OTHERS_FIRST / 2)
    assert tries(world) == []
    world.provider.script("try_ids", finding(world, BY_SLUG))
    await world.sleep(OTHERS_FIRST)
    assert tries(world) == [(product, Priority.POLL)]
    assert [entry["id"] for entry in world.json("countries")] == ["iran", "russia", "georgia"]
    await world.sleep(2 * LOOK_AGAIN)
    assert len(tries(world)) == 1


async def test_nothing_is_tried_while_the_token_is_refused(opened: Opening) -> None:
    world = await opened(started=False)
    world.provider.always["profile"] = INVALID_TOKEN
    world.provider.doubts = {COUNTRIES: IdDoubt.OPEN}
    await world.start()
    await world.sleep(OTHERS_FIRST + 1)
    assert tries(world) == []


@pytest.mark.parametrize("way_out", ["prices/2/1", "price/2/1/1", "countries"])
async def test_a_doubt_is_said_until_it_is_over(opened: Opening, way_out: str) -> None:
    world = await opened(started=False)
    columns = (
        IdColumn("id", ("1", "2")),
        IdColumn('"@key"', ("ir", "ru")),
        IdColumn("slug", ("iran", "russia")),
        IdColumn("name", ("Iran", "Russia"), likely=False),
    )
    world.provider.doubts = {COUNTRIES: IdDoubt.OPEN}
    world.provider.always["countries"] = Catalog(COUNTRIES, entries("Iran", "Russia"), ids=columns)
    await world.start()
    await world.settle()
    doubt = "allcountries: id is doubtful: id or its key or slug"
    assert world.json("provider/state")["fields"] == [doubt]
    world.provider.doubts = {COUNTRIES: IdDoubt.UNTOLD}
    await world.data("query/prices/2/1")
    assert world.json("provider/state")["fields"] == [doubt]
    world.provider.doubts = {}
    await world.data(f"query/{way_out}")
    assert world.json("provider/state")["fields"] == []


# --- what is stored by id -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("crash", [False, True])
@pytest.mark.parametrize(("found", "own"), [(BY_SLUG, "russia"), (SHIFTED, "3")], ids=["slugs", "another's before"])
async def test_a_default_means_the_same_entry_by_its_new_id(
    opened: Opening, found: tuple[CatalogEntry, ...], own: str, *, crash: bool
) -> None:
    world = await opened()
    for field, value in PRODUCT.items():
        await world.data(f"defaults/{field}/set", value)
    world.provider.catalogs[COUNTRIES] = found
    await world.data("query/countries")
    await world.settle()
    assert (world.text("defaults/country"), world.text("defaults/country/name")) == (own, "Russia")
    await world.restart(crash=crash)
    await world.settle()
    assert (world.text("defaults/country"), world.text("defaults/country/name")) == (own, "Russia")
    assert (await world.data("buy", {}))["country"] == own


@pytest.mark.parametrize("text", ["2", "Russia"])
async def test_a_default_that_is_just_being_set_means_the_same(opened: Opening, text: str) -> None:
    """The list changes its ids after the text was looked up, and before that is in the journal."""
    world = await opened()
    await world.settle()
    real = world.journal.put_meta

    async def put(values: dict[str, str | None]) -> None:
        world.journal.put_meta = real  # type: ignore[method-assign]
        await real(values)
        world.provider.catalogs[COUNTRIES] = SHIFTED
        await world.bridge.market.catalogs.read(COUNTRIES)

    world.journal.put_meta = put  # type: ignore[method-assign, assignment]
    assert await world.data("defaults/country/set", text) == {"country": "3"}
    await world.restart(crash=True)
    assert (await world.data("buy", {"operator": "1", "application": "1"}))["country_name"] == "Russia"


async def test_a_default_that_waits_for_the_list_means_what_it_meant(opened: Opening) -> None:
    world = await opened()
    await world.sleep(3600)

    def renumbered(_: object) -> None:
        world.provider.catalogs[COUNTRIES] = (*SHIFTED, CatalogEntry("9", "Armenia"))

    world.provider.script("countries", renumbered)
    assert await world.data("defaults/country/set", "Armenia") == {"country": "9"}


async def test_a_default_whose_entry_is_gone_with_its_id_is_emptied_and_said(opened: Opening) -> None:
    world = await opened(defaults={"country": "Russia"})
    await world.data("defaults/country/set", "2")
    world.provider.catalogs[COUNTRIES] = (CatalogEntry("2", "Iran"), CatalogEntry("4", "Georgia"))
    await world.data("query/countries")
    await world.settle()
    assert world.text("defaults/country") == ""
    assert any("defaults/country is empty now" in e["message"] for e in world.bridge_events("name_unknown"))
    await world.restart()
    assert world.text("defaults/country") == ""


async def test_the_files_own_words_are_looked_up_again(opened: Opening) -> None:
    world = await opened(defaults={"country": "russia"})
    await world.settle()
    assert world.text("defaults/country") == "2"
    world.provider.catalogs[COUNTRIES] = SHIFTED
    await world.data("query/countries")
    await world.settle()
    assert world.text("defaults/country") == "3"


async def test_watched_prices_mean_the_same_place_by_its_new_ids(opened: Opening) -> None:
    world = await opened(prices=[{"country": "Russia", "operator": "MCI"}, {**PRODUCT, "country": "Iran"}])
    await world.settle()
    assert {"prices/2/1", "prices/1/1"} <= world.retained.now.keys()
    world.provider.catalogs[COUNTRIES] = SHIFTED
    await world.data("query/countries")
    assert json.loads((await world.journal.meta())["watched"]) == {
        '["Russia", "MCI", null]': ["3", "1", None],
        '["Iran", "1", "1"]': ["2", "1", "1"],
    }
    await world.settle()
    assert world.json("prices/3/1")["country"] == "3"
    assert world.json("prices/2/1")["country"] == "2"
    assert world.text("prices/1/1") == ""
    await world.restart()
    assert world.bridge.market.prices.watched == {0: ("3", "1", None), 1: ("2", "1", "1")}


@pytest.mark.parametrize(
    ("kind", "found"),
    [(COUNTRIES, WITHOUT_RUSSIA), (APPLICATIONS, (CatalogEntry("wa", "WhatsApp"), CatalogEntry("sn", "Snapp")))],
    ids=str,
)
async def test_a_watched_price_whose_entry_is_gone_with_its_id_is_left_out(
    opened: Opening, kind: CatalogKind, found: tuple[CatalogEntry, ...]
) -> None:
    world = await opened(prices=[PRODUCT])
    await world.settle()
    world.provider.catalogs[kind] = found
    await world.data(f"query/{kind.value}")
    await world.settle()
    assert world.text("prices/2/1") == ""
    assert world.bridge.market.prices.watched == {}
    assert any("prices[0] is left out" in e["message"] for e in world.bridge_events("name_unknown"))


async def test_prices_that_were_asked_for_with_ids_of_before_are_not_kept(opened: Opening) -> None:
    world = await opened()
    await world.settle()
    found = (Price("1", None, 1),)
    world.provider.script("prices", Late(5.0, PriceList("2", "1", found)))
    world.provider.script("price", Late(5.0, found[0]))
    commands = [world.send("query/prices/2/1"), world.send("query/price/2/1/1")]
    await world.sleep(1)
    world.provider.catalogs[COUNTRIES] = SHIFTED
    await world.data("query/countries")
    assert [(await world.answer(command))["status"] for command in commands] == ["ok", "ok"]
    assert world.bridge.market.prices.last(ASKED) is None


async def test_what_changes_with_a_list_waits_with_it_for_room_on_the_disk(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        world = await World(disk.path / "state").start()
        await world.data("defaults/country/set", "2")
        disk.fill()
        long = tuple(CatalogEntry(str(n), f"{n} {'x' * 1000}") for n in range(100, 3100))
        world.provider.catalogs[COUNTRIES] = (*BY_SLUG, *long)
        await world.bridge.market.catalogs.read(COUNTRIES)
        assert world.bridge.market.defaults.get("country") == "russia"
        assert (await world.journal.meta())["default.country"] == '"2"'
        disk.make_room()
        world.provider.catalogs[OPERATORS] = entries("MCI", "Irancell", "Rightel")
        await world.bridge.market.catalogs.read(OPERATORS)
        assert (await world.journal.meta())["default.country"] == '"2"', "the list itself is not kept yet"
        await world.bridge.market.catalogs.read(COUNTRIES)
        assert (await world.journal.meta())["default.country"] == '"russia"'
        await world.crash()
        world.check()


# --- which entry is which -------------------------------------------------------------------------------------------


def catalog(*rows: CatalogEntry, columns: tuple[IdColumn, ...] = ()) -> Catalog:
    return Catalog(COUNTRIES, rows, ids=columns)


def entry(own: str, *names: str, **extra: Any) -> CatalogEntry:
    return CatalogEntry(own, names[0], names, extra)


IRAN, RUSSIA = entry("98", "Iran", "ایران"), entry("7", "Russia", "روسیه")


@pytest.mark.parametrize(
    ("new", "moves"),
    [
        ((IRAN, RUSSIA), None),
        ((IRAN, RUSSIA, entry("1", "USA")), None),
        ((IRAN,), None),
        ((entry("98", "Islamic Republic"), entry("7", "Russian Federation")), None),
        ((IRAN, entry("8", "Russia")), None),
        ((), None),
        ((entry("IR", "Iran"), entry("RU", "روسيه")), {"98": "IR", "7": "RU"}),
        ((entry("7", "Iran"), entry("98", "Russia")), {"98": "7", "7": "98"}),
        ((entry("IR", "Iran"),), {"98": "IR", "7": None}),
    ],
)
def test_ids_move_where_most_entries_have_another_one(
    new: tuple[CatalogEntry, ...], moves: dict[str, str | None] | None
) -> None:
    assert moves_between(catalog(IRAN, RUSSIA), catalog(*new)) == moves


MANY = tuple(entry(str(n), f"Country {n}") for n in range(10, 20))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (catalog(*MANY, IRAN, RUSSIA), catalog(*MANY, entry("7", "Iran"), entry("98", "Russia"))),
        (catalog(*MANY, IRAN, RUSSIA), catalog(*MANY, entry("7", "Iran"), entry("8", "Russia"))),
        (
            catalog(*MANY, IRAN, columns=(IdColumn("id", ()), IdColumn("code", ()))),
            catalog(*MANY, entry("7", "Iran"), columns=(IdColumn("code", ()), IdColumn("id", ()))),
        ),
    ],
    ids=["exchanged", "one passed on", "another column"],
)
def test_few_that_move_take_their_ids_along_where_these_mean_others_now(old: Catalog, new: Catalog) -> None:
    moves = moves_between(old, new)
    assert moves is not None
    assert (moves["98"], moves["10"]) == ("7", "10")


def test_a_name_that_is_given_on_moves_no_id() -> None:
    """An entry is called otherwise, and its old name is a new one's: who set its id meant the entry."""
    new = catalog(*MANY, entry("98", "Old Iran"), entry("99", "Iran"))
    assert moves_between(catalog(*MANY, IRAN), new) is None


def test_of_several_entries_of_one_name_the_old_id_tells_which_it_is() -> None:
    old = catalog(entry("1", "Guinea"), entry("2", "Guinea"), entry("3", "Iran"), entry("4", "Congo"), entry("5", ""))
    column = IdColumn("number", (None, None, None, "4", "40", None))
    new = catalog(
        entry("GN", "Guinea", number=1),
        entry("GW", "Guinea", number=2),
        entry("IR", "Iran"),
        entry("CG", "Congo"),
        entry("CD", "Congo"),
        entry("XX", ""),
        columns=(column,),
    )
    assert moves_between(old, new) == {"1": "GN", "2": "GW", "3": "IR", "4": "CG", "5": None}
