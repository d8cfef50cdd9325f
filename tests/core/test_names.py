"""Lists, names and what a command that leaves fields out takes (contract, Commands, 'Ids and names')."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.core.market.labels import labels
from shomare_mqtt.model import Catalog, CatalogEntry, CatalogKind, Price, PriceList, Product
from tests.core.provider import FAILED, NO_NUMBERS, NOT_FOUND, UNREACHABLE, Late, entries
from tests.core.world import PRODUCT

if TYPE_CHECKING:
    from tests.core.conftest import Opening
    from tests.core.world import World

COUNTRIES = (
    CatalogEntry("1", "Iran", ("Iran", "ایران")),
    CatalogEntry("2", "Russia", ("Russia", "روسیه")),
    CatalogEntry("10", "Guinea"),
    CatalogEntry("11", "Guinea"),
    CatalogEntry("98", "7"),
    CatalogEntry("99", ""),
)


async def with_countries(opened: Opening, **settings: Any) -> World:
    world = await opened(started=False, **settings)
    world.provider.catalogs[CatalogKind.COUNTRIES] = COUNTRIES
    await world.start()
    await world.settle()
    return world


@pytest.mark.parametrize(
    ("text", "country"),
    [
        ("2", "2"),
        (2, "2"),
        ("۲", "2"),
        ("russia", "2"),
        ("RUSSIA ", "2"),
        ("روسيه", "2"),
        ("اي\u200cران", "1"),
        ("Guinea (11)", "11"),
        ("guinea (10)", "10"),
        ("Iran (1)", "1"),
        ("7", "98"),
        ("99", "99"),
    ],
)
async def test_what_a_text_means(opened: Opening, text: Any, country: str) -> None:
    world = await with_countries(opened)
    assert (await world.buy(country=text))["country"] == country


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("Rusia", "unknown_name", "Russia (2)"),
        ("zzzz", "unknown_name", "holds no 'zzzz'"),
        (7, "unknown_name", "holds no '7'"),
        ("0", "unknown_name", "holds no '0'"),
        ("any", "unknown_name", "holds no 'any'"),
        ("guinea", "ambiguous_name", "Guinea (10), Guinea (11)"),
    ],
)
async def test_what_a_text_does_not_mean(opened: Opening, text: Any, code: str, said: str) -> None:
    world = await with_countries(opened)
    answer = await world.ask("buy", {**PRODUCT, "country": text})
    assert answer["error"]["code"] == code
    assert said in answer["error"]["message"]
    assert world.provider.count("buy") == 0


async def test_a_stale_list_is_read_again_because_of_a_name(world: World) -> None:
    await world.sleep(1)
    read = world.provider.count("countries")
    world.provider.catalogs[CatalogKind.COUNTRIES] = entries("Iran", "Russia", "Georgia", "Mali")
    assert await world.error("buy", {**PRODUCT, "country": "Mali"}) == "unknown_name"
    assert world.provider.count("countries") == read, "it was read a moment ago"
    await world.sleep(61)
    assert (await world.buy(country="Mali"))["country"] == "4"
    assert len(world.json("countries")) == 4
    await world.sleep(61)
    world.provider.always["countries"] = UNREACHABLE
    assert await world.error("buy", {**PRODUCT, "country": "Peru"}) == "unknown_name"


async def test_while_a_list_cannot_be_read_ids_are_passed_on(opened: Opening) -> None:
    world = await opened(started=False)
    for kind in CatalogKind:
        world.provider.always[kind.value] = UNREACHABLE
    await world.start()
    order = await world.buy(country="۷", operator="any", application=12)
    assert (order["country"], order["operator"], order["application"]) == ("7", "any", "12")
    assert order["country_name"] is None
    assert await world.error("buy", {**PRODUCT, "country": "Russia"}) == "provider_unreachable"


async def test_a_list_that_holds_nothing_judges_no_id(opened: Opening) -> None:
    world = await opened(started=False)
    world.provider.catalogs[CatalogKind.OPERATORS] = ()
    await world.start()
    for operator in ("any", 7, "۷"):
        assert (await world.buy(operator=operator))["operator"] == ("any" if operator == "any" else "7")
    assert await world.error("buy", {**PRODUCT, "operator": "MCI"}) == "unknown_name"


async def test_lists_are_there_at_start_without_the_provider(world: World) -> None:
    await world.sleep(1)
    assert world.json("countries")[0] == {"id": "1", "name": "Iran"}
    await world.restart()
    assert world.json("applications")[1] == {"id": "2", "name": "WhatsApp"}
    await world.sleep(10)
    assert world.provider.count("countries") == 1, "they are good until their time"
    await world.sleep(86400)
    assert world.provider.count("countries") == 2


async def test_a_list_from_the_future_is_read_at_once(world: World) -> None:
    await world.sleep(1)
    await world.crash()
    world.clock.jump(days=-100)
    await world.start()
    await world.sleep(1)
    assert world.provider.count("countries") == 2


async def test_failing_lists_are_asked_for_ever_more_seldom(opened: Opening) -> None:
    world = await opened(started=False)
    world.provider.always["operators"] = FAILED
    await world.start()
    await world.sleep(1300)
    assert world.provider.times("operators") == pytest.approx([0, 5, 15, 35, 75, 155, 315, 615, 915, 1215])


async def test_extra_fields_of_a_list_are_published(world: World) -> None:
    await world.settle()  # the lists are asked for once at the start, and nobody is to join that
    extra = CatalogEntry("1", "Iran", (), {"flag": "ir", "id": 99})
    world.provider.script("countries", Catalog(CatalogKind.COUNTRIES, (extra,)))
    assert await world.data("query/countries") == [{"id": "1", "name": "Iran", "flag": "ir"}]
    assert world.json("countries") == [{"id": "1", "name": "Iran", "flag": "ir"}]


async def test_lists_that_are_asked_for_at_once_are_fetched_once(world: World) -> None:
    await world.sleep(1)
    before = world.provider.count("countries")
    world.provider.always["countries"] = Late(2.0)
    commands = [world.send("query/countries") for _ in range(5)]
    assert {(await world.answer(c))["status"] for c in commands} == {"ok"}
    assert world.provider.count("countries") == before + 1


# --- defaults -------------------------------------------------------------------------------------------------------


async def test_what_a_buy_leaves_out(opened: Opening) -> None:
    world = await opened(defaults={"country": "Russia", "operator": 1, "application": "telegram", "max_price": 9000})
    await world.settle()
    assert [world.text(f"defaults/{f}") for f in ("country", "operator", "application", "max_price")] == [
        "2",
        "1",
        "1",
        "9000",
    ]
    assert world.text("defaults/country/name") == "Russia"
    order = await world.data("buy", {})
    assert (order["country"], order["operator"], order["application"]) == ("2", "1", "1")
    assert (await world.data("buy", {"application": "Snapp"}))["application"] == "3"


async def test_no_default(world: World) -> None:
    answer = await world.ask("buy", {"country": "2"})
    assert (answer["error"]["code"], "operator" in answer["error"]["message"]) == ("invalid_command", True)
    assert world.text("defaults/country") == ""
    assert world.text("defaults/country/name") == ""
    assert world.text("quote") == ""


async def test_set_over_mqtt_outlives_restarts_and_outranks_the_file(opened: Opening) -> None:
    world = await opened(defaults={"country": "Iran", "max_price": 100})
    assert await world.data("defaults/country/set", "Russia") == {"country": "2"}
    assert await world.data("defaults/max_price/set", "2500.50") == {"max_price": 2500.5}
    assert (world.text("defaults/country"), world.text("defaults/max_price")) == ("2", "2500.5")
    await world.restart(defaults={"country": "Georgia"})
    assert (world.text("defaults/country"), world.text("defaults/country/name")) == ("2", "Russia")
    assert await world.data("defaults/country/set", "") == {"country": "3"}
    assert await world.data("defaults/max_price/set", "0") == {"max_price": 100}
    assert await world.error("defaults/country/set", "Atlantis") == "unknown_name"
    assert await world.data("defaults/operator/set", "") == {"operator": None}


@pytest.mark.parametrize(
    "name",
    [
        "\u200fروسیه\u200f (ویژه)",
        "\u2067فارسی\u2069 Latin",
        "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f England",
        "x" * 300,
    ],
    ids=["direction marks", "isolates", "flag", "long"],
)
async def test_every_label_that_a_select_offers_can_be_set(opened: Opening, name: str) -> None:
    """Marks of direction and the letters of a flag are no printable characters, and are part of names all the same."""
    world = await opened(started=False)
    world.provider.catalogs[CatalogKind.COUNTRIES] = (CatalogEntry("7", name), CatalogEntry("8", "Russia"))
    await world.start()
    await world.settle()
    await world.data("defaults/country/set", "7")
    label = world.text("defaults/country/name")
    await world.data("defaults/country/set", "Russia")
    assert await world.data("defaults/country/set", label) == {"country": "7"}
    assert (await world.buy(country=label))["country"] == "7"


async def test_a_buy_after_a_default_takes_it(world: World) -> None:
    await world.data("defaults/operator/set", "1")
    await world.data("defaults/application/set", "1")
    world.provider.script("countries", None)
    world.send("defaults/country/set", "Georgia")
    assert (await world.data("buy", {}))["country"] == "3"


async def test_a_list_is_the_same_after_a_restart(opened: Opening) -> None:
    """What the provider says beside the names as well, numbers with a point included: they were texts then."""
    world = await opened(started=False)
    rated = CatalogEntry("1", "Iran", ("Iran",), {"rate": Decimal("98.5"), "active": True, "prefixes": ["98", 9]})
    world.provider.catalogs[CatalogKind.COUNTRIES] = (rated,)
    await world.start()
    await world.settle()
    before = world.retained.now["countries"]
    assert b'"rate":98.5' in before
    await world.restart()
    assert world.retained.now["countries"] == before
    assert world.bridge.market.catalogs.entries(CatalogKind.COUNTRIES) == (rated,)


async def test_a_query_after_a_default_takes_it(world: World) -> None:
    await world.data("defaults/operator/set", "1")
    await world.sleep(61)
    world.provider.catalogs[CatalogKind.COUNTRIES] = entries("Iran", "Russia", "Georgia", "Mali")
    world.provider.script("countries", Late(5.0))
    world.send("defaults/country/set", "Mali")
    assert (await world.data("query/prices", {}))["country"] == "4"


async def test_names_in_the_file_that_the_lists_do_not_hold(opened: Opening, caplog: pytest.LogCaptureFixture) -> None:
    """They are said once, in the log too, and left out; the rest goes on."""
    world = await opened(
        defaults={"country": "Atlantis", "operator": "MCI", "application": "Telegram"},
        prices=[{"country": "Atlantis", "operator": "MCI"}, {"country": "Iran", "operator": "1", "application": "2"}],
        refresh={"prices": 100, "catalog": 100},
    )
    await world.sleep(1000)
    said = [e["message"] for e in world.bridge_events("name_unknown")]
    assert len(said) == 2
    assert {m.split(" is left out")[0] for m in said} == {"defaults.country", "prices[0]"}
    assert sorted(r.getMessage() for r in caplog.records if r.levelname == "WARNING") == sorted(said)
    assert (world.text("defaults/country"), world.text("defaults/operator")) == ("", "1")
    assert [t for t in world.retained.now if t.startswith("prices/")] == ["prices/1/1"]
    assert world.bridge.market.prices.settled == {0, 1}
    assert world.bridge.market.prices.watched == {1: ("1", "1", "2")}


async def test_a_command_that_lacks_what_a_wrong_name_in_the_file_was_to_give(opened: Opening) -> None:
    world = await opened(defaults={"country": "Gorgia", "operator": "MCI"})
    world.provider.always["countries"] = UNREACHABLE
    before = await world.ask("buy", {"application": 1})
    assert before["error"]["message"] == (
        'country: is missing, and defaults.country = "Gorgia" in the settings is of no use: the provider\'s list of '
        "countries could not be read yet"
    )
    del world.provider.always["countries"]
    await world.sleep(400)
    for topic in ("buy", "query/price"):
        error = (await world.ask(topic, {"application": 1}))["error"]
        assert error["code"] == "invalid_command"
        assert error["message"] == (
            'country: is missing, and defaults.country = "Gorgia" in the settings is of no use: the provider\'s list '
            "holds no 'Gorgia'; the nearest are Georgia (3), Russia (2)"
        )
    error = (await world.ask("buy", {"country": 1}))["error"]
    assert error["message"] == "application: is missing, and there is no default"
    await world.data("defaults/country/set", "Georgia")
    assert (await world.data("buy", {"application": 1}))["country"] == "3"


async def test_an_id_in_the_file_that_the_list_does_not_hold(opened: Opening) -> None:
    world = await opened(defaults={"country": "77", "operator": "any"})
    assert world.text("defaults/country") == "77", "good before the list is there"
    await world.sleep(1)
    assert (world.text("defaults/country"), world.text("defaults/operator")) == ("", "")


async def test_names_in_the_file_wait_for_the_lists(opened: Opening) -> None:
    world = await opened(started=False, defaults={"country": "Russia"}, prices=[{"country": "Iran", "operator": "MCI"}])
    world.provider.always["countries"] = UNREACHABLE
    await world.start()
    await world.sleep(30)
    assert world.text("defaults/country") == ""
    del world.provider.always["countries"]
    await world.sleep(60)
    assert world.text("defaults/country") == "2"
    assert world.json("prices/1/1")["prices"][0] == {
        "application": "1",
        "application_name": "Telegram",
        "price": 2200,
        "count": 5,
    }
    await world.restart()
    assert world.text("defaults/country") == "", "a name waits for its list to be looked up"
    await world.settle()
    assert world.text("defaults/country") == "2"


# --- the quote ------------------------------------------------------------------------------------------------------


async def test_the_quote_follows_the_defaults(opened: Opening) -> None:
    world = await opened(defaults=PRODUCT, refresh={"prices": 600})
    await world.sleep(1)
    quote = world.json("quote")
    assert (quote["country"], quote["application"], quote["price"], quote["count"]) == ("2", "1", 2200, 5)
    await world.data("defaults/application/set", "WhatsApp")
    await world.settle()
    assert world.json("quote")["application"] == "2"
    asked = world.provider.count("price")
    await world.sleep(1801)
    assert world.provider.count("price") == asked + 3
    await world.restart(defaults={"country": ""})
    await world.data("defaults/application/set", "")
    await world.settle()
    assert world.text("quote") == ""


async def test_a_purchase_does_not_wait_for_the_turn_of_the_quote(opened: Opening) -> None:
    world = await opened(defaults=PRODUCT, started=False)
    world.provider.script("price", Late(30.0))
    await world.start()
    await world.until(lambda: world.provider.count("price") == 1)
    await world.buy(max_price=2200)
    assert world.provider.times("buy")[0] < 30.0


async def test_a_query_renews_the_quote(opened: Opening) -> None:
    world = await opened(defaults=PRODUCT)
    await world.sleep(60)
    assert await world.data("query/price", {**PRODUCT, "application": "2"}) != world.json("quote")
    quote = world.json("quote")
    assert (quote["application"], quote["updated_at"]) == ("1", "2026-03-01T12:00:00.000Z"), "another product's price"
    asked = await world.data("query/price")
    assert asked["updated_at"] == "2026-03-01T12:01:00.000Z"
    assert world.json("quote") == asked


@pytest.mark.parametrize(
    ("error", "again"), [(NO_NUMBERS, 600), (NOT_FOUND, 600), (UNREACHABLE, 5)], ids=["none left", "no such", "away"]
)
async def test_a_quote_that_there_is_not(opened: Opening, error: Exception, again: float) -> None:
    world = await opened(defaults=PRODUCT, refresh={"prices": 600})
    await world.sleep(1)
    before = world.provider.count("price")
    world.provider.script("price", error)
    await world.restart()  # with all lists from the start: each that comes is a reason to ask for the price again
    await world.sleep(1)
    assert world.text("quote") == ""
    await world.sleep(again - 2)
    assert world.text("quote") == ""
    await world.sleep(3)
    assert world.json("quote")["price"] == 2200
    begun, then = world.provider.times("price")[before:]
    assert then - begun == pytest.approx(again)


# --- watched prices -------------------------------------------------------------------------------------------------


WATCHED = [
    {"country": "Iran", "operator": "MCI", "application": "Snapp"},
    {"country": "2", "operator": "1"},
    {"country": "Atlantis", "operator": "1"},
]


async def test_what_is_watched_is_known_from_the_start(opened: Opening) -> None:
    """Also without the provider: Home Assistant would drop an entity that is left out for a moment."""
    world = await opened(prices=WATCHED)
    await world.sleep(1)
    known = {0: ("1", "1", "3"), 1: ("2", "1", None)}
    assert world.bridge.market.prices.watched == known
    for call in ("countries", "operators", "applications", "prices", "profile"):
        world.provider.always[call] = Late(None)
    await world.stop()
    world.clock.new_process()
    watched: list[dict[int, Any]] = []
    world.on_loaded = lambda: watched.append(dict(world.bridge.market.prices.watched))
    await world.start()
    assert watched == [known], "before anything runs"
    assert world.bridge.market.prices.settled == {0, 1}


async def test_what_an_id_means_is_known_though_no_list_was_ever_read(opened: Opening) -> None:
    world = await opened(started=False, prices=[{"country": "7", "operator": "1", "application": "3"}])
    for call in ("countries", "operators", "applications", "prices"):
        world.provider.always[call] = UNREACHABLE
    await world.start()
    await world.sleep(1)
    world.on_loaded = lambda: loaded.append(dict(world.bridge.market.prices.watched))
    loaded: list[dict[int, Any]] = []
    await world.restart(prices=[{"country": "8", "operator": "1"}, *world.given["prices"]])
    assert loaded == [{1: ("7", "1", "3")}], "and it is of the entry, wherever that stands"


async def test_a_name_that_is_no_more(opened: Opening) -> None:
    world = await opened(prices=WATCHED[:1], refresh={"prices": 100, "catalog": 100})
    await world.sleep(1)
    assert world.json("prices/1/1")
    world.provider.catalogs[CatalogKind.APPLICATIONS] = entries("Telegram", "WhatsApp")
    await world.sleep(300)
    assert (world.bridge.market.prices.watched, world.bridge.market.prices.settled) == ({}, {0})
    assert world.text("prices/1/1") == "", "a topic that no longer applies is emptied"
    loaded: list[dict[int, Any]] = []
    world.on_loaded = lambda: loaded.append(dict(world.bridge.market.prices.watched))
    await world.restart()
    assert loaded == [{}]


async def test_a_place_that_another_entry_names_stays(opened: Opening) -> None:
    world = await opened(
        prices=[*WATCHED[:1], {"country": "1", "operator": "1"}], refresh={"prices": 99, "catalog": 99}
    )
    await world.sleep(1)
    world.provider.catalogs[CatalogKind.APPLICATIONS] = entries("Telegram", "WhatsApp")
    await world.sleep(300)
    assert world.bridge.market.prices.watched == {1: ("1", "1", None)}
    assert world.json("prices/1/1")


async def test_what_is_wrong_with_a_name_is_said_anew_where_it_is_another_thing(opened: Opening) -> None:
    world = await opened(prices=[{"country": "Atlantis", "operator": "1"}], refresh={"prices": 100, "catalog": 99})
    await world.sleep(250)
    assert len(world.bridge_events("name_unknown")) == 1
    world.provider.catalogs[CatalogKind.COUNTRIES] = entries("Iran", "Russia", "Georgia", "Atlantic")
    await world.sleep(250)
    assert [e["message"].count("Atlantic (4)") for e in world.bridge_events("name_unknown")] == [0, 1]
    world.provider.catalogs[CatalogKind.COUNTRIES] = entries("Iran", "Russia", "Georgia", "Atlantic", "Atlantis")
    await world.sleep(250)
    assert world.bridge.market.prices.watched == {0: ("5", "1", None)}


async def test_price_lists_are_kept_published(opened: Opening, caplog: pytest.LogCaptureFixture) -> None:
    world = await opened(prices=[{"country": "Iran", "operator": "MCI"}], refresh={"prices": 100})
    heard: list[int] = []
    world.bridge.market.prices.on_watched = lambda: heard.append(1)
    await world.sleep(1)
    assert world.json("prices/1/1")["updated_at"] == "2026-03-01T12:00:00.000Z"
    world.provider.price_of = None
    await world.sleep(100)
    changes = world.bridge_events("price_changed")
    assert len(changes) == 3
    assert (changes[0]["application"], changes[0]["previous"], changes[0]["price"]) == ("1", 2200, None)
    assert changes[0]["message"] == "Telegram (Iran, MCI): 2,200 IRT before, no price now"
    assert "no price now" not in caplog.text, "it is no trouble"
    assert {each.currency for both in world.extensions.prices for each in both if each} == {"IRT"}
    assert [each.currency for each in world.extensions.profiles] == ["IRT"]
    costs = [[p and p.prices[0].price for p in both] for both in world.extensions.prices]
    assert costs == [[2200, None], [None, 2200]]  # a list and the one before, which there is not the first time
    await world.sleep(1000)
    assert len(world.bridge_events("price_changed")) == 3
    assert heard == [1]


async def test_only_the_watched_application_is_said(opened: Opening) -> None:
    world = await opened(prices=[{"country": "1", "operator": "1", "application": "2"}], refresh={"prices": 100})
    await world.sleep(1)
    world.provider.script("prices", PriceList("1", "1", (Price("2", None, None), Price("9", None, 1, "New"))))
    await world.sleep(100)
    assert [e["application"] for e in world.bridge_events("price_changed")] == ["2"]
    assert world.json("prices/1/1")["prices"][1]["application_name"] == "New"


async def test_a_list_that_nobody_watches_is_not_published(world: World) -> None:
    listed = await world.data("query/prices", {"country": "Iran", "operator": "MCI"})
    assert (listed["country"], len(listed["prices"])) == ("1", 3)
    assert not [t for t in world.retained.now if t.startswith("prices/")]


async def test_failing_price_lists_are_asked_for_ever_more_seldom(opened: Opening) -> None:
    world = await opened(started=False, prices=[{"country": "1", "operator": "1"}])
    world.provider.always["prices"] = FAILED
    await world.start()
    await world.sleep(80)
    assert world.provider.times("prices") == pytest.approx([0, 5, 15, 35, 75])


async def test_what_is_known_of_one_product_gives_way_to_the_newer_list(world: World) -> None:
    await world.data("query/price", PRODUCT)
    world.provider.price_of = None
    await world.data("query/prices", {"country": "2", "operator": "1"})
    assert (await world.buy())["price"] is None
    assert (await world.buy(application="3"))["price"] is None
    listed = PriceList("2", "1", ())
    world.provider.script("prices", listed)
    await world.data("query/prices", {"country": "2", "operator": "1"})
    assert (await world.buy())["price"] is None


async def test_prices_that_nobody_watches_take_no_memory_for_ever(opened: Opening) -> None:
    world = await opened(prices=[{"country": "1", "operator": "1"}])
    await world.sleep(1)
    world.provider.catalogs[CatalogKind.COUNTRIES] = entries(*(f"Country {i}" for i in range(60)))
    await world.data("query/countries")
    for country in range(1, 61):
        await world.data(f"query/prices/{country}/2")
        await world.data(f"query/price/{country}/1/2")
    prices = world.bridge.market.prices
    assert len(prices._lists) <= 21
    assert len(prices._single) <= 20
    assert prices.last(Product("1", "1", "3")) is not None, "what is watched is kept"
    assert prices.last(Product("60", "2", "3")) is not None, "and so is the newest"


async def test_nobody_waits_for_a_shared_question_any_more(world: World) -> None:
    """It is given up, and the next one asks anew."""
    await world.sleep(1)
    world.provider.script("applications", Late(None))
    task = asyncio.ensure_future(world.bridge.market.catalogs.read(CatalogKind.APPLICATIONS))
    await world.settle()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert len(await world.data("query/applications")) == 3


async def test_the_label_of_one_goes_before_the_name_of_several(opened: Opening) -> None:
    world = await opened(started=False)
    world.provider.catalogs[CatalogKind.COUNTRIES] = entries("Guinea", "Guinea", "Guinea (1)", "Guinea (1)")
    await world.start()
    await world.settle()
    assert (await world.buy(country="Guinea (1)"))["country"] == "1"


def test_a_label_that_another_entry_goes_by_has_the_id_once_more() -> None:
    twins = (CatalogEntry("1", "Guinea"), CatalogEntry("2", "Guinea"), CatalogEntry("3", "Guinea (1)"))
    shown = labels(twins)
    assert len(set(shown.values())) == 3
    assert "Guinea (1) (1)" in shown.values()
