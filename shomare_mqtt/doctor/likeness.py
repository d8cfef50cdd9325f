"""Answers with all that is somebody's own replaced by something like it: as long, and of the same letters and digits.

What is equal stays equal within one Likeness, and what differs differs, so that an id in two places is one id still.
Field names, marks of success, units of money and what everybody may know (names of countries, prices) stay, so that
the answer is read as the real one is.
"""

from __future__ import annotations

import random
import re
import unicodedata
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from shomare_mqtt.doctor.likely_secrets import EMAIL, LEAST_DIGITS, LONG_NUMBER, OPAQUE, has_code
from shomare_mqtt.normalization import ascii_digits
from shomare_mqtt.provider.outlines import is_field_name
from shomare_mqtt.provider.reading.names import glued, telling, words, wordset
from shomare_mqtt.provider.reading.profiles import MAIN_WALLET
from shomare_mqtt.provider.reading.shapes import PAIR_NAMES, PAIR_VALUES
from shomare_mqtt.provider.reading.states import Truth, truth
from shomare_mqtt.provider.reading.units import UNIT
from shomare_mqtt.provider.reading.values import MULTIPLES, unit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from shomare_mqtt.core.masking import Mask

_MARKS = wordset(
    "status ok success issuccess succeeded successful result response error errors code statuscode errorcode errcode "
    "resultcode"
)
_LONGEST_MARK = 30
_GREATEST_MARK = 999
_SECRET = wordset("token password passwd secret otp pin apikey auth authorization session cookie hash signature")
_SOMEBODYS = wordset(
    "user account owner customer profile wallet balance credit email mobile phone phonenumber username firstname "
    "lastname fullname"
)
"""Names of what is a person's in a list or a price, where it has no business."""
_LONGEST_UNIT = 20
_RUN = re.compile(r"(?P<number>\d+(?:[.,'’٬٫،_]\d+)*)|(?P<word>[^\W\d_]+)")
_LITERAL = re.compile(r"'([^']*)'|`\"?([^`\"]*)\"?`")
_DIGIT = re.compile(r"\d")
_TRIES = 50
_MOST_OF_A_PAIR = 4
_LONGEST_AMOUNT = 9
"""Digits of an amount without separators; a longer text of digits is a number of somebody's or something's."""


class Likeness:
    """One set of replacements. `mask` knows the secrets; `seed` None: other replacements each time.

    `expressions`: those of `[provider.fields]`; a value that one of them names (`wallets[?name == 'main']`) stays.
    """

    def __init__(self, mask: Mask, seed: int | None = None, expressions: Iterable[str] = ()) -> None:
        self._mask = mask
        self._named = {text for each in expressions for found in _LITERAL.findall(each) for text in found if text}
        self._random = random.Random(seed)  # noqa: S311 - what it hides is not to be found again from it
        self._made: dict[str, str] = {}
        self._taken: set[str] = set()

    def somebodys(self, value: Any, name: str = "") -> Any:
        """The account's answer: every text and number replaced, but for marks and units."""
        if isinstance(value, dict):
            name_of_pair = _name_of_pair(value)
            return {self._private_key(k): v if k == name_of_pair else self.somebodys(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [self.somebodys(each, name) for each in value]
        if value is None or isinstance(value, bool) or _is_mark(name, value) or str(value) in self._named:
            return value
        if not isinstance(value, str):
            return self._number(value)
        return value if _names_a_unit(name, value) and not self._is_secret(value) else self._text(value)

    def everybodys(self, value: Any, name: str = "") -> Any:
        """A list or prices, which everybody may know: what is likely a secret or a person's replaced."""
        if _SOMEBODYS.intersection((glued(name),)) or _SECRET.intersection(words(name)):
            return self.somebodys(value)
        if isinstance(value, dict):
            return {self._public_text(k): self.everybodys(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [self.everybodys(each, name) for each in value]
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return self._public_text(value)
        return self._number(value) if len(_digits(value)) >= LEAST_DIGITS or self._is_secret(str(value)) else value

    def plain(self, text: str) -> str:
        """A text of ours (a path, a place) in which somebody's number or address may stand."""
        return self._public_text(text)

    def _private_key(self, key: str) -> str:
        return key if is_field_name(key) and not self._is_secret(key) else self._text(key)

    def _public_text(self, text: str) -> str:
        if self._is_secret(text) or EMAIL.search(text) or OPAQUE.search(text):
            return self._text(text, keep=lambda _: False)
        if LONG_NUMBER.search(ascii_digits(text)) or has_code(text):
            return self._text(text, keep=lambda _: True)
        return text

    def _is_secret(self, text: str) -> bool:
        return self._mask.text(text) != text

    def _text(self, text: str, keep: Callable[[str], bool] | None = None) -> str:
        """A text like another; `keep`: words that stay."""
        stays = keep or _stays
        plain, pieces, end = ascii_digits(text), list[str](), 0
        for run in _RUN.finditer(plain):
            start, own = run.start(), text[run.start() : run.end()]
            like = self._figures(own) if run["number"] else own if stays(own) else self._word(own)
            pieces += [text[end:start], like]
            end = run.end()
        return "".join((*pieces, text[end:]))

    def _number(self, value: Any) -> Any:
        if value in (0, 1):
            return value
        like = self._figures(str(value))
        return Decimal(like) if isinstance(value, Decimal) else int(like)

    def _figures(self, written: str) -> str:
        """A number in text, its digits replaced: `192,100` as `192100` is, Persian ones by Persian ones."""
        digits = "".join(_DIGIT.findall(ascii_digits(written)))
        is_amount = not written.isdigit() or (digits[0] != "0" and len(digits) <= _LONGEST_AMOUNT)
        like = iter(self._replaced(digits, self._amount if is_amount else self._digits))
        return "".join(_in_script_of(c, next(like)) if c.isdecimal() else c for c in written)

    def _word(self, word: str) -> str:
        """A word like another one, with capitals where that has them."""
        like = self._replaced(word.lower(), self._letters)
        if len(like) != len(word):
            return like
        pairs = zip(word, like, strict=True)
        return "".join(new.upper() if old.isupper() and len(new.upper()) == 1 else new for old, new in pairs)

    def _replaced(self, own: str, make: Callable[[str], str]) -> str:
        """What stands for a run of digits or letters, the same each time, and for no other run."""
        if own not in self._made:
            tries = (make(own) for _ in range(_TRIES))
            like = next((t for t in tries if t != own and t not in self._taken and not _stays(t)), make(own))
            self._made[own] = like
            self._taken.add(like)
        return self._made[own]

    def _amount(self, digits: str) -> str:
        """Noughts stay: they tell a price with cents from one without."""
        return "".join(c if c == "0" else self._random.choice("123456789") for c in digits)

    def _digits(self, digits: str) -> str:
        rest = "".join(self._random.choice("0123456789") for _ in digits[1:])
        return (digits[0] if digits[0] == "0" else self._random.choice("123456789")) + rest

    def _letters(self, word: str) -> str:
        return "".join(self._random.choice(_alphabet(letter)) for letter in word)


def _name_of_pair(fields: dict[str, Any]) -> str | None:
    """Where a field's name stands as a text: `key` in `{"key": "balance", "value": 5}`."""
    if len(fields) > _MOST_OF_A_PAIR or not any(glued(name) in PAIR_VALUES for name in fields):
        return None
    names = (name for name, value in fields.items() if glued(name) in PAIR_NAMES and isinstance(value, str))
    return next((name for name in names if telling(fields[name])), None)


def _stays(word: str) -> bool:
    """Whether a word is a unit of money, a multiple (`k`, `million`), or says which wallet pays."""
    return unit(word) is not None or word.lower() in MAIN_WALLET | MULTIPLES


def _is_mark(name: str, value: Any) -> bool:
    """Whether a value only says that a call went well, or how it failed."""
    if glued(name) not in _MARKS:
        return False
    if isinstance(value, str):
        short = len(value) <= _LONGEST_MARK and len(_DIGIT.findall(value)) <= len(str(_GREATEST_MARK))
        return short and truth(value) in (Truth.YES, Truth.NO)
    return bool(abs(value) <= _GREATEST_MARK)


def _names_a_unit(name: str, value: str) -> bool:
    return UNIT.weight(name) > 0 and len(value) <= _LONGEST_UNIT and not _DIGIT.search(value)


def _digits(value: Any) -> str:
    return "".join(_DIGIT.findall(str(value)))


def _in_script_of(own: str, digit: str) -> str:
    """A digit in the script of another."""
    return chr(ord(own) - unicodedata.decimal(own) + int(digit))


@lru_cache(maxsize=512)
def _alphabet(letter: str) -> str:
    """Letters of the same script and case, from about the same place in Unicode."""
    if "a" <= letter <= "z":
        return "abcdefghijklmnopqrstuvwxyz"
    return "".join(_near(letter)) or letter


def _near(letter: str) -> Iterator[str]:
    kind, script = unicodedata.category(letter), unicodedata.name(letter, "").split(" ")[0]
    first = ord(letter) & ~0x7F
    for number in range(first, first + 0x80):
        other = chr(number)
        if unicodedata.category(other) == kind and unicodedata.name(other, "").split(" ")[0] == script:
            yield other
