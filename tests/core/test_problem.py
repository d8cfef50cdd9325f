"""`bridge/problem`: what needs a person's eyes and is not over (contract, section State)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.core.world import PRODUCT

if TYPE_CHECKING:
    from tests.core.world import World


def problem(world: World) -> Any:
    return json.loads(world.retained.now["bridge/problem"])["problem"]


async def test_nothing_is_wrong_at_first(world: World) -> None:
    assert problem(world) is None


async def test_a_refused_buy_is_told_and_over_once_one_goes_well(world: World) -> None:
    await world.ask("buy", {"country": "2", "operator": "1", "transaction": "t-1"})
    told = problem(world)
    assert told["message"] == "Nothing was bought: no application is chosen. Choose one and press Buy again."
    assert (told["event_type"], told["code"], told["transaction"], told["more"]) == (
        "command_refused",
        "invalid_command",
        "t-1",
        0,
    )
    await world.ask("buy", PRODUCT)
    assert problem(world) is None


async def test_a_refusal_outlives_a_restart_and_ends_after_an_hour(world: World) -> None:
    await world.ask("buy", {"country": "2", "operator": "1"})
    told = problem(world)
    await world.restart()
    assert problem(world) == told
