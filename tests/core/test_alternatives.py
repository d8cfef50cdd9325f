"""One `buy` in several places: one after the other, and at most one number (contract, Alternatives)."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.core.market.prices import Prices
from shomare_mqtt.core.market.provider_state import ObservedProvider
from shomare_mqtt.core.orders.buying import Buyer
from shomare_mqtt.core.orders.stopping import Stop, StoppedError, Stopping
from shomare_mqtt.core.orders.wanted import Wanted
from shomare_mqtt.errors import CommandRefusedError, ErrorCode, JournalError, JournalFullError
from shomare_mqtt.model import CatalogKind, Price, Profile
from tests.core.provider import (
    FAILED,
    INVALID_TOKEN,
    LOST,
    MALFORMED,
    NO_NUMBERS,
    NOT_FOUND,
    TIMEOUT,
    UNREACHABLE,
    Acting,
    Late,
    entries,
)
from tests.core.world import PRODUCT

if TYPE_CHECKING:
    from tests.core.conftest import Opening
    from tests.core.world import Command, World

PLACES = {"country": ["Russia", 1], "operator": ["1", "Irancell"], "application": "1"}
ALL = [("2", "1"), ("2", "2"), ("1", "1"), ("1", "2")]


def asked(world: World) -> list[tuple[str, str]]:
    """The pairs that the provider was asked for, in order."""
    return [(p.country, p.operator) for call, _, p in world.provider.calls if call == "buy"]


def tried(order: Any) -> list[tuple[str, str, Any, str]]:
    return [(t["country"], t["operator"], t["price"], t["error"]["code"]) for t in order["tries"]]


def costs(world: World, **prices: Any) -> None:
    """What a number costs in each country: `c2=900`; a price that is an error cannot be read."""

    def price(product: Any) -> Any:
        found = prices.get(f"c{product.country}", 2200)
        return found if isinstance(found, Exception) else Price(product.application, Decimal(found), 5)

    world.provider.always["price"] = price


async def only(world: World) -> Any:
    """The one order that there is."""
    (order,) = await world.data("query/orders", {"state": "all"})
    return order


# --- which pair is tried ----------------------------------------------------------------------------------------------


async def test_the_first_that_there_is_is_bought(world: World) -> None:
    world.provider.script("buy", NO_NUMBERS, NOT_FOUND)
    order = await world.data("buy", PLACES)
    assert (order["state"], order["country"], order["operator"]) == ("waiting", "1", "1")
    assert (order["country_name"], order["operator_name"]) == ("Iran", "MCI")
    assert tried(order) == [("2", "1", None, "no_numbers"), ("2", "2", None, "not_found")]
    assert order["tries"][0]["error"] == {
        "code": "no_numbers", "message": "none left", "retryable": True, "upstream": {"http": 500, "code": 500},
    }  # fmt: skip
    assert asked(world) == ALL[:3]
    assert world.moves(order["order"]) == ["buying", "waiting"]
    assert (await world.full(order["order"]))["tries"] == order["tries"] == world.order(order["order"])["tries"]


async def test_a_plain_order_has_tried_nothing_else(world: World) -> None:
    world.provider.script("buy", NO_NUMBERS)
    assert await world.error("buy", PRODUCT) == "no_numbers"
    assert (await only(world))["tries"] == []


async def test_what_is_left_out_or_no_list_is_one(opened: Opening) -> None:
    world = await opened(defaults={"country": "Georgia", "operator": "2"})
    await world.sleep(1)
    world.provider.script("buy", *[NO_NUMBERS] * 4)
    await world.ask("buy", {"operator": [1, "2"], "application": "1"})
    await world.ask("buy", {"country": ["iran"], "operator": "Irancell", "application": "1"})
    await world.ask("buy", {"country": ["3"], "application": "1"})
    assert asked(world) == [("3", "1"), ("3", "2"), ("1", "2"), ("3", "2")]


async def test_names_of_one_id_count_once(world: World) -> None:
    world.provider.script("buy", NO_NUMBERS)
    order = await world.data("buy", {"country": ["2", "Russia", "russia", "Iran"], "operator": 1, "application": "1"})
    assert asked(world) == [("2", "1"), ("1", "1")]
    assert (order["country"], len(order["tries"])) == ("1", 1)


async def test_where_all_fail_the_order_has_all_errors_and_the_answer_the_last(world: World) -> None:
    world.provider.script("buy", NO_NUMBERS, NO_NUMBERS, NO_NUMBERS, NOT_FOUND)
    answer = await world.ask("buy", {**PLACES, "transaction": "t"})
    assert (answer["error"]["code"], answer["error"]["retryable"]) == ("not_found", False)
    order = await only(world)
    assert (order["state"], order["error"]["code"]) == ("failed", "not_found")
    assert [t[:2] for t in tried(order)] == ALL == asked(world)
    assert [t[3] for t in tried(order)] == ["no_numbers"] * 3 + ["not_found"]
    assert await world.ask("buy", {**PLACES, "transaction": "t"}) == {**answer, "replayed": True}
    assert asked(world) == ALL


@pytest.mark.parametrize("name", ["country", "operator"])
async def test_a_name_that_nobody_knows_buys_nothing_at_all(world: World, name: str) -> None:
    assert await world.error("buy", {**PLACES, name: ["1", "Atlantis"]}) == "unknown_name"
    assert asked(world) == await world.data("query/orders", {"state": "all"}) == []


@pytest.mark.parametrize(("error", "code"), [(UNREACHABLE, "provider_unreachable"), (INVALID_TOKEN, "invalid_token")])
async def test_what_is_no_matter_of_the_place_ends_it(world: World, error: Any, code: str) -> None:
    world.provider.script("buy", NO_NUMBERS, error)
    assert await world.error("buy", PLACES) == code
    order = await only(world)
    assert (order["state"], order["error"]["code"]) == ("failed", code)
    assert tried(order)[1:] == [("2", "2", None, code)]
    assert asked(world) == ALL[:2]


@pytest.mark.parametrize("outcome", [LOST, Acting(LOST), TIMEOUT, FAILED, MALFORMED, Acting(RuntimeError("a bug"))])
async def test_nothing_is_sent_after_a_doubt(world: World, outcome: Any) -> None:
    world.provider.script("buy", NO_NUMBERS, outcome)
    answer = await world.ask("buy", PLACES)
    assert (answer["status"], answer["error"]["code"]) == ("unknown", "outcome_unknown")
    assert (answer["data"]["state"], answer["data"]["country"], answer["data"]["operator"]) == ("unknown", "2", "2")
    assert tried(answer["data"]) == [("2", "1", None, "no_numbers")]
    await world.sleep(200)
    assert asked(world) == ALL[:2]


async def test_an_unknown_one_is_settled_by_the_balance_from_before_its_own_pair(world: World) -> None:
    """What moved while an earlier pair was tried tells nothing of this one."""

    def moved(_: object) -> Any:
        world.provider.move(-500)
        return NO_NUMBERS

    world.provider.script("buy", moved, LOST)
    world.provider.script("profile", None, Late(6), None)
    answer = await world.ask("buy", PLACES)
    await world.sleep(100)
    order = await world.full(answer["data"]["order"])
    assert (order["state"], order["error"]["code"]) == ("unknown", "outcome_unknown")


# --- prices -----------------------------------------------------------------------------------------------------------


async def test_the_cheapest_first_and_what_has_no_price_last(world: World) -> None:
    costs(world, c1=3000, c2=UNREACHABLE, c3=1000)
    world.provider.script("buy", NO_NUMBERS, NO_NUMBERS)
    request = {"country": ["2", "1", "3"], "operator": ["1"], "application": "1", "choose": "cheapest"}
    order = await world.data("buy", request)
    assert asked(world) == [("3", "1"), ("1", "1"), ("2", "1")]
    assert [t[:3] for t in tried(order)] == [("3", "1", 1000), ("1", "1", 3000)]


async def test_of_like_prices_the_order_of_the_list_holds(world: World) -> None:
    world.provider.script("buy", *[NO_NUMBERS] * 4)
    await world.ask("buy", {**PLACES, "choose": "cheapest"})
    assert asked(world) == ALL


async def test_a_price_of_nothing_is_no_price(world: World) -> None:
    costs(world, c2=0)
    await world.ask("buy", {**PLACES, "choose": "cheapest"})
    assert asked(world) == [("1", "1")]


async def test_a_fault_of_ours_while_prices_are_read_buys_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> Price:
        raise RuntimeError("a bug")

    monkeypatch.setattr(Prices, "read_price", broken)
    assert await world.error("buy", {**PLACES, "choose": "cheapest"}) == "internal_error"
    assert asked(world) == []


async def test_too_dear_and_too_cheap_are_passed_over(world: World) -> None:
    costs(world, c1=5000, c2=100, c3=2000)
    request = {"country": ["1", "2", "3"], "operator": "1", "application": "1", "max_price": 3000, "min_price": 500}
    order = await world.data("buy", request)
    assert (order["country"], order["price"]) == ("3", 2000)
    assert tried(order) == [("1", "1", 5000, "price_too_high"), ("2", "1", 100, "price_too_low")]
    assert asked(world) == [("3", "1")]


async def test_where_all_were_refused_here_there_is_no_order(world: World) -> None:
    costs(world, c1=5000, c2=100)
    request = {"country": ["1", "2"], "operator": "1", "application": "1", "max_price": 3000, "min_price": 500}
    answer = await world.ask("buy", {**request, "transaction": "t"})
    assert answer["error"]["message"] == (
        "the price is 100 IRT, min_price asks for 500 IRT at least; nothing was bought"
    )
    assert (answer["error"]["code"], answer["error"]["retryable"]) == ("price_too_low", False)
    assert await world.data("query/orders", {"state": "all"}) == world.events("order") == []
    costs(world)
    assert (await world.data("buy", {**request, "transaction": "t"}))["state"] == "waiting", "it may be tried again"


async def test_what_is_refused_for_its_price_at_the_end_is_in_the_order_too(world: World) -> None:
    costs(world, c1=5000)
    world.provider.script("buy", NO_NUMBERS)
    request = {"country": ["2", "1"], "operator": "1", "application": "1", "max_price": 3000}
    assert await world.error("buy", request) == "price_too_high"
    order = await only(world)
    assert (order["state"], order["country"], order["error"]["code"]) == ("failed", "2", "price_too_high")
    assert tried(order) == [("2", "1", 2200, "no_numbers"), ("1", "1", 5000, "price_too_high")]


@pytest.mark.parametrize("error", [UNREACHABLE, FAILED, NO_NUMBERS])
async def test_a_price_that_a_limit_needs_and_nobody_can_read(world: World, error: Any) -> None:
    costs(world, c2=error)
    order = await world.data("buy", {**PLACES, "max_price": 3000})
    assert (order["country"], order["operator"]) == ("1", "1")
    assert tried(order) == [("2", each, None, error.code.value) for each in ("1", "2")]


@pytest.mark.parametrize(("price", "code"), [(499, "price_too_low"), (500, None), (501, None)])
async def test_min_price_of_a_plain_buy(world: World, price: int, code: str | None) -> None:
    costs(world, c2=price)
    answer = await world.ask("buy", {**PRODUCT, "min_price": 500})
    assert (answer.get("error") or {}).get("code") == code
    assert len(asked(world)) == (code is None)


async def test_a_min_price_of_0_is_none(world: World) -> None:
    await world.buy(min_price=0)
    assert world.provider.count("price") == 0


async def test_a_limit_that_came_while_one_was_to_be_sent_passes_it_over_for_its_price(opened: Opening) -> None:
    world = await opened(limits={"max_price": 9000})
    costs(world, c2=2200, c1=1000)
    world.provider.queue = 10
    command = world.send("buy", PLACES)
    await world.until(lambda: bool(world.events("order")))
    world.reload(limits={"max_price": 2000})
    order = (await world.answer(command))["data"]
    assert (order["country"], order["price"]) == ("1", 1000)
    assert [t[2:] for t in tried(order)] == [(2200, "price_too_high")] * 2
    assert asked(world) == [("1", "1")]


# --- limits -----------------------------------------------------------------------------------------------------------


async def test_it_counts_once_in_every_limit(opened: Opening) -> None:
    limits = {"max_buys_per_hour": 1, "max_open_orders": 1, "max_spend_per_day": 2200, "min_balance": 97_800}
    world = await opened(limits=limits)
    world.provider.script("buy", *[NO_NUMBERS] * 3)
    assert (await world.data("buy", PLACES))["state"] == "waiting"
    assert asked(world) == ALL
    assert await world.error("buy", PRODUCT) == "limit_reached"


async def test_one_that_is_on_its_way_counts_by_the_pair_that_it_stands_at(opened: Opening) -> None:
    world = await opened(limits={"max_spend_per_day": 5000})
    costs(world, c2=1000, c1=4000)
    world.provider.script("buy", NO_NUMBERS, NO_NUMBERS, Late(10))
    command = world.send("buy", PLACES)
    await world.until(lambda: len(asked(world)) == 3)
    assert await world.error("buy", {**PRODUCT, "country": "3"}) == "limit_reached"
    assert (await world.answer(command))["data"]["price"] == 4000
    costs(world, c3=1000)
    assert (await world.buy(country="3"))["price"] == 1000


async def refused_after_the_first(world: World, what: Any, **more: Any) -> Any:
    """The order, where something says no from the moment on in which the first pair was refused."""

    def first(_: object) -> Any:
        what()
        return NO_NUMBERS

    world.provider.script("buy", first)
    answer = await world.ask("buy", {**PLACES, **more})
    assert answer["status"] == "error"
    order = await only(world)
    assert order["state"] == "failed"
    assert asked(world) == ALL[:1]
    assert tried(order)[0] == ("2", "1", order["price"], "no_numbers")
    assert [t[:2] + t[3:] for t in tried(order)[1:]] == [("2", "2", answer["error"]["code"])]
    assert order["error"]["code"] == answer["error"]["code"]
    assert world.bridge_events("command_refused")[-1]["order"] == order["order"]
    return answer["error"]["code"]


async def test_the_switch_is_asked_before_each_pair(world: World) -> None:
    off = lambda: setattr(world.bridge.market.defaults, "buying", False)  # noqa: E731
    assert await refused_after_the_first(world, off) == "buying_paused"


async def test_limits_are_asked_before_each_pair(world: World) -> None:
    stricter = lambda: world.reload(limits={"max_open_orders": 0})  # noqa: E731
    assert await refused_after_the_first(world, stricter) == "limit_reached"


async def test_plugins_are_asked_before_each_pair(world: World) -> None:
    veto = CommandRefusedError(ErrorCode.VETOED, "no")
    assert await refused_after_the_first(world, lambda: setattr(world.extensions, "veto", veto)) == "vetoed"
    assert [(p.country, p.operator) for p, _, _ in world.extensions.authorized] == ALL[:2]


async def test_expires_at_is_looked_at_before_each_pair(world: World) -> None:
    world.provider.script("profile", None)
    end = world.expires(world.clock.now() + timedelta(seconds=5))
    late = Late(6.0, NO_NUMBERS)
    world.provider.script("buy", late)
    assert await world.error("buy", {**PLACES, "expires_at": end}) == "expired_command"
    order = await only(world)
    assert (order["state"], asked(world)) == ("failed", ALL[:1])


async def test_min_balance_is_asked_before_each_pair(opened: Opening) -> None:
    world = await opened(limits={"min_balance": 90_000})

    def first(_: object) -> Any:
        world.provider.balance = Decimal(91_000)
        return NO_NUMBERS

    world.provider.script("buy", first)
    assert await world.error("buy", PLACES) == "limit_reached"
    assert asked(world) == ALL[:1]


async def test_a_disk_that_is_full_by_then_ends_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    commit, intents = world.journal.commit, list[bool]()

    async def full(batch: Any, condition: Any = None) -> int:
        if condition is not None:
            intents.append(True)
            if len(intents) > 1:
                raise JournalFullError("the disk is full")
        return await commit(batch, condition)

    monkeypatch.setattr(world.journal, "commit", full)
    world.provider.script("buy", NO_NUMBERS)
    assert await world.error("buy", PLACES) == "buying_paused"
    assert ((await only(world))["state"], asked(world)) == ("failed", ALL[:1])
    assert not world.bridge.orders.ledger.intents


async def test_a_fault_of_ours_between_two_pairs_ends_it(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ready = Buyer.ready

    async def broken(buyer: Buyer, attempt: Any, record: Any = None) -> Any:
        if record is not None:
            raise RuntimeError("a bug")
        return await ready(buyer, attempt, record)

    monkeypatch.setattr(Buyer, "ready", broken)
    world.provider.script("buy", NO_NUMBERS)
    assert await world.error("buy", {**PLACES, "transaction": "t"}) == "internal_error"
    order = await only(world)
    assert (order["state"], order["error"]["code"], asked(world)) == ("failed", "internal_error", ALL[:1])
    assert "RuntimeError" in caplog.text


async def test_a_fault_of_ours_as_the_provider_s_no_is_noted_ends_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was bought, and the order says so: it does not stay `buying` until the next start."""

    async def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    world.provider.script("buy", NO_NUMBERS)
    monkeypatch.setattr(ObservedProvider, "tell", broken)
    assert await world.error("buy", PLACES) == "internal_error"
    order = await only(world)
    assert (order["state"], [t[3] for t in tried(order)], asked(world)) == ("failed", ["no_numbers"], ALL[:1])


async def test_ids_that_became_others_meanwhile_name_what_they_named(world: World) -> None:
    command = await on_its_way(world, Late(10, NO_NUMBERS))
    countries, operators = world.provider.catalogs[CatalogKind.COUNTRIES], CatalogKind.OPERATORS
    world.provider.catalogs[CatalogKind.COUNTRIES] = tuple(replace(e, id=f"9{e.id}") for e in countries)
    await world.data("query/countries")
    order = (await world.answer(command))["data"]
    assert asked(world) == [("2", "1"), ("92", "2")]
    assert (order["country"], order["country_name"]) == ("92", "Russia")
    command = await on_its_way(world, Late(10, NO_NUMBERS), country=["Russia", "Iran"])
    for names in (("Irancell", "MCI"), ("MCI", "Irancell")):
        world.provider.catalogs[operators] = entries(*names)
        await world.data("query/operators")
    answer = await world.answer(command)
    assert answer["error"]["code"] == "unknown_name", "nobody can tell what a 2 of then was"


async def test_a_fault_of_ours_before_the_first_pair_makes_no_order(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.provider.script("buy", NO_NUMBERS)
    monkeypatch.setattr(Wanted, "settled", lambda *_: 1 / 0)
    assert await world.error("buy", PLACES) == "internal_error"
    assert asked(world) == await world.data("query/orders", {"state": "all"}) == []


async def test_a_journal_that_fails_between_two_pairs_ends_the_program(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise JournalError("the file is gone")

    def first(_: object) -> Any:
        monkeypatch.setattr(Wanted, "settled", broken)
        return NO_NUMBERS

    world.provider.script("buy", first)
    world.send("buy", PLACES)
    with pytest.raises(JournalError):
        await world.until(lambda: False)
    world.faults.clear()
    assert asked(world) == ALL[:1]


async def test_a_journal_that_fails_as_the_provider_s_no_is_noted_ends_the_program(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise JournalError("the file is gone")

    world.provider.script("buy", NO_NUMBERS)
    monkeypatch.setattr(ObservedProvider, "tell", broken)
    world.send("buy", PLACES)
    with pytest.raises(JournalError):
        await world.until(lambda: False)
    world.faults.clear()
    assert asked(world) == ALL[:1]


async def test_a_time_limit_of_the_work_itself_is_no_stop() -> None:
    stop = Stop()
    stop.order = "o"

    async def late() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        await stop.unless(late)


async def test_what_is_given_up_is_given_up_once() -> None:
    """A second `cancel`, or the end of this program, may come while the first has its effect."""
    stop = Stop()
    stop.order = "o"

    async def slow_to_end() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stop.cancel()
            stop.end()

    working = asyncio.ensure_future(stop.unless(slow_to_end))
    await asyncio.sleep(0)
    stop.cancel()
    with pytest.raises(StoppedError):
        await working
    assert stop.is_cancelled


# --- cancel -----------------------------------------------------------------------------------------------------------


async def on_its_way(world: World, *outcomes: Any, **more: Any) -> Command:
    """A `buy` whose newest pair is asked for, the last of so many outcomes."""
    world.provider.script("buy", *outcomes)
    before, command = len(asked(world)), world.send("buy", {**PLACES, **more})
    await world.until(lambda: len(asked(world)) == before + len(outcomes))
    return command


@pytest.mark.parametrize("error", [NO_NUMBERS, INVALID_TOKEN, UNREACHABLE])
async def test_a_cancel_stops_after_the_pair_that_is_on_its_way(world: World, error: Any) -> None:
    buying = await on_its_way(world, NO_NUMBERS, Late(10, error))
    answers = [world.send("cancel", {"order": "current"}), world.send("cancel", {"order": "current"})]
    for each in answers:
        answer = await world.answer(each)
        assert (answer["status"], answer["data"]["state"], answer["data"]["refunded"]) == ("ok", "cancelled", None)
    answer = await world.answer(buying)
    assert (answer["error"]["code"], answer["error"]["retryable"]) == ("cancelled", False)
    order = await only(world)
    assert (order["state"], order["error"], order["purchase"]) == ("cancelled", None, None)
    assert [t[3] for t in tried(order)] == ["no_numbers", error.code.value]
    assert asked(world) == ALL[:2]
    assert world.moves(order["order"]) == ["buying", "cancelled"]
    assert await world.error("cancel", {"order": order["order"]}) == "order_closed"
    assert world.provider.count("cancel") == 0


async def test_what_was_bought_meanwhile_is_cancelled_as_ever(world: World) -> None:
    buying = await on_its_way(world, NO_NUMBERS, Late(10))
    order = await world.data("cancel", {"order": "current"})
    assert (order["state"], order["refunded"], order["purchase"]) == ("cancelled", True, "p1")
    assert (await world.answer(buying))["data"]["state"] == "waiting"
    assert asked(world) == ALL[:2]


async def test_what_is_in_doubt_is_not_cancelled(world: World) -> None:
    buying = await on_its_way(world, Late(10, LOST))
    assert await world.error("cancel", {"order": "current"}) == "not_cancellable"
    assert (await world.answer(buying))["status"] == "unknown"


async def test_a_cancel_between_two_pairs_waits_for_nothing_that_is_asked_there(world: World) -> None:
    world.provider.script("price", None, Late(None))
    buying = await on_its_way(world, NO_NUMBERS, max_price=3000)
    await world.until(lambda: world.provider.count("price") == 2)
    order = await world.data("cancel", {"order": "current"})
    assert (order["state"], len(order["tries"])) == ("cancelled", 1)
    assert (await world.answer(buying))["error"]["code"] == "cancelled"


async def test_a_cancel_holds_back_what_waits_for_its_turn(world: World) -> None:
    world.provider.script("buy", NO_NUMBERS)
    command = world.send("buy", PLACES)
    await world.until(lambda: bool(world.events("order")))
    world.provider.queue = 10
    await world.settle()
    await world.until(lambda: world.order(world.events("order")[0]["order"]["order"])["operator"] == "2")
    await world.data("cancel", {"order": "current"})
    assert (await world.answer(command))["error"]["code"] == "cancelled"
    assert asked(world) == ALL[:1]
    assert [t[:2] for t in tried(await only(world))] == ALL[:1], "it was never refused"


async def test_a_cancel_while_the_next_is_written_down(world: World) -> None:
    """Nothing of what is given up is sent."""
    ledger, commit = world.bridge.orders.ledger, world.journal.commit
    cancels: list[Command] = []

    async def slow(batch: Any, condition: Any = None) -> int:
        if condition is not None and ledger.open() and not cancels:
            cancels.append(world.send("cancel", {"order": "current"}))
            world.journal.commit = commit  # type: ignore[method-assign]
            await world.settle()
        return await commit(batch, condition)

    world.journal.commit = slow  # type: ignore[method-assign]
    world.provider.script("buy", NO_NUMBERS)
    assert await world.error("buy", PLACES) == "cancelled"
    assert (await world.answer(cancels[0]))["data"]["state"] == "cancelled"
    assert asked(world) == ALL[:1]


async def test_a_number_that_was_never_bought_counts_nowhere(opened: Opening) -> None:
    world = await opened(limits={"max_buys_per_hour": 1, "max_unused_per_day": 1, "max_spend_per_day": 2200})
    buying = await on_its_way(world, Late(10, NO_NUMBERS))
    await world.data("cancel", {"order": "current"})
    await world.answer(buying)
    assert (await world.buy())["state"] == "waiting"


async def test_a_number_that_was_never_bought_is_no_refund_for_others(world: World) -> None:
    buying = await on_its_way(world, Late(10, NO_NUMBERS))
    await world.data("cancel", {"order": "current"})
    await world.answer(buying)
    assert world.bridge.orders.ledger.last_refund == float("-inf")


# --- ends -------------------------------------------------------------------------------------------------------------


async def test_a_crash_with_one_on_its_way_leaves_a_doubt_and_tries_no_other(world: World) -> None:
    command = await on_its_way(world, NO_NUMBERS, Late(None), transaction="t")
    await world.restart(crash=True)
    answer = await world.answer(command)
    assert (answer["status"], answer["data"]["operator"]) == ("unknown", "2")
    assert tried(answer["data"]) == [("2", "1", None, "no_numbers")]
    await world.sleep(200)
    assert asked(world) == ALL[:2]
    assert (await only(world))["state"] == "failed", "the balance tells"


async def test_a_crash_between_two_pairs_leaves_a_doubt(world: World) -> None:
    world.provider.script("price", None, Late(None))
    command = await on_its_way(world, NO_NUMBERS, max_price=3000)
    await world.until(lambda: world.provider.count("price") == 2)
    await world.restart(crash=True)
    assert (await world.answer(command))["status"] == "unknown"
    await world.sleep(200)
    assert (asked(world), (await only(world))["state"]) == (ALL[:1], "failed")


async def test_a_cancel_that_a_crash_cut_off_means_the_order_that_there_was(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`current` is no other order, though the newest pair was written down after the `cancel` came."""
    first = await world.buy()
    await world.sleep(1)
    world.provider.script("buy", Late(5, NO_NUMBERS), Late(None))
    world.send("buy", PLACES)
    await world.until(lambda: len(asked(world)) == 2)
    ledger = world.bridge.orders.ledger
    monkeypatch.setattr(Stopping, "cancel", lambda *_: False)
    cancel = world.send("cancel", {"order": "current", "transaction": "c"})
    await world.until(lambda: len(asked(world)) == 3)
    record = ledger.open()[0]
    assert record.began is not None
    assert record.made - record.began >= 5
    await world.restart(crash=True)
    assert (await world.answer(cancel))["error"]["code"] == "not_cancellable"
    assert (await world.full(first["order"]))["state"] == "waiting"


async def test_a_cancel_that_was_carried_out_and_not_answered(world: World) -> None:
    buying = await on_its_way(world, Late(10, NO_NUMBERS))
    order = world.events("order")[0]["order"]["order"]
    done, canceller = asyncio.Event(), world.bridge.orders.canceller

    async def never(record: Any) -> Any:
        await done.wait()
        return record

    canceller._bought = never  # type: ignore[method-assign]
    cancel = world.send("cancel", {"order": order, "transaction": "c"})
    await world.answer(buying)
    await world.restart(crash=True)
    assert (await world.answer(cancel))["data"]["state"] == "cancelled"


async def test_an_end_lets_the_pair_that_is_on_its_way_end_and_tries_no_other(world: World) -> None:
    command = await on_its_way(world, NO_NUMBERS, Late(10, NO_NUMBERS), transaction="t")
    await world.restart()
    answer = await world.answer(command)
    assert (answer["error"]["code"], answer["error"]["retryable"]) == ("busy", True)
    order = await only(world)
    assert (order["state"], order["error"]["code"], len(order["tries"])) == ("failed", "busy", 2)
    assert asked(world) == ALL[:2]


async def test_an_end_between_two_pairs(world: World) -> None:
    world.provider.script("price", None, Late(None))
    command = await on_its_way(world, NO_NUMBERS, max_price=3000)
    await world.until(lambda: world.provider.count("price") == 2)
    await world.restart()
    assert (await world.answer(command))["error"]["code"] == "busy"
    assert (await only(world))["state"] == "failed"


async def test_an_end_before_the_first_pair_leaves_it_to_the_next_process(world: World) -> None:
    world.provider.script("price", Late(None))
    command = world.send("buy", {**PLACES, "max_price": 3000})
    await world.until(lambda: world.provider.count("price") == 1)
    await world.restart()
    assert (await world.answer(command))["data"]["operator"] == "1"


async def test_two_presses_are_one(opened: Opening) -> None:
    world = await opened(limits={"double_press": 3})
    first, second = world.send("buy", PLACES), world.send("buy", PLACES)
    assert (await world.answer(first))["status"] == "ok"
    assert (await world.answer(second))["error"]["code"] == "duplicate_command"
    assert (await world.data("buy", {**PLACES, "country": ["Russia", "3"]}))["state"] == "waiting"


async def test_what_another_journal_cancelled_before_it_was_bought(world: World) -> None:
    buying = await on_its_way(world, Late(10, NO_NUMBERS), transaction="t")
    await world.data("cancel", {"order": "current"})
    await world.answer(buying)
    held = {topic: payload for topic, payload in world.retained.now.items() if topic.startswith("orders/")}
    await world.stop()
    for file in world.directory.iterdir():
        file.unlink()
    world.clock.new_process()
    await world.start()
    assert held
    answer = await world.ask("buy", {**PLACES, "transaction": "t"})
    assert (answer["status"], answer["error"]["code"], answer["replayed"]) == ("error", "cancelled", True)
    (order,) = await world.data("query/orders", {"state": "all"})
    assert [t[3] for t in tried(order)] == ["no_numbers"]
    assert order["tries"][0]["price"] == json.loads(next(iter(held.values())))["tries"][0]["price"]


async def test_the_balance_is_read_anew_for_each_pair(world: World) -> None:
    world.provider.script("buy", Late(12, NO_NUMBERS), LOST)
    world.provider.always["profile"] = lambda _: Profile(world.provider.balance)
    answer = await world.ask("buy", PLACES)
    record = world.bridge.orders.ledger.get(answer["data"]["order"])
    assert record is not None
    assert record.evidence.balance == 100_000
    assert record.made - record.was_there >= 12
    assert record.evidence.asked >= record.made - 10
