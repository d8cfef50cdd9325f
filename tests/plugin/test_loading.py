"""What is loaded, and what is refused before anything runs."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from shomare_mqtt.config import Plugins
from shomare_mqtt.errors import SettingsError
from tests.plugin.conftest import SHIPPED, Load, load_host

if TYPE_CHECKING:
    from pathlib import Path

PRICE_ALERT = {"enabled": ["price_alert"], "price_alert": {"watch": [{"application": "3"}]}}
GOOD = """
from shomare_mqtt.plugin import hookimpl
@hookimpl
def shomare_sms_received(order, sms): ...
"""
SETTINGS = """
from pydantic import BaseModel, SecretStr
from shomare_mqtt.plugin import hookimpl
class Settings(BaseModel):
    url: str
    token: SecretStr = SecretStr("")
    tries: int = 3
@hookimpl
def shomare_startup(api): ...
"""


def test_nothing_is_loaded_that_is_not_named(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("raise SystemExit('must not be imported')")
    before = set(threading.enumerate())
    host = load_host(Plugins(directories=(tmp_path,)))
    assert host.describe() == []
    assert set(threading.enumerate()) <= before  # a thread of an earlier test may end at any time


def test_a_file_a_folder_a_class_and_an_object_are_plugins(tmp_path: Path) -> None:
    (tmp_path / "a_file.py").write_text(GOOD + "__version__ = '1.2'\n")
    (tmp_path / "a_folder").mkdir()
    (tmp_path / "a_folder" / "__init__.py").write_text("from .inner import shomare_code_received\n")
    (tmp_path / "a_folder" / "inner.py").write_text("def shomare_code_received(order, sms, code): ...\n")
    (tmp_path / "a_class.py").write_text("class Plugin:\n    async def shomare_sms_received(self, sms): ...\n")
    (tmp_path / "an_object.py").write_text(
        "class P:\n    def shomare_authorize_buy(self, request): ...\nplugin = P()\n"
    )
    names = ("a_file", "a_folder", "a_class", "an_object")
    described = load_host(Plugins(enabled=names, directories=(tmp_path,))).describe()
    assert [entry["name"] for entry in described] == list(names)
    assert described[0] == {"name": "a_file", "version": "1.2", "state": "running", "error": None}


def test_an_entry_point_is_found_by_its_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "shop_of_plugins.py").write_text(GOOD)
    info = tmp_path / "shop-2.5.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shop\nVersion: 2.5\n")
    (info / "entry_points.txt").write_text("[shomare_mqtt]\nshop = shop_of_plugins\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    described = load_host(Plugins(enabled=("shop",))).describe()
    assert [(entry["name"], entry["version"]) for entry in described] == [("shop", "2.5")]


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("from shomare_mqtt.plugin import hookimpl\n@hookimpl\ndef shomare_sms_recieved(order, sms): ...", "recieved"),
        ("def shomare_sms_recieved(order, sms): ...", "shomare_sms_received meant"),
        ("from shomare_mqtt.plugin import hookimpl\n@hookimpl\ndef sms_received(sms): ...", "no hook sms_received"),
        (GOOD.replace("order, sms", "order, message"), "message"),
        (GOOD.replace("order, sms", "order, *, message"), "message"),
        (GOOD.replace("order, sms", "sms, /"), "argument sms"),
        (GOOD.replace("@hookimpl", "@hookimpl(wrapper=True)").replace("...", "yield"), "wrapper"),
        ("async def shomare_authorize_buy(request): ...", "cannot be async"),
        ("def shomare_startup(api): ...\nclass Plugin:\n    def shomare_shutdown(self): ...", "never called"),
        ("shomare_sms_received = [].append", "shomare_sms_received is no function"),
        ("x = 1", "has no hook"),
        ("import there_is_no_such_module", "there_is_no_such_module"),
        ("raise SystemExit(3)", "SystemExit"),
        ("def broken(:", "SyntaxError"),
        (GOOD + "Settings = 3", "pydantic"),
    ],
)
def test_what_cannot_work_is_refused_in_one_line(load: Load, source: str, says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(source)
    assert says in str(caught.value)
    assert str(caught.value).startswith("plugins.enabled: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({}, "plugins.mine.url: is missing"),
        ({"url": "x", "tries": "hunter2"}, "plugins.mine.tries: "),
        ({"url": "x", "tirse": 3}, "plugins.mine.tirse: unknown key (known are token, tries, url)"),
    ],
)
def test_settings_are_validated_by_the_plugins_own_model(load: Load, table: dict[str, object], says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(SETTINGS, table)
    assert str(caught.value).startswith(says)
    assert "hunter2" not in str(caught.value)


def test_a_table_for_a_plugin_without_settings_is_refused(load: Load) -> None:
    with pytest.raises(SettingsError, match=r"^plugins\.mine\.key: unknown key"):
        load(GOOD, {"key": 1})


def test_secrets_of_plugins_are_known_to_the_log(load: Load) -> None:
    assert load(SETTINGS, {"url": "x", "token": "very-secret"}).secrets() == ("very-secret",)


@pytest.mark.parametrize("name", ["nowhere", "../mine", "enabled", ""])
def test_an_unknown_name_is_refused(tmp_path: Path, name: str) -> None:
    settings = Plugins.model_construct(enabled=(name,), directories=(tmp_path,))
    with pytest.raises(SettingsError, match=r"^plugins\.enabled: "):
        load_host(settings)


def test_a_missing_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"^plugins\.directories: .*gone is not a directory"):
        load_host(Plugins(enabled=("mine",), directories=(tmp_path / "gone",)))


def test_a_file_that_everybody_can_write_is_warned_of(
    load: Load, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "mine.py").touch()
    (tmp_path / "mine.py").chmod(0o666)
    load(GOOD)
    assert "can be written by every user" in caplog.text


def test_the_plugins_we_ship_are_all_found() -> None:
    names = sorted(path.stem for path in SHIPPED.glob("*.py"))
    assert names == ["apprise_notify", "homeassistant_notify", "price_alert", "webhook"]
    assert [entry["name"] for entry in load_host(Plugins.model_validate(PRICE_ALERT)).describe()] == ["price_alert"]


def test_the_plugins_of_a_wheel_lie_inside_the_package(tmp_path: Path) -> None:
    sources_alone = shutil.ignore_patterns("__pycache__")  # where other tests' processes write and rename files
    shutil.copytree(SHIPPED.parent / "shomare_mqtt", tmp_path / "shomare_mqtt", ignore=sources_alone)
    shutil.copytree(SHIPPED, tmp_path / "shomare_mqtt" / "shipped_plugins", ignore=sources_alone)
    script = (
        "import logging, sys; from shomare_mqtt.config import Plugins; import shomare_mqtt.plugin.loading as l; "
        f"print(l.load_plugins(Plugins.model_validate({PRICE_ALERT!r}), logging.getLogger())[0].home)"
    )
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == str(tmp_path / "shomare_mqtt" / "shipped_plugins" / "price_alert.py")


def test_the_fixture_costs_other_peoples_pytest_nothing() -> None:
    script = (
        "import pytest, sys; before = set(sys.modules); import shomare_mqtt.plugin.testing; "
        "print([m for m in set(sys.modules) - before if m.split('.')[0] in ('aiohttp', 'pydantic', 'paho')])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
