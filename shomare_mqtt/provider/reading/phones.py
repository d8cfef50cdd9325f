"""Phone numbers: digits that make one, and the dialling code that may stand apart from them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from shomare_mqtt.normalization import ascii_digits, fold
from shomare_mqtt.provider.reading.names import Field, alias, glued, wordset
from shomare_mqtt.provider.reading.values import identifier

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from shomare_mqtt.model import CatalogEntry, Known

PHONE = Field(
    alias(
        w100="phonenumber phone mobilenumber phonenum fullnumber fullphone msisdn virtualnumber phonenumberfull e164",
        w90="number mobile tel telephone cellphone orderednumber simnumber numberphone cell phoneno num mdn شماره "
        "shomare shomareh موبایل",
        w80="receptor recipient receiver recipientnumber receptornumber subscriber",
        w60="sim line did",
    ),
    parts=alias(w70="phone msisdn mobile tel شماره shomare", w50="number"),
    spoilers=wordset("id code prefix country count type area operator order forwarding forward status page total user"),
)
DIAL = Field(
    alias(
        w100="areacode dialcode dialingcode diallingcode callingcode phonecode phoneprefix countrydialcode telcode "
        "countrycallingcode prefixcode countryprefix numberprefix",
        w80="prefix cc countrycode area پیششماره",
        w30="code",
    ),
    parts=alias(w60="prefix dial dialing calling"),
)
_SPACERS = re.compile(r"(?<=\d)\s?\(0\)|[\s().\-\u00a0\u2010-\u2015\u200b-\u200f\u202a-\u202e\u2066-\u2069]")
"""What is written between digits: also the 0 of "+44 (0)79", and marks of writing from the right."""
_NATIONAL = {
    **dict.fromkeys(("1", "7", "44", "90", "91", "92", "98", "977"), (10, 10)),
    **dict.fromkeys(("66", "233", "992", "994", "996", "998"), (9, 9)),
    **dict.fromkeys(("45", "47", "65"), (8, 8)),
    "39": (9, 11),
    "55": (10, 11),
    "84": (9, 10),
    "86": (11, 11),
    "95": (8, 10),
}
"""How long national numbers are, at least and at most, where they may begin with their own country's dialling code."""
_SURE = 100
SHORTEST, LONGEST, INTERNATIONAL = 7, 15, 11
_LEAST_NATIONAL = 9


def digits_of_phone(value: Any) -> str | None:
    """A phone number's digits, with `+` where it was there (or `00`); None for what is no phone number."""
    text = identifier(value)
    if text is None:
        return None
    plain = _SPACERS.sub("", ascii_digits(text).removeprefix("tel:"))
    if plain.startswith("00"):
        plain = "+" + plain[2:]
    bare = plain.removeprefix("+")
    return plain if bare.isascii() and bare.isdigit() and SHORTEST <= len(bare) <= LONGEST else None


def dial_code(value: Any) -> str | None:
    """A dialling code's digits: 7, "+7", "007"; None for anything else (a country's ISO code, say)."""
    if isinstance(value, dict) and len(value) == 1:
        value = next(iter(value))
    text = identifier(value)
    if text is None:
        return None
    plain = _SPACERS.sub("", text)
    bare = plain.removeprefix("+").removeprefix("00")
    return bare if bare.isascii() and bare.isdigit() and 1 <= len(bare) <= 4 and bare != "0" else None  # noqa: PLR2004


def international(phone: str, code: str | None) -> str:
    """The number with `+` and dialling code, where that is known; the code is not doubled where it is there already."""
    if phone.startswith("+"):
        return phone
    whole = len(phone) >= INTERNATIONAL and not phone.startswith("0")
    if code is None:
        return "+" + phone if whole else phone
    if phone.startswith(code) and _has_code(phone, code):
        return "+" + phone
    national = _national(phone, code)
    if whole and len(national) > _NATIONAL.get(code, (SHORTEST, LONGEST))[1]:
        return "+" + phone  # too long for the country that was asked for: another one's, with its code
    return "+" + code + national if len(code + national) <= LONGEST else phone


def _national(phone: str, code: str) -> str:
    """The number without what is dialled before it inside its own country: 0, and 8 in Russia and Kazakhstan."""
    if code == "7" and phone.startswith("8") and len(phone) == 1 + _NATIONAL[code][1]:
        return phone[1:]
    return phone.lstrip("0")


def _has_code(phone: str, code: str) -> bool:
    rest = len(phone) - len(code)
    return rest >= _NATIONAL.get(code, (SHORTEST - 1, LONGEST))[0]


def is_international(value: Any, code: str | None) -> bool:
    """Whether a value can hardly be anything but a number with its dialling code; `code`: the one that is expected.

    Eleven digits and more without a `+` may be a time in milliseconds or an id as well, where no code is expected.
    """
    digits = digits_of_phone(value)
    if digits is None or len(digits.lstrip("+")) < _LEAST_NATIONAL:
        return False
    if digits.startswith("+"):
        return True
    return code is not None and len(digits) >= INTERNATIONAL and digits.startswith(code) and _has_code(digits, code)


def phone_of(fields: Iterable[tuple[str, Any, int]], codes: Iterable[tuple[str, Any]], known: Known) -> str | None:
    """The phone number among named values (name, value, bonus), with these fields' or the country's dialling code."""
    listed = country_code(known)
    code = _code_of((name, value) for name, value in codes if _may_dial(name, value, known, listed)) or listed
    votes = [
        (weight + bonus + _fits(digits.lstrip("+"), code, known), digits)
        for name, value, bonus in fields
        if (weight := PHONE.weight(name)) and (digits := digits_of_phone(value))
    ]
    if not votes:
        return None
    # Among equals the longest: one sister gives the number with its code and without it.
    best = max(votes, key=lambda v: (v[0] // 20, len(v[1].lstrip("+0")), v[0]))
    return _whole(best[1], known.phone) or international(best[1], code)


def _whole(digits: str, phone: str | None) -> str | None:
    """The number that is known already, where these digits are it without its dialling code."""
    national = digits.lstrip("+0")
    known = phone is not None and phone.startswith("+") and len(national) >= _LEAST_NATIONAL
    return phone if known and phone is not None and phone.endswith(national) else None


def _may_dial(name: str, value: Any, known: Known, listed: str | None) -> bool:
    """Whether what a field says may be the dialling code, beside the one that the list gives for the country.

    A `countryCode` may be the id that was asked for (187 is no dialling code), a `prefix` that of the operator.
    """
    if glued(name) == "countrycode" and identifier(value) == known.country:
        return False
    sure = DIAL.weight(name) == _SURE or str(value).startswith(("+", "00"))
    return sure or listed is None or dial_code(value) == listed


def _fits(digits: str, code: str | None, known: Known) -> int:
    """What speaks for digits: they are the number that is known, or begin as numbers of the country asked for do."""
    same = known.phone is not None and known.phone.lstrip("+").endswith(digits[-9:])
    whole = code is not None and digits.startswith(code) and _has_code(digits, code)
    return 50 * same + 20 * whole


def _code_of(fields: Iterable[tuple[str, Any]]) -> str | None:
    votes = [(w, c) for name, value in fields if (w := DIAL.weight(name)) > 50 and (c := dial_code(value))]  # noqa: PLR2004
    return max(votes, key=lambda v: v[0])[1] if votes else None


def country_code(known: Known) -> str | None:
    """The dialling code of the country asked for, from the provider's own list."""
    entry = next((e for e in known.countries if known.country in (e.id, e.name)), None)
    if entry is None and known.country is not None:
        wanted = fold(known.country)
        entry = next((e for e in known.countries if wanted in map(fold, e.names)), None)
    return None if entry is None else _entry_code(entry)


def _entry_code(entry: CatalogEntry) -> str | None:
    extra: Mapping[str, Any] = entry.extra
    found = _code_of(extra.items())
    if found is None:
        # A country's `code` is its dialling code only where it is written like one.
        found = next((dial_code(v) for n, v in extra.items() if DIAL.weight(n) and str(v).startswith("+")), None)
    return found
