"""The daemon dies in the midst of a purchase, and another one, with its own client id, takes its place meanwhile."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Self

import pytest

from tests.crash.points import ABORTED
from tests.mosquitto import Mosquitto
from tests.patience import PATIENCE
from tests.storm.another import CONFLICT, ONLINE
from tests.storm.people import FILTERS, Heard, Person
from tests.storm.processes import Daemon, Provider

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path


class House:
    """Broker, provider, and two daemons with state directories of their own; `sent` is what was asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._stack = AsyncExitStack()
        self.broker = Mosquitto(folder)
        self.provider = Provider(folder, gone_status=404)
        self.first = Daemon(folder, "first", self.broker.port, self.provider.port, PATIENCE)
        self.second = Daemon(folder, "second", self.broker.port, self.provider.port, PATIENCE)
        self.recorder = Person(self.broker.settings(), "recorder", FILTERS)
        self.sender = Person(self.broker.settings(), "sender")

    async def __aenter__(self) -> Self:
        for each in (self.broker, self.recorder, self.sender):
            await self._stack.enter_async_context(each)
        for process in (self.provider, self.first, self.second):
            self._stack.push_async_callback(process.kill)
        await self.provider.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def begin(self, daemon: Daemon) -> None:
        since = len(self.recorder.heard)
        await daemon.start()
        assert await self.recorder.hears(lambda heard: heard == ONLINE, PATIENCE, since), daemon.log.read_text()

    async def answers(self, transaction: str, count: int = 1) -> list[str]:
        """The status of each answer to a `buy`, once there are so many."""

        def found() -> list[str]:
            heard = [each.json for each in self.recorder.heard if each.topic == "response/buy"]
            return [answer["status"] for answer in heard if answer["transaction"] == transaction]

        assert await self.recorder.until(lambda: len(found()) >= count, PATIENCE), found()
        return found()


async def _dies_with_the_command(house: House) -> None:
    """It has written down what was asked for, and done nothing yet."""
    whole = house.first.arguments
    point = ("after COMMIT", "1", str(house.folder / "points"))
    house.first.arguments = (sys.executable, "-m", "tests.crash.dying", *point, *whole[3:])
    await house.begin(house.first)
    await _buy(house, "t-1", "1")
    await house.first.ended()
    assert house.first.status == ABORTED
    house.first.arguments = whole


async def _dies_while_buying(house: House) -> None:
    """The number is bought, and no answer came yet."""
    await house.provider.control("fault", endpoint="buy", kind="hang_after")
    await house.begin(house.first)
    await _buy(house, "t-1", "1")
    async with asyncio.timeout(PATIENCE):
        while not (await house.provider.state())["purchases"]:  # noqa: ASYNC110 - a process tells nobody what it did
            await asyncio.sleep(0.02)
    await house.first.kill()


@pytest.mark.mosquitto
@pytest.mark.slow
@pytest.mark.parametrize(
    ("dies", "outcome"), [(_dies_with_the_command, (0, {"error"})), (_dies_while_buying, (1, {"unknown"}))]
)
async def test_a_daemon_in_the_place_of_one_that_died_buys_nothing_twice(
    dies: Callable[[House], Awaitable[None]], outcome: tuple[int, set[str]], tmp_path: Path
) -> None:
    async with House(tmp_path) as house:
        first, second = house.first, house.second
        await dies(house)
        await house.begin(second)
        await _buy(house, "t-2", "2")
        assert await house.answers("t-2") == ["ok"]
        await first.start()  # while the second is there
        await first.ended()
        assert first.status == CONFLICT
        assert await second.stop() == 0
        await house.begin(first)
        # t-2 waited for the first one too, which knows of the order from the broker, and buys nothing.
        assert (await house.answers("t-2", 2))[1:] == ["ok"]
        await _bought_at_last(house, "3")
        purchases = (await house.provider.state())["purchases"]
        made = Counter(purchase["application"] for purchase in purchases)
        assert made["2"] == made["3"] == 1
        # What was not sent before the death is sent no more: another daemon was there since.
        assert (made["1"], set(await house.answers("t-1"))) == outcome


async def _bought_at_last(house: House, application: str) -> None:
    """Buying pauses for the other daemon, and for what may have been bought; then it goes on."""
    statuses = []
    for attempt in range(3):
        since = len(house.recorder.heard)
        await _buy(house, f"again-{attempt}", application)
        statuses = await house.answers(f"again-{attempt}")
        if statuses == ["ok"]:
            return
        assert await house.recorder.hears(_resumed, PATIENCE, since)
    raise AssertionError(statuses)


def _resumed(heard: Heard) -> bool:
    return heard.topic == "event/bridge" and heard.json["event_type"] == "buying_resumed"


async def _buy(house: House, transaction: str, application: str) -> None:
    fields = {"country": "7", "operator": "1", "application": application, "transaction": transaction}
    assert await house.sender.publish("buy", json.dumps(fields).encode(), again=True)
