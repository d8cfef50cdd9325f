"""Two daemons on one base topic that have different client ids: at most one of them buys, and one ends with 78."""

from __future__ import annotations

import asyncio
import itertools
import re
import signal
from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.config import load
from shomare_mqtt.daemon.serving import serve
from shomare_mqtt.errors import InstanceConflictError
from shomare_mqtt.mqtt import alone, connector, voice
from tests.cutting import Cutting
from tests.limits import LONG, PATIENT
from tests.patience import PATIENCE
from tests.system.house import PRODUCT, Daemon, House

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.mosquitto import Mosquitto

pytestmark = pytest.mark.mosquitto

NUMBERS = itertools.count(1)


def other(house: House, name: str, **mqtt: Any) -> dict[str, Any]:
    """Settings of one more daemon."""
    return {
        "state": {"directory": str(house.folder / name)},
        "mqtt": {"client_id": f"{house.base}-{name}", **mqtt},
        "limits": {"max_open_orders": 100_000, "max_buys_per_hour": 100_000, "double_press": 0},
    }


def more_was_said(house: House, than: int) -> bool:
    return sum(s.topic in {"bridge/state", "bridge/info", "query/orders"} for s in house.probe.seen) > than


async def press_when_they_speak(house: House) -> None:
    """Send a `buy` whenever a daemon says something of itself, for ever: in the worst moments."""
    for spoken in itertools.count():
        await house.probe.until(partial(more_was_said, house, spoken))
        await press(house)


async def press(house: House, times: int = 1) -> None:
    """Send a `buy` so many times, each with a transaction of its own."""
    for _ in range(times):
        await house.probe.publish("buy", {**PRODUCT, "transaction": f"press-{next(NUMBERS)}"})


def bought(house: House) -> dict[str, set[str]]:
    """For each transaction, the orders that answers say were bought; an answer may come twice."""
    orders: dict[str, set[str]] = defaultdict(set)
    for seen in house.probe.all("response/buy"):
        if seen.json["status"] == "ok":
            orders[seen.json["transaction"]].add(seen.json["data"]["order"])
    return orders


async def nothing_twice(house: House) -> None:
    """One daemon is left: it says `online`, buys, and nothing was bought twice."""
    await house.probe.text("bridge/state", "online")
    while (last := await house.probe.ask("buy", dict(PRODUCT)))["status"] == "error":
        assert last["error"]["code"] == "buying_paused"  # until it is settled
    await house.probe.until(lambda: len(house.bought()) == sum(map(len, bought(house).values())))
    assert {t: orders for t, orders in bought(house).items() if len(orders) > 1} == {}
    assert (await house.probe.ok("query/orders", {"state": "all", "limit": 500})) is not None


async def first_ended(*daemons: Daemon) -> tuple[Daemon, Daemon]:
    """The one of two that ended, and the one that is left."""
    endings = [asyncio.ensure_future(each.process.wait()) for each in daemons]
    done, left = await asyncio.wait(endings, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
    for each in left:
        each.cancel()
    assert len(done) == 1, [each.log for each in daemons]
    ended = daemons[endings.index(done.pop())]
    return ended, next(each for each in daemons if each is not ended)


async def test_two_processes_that_start_at_once(open_house: Callable[..., Awaitable[House]]) -> None:
    house = await open_house()
    one = await house.launch(other(house, "one"), name="one.toml", **PATIENT)
    two = await house.launch(other(house, "two"), name="two.toml", **PATIENT)
    await house.probe.message("bridge/state", 0, lambda s: s.text == "online")
    await press(house, 3)
    ended, left = await first_ended(one, two)
    assert await ended.ended() == 78
    assert "another daemon answers on the base topic" in ended.log
    await nothing_twice(house)
    assert left.process.returncode is None


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
@pytest.mark.parametrize("_", range(3))
async def test_two_that_find_nobody_when_they_look_first(
    open_house: Callable[..., Awaitable[House]], monkeypatch: pytest.MonkeyPatch, protocol: str, _: int
) -> None:
    """As where both start in the same moment: each looks before the other can be seen."""

    async def nobody(*_: object) -> bool:
        return False

    monkeypatch.setattr(connector, "another_answers", nobody)
    for module, limit in ((alone, "ANSWER_WITHIN"), (alone, "ONLINE_WITHIN"), (voice, "ECHO_WITHIN")):
        monkeypatch.setattr(module, limit, LONG)
    house = await open_house()
    stop = asyncio.Event()
    daemons = [
        asyncio.create_task(serve(load(house.file(other(house, name, protocol=protocol), f"{name}.toml")), stop))
        for name in ("one", "two")
    ]
    pressing = asyncio.create_task(press_when_they_speak(house))
    done, left = await asyncio.wait(daemons, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
    assert [type(each.exception()) for each in done] == [InstanceConflictError]
    pressing.cancel()
    await nothing_twice(house)
    stop.set()
    await asyncio.wait(left)


async def up(house: House, daemon: Daemon, since: int = 0) -> None:
    """Returns once a daemon takes commands."""
    await daemon.said("started: base topic")
    await house.probe.message("bridge/state", since, lambda s: s.text == "online")


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_one_that_was_off_the_net_comes_back(
    open_house: Callable[..., Awaitable[House]], mosquitto: Mosquitto, protocol: str
) -> None:
    """What was sent meanwhile lies in its session's queue, and the second has carried it out."""
    house = await open_house()
    async with Cutting(mosquitto.port) as way:
        settings = other(house, "first", port=way.port, protocol=protocol)
        first = await house.launch(settings, name="first.toml", **PATIENT)
        await up(house, first)
        await press(house, 2)
        await house.probe.until(lambda: len(bought(house)) == 2)
        await way.cut()
        await house.probe.text("bridge/state", "offline")
        since = len(house.probe.seen)
        second = await house.launch(other(house, "second", protocol=protocol), name="second.toml")
        await up(house, second, since)
        await press(house, 3)
        await house.probe.until(lambda: len(bought(house)) == 5)
        way.mend()
        assert await second.ended() == 78
        assert "longer than this one" in second.log
        found = re.search(r"([0-9]+) open orders stay in its journal", second.log)
        assert found is not None
        assert int(found[1]) >= 3, "and those that it took up from the broker"
        await nothing_twice(house)
        assert len(house.bought()) == 6
        assert "another daemon is on the base topic" in first.log
        paused = [s.json for s in house.probe.all("event/bridge") if s.json["event_type"] == "buying_paused"]
        assert paused
        assert await first.stop() == 0


async def test_one_that_was_paused_goes_on(open_house: Callable[..., Awaitable[House]]) -> None:
    house = await open_house()
    first = await house.launch(other(house, "first"), name="first.toml", **PATIENT)
    await up(house, first)
    first.process.send_signal(signal.SIGSTOP)
    since = len(house.probe.seen)
    second = await house.launch(other(house, "second"), name="second.toml")
    await up(house, second, since)
    await press(house, 3)
    await house.probe.until(lambda: len(bought(house)) == 3)
    first.process.send_signal(signal.SIGCONT)
    assert await second.ended() == 78
    await nothing_twice(house)
    assert len(house.bought()) == 4
    assert await first.stop() == 0


async def test_one_that_is_alone_is_not_ended_by_its_own_word_made_retained(house: House) -> None:
    """As a bridge or a flow does that sends all on that it hears."""
    word = await house.probe.message("query/orders", 0, lambda s: b"daemon:here" in s.payload)
    since = await house.probe.publish("query/orders", word.payload, retain=True)
    await house.probe.message("query/orders", since)
    assert (await house.probe.ok("buy", dict(PRODUCT)))["state"] == "waiting"
    assert (await house.probe.ok("query/orders"))[0]["state"] == "waiting"
    await house.probe.publish("query/orders", b"", retain=True)
    assert house.probe.all("bridge/state")[-1].payload == b"online"
