"""Old database files, as programs of their time left them, are taken up by this one."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.journal.memories import DialectMemory, PluginMemory
from shomare_mqtt.journal.opening import schema_files
from tests.core.make_database import FOLDER
from tests.core.provider import Number
from tests.core.world import PRODUCT, World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

LAST_WITH_QUERIES = 5
FILES = sorted(FOLDER.glob("*.sqlite3"))


def test_every_version_has_its_file() -> None:
    assert [int(path.stem) for path in FILES] == [version for version, _ in schema_files()]


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_each_file_is_of_its_version(path: Path) -> None:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone()[0] == int(path.stem)


@pytest.fixture(params=FILES, ids=lambda p: p.stem)
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """This program, started on an old file; the provider knows the numbers that are in it."""
    directory = tmp_path / "state"
    directory.mkdir()
    shutil.copy(request.param, directory / "journal.sqlite3")
    world = World(directory, orders={"settle_delay": 5})
    world.provider.numbers |= {f"p{i}": Number(f"p{i}", Decimal(2200)) for i in range(1, 6)}
    await world.start()
    yield world
    await world.crash()
    world.check()


async def by_transaction(world: World) -> dict[str, Any]:
    orders = await world.data("query/orders", {"state": "all"})
    return {order["transaction"]: order for order in orders}


async def test_every_order_is_as_it_was(world: World) -> None:
    orders = await by_transaction(world)
    states = {transaction: order["state"] for transaction, order in orders.items()}
    assert states == {
        "cancelled": "cancelled", "finished": "finished", "failed": "failed", "unknown": "unknown",
        "received": "received", "waiting": "waiting", "buying": "unknown",
    }  # fmt: skip
    assert orders["unknown"]["charged"] == 2200
    assert orders["cancelled"]["refunded"] is True
    assert orders["failed"]["error"]["code"] == "no_numbers"
    assert [t["country"] for t in orders["failed"]["tries"]] in ([], ["2", "3"])
    assert [(s["code"], s["text"], s["sender"]) for s in orders["finished"]["sms"]] == [
        ("11111", "Your code is 11111", "Telegram"), (None, "No code", None),
    ]  # fmt: skip
    assert [s["code"] for s in orders["received"]["sms"]] == ["22222", "33333"]


async def test_the_purchase_of_a_number_that_lives_is_the_one_that_the_provider_knows(world: World) -> None:
    """Version 4 keeps all ids that the answer to `buy` held, and no check had told yet which one it is."""
    await world.sleep(1)
    orders = await by_transaction(world)
    assert [orders[transaction]["purchase"] for transaction in ("received", "waiting")] == ["p4", "p5"]


async def test_what_waited_for_the_broker_is_sent(world: World) -> None:
    await world.until(lambda: bool(world.events("sms")), 1)
    [event] = world.events("sms")
    received = (await by_transaction(world))["received"]
    assert (event["code"], event["sms"]) == ("33333", received["sms"][1]["sms"])


async def test_what_was_not_answered_is_answered(world: World, request: pytest.FixtureRequest) -> None:
    """Queries were in the journal until version 5."""
    path = request.node.callspec.params["world"]
    kept = {"buying", "asked"} if int(path.stem) <= LAST_WITH_QUERIES else {"buying"}

    def answers() -> dict[str, str]:
        sent = [m for m in world.broker.sent() if m.topic.startswith("response/")]
        return {body["transaction"]: body["status"] for body in (json.loads(m.payload) for m in sent)}

    await world.until(lambda: kept <= answers().keys(), 10)
    assert answers() == {"buying": "unknown", **dict.fromkeys(kept - {"buying"}, "ok")}


async def test_transactions_and_what_was_set_are_remembered(world: World) -> None:
    again = await world.ask("buy", {**PRODUCT, "transaction": "waiting", "application": "2"})
    assert again["replayed"] is True
    assert world.provider.count("buy") == 0
    assert world.text("defaults/operator") == "1"
    assert world.text("defaults/operator/name") == "MCI"
    meta = await world.journal.meta()
    dialect = DialectMemory(world.journal, meta)
    assert dialect.load() == {"parameters": "path"}
    await dialect.save({"parameters": "query"})
    assert DialectMemory(world.journal, await world.journal.meta()).load() == {"parameters": "query"}
    assert await world.journal.retained() >= {"shomare/profile"}


async def test_calls_of_plugins_are_there(world: World) -> None:
    memory = PluginMemory(world.journal)
    [call] = await memory.load()
    assert call[:4] == ("c-1", "hello", "shomare_code_received", call[3])
    await memory.save((*call[:6], call[6] + 1))
    assert [c[6] for c in await memory.load()] == [3]
    await memory.delete("c-1")
    assert await memory.load() == []
