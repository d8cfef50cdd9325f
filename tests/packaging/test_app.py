"""Home Assistant's app: its start with a stand-in for the Supervisor, and its files by the Supervisor's rules."""

from __future__ import annotations

import asyncio
import getpass
import json
import os
import re
import signal
import stat
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from shomare_mqtt import __version__, config
from shomare_mqtt.simulator import Simulator, SimulatorOptions
from tests.cli.process import environment
from tests.mosquitto import Mosquitto
from tests.packaging.files import APP, TOP, read_yaml, variables
from tests.packaging.standin import NOT_ENABLED, TOKEN, service, supervisor
from tests.patience import PATIENCE
from tests.system.probe import Probe

START = APP / "start.py"
CONFIG = read_yaml(APP / "config.yaml")
LANGUAGES = ("en", "fa")
STANDIN = f"""#!{sys.executable}
import json, os, sys
with open("/proc/self/cmdline", "rb") as file:
    shown = file.read().decode()
print(json.dumps({{"arguments": sys.argv[1:], "shown": shown, "environment": dict(os.environ), "user": os.getuid(),
                   "groups": os.getgroups()}}))
"""
"""In the daemon's place: says what it was given."""
SHOP = "tok-of-the-shop"
DAEMON = f'#!/bin/sh\nexec {sys.executable} -m shomare_mqtt "$@"\n'


class App:
    """The app's container, as far as its start sees it: /data, /config, a daemon on the path, a Supervisor."""

    def __init__(self, folder: Path, daemon: str = STANDIN) -> None:
        self.data, self.config, self.bin = folder / "data", folder / "config", folder / "bin"
        for each in (self.data, self.config, self.bin):
            each.mkdir()
        program = self.bin / "shomare-mqtt"
        program.write_text(daemon)
        program.chmod(0o755)
        self.user = getpass.getuser()

    def options(self, **options: Any) -> None:
        (self.data / "options.json").write_text(json.dumps(options))
        (self.data / "options.json").chmod(0o600)

    def settings(self, text: str) -> None:
        (self.config / "config.toml").write_text(text)

    def surroundings(self, address: str = "http://127.0.0.1:9", **more: str) -> dict[str, str]:
        places = {
            "PATH": f"{self.bin}:{os.environ['PATH']}",
            "PYTHONPATH": str(TOP),
            "SUPERVISOR_TOKEN": TOKEN,
            "SHOMARE_APP_SUPERVISOR": address,
            "SHOMARE_APP_DATA": str(self.data),
            "SHOMARE_APP_CONFIG": str(self.config),
            "SHOMARE_APP_USER": self.user,
        }
        return environment(**(places | more))

    def start(self, address: str = "http://127.0.0.1:9", **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, START], env=self.surroundings(address, **more), capture_output=True, text=True, check=False
        )

    def given(self, answer: tuple[int, Any]) -> Any:
        """What the daemon is given, where the Supervisor answers that."""
        with supervisor(*answer) as address:
            ended = self.start(address)
        assert ended.returncode == 0, ended.stderr
        assert ended.stderr == ""
        return json.loads(ended.stdout)

    def refusal(self, answer: tuple[int, Any]) -> str:
        """What the log says, where nothing can be started."""
        with supervisor(*answer) as address:
            return self.refused(self.start(address))

    @staticmethod
    def refused(ended: subprocess.CompletedProcess[str]) -> str:
        assert ended.returncode == 78
        assert ended.stdout == ""
        assert len(ended.stderr.splitlines()) == 1
        return ended.stderr


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App(tmp_path)


def ours(given: Any) -> dict[str, str]:
    return {k: v for k, v in given["environment"].items() if k.startswith("SHOMARE_") and "_APP_" not in k}


def test_the_broker_and_the_options_become_settings(app: App) -> None:
    app.options(
        token=" tok-1 ", max_price=5000, max_spend_per_day=0, countries=["Russia", "7"], retain_codes=True, operator="",
        applications=[], log_level="debug",
    )  # fmt: skip
    given = app.given(service(username="addons", password="br0ker"))
    assert given["arguments"] == ["run"]
    assert ours(given) == {
        "SHOMARE_PROVIDER__TOKEN": "tok-1",
        "SHOMARE_LIMITS__MAX_PRICE": "5000",
        "SHOMARE_HOMEASSISTANT__COUNTRIES": '["Russia", "7"]',
        "SHOMARE_PRIVACY__RETAIN_CODES": "true",
        "SHOMARE_LOG__LEVEL": "debug",
        "SHOMARE_MQTT__HOST": "core-mosquitto",
        "SHOMARE_MQTT__PORT": "1883",
        "SHOMARE_MQTT__USERNAME": "addons",
        "SHOMARE_MQTT__PASSWORD": "br0ker",
        "SHOMARE_STATE__DIRECTORY": str(app.data / "state"),
        "SHOMARE_WEB__ENABLED": "true",
        "SHOMARE_WEB__HOST": "127.0.0.1",
        "SHOMARE_WEB__PORT": "8098",
        "SHOMARE_WEB__INGRESS_PORT": "8099",
    }
    assert stat.S_IMODE((app.data / "state").stat().st_mode) == 0o700


def test_a_line_of_a_list_that_was_left_empty_says_nothing(app: App) -> None:
    app.options(token="tok-1", countries=["Russia", "", "7"], applications=[""])
    given = ours(app.given(service()))
    assert given["SHOMARE_HOMEASSISTANT__COUNTRIES"] == '["Russia", "7"]'
    assert "SHOMARE_HOMEASSISTANT__APPLICATIONS" not in given


@pytest.mark.parametrize("token", ["tok\0en", "tok\ud800en", "tok" * 70_000], ids=["NUL", "half a pair", "long"])
def test_an_option_that_no_variable_holds_is_named_and_not_shown(app: App, token: str) -> None:
    app.options(token=token)
    said = app.refusal(service())
    assert "The option 'token' holds what cannot be used" in said
    assert "tok\0" not in said
    assert "toktok" not in said


def test_no_secret_is_seen_by_others_and_the_supervisors_token_goes_no_further(app: App) -> None:
    app.options(token="tok-1")
    given = app.given(service(username="addons", password="br0ker"))
    assert "tok-1" not in given["shown"]
    assert "br0ker" not in given["shown"]
    assert TOKEN not in given["environment"].values()


def test_a_broker_with_tls_or_without_a_password(app: App) -> None:
    app.options(token="tok-1")
    given = ours(app.given(service(ssl=True, port=8883, username="")))
    assert given["SHOMARE_MQTT__TLS__ENABLED"] == "true"
    assert given["SHOMARE_MQTT__PORT"] == "8883"
    assert "SHOMARE_MQTT__USERNAME" not in given
    assert "SHOMARE_MQTT__PASSWORD" not in given


def test_a_settings_file_is_handed_over_and_its_broker_spares_the_question(app: App) -> None:
    app.options(token="tok-1")
    app.settings('[mqtt]\nhost = "192.0.2.1"\n')
    ended = app.start("http://127.0.0.1:9")
    given = json.loads(ended.stdout)
    assert given["arguments"] == ["run", "--config", str(app.config / "config.toml")]
    assert not any(name.startswith("SHOMARE_MQTT__") for name in ours(given))


def test_a_settings_file_without_a_broker_does_not_spare_it(app: App) -> None:
    app.options(token="tok-1")
    app.settings("[orders]\npoll_interval = 2\n")
    assert ours(app.given(service()))["SHOMARE_MQTT__HOST"] == "core-mosquitto"


def test_a_file_that_is_no_toml_is_left_to_the_daemon_which_says_where(app: App) -> None:
    app.options(token="tok-1")
    app.settings("[mqtt\n")
    assert app.given(service())["arguments"][1] == "--config"


@pytest.mark.parametrize("options", [{}, {"token": ""}, {"token": "  "}, {"token": None}])
def test_a_missing_token_is_said(app: App, options: dict[str, Any]) -> None:
    app.options(**options)
    assert "The token of your account at shomare.online is missing." in app.refusal(service())


def test_a_token_in_the_settings_file_will_do(app: App) -> None:
    app.options()
    app.settings('[provider]\ntoken_file = "/config/token"\n')
    assert "SHOMARE_PROVIDER__TOKEN" not in ours(app.given(service()))


@pytest.mark.parametrize(
    "answer",
    [NOT_ENABLED, (404, {"result": "error", "message": "Service does not exist"}), (200, {"data": {}}), (200, [])],
)
def test_a_missing_broker_is_said(app: App, answer: tuple[int, Any]) -> None:
    app.options(token="tok-1")
    assert "Install the app 'Mosquitto broker'" in app.refusal(answer)


def test_what_else_can_go_wrong_at_the_supervisors_is_said_without_secrets(app: App) -> None:
    app.options(token="tok-1")
    said = app.refusal((403, {"result": "error"}))
    assert "The Supervisor refuses to name the broker (HTTP 403)" in said
    assert "The Supervisor cannot be asked for the broker" in app.refusal((200, b"<html>"))
    assert "The Supervisor cannot be asked for the broker" in app.refused(app.start("http://127.0.0.1:9"))
    assert "there is no Supervisor here" in app.refused(app.start(SUPERVISOR_TOKEN=""))
    assert "tok-1" not in said
    assert TOKEN not in said


@pytest.mark.parametrize(("text", "said"), [(None, "cannot be read"), ("{", "no JSON"), ("[]", "no JSON object")])
def test_options_that_cannot_be_read_are_said(app: App, text: str | None, said: str) -> None:
    if text is not None:
        (app.data / "options.json").write_text(text)
    assert said in app.refused(app.start())


def test_a_proxy_of_the_environment_is_not_asked_for_the_supervisor(app: App) -> None:
    app.options(token="tok-1")
    with supervisor(*service()) as address:
        assert app.start(address, http_proxy="http://127.0.0.1:9").returncode == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give its rights up")
def test_root_is_given_up_and_the_journal_belongs_to_the_daemons_user() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        app = App(Path(folder), STANDIN.replace(sys.executable, "/usr/bin/env -S python3 -S"))
        app.user = "nobody"
        app.options(token="tok-1")
        (app.data / "state").mkdir()
        (app.data / "state" / "journal.sqlite3").touch(mode=0o600)
        app.bin.joinpath("shomare-mqtt").write_text("#!/bin/sh\nid -u; id -G; cat /proc/self/status | grep CapEff\n")
        with supervisor(*service()) as address:
            user, groups, rights = app.start(address).stdout.splitlines()
        owner = (app.data / "state" / "journal.sqlite3").stat().st_uid
    assert int(user) == owner != 0
    assert "0" not in groups.split()
    assert rights.split()[1].strip("0") == ""


@pytest.mark.mosquitto
async def test_a_number_is_bought_to_its_code_and_the_app_ends_when_it_is_told(tmp_path: Path) -> None:
    (tmp_path / "broker").mkdir()
    app = App(tmp_path, DAEMON)
    async with Mosquitto(tmp_path / "broker") as broker, Simulator(SimulatorOptions(token=SHOP, sms_delay=0)) as shop:
        app.options(token=SHOP, base_topic="app", max_price=5000)
        app.settings(f'[provider]\nbase_url = "{shop.base_url}"\n[orders]\npoll_interval = 0.1\n')
        with supervisor(*service(host="127.0.0.1", port=broker.port, username="addons", password="br0ker")) as address:
            process = await asyncio.create_subprocess_exec(
                sys.executable, START, env=app.surroundings(address), stderr=asyncio.subprocess.PIPE
            )
            try:
                await bought(broker)
                process.send_signal(signal.SIGTERM)
                _, log = await asyncio.wait_for(process.communicate(), PATIENCE)
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
    assert process.returncode == 0
    assert b"started" in log
    for secret in (SHOP, "br0ker", TOKEN):
        assert secret.encode() not in log
    assert (app.data / "state" / "journal.sqlite3").exists()


async def bought(broker: Mosquitto) -> None:
    async with Probe(broker.port, "app") as probe:
        await probe.text("bridge/state", "online")
        await probe.ok("buy", {"country": "7", "operator": "1", "application": "3"})
        await probe.message("code")


# --- The files --------------------------------------------------------------------------------------------------------

ELEMENT = re.compile(
    r"(bool|email|url|port|device(\(subsystem=[a-z]+\))?|(str|password)(\(\d*,\d*\))?|int(\(-?\d*,-?\d*\))?"
    r"|float(\(-?[\d.]*,-?[\d.]*\))?|match\(.*\)|list\(.+\))\??"
)
"""What the Supervisor knows as the kind of an option (supervisor/apps/options.py)."""
CHOICES = {
    "startup": {"initialize", "system", "services", "application", "once"},
    "boot": {"auto", "manual", "manual_only"},
    "backup": {"hot", "cold"},
    "stage": {"stable", "experimental", "deprecated"},
}
FLAGS = {"init", "ingress", "host_network", "hassio_api", "homeassistant_api", "tmpfs", "apparmor", "ingress_stream"}
REST = {
    "name", "version", "slug", "description", "arch", "url", "image", "timeout", "services", "map", "options", "schema",
    "ingress_port", "panel_icon", "panel_title", "homeassistant",
}  # fmt: skip
FOLDERS = {
    "data",
    "ssl",
    "addons",
    "backup",
    "share",
    "media",
    "homeassistant_config",
    "all_addon_configs",
    "addon_config",
}


def test_the_supervisor_takes_the_app() -> None:
    assert {"name", "version", "slug", "description", "arch"} <= CONFIG.keys()
    assert CONFIG.keys() <= CHOICES.keys() | FLAGS | REST  # unknown keys are dropped without a word
    assert all(CONFIG[name] in choices for name, choices in CHOICES.items() if name in CONFIG)
    assert all(isinstance(CONFIG[name], bool) for name in FLAGS & CONFIG.keys())
    assert re.fullmatch(r"[-_.A-Za-z0-9]+", CONFIG["slug"])
    assert set(CONFIG["arch"]) == {"aarch64", "amd64"}
    assert re.fullmatch(r"([a-zA-Z\-.:\d{}]+/)*?([-\w{}]+)/([-\w{}]+)", CONFIG["image"])
    assert CONFIG["services"] == ["mqtt:need"]
    assert CONFIG["backup"] == "cold"
    assert 10 <= CONFIG["timeout"] <= 300
    for entry in CONFIG["map"]:
        assert entry.keys() <= {"type", "read_only", "path"}
        assert entry["type"] in FOLDERS


def test_the_page_is_in_the_side_bar_and_asks_home_assistant_alone(
    app: App, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As its developers' page has it: `ingress_port` is 8099 by default, and the Supervisor comes from 172.30.32.2."""
    assert (CONFIG["ingress"], CONFIG["ingress_stream"], CONFIG["ingress_port"]) == (True, True, 8099)
    assert (CONFIG["panel_title"], CONFIG["panel_icon"]) == ("Shomare", "mdi:message-text-lock")
    assert CONFIG.get("panel_admin", True)
    assert "ports" not in CONFIG
    app.options(token="tok-1")
    for name, value in ours(app.given(service())).items():
        monkeypatch.setenv(name, value)
    web = config.load(None).web
    assert (web.enabled, web.ingress_port, web.ingress_peer) == (True, CONFIG["ingress_port"], "172.30.32.2")
    assert web.host == "127.0.0.1"
    file = tmp_path / "config.toml"
    file.write_text('[web]\nenabled = false\nhost = "0.0.0.0"\nport = 8099\ningress_port = 8100\npassword = "hush"\n')
    assert config.load(file).web.host == "127.0.0.1"  # the options outrank the file


def kinds() -> dict[str, str]:
    """The kind of each option, and of what a list of them holds."""
    return {name: kind[0] if isinstance(kind, list) else kind for name, kind in CONFIG["schema"].items()}


def test_each_option_is_of_a_kind_that_the_supervisor_knows() -> None:
    assert all(ELEMENT.fullmatch(kind) for kind in kinds().values())


def test_an_option_with_a_default_is_needed_and_one_without_is_not_but_for_the_token() -> None:
    needed = {name for name, kind in kinds().items() if not kind.endswith("?")}
    assert needed == CONFIG["options"].keys() | {"token"}


def test_each_option_is_a_real_setting() -> None:
    source = START.read_text(encoding="utf-8")
    table = dict(re.findall(r'^    "(\w+)": "(SHOMARE_\w+)",$', source, re.MULTILINE))
    assert table.keys() == CONFIG["schema"].keys()
    assert set(re.findall(r"SHOMARE_(?!APP_)\w+", source)) - {"SHOMARE_"} <= variables()


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_option_has_a_name_and_a_description(language: str) -> None:
    told = read_yaml(APP / "translations" / f"{language}.yaml")["configuration"]
    assert list(told) == list(CONFIG["schema"])
    assert all(
        entry.keys() == {"name", "description"} and all(map(str.strip, entry.values())) for entry in told.values()
    )


def test_the_persian_texts_are_persian() -> None:
    told = read_yaml(APP / "translations" / "fa.yaml")["configuration"]
    for entry in told.values():
        for text in entry.values():
            assert re.search(r"[\u0600-\u06ff]", text)
            assert not re.search(r"[\u0643\u064a]", text)  # Arabic's kaf and yeh


def test_the_documentation_tells_of_each_name_that_it_mentions() -> None:
    names = {entry["name"] for entry in read_yaml(APP / "translations" / "en.yaml")["configuration"].values()}
    others = {
        "Mosquitto broker",
        "MQTT",
        "Shomare",
        "Buy",
        "Buying",
        "Watchdog",
        "Show in sidebar",
        "File editor",
        "Samba share",
        "token",
    }
    mentioned = re.findall(r"\*\*(.+?)\*\*", (APP / "DOCS.md").read_text(encoding="utf-8").replace("\n", " "))
    assert set(mentioned) <= names | others


def test_what_the_documentation_quotes_is_really_said() -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (START, *(TOP / "shomare_mqtt").rglob("*.py")))
    rows = re.findall(r"^\| `(.+?)`", (APP / "DOCS.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(rows) == 4
    for row in rows:
        assert all(part.strip() in sources for part in row.split("…"))


def test_the_repository_can_be_added() -> None:
    told = read_yaml(TOP / "repository.yaml")
    assert told.keys() == {"name", "url", "maintainer"}
    others = [path for path in TOP.glob("*/**/config.yaml") if ".venv" not in path.parts[0] and path.parent != APP]
    assert [path for path in others if not any(part.startswith(".") for part in path.relative_to(TOP).parts)] == []


@pytest.mark.parametrize(("name", "size"), [("icon.png", (128, 128)), ("logo.png", (250, 100))])
def test_the_pictures_have_the_sizes_that_home_assistant_asks_for(name: str, size: tuple[int, int]) -> None:
    head = (APP / name).read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", head[16:24]) == size


def test_apparmor_knows_the_profile_by_the_apps_name() -> None:
    text = (APP / "apparmor.txt").read_text(encoding="utf-8")
    assert re.findall(r"^profile (\S+) ", text, re.MULTILINE) == [CONFIG["slug"]]
    for program in ("home-assistant", "healthcheck"):
        assert f"/usr/lib/shomare-mqtt/{program} rix," in text


def test_the_image_is_made_as_the_supervisor_wants_it() -> None:
    lines = (APP / "Dockerfile").read_text(encoding="utf-8").splitlines()
    first = next(line for line in lines if not line.startswith("#"))
    assert re.fullmatch(rf"FROM ghcr\.io/[\w-]+/shomare-mqtt:{re.escape(__version__)}", first)
    assert not any("BUILD_FROM" in line for line in lines)
    assert not list(APP.glob("build.*"))
    for label in ("version", "type", "arch"):
        assert any(f"io.hass.{label}=" in line for line in lines)
    assert CONFIG["init"] is False  # the daemon is the first process
