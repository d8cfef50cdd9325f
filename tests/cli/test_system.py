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
async def system(
    folder: Path, *, sms_delay: float = 1000, lose_a_purchase: bool = False
) -> AsyncIterator[dict[str, str]]:
    """Gives the settings of the running daemon, as variables; ends it with SIGTERM and sees it end well.

    `lose_a_purchase`: the answer to the first one never comes.
    """
    async with (
        Mosquitto(folder) as broker,
        Simulator(SimulatorOptions(token="the-token", sms_delay=sms_delay)) as provider,
    ):
        if lose_a_purchase:
            provider.fault("buy", "reset_after")
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


async def test_the_switch_and_the_defaults(tmp_path: Path) -> None:
    async with system(tmp_path, sms_delay=0.5) as settings:
        on = await run("buying", **settings)
        off = await run("buying", "off", "-q", **settings)
        refused = await run("buy", *PRODUCT, **settings)
        stands = [await run("buying", *more, **settings) for more in ((), ("-q",), ("--json",))]
        again = await run("buying", "on", **settings)
        nothing_set = await run("defaults", **settings)
        for given in ("country russia", "operator 1", "application Telegram", "max_price 5000"):
            assert (await run("defaults", *given.split(), "-q", **settings)).status == 0
        named = await run("defaults", "country", "Russia", **settings)
        wrong = await run("defaults", "country", "Rusia", **settings)
        all_set = await run("defaults", **settings)
        quiet = await run("defaults", "-q", **settings)
        bought = await run("buy", "--wait", "-q", **settings)
        cleared = await run("defaults", "max_price", "", **settings)
        left = await run("defaults", "max_price", "-q", **settings)
    assert on.out.startswith("Buying is on: ")
    assert (off.status, off.out, off.err) == (0, "", "")
    assert "(buying_paused); `shomare-mqtt buying` shows why" in refused.err
    assert stands[0].out.startswith("Buying is off: ")
    assert stands[1].out == "off\n"
    assert stands[2].lines() == [{"buying": "off", "buying_paused": False, "buying_paused_reason": None}]
    assert again.out.startswith("Buying is on: ")
    assert nothing_set.out.count("\u2013") == 4
    assert "Russia (7)" in named.out
    assert (wrong.status, wrong.out) == (1, "")
    assert "Russia" in wrong.err
    for words in ("Russia (7)", "MTS (1)", "Telegram (3)", "5,000 IRT"):
        assert words in all_set.out
    assert quiet.out == "country\t7\noperator\t1\napplication\t3\nmax_price\t5000\n"
    number, code = bought.out.splitlines()
    assert number.startswith("+79")
    assert code.isdigit()
    assert cleared.status == 0
    assert left.out == "\n"


@pytest.mark.parametrize("is_bought", [True, False])
async def test_settling_an_order_in_doubt(tmp_path: Path, *, is_bought: bool) -> None:
    async with system(tmp_path, lose_a_purchase=True) as settings:
        none = await run("resolve", "--not-bought", **settings)
        doubtful = await run("buy", *PRODUCT, "--json", **settings)
        order = doubtful.lines()[0]["data"]["order"]
        stands = await run("buying", **settings)
        how = ("--bought", "74001", "+79310000001") if is_bought else ("--not-bought",)
        settled = await run("resolve", *how, **settings)
        again = await run("resolve", order, *how, "-q", **settings)
    assert "no order is in state unknown" in none.err
    assert doubtful.status == 1
    for command in (f"resolve {order} --bought PURCHASE PHONE", f"resolve {order} --not-bought"):
        assert f"`shomare-mqtt {command}`" in doubtful.err
    assert f"order {order} may have been bought" in stands.out
    assert (settled.status, settled.err) == (0, "")
    assert ("waiting" if is_bought else "failed") in settled.out
    assert (again.status, again.out) == (1, "")


async def test_ctrl_c_leaves_a_number_that_can_be_cancelled_as_it_is_said(tmp_path: Path) -> None:
    async with system(tmp_path) as settings:
        async with running("buy", *PRODUCT, "--wait", "-q", **settings) as waiting:
            assert waiting.stdout is not None
            await waiting.stdout.readline()
            waiting.send_signal(signal.SIGINT)
            ended = await finish(waiting)
        command = ended.err.split("`shomare-mqtt ")[1].split("`")[0]
        cancelled = await run(*command.split(), "-q", **settings)
        left = await run("query", "orders", "-q", **settings)
    assert ended.status == 1
    assert (cancelled.status, cancelled.out, cancelled.err) == (0, "", "")
    assert left.out == ""


async def test_a_second_daemon_is_told_to_go(tmp_path: Path) -> None:
    async with system(tmp_path) as settings:
        in_the_same_directory = await run("run", **settings)
        other = settings | {"SHOMARE_STATE__DIRECTORY": str(tmp_path / "other"), "SHOMARE_MQTT__CLIENT_ID": "other"}
        on_the_same_topic = await run("run", **other)
    assert in_the_same_directory.status == 78
    assert on_the_same_topic.status == 78
    for done in (in_the_same_directory, on_the_same_topic):
        assert done.err.splitlines()[-1].startswith("shomare-mqtt: ")
