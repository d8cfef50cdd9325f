"""The plugins that are enabled: whether each can be loaded, and who may write its code. None of their hooks runs."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from shomare_mqtt.doctor.finding import Finding, bad, good
from shomare_mqtt.errors import SettingsError
from shomare_mqtt.plugin.enabled import enabled_plugins

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shomare_mqtt.config import Settings
    from shomare_mqtt.plugin.loading import Loaded


class _Said(logging.Handler):
    """What the daemon would log of the plugins as it loads them."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self.texts.append(record.getMessage())


def of_plugins(settings: Settings) -> Iterator[Finding]:
    """A finding for each, none where none is enabled; their modules are imported."""
    said, logger = _Said(), logging.getLogger("shomare_mqtt.doctor.plugins")
    logger.handlers, logger.propagate = [said], False
    try:
        plugins = enabled_plugins(settings.plugins, logger)
    except SettingsError as error:
        yield bad("plugins", "; ".join(error.lines), "put it right, or take it out of plugins.enabled")
        return
    for plugin in plugins:
        begin = f"plugin {plugin.name}: "
        yield _of(plugin, [text.removeprefix(begin) for text in said.texts if text.startswith(begin)])


def _of(plugin: Loaded, faults: list[str]) -> Finding:
    name = f"plugin {plugin.name}"
    version = f", version {plugin.version}" if plugin.version else ""
    said = f"it can be loaded{version}, from {plugin.home}; its hooks: {', '.join(sorted(plugin.hooks))}"
    if not faults:
        return good(name, said)
    told, _, advice = faults[0].rpartition(": ")
    return bad(name, f"{said}; {told}", advice)
