"""One run of the daemon: the journal and the provider's client, which are opened before it and closed after it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from shomare_mqtt import __version__
from shomare_mqtt.core.clock import SystemClock
from shomare_mqtt.core.masking import Mask
from shomare_mqtt.daemon.daemon import Daemon
from shomare_mqtt.daemon.reload import Reload
from shomare_mqtt.journal.memories import DialectMemory
from shomare_mqtt.journal.store import Journal
from shomare_mqtt.plugin.enabled import enabled_plugins
from shomare_mqtt.provider.client import Client
from shomare_mqtt.provider.limiter import Limiter
from shomare_mqtt.systemd import Notifier

if TYPE_CHECKING:
    import asyncio

    from shomare_mqtt.config.held import Settings

LOG = logging.getLogger("shomare_mqtt")


async def serve(
    settings: Settings,
    stop: asyncio.Event,
    mask: Mask | None = None,
    notifier: Notifier | None = None,
    reload: Reload | None = None,
) -> None:
    """Run until `stop` is set. Raises what `run_daemon` raises. `reload`: who brings other settings meanwhile."""
    clock = SystemClock()
    token = settings.token
    learning = mask or Mask(settings.tokens(), settings.secrets())
    reload = reload or Reload(settings, learning)
    reload.plugins = enabled_plugins(settings.plugins, LOG.getChild("plugin"))  # before anything starts
    for text in settings.remarks:
        LOG.warning("%s", text)
    journal = Journal(settings.state.directory, clock)
    await journal.open()
    _say_start(settings)
    try:
        meta = await journal.meta()
        memory = DialectMemory(journal, meta)
        limiter = Limiter(settings.provider.requests_per_minute, clock)
        logger = LOG.getChild("provider")
        async with Client(
            settings.provider,
            token,
            clock=clock,
            limiter=limiter,
            memory=memory,
            logger=logger,
            on_date=journal.time.on_date,
        ) as client:
            told = notifier or Notifier()
            daemon = Daemon(reload.in_force, clock, journal, client, meta, reload.plugins, learning, told)
            await daemon.run(stop)
    except BaseExceptionGroup as group:
        raise _first(group) from group
    finally:
        await journal.close()


def _say_start(settings: Settings) -> None:
    """What this is and runs with, as far as it is known before anything is asked of others."""
    origin = settings.origin
    file = str(origin.file.absolute()) if origin.file else "the environment alone, no file"
    LOG.info(
        "shomare-mqtt %s: settings of %s; state directory %s; plugins: %s",
        __version__,
        file if origin.is_read else "a program's own making",
        settings.state.directory,
        ", ".join(settings.plugins.enabled) or "none",
    )


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error that ended the daemon: the others are of tasks that were ended with it."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
