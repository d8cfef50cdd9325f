"""docs/troubleshooting.md: each of its lines is provoked with real parts, and doctor names it as the page says."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt import config
from shomare_mqtt.core.clock import SystemClock
from shomare_mqtt.doctor import broker, machine, probing
from shomare_mqtt.journal.files import JOURNAL
from shomare_mqtt.journal.store import Journal
from shomare_mqtt.mqtt.connection import open_link
from shomare_mqtt.mqtt.packets import Opening, Publication
from tests.cli.process import run
from tests.denying import Denying
from tests.doctor.places import ANSWERS, NOWHERE, TOKEN, examined, settings, shop
from tests.mosquitto import Mosquitto, free_port
from tests.passing import Passing
from tests.patience import PATIENCE
from tests.provider.servers import says, serving
from tests.small_disk import small_disk
from tests.walk import TOP
from tests.web.house import house

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from shomare_mqtt.config import GivenSettings
    from shomare_mqtt.doctor.examination import Examination

    Provoker = Callable[[Path, pytest.MonkeyPatch], Awaitable[list[str]]]

PAGE = (TOP / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
SYMPTOMS = {
    section.partition("\n")[0]: re.findall(r"^- Doctor: (.*)$", section, re.MULTILINE)
    for section in re.split(r"^### ", PAGE, flags=re.MULTILINE)[1:]
}
PARTS = ("You see", "Why", "Do", "Doctor")
PROVOKERS: dict[str, Provoker] = {}

pytestmark = [pytest.mark.mosquitto, pytest.mark.slow]


def provokes(symptom: str) -> Callable[[Provoker], Provoker]:
    def keep(provoker: Provoker) -> Provoker:
        PROVOKERS[symptom] = provoker
        return provoker

    return keep


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is held, and what comes back, comes however long it takes; who waits for what never comes says so."""
    monkeypatch.setattr(broker, "HELD_WITHIN", PATIENCE)
    monkeypatch.setattr(probing, "HELD_WITHIN", PATIENCE)
    monkeypatch.setattr(probing, "RETURNS_WITHIN", PATIENCE)
    monkeypatch.setenv("no_proxy", "*")


def nothing_comes(patch: pytest.MonkeyPatch, *names: str) -> None:
    for name in names:
        patch.setattr(probing, name, 0.3)


def test_each_symptom_is_provoked_and_told_whole() -> None:
    assert set(SYMPTOMS) == set(PROVOKERS)
    for section in re.split(r"^### ", PAGE, flags=re.MULTILINE)[1:]:
        assert re.findall(r"^- ([\w ]+):", section, re.MULTILINE) == list(PARTS), section


@pytest.mark.parametrize("symptom", SYMPTOMS)
async def test_doctor_names_it(symptom: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (wanted,) = SYMPTOMS[symptom]
    assert wanted in await PROVOKERS[symptom](tmp_path, monkeypatch)


def told(seen: Examination) -> list[str]:
    """Each finding that says more than that all is well, as the page names it."""
    assert all(each.advice or each.state.value == "good" for each in seen.findings)
    return [f"{each.state.value} `{each.name}`" for each in seen.findings]


async def looked(found: GivenSettings, folder: Path) -> list[str]:
    return told(await examined(found, folder / "state"))


async def at(port: int, folder: Path, **tables: Any) -> list[str]:
    mqtt = {"port": port, **tables.pop("mqtt", {})}
    return await looked(settings(NOWHERE, mqtt=mqtt, **tables), folder)


async def hold(port: int, **topics: Any) -> None:
    """What a daemon would have left on the broker, and what is `more`."""
    await hold_whole(port, {f"shomare/{topic.replace('_', '/', 1)}": said for topic, said in topics.items()})


async def hold_whole(port: int, topics: dict[str, Any]) -> None:
    mqtt = settings(mqtt={"port": port}).mqtt
    link = await open_link(mqtt, Opening("5", "left", clean=True), lambda _, ack: ack())
    for topic, said in topics.items():
        payload = (said if isinstance(said, str) else json.dumps(said)).encode()
        await link.publish(Publication(topic, payload, retain=True))
    await link.disconnect()


ONLINE: dict[str, Any] = {"bridge_state": "online", "bridge_info": {"version": "1"}, "provider_state": {}}


async def journal(folder: Path, **order: str) -> Path:
    """A journal with an order in it; the file."""
    kept = Journal(folder / "state", SystemClock())
    await kept.open()
    await kept.close()
    file = folder / "state" / JOURNAL
    if order:
        row = {"id": "01KAR0", "country": "7", "operator": "1", "application": "3", "made": "0"} | order
        row |= {"created_at": "2026-11-24T03:00:00.000Z", "updated_at": "2026-11-24T03:00:00.000Z"}
        with closing(sqlite3.connect(file)) as connection, connection:
            names, marks = ", ".join(row), ", ".join("?" for _ in row)
            connection.execute(f"INSERT INTO orders ({names}) VALUES ({marks})", list(row.values()))
    return file


async def status(*, folder: Path, text: str = "", **variables: str) -> list[str]:
    file = folder / "config.toml"
    file.write_text(text)
    file.chmod(0o600)
    doctor = await run("doctor", "--config", str(file), **variables)
    daemon = await run("run", "--config", str(file), **variables)
    assert doctor.err == daemon.err != ""
    assert doctor.status == daemon.status
    return [f"status {doctor.status}"]


@provokes("It ends at once with status 78, and names a setting")
async def _(folder: Path, patch: pytest.MonkeyPatch) -> list[str]:
    return await status(folder=folder, text='[provider]\ntoken = "t"\n[limits]\nmax_prise = 3\n')


@provokes("It ends with status 78: others reach the page")
async def _(folder: Path, patch: pytest.MonkeyPatch) -> list[str]:
    return await status(folder=folder, text='[provider]\ntoken = "t"\n[web]\nenabled = true\nhost = "0.0.0.0"\n')


@provokes("The page answers 421, or 403 as its button is pressed")
async def _(folder: Path, patch: pytest.MonkeyPatch) -> list[str]:
    async with house(folder) as page:
        misdirected = await page.ask("/", headers={"Host": "page.example"})
        sent = await page.post("/api/command/buy", headers={"Origin": "https://page.example"})
    assert (misdirected.status, "This page is not reached by this name" in misdirected.text) == (421, True)
    assert (sent.status, "Another site sent this. Nothing was done." in sent.text) == (403, True)
    return await looked(settings(NOWHERE, web={"enabled": True}), folder)


@provokes("It ends with status 78, and the token is missing")
async def _(folder: Path, patch: pytest.MonkeyPatch) -> list[str]:
    return await status(folder=folder, text="[mqtt]\nport = 9\n")


@provokes("A plugin cannot be loaded")
async def _(folder: Path, patch: pytest.MonkeyPatch) -> list[str]:
    (folder / "broken.py").write_text("import nothing_of_this_name\n")
    text = f'[provider]\ntoken = "t"\n[plugins]\nenabled = ["broken"]\ndirectories = ["{folder}"]\n'
    return await status(folder=folder, text=text)


@provokes("It ends with status 78: another daemon")
async def _(folder: Path, patch: pytest.MonkeyPatch) -> list[str]:
    nothing_comes(patch, "HELD_WITHIN")
    async with Mosquitto(folder) as mosquitto:
        await hold(mosquitto.port, **ONLINE)
        return await at(mosquitto.port, folder)


@provokes("It ends with status 78: the journal is damaged")
async def _(folder: Path, patch: pytest.MonkeyPatch) -> list[str]:
    with (await journal(folder)).open("r+b") as file:
        file.seek(8192)
        file.write(b"\xff" * 4096)
    return await looked(settings(), folder)


@provokes("It ends with status 78: the state directory")
async def _(folder: Path, patch: pytest.MonkeyPatch) -> list[str]:
    (folder / "state").touch()
    return await looked(settings(), folder)


@provokes("The broker cannot be reached")
async def _(folder: Path, patch: pytest.MonkeyPatch) -> list[str]:
    return await at(free_port(), folder)


@provokes("The broker refuses the password")
async def _(folder: Path, patch: pytest.MonkeyPatch) -> list[str]:
    async with Mosquitto(folder, users={"me": "right-password"}) as mosquitto:
        return await at(mosquitto.port, folder, mqtt={"username": "me", "password": "wrong-password"})


@provokes("Some topics never come: the access list")
async def _(folder: Path, patch: pytest.MonkeyPatch) -> list[str]:
    nothing_comes(patch, "HELD_WITHIN", "RETURNS_WITHIN")
    patch.setattr(broker, "HELD_WITHIN", 0.3)
    acl = ["user me", "topic readwrite shomare/doctor/#", "topic readwrite shomare/response/#"]
    async with Mosquitto(folder, users={"me": "password-1"}, acl=acl) as mosquitto:
        user = {"username": "me", "password": "password-1"}
        newer = await at(mosquitto.port, folder, mqtt=user)
        older = await at(mosquitto.port, folder, mqtt={**user, "protocol": "3.1.1"})
    return [each for each in newer if each in older]


@provokes("The broker hangs up again and again")
async def _(folder: Path, patch: pytest.MonkeyPatch) -> list[str]:
    nothing_comes(patch, "HELD_WITHIN")
    async with Mosquitto(folder) as mosquitto, Denying(mosquitto.port, lambda t: t.startswith("shomare/event")) as way:
        await hold(mosquitto.port, **ONLINE)
        found = await at(way.port, folder)
    assert way.hung_up
    return found


@provokes("Who subscribes later sees nothing")
async def _(folder: Path, patch: pytest.MonkeyPatch) -> list[str]:
    nothing_comes(patch, "HELD_WITHIN")
    patch.setattr(broker, "HELD_WITHIN", 0.3)
    async with Mosquitto(folder, lines=["retain_available false"]) as mosquitto:
        return await at(mosquitto.port, folder)


@provokes("A list never comes, and the answer is `too_large`")
async def _(folder: Path, patch: pytest.MonkeyPatch) -> list[str]:
    nothing_comes(patch, "HELD_WITHIN")
    async with Mosquitto(folder, lines=["max_packet_size 4096"]) as mosquitto:
        await hold(mosquitto.port, **ONLINE)
        return await at(mosquitto.port, folder)


class _Slow(Passing):
    """Passes on what goes up 50 ms later."""

    async def _pass_up(self, reader: asyncio.StreamReader, broker: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            await asyncio.sleep(0.05)
            broker.write(data)


@provokes("Everything takes 40 ms longer")
async def _(folder: Path, patch: pytest.MonkeyPatch) -> list[str]:
    nothing_comes(patch, "HELD_WITHIN")
    async with Mosquitto(folder) as mosquitto, _Slow(mosquitto.port) as way:
        await hold(mosquitto.port, **ONLINE)
        return await at(way.port, folder)


@provokes("The device does not appear in Home Assistant")
async def _(folder: Path, patch: pytest.MonkeyPatch) -> list[str]:
    nothing_comes(patch, "HELD_WITHIN")
    async with Mosquitto(folder) as mosquitto:
        await hold(mosquitto.port, **ONLINE)
        return await at(mosquitto.port, folder)


@provokes("Home Assistant uses another prefix")
async def _(folder: Path, patch: pytest.MonkeyPatch) -> list[str]:
    nothing_comes(patch, "HELD_WITHIN")
    patch.setattr(probing, "HELD_WITHIN", PATIENCE)
    async with Mosquitto(folder) as mosquitto:
        device = {"components": {"x": {"state_topic": "shomare/profile/balance"}}}
        await hold_whole(mosquitto.port, {"homeassistant/status": "online", "ha/device/shomare_x/config": device})
        await hold(mosquitto.port, **ONLINE)
        found = await at(mosquitto.port, folder, homeassistant={"discovery_prefix": "ha"})
    assert "good `Home Assistant`" in found
    return found


async def of_shop(folder: Path, http: dict[str, int] | None = None, **answers: Any) -> list[str]:
    async with shop(http, **answers) as server:
        return await looked(settings(server.url), folder)


@provokes("The token is refused")
async def _(folder: Path, patch: pytest.MonkeyPatch) -> list[str]:
    return await of_shop(folder, {"profile": 401}, profile={"status": False, "code": 401, "message": "bad token"})


@provokes("The provider cannot be reached")
async def _(folder: Path, patch: pytest.MonkeyPatch) -> list[str]:
    return await looked(settings(f"http://127.0.0.1:{free_port()}/api"), folder)


@provokes("The address is wrong")
async def _(folder: Path, patch: pytest.MonkeyPatch) -> list[str]:
    found = await of_shop(folder, dict.fromkeys(ANSWERS, 404), **dict.fromkeys(ANSWERS, b"<html>Not Found</html>"))
    assert not {name for name in ANSWERS if f"bad `{name}`" in found} - {"profile"}, "it is said once"
    return found


@provokes("A filter's page comes instead of an answer")
async def _(folder: Path, patch: pytest.MonkeyPatch) -> list[str]:
    found = await of_shop(folder, dict.fromkeys(ANSWERS, 403), **dict.fromkeys(ANSWERS, b"<html>Blocked</html>"))
    again = await of_shop(folder, {}, **dict.fromkeys(ANSWERS, b"<html><iframe src='http://10.10.34.36'></html>"))
    assert not {name for name in ANSWERS if f"bad `{name}`" in found} - {"profile"}, "it is said once"
    return [each for each in found if each in again]


@provokes("The proxy is away")
async def _(folder: Path, patch: pytest.MonkeyPatch) -> list[str]:
    given = settings("http://shop.example/api", provider={"proxy": f"http://127.0.0.1:{free_port()}"})
    base = settings("http://shop.example/api").provider
    provider = base.model_copy(update={"proxy": given.provider.proxy})
    return await looked(given.model_copy(update={"provider": provider}), folder)


@provokes("The balance or a price is missing or wrong")
async def _(folder: Path, patch: pytest.MonkeyPatch) -> list[str]:
    return await of_shop(folder, profile={"status": True, "data": {}})


@provokes("Buying is paused, and an order is `unknown`")
async def _(folder: Path, patch: pytest.MonkeyPatch) -> list[str]:
    await journal(folder, state="unknown")
    return await looked(settings(), folder)


@provokes("A number was bought, and no code came")
async def _(folder: Path, patch: pytest.MonkeyPatch) -> list[str]:
    await journal(folder, state="waiting")
    return await looked(settings(), folder)


@provokes("Commands are refused as expired, or the clock is wrong")
async def _(folder: Path, patch: pytest.MonkeyPatch) -> list[str]:
    patch.setattr(SystemClock, "is_synchronised", lambda _: False)
    date = format_datetime(datetime.now(UTC) + timedelta(hours=3), usegmt=True)
    async with serving(says(200, ANSWERS["profile"], f"Date: {date}\r\n")) as server:
        return await looked(settings(server.url), folder)


@provokes("The disk is full")
async def _(folder: Path, patch: pytest.MonkeyPatch) -> list[str]:
    patch.setattr(machine, "_IN_MEMORY", frozenset())
    with small_disk(folder / "state", of_this_process=False) as disk:
        disk.fill()
        return await looked(settings(), folder)


@provokes("Others can read the token")
async def _(folder: Path, patch: pytest.MonkeyPatch) -> list[str]:
    file, token = folder / "config.toml", folder / "token"
    token.write_text(f"{TOKEN}\n")
    token.chmod(0o644)
    file.write_text(f'[mqtt]\nport = 9\n[provider]\nbase_url = "{NOWHERE}"\ntoken_file = "{token}"\n')
    return [f"{each.state.value} `{each.name}`" for each in machine.of_secrets(config.load(file))]


@provokes("A plugin can be changed by others")
async def _(folder: Path, patch: pytest.MonkeyPatch) -> list[str]:
    file = folder / "mine.py"
    file.write_text("def shomare_shutdown():\n    raise RuntimeError('a hook ran')\n")
    file.chmod(0o666)
    found = await looked(settings(plugins={"enabled": ["mine"], "directories": [str(folder)]}), folder)
    return [each.replace("plugin mine", "plugin NAME") for each in found]
