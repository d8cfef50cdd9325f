"""Why a state directory cannot be used, who is kept from it, and what to do: for whoever starts this the first time."""

from __future__ import annotations

import errno
import os
import shlex
import stat
from contextlib import suppress
from pathlib import Path

from shomare_mqtt.users import user

_NO_RIGHTS = frozenset({errno.EACCES, errno.EPERM})
_NO_DIRECTORY = frozenset({errno.ENOTDIR, errno.EEXIST})


def what_to_do(directory: Path, error: OSError) -> str:
    """Sentences that name the user, and the way on."""
    other = f"set state.directory to a place where {user()} may write"
    if error.errno == errno.EROFS:
        return (
            f"{directory} lies on a file system that is mounted read-only, for {user()} too. Mount it anew, or {other}"
        )
    place = _nearest(directory)
    if error.errno in _NO_DIRECTORY and not place.is_dir():
        return f"{place} is no directory. Move it away, or {other}. This runs as {user()}"
    if error.errno not in _NO_RIGHTS:
        return f"{other[:1].upper()}{other[1:]}"
    if place != directory and not os.access(place, os.X_OK):
        return f"{user()}, who runs this, may not enter {place}{_held_by(place)}. Let that user in, or {other}"
    if place != directory:
        make = f"sudo install -d -o {os.geteuid()} -m 700 {shlex.quote(str(directory))}"
        return (
            f"{user()}, who runs this, may not make {directory} in {place}. Make it for that user ({make}), or {other}"
        )
    return f"{user()}, who runs this, may not write in {directory}{_held_by(place)}. Give it to that user, or {other}"


def _nearest(directory: Path) -> Path:
    """The directory, or the first one above it that is there and can be seen."""
    for place in (directory, *directory.parents):
        with suppress(OSError):
            place.lstat()
            return place
    return Path("/")


def _held_by(place: Path) -> str:
    with suppress(OSError):
        found = place.stat()
        return f", which belongs to {user(found.st_uid)} and has the mode {stat.S_IMODE(found.st_mode):o}"
    return ""
