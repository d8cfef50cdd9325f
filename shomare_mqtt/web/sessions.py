"""Who is signed in: sessions that outlive a restart, in a file of the state directory, and no cookie in it.

The file holds hashes alone: of cookies, and of the passwords that their sessions were begun with, so that a changed
password ends them. It is no part of the journal, since a backup that is put back would bring back who signed out.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from shomare_mqtt.web.passwords import COST, Passwords, hashed
from shomare_mqtt.web.permissions import Who

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from shomare_mqtt.config import held
    from shomare_mqtt.core.clock import Clock

LOG = logging.getLogger("shomare_mqtt.web")
FILE = "web_sessions.json"
UNUSED = 30 * 86400.0
"""Seconds after which one that nobody uses ends."""
_NOTED = 3600.0
"""Seconds by which the file may be behind with when one was used."""
_MOST = 500
"""At a time; then the one that was not used for longest ends."""
_LARGEST_FILE = 2**20
_SALT = 16


NOBODYS = Passwords(b"", b"no hash", None)
"""Before the settings' own are known nobody signs in, and nobody is let in without."""


class Session:
    """One browser that is signed in. `used`: seconds since 1970."""

    __slots__ = ("used", "who")

    def __init__(self, who: Who, used: float) -> None:
        self.who = who
        self.used = used


class Sessions:
    """All of them. Load them before anything is asked."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        self._path = directory / FILE
        self._clock = clock
        self._sessions: dict[str, Session] = {}
        self._writing = asyncio.Lock()
        self._is_said = False
        self.passwords = NOBODYS
        self.on_ended: list[Callable[[Session], object]] = []
        """Told of each that ends as this process runs, so that what it listens to ends with it."""

    async def load(self, settings: held.Web) -> None:
        """Take up those that were begun with the passwords that there are; the others end."""
        kept = await asyncio.to_thread(_read, self._path)
        salt = _bytes(kept.get("salt")) if kept.get("cost") == COST else b""
        self.passwords = await hashed(settings, salt or secrets.token_bytes(_SALT))
        valid = [who for who in (Who.OWNER, Who.VIEWER) if (own := self.passwords.of(who)) and own == _of(kept, who)]
        self._sessions = {name: each for name, each in _sessions_in(kept) if each.who in valid}
        if self._file_text() != kept:
            await self._write()

    def find(self, token: str) -> Session | None:
        """The session that a cookie is of; None where it has ended, or never was."""
        name = _name(token)
        session = self._sessions.get(name)
        if session is not None and self._now() - session.used > UNUSED:
            self._end(name)
            return None
        return session

    async def use(self, session: Session) -> None:
        """It is used now."""
        behind = self._now() - session.used
        if behind < 0 or behind > _NOTED:
            session.used = self._now()
            await self._write()

    async def begin(self, who: Who) -> str:
        """A new one; what its cookie holds."""
        while len(self._sessions) >= _MOST:
            # A viewer's goes first: whoever only looks must not put the owner out.
            self._end(min(self._sessions, key=lambda name: (self._sessions[name].who, self._sessions[name].used)))
        token = secrets.token_urlsafe(32)
        self._sessions[_name(token)] = Session(who, self._now())
        await self._write()
        return token

    async def end(self, token: str) -> None:
        """End the one that a cookie is of, if there is one; it is gone from the file as well."""
        if self._end(_name(token)):
            await self._write()

    def _end(self, name: str) -> bool:
        session = self._sessions.pop(name, None)
        if session is not None:
            for listener in self.on_ended:
                listener(session)
        return session is not None

    def _now(self) -> float:
        return self._clock.now().timestamp()

    def _file_text(self) -> dict[str, Any]:
        passwords = self.passwords
        return {
            "cost": COST,
            "salt": passwords.salt.hex(),
            **{who.name.lower(): (passwords.of(who) or b"").hex() for who in (Who.OWNER, Who.VIEWER)},
            "sessions": {name: {"who": each.who.value, "used": each.used} for name, each in self._sessions.items()},
        }

    async def _write(self) -> None:
        """Keep them. A full disk keeps nobody out: whoever is signed in then stays so until the next restart."""
        async with self._writing:
            try:
                await asyncio.to_thread(_replace, self._path, json.dumps(self._file_text()).encode())
            except OSError as error:
                if not self._is_said:
                    LOG.warning("web: who is signed in cannot be kept in %s: %s", self._path, error.strerror)
                self._is_said = True
            else:
                self._is_said = False


def _name(token: str) -> str:
    """What is kept of a cookie. It is random and long, so that a quick hash tells nobody what it was."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def _read(path: Path) -> dict[str, Any]:
    """What the file says; empty where it says nothing, or nothing that we wrote."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            found = json.loads(file.read(_LARGEST_FILE))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        LOG.warning("web: who was signed in cannot be read, and has to sign in again: %s", type(error).__name__)
        return {}
    return found if isinstance(found, dict) else {}


def _replace(path: Path, text: bytes) -> None:
    """Write a file durably, for its owner alone, or leave what is there. Raises OSError."""
    new = path.with_suffix(".new")
    with suppress(FileNotFoundError):
        new.unlink()
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def _bytes(text: object) -> bytes:
    try:
        return bytes.fromhex(text) if isinstance(text, str) else b""
    except ValueError:
        return b""


def _of(kept: dict[str, Any], who: Who) -> bytes:
    return _bytes(kept.get(who.name.lower()))


def _sessions_in(kept: dict[str, Any]) -> list[tuple[str, Session]]:
    found = kept.get("sessions")
    rows = found.items() if isinstance(found, dict) else ()
    return [
        (name, Session(Who(row["who"]), float(row["used"])))
        for name, row in rows
        if isinstance(row, dict)
        and row.get("who") in (Who.VIEWER, Who.OWNER)
        and isinstance(row.get("used"), int | float)
    ]
