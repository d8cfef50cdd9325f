"""The files that `init` writes: what stands in them, and how they come to their place, each with its own mode."""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from shomare_mqtt.cli.status import CommandFailedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shomare_mqtt.config import Mqtt

OF_SETTINGS, OF_OWNER = 0o640, 0o600
_FOLDER_OF_ROOT, _FOLDER_OF_OTHERS = 0o755, 0o700

_HEAD = """\
# The settings of shomare-mqtt. config.example.toml, which comes with the program, explains every key there is.
# `shomare-mqtt check` says what is wrong with this file. A daemon that runs takes a change over with a reload (SIGHUP).
"""
_LIMITS = """\
# What the daemon refuses to do with your money. There is no limit to the sums until you set one, so take the # off: an
# automation that runs wild, and whoever may publish on the broker, can spend all that is in the wallet.
[limits]
# The most that one number may cost, in the provider's unit.
#max_price = 5000
# The most that may be spent from midnight to midnight.
#max_spend_per_day = 50000
# What must be left in the wallet after a purchase.
#min_balance = 10000
"""


@dataclass(frozen=True, slots=True, repr=False)
class File:
    """What is to be written; `group`: to whom it is given, where this machine has that group."""

    path: Path
    text: str
    mode: int
    group: str | None = None


def settings_text(mqtt: Mqtt, token_file: Path, password_file: Path | None, address: str | None) -> str:
    """The settings file: what was answered, and what is wise. `address`: the provider's, where it is not the usual."""
    lines = [_HEAD, "# The broker.", "[mqtt]", f"host = {quoted(mqtt.host)}", f"port = {mqtt.effective_port}"]
    if mqtt.username:
        lines.append(f"username = {quoted(mqtt.username)}")
    if password_file:
        lines += ["# A file with the password in it.", f"password_file = {quoted(str(password_file))}"]
    if mqtt.tls.enabled:
        lines += ["", "[mqtt.tls]", "enabled = true"]
    if mqtt.tls.enabled and mqtt.tls.ca_file:
        lines += ["# Who signed the broker's certificate.", f"ca_file = {quoted(str(mqtt.tls.ca_file))}"]
    lines += ["", "# The account that pays.", "[provider]"]
    if address:
        lines.append(f"base_url = {quoted(address)}")
    lines += [
        "# A file with the account's token in it, for its owner's eyes alone: whoever has it can spend the money."
    ]
    lines += [f"token_file = {quoted(str(token_file))}", "", _LIMITS]
    return "\n".join(lines)


def example(token_file: Path, password_file: Path) -> str:
    """The lines that a file needs, for whoever cannot be asked."""
    return f"""\
[mqtt]
host = "127.0.0.1"
port = 1883
# Where the broker asks for them:
#username = "shomare"
#password_file = {quoted(str(password_file))}

[provider]
token_file = {quoted(str(token_file))}
"""


def quoted(text: str) -> str:
    """A text as TOML has it: as in JSON, where only DEL may stand as it is."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def write_together(files: Sequence[File], *, overwrite: bool) -> None:
    """Write files of one folder: all of them aside first, so that none is in its place unless all could be written.

    They are never open to others for a moment, whatever the umask. A link in a file's place is replaced, not followed.
    Raises CommandFailedError.
    """
    folder, aside = files[0].path.parent, list[Path]()
    try:
        _make(folder)
        for file in files:
            aside.append(_written_aside(file))
        for file, written in zip(files, aside, strict=True):
            if not overwrite and os.path.lexists(file.path):
                raise CommandFailedError(f"{file.path} has come meanwhile, and is overwritten with --force alone")
            written.replace(file.path)
        _sync(folder)
    except OSError as error:
        raise CommandFailedError(f"{folder}: the settings could not be written ({error.strerror})") from None
    finally:
        for path in aside:
            path.unlink(missing_ok=True)


def _make(folder: Path) -> None:
    """The folder and those above it, never open to others for a moment."""
    missing = [each for each in (folder, *folder.parents) if not os.path.lexists(each)]
    for each in reversed(missing):
        each.mkdir(mode=_FOLDER_OF_OTHERS)
        each.chmod(_FOLDER_OF_ROOT if os.geteuid() == 0 else _FOLDER_OF_OTHERS)


def _written_aside(file: File) -> Path:
    """The file under another name, complete and on the disk."""
    descriptor, name = tempfile.mkstemp(prefix=f".{file.path.name}.", dir=file.path.parent)  # with mode 0600
    try:
        with os.fdopen(descriptor, "wb") as out:
            out.write(file.text.encode())
            out.flush()
            if file.group:
                _give(descriptor, file.group)
            os.fchmod(descriptor, file.mode)
            os.fsync(descriptor)
    except BaseException:
        Path(name).unlink()
        raise
    return Path(name)


def _give(descriptor: int, group: str) -> None:
    import grp  # noqa: PLC0415 - needed by root alone

    with suppress(KeyError):
        os.fchown(descriptor, -1, grp.getgrnam(group).gr_gid)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
