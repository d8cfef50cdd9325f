"""The plugins that the settings enable. What finds and checks plugins is imported by a daemon that has some."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterator

    from shomare_mqtt.config.held import Plugins
    from shomare_mqtt.plugin.loading import Loaded


def enabled_plugins(settings: Plugins, logger: logging.Logger | None) -> tuple[Loaded, ...]:
    """As plugin.loading.load_plugins. Raises SettingsError."""
    if not settings.enabled:
        return ()
    from shomare_mqtt.plugin.loading import load_plugins  # noqa: PLC0415 - see above

    return load_plugins(settings, logger)


def plugins_to_compare(settings: Plugins) -> tuple[Loaded, ...]:
    """As `enabled_plugins`, beside those that run: what they import as they work is still their own."""
    if not settings.enabled:
        return ()
    with _modules_kept():
        return enabled_plugins(settings, None)


@contextmanager
def _modules_kept() -> Iterator[None]:
    """Python knows the same modules of plugins afterwards as before."""
    from shomare_mqtt.plugin.finding import MODULES  # noqa: PLC0415 - see above

    before = {name: module for name, module in sys.modules.items() if name.startswith(MODULES)}
    try:
        yield
    finally:
        for name in [each for each in sys.modules if each.startswith(MODULES)]:
            del sys.modules[name]
        sys.modules.update(before)


def other_plugins(before: tuple[Loaded, ...], after: tuple[Loaded, ...]) -> tuple[str, ...]:
    """Names of those whose code, or whose settings with all that these are read from, are not what they were."""
    known = {plugin.name: plugin for plugin in before}
    return tuple(
        new.name for new in after if (old := known.get(new.name)) is None or old.fingerprint != new.fingerprint
    )
