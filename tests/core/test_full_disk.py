"""A disk that is full: what was bought is written all the same, what is not bought yet is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.model import CatalogKind
from tests.core.provider import Late, entries, sms
from tests.core.world import PRODUCT, Command, World
from tests.small_disk import SmallDisk, small_disk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk") as made:
        yield made


@pytest.fixture
async def world(disk: SmallDisk) -> AsyncIterator[World]:
    made = await World(disk.path / "state").start()
    await made.sleep(5)
    yield made
    await made.crash()
    made.check()


def filling(disk: SmallDisk) -> Any:
    """The disk is filled while the provider is asked."""

    def asked(_: object) -> None:
        disk.fill()

    return asked


async def said(world: World, command: Command) -> Any:
    """The answer, whether it went through the journal or beside it."""

    def beside() -> list[Any]:
        topic = command.incoming.reply and command.incoming.reply.topic
        return [json.loads(m.payload) for m in world.broker.volatile if m.topic == topic]

    await world.until(lambda: bool(world.answers(command) or beside()))
    return (world.answers(command) or beside())[0]


async def test_what_was_bought_is_kept_though_the_disk_was_filled_meanwhile(world: World, disk: SmallDisk) -> None:
    world.provider.script("buy", filling(disk))
    order = await world.buy()
    await world.restart(crash=True)
    assert world.order(order["order"])["state"] == "waiting"
    assert (await world.full(order["order"]))["purchase"] == order["purchase"]
    world.provider.gets(order["purchase"], sms(code="48213"))
    await world.state(order["order"], "received")
    await world.restart(crash=True)
    assert (await world.full(order["order"]))["sms"][0]["code"] == "48213"
    disk.make_room()
    assert (await world.buy())["state"] == "waiting"


async def test_as_many_as_were_under_way_are_kept(world: World, disk: SmallDisk) -> None:
    world.provider.script("buy", *[Late(10.0)] * 20)
    commands = [world.send("buy", PRODUCT) for _ in range(20)]
    await world.until(lambda: world.provider.count("buy") == 20)
    disk.fill()
    answers = [await world.answer(command) for command in commands]
    for number in world.provider.numbers.values():
        world.provider.gets(number.purchase, sms(text="Your code is 482133. " + "x" * 1000, code="482133"))
    for answer in answers:
        await world.state(answer["data"]["order"], "received")
    await world.restart(crash=True)
    kept = await world.data("query/orders", {"limit": 500})
    assert {o["purchase"] for o in kept} == set(world.provider.numbers)
    assert all(len(o["sms"]) == 1 for o in kept)


async def test_nothing_is_bought_where_what_comes_of_it_finds_no_room(world: World, disk: SmallDisk) -> None:
    disk.fill()
    answers = [await said(world, world.send("buy", PRODUCT)) for _ in range(20)]
    refused = [a["error"] for a in answers if a["status"] == "error"]
    assert len(refused) > 2
    assert {e["code"] for e in refused} <= {"buying_paused"}
    assert all("full" in e["message"] and "nothing was" in e["message"] for e in refused)
    assert world.provider.count("buy") == len(answers) - len(refused)
    assert world.bridge.orders.ledger.intents == set()
    disk.make_room()
    assert (await world.buy())["state"] == "waiting"


async def test_commands_that_find_no_room_are_refused_and_those_taken_before_are_known(
    world: World, disk: SmallDisk
) -> None:
    taken = world.send("defaults/country/set", "2")
    await world.answer(taken)
    disk.fill()
    for number in range(1000):
        answer = await said(world, world.send("defaults/country/set", "2"))
        if answer["status"] == "error":
            break
        await world.journal.put_meta({str(number): "x" * 100_000})
    assert answer["error"]["code"] == "busy"
    assert "the disk is full" in answer["error"]["message"]
    assert (await said(world, world.send("defaults/country/set", "x" * 1000)))["error"]["code"] == "invalid_command"
    said_before = len(world.broker.volatile)
    again = world.deliver(replace(taken, incoming=replace(taken.incoming, dup=True), acked=0))
    await world.until(lambda: bool(again.acked))
    await world.settle()
    assert len(world.broker.volatile) == said_before
    assert again.heard is not None
    again.heard()
    new = world.send("defaults/country/set", "2", packet_id=taken.incoming.packet_id, dup=True)
    assert (await said(world, new))["error"]["code"] == "busy", "its first delivery did not come"
    assert (await said(world, world.send("buy", PRODUCT)))["error"]["code"] == "buying_paused"
    disk.make_room()
    assert (await world.buy())["state"] == "waiting"


async def test_a_buy_does_not_wait_for_a_list_that_finds_no_room(
    world: World, disk: SmallDisk, caplog: pytest.LogCaptureFixture
) -> None:
    await world.sleep(3600)
    disk.fill()
    names = ("Iran", "Russia", "Georgia", *(f"{number} {'x' * 1000}" for number in range(3000)), "Armenia")
    world.provider.catalogs[CatalogKind.COUNTRIES] = entries(*names)
    assert (await said(world, world.send("buy", {**PRODUCT, "country": "Armenia"})))["status"] == "ok"
    assert "the disk is full: the countries are not kept" in caplog.text
    assert len((await world.journal.catalogs())[CatalogKind.COUNTRIES][0].entries) == 3
    disk.make_room()
    await world.bridge.market.catalogs.read(CatalogKind.COUNTRIES)
    assert len((await world.journal.catalogs())[CatalogKind.COUNTRIES][0].entries) == len(names)
