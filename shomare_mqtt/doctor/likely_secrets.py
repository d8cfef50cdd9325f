"""What in a text is likely to be a phone number, a code or a person's, wherever it stands."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shomare_mqtt.core.codes import extract_code
from shomare_mqtt.normalization import ascii_digits

if TYPE_CHECKING:
    from shomare_mqtt.core.masking import Mask

MASKED = "***"
LEAST_DIGITS = 9
"""Digits of a number that may be a phone number, a card or a national id; no price and no stock has so many."""
EMAIL = re.compile(r"[^\s@<>\"']{1,64}(?:@|%40)[^\s@<>\"']+\.[^\W\d_]{2,}")
LONG_NUMBER = re.compile(r"\+?\d(?:[ \-()./\u00a0\u200b-\u200f\u2010-\u2015\u202a-\u202f]{0,2}\d){8,}")
"""Also with what people and sites put between the digits, seen or unseen."""
_IP_ADDRESS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
OPAQUE = re.compile(r"(?=[A-Za-z_\-+/=.]*\d)(?=[\d_\-+/=.]*[A-Za-z])[A-Za-z0-9_\-+/=.]{24,}")
"""Letters and digits without end: a key, a session, a hash."""


def has_code(text: str) -> bool:
    """Whether a text is a sentence with a one-time code in it."""
    return " " in text.strip() and extract_code(text) is not None


def hidden(text: str, mask: Mask) -> str:
    """A text of somebody else's for the owner's screen: no secret, number, address or code is whole in it."""
    shown = mask.text(text)
    if has_code(shown):
        shown = re.sub(r"\d", "*", shown)
    shown = EMAIL.sub(MASKED, shown)
    plain = ascii_digits(shown)  # as long as the text: each digit is one character
    for found in reversed(list(LONG_NUMBER.finditer(plain))):
        if not _IP_ADDRESS.fullmatch(found[0]):
            shown = f"{shown[: found.start()]}{MASKED}{shown[found.end() :]}"
    return OPAQUE.sub(MASKED, shown)
