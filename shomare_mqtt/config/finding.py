"""Which file holds the settings, and what is to be said where none can be read."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from shomare_mqtt.errors import SettingsError
from shomare_mqtt.users import user

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shomare_mqtt.config.origin import Origin

_FOLDER = "shomare-mqtt"
_ABSENT = "is not there"


def find_file(named: Path | None, environ: Mapping[str, str] | None = None) -> Path | None:
    """The settings file: the one named (or `SHOMARE_CONFIG`), else the first usual place that has one, else None.

    Raises SettingsError where a named file, or one in a usual place, is there and cannot be read: what it says of the
    broker and of limits must not be left out unsaid. A named file that is not there is an error too.
    """
    env = os.environ if environ is None else environ
    variable = "" if named else env.get("SHOMARE_CONFIG", "")
    chosen = named or (Path(variable) if variable else None)
    if chosen is None:
        return _in_a_usual_place(env)
    if wrong := _unusable(chosen):
        named_by = " (SHOMARE_CONFIG names it)" if variable else ""
        raise SettingsError(f"{chosen}: {'there is no such file' if wrong == _ABSENT else wrong}{named_by}")
    return chosen


def where_it_was_looked(environ: Mapping[str, str] | None = None) -> str:
    """The usual places and what is there, for whoever has no settings file."""
    env = os.environ if environ is None else environ
    places = _usual_places(env)
    wrong = [_unusable(place) or "is there now" for place in places]
    if set(wrong) == {_ABSENT}:
        return f"{', '.join(map(_whole, places[:-1]))} and {_whole(places[-1])}"
    return ", ".join(f"{_whole(place)} ({what})" for place, what in zip(places, wrong, strict=True))


def no_token(origin: Origin) -> SettingsError:
    """What is to be said where the account's token is missing."""
    missing = "provider.token: is missing"
    ways = "set token or token_file, or give systemd a credential of that name"
    unasked = "Where there is no terminal, in a container say, set SHOMARE_PROVIDER__TOKEN and SHOMARE_MQTT__HOST"
    if os.environ.get("SHOMARE_TOKEN"):
        ways = unasked = "the variable is called SHOMARE_PROVIDER__TOKEN, not SHOMARE_TOKEN"
    if origin.file is not None:
        return SettingsError(f"{origin.file}: {missing} ({ways})")
    if not origin.is_read:
        return SettingsError(f"{missing} ({ways})")
    looked = f"no settings file was found: looked for {where_it_was_looked()}"
    return SettingsError(
        f"{missing}, and {looked}. `shomare-mqtt init` asks for broker and token, tries both, and writes one. {unasked}"
    )


def _whole(place: Path) -> str:
    """A place as it is found from anywhere; a folder that was deleted has no name."""
    try:
        return os.path.abspath(place)  # noqa: PTH100 - Path.absolute keeps dots
    except OSError:
        return str(place)


def _usual_places(env: Mapping[str, str]) -> list[Path]:
    home = env.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")  # noqa: PTH111 - Path raises without a home
    return [Path("shomare-mqtt.toml"), Path(home, _FOLDER, "config.toml"), Path("/etc", _FOLDER, "config.toml")]


def _in_a_usual_place(env: Mapping[str, str]) -> Path | None:
    for place in _usual_places(env):
        wrong = _unusable(place)
        if wrong is None:
            return place
        if wrong != _ABSENT and _is_ours(place):
            raise SettingsError(f"{place}: {wrong}")
    return None


def _is_ours(place: Path) -> bool:
    """Whether something is there, or its folder is one that only a settings file is put into.

    Nothing can be told below a home or a working directory of somebody else: that is the same as no file there.
    """
    return os.path.lexists(place) or (place.parent.name == _FOLDER and os.path.isdir(place.parent))  # noqa: PTH112


def _unusable(path: Path) -> str | None:
    """Why a file cannot be read as settings; None where it can."""
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - one way for all of these
    except FileNotFoundError:
        return "is a link that leads to no file" if os.path.islink(path) else _ABSENT  # noqa: PTH114
    except PermissionError:
        return f"cannot be read, since the user {user()} may not enter a folder on the way to it; {_ways_on()}"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if stat.S_ISDIR(mode):
        return "is a directory, not a file"
    if not os.access(path, os.R_OK):
        return f"cannot be read, since the user {user()} may not read it; {_ways_on()}"
    return None


def _ways_on() -> str:
    return "use sudo, or name a file of your own with --config"
