"""`check`: what is wrong with the settings, or what is in force."""

from __future__ import annotations

import json
import logging
import sys
from typing import TYPE_CHECKING

from shomare_mqtt import config
from shomare_mqtt.cli.output import write_json
from shomare_mqtt.core.masking import Mask
from shomare_mqtt.plugin.loading import load_plugins

if TYPE_CHECKING:
    from pathlib import Path

    from shomare_mqtt.config import Settings


def load_all(file: Path | None) -> Settings:
    """The settings, such that `run` would begin with them: a token is there, plugins and their settings too.

    Raises SettingsError.
    """
    settings = config.load(file)
    _ = settings.token
    load_plugins(settings.plugins, logging.getLogger("shomare_mqtt.plugin"))
    return settings


def print_settings(file: Path | None) -> None:
    """Prints every setting that is set as `table.key = value`, secrets masked. Raises SettingsError."""
    settings = load_all(file)
    for text in settings.exposed:
        logging.getLogger("shomare_mqtt").warning("%s", text)
    sys.stdout.write(f"# {file or 'no file: the environment alone'}\n")
    mask = Mask(settings.tokens(), settings.secrets())
    for line in _lines("", mask.value(settings.masked())):
        write_json(line)


def _lines(path: str, value: object) -> list[str]:
    if isinstance(value, dict):
        return [line for key, inner in value.items() for line in _lines(f"{path}.{key}" if path else key, inner)]
    return [] if value is None else [f"{path} = {json.dumps(value, ensure_ascii=False)}"]
