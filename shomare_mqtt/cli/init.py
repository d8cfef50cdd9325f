"""`init`: asks for what a newcomer has to know, has each tried at once, and writes the first settings file."""

from __future__ import annotations

import hashlib
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from shomare_mqtt import config
from shomare_mqtt.cli.first_file import OF_OWNER, OF_SETTINGS, File, example, settings_text, write_together
from shomare_mqtt.cli.first_questions import Answered, ask_for_broker, ask_for_token
from shomare_mqtt.cli.status import CommandFailedError
from shomare_mqtt.cli.terminal import Terminal, is_there
from shomare_mqtt.errors import SettingsError
from shomare_mqtt.normalization import visible

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shomare_mqtt.config import Settings

OF_THE_SERVICE = Path("/etc/shomare-mqtt/config.toml")
"""The file that the systemd unit names."""
GROUP_OF_THE_SERVICE = "daemon"
"""The unit's SupplementaryGroups=: its user exists only while it runs, so the file can be given to no other."""
STATE_OF_THE_SERVICE = """
# Where the service keeps its journal (the unit's StateDirectory=); named here, root's `doctor` looks at the same place.
[state]
directory = "/var/lib/shomare-mqtt"
"""
SHIPPED = "5b3ead969aac0a41398a68592da086b7dfd110b70f8dbfc162611b57cbb2b51e"
"""SHA-256 of systemd/config.toml, which the Debian package puts into OF_THE_SERVICE."""
TOKEN, PASSWORD = "token", "mqtt_password"
_PASSWORD_FOR_THE_SERVICE = (
    f"printf '[Service]\\nLoadCredential={PASSWORD}:{OF_THE_SERVICE.with_name(PASSWORD)}\\n' |\n"
    "    sudo install -D -m 644 /dev/stdin /etc/systemd/system/shomare-mqtt.service.d/password.conf"
)
"""Beside the unit, wherever that lies: the package's is in /usr/lib and must not be edited."""
_USAGE = 2


def init(named: Path | None, *, overwrite: bool) -> None:
    """Ask, try and write. Raises CommandFailedError, SettingsError; SystemExit (2) where there is nobody to ask."""
    file = place(named, os.environ)
    if not is_there():
        sys.stderr.write(f"{_nobody_to_ask(file)}\n")
        raise SystemExit(_USAGE)
    _check(file, overwrite=overwrite)
    environment = config.load(None)
    try:
        with Terminal() as terminal:
            terminal.say(_greeting(file, overwrite=os.path.lexists(file)))
            answered = ask_for_broker(terminal, environment.mqtt)
            token = ask_for_token(terminal, environment)
    except (KeyboardInterrupt, EOFError):
        sys.stdout.write("\n")
        raise CommandFailedError("ended before the last answer; nothing was written") from None
    written = _write(file, environment, answered, token, overwrite=overwrite)
    sys.stdout.write(_how_to_go_on(file, written))


def place(named: Path | None, env: Mapping[str, str]) -> Path:
    """Where the file is written: where `run` looks for it, for root where the service does."""
    if chosen := named or env.get("SHOMARE_CONFIG"):
        return Path(os.path.abspath(chosen))  # noqa: PTH100 - a link in the file's place is replaced, not followed
    if os.geteuid() == 0 and not env.get("XDG_CONFIG_HOME"):
        return OF_THE_SERVICE
    home = env.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")  # noqa: PTH111 - Path raises without a home
    return Path(os.path.abspath(home), "shomare-mqtt", "config.toml")  # noqa: PTH100 - as above


def _check(file: Path, *, overwrite: bool) -> None:
    """What would come to nothing is said before anything is asked. Raises CommandFailedError."""
    # os.path, since pathlib raises for what lies in a folder that may not be entered.
    for path in (file, file.with_name(TOKEN), file.with_name(PASSWORD)):
        if os.path.isdir(path) and not os.path.islink(path):  # noqa: PTH112, PTH114 - see above
            raise CommandFailedError(f"{path} is a folder; --config names the file to be written")
        if os.path.lexists(path) and not overwrite and not _is_untouched(path):
            raise CommandFailedError(f"{path} is there already, and is overwritten with --force alone")
    try:
        str(file).encode()
    except UnicodeEncodeError:
        raise CommandFailedError("the file's path is not UTF-8, which a settings file cannot name") from None
    above = next(folder for folder in file.parents if os.path.lexists(folder))
    if not os.access(above, os.W_OK | os.X_OK) or not above.is_dir():
        raise CommandFailedError(
            f"{file} cannot be written, since {above} is not open to this user: run it with sudo, or name another "
            "file with --config"
        )


def _is_untouched(path: Path) -> bool:
    """Whether nothing of the owner's is in it: the settings as they are shipped, or the package's empty token file."""
    try:
        content = b"" if path.is_symlink() else path.read_bytes()
    except OSError:
        return False
    if path.name == TOKEN:
        return not path.is_symlink() and not content.strip()
    return hashlib.sha256(content).hexdigest() == SHIPPED


def _greeting(file: Path, *, overwrite: bool) -> str:
    over = "The file that is there is overwritten then. " if overwrite else ""
    return (
        f"This writes {visible(str(file))} from a few answers; each is tried at once.\n"
        f"{over}Enter takes what stands in [brackets]. Ctrl-C ends, and nothing is written."
    )


def _write(file: Path, environment: Settings, answered: Answered, token: str, *, overwrite: bool) -> list[Path]:
    """Write all files or none; those that were written. Raises CommandFailedError."""
    secrets = [File(file.with_name(TOKEN), f"{token}\n", OF_OWNER)]
    password_file = None
    if answered.password:
        password_file = file.with_name(PASSWORD)
        secrets.append(File(password_file, f"{answered.password}\n", OF_OWNER))
    address = environment.provider.base_url if "base_url" in environment.provider.model_fields_set else None
    text = settings_text(answered.mqtt, file.with_name(TOKEN), password_file, address)
    if file == OF_THE_SERVICE:
        text += STATE_OF_THE_SERVICE
    group = GROUP_OF_THE_SERVICE if file == OF_THE_SERVICE and os.geteuid() == 0 else None
    files = [*secrets, File(file, text, OF_SETTINGS, group)]
    there = [each.path for each in files if os.path.lexists(each.path)]
    write_together(files, overwrite=overwrite or all(map(_is_untouched, there)))
    return [each.path for each in files]


def _how_to_go_on(file: Path, written: list[Path]) -> str:
    named = "" if _is_found(file) else f" --config {visible(shlex.quote(str(file)))}"
    lines = [f"\nWritten: {', '.join(visible(str(path)) for path in reversed(written))}", *_outranking()]
    lines += [
        "",
        "Look into the file first: its [limits] say how much may be spent, and nothing is limited yet. Then",
        f"  shomare-mqtt check{named}    says what is wrong with the file, or what is in force",
        f"  shomare-mqtt doctor{named}   looks at broker and provider, and never buys",
        f"  shomare-mqtt run{named}      is the daemon; Ctrl-C ends it",
        f"  shomare-mqtt watch{named}    in another terminal shows what happens",
    ]
    if file == OF_THE_SERVICE:
        lines += ["", *as_a_service(with_password=file.with_name(PASSWORD) in written)]
    return "\n".join([*lines, ""])


def _is_found(file: Path) -> bool:
    """Whether the other commands read it without being told, wherever they are started."""
    try:
        return config.find_file(None) == file
    except SettingsError:
        return False


def _outranking() -> list[str]:
    """What of the environment counts for more than the file that was just written."""
    names = sorted(config.variables())
    return [f"As long as they are set, these variables outrank it: {', '.join(names)}"] if names else []


def as_a_service(*, with_password: bool) -> list[str]:
    """How the file that the unit names goes into service; the unit hands no password over unless told."""
    lines = ["Instead of `run`, where the systemd unit is installed (docs/start-raspberry-pi.md):"]
    if with_password:
        lines += [
            f"  {_PASSWORD_FOR_THE_SERVICE}",
            "  sudo systemctl daemon-reload                  has systemd hand over the broker's password, too",
        ]
    # Not `enable --now`: a service that runs already, the package's say, would go on with its old settings.
    return [
        *lines,
        "  sudo systemctl enable shomare-mqtt            starts it with the machine",
        "  sudo systemctl restart shomare-mqtt           starts it now",
        "  systemctl status shomare-mqtt                 says how things stand",
    ]


def _nobody_to_ask(file: Path) -> str:
    """The answer where there is no terminal: what can be put into the file without being asked."""
    shown = visible(str(file))
    return (
        "shomare-mqtt: init asks questions, and there is no terminal to ask them on. These lines into "
        f"{shown} (mode 0640), and the account's token into {visible(str(file.with_name(TOKEN)))} (mode 0600), do the "
        f"same:\n\n{example(file.with_name(TOKEN), file.with_name(PASSWORD))}"
    )
