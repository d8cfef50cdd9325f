"""Standard output and error: no letter that they cannot show ends a command, and their reader may leave at any time.

A command that fails while it prints has done what it was for all the same: the number is bought, and its code unseen.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from pathlib import Path
from typing import TextIO

from shomare_mqtt.cli.status import say
from shomare_mqtt.normalization import escaped_for, one_line

_STANDARD = (0, 1, 2)
_FAILED = 1
_OF_OUTPUT = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


def prepare() -> None:
    """Has both streams write what their encoding lacks as escapes; one that was closed by the caller leads nowhere."""
    for descriptor in _STANDARD:
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest that is free, so that no connection becomes an output
    sys.stdout, sys.stderr = _lenient(sys.stdout), _lenient(sys.stderr)


def _lenient(stream: TextIO | None) -> TextIO:
    if stream is None:
        return Path(os.devnull).open("w", encoding="utf-8")
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    return stream


def write_json(text: str) -> None:
    """JSON as one line to standard output, at once: a program may read it, or a person, whatever the encoding."""
    sys.stdout.write(f"{escaped_for(sys.stdout.encoding, one_line(text))}\n")
    sys.stdout.flush()


def finish(status: int | str | None) -> int | str | None:
    """Writes out what was printed; the exit status, which is a failure's where nobody could take it."""
    try:
        sys.stdout.flush()
    except OSError as error:
        outcome = failed(error)
        return status or outcome
    return status


def failed(error: OSError) -> int:
    """The exit status where output could not be written; raises the error where it is about something else."""
    gone = isinstance(error, BrokenPipeError)  # whoever read our output (head, say) has seen enough
    if not gone and error.errno not in _OF_OUTPUT:
        raise error
    abandon()
    if not gone:
        say(f"the output could not be written: {error.strerror}")
    return _FAILED


def abandon() -> None:
    """Lets what is still to be printed go nowhere, at the interpreter's end too (docs.python.org, SIGPIPE)."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
