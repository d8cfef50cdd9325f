"""The settings are read again, by a daemon with a real broker: what needs no new connection takes none."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
from typing import TYPE_CHECKING, Any

import pytest

from tests.mosquitto import free_port
from tests.patience import PATIENCE
from tests.system.house import PRODUCT, merged

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tests.mosquitto import Mosquitto
    from tests.system.house import Daemon, House

pytestmark = pytest.mark.mosquitto

READ_AGAIN = "the settings were read again: "


async def reread(house: House, *settings: dict[str, Any]) -> list[str]:
    """Write other settings, send SIGHUP, and wait for what the log says of it: those lines."""
    daemon = house.daemons[-1]
    house.settings = merged(house.settings, *settings)
    house.file(house.settings)
    return await hang_up(daemon)


async def hang_up(daemon: Daemon) -> list[str]:
    before = said_of_settings(daemon)
    daemon.process.send_signal(signal.SIGHUP)
    async with asyncio.timeout(PATIENCE):
        while not complete(found := said_of_settings(daemon)[len(before) :]):  # noqa: ASYNC110 - as in Daemon.said
            await asyncio.sleep(0.02)
    return found


def said_of_settings(daemon: Daemon) -> list[str]:
    """What the log says of settings, without the time."""
    lines = (line.split(" shomare_mqtt: ")[-1] for line in daemon.log.splitlines() if " shomare_mqtt: " in line)
    return [line for line in lines if READ_AGAIN in line or " (it was " in line or line.startswith("prices: ")]


def complete(lines: list[str]) -> bool:
    """Whether all lines are there that the first one announces."""
    if not lines:
        return False
    size = re.search(r"(\d+) change", lines[0])
    return len(lines) == 1 + (int(size[1]) if size else 0)


def connections(house: House, mosquitto: Mosquitto) -> int:
    """How often the daemon connected, by the broker's own log."""
    return mosquitto.log.read_text().count(f" as shomare-mqtt-{house.base} (")


async def test_nothing_flickers_while_a_buy_and_a_query_are_under_way(house: House, mosquitto: Mosquitto) -> None:
    (daemon,) = house.daemons
    since, connected = len(house.probe.seen), connections(house, mosquitto)
    assert connected == 1
    house.sim.fault("buy", "hold")
    house.sim.fault("pricebyproduct", "hold")
    await house.probe.publish("buy", {**PRODUCT, "transaction": "t"})
    await house.probe.publish("query/price/7/1/3", {"transaction": "q"})
    await house.sim.wait_until(lambda: house.sim.hanging == 2)
    lines = await reread(
        house,
        {
            "limits": {"max_open_orders": 1, "max_buys_per_hour": 9},
            "orders": {"poll_interval": 0.1, "keep_closed": 60},
            "defaults": {"country": "Russia"},
            "refresh": {"profile": 60},
            "prices": [{"country": 7, "operator": 1}],
            "homeassistant": {"device_name": "Numbers", "countries": ["Russia"]},
            "privacy": {"retain_codes": True},
        },
    )
    assert lines == [
        f"{READ_AGAIN}10 changes",
        "orders.poll_interval = 0.1 (it was 0.2)",
        "orders.keep_closed = 60 (it was 3600)",
        "limits.max_buys_per_hour = 9 (it was not set)",
        "limits.max_open_orders = 1 (it was 20)",
        'defaults.country = "Russia" (it was not set)',
        "refresh.profile = 60 (it was 300)",
        'homeassistant.device_name = "Numbers" (it was "Shomare")',
        'homeassistant.countries = ["Russia"] (it was [])',
        "privacy.retain_codes = true (it was false)",
        'prices: country "7", operator "1" is watched now',
    ]
    await house.probe.holds("bridge/info", lambda i: i["settings"]["limits"]["max_buys_per_hour"] == 9)
    house.sim.clear_faults()
    answer = (await house.probe.message("response/buy", since)).json
    assert (answer["status"], answer["transaction"], answer["data"]["state"]) == ("ok", "t", "waiting")
    assert (await house.probe.message("response/query/price/7/1/3", since)).json["transaction"] == "q"
    assert (await house.probe.refused("buy", PRODUCT))["code"] == "limit_reached"
    await house.probe.message("prices/7/1", since)
    await house.probe.text("defaults/country", "7")
    home = f"/{house.base}-ha/device/"
    await house.probe.until(lambda: any(s.topic.startswith(home) and b"Numbers" in s.payload for s in house.probe.seen))
    house.sim.deliver_sms(answer["data"]["purchase"], code="60606")
    await house.probe.holds("current", lambda o: o["sms"] and o["sms"][0].get("code") == "60606")
    assert await reread(house, {"privacy": {"retain_codes": False}, "prices": []}) != []
    await house.probe.holds("current", lambda o: "code" not in o["sms"][0])
    await house.probe.text("prices/7/1", "")
    assert house.probe.all("bridge/state", since) == []
    assert house.probe.all("bridge/state")[-1].text == "online"
    assert connections(house, mosquitto) == connected
    assert len(house.bought()) == 1
    assert await daemon.stop() == 0


async def test_what_needs_a_new_connection_says_so(house: House, mosquitto: Mosquitto) -> None:
    since = len(house.probe.seen)
    lines = await reread(house, {"mqtt": {"keepalive": 31}, "limits": {"max_price": 5000}})
    assert lines == [
        f"{READ_AGAIN}2 changes, for which the daemon connects anew",
        "mqtt.keepalive = 31 (it was 30); the daemon connects anew",
        "limits.max_price = 5000 (it was not set)",
    ]
    await house.probe.message("bridge/state", since, lambda s: s.text == "offline")
    await house.probe.message("bridge/state", since, lambda s: s.text == "online")
    await house.probe.holds("bridge/info", lambda i: str(i["settings"]["limits"]["max_price"]) == "5000")
    assert connections(house, mosquitto) == 2
    assert await reread(house) == [f"{READ_AGAIN}nothing changed"], "of what the one that connected anew has"
    assert connections(house, mosquitto) == 2


async def test_secrets_are_not_said(house: House) -> None:
    house.settings = merged(house.settings, {"mqtt": {"username": "me", "password": "geheim-4711"}})
    house.file(house.settings)
    (daemon,) = house.daemons
    daemon.process.send_signal(signal.SIGHUP)
    await daemon.said("mqtt.password is set now; the daemon connects anew")
    await house.probe.holds("bridge/info", lambda i: i["settings"]["mqtt"]["password"] == "***")
    assert "geheim" not in daemon.log
    assert not any(b"geheim" in seen.payload for seen in house.probe.seen)


async def test_the_log_itself(house: House) -> None:
    (daemon,) = house.daemons
    await reread(house, {"log": {"level": "warning"}})
    house.file(merged(house.settings, {"log": {"level": "warning"}, "limits": {"max_open_orders": 1}}))
    daemon.process.send_signal(signal.SIGHUP)
    await house.probe.holds("bridge/info", lambda i: i["settings"]["limits"]["max_open_orders"] == 1)
    assert "max_open_orders" not in daemon.log
    house.file(merged(house.settings, {"log": {"level": "info", "format": "json"}}))
    daemon.process.send_signal(signal.SIGHUP)
    await daemon.said('"message": "log.level = \\"info\\" (it was \\"warning\\")"')
    assert house.probe.all("bridge/state")[-1].text == "online"


async def test_a_plugin_whose_code_changed_connects_anew(
    open_house: Callable[..., Awaitable[House]], mosquitto: Mosquitto
) -> None:
    """One whose file stays as it is goes on; so does the daemon where the new one has a fault."""
    house = await open_house()
    folder = house.folder / "plugins"
    folder.mkdir()
    code = "from pydantic import BaseModel\n\n\nclass Settings(BaseModel):\n    greeting: str = 'hello'\n\n\n"
    code += "def shomare_startup(api):\n    api.logger.warning('%s', api.settings.greeting)\n"
    (folder / "greeter.py").write_text(code)
    daemon = await house.start({"plugins": {"enabled": ["greeter"], "directories": [str(folder)]}})
    await daemon.said("hello")
    assert await reread(house, {"limits": {"max_open_orders": 1}}) != []
    assert connections(house, mosquitto) == 1
    (folder / "greeter.py").write_text("def nonsense(:\n")
    daemon.process.send_signal(signal.SIGHUP)
    await daemon.said("those before stay in force: ")
    assert connections(house, mosquitto) == 1
    (folder / "greeter.py").write_text(code.replace("'hello'", "'good morning'"))
    daemon.process.send_signal(signal.SIGHUP)
    await daemon.said("plugins.greeter: its code is another now")
    await daemon.said("good morning")
    house.file(merged(house.settings, {"plugins": {"greeter": {"greeting": "geheim"}}}))
    daemon.process.send_signal(signal.SIGHUP)
    await daemon.said("[plugins.greeter] is there now; the daemon connects anew")


async def test_signals_in_a_row_and_the_end_among_them(house: House) -> None:
    (daemon,) = house.daemons
    order = await house.buy()
    house.file(merged(house.settings, {"limits": {"max_open_orders": 1}}))
    for _ in range(5):
        daemon.process.send_signal(signal.SIGHUP)
    await house.probe.holds("bridge/info", lambda i: i["settings"]["limits"]["max_open_orders"] == 1)
    house.file(merged(house.settings, {"limits": {"max_open_orders": 2}}))
    daemon.process.send_signal(signal.SIGHUP)
    assert await daemon.stop() == 0
    await house.probe.text("bridge/state", "offline")
    await house.again()
    assert (await house.probe.ok("query/orders"))[0]["order"] == order["order"]


async def test_a_reload_as_the_daemon_starts_and_while_the_broker_is_away(
    open_house: Callable[..., Awaitable[House]],
) -> None:
    house = await open_house()
    nobody = free_port()
    away = {"mqtt": {"port": nobody}}
    daemon = await house.launch(away)
    await daemon.said("shomare-mqtt ")  # it listens to signals by then, and has not begun
    house.file(merged(away, {"limits": {"max_open_orders": 1}}))
    assert await hang_up(daemon) == [f"{READ_AGAIN}1 change", "limits.max_open_orders = 1 (it was 20)"]
    await daemon.said("waiting for the broker")
    house.file(merged(away, {"limits": {"max_open_orders": 2}}))
    assert await hang_up(daemon) == [f"{READ_AGAIN}1 change", "limits.max_open_orders = 2 (it was 1)"]
    house.file({"limits": {"max_open_orders": 2}})
    daemon.process.send_signal(signal.SIGHUP)
    info = await house.probe.holds("bridge/info", lambda i: i["protocol"] == "5")
    assert info["settings"]["limits"]["max_open_orders"] == 2
    assert daemon.log.count(" connects anew") == 2


async def test_what_systemd_is_told(open_house: Callable[..., Awaitable[House]], tmp_path: Path) -> None:
    house = await open_house()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(str(tmp_path / "notify"))
        supervisor.settimeout(PATIENCE)
        told: list[str] = []

        async def until(*words: str) -> str:
            while True:
                message = (await asyncio.to_thread(supervisor.recv, 4096)).decode()
                told.append(message)
                if all(word in message for word in words):
                    return message

        daemon = await house.launch(NOTIFY_SOCKET=str(tmp_path / "notify"))
        await until("READY=1")
        assert "RELOADING" not in "".join(told)
        house.file({"limits": {"max_open_orders": 1}})
        daemon.process.send_signal(signal.SIGHUP)
        assert re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=\d+", await until("RELOADING=1"))
        ready = await until("READY=1")
        assert re.search(r"STATUS=connected with MQTT 5; .*; settings read again at [^;]+: 1 change$", ready)
        (house.folder / "settings.toml").write_text("[limit]\n")
        daemon.process.send_signal(signal.SIGHUP)
        await until("RELOADING=1")
        ready = await until("READY=1")
        assert "are not taken over: " in ready
        assert "settings.toml:1: limit: unknown table" in ready
        house.file({"provider": {"currency": "IRR"}})
        daemon.process.send_signal(signal.SIGHUP)
        await until("RELOADING=1")
        ready = await until("READY=1")
        assert ready.endswith(": 2 changes, for which the daemon connects anew")
        assert "STOPPING" not in "".join(told), "systemd must not take it for the end"
        assert await daemon.stop() == 0
