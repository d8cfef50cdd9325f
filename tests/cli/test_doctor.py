"""`shomare-mqtt doctor` as a process of its own: statuses, both forms of output, beside a running daemon."""

from __future__ import annotations

import json
import re
import stat
from typing import TYPE_CHECKING

import pytest

from shomare_mqtt.cli.demo_amqtt import embedded
from shomare_mqtt.cli.doctoring import _write
from shomare_mqtt.cli.status import CommandFailedError
from shomare_mqtt.simulator import Simulator, SimulatorOptions
from tests.cli.process import Finished, finish, run, start_afresh
from tests.doctor.places import shop
from tests.mosquitto import free_port
from tests.system.house import TOKEN

if TYPE_CHECKING:
    from pathlib import Path

LINE = re.compile(r"(good|bad|unknown) +(\S.{0,60}?)  +(.*)")


def lines(done: Finished) -> dict[str, tuple[str, str]]:
    """State and text of each finding, by its name."""
    found = [LINE.fullmatch(line) for line in done.out.splitlines()]
    return {each[2]: (each[1], each[3]) for each in found if each is not None}


def variables(folder: Path, url: str, port: int, **more: str) -> dict[str, str]:
    return {
        "SHOMARE_MQTT__PORT": str(port),
        "SHOMARE_PROVIDER__BASE_URL": url,
        "SHOMARE_PROVIDER__TOKEN": TOKEN,
        "SHOMARE_STATE__DIRECTORY": str(folder / "state"),
        "no_proxy": "*",
        **more,
    }


async def test_all_is_well(tmp_path: Path) -> None:
    async with Simulator(SimulatorOptions(token=TOKEN)) as sim, embedded() as port:
        given = variables(tmp_path, sim.base_url, port)
        done = await finish(await start_afresh("doctor", **given))
        told = await run("doctor", "--json", **given)
        calls = dict(sim.calls)
    assert (done.status, done.err) == (0, "")
    found = lines(done)
    assert len(found) == len(done.out.splitlines())
    for name in ("settings", "secrets", "broker", "provider", "token", "profile", "allcountries", "pricebyproduct"):
        assert found[name][0] == "good", name
    assert "balance 1,000,000 IRT" in found["profile"][1]
    assert found["daemon"][0] == "unknown"
    assert (told.status, told.err) == (0, "")
    (answer,) = told.lines()
    assert answer["ok"] is True
    assert {tuple(each) for each in answer["findings"]} == {("name", "state", "text", "advice")}
    assert [each["name"] for each in answer["findings"]] == list(found)
    assert not {"buy", "check", "cancel"} & set(calls)
    assert TOKEN not in done.out + told.out
    assert not (tmp_path / "state").exists()


async def test_something_is_bad(tmp_path: Path) -> None:
    async with Simulator(SimulatorOptions(token="another")) as sim:
        given = variables(tmp_path, sim.base_url, free_port())
        done, told = await run("doctor", **given), await run("doctor", "--json", **given)
    assert (done.status, done.err) == (1, "")
    assert lines(done)["token"][0] == "bad"
    assert " → " in lines(done)["token"][1]
    assert lines(done)["broker"][0] == "bad"
    assert told.status == 1
    assert told.lines()[0]["ok"] is False


@pytest.mark.parametrize("form", [(), ("--json",)])
async def test_settings_that_cannot_be_used(tmp_path: Path, form: tuple[str, ...]) -> None:
    (tmp_path / "settings.toml").write_text('[provider]\ntoken = "t"\n[provider.fields]\n"countries.it" = "x"\n')
    done = await run("doctor", *form, "--config", str(tmp_path / "settings.toml"))
    assert (done.status, done.out) == (78, "")
    assert "countries.it" in done.err
    assert done.err.count("\n") == 1
    missing = await run("doctor", *form)
    assert (missing.status, missing.out) == (78, "")
    assert "provider.token: is missing" in missing.err


async def test_a_report_is_for_its_owner_alone_and_never_overwrites(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    async with Simulator(SimulatorOptions(token=TOKEN)) as sim:
        given = variables(tmp_path, sim.base_url, free_port())
        done = await run("doctor", "--report", str(file), **given)
        assert str(file) in done.out
        content = file.read_bytes()
        again = await run("doctor", "--report", str(file), **given)
        nowhere = await run("doctor", "--report", str(tmp_path / "no" / "report.json"), **given)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(content)["answers"]["allcountries"]
    assert TOKEN.encode() not in content
    for refused in (again, nowhere):
        assert (refused.status, refused.out) == (2, "")
        assert "--report" in refused.err
    assert file.read_bytes() == content


async def test_a_report_that_cannot_be_written(tmp_path: Path) -> None:
    async with Simulator(SimulatorOptions(token=TOKEN)) as sim:
        given = variables(tmp_path, sim.base_url, free_port())
        done = await run("doctor", "--report", "/proc/report.json", **given)
    assert done.status == 1
    assert "could not be written" in done.err


def test_a_file_that_came_meanwhile_stays(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text("another's")
    with pytest.raises(CommandFailedError):
        _write(tmp_path / "report.json", {})
    assert (tmp_path / "report.json").read_text() == "another's"


async def test_what_a_provider_writes_cannot_steer_the_terminal(tmp_path: Path) -> None:
    steering = "\x1b[31mRed\x07\u202eback"
    async with shop(allcountries=[{"id": 7, "name": steering}]) as server:
        given = variables(tmp_path, server.url, free_port())
        done, told = await run("doctor", **given), await run("doctor", "--json", **given)
    for text in (done.out, told.out):
        assert "Red" in text
        assert not {"\x1b", "\x07", "\u202e"} & set(text)
