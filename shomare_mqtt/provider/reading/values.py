"""Values as the provider writes them: money and counts as text, ids of any type, units in words."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any

from shomare_mqtt.letters import ascii_digits, fold
from shomare_mqtt.provider.reading.names import wordset

Scalar = str | int | Decimal | bool | None

_NUMBER = re.compile(r"[-+]?\d[\d\s.,'٬٫،_\u00a0\u202f]*")
_UNITS = (
    ("IRT", ("irt", "toman", "tomans", "tmn", "تومان", "تومن", "toomaan")),
    ("IRR", ("irr", "rial", "rials", "ریال")),
    ("USD", ("usd", "$", "dollar", "dollars", "دلار")),
    ("RUB", ("rub", "rur", "₽", "руб", "ruble", "rubles", "روبل")),
    ("EUR", ("eur", "€", "euro", "یورو")),
)
_NONE_YET = frozenset(
    ["", "0", "null", "none", "false", "wait", "waiting", "nil", "-", "--", "---", "undefined", "pending", "n/a", "no"]
)
_IN_STOCK = wordset("instock available yes true plenty many active موجود موجوداست دارد بله есть 有货")
_OUT_OF_STOCK = wordset(
    "outofstock unavailable notavailable soldout no false none empty inactive ناموجود موجودنیست ندارد "
    "تمامشد اتمامموجودی نه нет 缺货"
)
_UNSEEN = " \t\r\n\ufeff\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Marks of writing from the right around an id; sent back with it they would name nothing."""
MAX_DIGITS = 18
"""Money and counts with more digits than this are something else."""


def is_scalar(value: Any) -> bool:
    """Whether the value is a plain one: no object, no list."""
    return not isinstance(value, dict | list)


def money(value: Any) -> Decimal | None:
    """An amount: a number, or a text with separators and perhaps a unit; None where it is not understood."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | Decimal):
        return _bounded(Decimal(value))
    if not isinstance(value, str) or len(value) > 60:  # noqa: PLR2004 - a sentence is no amount
        return None
    text = ascii_digits(value).strip()
    found = _NUMBER.findall(text)
    rest = fold(_NUMBER.sub("", text)).strip(".:;,()-+/=")
    if len(found) != 1 or (rest and unit(rest) is None and len(rest) > 3):  # noqa: PLR2004 - a currency's code
        return None
    return _bounded(_plain(found[0]))


def _plain(text: str) -> Decimal | None:
    """The number in a text of unknown separators: the last of two kinds, or one before 1-2 digits, is decimal."""
    digits = re.sub(r"[\s_'\u00a0\u202f٬]", "", text.strip().strip(".,،٫")).replace("٫", ".").replace("،", ",")
    last_dot, last_comma = digits.rfind("."), digits.rfind(",")
    if last_dot >= 0 and last_comma >= 0:
        thousands = "," if last_dot > last_comma else "."
        digits = digits.replace(thousands, "").replace(",", ".")
    elif last_comma >= 0:
        digits = digits.replace(",", "") if _groups(digits, ",") else digits.replace(",", ".")
    elif digits.count(".") > 1:
        digits = digits.replace(".", "") if _groups(digits, ".") else "?"
    try:
        return Decimal(digits)
    except InvalidOperation:
        return None


def _groups(digits: str, separator: str) -> bool:
    first, *rest = digits.lstrip("+-").split(separator)
    return 0 < len(first) <= 3 and all(len(group) == 3 for group in rest)  # noqa: PLR2004 - groups of three


def _bounded(number: Decimal | None) -> Decimal | None:
    if number is None or not number.is_finite() or number.adjusted() >= MAX_DIGITS:
        return None
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and exponent > 0:
        return number.quantize(Decimal(1))
    return number


def unit(text: Any) -> str | None:
    """The currency that a text names, as its code; None where it names none of the usual ones."""
    if not isinstance(text, str) or len(text) > 60:  # noqa: PLR2004 - a sentence names no unit
        return None
    plain = fold(text)
    parts = set(re.findall(r"[^\W\d_]+|[$₽€]", ascii_digits(text).casefold().replace("ي", "ی")))
    for code, names in _UNITS:
        if plain in names or parts.intersection(names):
            return code
    return None


def currency(value: Any) -> str | None:
    """A currency field's value: `IRR`, `IRT`, or the provider's own word."""
    if isinstance(value, dict):
        return next((found for v in value.values() if (found := currency(v))), None)
    if not isinstance(value, str) or not value.strip() or len(value) > 20:  # noqa: PLR2004 - a currency's word
        return None
    own = value.strip()
    if ascii_digits(own).isdigit():
        return None
    return unit(own) or (own.upper() if own.isascii() and len(own) == 3 else own)  # noqa: PLR2004 - ISO 4217


def count(value: Any) -> tuple[bool, int | None]:
    """A stock: whether it was understood, and the number; None where the provider says only that there are some."""
    if isinstance(value, bool):
        return True, None if value else 0
    if isinstance(value, str):
        word = fold(value).strip(".!").replace("_", "").replace("-", "")
        if word in _OUT_OF_STOCK:
            return True, 0
        if word in _IN_STOCK:
            return True, None
        value = re.sub(r"^\s*[>~≥]|[+]\s*$|(عدد|pcs|pieces|шт\.?|numbers?)\s*$", "", value.strip()).strip()
    number = money(value)
    if number is None or number < 0 or number != number.to_integral_value():
        return False, None
    return True, int(number)


def identifier(value: Any) -> str | None:
    """An id as text: 1, 1.0 and "1" are one id; digits of any script are ASCII; None for what cannot be an id."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return str(int(value)) if value == value.to_integral_value() else str(value)
    if not isinstance(value, str):
        return None
    text = ascii_digits(value.strip(_UNSEEN).strip())
    return text if text and len(text) <= 200 else None  # noqa: PLR2004 - longer ones are no ids


def is_none_yet(value: Any) -> bool:
    """Whether a code's value says that there is none yet: null, "", 0, "0", "null", false or "wait" (provider page)."""
    if value is None or value is False or value in ([], {}):
        return True
    return fold(str(value)) in _NONE_YET if isinstance(value, str | int | Decimal) else False


def integer(value: Any) -> int | None:
    """A whole number, also as text; for status codes."""
    number = money(value) if isinstance(value, str | int | Decimal) and not isinstance(value, bool) else None
    return int(number) if number is not None and number == number.to_integral_value() else None
