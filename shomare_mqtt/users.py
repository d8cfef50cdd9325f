"""Users of this machine in words."""

from __future__ import annotations

import os
from contextlib import suppress


def user(uid: int | None = None) -> str:
    """A user by name and number, this process's where none is given: `pi (uid 1000)`; `uid 1000` without a name."""
    import pwd  # noqa: PLC0415 - needed where something is wrong

    number = os.geteuid() if uid is None else uid
    with suppress(KeyError):
        return f"{pwd.getpwuid(number).pw_name} (uid {number})"
    return f"uid {number}"
