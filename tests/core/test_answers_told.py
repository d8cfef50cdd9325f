"""Each answer is told to whoever listens, once, with the command that it is to and how that ended."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.core.provider import LOST, Late
from tests.core.world import PRODUCT

if TYPE_CHECKING:
    from shomare_mqtt.core.render import Status
    from tests.core.conftest import Opening
    from tests.core.world import World


def listening(world: World) -> list[tuple[str, str]]:
    told: list[tuple[str, str]] = []

    def hear(command: str, status: Status) -> None:
        told.append((command, status.value))

    world.bridge.desk.answering.on_answered = hear
    return told


async def test_each_way_to_an_answer(world: World) -> None:
    told = listening(world)
    order = await world.buy(transaction="a")
    await world.ask("query/orders", {})
    await world.ask("query/nonsense/at/length", {})
    await world.ask("buy", {**PRODUCT, "transaction": "a"})
    await world.error("buy", {**PRODUCT, "application": "2", "transaction": "a"})
    await world.error("cancel", "no such order")
    await world.data("cancel", {"order": order["order"]})
    await world.error("buy", "no JSON")
    world.provider.script("buy", LOST)
    await world.ask("buy", {**PRODUCT, "transaction": "b"})
    assert told == [
        ("buy", "ok"),
        ("query/orders", "ok"),
        ("query/nonsense/at/length", "error"),
        ("buy", "ok"),
        ("buy", "error"),
        ("cancel", "error"),
        ("cancel", "ok"),
        ("buy", "error"),
        ("buy", "unknown"),
    ]


async def test_those_who_wait_for_the_first_ones_answer(world: World) -> None:
    told = listening(world)
    world.provider.script("buy", Late(5.0))
    commands = [world.send("buy", {**PRODUCT, "transaction": "t"}) for _ in range(3)]
    for command in commands:
        await world.answer(command)
    assert told == [("buy", "ok")] * 3


async def test_a_second_delivery_is_no_second_answer(world: World) -> None:
    command = world.send("buy", PRODUCT)
    await world.answer(command)
    told = listening(world)
    answers = world.bridge.desk.answering.count
    world.deliver(replace(command, incoming=replace(command.incoming, dup=True)))
    await world.until(lambda: len(world.answers(command)) == 2)
    assert (told, world.bridge.desk.answering.count) == ([], answers + 1)


async def test_what_an_earlier_process_took(opened: Opening) -> None:
    world = await opened()
    world.provider.script("buy", Late(1e9))
    world.send("buy", PRODUCT)
    await world.settle()
    told: list[tuple[str, str]] = []

    def listen() -> None:
        world.bridge.desk.answering.on_answered = lambda command, status: told.append((command, status.value))

    world.on_loaded = listen
    await world.restart(crash=True)
    await world.until(lambda: bool(told))
    assert told == [("buy", "unknown")]
