"""How a command ends: the exit statuses, and what is said on stderr: one line, or one for each mistake in settings."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

from shomare_mqtt.errors import (
    InstanceConflictError,
    JournalError,
    JournalUnusableError,
    SettingsError,
    SettingsUnreadError,
    TakenOverError,
)
from shomare_mqtt.normalization import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

DONE = 0
FAILED = 1
USAGE = 2
SETTINGS = 78
"""What a person has to put right: settings, another daemon in the same place, its journal (EX_CONFIG, sysexits(3))."""


class CommandFailedError(Exception):
    """A command did not do what it was for; `str(error)` tells the user why. Exit status 1."""


def say(message: object) -> None:
    """Writes a line on stderr, whatever strangers' words are in it."""
    sys.stderr.write(f"shomare-mqtt: {visible(str(message))}\n")


def end(error: Exception, status: int) -> NoReturn:
    """Ends the process with a line on stderr for each thing that is wrong. Raises SystemExit."""
    from shomare_mqtt.cli.typed import to_be_typed  # noqa: PLC0415 - needed where something is wrong

    for line in error.lines if isinstance(error, SettingsError) else (error,):
        say(to_be_typed(str(line), None))
    raise SystemExit(status)


@contextmanager
def plain_failures() -> Iterator[None]:
    """Turns what a user can understand into one line and an exit status. Raises SystemExit."""
    try:
        yield
    except (SettingsError, InstanceConflictError, JournalUnusableError) as error:
        end(error, SETTINGS)
    except (CommandFailedError, SettingsUnreadError, TakenOverError, JournalError) as error:
        end(error, FAILED)
