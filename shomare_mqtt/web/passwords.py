"""The page's passwords: kept as scrypt hashes, compared in constant time, hashed beside the loop.

Cost as OWASP's Password Storage Cheat Sheet has it for 32 MiB: a Raspberry Pi has that, and takes a second or two. With
less, glibc keeps what a hash took, for each thread that ever made one; 32 MiB and more go back to the system at once.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import unicodedata
from typing import TYPE_CHECKING, NamedTuple

from shomare_mqtt.web.permissions import Who

if TYPE_CHECKING:
    from shomare_mqtt.config import held

COST = {"n": 2**15, "r": 8, "p": 3}
_MOST_MEMORY = 64 * 2**20
_LENGTH = 32
LONGEST = 1024
"""Characters of a password that is looked at; nobody has one that is longer."""


def digest(password: str, salt: bytes) -> bytes:
    """The hash; takes half a second of a processor. Two ways to write a letter are one: keyboards differ."""
    written = unicodedata.normalize("NFC", password).encode(errors="replace")
    return hashlib.scrypt(written, salt=salt, maxmem=_MOST_MEMORY, dklen=_LENGTH, **COST)


class Passwords(NamedTuple):
    """The hashes of those that there are, with one salt: so one hash tells whose a password is."""

    salt: bytes
    owner: bytes | None
    viewer: bytes | None

    @property
    def are_needed(self) -> bool:
        """Whether anybody has to sign in."""
        return self.owner is not None

    def of(self, who: Who) -> bytes | None:
        """Somebody's hash."""
        return {Who.OWNER: self.owner, Who.VIEWER: self.viewer}.get(who)

    async def whose(self, password: str) -> Who | None:
        """Who signs in with it, None for nobody. What is compared is always the same, and all of it."""
        given = await asyncio.to_thread(digest, password[:LONGEST], self.salt) if self.are_needed else b""
        is_owner, is_viewer = (hmac.compare_digest(given, own or b"") for own in (self.owner, self.viewer))
        if len(password) > LONGEST or not password.isprintable() or not given:
            return None  # zeros at its end make no other hash (RFC 2104, 2), and a password has none
        return Who.OWNER if is_owner else Who.VIEWER if is_viewer else None


async def hashed(settings: held.Web, salt: bytes) -> Passwords:
    """Those of the settings."""
    owner, viewer = [
        None if each is None else await asyncio.to_thread(digest, each.get_secret_value(), salt)
        for each in (settings.password, settings.viewer_password)
    ]
    return Passwords(salt, owner, viewer)
