"""The settings are read again while plugins run: those that run are left alone, and what is compared is what is new."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.config import GivenSettings
from shomare_mqtt.config.handing_over import as_held
from shomare_mqtt.core.masking import Mask
from shomare_mqtt.daemon.reload import Reload
from shomare_mqtt.errors import SettingsError
from shomare_mqtt.plugin.enabled import enabled_plugins
from shomare_mqtt.plugin.loading import load_plugins

if TYPE_CHECKING:
    from pathlib import Path

    from shomare_mqtt.config import held

LAZY = "def shomare_startup(api):\n    from .words import word\n\n    return word()\n"
CHOICE = """
from enum import Enum
from pydantic import BaseModel
class Loudness(Enum):
    LOW = 1
    HIGH = 2
class Settings(BaseModel):
    loudness: Loudness = Loudness.LOW
    each: list[Loudness] = [Loudness.HIGH]
    of: dict[Loudness, int] = {Loudness.LOW: 1}
def shomare_startup(api): ...
"""
TELLTALE = """
from pydantic import BaseModel, field_validator
class Settings(BaseModel):
    token: str = ""
    @field_validator("token")
    @classmethod
    def no_good(cls, value):
        raise ValueError(f"{value} is no good")
def shomare_startup(api): ...
"""


def settings(folder: Path, name: str, **tables: Any) -> held.Settings:
    """With one plugin of a folder."""
    plugins = {"enabled": [name], "directories": [folder], **tables}
    return as_held(GivenSettings.model_validate({"provider": {"token": "t" * 8}, "plugins": plugins}))


def running(given: held.Settings) -> Reload:
    """As a daemon that runs with them has it."""
    reload = Reload(given, Mask(given.tokens(), given.secrets()))
    reload.plugins = enabled_plugins(given.plugins, None)
    return reload


def said(reload: Reload) -> object:
    """What a plugin that runs imports only as it works."""
    return reload.plugins[0].hooks["shomare_startup"].function(None)


def folder_of(tmp_path: Path, word: str) -> Path:
    """A plugin in a folder of its own, `chatty`, with another file that says a word."""
    home = tmp_path / "chatty"
    home.mkdir(exist_ok=True)
    (home / "__init__.py").write_text(LAZY)
    (home / "words.py").write_text(f"def word():\n    return {word!r}\n")
    return home


def test_a_plugin_that_runs_goes_on_where_the_new_one_has_a_fault(tmp_path: Path) -> None:
    home = folder_of(tmp_path, "before")
    given = settings(tmp_path, "chatty")
    reload = running(given)
    module = sys.modules["shomare_plugin_chatty"]
    (home / "__init__.py").write_text("def nonsense(:\n")
    with pytest.raises(SettingsError, match="cannot be imported"):
        reload.take(given)
    assert sys.modules["shomare_plugin_chatty"] is module
    assert said(reload) == "before"


def test_a_plugin_that_runs_keeps_its_modules_where_nothing_changed(tmp_path: Path) -> None:
    folder_of(tmp_path, "before")
    given = settings(tmp_path, "chatty")
    reload = running(given)
    assert said(reload) == "before"
    modules = {name: sys.modules[name] for name in ("shomare_plugin_chatty", "shomare_plugin_chatty.words")}
    assert reload.take(given) == ()
    assert {name: sys.modules[name] for name in modules} == modules


def test_another_file_of_a_folder_is_read_with_it(tmp_path: Path) -> None:
    home = folder_of(tmp_path, "before")
    given = settings(tmp_path, "chatty")
    reload = running(given)
    assert said(reload) == "before"
    folder_of(tmp_path, "afterwards")
    (change,) = reload.take(given)
    assert (change.key, change.connects_anew) == ("plugins.chatty", True)
    assert said(reload) == "before", "until it has ended"
    assert said(running(given)) == "afterwards"
    assert home.is_dir()


def test_choices_that_stay_as_they_are_are_no_change(tmp_path: Path) -> None:
    (tmp_path / "chooser.py").write_text(CHOICE)
    given = settings(tmp_path, "chooser")
    reload = running(given)
    assert reload.take(given) == ()
    (one,) = load_plugins(given.plugins, None)
    (other,) = load_plugins(settings(tmp_path, "chooser", chooser={"each": [1]}).plugins, None)
    assert one.fingerprint != other.fingerprint


def test_what_a_plugin_says_of_its_new_secret_is_masked(tmp_path: Path) -> None:
    (tmp_path / "telltale.py").write_text(TELLTALE)
    reload = running(settings(tmp_path, "telltale"))
    with pytest.raises(SettingsError) as refused:
        reload.take(settings(tmp_path, "telltale", telltale={"token": "geheim-4711"}))
    (line,) = refused.value.lines
    assert "geheim" not in reload.shown(line)
