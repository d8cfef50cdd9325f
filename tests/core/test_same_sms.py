"""Which SMS are one and the same, in whatever manner a provider shows them (contract, Events)."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.core.provider import sms

if TYPE_CHECKING:
    from shomare_mqtt.model import SmsReading
    from tests.core.conftest import Opening
    from tests.core.world import World

MINUTE = 60.0
A, B, C = "Your code is 11111", "Your code is 22222", "Your code is 33333"


def at(minute: int) -> datetime:
    return datetime(2026, 3, 1, 12, minute, tzinfo=UTC)


async def shown(world: World, *answers: list[SmsReading]) -> list[str]:
    """The codes of the SMS published while a number shows these answers, each for a minute."""
    for answer in answers:
        number = world.provider.numbers["p1"]
        number.sms[:] = answer
        await world.sleep(MINUTE)
    return [event["code"] for event in world.events("sms")]


ONE_AFTER_THE_OTHER = {
    "the same, sent again": ([[sms(A)], [sms(A)]], 1),
    "the same again after another": ([[sms(A)], [sms(B)], [sms(A)]], 3),
    "and after two": ([[sms(A)], [sms(B)], [sms(C)], [sms(A)]], 4),
    "codes alone": ([[sms(None, "11111")], [sms(None, "22222")], [sms(None, "11111")]], 3),
    "nothing in between": ([[sms(A)], [], [sms(A)]], 1),
    "another id": ([[sms(A, provider_id="x")], [sms(A, provider_id="y")]], 2),
    "and later the first": ([[sms(A, provider_id="x")], [sms(A, provider_id="y")], [sms(A, provider_id="x")]], 2),
    "the first id again": ([[sms(A, provider_id="x")], [sms(B, provider_id="y")], [sms(A, provider_id="x")]], 2),
    "one id for all": ([[sms(A, provider_id="7")], [sms(B, provider_id="7")], [sms(A, provider_id="7")]], 3),
    "an id that comes late": ([[sms(A)], [sms(A, provider_id="x")]], 1),
    "an id that is gone": ([[sms(A, provider_id="x")], [sms(A)]], 1),
    "another time alone": ([[sms(A, received_at=at(0))], [sms(A, received_at=at(3))]], 1),
    "again, with a time": ([[sms(A, received_at=at(0))], [sms(B, received_at=at(1))], [sms(A, received_at=at(2))]], 3),
    "an old answer": ([[sms(A, received_at=at(0))], [sms(B, received_at=at(1))], [sms(A, received_at=at(0))]], 2),
    "one time for all": ([[sms(A, received_at=at(0))], [sms(B, received_at=at(0))], [sms(A, received_at=at(0))]], 3),
    "an empty code": ([[sms(A, "")], [sms(A, "")], [sms(A)]], 1),
    "the text comes later": ([[sms(None, "11111")], [sms(A, "11111")]], 1),
}  # fmt: skip
ALL_AT_ONCE = {
    "the list grows": ([[sms(A)], [sms(A), sms(B)]], 2),
    "an old list": ([[sms(A)], [sms(A), sms(B)], [sms(A)], [sms(A), sms(B)]], 2),
    "the newest first": ([[sms(A)], [sms(B), sms(A)]], 2),
    "the same twice without ids": ([[sms(A), sms(A)]], 1),
    "the same twice with ids": ([[sms(A, provider_id="1"), sms(A, provider_id="2")]], 2),
    "the second is new": ([[sms(A, provider_id="1")], [sms(A, provider_id="1"), sms(A, provider_id="2")]], 2),
    "one id twice": ([[sms(A, provider_id="1"), sms(A, provider_id="1")]], 1),
    "one with an id, one without": ([[sms(A, provider_id="1"), sms(A)]], 1),
    "one without an id, one with": ([[sms(A), sms(A, provider_id="1")]], 1),
    "between others": (
        [[sms(A, provider_id="1"), sms(B, provider_id="2"), sms(A, provider_id="3")]], 3,
    ),
    "ids that are places, the newest first": (
        [[sms(A, provider_id="1")], [sms(B, provider_id="1"), sms(A, provider_id="2")],
         [sms(C, provider_id="1"), sms(B, provider_id="2"), sms(A, provider_id="3")]], 3,
    ),
    "places, and the first again": (
        [[sms(A, provider_id="1")], [sms(B, provider_id="1"), sms(A, provider_id="2")],
         [sms(A, provider_id="1"), sms(B, provider_id="2"), sms(A, provider_id="3")]], 3,
    ),
    "the oldest drops out": ([[sms(A), sms(B)], [sms(B), sms(C)], [sms(C)]], 3),
}  # fmt: skip


@pytest.mark.parametrize(
    ("answers", "count"), (ONE_AFTER_THE_OTHER | ALL_AT_ONCE).values(), ids=(ONE_AFTER_THE_OTHER | ALL_AT_ONCE).keys()
)
@pytest.mark.parametrize("restarts", [False, True], ids=["one life", "a restart before each"])
async def test_each_once(world: World, answers: Any, count: int, restarts: bool) -> None:
    order = await world.buy()
    for answer in answers:
        if restarts:
            await world.restart(crash=True)
        codes = await shown(world, answer)
    assert len(codes) == count
    assert world.codes() == codes, "the topic follows"
    assert world.bridge.orders.ledger.newest_code() == codes[-1]
    full = await world.full(order["order"])
    ids = [s["sms"] for s in full["sms"]]
    assert ids == [event["sms"] for event in world.events("sms")]
    assert len(set(ids)) == count
    await world.restart(crash=True)
    assert await shown(world, answers[-1]) == codes, "and never again"


async def test_the_code_is_the_one_that_came_last(world: World) -> None:
    await world.buy()
    assert await shown(world, [sms(A)], [sms(B)], [sms(A)]) == ["11111", "22222", "11111"]
    assert world.codes()[-1] == "11111"
    world.bridge.orders.ledger.publish_code_again()
    assert world.broker.volatile[-1].payload == b"11111"


async def test_an_older_time_makes_no_code_older(world: World) -> None:
    """What came last is the newest, whatever times the provider gives: the topic said so already."""
    await world.buy()
    await shown(world, [sms(A, received_at=at(9))], [sms(B, received_at=at(2))])
    assert (world.codes()[-1], world.bridge.orders.ledger.newest_code()) == ("22222", "22222")


async def test_an_id_that_is_made_up_for_each_answer_is_none(opened: Opening) -> None:
    """Else each poll would bring the same SMS again."""
    world = await opened()
    order = await world.buy()
    numbers = itertools.count()
    texts = [A]

    def answer(_: str) -> Any:
        return world.provider._check("p1").__class__(
            world.provider.numbers["p1"].state,
            tuple(sms(text, provider_id=f"r-{next(numbers)}") for text in texts),
        )

    world.provider.always["check"] = answer
    await world.sleep(120)
    assert world.order(order["order"])["sms_count"] == 1
    texts.append(A)
    await world.sleep(120)
    assert world.order(order["order"])["sms_count"] == 2, "two in one answer are two"
    await world.restart(crash=True)
    await world.sleep(120)
    assert world.order(order["order"])["sms_count"] == 2


async def test_an_id_that_a_cache_keeps_for_some_polls_brings_no_sms_for_ever(world: World) -> None:
    """It is made up for each answer, and stays as long as the answer does."""
    order = await world.buy()
    await shown(world, *([sms(A, provider_id=f"r-{number}")] for number in range(20)))
    assert world.order(order["order"])["sms_count"] == 5


async def test_answers_of_two_minds_do_not_go_on_for_ever(world: World) -> None:
    """Two servers of the provider's, one of which lags behind, each showing the newest SMS that it knows."""
    order = await world.buy()
    minds = itertools.cycle([A, B])
    world.provider.always["check"] = lambda _: world.provider._check("p1").__class__(None, (sms(next(minds)),))
    await world.sleep(600)
    assert world.order(order["order"])["sms_count"] == 10


async def test_an_order_of_before_ids_were_believed(world: World) -> None:
    """A number closed, and its SMS are looked for once more: nothing of it is doubled."""
    order = await world.buy()
    await shown(world, [sms(A, provider_id="x")])
    await world.data("cancel", {"order": order["order"]})
    for _ in range(3):
        await world.data("query/check", {"order": order["order"]})
    assert len(world.events("sms")) == 1
    world.provider.gets("p1", sms(A, provider_id="y"))
    await world.data("query/check", {"order": order["order"]})
    await world.settle()
    assert len(world.events("sms")) == 2
