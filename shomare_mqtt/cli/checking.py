"""`check`: what is wrong with the settings, or what is in force."""

from __future__ import annotations

import json
import logging
import sys
from typing import TYPE_CHECKING

from shomare_mqtt import config
from shomare_mqtt.cli.output import write_json
from shomare_mqtt.cli.typed import to_be_typed
from shomare_mqtt.core.masking import Mask
from shomare_mqtt.normalization import visible
from shomare_mqtt.plugin.loading import load_plugins

if TYPE_CHECKING:
    from pathlib import Path

    from shomare_mqtt.config import Settings
    from shomare_mqtt.plugin.loading import Loaded


def load_all(file: Path | None) -> Settings:
    """The settings, such that `run` would begin with them: a token is there, plugins and their settings too.

    Raises SettingsError.
    """
    return _load_all(file)[0]


def _load_all(file: Path | None) -> tuple[Settings, tuple[Loaded, ...]]:
    settings = config.load(file)
    _ = settings.token
    return settings, load_plugins(settings.plugins, logging.getLogger("shomare_mqtt.plugin"))


def print_settings(file: Path | None, *, named: Path | None = None, quiet: bool = False) -> None:
    """Prints every setting that is set as `table.key = value`, secrets masked, and at the end what was looked at.

    What is no such line begins with `#`. `quiet`: nothing is printed but warnings. `named`: the file that the
    user named, which the next command needs, too. Raises SettingsError.
    """
    settings, plugins = _load_all(file)
    for text in settings.remarks:
        logging.getLogger("shomare_mqtt").warning("%s", text)
    if quiet:
        return
    sys.stdout.write(f"# {file or 'no file: the environment alone'}\n")
    mask = Mask(settings.tokens(), settings.secrets())
    for line in _lines("", mask.value(settings.masked())):
        write_json(line)
    for line in _looked_at(settings, plugins):
        write_json(f"# {visible(to_be_typed(line, named))}")


def _looked_at(settings: Settings, plugins: tuple[Loaded, ...]) -> list[str]:
    origin = settings.origin
    variables = len(config.variables())
    keys = f"{origin.size} {'setting' if origin.size == 1 else 'settings'}"
    set_by = [f"{keys} in {origin.file}"] if origin.file else ["no settings file"]
    if variables:
        set_by.append(f"{variables} in the environment")
    named = ", ".join(plugin.name for plugin in plugins) or "none"
    return [
        f"All is well: {' and '.join(set_by)}; the token is from {origin.token}; plugins: {named}.",
        "The broker and the provider were not contacted: `shomare-mqtt doctor` tries both, and buys nothing.",
    ]


def _lines(path: str, value: object) -> list[str]:
    if isinstance(value, dict):
        return [line for key, inner in value.items() for line in _lines(f"{path}.{key}" if path else key, inner)]
    return [] if value is None else [f"{path} = {json.dumps(value, ensure_ascii=False)}"]
