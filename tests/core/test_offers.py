"""`query/offers`: where an application can be had (contract, Commands, 'Offers')."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.core.render import timestamp
from shomare_mqtt.errors import ErrorCode, ProviderRefusedError, ProviderUnreachableError
from shomare_mqtt.model import CatalogKind, Price, PriceList, Priority
from tests.core.provider import INVALID_TOKEN, NO_NUMBERS, NOT_FOUND, Late, entries, sms

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.core.conftest import Opening
    from tests.core.world import World

PLACES = [(country, operator) for country in "123" for operator in "12"]
"""All that the lists hold."""


def at_prices(prices: dict[tuple[str, str], Any]) -> Callable[[tuple[str, str]], Any]:
    """What the provider gives for the price list of each place: a price, prices with stock by application, an error."""

    def answer(place: tuple[str, str]) -> Any:
        told = prices.get(place, 500)
        if isinstance(told, Exception | Late):
            return told
        rows = told if isinstance(told, dict) else {"1": (told, 5)}
        return PriceList(*place, tuple(Price(a, None if p is None else Decimal(p), n) for a, (p, n) in rows.items()))

    return answer


def told(world: World) -> list[Any]:
    """Every `event/offers`."""
    return world.events("offers")


async def fifty_countries(world: World) -> None:
    await world.sleep(1)
    world.provider.catalogs[CatalogKind.COUNTRIES] = entries(*map(str, range(50)))
    await world.data("query/countries")


def where(data: Any) -> list[tuple[str, str]]:
    return [(offer["country"], offer["operator"]) for offer in data["offers"]]


async def test_all_places_cheapest_first_then_by_more_stock(world: World) -> None:
    world.provider.always["prices"] = at_prices(
        {
            ("1", "1"): {"1": (900, 2)},
            ("1", "2"): {"1": ("850.50", 1)},
            ("2", "1"): {"1": (900, 7)},
            ("2", "2"): {"1": (900, None)},
            ("3", "1"): {"2": (100, 9)},
            ("3", "2"): {"1": (None, 9)},
        }
    )
    data = await world.data("query/offers", {"application": "Telegram"})
    assert where(data) == [("1", "2"), ("2", "1"), ("1", "1"), ("2", "2")]
    assert {key: value for key, value in data.items() if key != "offers"} == {
        "application": "1",
        "application_name": "Telegram",
        "places": 6,
        "read": 6,
        "unread": 0,
    }
    assert data["offers"][0] == {
        "country": "1",
        "country_name": "Iran",
        "operator": "2",
        "operator_name": "Irancell",
        "price": 850.5,
        "count": 1,
        "updated_at": timestamp(world.clock.now()),
        "orders": 0,
        "success": None,
    }
    assert [offer["count"] for offer in data["offers"]] == [1, 7, 2, None]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"min_price": 600}, ["600", "700", "800", "900"]),
        ({"max_price": 700}, ["500", "600", "700"]),
        ({"max_price": 599.5, "min_price": 500}, ["500"]),
        ({"min_count": 3}, ["600", "800"]),
        ({"min_count": 0}, ["500", "600", "700", "800", "900", "950"]),
        ({"limit": 2}, ["500", "600"]),
        ({"min_price": "", "max_price": "", "max_age": "", "wait": "", "country": "", "operator": []}, None),
    ],
)
async def test_what_is_left_out(world: World, asked: dict[str, Any], found: list[str] | None) -> None:
    stock = {500: 1, 600: 3, 700: None, 800: 4, 900: 2, 950: 0}
    prices = {place: {"1": each} for place, each in zip(PLACES, stock.items(), strict=True)}
    world.provider.always["prices"] = at_prices(prices)
    data = await world.data("query/offers", {"application": 1, **asked})
    assert [str(offer["price"]) for offer in data["offers"]] == (found or ["500", "600", "700", "800", "900"])
    assert data["read"] == 6


@pytest.mark.parametrize(
    "fields",
    [
        {"limit": 0},
        {"limit": 501},
        {"limit": "5"},
        {"limit": True},
        {"min_count": -1},
        {"min_count": 1.5},
        {"max_age": -1},
        {"max_age": "long"},
        {"min_price": -1},
        {"max_price": None},
        {"wait": "no"},
        {"wait": None},
        {"country": [None]},
        {"country": [""]},
        {"country": [["1"]]},
        {"country": {"id": 1}},
        {"operator": [True]},
        {"choose": "cheapest"},
    ],
)
async def test_what_is_no_such_query(world: World, fields: dict[str, Any]) -> None:
    assert await world.error("query/offers", {"application": 1, **fields}) == "invalid_command"
    assert world.provider.count("prices") == 0


# --- where it looks -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "places"),
    [
        ({}, PLACES),
        ({"country": [], "operator": []}, PLACES),
        ({"country": "Georgia"}, [("3", "1"), ("3", "2")]),
        ({"country": [3, "russia", "Georgia", "2"]}, [("3", "1"), ("3", "2"), ("2", "1"), ("2", "2")]),
        ({"operator": 2}, [("1", "2"), ("2", "2"), ("3", "2")]),
        ({"country": "Iran", "operator": ["Irancell"]}, [("1", "2")]),
    ],
)
async def test_where_it_looks(world: World, asked: dict[str, Any], places: list[tuple[str, str]]) -> None:
    data = await world.data("query/offers", {"application": "1", **asked})
    assert (data["places"], sorted(where(data))) == (len(places), sorted(places))
    assert where(data) == places, "what costs the same, and of which there is as much, as it was asked for"
    assert world.provider.count("prices") == len(places)


async def test_the_settings_say_where_it_looks(opened: Opening) -> None:
    world = await opened(offers={"countries": ["Russia", 3], "operators": ["irancell"]})
    assert where(await world.data("query/offers/1")) == [("2", "2"), ("3", "2")]
    assert where(await world.data("query/offers", {"application": 1, "country": "Iran"})) == [("1", "2")]
    world.reload(offers={"countries": [], "operators": [1]})
    assert where(await world.data("query/offers/1")) == [("1", "1"), ("2", "1"), ("3", "1")]


async def test_a_name_of_the_settings_that_the_list_does_not_hold_is_left_out_and_said_once(opened: Opening) -> None:
    world = await opened(offers={"countries": ["Rusia", "Georgia"]})
    for _ in range(2):
        assert where(await world.data("query/offers/1")) == [("3", "1"), ("3", "2")]
    (said,) = world.bridge_events("name_unknown")
    assert said["message"].startswith("offers.countries: the provider's list holds no 'Rusia'; the nearest are Russia")
    assert said["message"].endswith("; it is left out")
    world.reload(offers={"countries": ["Rusia"]})
    answer = await world.ask("query/offers/1")
    assert answer["error"]["code"] == "unknown_name"
    assert answer["error"]["message"].startswith("offers.countries in the settings is of no use: the provider's list")


async def test_names_that_the_lists_do_not_hold(world: World) -> None:
    assert await world.error("query/offers", {"application": "Snap"}) == "unknown_name"
    assert await world.error("query/offers", {"application": 1, "country": ["Iran", "Atlantis"]}) == "unknown_name"
    assert world.provider.count("prices") == 0


async def test_the_application_is_the_defaults_where_none_is_named(world: World) -> None:
    assert await world.error("query/offers") == "invalid_command"
    await world.data("defaults/application/set", "Snapp")
    assert (await world.data("query/offers"))["application_name"] == "Snapp"


async def test_as_levels_of_the_topic(world: World) -> None:
    assert (await world.data("query/offers/Telegram"))["application"] == "1"
    assert (await world.data("query/offers/%54elegram", {"transaction": 5}))["application"] == "1"
    assert await world.error("query/offers/Telegram", {"limit": 5}) == "invalid_command"
    assert await world.error("query/offers/1/2") == "unknown_command"


async def test_without_a_list_there_is_no_offer(opened: Opening) -> None:
    world = await opened(started=False)
    world.provider.always["countries"] = ProviderUnreachableError(ErrorCode.PROVIDER_UNREACHABLE, "away")
    await world.start()
    assert await world.error("query/offers/1") == "provider_unreachable"
    del world.provider.always["countries"]
    assert len(where(await world.data("query/offers/1"))) == 6


async def test_a_list_that_holds_nothing_has_no_place(opened: Opening) -> None:
    world = await opened(started=False)
    world.provider.catalogs[CatalogKind.COUNTRIES] = ()
    await world.start()
    data = await world.data("query/offers/1")
    assert (data["places"], data["offers"], told(world)) == (0, [], [])


async def test_too_many_price_lists_are_not_read(opened: Opening) -> None:
    world = await opened(offers={"max_requests": 4})
    answer = await world.ask("query/offers/1")
    assert answer["error"]["code"] == "invalid_command"
    assert "6 price lists would have to be read, and offers.max_requests allows 4" in answer["error"]["message"]
    assert world.provider.count("prices") == 0
    assert (await world.data("query/offers", {"application": 1, "country": [1, 2]}))["read"] == 4
    assert (await world.data("query/offers/1"))["read"] == 6, "four are known by now"


# --- what is known, and what is read --------------------------------------------------------------------------------


async def test_what_is_known_is_not_read_again_before_it_is_too_old(world: World) -> None:
    await world.data("query/prices/1/1")
    await world.sleep(600)
    assert (await world.data("query/offers/1"))["read"] == 6
    assert world.provider.count("prices") == 6
    assert (await world.data("query/offers/2"))["read"] == 6, "another application costs nothing"
    await world.sleep(3000)
    before = world.clock.now()
    data = await world.data("query/offers/1")
    assert world.provider.count("prices") == 7
    at = {(each["country"], each["operator"]): each["updated_at"] for each in data["offers"]}
    assert at[("1", "1")] == timestamp(before)
    assert at[("1", "2")] == timestamp(before - timedelta(seconds=3000))
    await world.data("query/offers", {"application": 1, "max_age": 3000.5})
    assert world.provider.count("prices") == 7
    await world.data("query/offers", {"application": 1, "max_age": 10, "operator": 2})
    assert world.provider.count("prices") == 10
    await world.sleep(1)
    await world.data("query/offers", {"application": 1, "max_age": 0, "country": 3})
    assert world.provider.count("prices") == 12


async def test_a_place_that_cannot_be_read_is_counted(world: World) -> None:
    unreadable = ProviderRefusedError(ErrorCode.PROVIDER_ERROR, "no")
    world.provider.always["prices"] = at_prices({("2", "1"): unreadable, ("1", "1"): NO_NUMBERS, ("3", "1"): NOT_FOUND})
    data = await world.data("query/offers/1")
    assert where(data) == [("1", "2"), ("2", "2"), ("3", "2")]
    assert (data["places"], data["read"], data["unread"]) == (6, 5, 1)
    assert told(world)[-1] == {"event_type": "done", "read": 5, "unread": 1, "places": 6}
    del world.provider.always["prices"]
    assert (await world.data("query/offers/1"))["read"] == 6
    assert world.provider.count("prices") == 7, "that there is nothing is known, too"


async def test_a_price_that_is_gone_is_no_offer_any_more(world: World) -> None:
    world.provider.always["prices"] = at_prices(dict.fromkeys(PLACES, 400))
    await world.data("query/offers/1")
    world.provider.always["prices"] = at_prices({place: {"2": (400, 1)} for place in PLACES})
    await world.sleep(1)
    assert where(await world.data("query/offers", {"application": 1, "max_age": 0})) == []


async def test_a_provider_that_is_not_reached_is_not_asked_for_each_place(world: World) -> None:
    await fifty_countries(world)
    world.provider.always["prices"] = ProviderUnreachableError(ErrorCode.PROVIDER_UNREACHABLE, "away")
    data = await world.data("query/offers/1")
    assert (data["places"], data["read"], data["unread"]) == (100, 0, 100)
    assert world.provider.count("prices") <= 8
    world.provider.always["prices"] = at_prices({})
    assert (await world.data("query/offers/1"))["read"] == 100


async def test_while_the_token_is_refused_that_is_the_answer(world: World) -> None:
    await world.data("query/offers", {"application": 1, "country": 1})
    world.provider.always |= {"prices": INVALID_TOKEN, "profile": INVALID_TOKEN}
    assert await world.error("query/offers", {"application": 1, "country": [2, 3]}) == "invalid_token"
    assert (await world.data("query/offers/1"))["read"] == 2
    asked = world.provider.count("prices")
    assert await world.error("query/offers", {"application": 1, "country": [2, 3]}) == "invalid_token"
    assert world.provider.count("prices") == asked, "what is known to be refused is not asked for"


async def test_a_fault_of_this_program_costs_one_place(world: World, caplog: pytest.LogCaptureFixture) -> None:
    prices = world.bridge.market.prices
    read_list = prices.read_list

    async def faulty(country: str, operator: str, priority: Priority = Priority.QUERY) -> PriceList:
        if (country, operator) == ("2", "1"):
            raise RuntimeError("a bug")
        return await read_list(country, operator, priority)

    prices.read_list = faulty  # type: ignore[method-assign]
    data = await world.data("query/offers/1")
    assert (data["read"], data["unread"]) == (5, 1)
    assert "a fault of this program (offers" in caplog.text
    prices.read_list = read_list  # type: ignore[method-assign]
    await world.sleep(61)
    assert (await world.data("query/offers/1"))["read"] == 6


# --- together, and by and by ----------------------------------------------------------------------------------------


def slowly(seconds: float = 1.0) -> Late:
    return Late(seconds)


async def test_without_waiting_what_is_known_is_told_and_the_rest_is_read_on(world: World) -> None:
    world.provider.always["prices"] = slowly()
    await world.data("query/prices/1/1")
    data = await world.data("query/offers", {"application": 1, "wait": False})
    assert (where(data), data["read"], data["unread"]) == ([("1", "1")], 1, 5)
    await world.until(lambda: told(world)[-1]["event_type"] == "done")
    assert told(world)[-1] == {"event_type": "done", "read": 6, "unread": 0, "places": 6}
    data = await world.data("query/offers", {"application": 1, "wait": False})
    assert (data["read"], data["unread"], world.provider.count("prices")) == (6, 0, 6)


async def test_how_far_it_is_is_told_once_a_second_and_at_the_end(opened: Opening) -> None:
    world = await opened()
    await fifty_countries(world)
    world.provider.always["prices"] = slowly(0.3)
    at: list[float] = []
    before = world.outbox.send_volatile
    world.outbox.send_volatile = lambda message: (at.append(world.clock.monotonic()), before(message))  # type: ignore[assignment,func-returns-value,method-assign]
    asked = world.send("query/offers/1")
    await world.until(lambda: bool(told(world)) and told(world)[-1]["event_type"] == "done")
    events = told(world)
    assert events[0] == {"event_type": "progress", "read": 0, "unread": 0, "places": 100}
    assert [each["event_type"] for each in events] == ["progress"] * (len(events) - 1) + ["done"]
    assert all(later - sooner >= 1.0 for sooner, later in pairwise(at[: len(events) - 1]))
    assert [each["read"] for each in events] == sorted(each["read"] for each in events)
    assert len(events) >= 6
    assert (await world.answer(asked))["data"]["read"] == 100


async def test_who_asks_for_the_same_meanwhile_shares_the_reading(world: World) -> None:
    world.provider.always["prices"] = slowly(2.0)
    first = world.send("query/offers", {"application": 1, "max_age": 0})
    await world.sleep(3)
    others = [
        world.send("query/offers", {"application": 2, "max_age": 0}),
        world.send("query/offers", {"application": 1, "max_age": 60, "country": [1, 2]}),
    ]
    for each in (first, *others):
        answer = await world.answer(each)
        assert answer["data"]["unread"] == 0
    assert world.provider.count("prices") == 6
    assert sum(each["event_type"] == "done" for each in told(world)) == 1


async def test_what_is_known_to_one_is_too_old_for_another(world: World) -> None:
    await world.data("query/prices/1/1")
    await world.sleep(100)
    world.provider.always["prices"] = slowly()
    first = world.send("query/offers/1")
    await world.sleep(0.5)
    second = await world.data("query/offers", {"application": 1, "max_age": 50})
    assert second["read"] == 6
    assert world.provider.count("prices") == 7
    assert (await world.answer(first))["data"]["read"] == 6
    assert told(world)[-1] == {"event_type": "done", "read": 6, "unread": 0, "places": 6}


async def test_who_waits_for_less_is_served_first(world: World) -> None:
    await fifty_countries(world)
    world.provider.always["prices"] = slowly()
    long = world.send("query/offers", {"application": 1, "wait": False})
    await world.answer(long)
    await world.sleep(2.5)
    began = world.clock.monotonic()
    assert (await world.data("query/offers", {"application": 1, "country": "50"}))["read"] == 2
    assert world.clock.monotonic() - began < 3
    await world.until(lambda: told(world)[-1]["event_type"] == "done")
    assert told(world)[-1]["read"] == 100


@pytest.mark.parametrize("how", ["expires_at", "expiry"])
async def test_waiting_ends_with_what_is_known_by_then_and_asked_again_it_goes_on(world: World, how: str) -> None:
    world.provider.always["prices"] = slowly(10.0)
    payload: dict[str, Any] = {"application": 1}
    flags: dict[str, Any] = {}
    if how == "expires_at":
        payload["expires_at"] = timestamp(world.clock.now() + timedelta(seconds=15))
    else:
        flags["expiry"] = 15
    began = world.clock.monotonic()
    data = await world.data("query/offers", payload, **flags)
    assert 15 <= world.clock.monotonic() - began < 17
    assert (data["places"], data["read"], data["unread"]) == (6, 4, 2)
    assert len(where(data)) == 4
    data = await world.data("query/offers/1")
    assert (data["read"], world.provider.count("prices")) == (6, 6)


async def test_one_that_a_lost_connection_cuts_off_goes_on(world: World) -> None:
    world.provider.always["prices"] = slowly(10.0)
    asked = world.send("query/offers/1")
    await world.sleep(5)
    world.bridge.desk.disconnected()
    await world.sleep(60)
    assert world.answers(asked) == []
    assert (await world.data("query/offers/1"))["read"] == 6
    assert world.provider.count("prices") == 6


async def test_one_that_an_orderly_stop_cuts_off_is_answered_busy(world: World) -> None:
    world.provider.always["prices"] = slowly(10.0)
    asked = world.send("query/offers/1")
    await world.sleep(5)
    await world.bridge.desk.stop(1)
    assert (await world.answer(asked))["error"]["code"] == "busy"


async def test_where_ids_come_to_stand_for_others_nothing_that_was_read_holds(world: World) -> None:
    world.provider.always["prices"] = slowly(10.0)
    reading = world.send("query/offers", {"application": 1})
    await world.sleep(12)
    world.provider.catalogs[CatalogKind.COUNTRIES] = entries("Russia", "Iran", "Georgia")
    await world.data("query/countries")
    data = (await world.answer(reading))["data"]
    assert (data["offers"], data["read"], data["unread"]) == ([], 0, 6)
    asked = world.provider.count("prices")
    assert (await world.data("query/offers/1"))["read"] == 6
    assert world.provider.count("prices") == asked + 6


async def test_a_query_leaves_no_trace_on_the_disk(world: World) -> None:
    await world.data("query/offers/1")
    assert [row for row in world.broker.rows.values() if "offers" in row.message.topic] == []
    assert len(told(world)) == 2


# --- our own orders there -------------------------------------------------------------------------------------------


async def test_what_our_own_orders_say_of_a_place(world: World) -> None:
    for number in range(4):
        order = await world.buy()
        if number % 2:
            world.provider.gets(f"p{number + 1}", sms())
            await world.state(order["order"], "received")
        elif not number:
            await world.data("cancel", {"order": order["order"]})
    await world.buy(application="2")
    data = await world.data("query/offers", {"application": 1, "country": 2})
    assert [(each["operator"], each["orders"], each["success"]) for each in data["offers"]] == [
        ("1", 4, pytest.approx(2 / 3)),
        ("2", 0, None),
    ]
    few = await world.data("query/offers", {"application": 2, "country": 2})
    assert [(each["orders"], each["success"]) for each in few["offers"]] == [(1, None), (0, None)]
