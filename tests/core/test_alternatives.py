"""One `buy` in several places: one after the other, and at most one number (contract, Alternatives)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.core.provider import NO_NUMBERS, NOT_FOUND, UNREACHABLE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.core.world import World

    Opening = Callable[..., Awaitable[World]]

PLACES = {"country": ["Russia", 1], "operator": ["1", "Irancell"], "application": "1"}
ALL = [("2", "1"), ("2", "2"), ("1", "1"), ("1", "2")]


def asked(world: World) -> list[tuple[str, str]]:
    """The pairs that the provider was asked for, in order."""
    return [(p.country, p.operator) for call, _, p in world.provider.calls if call == "buy"]


def tried(order: Any) -> list[tuple[str, str, Any, str]]:
    return [(t["country"], t["operator"], t["price"], t["error"]["code"]) for t in order["tries"]]


async def test_the_first_that_there_is_is_bought(world: World) -> None:
    world.provider.script("buy", NO_NUMBERS, NOT_FOUND)
    order = await world.data("buy", PLACES)
    assert (order["state"], order["country"], order["operator"]) == ("waiting", "1", "1")
    assert (order["country_name"], order["operator_name"]) == ("Iran", "MCI")
    assert tried(order) == [("2", "1", None, "no_numbers"), ("2", "2", None, "not_found")]
    assert asked(world) == ALL[:3]
    assert world.moves(order["order"]) == ["buying", "waiting"]
    assert (await world.full(order["order"]))["tries"] == order["tries"]


async def test_a_plain_order_has_tried_nothing_else(world: World) -> None:
    assert (await world.buy())["tries"] == []


async def test_where_all_fail_the_order_has_all_errors_and_the_answer_the_last(world: World) -> None:
    world.provider.script("buy", NO_NUMBERS, NOT_FOUND, NOT_FOUND, NO_NUMBERS)
    answer = await world.ask("buy", {**PLACES, "transaction": "t"})
    assert answer["error"]["code"] == "no_numbers"
    (order,) = await world.data("query/orders", {"state": "all"})
    assert (order["state"], order["error"]["code"]) == ("failed", "no_numbers")
    assert [t[:2] for t in tried(order)] == ALL == asked(world)
    again = await world.ask("buy", {**PLACES, "transaction": "t"})
    assert again == {**answer, "replayed": True}
    assert asked(world) == ALL


async def test_what_is_no_matter_of_the_place_ends_it(world: World) -> None:
    world.provider.script("buy", NO_NUMBERS, UNREACHABLE)
    assert await world.error("buy", PLACES) == "provider_unreachable"
    (order,) = await world.data("query/orders", {"state": "all"})
    assert (order["state"], tried(order)[-1]) == ("failed", ("2", "2", None, "provider_unreachable"))
    assert asked(world) == ALL[:2]
