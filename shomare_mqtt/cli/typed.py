"""Commands within a text for the user, such that they work where they are typed."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from pathlib import Path

_NAME = "shomare-mqtt"
_NAMED_COMMAND = re.compile(r"`shomare-mqtt ([^`]+)`")


def to_be_typed(text: str, file: Path | None) -> str:
    """A text whose commands reach the same daemon: they name the settings file that this one was given.

    Where the shell does not find the program, they name it by the path that this one was started by.
    """
    program = _program()
    settings = "" if file is None else f" --config {shlex.quote(str(file))}"
    return _NAMED_COMMAND.sub(lambda found: f"`{program} {found[1]}{settings}`", text)


def _program() -> str:
    own = sys.argv[0]
    return shlex.quote(own) if Path(own).name == _NAME and shutil.which(_NAME) is None else _NAME
