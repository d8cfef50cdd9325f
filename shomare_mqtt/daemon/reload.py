"""What becomes of settings that were read again: taken over as the daemon runs, where they need no new connection."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from shomare_mqtt import logs
from shomare_mqtt.config.changes import Change, changes
from shomare_mqtt.config.in_force import InForce
from shomare_mqtt.plugin.enabled import other_plugins, plugins_to_compare

if TYPE_CHECKING:
    from shomare_mqtt.config.held import Settings
    from shomare_mqtt.core.masking import Mask
    from shomare_mqtt.plugin.loading import Loaded

LOG = logging.getLogger("shomare_mqtt")


class Reload:
    """That of one run of the daemon. `plugins`: those that it runs with; `mask`: that of the log."""

    def __init__(self, settings: Settings, mask: Mask) -> None:
        self.in_force = InForce(settings)
        self.plugins: tuple[Loaded, ...] = ()
        self._mask = mask

    def take(self, settings: Settings) -> tuple[Change, ...]:
        """Say what changed, and take it over, unless one of the changes needs a new connection: then nothing is taken.

        Raises SettingsError where they cannot be used; nothing is taken then, either.
        """
        _ = settings.token
        self._mask.learn(settings.secrets())  # a plugin may repeat them in what it says of its settings
        plugins = plugins_to_compare(settings.plugins)  # what is wrong with their files is said at the start
        before = self.in_force.newest
        found = changes(before, settings)
        told = {change.key for change in found}
        found += tuple(
            Change(f"plugins.{name}", f"plugins.{name}: its code is another now, or what its settings are read from")
            for name in other_plugins(self.plugins, plugins)
            if f"plugins.{name}" not in told and "plugins.enabled" not in told
        )
        if LOG.isEnabledFor(logging.INFO):
            _say(found)
            self._apply(before, settings, found)
        else:  # it is perhaps the level that changed
            self._apply(before, settings, found)
            _say(found)
        return found

    def shown(self, text: str) -> str:
        """A text for others than the log, without secrets."""
        return self._mask.text(text)

    def _apply(self, before: Settings, settings: Settings, found: tuple[Change, ...]) -> None:
        if any(change.connects_anew for change in found):
            return
        if any(change.key.startswith("log.") for change in found):
            logs.change(settings.log, self._mask)
        for text in settings.remarks:
            if text not in before.remarks:
                LOG.warning("%s", text)
        self.in_force.take(settings)


def summary(found: tuple[Change, ...]) -> str:
    """How much changed, and what that takes."""
    if not found:
        return "nothing changed"
    size = "1 change" if len(found) == 1 else f"{len(found)} changes"
    return f"{size}, for which the daemon connects anew" if any(c.connects_anew for c in found) else size


def _say(found: tuple[Change, ...]) -> None:
    LOG.info("the settings were read again: %s", summary(found))
    for change in found:
        LOG.info("%s", change.line)
