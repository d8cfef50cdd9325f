"""What was bought, what came of it, what it cost: the answer and the retained topic (contract, `query/statistics`)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.core.provider import LOST, NO_NUMBERS, Acting, sms
from tests.core.virtual import START

if TYPE_CHECKING:
    from tests.core.conftest import Opening
    from tests.core.world import World

NOTHING = {
    "orders": 0, "received": 0, "unused": 0, "failed": 0, "unknown": 0, "success": None, "seconds_to_sms": None,
    "spent": 0, "refunded": 0, "cost_per_code": None,
}  # fmt: skip
TEHRAN = timedelta(hours=3, minutes=30)


async def bought(world: World, **more: Any) -> Any:
    """An order whose price is known, since there is a limit to it."""
    return await world.buy(max_price=5000, **more)


async def received(world: World, after: float = 30, **more: Any) -> Any:
    """An order whose SMS came so many seconds after it."""
    order = await bought(world, **more)
    await world.sleep(after)
    world.provider.gets(order["purchase"], sms("Your code is 11111"))
    await world.state(order["order"], "received", 60)
    return order


async def told(world: World, **more: Any) -> Any:
    return await world.data("query/statistics", more)


async def test_nothing_was_bought(world: World) -> None:
    """Thirty days of the provider's, today the last of them."""
    answer = await told(world)
    assert answer["total"] == {**NOTHING, "spent_today": 0}
    assert answer["groups"] == []
    midnight = datetime(2026, 3, 1, tzinfo=UTC) - TEHRAN
    until = midnight + timedelta(days=1)
    assert datetime.fromisoformat(answer["until"]) == until
    assert datetime.fromisoformat(answer["since"]) == until - timedelta(days=30)
    assert until > START


async def test_everything_that_can_become_of_an_order(opened: Opening) -> None:
    world = await opened(orders={"settle_delay": 5})
    await received(world, 30)
    await received(world, 60)
    cancelled = await bought(world)
    await world.data("cancel", {"order": cancelled["order"]})
    world.provider.script("buy", NO_NUMBERS)
    await world.error("buy", {"country": "2", "operator": "1", "application": "1"})
    open_order = await bought(world, application="2")
    world.provider.script("buy", Acting(LOST))
    unknown = await world.ask("buy", {"country": "3", "operator": "1", "application": "1"})
    assert unknown["status"] == "unknown"
    await world.sleep(20)
    answer = await told(world)
    assert answer["total"] == {
        "orders": 4, "received": 2, "unused": 1, "failed": 1, "unknown": 1, "success": 2 / 3,
        "seconds_to_sms": pytest.approx(47.5, abs=5), "spent": 3 * 2200, "refunded": 2200, "cost_per_code": 3300,
        "spent_today": 3 * 2200,
    }  # fmt: skip
    first, second = answer["groups"]
    assert (first["application"], first["orders"], first["unknown"], first["spent"]) == ("1", 3, 1, 2 * 2200)
    assert second == {
        **NOTHING, "application": "2", "application_name": open_order["application_name"], "orders": 1, "spent": 2200,
    }  # fmt: skip


async def test_an_order_in_doubt_costs_what_is_known_to_be_gone(opened: Opening) -> None:
    world = await opened(orders={"settle_delay": 60})
    world.provider.script("buy", Acting(LOST))
    await world.ask("buy", {"country": "2", "operator": "1", "application": "1"})
    total = (await told(world))["total"]
    assert (total["orders"], total["unknown"], total["spent"]) == (0, 1, 0)
    await world.sleep(300)
    (order,) = await world.data("query/orders")
    assert (order["state"], order["charged"]) == ("unknown", 2200), "the balance tells"
    total = (await told(world))["total"]
    assert (total["orders"], total["unknown"], total["spent"], total["spent_today"]) == (0, 1, 2200, 2200)


@pytest.mark.parametrize("by", ["country", "operator", "application"])
async def test_by_each_field_with_its_name(world: World, by: str) -> None:
    values = ("1", "2")
    orders = [await received(world, after=30, **{by: value}) for value in (*values, values[1])]
    answer = await told(world, by=[by])
    assert [(g[by], g[f"{by}_name"], g["orders"]) for g in answer["groups"]] == [
        ("2", orders[1][f"{by}_name"], 2),
        ("1", orders[0][f"{by}_name"], 1),
    ]
    assert answer["groups"][0].keys() == {by, f"{by}_name", *NOTHING}


async def test_a_name_that_no_list_holds_any_more_is_the_order_s(world: World) -> None:
    name = (await received(world))["country_name"]
    catalogs = world.bridge.market.catalogs
    catalogs._lists.clear()
    (group,) = (await told(world, by=["country"]))["groups"]
    assert name
    assert group["country_name"] == name


async def test_by_day_and_more_in_the_order_that_was_asked_for(opened: Opening) -> None:
    """Days begin at midnight in Tehran: half past eight in the evening by UTC."""
    world = await opened(provider={"timezone": "Asia/Tehran"})
    await received(world)
    await world.sleep((START.replace(hour=20, minute=30) - world.clock.now()).total_seconds() + 60)
    await received(world)
    await received(world, country="3")
    answer = await told(world, by=["country", "day"])
    assert [(g["country"], g["day"], g["orders"]) for g in answer["groups"]] == [
        ("2", "2026-03-01", 1),
        ("2", "2026-03-02", 1),
        ("3", "2026-03-02", 1),
    ]
    assert (answer["total"]["spent"], answer["total"]["spent_today"]) == (3 * 2200, 2 * 2200)
    assert [g["day"] for g in (await told(world, by=["day"]))["groups"]] == ["2026-03-01", "2026-03-02"]
    assert (await told(world, days=1))["total"]["orders"] == 2, "today alone"
    assert (await told(world, by=[]))["groups"] == []


async def test_days_where_the_clocks_change(opened: Opening) -> None:
    """On 29 March 2026 a day in Berlin has 23 hours, and what is bought in its last one is of that day."""
    world = await opened(started=False, provider={"timezone": "Europe/Berlin"})
    world.clock.jump(seconds=(datetime(2026, 3, 29, 21, 59, tzinfo=UTC) - START).total_seconds())
    await world.start()
    await world.buy()
    await world.sleep(60)
    await world.buy()
    assert [(g["day"], g["orders"]) for g in (await told(world, by=["day"]))["groups"]] == [
        ("2026-03-29", 1),
        ("2026-03-30", 1),
    ]


async def test_a_clock_that_was_wrong_leaves_an_order_where_it_belongs(world: World) -> None:
    """A machine without a battery thinks that it is 1970; its steady time knows better."""
    world.clock.jump(days=-40 * 365)
    await world.buy()
    world.clock.jump(days=40 * 365)
    assert (await told(world))["total"]["orders"] == 1
    assert (await told(world, days=1))["total"]["orders"] == 1


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"days": 0}, "days: must be from 1 to 3650"),
        ({"days": 3651}, "days: must be from 1 to 3650"),
        ({"days": True}, "days: must be an integer"),
        ({"by": "day"}, "by: must be a list of some of application, country, operator, day"),
        ({"by": ["phone"]}, "by: must be a list of some of application, country, operator, day"),
        ({"by": [{}]}, "by: must be a list of some of application, country, operator, day"),
    ],
)
async def test_what_cannot_be_asked(world: World, given: dict[str, Any], words: str) -> None:
    answer = await world.ask("query/statistics", given)
    assert (answer["error"]["code"], answer["error"]["message"]) == ("invalid_command", words)


async def test_one_field_twice_is_there_once(world: World) -> None:
    await received(world)
    assert len((await told(world, by=["day", "day"], days=3650))["groups"]) == 1


# --- the retained topic ---------------------------------------------------------------------------------------------


def published(world: World) -> list[bytes]:
    return [payload for topic, payload in world.retained.ever if topic == "statistics"]


async def test_the_topic_says_what_the_query_is_answered(world: World) -> None:
    assert world.json("statistics") == await told(world), "from the start"
    order = await received(world)
    await world.sleep(2)
    assert world.json("statistics") == await told(world)
    assert world.json("statistics")["total"]["received"] == 1
    await world.state(order["order"], "finished")
    await world.sleep(2)
    assert world.json("statistics") == await told(world)


async def test_the_topic_is_renewed_only_when_it_says_something_else(world: World) -> None:
    order = await received(world)
    await world.sleep(5)
    before = len(published(world))
    await world.data("query/check", {"order": order["order"]})
    await world.sleep(3600)
    assert len(published(world)) == before


async def test_many_orders_at_once_are_told_together(world: World) -> None:
    await world.sleep(5)
    before = len(published(world))
    for _ in range(10):
        order = await world.buy()
        await world.data("cancel", {"order": order["order"]})
    await world.sleep(3)
    assert world.json("statistics")["total"]["unused"] == 10
    assert len(published(world)) - before <= 3


async def test_a_new_day_begins_with_nothing_spent(opened: Opening) -> None:
    world = await opened(provider={"timezone": "Asia/Tehran"})
    await received(world)
    left = (datetime(2026, 3, 1, 20, 30, tzinfo=UTC) - world.clock.now()).total_seconds()
    await world.sleep(left - 1)
    assert world.json("statistics")["total"]["spent_today"] == 2200
    await world.sleep(2)
    assert world.json("statistics")["total"]["spent_today"] == 0
    assert world.json("statistics")["total"]["spent"] == 2200


async def test_the_clock_is_set_to_another_day(world: World) -> None:
    await received(world)
    await world.sleep(2)
    until = world.json("statistics")["until"]
    world.clock.jump(days=1)
    await world.sleep(700)
    assert world.json("statistics")["until"] > until


async def test_figures_outlive_the_process(world: World) -> None:
    await received(world)
    before = await told(world)
    await world.restart(crash=True)
    assert await told(world) == before
    assert world.json("statistics") == before


async def test_an_sms_that_comes_late_counts(world: World) -> None:
    """The order expired, and a check finds its SMS all the same."""
    world.provider.script("cancel", LOST)
    order = await world.buy()
    ended = await world.state(order["order"], "expired", 1300)
    assert (await told(world))["total"]["unused"] == 1
    world.provider.gets(ended["purchase"], sms("Your code is 11111"))
    await world.data("query/check", {"order": order["order"]})
    await world.sleep(2)
    total = world.json("statistics")["total"]
    assert (total["received"], total["unused"]) == (1, 0)
