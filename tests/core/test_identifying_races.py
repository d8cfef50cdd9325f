"""A purchase's id while others are asked about, or found out, at the same moment: no order takes another's number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.model import Candidate, Purchase
from tests.core.provider import NOT_FOUND, PRICE, Late, Number, sms
from tests.core.world import PRODUCT

if TYPE_CHECKING:
    from tests.core.world import World

FIRST, RIGHT, THIRD = "data.id", "data.order_id", "data.ref"


def asked(world: World, call: str = "check") -> list[Any]:
    return [what for name, _, what in world.provider.calls if name == call]


def shifted(own: str) -> dict[str | None, str]:
    """Rows are numbered one behind purchases: the row's id of the second is the purchase's of the first."""
    number = int(own.removeprefix("p"))
    return {FIRST: f"p{number - 1}", RIGHT: own}


@pytest.mark.parametrize("round_", [2, 3])
async def test_a_round_in_vain_that_ends_late_takes_nothing_back(world: World, round_: int) -> None:
    world.provider.ids = lambda own: {FIRST: f"row-{own}", RIGHT: own, THIRD: f"ref-{own}"}
    world.provider.script("check", *[NOT_FOUND] * (3 * round_ - 1), Late(5.0, NOT_FOUND))
    order = await world.buy()
    await world.until(lambda: world.provider.count("check") == 3 * round_)
    found = await world.data("query/check", {"order": order["order"]})
    assert found["purchase"] == "p1"
    await world.sleep(6)
    world.provider.gets("p1", sms())
    await world.sleep(60)
    assert world.order(order["order"])["purchase"] == "p1"
    assert [event["code"] for event in world.events("sms")] == ["48213"]
    assert world.provider.chosen == {"buy.purchase": RIGHT}


@pytest.mark.parametrize("delay", [0.0, 3.0])
async def test_of_two_at_once_none_takes_the_others_number(world: World, delay: float) -> None:
    world.provider.ids = shifted
    world.provider.script("check", Late(delay))
    commands = [world.send("buy", {**PRODUCT, "application": own}) for own in ("1", "2")]
    orders = [(await world.answer(command))["data"]["order"] for command in commands]
    await world.sleep(60)
    assert sorted(world.order(order)["purchase"] for order in orders) == ["p1", "p2"]
    assert {n.purchase: n.product.application for n in world.provider.alive if n.product} == {
        world.order(order)["purchase"]: world.order(order)["application"] for order in orders
    }
    for own in ("p1", "p2"):
        world.provider.gets(own, sms(f"Your code is 1234{own[1]}"))
    await world.sleep(60)
    assert {(e["order"], e["code"]) for e in world.events("sms")} == {
        (order, f"1234{world.order(order)['purchase'][1]}") for order in orders
    }


@pytest.mark.parametrize(
    ("phone", "ids", "purchase"),
    [
        ("+79310000002", {FIRST: "p1", RIGHT: "p2"}, "p2"),
        ("+79310000002", {FIRST: "p1"}, None),
        ("+79310000001", {FIRST: "p1", RIGHT: "p2"}, None),
        (None, {FIRST: "p1", RIGHT: "p2"}, None),
    ],
    ids=["another number", "and no other id", "the same number", "no number"],
)
async def test_what_another_numbers_order_has_is_not_its_id(
    world: World, phone: str | None, ids: dict[str | None, str], purchase: str | None
) -> None:
    await world.buy()
    await world.sleep(60)
    candidates = tuple(Candidate(place, own) for place, own in ids.items())
    world.provider.script("buy", Purchase("p1", phone, candidates=candidates, is_tried=True))
    answer = await world.ask("buy", {**PRODUCT, "application": "2"})
    assert answer["data"]["purchase"] == purchase
    assert answer["status"] == ("unknown" if purchase is None else "ok")


def answered(first: str, right: str, phone: str) -> Purchase:
    return Purchase(first, phone, candidates=(Candidate(FIRST, first), Candidate(RIGHT, right)))


async def test_nothing_is_concluded_while_another_is_bought(world: World) -> None:
    """The answer that is still to come holds the id as well, and is the one whose it is."""
    for own in ("p9", "p10"):
        world.provider.numbers[own] = Number(own, PRICE)
    late, soon = answered("p8", "p9", "+79310000009"), answered("p9", "p10", "+79310000010")
    world.provider.script("buy", Late(3.0, late), soon)
    other = world.send("buy", PRODUCT)
    await world.settle()
    order = await world.buy(application="2")
    await world.settle()
    assert (asked(world), world.provider.chosen) == (["p9"], {})
    first = (await world.answer(other))["data"]
    await world.sleep(60)
    assert [world.order(each["order"])["purchase"] for each in (first, order)] == ["p9", "p10"]
    assert world.provider.chosen == {"buy.purchase": RIGHT}
