"""docs/security.md as it stands there, on a real mosquitto: its certificates, its users and what each may do."""

from __future__ import annotations

import asyncio
import re
import subprocess
import tomllib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.mqtt.client import Client
from shomare_mqtt.mqtt.failures import BrokerUnreachableError
from shomare_mqtt.simulator import Simulator, SimulatorOptions
from tests.cli.process import run, start_into
from tests.mosquitto import Mosquitto, executable
from tests.patience import PATIENCE
from tests.programs import program
from tests.readme import blocks
from tests.system.house import PRODUCT, TOKEN, Daemon, merged, toml
from tests.system.probe import Probe
from tests.test_docs import TOP, quoted, rows

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

PAGE = TOP / "docs" / "security.md"
TEXT = PAGE.read_text(encoding="utf-8")
CERTIFICATES, INSTALL, USERS, TRY = [block.text for block in blocks(PAGE) if block.kind == "sh"]
ACCESS, BROKER = [block.text for block in blocks(PAGE) if block.kind == "text"]
SETTINGS, _ = [block.text for block in blocks(PAGE) if block.kind == "toml"]
CODE = "481516"
SECRET_TOPICS = re.compile("code|event/sms|response/.*")
pytestmark = pytest.mark.mosquitto


def placed(text: str, folder: Path) -> str:
    """The page's text with this test's folder and machine in it; a password for each user, since nobody types one."""
    for there, here in (
        ("/etc/mosquitto", str(folder)),
        ("/etc/shomare-mqtt", str(folder)),
        ("DNS:broker.home,IP:192.168.1.10", "DNS:localhost,IP:127.0.0.1"),
        ("broker.home", "localhost"),
        ("sudo ", ""),
        ("-o root -g mosquitto ", ""),
        ("chown mosquitto: ", "test -f "),
    ):
        text = text.replace(there, here)
    return re.sub(r"mosquitto_passwd (\S+) (\w+)", rf"{executable('mosquitto_passwd')} -b \1 \2 of-\2", text)


class FromThePage(Mosquitto):
    """A mosquitto with the page's settings, on a port of its own."""

    def _config(self) -> list[str]:
        of_the_test = [line for line in super()._config() if line.startswith(("log_", "user "))]
        page = placed(BROKER, self.folder).replace("listener 8883", f"listener {self.port}")
        return [*of_the_test, *page.splitlines()]


class User(Probe):
    """Somebody with a name and a password, who listens to all that the broker gives them."""

    def __init__(self, broker: Mosquitto, name: str, password: str | None = None) -> None:
        super().__init__(broker.port, "shomare", also=("homeassistant/#",))
        self._client.username_pw_set(name, password or f"of-{name}")
        self._client.tls_set(str(broker.folder / "ca.crt"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    program("openssl")
    (tmp_path / "certs").mkdir()
    for commands in (CERTIFICATES, INSTALL, USERS):
        subprocess.run(["sh", "-ec", placed(commands, tmp_path)], cwd=tmp_path, check=True, capture_output=True)
    (tmp_path / "acl").write_text(ACCESS)
    (tmp_path / "mqtt_password").write_text("of-shomare\n")
    (tmp_path / "mqtt_password").chmod(0o600)
    return tmp_path


def settings(folder: Path, broker: Mosquitto, sim: Simulator) -> Path:
    ours: dict[str, Any] = {
        "mqtt": {"port": broker.port},
        "provider": {"base_url": sim.base_url, "token": TOKEN, "requests_per_minute": 0},
        "state": {"directory": str(folder / "state")},
        "orders": {"poll_interval": 0.2},
    }
    file = folder / "settings.toml"
    file.write_text(toml(merged(tomllib.loads(placed(SETTINGS, folder)), ours)))
    file.chmod(0o600)
    return file


@asynccontextmanager
async def running(file: Path) -> AsyncIterator[Path]:
    """A daemon with these settings."""
    log_file = file.with_name("daemon.log")
    with log_file.open("wb") as log:
        daemon = Daemon(await start_into(log.fileno(), "run", "--config", str(file)), log_file)
    try:
        yield file
    finally:
        await daemon.stop()


async def test_each_user_may_what_the_page_says(folder: Path) -> None:
    async with (
        FromThePage(folder) as broker,
        Simulator(SimulatorOptions(token=TOKEN, sms_delay=0, code=CODE)) as sim,
        User(broker, "buyer") as buyer,
        User(broker, "viewer") as viewer,
        User(broker, "homeassistant") as owner,
        running(settings(folder, broker, sim)) as file,
    ):
        for user in (buyer, viewer, owner):
            await user.text("bridge/state", "online")
            await user.message("applications")
        await _the_viewer_does_nothing(viewer, sim)
        await _the_buyer_buys_and_reads_the_code(buyer)
        await _the_viewer_saw_it_without_the_code(viewer, buyer)
        await _the_switch_is_the_owners(owner, buyer)
        await owner.until(lambda: [s for s in owner.seen if s.topic.startswith("/homeassistant/device/")])
        assert len(sim.purchases) == 2, "the buyer's two"
        looked = await run("doctor", "--config", str(file))
        assert looked.status == 0, looked.out
        assert re.search(
            rf"^good +broker .*localhost:{broker.port} answers over MQTT 5 \(TLS", looked.out, re.MULTILINE
        )


async def _the_viewer_does_nothing(viewer: Probe, sim: Simulator) -> None:
    for topic, payload in (("buy", PRODUCT), ("cancel", "current"), ("buying/set", "off"), ("query/orders", {})):
        await viewer.publish(topic, payload)
    assert sim.calls["buy"] == 0


async def _the_buyer_buys_and_reads_the_code(buyer: Probe) -> None:
    order = await buyer.ok("buy", PRODUCT)
    assert (await buyer.message("event/sms", 0, lambda s: s.json["order"] == order["order"])).json["code"] == CODE
    await buyer.text("code", CODE)
    assert (await buyer.ok("query/orders", {"state": "all"}))[0]["sms"][0]["code"] == CODE


async def _the_viewer_saw_it_without_the_code(viewer: Probe, buyer: Probe) -> None:
    # What the daemon says later comes later: whoever hears of the second order would have heard the first one's code.
    second = (await buyer.ok("buy", {**PRODUCT, "application": "1"}))["order"]
    await viewer.holds(f"orders/{second}", lambda order: order["state"] == "received")
    assert not [s.topic for s in viewer.seen if SECRET_TOPICS.fullmatch(s.topic)]
    assert not [s.topic for s in viewer.seen if CODE.encode() in s.payload]
    assert {"profile/balance", "current", "orders", "event/order", "bridge/health"} <= {s.topic for s in viewer.seen}


async def _the_switch_is_the_owners(owner: Probe, buyer: Probe) -> None:
    await owner.publish("buying/set", "off")
    await buyer.text("buying", "off")
    await buyer.publish("buying/set", "on")
    assert (await buyer.refused("buy", PRODUCT))["code"] == "buying_paused"


@pytest.mark.parametrize(("name", "password"), [("", ""), ("viewer", "of-buyer")])
async def test_nobody_else_comes_in(folder: Path, name: str, password: str) -> None:
    async with FromThePage(folder) as broker:
        command = [executable("mosquitto_sub"), "-p", str(broker.port), "-h", "localhost", "--cafile", "ca.crt"]
        user = ["-u", name, "-P", password] if name else []
        done = await asyncio.to_thread(
            subprocess.run, [*command, *user, "-t", "#"], cwd=folder, capture_output=True, text=True, timeout=PATIENCE
        )
        assert "not authori" in done.stderr.lower()
        assert done.stdout == ""


async def test_without_the_authority_nobody_trusts_the_broker(folder: Path) -> None:
    async with FromThePage(folder) as broker:
        trusting = broker.settings(host="localhost", username="buyer", password="of-buyer", tls={"enabled": True})
        with pytest.raises(BrokerUnreachableError, match="certificate is not accepted"):
            await Client(trusting).__aenter__()


def test_the_certificates_are_taken_by_those_who_are_strict(folder: Path) -> None:
    """Python 3.13 asks for what the standard asks for."""
    subprocess.run(["openssl", "verify", "-x509_strict", "-CAfile", "ca.crt", "broker.crt"], cwd=folder, check=True)


def test_the_table_of_users_has_those_of_the_access_list() -> None:
    (table,) = re.findall(r"### 2\. Users\n(.*?)```", TEXT, re.DOTALL)
    assert [quoted(row[0])[0] for row in rows(table)] == re.findall(r"^user (\w+)$", ACCESS, re.MULTILINE)
    assert re.findall(r"^sudo mosquitto_passwd \S+ (\w+)$", USERS, re.MULTILINE) == re.findall(r"user (\w+)", ACCESS)


def test_it_is_tried_with_what_is_there() -> None:
    assert TRY.splitlines()[0] == "sudo shomare-mqtt doctor"
