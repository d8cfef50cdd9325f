"""Normalization of text: spellings of one name made equal (contract, 'Ids and names'), what hides made visible."""

from __future__ import annotations

import json
import re
import unicodedata

_OTHER_DIGITS = re.compile(r"(?![0-9])\d")
_SAME_LETTERS = str.maketrans(
    {
        "ي": "ی",
        "ى": "ی",
        "ك": "ک",
        "ة": "ه",
        "ۀ": "ه",
        "أ": "ا",
        "إ": "ا",
        "آ": "ا",
        "ؤ": "و",
        "\u0640": None,  # tatweel
        "\u200c": " ",  # zero-width non-joiner: written as a space or as nothing, see fold()
        "\u200d": None,
        "\u200e": None,
        "\u200f": None,
        "\ufeff": None,
    }
)


_JOINERS = "\u200c\u200d"
_WHITE = dict.fromkeys("\r\n\t", " ")
"""White space of JSON's own, which stands between its values: within a text it is written as an escape (RFC 8259)."""
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]+")


def visible(text: str) -> str:
    """The text on one line, with what could steer a terminal or hide made visible; Persian needs its joiners."""
    return "".join(c if c.isprintable() or c in _JOINERS else repr(c)[1:-1] for c in text)


def one_line(text: str) -> str:
    """JSON text on one line, what could steer a terminal or hide in JSON's own escapes: C0, C1, marks of direction."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c.isprintable() else _WHITE.get(c) or json.dumps(c)[1:-1] for c in text)


def escaped_for(encoding: str | None, text: str) -> str:
    """JSON text as it is where an encoding can carry it, else with JSON's own escapes for all that is not ASCII."""
    try:
        text.encode(encoding or "utf-8")
    except UnicodeEncodeError:
        return _BEYOND_ASCII.sub(lambda beyond: json.dumps(beyond[0])[1:-1], text)
    return text


def ascii_digits(text: str) -> str:
    """The text with every decimal digit of any script as its ASCII digit."""
    if text.isascii():
        return text
    return _OTHER_DIGITS.sub(lambda found: str(unicodedata.decimal(found[0])), text)


def fold(text: str) -> str:
    """A form in which two spellings of one name are equal: letter case, digits, Arabic forms, joiners and spaces."""
    if text.isascii():
        return "".join(text.casefold().split())
    plain = unicodedata.normalize("NFKC", ascii_digits(text)).translate(_SAME_LETTERS)
    return "".join(plain.casefold().split())
