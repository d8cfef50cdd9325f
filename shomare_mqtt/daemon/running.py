"""One daemon after another: SIGHUP has it take over the settings as they are by then, or start anew with them.

SIGTERM and SIGINT end it.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from datetime import datetime
from typing import TYPE_CHECKING, Any

from shomare_mqtt.daemon.faults import Faults
from shomare_mqtt.daemon.reload import Reload, summary
from shomare_mqtt.daemon.serving import serve
from shomare_mqtt.errors import SettingsError, SettingsUnreadError
from shomare_mqtt.systemd import Notifier

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from shomare_mqtt.config.held import Settings
    from shomare_mqtt.core.masking import Mask

LOG = logging.getLogger("shomare_mqtt")
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


async def run_daemon(read: Callable[[], Awaitable[Settings]], set_up_log: Callable[[Settings], Mask]) -> None:
    """Run until SIGTERM or SIGINT, then stop cleanly. SIGHUP: go on with what `read` gives by then.

    Where a change needs a new connection to the broker, the daemon stops, and starts anew.

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
            reload = Reload(settings, mask := set_up_log(settings))
            told = _told(signals, read, reload, notifier)
            settings = await _serve_until_told(settings, mask, told, notifier, reload)
    except asyncio.CancelledError:
        if faults.first is not None:
            raise faults.first from None
        raise
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)


async def _serve_until_told(
    settings: Settings, mask: Mask, told: Coroutine[Any, Any, Settings | None], notifier: Notifier, reload: Reload
) -> Settings | None:
    """Serve until told. The settings to go on with; None where the end was asked for."""
    stop = asyncio.Event()
    listening = asyncio.create_task(told)
    listening.add_done_callback(lambda _: stop.set())
    try:
        await serve(settings, stop, mask, notifier, reload)
    finally:
        listening.cancel()
    return listening.result()


async def _told(
    signals: asyncio.Queue[int], read: Callable[[], Awaitable[Settings]], reload: Reload, notifier: Notifier
) -> Settings | None:
    """New settings that need a new connection, or None for the end. What needs none is taken over meanwhile.

    A file with a mistake changes nothing: the daemon goes on.
    """
    while await signals.get() == signal.SIGHUP:
        notifier.reloading()
        try:
            settings = await _read(signals, read)
            if settings is None:
                break
            found = reload.take(settings)
        except (SettingsError, SettingsUnreadError) as error:
            lines = error.lines if isinstance(error, SettingsError) else (str(error),)
            for line in lines:
                LOG.error("the settings are not taken over, those before stay in force: %s", line)  # noqa: TRY400 - no traceback
            notifier.note = f"the settings read again at {_time()} are not taken over: {reload.shown(lines[0])}"
        else:
            notifier.note = f"settings read again at {_time()}: {summary(found)}"
            if any(change.connects_anew for change in found):
                return settings
        notifier.reloaded()
    notifier.stopping()
    return None


def _time() -> str:
    """Local time, for a line that stands there for days."""
    return datetime.now().astimezone().isoformat(" ", "seconds")


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
