"""Starting, stopping, dying, and daemons that get in each other's way."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.mqtt import client
from tests.cli.process import child_of
from tests.mosquitto import Mosquitto, free_port
from tests.patience import PATIENCE
from tests.system.house import PRODUCT, House, merged
from tests.system.serving import serving

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

pytestmark = pytest.mark.mosquitto


async def test_the_watch_goes_on_after_a_restart(house: House) -> None:
    order = await house.buy()
    assert await house.daemons[0].stop() == 0
    house.sim.deliver_sms(order["purchase"], code="60606")
    await house.again()
    assert (await house.probe.message("code")).text == "60606"
    received = await house.order(order["order"], "received")
    assert received["created_at"] == order["created_at"]
    assert (await house.probe.holds("current", lambda o: o["state"] == "received"))["order"] == order["order"]
    await house.again()
    assert (await house.probe.ok("query/orders"))[0]["sms"][0]["code"] == "60606"
    assert len(house.probe.all("event/sms")) == 1
    assert len(house.bought()) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_lets_a_purchase_finish(house: House, number: int) -> None:
    house.sim.fault("buy", "hold")
    since = await house.probe.publish("buy", {**PRODUCT, "transaction": "t"})
    await house.probe.message("event/order", since, lambda s: s.json["event_type"] == "buying")
    await house.sim.wait_until(lambda: house.sim.hanging == 1)
    stopping = asyncio.create_task(house.daemons[0].stop(number))
    await house.daemons[0].said("stopping")
    house.sim.clear_faults()
    assert await stopping == 0
    answer = (await house.probe.message("response/buy", since)).json
    assert (answer["status"], answer["data"]["state"]) == ("ok", "waiting")
    await house.probe.text("bridge/state", "offline")
    await house.again()
    assert (await house.probe.ok("query/orders"))[0]["state"] == "waiting"
    assert len(house.bought()) == 1


@pytest.mark.parametrize("anew", [False, True])
async def test_sighup_takes_the_new_settings_over_and_leaves_a_mistake(house: House, anew: bool) -> None:
    order = await house.buy()
    (daemon,) = house.daemons
    more = {"provider": {"currency": "IRR"}} if anew else {}
    house.file(merged(house.settings, {"limits": {"max_open_orders": 1}}, more))
    since = len(house.probe.seen)
    daemon.process.send_signal(signal.SIGHUP)
    if anew:
        await house.probe.message("bridge/state", since, lambda s: s.text == "online")
    else:
        await house.probe.holds("bridge/info", lambda i: i["settings"]["limits"]["max_open_orders"] == 1)
        assert house.probe.all("bridge/state", since) == [], "nothing flickers"
    assert (await house.probe.refused("buy", PRODUCT))["code"] == "limit_reached"
    house.sim.deliver_sms(order["purchase"], code="60606")
    await house.order(order["order"], "received")
    file = house.folder / "settings.toml"
    for mistake, *said in (
        ("nonsense = 1\n[limit]", "1: nonsense: unknown key", "2: limit: unknown table (did you mean [limits]?)"),
        ('[provider]\ntoken = "t"\n[plugins]\nenabled = ["nonsense"]', "4: plugins.enabled: there is no plugin"),
    ):
        file.write_text(mistake)
        daemon.process.send_signal(signal.SIGHUP)
        for words in said:
            await daemon.said(f"those before stay in force: {file}:{words}")
        assert (await house.probe.refused("buy", PRODUCT))["code"] == "limit_reached"
    assert await daemon.stop() == 0


async def test_a_process_that_reads_the_settings_again_and_dies_or_goes_on_and_on(house: House) -> None:
    (daemon,) = house.daemons
    file = house.folder / "settings.toml"
    file.unlink()
    os.mkfifo(file)  # whoever reads it waits
    daemon.process.send_signal(signal.SIGHUP)
    writing = await asyncio.to_thread(os.open, file, os.O_WRONLY)
    os.kill(child_of(daemon.process.pid), signal.SIGKILL)
    await daemon.said("those before stay in force: the process that reads the settings was ended by SIGKILL")
    assert await house.probe.ok("query/orders", {}) == []
    os.close(writing)
    daemon.process.send_signal(signal.SIGHUP)
    writing = await asyncio.to_thread(os.open, file, os.O_WRONLY)
    reading = child_of(daemon.process.pid)
    assert await house.probe.ok("query/orders", {}) == [], "it goes on meanwhile"
    assert await daemon.stop() == 0
    with pytest.raises(ProcessLookupError):
        os.kill(reading, 0)
    os.close(writing)


@pytest.mark.parametrize("after", [True, False])
async def test_a_crash_while_buying(house: House, after: bool) -> None:
    house.sim.fault("buy", "hang_after" if after else "hang_before")
    since = await house.probe.publish("buy", {**PRODUCT, "transaction": "t"})
    await house.sim.wait_until(lambda: house.sim.hanging == 1)
    order = (await house.probe.message("event/order", since)).json["order"]["order"]
    await house.again(number=signal.SIGKILL)
    answer = (await house.probe.message("response/buy", since)).json
    assert (answer["status"], answer["transaction"]) == ("unknown", "t")
    assert (answer["error"]["code"], answer["data"]["order"]) == ("outcome_unknown", order)
    if after:
        settled = await house.probe.holds(f"orders/{order}", lambda o: o["charged"] is not None)
        assert settled["state"] == "unknown"
    else:
        await house.order(order, "failed")
    repeated = await house.probe.ask("buy", {**PRODUCT, "transaction": "t"})
    assert (repeated["status"], repeated["replayed"]) == ("unknown", True)
    assert len(house.bought()) == after


async def test_it_stops_at_once_while_a_broker_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker that hangs would else hold up the end for as long as the first attempt at it takes."""
    monkeypatch.setattr(client, "SILENCE", 3600)
    asked = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()
        writer.close()

    settings = {"provider": {"base_url": f"http://127.0.0.1:{free_port()}/api"}, "mqtt": {"keepalive": 3600}}
    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        house = House(tmp_path, server.sockets[0].getsockname()[1], "silent", {})
        async with asyncio.timeout(2 * PATIENCE), serving(house, settings):
            await asked.wait()


async def test_what_systemd_is_told(open_house: Callable[..., Awaitable[House]]) -> None:
    house = await open_house()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(address := str(house.folder / "notify"))
        supervisor.setblocking(False)

        async def told(words: str) -> str:
            async with asyncio.timeout(PATIENCE):
                while words not in (said := (await asyncio.get_running_loop().sock_recv(supervisor, 4096)).decode()):
                    pass
                return said

        daemon = await house.launch(NOTIFY_SOCKET=address)
        assert (await told("READY=1")).startswith("READY=1\nSTATUS=connected with MQTT 5; provider ")
        await house.buy()
        await house.probe.ok("query/profile", {})
        held = "STATUS=connected with MQTT 5; provider online; 1 open orders; balance 997,800 IRT"
        assert await told("balance 997,800") == held
        house.sim.block()
        await house.probe.refused("query/profile", {})
        assert (await told("provider blocked")).endswith(
            "1 open orders. The provider says that the account is blocked; ask the provider"
        )
        assert await daemon.stop() == 0
        assert await told("STOPPING") == "STOPPING=1\nSTATUS=Stopping"
        with pytest.raises(BlockingIOError):
            supervisor.recv(4096)


async def test_it_starts_before_the_broker_and_the_provider(tmp_path: Path) -> None:
    port = free_port()
    house = House(tmp_path, port, "early", {})
    daemon = await house.launch({"provider": {"base_url": f"http://127.0.0.1:{free_port()}/api"}})
    await daemon.said("broker")
    assert daemon.process.returncode is None
    async with Mosquitto(tmp_path, port=port), house.another_probe() as probe:
        await probe.text("bridge/state", "online")
        await probe.holds("provider/state", lambda s: s["state"] == "unreachable")
        assert (await probe.refused("query/profile", {}))["code"] == "provider_unreachable"
        assert await probe.ok("query/orders", {}) == []
        assert await daemon.stop() == 0


async def test_stopping_without_a_broker(tmp_path: Path) -> None:
    house = House(tmp_path, free_port(), "never", {})
    daemon = await house.launch({"provider": {"base_url": f"http://127.0.0.1:{free_port()}/api"}})
    await daemon.said("broker")
    assert await daemon.stop() == 0


async def test_a_second_daemon_ends(house: House) -> None:
    same_directory = await house.launch(name="second.toml")
    assert await same_directory.ended() == 78
    other = {"state": {"directory": str(house.folder / "other")}, "mqtt": {"client_id": "another"}}
    same_topic = await house.launch(other, name="third.toml")
    assert await same_topic.ended() == 78
    for daemon in (same_directory, same_topic):
        assert len(daemon.log.splitlines()) <= 3, daemon.log
    assert house.base in same_topic.log
    await house.probe.text("bridge/state", "online")
    assert (await house.buy())["state"] == "waiting"
    assert house.daemons[0].process.returncode is None


async def test_what_a_crash_left_forbids_nothing(house: House) -> None:
    house.daemons[0].process.send_signal(signal.SIGKILL)
    await house.daemons[0].ended()
    await house.probe.publish("bridge/state", "online", retain=True)
    since = len(house.probe.seen)
    other = {"state": {"directory": str(house.folder / "other")}}
    daemon = await house.launch(other)
    await house.probe.message("bridge/info", since)
    assert daemon.process.returncode is None
    assert (await house.buy())["state"] == "waiting"


BAD: list[tuple[dict[str, Any], str]] = [
    ({"mqtt": {"port": 70000}}, "mqtt.port"),
    ({"mqtt": {"base_topic": "/x"}}, "mqtt.base_topic"),
    ({"mqtt": {"base_topic": "a/+/b"}}, "mqtt.base_topic"),
    ({"mqtt": {"protocol": "4"}}, "mqtt.protocol"),
    ({"mqtt": {"colour": "red"}}, "mqtt.colour"),
    ({"colours": {}}, "colours"),
    ({"orders": {"poll_interval": -1}}, "orders.poll_interval"),
    ({"orders": {"cancel_on_expiry": "perhaps"}}, "orders.cancel_on_expiry"),
    ({"provider": {"timezone": "Mars/Olympus"}}, "provider.timezone"),
    ({"provider": {"timeout": 0}}, "provider.timeout"),
    ({"provider": {"dialect": {"buy": "pigeon"}}}, "provider.dialect.buy"),
    ({"limits": {"max_price": "cheap"}}, "limits.max_price"),
    ({"prices": [{"country": 7}]}, "prices"),
    ({"mqtt": {"password_file": "/nonexistent"}}, "mqtt.password_file"),
]


async def test_settings_that_cannot_be(tmp_path: Path) -> None:
    house = House(tmp_path, free_port(), "bad", {})
    base = {"provider": {"base_url": "http://127.0.0.1:9/api"}}
    for pair in (BAD[n : n + 3] for n in range(0, len(BAD), 3)):
        daemons = [
            (await house.launch(merged(base, settings), name=f"{n}.toml"), key)
            for n, (settings, key) in enumerate(pair)
        ]
        for daemon, key in daemons:
            assert await daemon.ended() == 78, daemon.log
            lines = daemon.log.splitlines()
            assert len(lines) == 1, lines
            assert key in lines[0]
    assert not (tmp_path / "state").exists()


async def test_the_state_directory_is_the_owners_alone(house: House) -> None:
    state = house.folder / "state"
    await house.buy()
    assert state.stat().st_mode & 0o077 == 0
    for path in state.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path
    await house.daemons[0].stop()
    state.chmod(0o755)
    for path in state.iterdir():
        path.chmod(0o644)
    await house.again()
    assert state.stat().st_mode & 0o077 == 0
    for path in state.iterdir():
        assert path.stat().st_mode & 0o077 == 0, path


@pytest.mark.slow
async def test_two_daemons_do_not_fight_for_the_session(house: House) -> None:
    first = house.daemons[0]
    first.process.send_signal(signal.SIGSTOP)  # it does not answer, so that a second one may start
    since = len(house.probe.seen)
    second = await house.launch({"state": {"directory": str(house.folder / "other")}}, name="second.toml")
    await house.probe.message("bridge/info", since)
    first.process.send_signal(signal.SIGCONT)
    endings = [asyncio.ensure_future(d.process.wait()) for d in (first, second)]
    done, left = await asyncio.wait(endings, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
    assert [ending.result() for ending in done] == [1], first.log + second.log
    (survivor,) = left
    assert await house.probe.ok("query/orders", {}) == []
    assert not survivor.done()
    survivor.cancel()


async def test_what_was_not_answered_before_the_stop_is_answered_after_it(house: House) -> None:
    house.sim.fault("pricebyproduct", "hang_before", times=None)
    await house.probe.publish("buy", {**PRODUCT, "max_price": 5000, "transaction": "left"})
    await house.sim.wait_until(lambda: house.sim.hanging >= 1)
    assert await house.daemons[0].stop() == 0
    assert not house.probe.all("response/buy")
    house.sim.clear_faults()
    await house.again()
    answer = (await house.probe.message("response/buy")).json
    assert (answer["status"], answer["transaction"]) == ("ok", "left")


async def test_whoever_waits_for_a_query_at_the_stop_is_told(house: House) -> None:
    house.sim.fault("pricebyproduct", "hang_before", times=None)
    await house.probe.publish("query/price/7/1/3", {"transaction": "left"})
    await house.sim.wait_until(lambda: house.sim.hanging >= 1)
    assert await house.daemons[0].stop() == 0
    answer = (await house.probe.message("response/query/price/7/1/3")).json
    assert (answer["error"]["code"], answer["transaction"]) == ("busy", "left")


async def test_killed_while_a_query_is_under_way(house: House) -> None:
    """Nothing is left of it to be answered, with other words by then, or to be stuck on."""
    house.sim.fault("pricebyproduct", "hang_before", times=None)
    await house.probe.publish("query/price/7/1/3", {"transaction": "cut"})
    await house.sim.wait_until(lambda: house.sim.hanging >= 1)
    house.daemons[0].process.kill()
    await house.daemons[0].process.wait()
    house.sim.clear_faults()
    await house.again()
    assert (await house.probe.ok("query/price/7/1/3", {}))["price"] > 0
    answers = [seen.json for seen in house.probe.all("response/query/price/7/1/3")]
    assert "cut" not in {answer["transaction"] for answer in answers}
