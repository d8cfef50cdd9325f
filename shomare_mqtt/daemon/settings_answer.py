"""What the process that reads the settings says to its parent."""

from __future__ import annotations

import asyncio
import io
import pickle
import signal
from typing import TYPE_CHECKING

from shomare_mqtt import __version__
from shomare_mqtt.config.held import Settings
from shomare_mqtt.errors import SettingsError, SettingsUnreadError

if TYPE_CHECKING:
    from shomare_mqtt.daemon.settings_process import SettingsProcess


async def settings_of(process: SettingsProcess) -> Settings:
    """What it read; it has ended then, and ends too where this is cancelled.

    Raises SettingsError for what is wrong with them, and SettingsUnreadError where it could not say.
    """
    try:
        said = await _said(process)
        status = process.wait()  # it has said all, so that it ends at once
    finally:
        process.close()
    if status:
        raise SettingsUnreadError(f"the process that reads the settings {_end(status)}")
    return _understood(said)


def _understood(said: bytes) -> Settings:
    match _unpacked(said):
        case Settings() as settings:
            return settings
        case tuple() as lines:
            raise SettingsError(*lines)
        case fault:
            raise SettingsUnreadError(f"the settings cannot be read, by a fault of this program: {fault}")


def _unpacked(said: bytes) -> object:
    """What follows the version: a daemon may run on while another is installed in its place."""
    stream = io.BytesIO(said)
    try:
        version = pickle.load(stream)  # noqa: S301 - our own process wrote it
        if version == __version__:
            return pickle.load(stream)  # noqa: S301 - as above
    except (EOFError, pickle.UnpicklingError):
        raise SettingsUnreadError("the process that reads the settings did not say what it read") from None
    installed = f"this is version {__version__}, and installed is version {version} by now"
    raise SettingsUnreadError(f"{installed}, which reads them in its own way: restart the daemon")


async def _said(process: SettingsProcess) -> bytes:
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, process.pipe)
    try:
        return await reader.read()
    finally:
        transport.close()


def _end(status: int) -> str:
    return f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
