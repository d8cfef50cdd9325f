"""Ids of orders: ULIDs, which sort by the time they were made and are unique across reinstalls."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH = 26
_RANDOM_BITS = 80


def new_id(now: datetime) -> str:
    """26 characters of Crockford's base 32: 48 bits of milliseconds, 80 random bits."""
    value = (int(now.timestamp() * 1000) << _RANDOM_BITS) | secrets.randbits(_RANDOM_BITS)
    return "".join(_ALPHABET[(value >> shift) & 31] for shift in range((_LENGTH - 1) * 5, -1, -5))


def is_id(text: str) -> bool:
    """Whether a text looks like an id of ours."""
    return len(text) == _LENGTH and all(c in _ALPHABET for c in text.upper())
