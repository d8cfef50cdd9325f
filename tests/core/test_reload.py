"""The settings are read again while the core works: each key holds at once, and nothing is lost or doubled by it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.config import GivenSettings
from shomare_mqtt.config.in_force import InForce
from shomare_mqtt.errors import ErrorCode, ProviderFailedError, Upstream
from tests.core.provider import LOST, UNREACHABLE, Late, sms
from tests.core.world import PRODUCT

if TYPE_CHECKING:
    from tests.core.conftest import Opening
    from tests.core.world import Command, World

WATCHED = {"country": "2", "operator": "1"}


async def under_way(world: World, where: str, **fields: Any) -> Command:
    """A `buy` that waits for the provider's answer to something."""
    before = world.provider.count(where)
    command = world.send("buy", {**PRODUCT, **fields})
    await world.until(lambda: world.provider.count(where) == before + 1)
    return command


# --- the holder -----------------------------------------------------------------------------------------------------


def test_what_is_taken_while_a_daemon_begins_waits() -> None:
    one, two, three = (GivenSettings(refresh={"profile": n}) for n in (1, 2, 3))
    in_force, told = InForce(one), list[object]()
    in_force.listeners.append(told.append)
    in_force.hold_back()
    in_force.take(two)
    in_force.take(three)
    assert (in_force.now, in_force.newest, told) == (one, three, [])
    in_force.let_go()
    assert (in_force.now, in_force.newest, told) == (three, three, [one])
    in_force.hold_back()
    in_force.let_go()
    assert (in_force.now, told) == (three, [one])


# --- limits ---------------------------------------------------------------------------------------------------------

STRICTER = [
    ({"max_open_orders": 1}, "limit_reached"),
    ({"max_buys_per_hour": 1}, "limit_reached"),
    ({"max_spend_per_day": 4399}, "limit_reached"),
    ({"min_balance": 99_000}, "limit_reached"),
    ({"max_price": 2199}, "price_too_high"),
]
"""Where one was bought for 2,200 already, and another is about to be; what no longer allows that."""
ENOUGH = [
    {"max_open_orders": 2},
    {"max_buys_per_hour": 2},
    {"max_spend_per_day": 4400},
    {"min_balance": 95_600},
    {"max_price": 2200},
]
"""What just allows it."""


async def unsent(world: World, **fields: Any) -> Command:
    """A `buy` that is written down, and waits for its turn."""
    world.provider.queue = 5
    before = len(world.events("order"))
    command = world.send("buy", {**PRODUCT, **fields})
    await world.until(lambda: len(world.events("order")) > before)
    assert world.events("order")[-1]["event_type"] == "buying"
    return command


@pytest.mark.parametrize(("limits", "code"), STRICTER)
async def test_a_stricter_limit_counts_for_the_next_buy(opened: Opening, limits: dict[str, int], code: str) -> None:
    world = await opened(limits={"max_price": 9000})
    await world.buy()
    world.reload(limits=limits)
    assert await world.error("buy", PRODUCT) == code
    world.reload(limits=dict.fromkeys(limits))
    await world.buy()


async def test_a_window_for_double_presses(world: World) -> None:
    world.reload(limits={"double_press": 3})
    await world.buy()
    assert await world.error("buy", PRODUCT) == "duplicate_command"
    world.reload(limits={"double_press": 0})
    await world.buy()


@pytest.mark.parametrize(("limits", "code"), STRICTER)
async def test_a_stricter_limit_counts_for_a_buy_that_is_looked_at(
    opened: Opening, limits: dict[str, int], code: str
) -> None:
    world = await opened(limits={"max_price": 9000})
    await world.buy()
    world.provider.script("price", Late(5))
    command = await under_way(world, "price")
    world.reload(limits=limits)
    assert (await world.answer(command))["error"]["code"] == code
    assert world.provider.count("buy") == 1


async def test_other_limits_have_all_of_it_looked_at_again(world: World) -> None:
    """The first look needed no price, the second one does."""
    await world.sleep(60)
    world.provider.script("profile", Late(3))
    command = await under_way(world, "profile")
    world.reload(limits={"max_price": 2200})
    assert (await world.answer(command))["data"]["price"] == 2200
    assert (world.provider.count("price"), world.provider.count("buy")) == (1, 1)
    assert len(world.extensions.authorized) == 2


@pytest.mark.parametrize(("limits", "code"), STRICTER)
async def test_a_stricter_limit_holds_back_what_was_not_sent(
    opened: Opening, limits: dict[str, int], code: str
) -> None:
    world = await opened(limits={"max_price": 9000})
    await world.buy()
    command = await unsent(world, transaction="t")
    world.reload(limits=limits)
    answer = await world.answer(command)
    assert answer["error"]["code"] == code
    assert world.events("order")[-1]["event_type"] == "failed"
    assert world.provider.count("buy") == 1
    world.reload(limits={**dict.fromkeys(limits), "max_price": 9000})
    assert await world.error("buy", {**PRODUCT, "transaction": "t"}) == code, "its first answer"
    await world.buy()
    assert world.provider.count("buy") == 2


@pytest.mark.parametrize("limits", ENOUGH)
async def test_what_other_limits_allow_is_sent(opened: Opening, limits: dict[str, int]) -> None:
    """It does not count against itself."""
    world = await opened(limits={"max_price": 9000})
    await world.buy()
    command = await unsent(world)
    world.reload(limits=limits)
    assert (await world.answer(command))["data"]["state"] == "waiting"
    assert world.provider.count("buy") == 2


async def test_limits_that_change_while_they_are_looked_at(opened: Opening, monkeypatch: pytest.MonkeyPatch) -> None:
    """The strictest of them counts, however late it comes."""
    world = await opened(limits={"max_price": 9000})
    command = await unsent(world)
    world.reload(limits={"max_price": 8000})
    facts = world.journal.facts

    async def and_again(*args: Any) -> Any:
        monkeypatch.setattr(world.journal, "facts", facts)
        found = await facts(*args)
        world.reload(limits={"max_price": 2199})
        return found

    monkeypatch.setattr(world.journal, "facts", and_again)
    assert (await world.answer(command))["error"]["code"] == "price_too_high"
    assert world.provider.count("buy") == 0


@pytest.mark.parametrize("key", ["max_price", "max_spend_per_day", "min_balance"])
async def test_a_limit_that_needs_a_price_that_nobody_asked_for(world: World, key: str) -> None:
    command = await unsent(world)
    world.reload(limits={key: 5000})
    answer = await world.answer(command)
    assert answer["error"]["code"] == "limit_reached"
    assert "need the price" in answer["error"]["message"]
    assert world.provider.count("buy") == 0


async def test_a_limit_that_needs_a_balance_that_nobody_knows(opened: Opening) -> None:
    world = await opened(started=False, limits={"max_price": 9000})
    world.provider.always["profile"] = UNREACHABLE
    await world.start()
    command = await unsent(world)
    world.reload(limits={"min_balance": 1})
    assert (await world.answer(command))["error"]["code"] == "malformed_answer"
    assert world.provider.count("buy") == 0


async def test_a_buy_that_is_on_its_way_ends_as_it_does(world: World) -> None:
    world.provider.script("buy", Late(5))
    command = await under_way(world, "buy", transaction="t")
    world.reload(limits={"max_price": 1, "max_open_orders": 1}, orders={"lifetime": 600})
    answer = await world.answer(command)
    assert answer["data"]["state"] == "waiting"
    again = await world.ask("buy", {**PRODUCT, "transaction": "t"})
    assert again["data"]["order"] == answer["data"]["order"]
    assert world.provider.count("buy") == 1


async def test_a_buy_that_is_lost_is_settled_as_it_began(world: World) -> None:
    """Buying pauses for as long as its evidence takes, whatever the settings say meanwhile."""
    world.provider.script("buy", LOST)
    answer = await world.ask("buy", PRODUCT)
    assert answer["status"] == "unknown"
    world.reload(orders={"settle_delay": 300})
    assert await world.error("buy", PRODUCT) == "buying_paused"
    await world.state(world.events("order")[-1]["order"]["order"], "failed", 61)
    await world.buy()


# --- orders ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("before", "after", "at"), [(100, 10, [4.0, 14.0]), (10, 100, [4.0, 104.0])])
async def test_another_poll_interval(opened: Opening, before: float, after: float, at: list[float]) -> None:
    """What is left of a wait becomes shorter in the same measure; a longer one begins with the next wait."""
    world = await opened(orders={"poll_interval": before})
    await world.buy()
    await world.sleep(60 if before == 100 else 6)
    since = asyncio.get_running_loop().time()
    world.reload(orders={"poll_interval": after})
    await world.until(lambda: world.provider.count("check") == 2)
    assert [round(moment - since) for moment in world.provider.times("check")] == at


async def test_a_check_that_was_not_to_be_before_the_end(opened: Opening) -> None:
    world = await opened(orders={"poll_interval": 5000})
    await world.buy()
    await world.sleep(100)
    since = asyncio.get_running_loop().time()
    world.reload(orders={"poll_interval": 50})
    await world.until(lambda: world.provider.count("check") == 1)
    assert round(world.provider.times("check")[0] - since) == 50


async def test_orders_that_are_worked_on_are_left_alone(opened: Opening) -> None:
    world = await opened(orders={"poll_interval": 50})
    await world.buy()
    world.provider.script("check", Late(5))
    await world.until(lambda: world.provider.count("check") == 1)
    world.reload(orders={"poll_interval": 5})
    await world.until(lambda: world.provider.count("check") == 2)
    first, second = world.provider.times("check")
    assert round(second - first) == 10


async def test_what_the_provider_asked_to_wait_stays_as_long(opened: Opening) -> None:
    """A shorter interval is ours; `Retry-After` is the provider's word, and who asks sooner is locked out longer."""
    world = await opened(orders={"poll_interval": 50})
    await world.buy()
    failed = ProviderFailedError(ErrorCode.PROVIDER_ERROR, "429", Upstream(429), retry_after=200.0)
    world.provider.script("check", failed)
    await world.sleep(60)
    world.reload(orders={"poll_interval": 5})
    await world.until(lambda: world.provider.count("check") == 2)
    assert world.provider.times("check")[:2] == pytest.approx([50, 250])


async def test_another_lifetime_is_that_of_the_next_number(world: World) -> None:
    first = await world.buy()
    world.reload(orders={"lifetime": 600})
    second = await world.buy()
    assert world.order(first["order"])["expires_at"] == first["expires_at"]
    assert second["expires_at"] < first["expires_at"]


@pytest.mark.parametrize("on", [True, False])
async def test_whether_an_open_order_is_cancelled_at_its_end(opened: Opening, on: bool) -> None:
    world = await opened(orders={"cancel_on_expiry": not on})
    order = await world.buy()
    world.reload(orders={"cancel_on_expiry": on})
    closed = await world.state(order["order"], "expired", 1300)
    assert (world.provider.count("cancel"), closed["refunded"]) == ((1, True) if on else (0, None))


async def test_how_long_closed_orders_stay(world: World) -> None:
    order = (await world.buy())["order"]
    await world.data("cancel", {"order": order})
    await world.sleep(100)
    world.reload(orders={"keep_closed": 60})
    await world.settle()
    assert world.retained.now[f"orders/{order}"] == b""


async def test_how_long_transactions_are_known(world: World) -> None:
    await world.buy(transaction="t")
    await world.sleep(100)
    world.reload(orders={"remember": 60})
    await world.buy(transaction="t")
    world.reload(orders={"remember": 3600})
    await world.buy(transaction="t")
    assert world.provider.count("buy") == 2


# --- privacy --------------------------------------------------------------------------------------------------------


async def test_retained_codes_go_at_once_and_come_with_the_next(opened: Opening) -> None:
    world = await opened(privacy={"retain_codes": True})
    order = await world.buy()
    world.provider.gets(order["purchase"], sms())
    await world.state(order["order"], "received")
    topics = (f"orders/{order['order']}", "orders", "current")
    assert all(b"48213" in world.retained.now[topic] for topic in topics)
    world.reload(privacy={"retain_codes": False})
    assert not any(b"48213" in payload for payload in world.retained.now.values())
    world.reload(privacy={"retain_codes": True})
    await world.settle()
    assert not any(b"48213" in payload for payload in world.retained.now.values())
    world.provider.gets(order["purchase"], sms("Your code is 77777"))
    await world.until(lambda: b"77777" in world.retained.now["current"])


# --- the market -----------------------------------------------------------------------------------------------------


async def test_lists_and_the_profile_are_renewed_sooner(world: World) -> None:
    await world.sleep(200)
    counts = {call: world.provider.count(call) for call in ("profile", "countries")}
    world.reload(refresh={"catalog": 300})
    world.reload(refresh={"catalog": 300, "profile": 20})
    await world.sleep(21)
    assert world.provider.count("profile") == counts["profile"] + 1
    assert world.provider.count("countries") == counts["countries"]
    await world.sleep(80)
    assert world.provider.count("countries") == counts["countries"] + 1
    assert world.provider.count("profile") == counts["profile"] + 5


async def test_a_list_that_is_old_enough_by_now_is_read_at_once(world: World) -> None:
    await world.sleep(200)
    before = world.provider.count("operators")
    world.reload(refresh={"catalog": 100})
    await world.settle()
    assert world.provider.count("operators") == before + 1


async def test_prices_that_are_watched_and_that_are_not_any_more(opened: Opening) -> None:
    world = await opened(prices=[WATCHED, {"country": "Georgia", "operator": "MCI"}])
    await world.until(lambda: {"prices/2/1", "prices/3/1"} <= set(world.retained.now))
    world.reload(prices=[{"country": "Iran", "operator": 2, "application": "Snapp"}, WATCHED])
    assert world.retained.now["prices/3/1"] == b""
    await world.until(lambda: "prices/1/2" in world.retained.now)
    prices = world.bridge.market.prices
    assert sorted(prices.watched.values(), key=str) == [("1", "2", "3"), ("2", "1", None)]
    assert len(prices.settled) == 2
    asked = [ids for call, _, ids in world.provider.calls if call == "prices"]
    await world.sleep(4000)
    assert ("3", "1") not in [ids for call, _, ids in world.provider.calls if call == "prices"][len(asked) :]
    world.reload(prices=[])
    assert world.retained.now["prices/1/2"] == world.retained.now["prices/2/1"] == b""
    await world.restart(prices=[WATCHED])
    await world.until(lambda: "prices/2/1" in world.retained.now)


async def test_two_of_one_place(opened: Opening) -> None:
    """Its list stays as long as one of them is watched."""
    world = await opened(prices=[WATCHED, {**WATCHED, "application": "1"}, WATCHED])
    await world.until(lambda: len(world.bridge.market.prices.settled) == 3)
    world.reload(prices=[WATCHED])
    assert world.retained.now["prices/2/1"]
    await world.sleep(10)
    assert (len(world.bridge.market.prices.settled), len(world.bridge.market.prices.watched)) == (1, 1)


async def test_prices_that_are_gone_before_they_are_looked_up(opened: Opening) -> None:
    world = await opened(
        started=False, prices=[{"country": "Georgia", "operator": "MCI"}, {"country": "Georgia", "operator": "No"}]
    )
    world.provider.script("operators", Late(5))
    await world.start()
    await world.sleep(1)
    world.reload(prices=[])
    await world.sleep(100)
    assert not world.bridge.market.prices.watched
    assert not world.bridge.market.prices.settled
    assert "prices/3/1" not in world.retained.now
    assert world.bridge_events("name_unknown") == []


async def test_prices_that_are_gone_as_they_are_written_down(opened: Opening, monkeypatch: pytest.MonkeyPatch) -> None:
    world = await opened()
    put_meta = world.journal.put_meta

    async def and_gone(values: Any) -> None:
        await put_meta(values)
        monkeypatch.setattr(world.journal, "put_meta", put_meta)
        world.reload(prices=[])

    monkeypatch.setattr(world.journal, "put_meta", and_gone)
    world.reload(prices=[WATCHED])
    await world.sleep(10)
    prices = world.bridge.market.prices
    assert (prices.numbers, prices.watched, prices.settled) == ((), {}, set())
    assert not world.retained.now.get("prices/2/1")


async def test_what_is_wrong_with_names_is_said_again(opened: Opening) -> None:
    world = await opened(prices=[{"country": "Rusia", "operator": 1}], defaults={"country": "Rusia"})
    await world.until(lambda: len(world.bridge_events("name_unknown")) == 2)
    world.reload(prices=[WATCHED, {"country": "Rusia", "operator": 1}])
    await world.until(lambda: len(world.bridge_events("name_unknown")) == 4)
    said = [event["message"] for event in world.bridge_events("name_unknown")]
    assert sum(text.startswith("prices[0] is left out") for text in said) == 1
    assert sum(text.startswith("prices[1] is left out") for text in said) == 1
    assert sum(text.startswith("defaults.country is left out") for text in said) == 2


async def test_defaults_of_the_file(opened: Opening) -> None:
    world = await opened(defaults={"country": 1, "operator": "MCI", "application": "Snapp", "max_price": 3000})
    await world.until(lambda: world.text("defaults/application") == "3")
    await world.data("defaults/operator/set", "2")
    world.reload(defaults={"country": 2, "operator": 1, "application": "Telegram", "max_price": 2199})
    assert world.text("defaults/country") == "2", "an id holds at once"
    assert (await world.ask("buy", {}))["error"]["code"] in ("price_too_high", "invalid_command")
    await world.until(lambda: world.text("defaults/application") == "1")
    assert world.text("defaults/operator") == "2", "what was set over MQTT outranks the file"
    assert world.text("defaults/max_price") == "2199"
    world.reload(defaults={"application": "Vatsap"})
    await world.until(lambda: bool(world.bridge_events("name_unknown")))
    answer = await world.ask("buy", {"max_price": 5000})
    assert 'defaults.application = "Vatsap" in the settings is of no use' in answer["error"]["message"]


async def test_the_quote_of_another_product_goes_at_once(opened: Opening) -> None:
    """Its own waits in line behind all else: until then none is shown beside the new defaults."""
    world = await opened(defaults={"country": 2, "operator": 1, "application": 1})
    await world.until(lambda: bool(world.retained.now.get("quote")))
    world.provider.script("price", Late(50))
    world.reload(defaults={"application": 3})
    assert (world.text("defaults/application"), world.text("quote")) == ("3", "")
    await world.until(lambda: bool(world.retained.now.get("quote")))
    assert '"application":"3"' in world.text("quote")


@pytest.mark.parametrize("known", [True, False])
async def test_a_default_that_changes_while_it_is_looked_up(opened: Opening, known: bool) -> None:
    """No `buy` is to take what the file said before."""
    world = await opened(started=False, defaults={"country": "Georgia" if known else "Narnia"})
    world.provider.script("countries", Late(5))
    await world.start()
    await world.sleep(1)
    found = []
    resolve = world.bridge.market.catalogs.resolve

    async def and_look(*args: Any, **more: Any) -> str:
        try:
            return await resolve(*args, **more)
        finally:
            found.append(world.bridge.market.defaults.get("country"))

    world.bridge.market.catalogs.resolve = and_look  # type: ignore[method-assign]
    world.reload(defaults={"country": "1"})
    assert world.text("defaults/country") == "1"
    await world.sleep(100)
    assert world.text("defaults/country") == "1"
    assert set(found) == {"1"}
    assert world.bridge_events("name_unknown") == []
