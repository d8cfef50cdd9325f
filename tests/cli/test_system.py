"""The command line against the whole: mosquitto, the simulated provider and the daemon, each a process of its own."""

from __future__ import annotations

import asyncio
import signal
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from shomare_mqtt.simulator import Simulator, SimulatorOptions
from tests.cli.process import ending, finish, run, running, start_afresh
from tests.mosquitto import Mosquitto
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.mosquitto

PRODUCT = ("--country", "Russia", "--operator", "MTS", "--application", "telegram")


@asynccontextmanager
async def system(folder: Path, *, sms_delay: float = 1000) -> AsyncIterator[dict[str, str]]:
    """Gives the settings of the running daemon, as variables; ends it with SIGTERM and sees it end well."""
    async with (
        Mosquitto(folder) as broker,
        Simulator(SimulatorOptions(token="the-token", sms_delay=sms_delay)) as provider,
    ):
        settings = {
            "SHOMARE_MQTT__PORT": str(broker.port),
            "SHOMARE_PROVIDER__BASE_URL": provider.base_url,
            "SHOMARE_PROVIDER__TOKEN": "the-token",
            "SHOMARE_STATE__DIRECTORY": str(folder / "state"),
            "SHOMARE_ORDERS__POLL_INTERVAL": "0.2",
        }
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as supervisor:
            supervisor.bind(str(folder / "notify"))
            started = await start_afresh("run", NOTIFY_SOCKET=str(folder / "notify"), **settings)
            async with ending(started) as daemon:
                async with asyncio.timeout(PATIENCE):
                    while not (await asyncio.get_running_loop().sock_recv(supervisor, 1000)).startswith(b"READY=1"):
                        pass
                yield settings
                daemon.send_signal(signal.SIGTERM)
                ended = await finish(daemon)
        assert ended.status == 0
        assert "the-token" not in ended.err


async def test_buying_and_asking(tmp_path: Path) -> None:
    async with system(tmp_path, sms_delay=0.5) as settings:
        bought = await finish(await start_afresh("buy", *PRODUCT, "--wait", "--json", **settings))
        answer, ended = bought.lines()
        orders = await run("query", "orders", "--state", "all", "--json", **settings)
        profile = await run("query", "profile", **settings)
        prices = await run("query", "prices", "7", "1", **settings)
        price = await run("query", "price", "7", "1", "3", **settings)
        table = await run("query", "orders", "--state", "all", **settings)
        checked = await run("query", "check", answer["data"]["order"], **settings)
    assert (bought.status, bought.err) == (0, "")
    assert ended["code"] in ended["text"]
    assert orders.lines()[0]["data"][0]["sms"][0]["code"] == ended["code"]
    assert "997,800 IRT" in profile.out
    assert "WhatsApp" in prices.out
    assert price.out.splitlines()[:4] == [
        "Country      Russia (7)", "Operator     MTS (1)", "Application  Telegram (3)", "Price        2,200 IRT",
    ]  # fmt: skip
    assert "2,200 IRT" in table.out
    assert ended["code"] in checked.out


async def test_cancelling(tmp_path: Path) -> None:
    async with system(tmp_path, sms_delay=1000) as settings:
        refused = await run("cancel", "current", **settings)
        async with running("buy", *PRODUCT, "--wait", **settings) as waiting:
            assert waiting.stdout is not None
            await waiting.stdout.readline()
            cancelled = await run("cancel", "current", **settings)
            ended = await finish(waiting)
    assert (refused.status, refused.out) == (1, "")
    assert "order_not_found" in refused.err
    assert cancelled.status == 0
    assert "cancelled" in cancelled.out
    assert ended.status == 1
    assert "is cancelled, and no code came" in ended.err


async def test_a_second_daemon_is_told_to_go(tmp_path: Path) -> None:
    async with system(tmp_path) as settings:
        in_the_same_directory = await run("run", **settings)
        other = settings | {"SHOMARE_STATE__DIRECTORY": str(tmp_path / "other"), "SHOMARE_MQTT__CLIENT_ID": "other"}
        on_the_same_topic = await run("run", **other)
    assert in_the_same_directory.status == 78
    assert on_the_same_topic.status == 78
    for done in (in_the_same_directory, on_the_same_topic):
        assert done.err.splitlines()[-1].startswith("shomare-mqtt: ")
