"""The daemon dies in the midst of a purchase, and another one, with its own client id, takes its place meanwhile."""

from __future__ import annotations

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
    from pathlib import Path

POINTS = (
    ("after COMMIT", 1),  # it has the command
    ("after COMMIT", 2),  # it may have sent the purchase
    ("before COMMIT", 3),  # it knows of the purchase, and wrote nothing down
)


class House:
    """Broker, provider, and two daemons with state directories of their own; `sent` is what was asked for."""

    def __init__(self, folder: Path) -> None:
        self._stack = AsyncExitStack()
        self.broker = Mosquitto(folder)
        self.provider = Provider(folder, gone_status=404)
        self.first = Daemon(folder, "first", self.broker.port, self.provider.port)
        self.second = Daemon(folder, "second", self.broker.port, self.provider.port)
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


@pytest.mark.mosquitto
@pytest.mark.slow
@pytest.mark.parametrize(("place", "time"), POINTS)
async def test_a_daemon_in_the_place_of_one_that_died_buys_nothing_twice(place: str, time: int, tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        first, second = house.first, house.second
        whole = first.arguments
        point = (place, str(time), str(tmp_path / "points"))
        first.arguments = (sys.executable, "-m", "tests.crash.dying", *point, *whole[3:])
        await house.begin(first)
        await _buy(house, "t-1", "1")
        await first.ended()
        assert first.status == ABORTED
        await house.begin(second)
        await _buy(house, "t-2", "2")
        assert await house.answers("t-2") == ["ok"]
        first.arguments = whole
        await first.start()  # while the second is there
        await first.ended()
        assert first.status == CONFLICT
        assert await second.stop() == 0
        since = len(house.recorder.heard)
        await house.begin(first)
        # t-2 waited for the first one too, which cannot know what became of it.
        assert (await house.answers("t-2", 2))[1:] == ["error"]
        assert await house.recorder.hears(_resumed, PATIENCE, since)
        await _buy(house, "t-3", "3")
        assert await house.answers("t-3") == ["ok"]
        assert await house.answers("t-1") in (["ok"], ["unknown"])
        purchases = (await house.provider.state())["purchases"]
        made = Counter(purchase["application"] for purchase in purchases)
        assert made["2"] == made["3"] == 1
        assert made["1"] <= 1


def _resumed(heard: Heard) -> bool:
    return heard.topic == "event/bridge" and heard.json["event_type"] == "buying_resumed"


async def _buy(house: House, transaction: str, application: str) -> None:
    fields = {"country": "7", "operator": "1", "application": application, "transaction": transaction}
    assert await house.sender.publish("buy", json.dumps(fields).encode(), again=True)
