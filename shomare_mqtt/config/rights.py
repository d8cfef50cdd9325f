"""Files that others may read or write though that gives them the account: what is said, and what mends it.

Others are all but root and the user that runs this. Access lists beyond the mode (ACLs) are not looked at.
"""

from __future__ import annotations

import errno
import os
import shlex
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

from shomare_mqtt.users import user

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_SPENDS = "who can so spend your money"
_MOST_LINKS = 40
"""Links on the way to a file, as the kernel follows them (path_resolution(7))."""
_MOST_FOLDERS = 1000


def readable(path: Path) -> str | None:
    """What is to be said of a file with a secret in it; None where others cannot read it, or it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    if not found.st_mode & stat.S_IROTH:
        return _readable_by_group(path, found)
    said = f"{path} holds a secret, and every user of this machine can read it"
    if _still_readable(found):
        return f"{said}: chmod o-r {shlex.quote(str(path))}"
    # Without the right that all others have, this daemon could not read it either.
    return f"{said}: put the secret into a file of its own that systemd hands over (LoadCredential=)"


def _readable_by_group(path: Path, found: os.stat_result) -> str | None:
    """What is to be said of one that a group can read in which there is another than its owner.

    Not of one that we read as that group ourselves, nor of root's for `daemon`: so the unit's user, who has no file of
    its own, may read its settings.
    """
    if not found.st_mode & stat.S_IRGRP or os.geteuid() not in (0, found.st_uid):
        return None
    group = _others_in(found.st_gid, found.st_uid)
    if group is None or (group == "daemon" and found.st_uid == 0):
        return None
    return f"{path} holds a secret, and the group {group} can read it: chmod g-r {shlex.quote(str(path))}"


def _still_readable(found: os.stat_result) -> bool:
    """Whether we could read it if the others could not."""
    ours = found.st_gid in {os.getegid(), *os.getgroups()} and bool(found.st_mode & stat.S_IRGRP)
    return os.geteuid() in (0, found.st_uid) or ours


def writable(code: Iterable[Path]) -> list[str]:
    """What is to be said of files and folders of code, of all folders above them, and of what links on the way lead to.

    Into a folder of `code` others must not put files either, as everybody may into /tmp.
    """
    named = [os.path.abspath(path) for path in code]  # noqa: PTH100 - pathlib has none that leaves links alone
    real = {os.path.realpath(path) for path in named}
    places = dict.fromkeys(place for path in named for place in _way(path))
    faults = (_fault(place, is_above=place not in real) for place in places)
    return [text for text in faults if text]


def all_in(folder: Path) -> Iterator[Path]:
    """A folder and all that lies below it, also behind links, each folder once."""
    waiting, known = [folder], set[str]()
    while waiting and len(known) < _MOST_FOLDERS:
        here = waiting.pop()
        yield here
        if (real := os.path.realpath(here)) in known:
            continue
        known.add(real)
        with suppress(OSError):
            for entry in os.scandir(here):
                if entry.is_dir():
                    waiting.append(here / entry.name)
                else:
                    yield here / entry.name


def _way(path: str, links: int = 0) -> Iterator[str]:
    """Every folder, link and file that the kernel passes on its way to a path."""
    done = "/"
    yield done
    for name in [part for part in path.split("/") if part]:
        done = os.path.normpath(os.path.join(done, name))  # noqa: PTH118 - text is split here
        yield done
        try:
            target = os.readlink(done)  # noqa: PTH115
        except OSError as error:
            if error.errno != errno.EINVAL:  # which says that it is no link
                return
            continue
        if links >= _MOST_LINKS:
            return
        yield from _way(os.path.join(os.path.dirname(done), target), links + 1)  # noqa: PTH118, PTH120
        done = os.path.realpath(done)


def _fault(place: str, *, is_above: bool) -> str | None:
    """What is wrong with one place. A folder above, sticky as /tmp is, lets nobody replace what is another's."""
    try:
        found = os.lstat(place)
    except OSError:
        return None
    shown = shlex.quote(place)
    if found.st_uid not in (0, os.geteuid()):
        return f"{place} belongs to another user, {user(found.st_uid)}, {_SPENDS}: chown root {shown}"
    if stat.S_ISLNK(found.st_mode) or (is_above and found.st_mode & stat.S_ISVTX):
        return None
    if found.st_mode & stat.S_IWOTH:
        mend = "keep plugins elsewhere" if found.st_mode & stat.S_ISVTX else f"chmod o-w {shown}"
        return f"{place} can be written by every user of this machine, {_SPENDS}: {mend}"
    if found.st_mode & stat.S_IWGRP and (group := _others_in(found.st_gid)):
        return f"{place} can be written by the group {group}, {_SPENDS}: chmod g-w {shown}"
    return None


def _others_in(number: int, owner: int = 0) -> str | None:
    """The name of a group that another user is in than we and a file's owner.

    None for root's and where nobody is. An unknown one has others.
    """
    import grp  # noqa: PLC0415 - needed where something is wrong
    import pwd  # noqa: PLC0415

    if number == 0:
        return None
    try:
        group = grp.getgrgid(number)
    except KeyError:
        return str(number)
    members = {user.pw_uid for user in pwd.getpwall() if user.pw_gid == number or user.pw_name in group.gr_mem}
    return group.gr_name if members - {0, owner, os.geteuid()} else None
