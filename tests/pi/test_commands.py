"""The documents' commands, as they stand there, on a pretended Raspberry Pi with a real broker, daemon and provider."""

from __future__ import annotations

import json
import re
import stat
import tarfile
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from shomare_mqtt.simulator import Simulator, SimulatorOptions
from tests.mosquitto import Mosquitto
from tests.pi.machine import TOKEN, TOP, Machine
from tests.readme import README, blocks
from tests.system.probe import Probe

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.readme import Block

MORE = TOP / "docs" / "start-raspberry-pi.md"
SETTINGS, DOCTOR = "Settings", "Does it work? Ask the doctor"
PACKAGE, WITHOUT = "With the package", "Without the package"
LYING, BACKUP, SECOND, NEWER, REMOVAL = "What lies where", "Backup", "A second account", "A newer Debian", "Removal"
ELSEWHERE = {"Try it: two commands", "Five examples", "The page"}
"""Sections of the README that other tests run: against the demo, and tests/test_web_settings.py."""
BUY = "shomare-mqtt buy --country Russia --operator 1 --application Telegram"
PERSON = f"""case $1 in
    */token) echo {TOKEN} >"$1" ;;
    *) sed -i 's/^max_price = .*/max_price = 6000/' "$1" ;;
esac"""
"""What is done at the editor: the token goes into an empty file, and one limit is changed."""
TIMED_OUT = 27
"""How mosquitto_sub ends after the time that -W gives it."""


class Scene(NamedTuple):
    machine: Machine
    probe: Probe

    async def type(self, block: Block, status: int = 0) -> str:
        assert block.kind == "sh"
        done, out = await self.machine.run(block.text)
        assert TOKEN not in out
        assert done == status, f"{block.text}\nended with {done}:\n{out}"
        return out


@asynccontextmanager
async def scene(*, quick: bool) -> AsyncIterator[Scene]:
    with tempfile.TemporaryDirectory(prefix="pi-") as folder:
        root = Path(folder)
        (root / "broker").mkdir()
        async with Mosquitto(root / "broker") as broker, Simulator(SimulatorOptions(token=TOKEN)) as provider:
            probe = Probe(broker.port, "shomare", also=("shomare-second/#", "homeassistant/#"))
            machine = Machine(root, port=broker.port, provider=provider.base_url, quick=quick)
            machine.publish("1.0.0")
            machine.person(PERSON)
            await machine.systemd.start(root / "systemd")
            async with probe:
                try:
                    yield Scene(machine, probe)
                finally:
                    await machine.systemd.end()


def device(seen: Probe, name: str) -> str | None:
    """The discovery topic of a device that Home Assistant shows by now."""
    topics = {s.topic: s.payload for s in seen.seen if s.topic.startswith("/homeassistant/device/")}
    return next((t for t, text in topics.items() if text and json.loads(text)["device"]["name"] == name), None)


def of(path: Path, section: str) -> list[Block]:
    return [block for block in blocks(path) if block.section == section]


async def install(scene: Scene) -> None:
    machine, probe = scene
    put_there, start, change, upgrade = of(MORE, WITHOUT)
    out = await scene.type(put_there)
    assert f"# {machine.placed('/etc/shomare-mqtt/config.toml')}\n" in out
    assert 'provider.token = "***"' in out
    packages = (machine.root / "packages").read_text().split()
    assert {"python3-venv", "mosquitto", "mosquitto-clients", "git"} <= set(packages)
    assert stat.S_IMODE(machine.path("/etc/shomare-mqtt/token").stat().st_mode) == 0o600

    out = await scene.type(start)
    assert "shomare-mqtt: connected with MQTT 5; " in out
    assert "\nbad " not in out
    state = next(line for line in out.splitlines() if " state directory " in line)
    assert state.startswith("good")
    assert machine.placed("/var/lib/shomare-mqtt can be written") in state
    assert machine.systemd.enabled == {"shomare-mqtt"}

    since = len(probe.seen)
    await scene.type(change)
    changed = await probe.message("bridge/info", since, lambda s: s.json["settings"]["limits"]["max_price"] == 6000)
    assert changed.json["version"] == "1.0.0"

    machine.publish("1.0.1")
    await scene.type(upgrade)
    await probe.holds("bridge/info", lambda info: info["version"] == "1.0.1")


async def back_up(scene: Scene) -> None:
    machine, probe = scene
    save, put_back, go_on = of(MORE, BACKUP)
    await scene.type(save)
    tar = machine.here / "shomare-mqtt.tar"
    assert stat.S_IMODE(tar.stat().st_mode) == 0o600
    with tarfile.open(tar) as kept:
        names = set(kept.getnames())
    state = "var/lib/private/shomare-mqtt"
    assert {"etc/shomare-mqtt/token", "etc/shomare-mqtt/config.toml", f"{state}/journal.sqlite3"} <= names

    bought, out = await machine.run(BUY)
    assert bought == 0, out
    since = len(probe.seen)
    await scene.type(put_back)
    await probe.message("event/bridge", since, lambda s: s.json.get("reason") == "journal_restored")
    since = len(probe.seen)
    await scene.type(go_on)
    assert (await probe.answer("buying/set", since))["status"] == "ok"
    bought, out = await machine.run(BUY)
    assert bought == 0, out


async def second_account(scene: Scene) -> None:
    machine, probe = scene
    put_there, table, look = of(MORE, SECOND)
    await scene.type(put_there)
    machine.paste(table.text, "/etc/shomare-second/config.toml")
    out = await scene.type(look)
    assert "\nbad " not in out
    assert "one is online on base topic shomare-second" in out
    assert re.search(r"^balance +[\d,]+ IRT", out, re.MULTILINE | re.IGNORECASE)
    await probe.until(lambda: device(probe, "Shomare, second account"))
    assert set(machine.systemd.running) == {"shomare-mqtt", "shomare-second"}
    assert machine.path("/var/lib/private/shomare-second/journal.sqlite3").exists()


async def newer_debian(scene: Scene) -> None:
    (again,) = of(MORE, NEWER)
    since = len(scene.probe.seen)
    await scene.type(again)
    await scene.probe.message("bridge/state", since, lambda s: s.text == "online")


async def removal(scene: Scene) -> None:
    machine, probe = scene
    table, leave, end, remove = of(MORE, REMOVAL)
    await probe.until(lambda: device(probe, "Shomare"))
    machine.paste(table.text, "/etc/shomare-mqtt/config.toml")
    await scene.type(leave)
    await probe.until(lambda: device(probe, "Shomare") is None)
    out = await scene.type(end, TIMED_OUT)
    assert "shomare/bridge/state offline" in out
    assert set(machine.systemd.running) == machine.systemd.enabled == {"shomare-second"}
    await scene.type(remove)
    assert machine.gone(
        ("/etc/shomare-mqtt", "/opt/shomare-mqtt", "/var/lib/shomare-mqtt", "/usr/local/bin/shomare-mqtt")
    )
    async with Probe(machine.port, "shomare", also=("homeassistant/#",)) as afterwards:
        await afterwards.message("the end of what is retained", await afterwards.publish("the end of what is retained"))
        (other, _) = afterwards.seen
    assert other.topic == device(probe, "Shomare, second account")


@pytest.mark.slow
@pytest.mark.mosquitto
@pytest.mark.timeout(900)
async def test_the_way_to_a_pi_and_back() -> None:
    """Every block of docs/start-raspberry-pi.md but those of the package, in their order."""
    async with scene(quick=True) as one:
        await install(one)
        await back_up(one)
        await second_account(one)
        await newer_debian(one)
        await removal(one)


@pytest.mark.slow
@pytest.mark.mosquitto
@pytest.mark.timeout(1500)
async def test_pip_does_what_is_pretended_above() -> None:
    """The installation alone, since each installation takes half a minute. It needs a package index."""
    async with scene(quick=False) as one:
        await install(one)


@pytest.mark.slow
@pytest.mark.mosquitto
async def test_the_least_settings_and_the_doctor() -> None:
    (least,), (ask,) = of(README, SETTINGS), of(README, DOCTOR)
    async with scene(quick=True) as one:
        await one.type(of(MORE, WITHOUT)[0])
        one.machine.path("/etc/shomare-mqtt/config.toml").write_text(one.machine.placed(least.text))
        out = await one.type(ask)
    assert out.startswith("good    settings")
    assert "\nbad " not in out


def test_no_command_is_left_out() -> None:
    """A new block belongs into one of the tests here, or to those of the sections that others run."""
    assert [b.section for b in blocks() if not b.kind] == [""], "the drawing alone is no command"
    assert {b.section for b in blocks() if b.kind} == {SETTINGS, DOCTOR} | ELSEWHERE
    assert [b.kind for b in of(MORE, WITHOUT)] == ["sh"] * 4
    assert {b.section for b in blocks(MORE)} == {PACKAGE, LYING, WITHOUT, BACKUP, SECOND, NEWER, REMOVAL}
