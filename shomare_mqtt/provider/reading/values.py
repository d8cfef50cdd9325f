"""Values as the provider writes them: money and counts as text, ids of any type, units in words."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from shomare_mqtt.normalization import ascii_digits, fold
from shomare_mqtt.provider.reading.names import wordset

_ARABIC_FORMS = str.maketrans({"ي": "ی", "ك": "ک"})

_NUMBER = re.compile(r"[-+]?\d[\d\s.,'’٬٫،_]*")
_GROUPING = re.compile(r"[\s_'’٬]")
"""What stands between digits for nothing but groups of three."""
_SEPARATOR = re.compile(r"[\s_'’٬.,،٫]")
_LETTERS = re.compile(r"[^\W\d_]+")
_GROUPED = re.compile(r"[-+]?\d{1,3}(?:[\s_'’٬]\d{3})+(?:[.,]\d*)?")
_UNITS = (
    ("IRT", ("irt", "toman", "tomans", "tmn", "تومان", "تومن", "toomaan")),
    ("IRR", ("irr", "rial", "rials", "ریال")),
    ("USDT", ("usdt", "tether", "تتر")),
    ("USD", ("usd", "$", "dollar", "dollars", "دلار")),
    ("RUB", ("rub", "rur", "₽", "руб", "ruble", "rubles", "روبل")),
    ("EUR", ("eur", "€", "euro", "یورو")),
)
_NONE_YET = frozenset(
    ["", "0", "null", "none", "false", "wait", "waiting", "nil", "-", "--", "---", "undefined", "pending", "n/a", "no"]
)
_LONGEST_NONE = 200
"""Characters, blanks among them, of what may say "none yet"; to fold a long text takes time."""
_SOME = wordset(
    "instock in stock available yes true plenty many some few low high limited active enabled exists last only on "
    "موجود موجوداست است هست دارد داریم "
    " بله بلی آری دسترس در فعال زیاد کم محدود آخرین فقط есть в наличии много мало 有货 ✅ ✔ 🟢"
)
_UNSEEN = " \t\r\n\0\ufeff\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Marks of writing from the right around an id; sent back with it they would name nothing."""
_LONGEST_ID = 200
_NONE = wordset(
    "out unavailable notavailable outofstock not soldout sold no none false empty inactive disabled off finished zero "
    "نا ناموجود نیست ندارد نداریم نمی نمیباشد غیرفعال غیر نه خیر خالی تمام اتمام تمامشد موجودنیست صفر "
    "нет отсутствует 缺货 ❌ ✖ ✗ ⛔ 🚫 🔴"
)
_ENDLESS = wordset("unlimited limitless infinite infinity limit نامحدود محدودیت نهایت بینهایت ∞")
_PIECES = wordset(
    "pcs pc pieces piece number numbers items item units unit left remaining more than over about up to "
    "عدد شماره خط تا تعداد مانده باقی بیش از بیشتر حدود حداقل شد موجودی шт штук 个"
)
_NO_STOCK = re.compile(r"[%٪$€₽]")
_STOCK_WORD = re.compile(r"[^\W\d_]+|[✅✔🟢❌✖✗⛔🚫🔴∞]")
MULTIPLES = wordset("k m b mn mln mio bn mil thousand million hezar hezartoman milion هزار میلیون тыс млн")
_WITHOUT_FRACTIONS = ("IRT", "IRR")
_WITH_FRACTIONS = ("USDT", "USD", "RUB", "EUR", "CNY", "GBP", "INR")
_ONE_GROUP, _IN_A_GROUP = 1000, 3
"""Below this a figure with a point may be thousands that were cut, and so many digits a group has."""
MAX_DIGITS = 18
"""Money and counts with more digits than this are something else."""
CONTAINERS = (dict, list)
"""What is no plain value. One tuple for all: `dict | list` is made anew, and looked through, at each look."""
_NUMBERS = (int, Decimal)
_BEYOND = 10**MAX_DIGITS


def is_scalar(value: Any) -> bool:
    """Whether the value is a plain one: no object, no list."""
    return not isinstance(value, CONTAINERS)


def is_plain(value: Any) -> bool:
    """Whether a number is written in digits alone, and so is the same in every unit."""
    return isinstance(value, int) or (isinstance(value, str) and value.isdigit())


def figure(value: Any) -> Decimal | None:
    """A figure: a number, or a text with separators and perhaps a unit; None where it is not understood."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int):
        return Decimal(value) if -_BEYOND < value < _BEYOND else None
    if isinstance(value, Decimal):
        return _bounded(value)
    written, said = _written(value) if isinstance(value, str) else (None, None)
    return None if written is None else _bounded(_plain(written, fractions=said not in _WITHOUT_FRACTIONS))


def is_figure(value: Any) -> bool:
    """Whether a value is a figure, which is not made for that."""
    if isinstance(value, int):
        return not isinstance(value, bool) and -_BEYOND < value < _BEYOND
    return figure(value) is not None


def money(value: Any, beside: str | None = None) -> Decimal | None:
    """An amount in the unit that its own text names, else in the one that stands `beside` it (contract, Answers).

    In a unit without fractions "2.200" is 2200. None where it is not understood, and where it could be either: in a
    unit that is not known, and where 2.2 may be a 2.200 that lost its noughts.
    """
    if not isinstance(value, str):
        plain = figure(value)
        whole = beside in _WITHOUT_FRACTIONS and isinstance(value, Decimal) and plain is not None
        return _whole_of_json(value) if whole else plain
    written, said = _written(value)
    said = said or beside
    if written is None:
        return None
    if said in _WITHOUT_FRACTIONS:
        return _whole_money(written)
    amount = _bounded(_plain(written))
    return None if said not in _WITH_FRACTIONS and _may_group(written) else amount


def _whole_of_json(value: Decimal) -> Decimal | None:
    """A JSON number: 500.000 may be a group, written by hand, as well as a type with three decimals."""
    doubtful = _decimals(value) == _IN_A_GROUP and value == value.to_integral_value() and 0 < abs(value) < _ONE_GROUP
    return None if doubtful else _whole_money(format(value, "f"))


def _whole_money(written: str) -> Decimal | None:
    """An amount that has no fractions; None where a point may have stood between thousands, as in 2.2 or 1.234,000."""
    amount = _bounded(_plain(written, fractions=False))
    if amount is None or not (decimals := _decimals(amount)):
        return amount
    if decimals == _IN_A_GROUP and len(_SEPARATOR.findall(written.strip())) > 1:
        return None
    if abs(amount) >= _ONE_GROUP:
        return amount  # no group has four digits: 40500.00000000001 is what a type with fractions makes of a discount
    # 2.0 is what a type with fractions makes of 2.000; 2.00 are cents that are always written.
    return amount if amount == amount.to_integral_value() and (decimals > 1 or not amount) else None


def _decimals(amount: Decimal) -> int:
    exponent = amount.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _may_group(written: str) -> bool:
    """Whether a figure's only point may stand between thousands."""
    plain = written.strip().replace("٫", ".")
    return plain.count(".") == 1 and "," not in plain and _groups(plain, ".")


def _written(text: str) -> tuple[str | None, str | None]:
    """The one figure in a text, as it is written there with ASCII digits, and the unit that stands beside it."""
    return _figure_in(text) if len(text) <= 60 else (None, None)  # noqa: PLR2004 - a sentence is no amount


@lru_cache(maxsize=4096)
def _figure_in(text: str) -> tuple[str | None, str | None]:
    text = ascii_digits(text).strip()
    if text.isdigit() and text.isascii():
        return text, None
    found = _NUMBER.findall(text)
    rest = fold(_NUMBER.sub("", text)).strip(".:;,()-+/=")
    said = unit(rest) if rest else None
    multiplied = not MULTIPLES.isdisjoint(_LETTERS.findall(_NUMBER.sub(" ", text).casefold()))
    if len(found) != 1 or multiplied or (rest and said is None and not _may_be_currency(rest)):
        return None, None
    return found[0], said


def _may_be_currency(text: str) -> bool:
    """Whether what stands beside a number may be a currency unknown here: a short code or a sign, but no `k` or `%`."""
    if text.isalpha():
        return len(text) <= 3  # noqa: PLR2004 - a currency's code
    return all(unicodedata.category(c) == "Sc" for c in text)


def _plain(text: str, *, fractions: bool = True) -> Decimal | None:
    """The number in a text of unknown separators: the last of two kinds, or one before 1-2 digits, is decimal.

    Where the unit has no fractions, a dot before three digits groups thousands.
    """
    digits = text.strip().strip(".,،٫_'’٬").strip().replace("٫", ".").replace("،", ",")
    if _GROUPING.search(digits):
        digits = _GROUPING.sub("", digits) if _GROUPED.fullmatch(digits) else "?"
    last_dot, last_comma = digits.rfind("."), digits.rfind(",")
    if last_dot >= 0 and last_comma >= 0:
        thousands = "," if last_dot > last_comma else "."
        digits = digits.replace(thousands, "").replace(",", ".")
    elif last_comma >= 0:
        digits = digits.replace(",", "") if _groups(digits, ",") else _decimal_comma(digits)
    elif digits.count(".") > 1 or (last_dot >= 0 and not fractions and _groups(digits, ".")):
        digits = digits.replace(".", "") if _groups(digits, ".") else "?"
    try:
        return Decimal(digits)
    except InvalidOperation:
        return None


def _groups(digits: str, separator: str) -> bool:
    first, *rest = digits.lstrip("+-").split(separator)
    return 0 < len(first) <= 3 and first[0] != "0" and all(len(group) == 3 for group in rest)  # noqa: PLR2004 - groups of three


def _decimal_comma(digits: str) -> str:
    """A comma that groups nothing is decimal before one or two digits, and after a zero; else nobody can tell."""
    whole, _, fraction = digits.partition(",")
    return f"{whole}.{fraction}" if len(fraction) <= 2 or whole.lstrip("+-") == "0" else "?"  # noqa: PLR2004 - cents


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
    return _unit(text)


@lru_cache(maxsize=1024)
def _unit(text: str) -> str | None:
    plain = fold(text)
    parts = set(re.findall(r"[^\W\d_]+|[$₽€]", ascii_digits(text).casefold().replace("ي", "ی")))
    for code, names in _UNITS:
        if plain in names or parts.intersection(names):
            return code
    return None


def currency(value: Any) -> str | None:
    """A currency field's value: `IRR`, `IRT`, or the provider's own word; also of `[77, "IRR"]`, an id and a name."""
    if isinstance(value, list) and len(value) == 2 and isinstance(value[0], int):  # noqa: PLR2004 - a pair
        value = value[1]
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
        return _count_in_words(value)
    if isinstance(value, int):
        return (True, value) if 0 <= value < _BEYOND else (False, None)
    found = _whole(figure(value))
    return found is not None, found


def _count_in_words(text: str) -> tuple[bool, int | None]:
    """A stock as a person writes it: "+100", "۱۲ عدد", "in stock (12)", "✅ موجود", "موجود نیست"."""
    if len(text) > 60 or _NO_STOCK.search(text):  # noqa: PLR2004 - a sentence is no stock
        return False, None
    plain = ascii_digits(text).replace("\u200c", " ").translate(_ARABIC_FORMS)
    found = _NUMBER.findall(plain)
    said = set(_STOCK_WORD.findall(plain.casefold()))
    if not found:
        if said & _ENDLESS:
            return True, None
        if said & _NONE:
            return True, 0
        return bool(said) and said <= _SOME, None
    stock = _whole(_plain(found[0], fractions=False)) if len(found) == 1 and said <= _SOME | _PIECES else None
    return stock is not None, stock


def _whole(number: Decimal | None) -> int | None:
    number = _bounded(number)
    return int(number) if number is not None and number >= 0 and number == number.to_integral_value() else None


def identifier(value: Any) -> str | None:
    """An id as text: 1, 1.0 and "1" are one id; digits of any script are ASCII; None for what cannot be an id."""
    if type(value) is int and -_BEYOND < value < _BEYOND:
        return str(value)
    if isinstance(value, str):
        text = value.strip(_UNSEEN).strip()
        return ascii_digits(text) if 0 < len(text) <= _LONGEST_ID else None
    if isinstance(value, bool) or not isinstance(value, _NUMBERS):
        return None
    text = (
        str(int(value) if value == value.to_integral_value() else value) if isinstance(value, Decimal) else str(value)
    )
    return text if len(text) <= _LONGEST_ID else None


def is_none_yet(value: Any) -> bool:
    """Whether a code's value says that there is none yet: null, "", 0, "0", "null", false or "wait" (provider page)."""
    if isinstance(value, str):
        return len(value) <= _LONGEST_NONE and fold(value) in _NONE_YET
    if isinstance(value, int):
        return value == 0
    if value is None or isinstance(value, CONTAINERS):
        return not value
    return isinstance(value, Decimal) and str(value) in _NONE_YET


def integer(value: Any) -> int | None:
    """A whole number, also as text; for status codes."""
    if isinstance(value, int):
        return value if not isinstance(value, bool) and -_BEYOND < value < _BEYOND else None
    found = figure(value)
    return int(found) if found is not None and found == found.to_integral_value() else None
