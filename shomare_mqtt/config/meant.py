"""What was probably meant by a value that cannot be: a number with its unit, a word nearly right, a zone's city.

Only numbers and words of our own are told: the value itself may be a secret that came into the wrong key.
"""

from __future__ import annotations

import re
from difflib import get_close_matches

from shomare_mqtt.normalization import ascii_digits, fold

_NUMBER = re.compile(r"([+-]?)(\d{1,3}(?:[,٬_'’ ]\d{3})+|\d+)([.٫]\d+|,\d{1,2})?")
_WITH_UNIT = re.compile(rf"({_NUMBER.pattern})\s*([^\W\d_]*\.?)")
_SECONDS_IN = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3600),
    **dict.fromkeys(("d", "day", "days"), 86400),
}
_TABLES_OF_TIMES = ("orders.", "refresh.")
_TIMES = ("provider.timeout", "limits.double_press", "mqtt.keepalive", "mqtt.session_expiry")
_TRUE, _FALSE = ("true", "yes", "on"), ("false", "no", "off")
_OTHER_WORDS = {
    "warn": "warning",
    "err": "error",
    "critical": "error",
    "fatal": "error",
    "trace": "debug",
    "verbose": "debug",
    "ws": "websockets",
    "wss": "websockets",
    "mqtt": "tcp",
    "mqtts": "tcp",
    "socket": "unix",
    "plain": "text",
    "4": "3.1.1",
    "3": "3.1.1",
    "3.1": "3.1.1",
    "3.11": "3.1.1",
    "311": "3.1.1",
    "5.0": "5",
    "v5": "5",
    "mqttv5": "5",
}
_HOW_NEAR = 0.6


def number_for(key: str, text: str) -> str | None:
    """What to write for the number in a text such as `5,000`, `20 Toman` or `5m`; None where it is none."""
    found = _WITH_UNIT.fullmatch(ascii_digits(text.strip()))
    if found is None:
        return None
    sign, whole, rest = found[2].replace("+", ""), re.sub(r"\D", "", found[3]), re.sub("[٫,]", ".", found[4] or "")
    number = f"{sign}{int(whole)}{rest}"
    unit = found[5].casefold().removesuffix(".")
    if not key.startswith(_TABLES_OF_TIMES) and key not in _TIMES:
        # Whether 5m is five or five millions is for the owner of the money to say.
        return None if unit in ("k", "m") else number
    seconds = _SECONDS_IN.get(unit or "s")
    return None if seconds is None else f"{float(number) * seconds:g}" if seconds > 1 else number


def is_time(key: str) -> bool:
    """Whether a key holds seconds."""
    return key.startswith(_TABLES_OF_TIMES) or key in _TIMES


def unquoted(key: str, text: str) -> str:
    """What is to be said of a text where a number or a switch belongs."""
    if switch := switch_for(text):
        return f"must not be in quotes: write {switch}"
    number = number_for(key, text)
    if number is None:
        return "must not be in quotes" + (", and is a number of seconds" if is_time(key) else "")
    return f"must not be in quotes{_and_alone(key, text)}: write {number}"


def no_number(key: str, text: str) -> str:
    """What is to be said of a text in the environment that is no number."""
    number = number_for(key, text)
    written = "" if number is None else f": write {number}"
    return f"must be a number{' of seconds' if is_time(key) else ''}, without a unit or a separator{written}"


def _and_alone(key: str, text: str) -> str:
    if any(letter.isalpha() for letter in text):
        return ", and has no unit" + (" (it is a number of seconds)" if is_time(key) else "")
    return ", and has no separators" if re.search(r"\d[^\d.]\d", text) else ""


def switch_for(text: str) -> str | None:
    """`true` or `false`, where a text is a word for it."""
    word = text.strip().casefold()
    return "true" if word in _TRUE else "false" if word in _FALSE else None


def word_for(value: object, words: list[str]) -> str | None:
    """Which of some words was meant by a value."""
    text = str(value).strip().casefold()
    if _OTHER_WORDS.get(text) in words:
        return _OTHER_WORDS[text]
    return next(iter(get_close_matches(text, words, 1, _HOW_NEAR)), None)


def zones_for(value: str) -> list[str]:
    """The names of time zones that are nearest to a text: by the city alone, in any letter case, nearly right."""
    from zoneinfo import available_timezones  # noqa: PLC0415 - it reads a folder of 600 names

    zones = sorted(available_timezones())
    wanted = fold(value.replace("_", " "))
    whole = {fold(zone.replace("_", " ")): zone for zone in zones}
    if wanted in whole:
        return [whole[wanted]]
    cities: dict[str, list[str]] = {}
    for zone in zones:
        if "/" in zone and not zone.startswith(("Etc/", "posix/", "right/")):
            cities.setdefault(fold(zone.rsplit("/", 1)[1].replace("_", " ")), []).append(zone)
    city = fold(value.replace("_", " ").rsplit("/", 1)[-1])
    near = [city] if city in cities else get_close_matches(city, cities, 2, 0.8)
    return [zone for each in near for zone in cities[each]][:3]
