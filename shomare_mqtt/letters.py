"""Digits and letters that mean the same and are written differently (contract, 'Ids and names')."""

from __future__ import annotations

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
