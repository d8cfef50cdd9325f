"""One daemon after another: SIGHUP starts anew with the settings as they are by then, SIGTERM and SIGINT end it."""

from __future__ import annotations

import asyncio
import logging
import signal
from typing import TYPE_CHECKING, Any

from shomare_mqtt.daemon.faults import Faults
from shomare_mqtt.daemon.serving import serve
from shomare_mqtt.errors import SettingsError, SettingsUnreadError
from shomare_mqtt.plugin.enabled import enabled_plugins
from shomare_mqtt.systemd import Notifier

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from shomare_mqtt.config.held import Settings
    from shomare_mqtt.core.masking import Mask

LOG = logging.getLogger("shomare_mqtt")
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


async def run_daemon(read: Callable[[], Awaitable[Settings]], set_up_log: Callable[[Settings], Mask]) -> None:
    """Run until SIGTERM or SIGINT, then stop cleanly. SIGHUP: stop, and start anew with what `read` gives by then.

    `read` raises SettingsError and SettingsUnreadError, and is cancelled where a signal comes meanwhile. `set_up_log`
    makes the log of the settings; its mask learns the plugins' secrets. Raises what `read` raises at first,
    InstanceConflictError, TakenOverError, JournalError.
    """
    signals: asyncio.Queue[int] = asyncio.Queue()
    notifier = Notifier()
    loop = asyncio.get_running_loop()
    faults = Faults(loop)
    for number in SIGNALS:
        loop.add_signal_handler(number, signals.put_nowait, number)
    try:
        settings = await _read(signals, read)
        while settings is not None:
            mask = set_up_log(settings)
            settings = await _serve_until_told(settings, mask, _told(signals, read, notifier), notifier)
    except asyncio.CancelledError:
        if faults.first is not None:
            raise faults.first from None
        raise
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)


async def _serve_until_told(
    settings: Settings, mask: Mask, told: Coroutine[Any, Any, Settings | None], notifier: Notifier
) -> Settings | None:
    """Serve until told. The settings to go on with; None where the end was asked for."""
    stop = asyncio.Event()
    listening = asyncio.create_task(told)
    listening.add_done_callback(lambda _: stop.set())
    try:
        await serve(settings, stop, mask, notifier)
    finally:
        listening.cancel()
    return listening.result()


async def _told(
    signals: asyncio.Queue[int], read: Callable[[], Awaitable[Settings]], notifier: Notifier
) -> Settings | None:
    """New settings that can be used, or None for the end. A file with a mistake changes nothing: the daemon goes on."""
    while await signals.get() == signal.SIGHUP:
        try:
            settings = await _read(signals, read)
            if settings is None:
                break
            _ = settings.token
            enabled_plugins(settings.plugins, None)  # what is wrong with their files is said at the start
        except (SettingsError, SettingsUnreadError) as error:
            for line in error.lines if isinstance(error, SettingsError) else (error,):
                LOG.error("the settings are not taken over, those before stay in force: %s", line)  # noqa: TRY400 - no traceback
        else:
            LOG.info("the settings were read again; starting anew with them")
            return settings
    notifier.stopping()
    return None


async def _read(signals: asyncio.Queue[int], read: Callable[[], Awaitable[Settings]]) -> Settings | None:
    """The settings as they are once no signal came while they were read; None where one that ends the daemon did."""
    while True:
        reading = asyncio.ensure_future(read())
        signal_ = asyncio.create_task(signals.get())
        try:
            await asyncio.wait((reading, signal_), return_when=asyncio.FIRST_COMPLETED)
            if not signal_.done():
                return reading.result()
            if signal_.result() != signal.SIGHUP:
                return None
        finally:
            signal_.cancel()
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
