"""What the daemon says at its start, to somebody who reads its log the first time."""

from __future__ import annotations

import asyncio
import signal
import socket
from typing import TYPE_CHECKING

import pytest

from shomare_mqtt import __version__
from tests.mosquitto import free_port
from tests.patience import PATIENCE
from tests.provider.servers import says, serving

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.system.house import House

pytestmark = pytest.mark.mosquitto


def infos(log: str) -> list[str]:
    return [line.split(" INFO ", 1)[1].split(": ", 1)[1] for line in log.splitlines() if " INFO " in line]


async def test_what_it_is_and_runs_with(open_house: Callable[..., Awaitable[House]]) -> None:
    house = await open_house()
    settings = {"plugins": {"enabled": ["price_alert"], "price_alert": {"watch": [{"application": 3}]}}}
    daemon = await house.start(settings)
    await daemon.said("balance")
    await daemon.said("started: ")
    first, second, *others = infos(daemon.log)
    file, directory = house.folder / "settings.toml", house.folder / "state"
    assert first == f"shomare-mqtt {__version__}: settings of {file}; state directory {directory}; plugins: price_alert"
    broker = f"Connected to the broker at 127.0.0.1:{house.port} with MQTT 5"
    assert second == f"{broker} (no TLS, no user name), session new"
    assert sorted(others) == [
        f"started: base topic {house.base}, 0 open orders",
        f"the provider at {house.sim.base_url} takes the token; balance 1,000,000 IRT",
    ]
    await house.buy()
    await house.probe.ok("query/profile", {})
    assert daemon.log.count("takes the token") == 1, "a balance is no news after that"
    house.file({**settings, "provider": {"currency": "IRR"}})  # which takes a new connection
    daemon.process.send_signal(signal.SIGHUP)
    async with asyncio.timeout(PATIENCE):
        while daemon.log.count("takes the token") < 2:  # noqa: ASYNC110 - as in Daemon.said
            await asyncio.sleep(0.02)
    assert daemon.log.count(f"shomare-mqtt {__version__}: ") == 2


async def test_the_providers_address_less_its_user(open_house: Callable[..., Awaitable[House]]) -> None:
    house = await open_house()
    own = house.sim.base_url.replace("//", "//somebody:geheim-4711@")
    daemon = await house.launch({"provider": {"base_url": own}})
    await daemon.said(f"the provider at {house.sim.base_url.replace('//', '//***@')} takes the token")
    assert "geheim-4711" not in daemon.log
    assert "somebody" not in daemon.log


async def test_no_balance_is_claimed_of_a_provider_that_is_away(open_house: Callable[..., Awaitable[House]]) -> None:
    house = await open_house()
    nobody = f"http://127.0.0.1:{free_port()}/api"
    daemon = await house.launch({"provider": {"base_url": nobody}})
    await daemon.said("the provider does not answer")
    await house.probe.holds("provider/state", lambda s: s["state"] == "unreachable")
    assert f"({nobody}: the provider cannot be reached: connection refused" in daemon.log
    assert "takes the token" not in daemon.log
    assert "plugins: none" in daemon.log


async def test_an_address_without_api(open_house: Callable[..., Awaitable[House]]) -> None:
    house = await open_house()
    base = house.sim.base_url.removesuffix("/api")
    said = (
        f"{base} answers, and knows none of the provider's addresses (HTTP 404 each time): provider.base_url probably "
        "lacks /api at its end"
    )
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(address := str(house.folder / "notify"))
        supervisor.setblocking(False)
        daemon = await house.launch({"provider": {"base_url": base}}, NOTIFY_SOCKET=address)
        async with asyncio.timeout(PATIENCE):
            while said not in (told := (await asyncio.get_running_loop().sock_recv(supervisor, 4096)).decode()):
                pass
    assert told.endswith(
        f"STATUS=connected with MQTT 5; provider misunderstood; 0 open orders. The provider's answers cannot be "
        f"understood: {said}"
    )
    state = await house.probe.holds("provider/state", lambda s: s["state"] == "misunderstood")
    assert said in state["error"]["message"]
    await daemon.said(f"WARNING shomare_mqtt: the provider's answers cannot be understood: {said}")
    assert "takes the token" not in daemon.log
    assert not any('"online"' in each.text for each in house.probe.seen if each.topic.endswith("provider/state"))


@pytest.mark.parametrize("kind", ["redirect", "page"])
async def test_a_site_in_place_of_its_api(open_house: Callable[..., Awaitable[House]], kind: str) -> None:
    house = await open_house()
    moved = says(301, {}, "Location: https://www.shop.example/api/profile?token=tok-5f0c1e7a9b\r\n")
    async with serving(moved if kind == "redirect" else says(200, "<html>Welcome</html>")) as site:
        base = site.url.removesuffix("/api")
        daemon = await house.launch({"provider": {"base_url": base}})
        state = await house.probe.holds("provider/state", lambda s: s["state"] == "misunderstood")
        await daemon.said("cannot be understood")
    message = state["error"]["message"]
    if kind == "page":
        assert message.endswith("(HTTP 200): provider.base_url probably lacks /api at its end.")
    else:
        assert f"{base} leads elsewhere (HTTP 301): set provider.base_url to the address that it leads to" in message
        assert "tok-5f0c1e7a9b" not in message + daemon.log


async def test_a_start_without_the_broker_says_so(open_house: Callable[..., Awaitable[House]]) -> None:
    house = await open_house()
    daemon = await house.launch({"mqtt": {"port": free_port()}})
    await daemon.said(f"started: base topic {house.base}, 0 open orders; waiting for the broker")
