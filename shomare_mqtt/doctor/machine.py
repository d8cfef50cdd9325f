"""What lies on this machine: the settings, secrets that others can read, the state directory."""

from __future__ import annotations

import os
import re
import shlex
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from shomare_mqtt.doctor.finding import Finding, bad, good, unknown
from shomare_mqtt.users import user

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shomare_mqtt.config import Settings

LEAST_ROOM = 64 * 1024 * 1024
"""Bytes: a journal of some years, and its copies."""
SERVICES = Path("/var/lib/private")
"""Where systemd puts what belongs to users that exist while their services run (systemd.exec, DynamicUser=)."""
_IN_MEMORY = frozenset({"tmpfs", "ramfs"})
_FAR_AWAY = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "afs", "ceph"})
"""File systems over which locks and a log's order are not to be trusted (SQLite, howtocorrupt.html, section 2.1)."""
MOUNTS = Path("/proc/self/mountinfo")
_OCTAL = re.compile(r"\\([0-7]{3})")


def of_settings(file: Path | None, settings: Settings) -> Finding:
    """Which file they come from; they were read by then."""
    where = f"read from {file}" if file else "there is no file; they come from the environment alone"
    by_hand = len(settings.provider.fields) + len(settings.provider.states)
    return good("settings", f"{where}; {by_hand} fields and states are set by hand" if by_hand else where)


def of_secrets(settings: Settings) -> Iterator[Finding]:
    """Each file of secrets that others can read, each of settings that others can write, or that there is none."""
    faults = (*settings.remarks, *_writable(settings))
    for text in faults:
        said, _, advice = text.rpartition(": ")
        yield bad("secrets", said, advice)
    if not faults:
        yield good("secrets", "no file with a secret of these settings can be read by every user of this machine")


def _writable(settings: Settings) -> Iterator[str]:
    """Files of the settings that every user can write: a base_url of his own would be handed the token."""
    provider, mqtt, web = settings.provider, settings.mqtt, settings.web
    secrets = (provider.token_file, mqtt.password_file, mqtt.tls.key_file, web.password_file, web.viewer_password_file)
    for path in filter(None, (settings.origin.file, *secrets)):
        with suppress(OSError):
            if path.stat().st_mode & stat.S_IWOTH:
                yield f"{path} can be written by every user of this machine: chmod o-w {shlex.quote(str(path))}"


def of_state_directory(settings: Settings) -> Finding:
    """Whether the journal can be written where it is to lie, and on what it lies."""
    directory = settings.state.directory
    try:
        found = directory.stat()
    except FileNotFoundError:
        return _to_be_made(directory)
    except OSError as error:
        return _unseen(directory, error)
    if not stat.S_ISDIR(found.st_mode) or found.st_mode & stat.S_ISVTX:
        said = "is one that several users share" if stat.S_ISDIR(found.st_mode) else "is no directory"
        return bad("state directory", f"{directory} {said}", "make state.directory another one")
    if found.st_uid != os.geteuid():
        return _of_another(directory, found)
    if not os.access(directory, os.W_OK | os.X_OK):
        return _unwritable(directory)
    return _lies_on(directory, f"{directory} can be written")


def _to_be_made(directory: Path) -> Finding:
    above = next((folder for folder in directory.parents if os.path.lexists(folder)), Path("/"))
    if not above.is_dir():
        return bad("state directory", f"{above}, in which it is to lie, is no directory", "set state.directory")
    if not os.access(above, os.W_OK | os.X_OK):
        said = f"{directory} is not there, and {user()} cannot make it"
        return bad("state directory", said, f"make it (mkdir -p, chown {user()}), or set state.directory")
    return _lies_on(above, f"{directory} is not there yet; the daemon makes it")


def _unseen(directory: Path, error: OSError) -> Finding:
    said = f"{directory} cannot be looked at ({error.strerror})"
    return bad("state directory", said, "run this as the daemon's user, or set state.directory")


def _of_another(directory: Path, found: os.stat_result) -> Finding:
    said = f"{directory} belongs to another user (uid {found.st_uid}; this is {user()})"
    advice = "all is well if that user runs the daemon; else give the directory to the one that does (chown -R)"
    if os.geteuid() == 0 and _is_of_a_service(directory) and found.st_mode & stat.S_IRWXU == stat.S_IRWXU:
        return _lies_on(directory, f"{directory} can be written by the service whose own it is (uid {found.st_uid})")
    if os.geteuid() == 0 or os.access(directory, os.W_OK):
        return unknown("state directory", said, advice)
    return bad("state directory", f"{said} and cannot be written", advice)


def _is_of_a_service(directory: Path) -> bool:
    return directory.resolve().is_relative_to(SERVICES)


def _unwritable(directory: Path) -> Finding:
    advice = f"chmod u+rwx {directory}; where its file system is read-only, mount it anew or set state.directory"
    return bad("state directory", f"{directory} cannot be written by {user()}", advice)


def _lies_on(existing: Path, said: str) -> Finding:
    kind, room = kind_of_file_system(existing), _room(existing)
    said = f"{said}; it lies on {kind or 'a file system of unknown kind'}"
    if room is not None:
        said = f"{said}, with {room // (1024 * 1024):,} MiB free"
    if kind in _FAR_AWAY:
        advice = "a journal over the network can be damaged: make state.directory one on a disk of this machine"
        return bad("state directory", said, advice)
    if room is not None and room < LEAST_ROOM:
        return bad("state directory", said, "make room: on a full disk nothing is bought")
    if kind in _IN_MEMORY:
        advice = "that is memory: after a restart of the machine the daemon knows of no order; set state.directory"
        return unknown("state directory", said, advice)
    return good("state directory", said)


def _room(path: Path) -> int | None:
    """Bytes that are free for us."""
    with suppress(OSError):
        found = os.statvfs(path)
        return found.f_bavail * found.f_frsize
    return None


def kind_of_file_system(path: Path, mounts: Path = MOUNTS) -> str | None:
    """Its kind as the kernel calls it; None where that cannot be told."""
    return mount_of(path, mounts).kind


class Mount(NamedTuple):
    """A file system as it is mounted: its kind, and the device below it; both as the kernel calls them."""

    kind: str | None = None
    device: str = ""


def mount_of(path: Path, mounts: Path = MOUNTS) -> Mount:
    """The file system that a path lies on (proc_pid_mountinfo(5)); an empty one where that cannot be told."""
    with suppress(OSError, ValueError):
        real = path.resolve()
        best, found = -1, Mount()
        for line in mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines():
            before, _, after = line.partition(" - ")
            point = Path(_OCTAL.sub(lambda found: chr(int(found[1], 8)), before.split(" ")[4]))
            if real.is_relative_to(point) and len(point.parts) >= best:
                kind, device = after.split(" ")[:2]
                best, found = len(point.parts), Mount(kind, device)
        return found
    return Mount()
