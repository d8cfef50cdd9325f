"""Moments and lifetimes as the provider writes them: seconds, clocks, timestamps, ISO and Jalali dates."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from shomare_mqtt.normalization import ascii_digits
from shomare_mqtt.provider.reading.finglish import in_english
from shomare_mqtt.provider.reading.names import Field, alias, words, wordset
from shomare_mqtt.provider.reading.values import figure, is_none_yet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shomare_mqtt.provider.reading.decode import Context

LONGEST = 30 * 86400.0
"""A number that lives longer than 30 days is not what this provider sells: the value means something else."""

MOMENT = Field(
    alias(
        w100="expiresat expiredat expireat expirationdate expirationtime expirytime expirydate expiresdate "
        "expiretime "
        "expiredate endsat endat endtime activationendtime enddate finishat finishdate validuntil "
        "deadline datedeadline deadlinedate expireson dateexpires dateexpire expirydatetime expirationdatetime "
        "validto validthrough validityenddatetime validityenddate validityend تاریخانقضا زمانانقضا",
        w90="expires expiration expire expiry expired exp until end endtimestamp enddatetime انقضا",
    )
)
"""Names of the moment at which a number dies; a number too small for a timestamp is then taken as seconds left."""

SPAN = Field(
    alias(
        w100="expiresin expirein orderexpirein expiresinseconds expirationin timeleft lefttime secondsleft "
        "secondsremaining remainingseconds remainingtime timeremaining remaining remain left ttl countdown "
        "timetolive secondstoexpire expireafter expiresafter timer زمانباقیمانده",
        w80="lifetime lifespan life duration validity validfor activefor minutes seconds timeout expiresinminutes "
        "lifetimeminutes minutesleft remainingminutes",
        w55="remains",
        w50="time zaman زمان مهلت",
    ),
    parts=alias(
        w70="expires expire expiry expiration remaining ttl lifetime lifespan duration countdown left باقیمانده"
    ),
    spoilers=wordset(
        "is has can auto refund cancel created updated at date sms balance credit count stock attempt attempts try "
        "tries retry retries number numbers request requests quota limit token session cache code price cost money url "
        "موجودی اعتبار کیف"
    ),
)
"""Names of how long a number lives, or has left."""

TOTAL = wordset(
    "lifetime lifespan life duration validity validfor activefor minutes seconds time lifetimeminutes timeout "
    "durationmin durationminutes durationsec durationseconds"
)
"""Names that may tell the whole life and not what is left of it: in a `check` they say nothing by themselves."""

CREATED = Field(
    alias(w100="createdat created creationtime createtime orderedat purchasedat startedat activationtime startat")
)

_OF_ODATA = re.compile(r"/Date\((\d{9,15})(?:[+-]\d{4})?\)/")
"""A moment in milliseconds as OData 2 writes it in JSON (odata.org, JSON Format 2.0, Edm.DateTime)."""
_CLOCK = re.compile(r"(?:(\d{1,3}):)?(\d{1,2}):(\d{2})(?:[.,]\d+)?")
_DATE = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
_ZONE = re.compile(r"(?:Z|[+-]\d{2}:?\d{2})$", re.IGNORECASE)
_SPAN_UNITS = (
    (86400, re.compile(r"d\Z|day|روز|дн|天", re.IGNORECASE)),
    (3600, re.compile(r"h\Z|hour|hr|ساعت|час|小时", re.IGNORECASE)),
    (60, re.compile(r"m\Z|min|دقیقه|دقيقه|мин|分", re.IGNORECASE)),
    (1, re.compile(r"s\Z|sec|ثانیه|ثانيه|сек|秒", re.IGNORECASE)),
)
_COUNTED = re.compile(r"(\d+(?:\.\d+)?)\s*([^\W\d]+)")
LONGEST_TIME = 100
"""Characters of a text that may be a time; to look for one in more takes ever longer."""
_ROUND = 300.0
_OF_A_DATE = ("date", "timestamp", "seconds", "iso", "$date")
"""Names of the moment inside an object that is one: of PHP, of Parse (`{"__type": "Date"}`), of MongoDB."""
_LONGEST_CLOCK = 3 * 3600.0
_USUAL = 3600.0
"""Numbers live 10 to 20 minutes (provider page): a clock that makes more than this of a life may be a wrong one."""
_LATE = 600.0
"""Seconds ago at which a life may have ended; what lies further back is another zone's, and says nothing."""
_LEAST = 60.0
"""Nobody sells a number that lives less than a minute: what says so says something else."""
_MILLISECONDS, _SECONDS = 100_000_000_000, 1_000_000_000


def moment(value: Any, zone: ZoneInfo) -> datetime | None:
    """A point in time in UTC: timestamp (seconds or milliseconds), ISO text, Jalali text; naive ones are the zone's."""
    number = None if isinstance(value, bool) else figure(value)
    if number is not None and number >= _SECONDS:
        return _from_timestamp(number)
    if not isinstance(value, str) or len(value) > LONGEST_TIME:
        return None
    text = ascii_digits(value).strip()
    if (epoch := _OF_ODATA.fullmatch(text)) is not None:
        return _from_timestamp(Decimal(epoch[1]) / 1000)
    found = _DATE.search(text)
    return _from_text(text, found, zone) if found is not None else _from_mail(text)


def _from_timestamp(number: Decimal) -> datetime | None:
    seconds = number / 1000 if number >= _MILLISECONDS else number
    try:
        return datetime.fromtimestamp(float(seconds), UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _from_mail(text: str) -> datetime | None:
    """A moment as mails and HTTP's headers write it: "Wed, 25 Nov 2026 09:20:00 GMT"."""
    try:
        found = parsedate_to_datetime(text)
        return found.astimezone(UTC) if found.tzinfo is not None else None
    except (ValueError, OverflowError):  # OverflowError: a year of eleven digits, or beyond 9999 in UTC
        return None


def _from_text(text: str, found: re.Match[str], zone: ZoneInfo) -> datetime | None:
    year, month, day = (int(g) for g in found.groups())
    rest = text[found.end() :].strip(" T\t")
    clock = _CLOCK.search(rest) or _CLOCK.search(text[: found.start()])
    hours, minutes, seconds = _clock_parts(clock)
    try:
        if 1200 <= year <= 1600:  # noqa: PLR2004 - a year of the Jalali calendar
            year, month, day = gregorian(year, month, day)
        local = datetime(year, month, day, hours, minutes, seconds, tzinfo=_zone_of(rest, zone))
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _clock_parts(clock: re.Match[str] | None) -> tuple[int, int, int]:
    """Hours, minutes, seconds of a time of day, in which a lone `12:30` is hours and minutes."""
    if clock is None:
        return 0, 0, 0
    first, second, third = clock.groups()
    return (int(second), int(third), 0) if first is None else (int(first), int(second), int(third))


def _zone_of(rest: str, zone: ZoneInfo) -> Any:
    named = _ZONE.search(rest)
    if named is None or ":" not in rest[: named.start()]:
        return zone
    offset = named.group().upper().replace(":", "")
    if offset == "Z":
        return UTC
    sign = -1 if offset[0] == "-" else 1
    return _fixed(sign * (int(offset[1:3]) * 60 + int(offset[3:5])))


def _fixed(minutes: int) -> Any:
    from datetime import timezone  # noqa: PLC0415 - only this function needs the class whose name clashes with fields

    return timezone(timedelta(minutes=minutes))


def gregorian(year: int, month: int, day: int) -> tuple[int, int, int]:
    """A date of the Jalali (Persian solar) calendar as a Gregorian one; raises ValueError for what is no date."""
    if not (1 <= month <= 12 and 1 <= day <= (31 if month <= 6 else 30)):  # noqa: PLR2004 - lengths of the months
        raise ValueError("no date of the Jalali calendar")
    shifted = year + 1595
    days = -355668 + 365 * shifted + shifted // 33 * 8 + (shifted % 33 + 3) // 4 + day
    days += (month - 1) * 31 if month < 7 else (month - 7) * 30 + 186  # noqa: PLR2004 - six months of 31 days
    date = datetime(1, 1, 1, tzinfo=UTC) + timedelta(days=days - 366)
    return date.year, date.month, date.day


def span(name: str, value: Any, *, guess_minutes: bool) -> float | None:
    """A duration in seconds: a number, "00:20:00", "20 minutes"; minutes where the name says so."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, str):
        text = ascii_digits(value).strip()
        clock = _CLOCK.fullmatch(text)
        if clock is not None:
            return _clock_seconds(clock)
        if _DATE.search(text):
            return None
        counted = [(float(digits), _unit_scale(unit)) for digits, unit in _COUNTED.findall(text)]
        if counted and all(scale for _, scale in counted):
            return sum(number * scale for number, scale in counted)
    number = figure(value)
    return None if number is None else float(number) * _scale(name, number, guess_minutes=guess_minutes)


def _unit_scale(unit: str) -> int:
    """How many seconds a unit has; 0 for what is no unit of time."""
    return next((scale for scale, pattern in _SPAN_UNITS if pattern.match(unit)), 0)


def _clock_seconds(clock: re.Match[str]) -> float:
    hours, minutes, seconds = (int(g or 0) for g in clock.groups())
    return float(hours * 3600 + minutes * 60 + seconds)


def _scale(name: str, number: Decimal, *, guess_minutes: bool) -> float:
    said = set(words(name))
    if said.intersection(("ms", "millis", "milliseconds", "msec")):
        return 0.001
    if said.intersection(("minute", "minutes", "min", "mins")):
        return 60
    if said.intersection(("hour", "hours")):
        return 3600
    if said.intersection(("second", "seconds", "sec")):
        return 1
    return 60 if guess_minutes and 0 < number < _LEAST else 1  # a new number's bare "20" is minutes


class Life(NamedTuple):
    """What is left of a number's life in seconds, the name of the field that told, and whether one was not understood.

    `told_by` is None where nothing told, or several together did.
    """

    left: float | None
    is_unread: bool
    told_by: str | None = None


def lifetime(fields: Mapping[str, Any], context: Context, *, fresh: bool) -> Life:
    """Seconds that the number of these fields lives from now, and whether a field was there that nobody understood.

    `fresh`: the number was bought just now, so a whole life is what is left.
    """
    unread = False
    own_names = {
        "_".join(in_english(words(name))) or name: name
        for name, value in fields.items()
        if not isinstance(value, str) or len(value) <= LONGEST_TIME
    }
    fields = {name: fields[own] for name, own in own_names.items()}
    candidates = sorted(fields.items(), key=lambda f: -names_a_life(f[0]))
    for name, value in candidates:
        if value in (None, "") or isinstance(value, bool) or not names_a_life(name):
            continue
        if _is_flag(name, value) or _is_time_of_day(name, value, fields):
            continue
        left = _left(name, value, fields, context, fresh=fresh)
        if left is not None and 0 <= left <= LONGEST and not (fresh and left == 0):
            return Life(left, is_unread=False, told_by=own_names[name])
        unread = unread or names_a_life(name) > 50  # noqa: PLR2004 - `time` is a weak name
    left = _apart(fields, context)
    return Life(left, unread and left is None)


def names_a_life(name: str) -> int:
    """How strongly a name speaks for the end of a number's life, or for what is left of it."""
    return max(MOMENT.weight(name), SPAN.weight(name))


def left_by_hand(name: str, value: Any, fields: Mapping[str, Any], context: Context, *, fresh: bool) -> float | None:
    """What is left of a life by the field that is set for it: its value tells how, its name at most the unit."""
    if is_none_yet(value) or (isinstance(value, str) and len(value) > LONGEST_TIME):
        return None
    at = None if names_a_life(name) else _at_clock("expires", value, context)
    left = _left(name, value, fields, context, fresh=fresh) if at is None else _until(at, fields, context, fresh=fresh)
    return left if left is not None and 0 < left <= LONGEST else None


def _is_flag(name: str, value: Any) -> bool:
    """Whether it says only that the number's life is over, or not: `"expired": 0`."""
    return words(name)[-1:] in (("expired",), ("end",)) and str(value) in ("0", "1")


def _is_time_of_day(name: str, value: Any, fields: Mapping[str, Any]) -> bool:
    """Whether a bare `time` is a clock's: a day stands beside it, or no number lives so long."""
    clock = _CLOCK.fullmatch(ascii_digits(value).strip()) if isinstance(value, str) else None
    if clock is None or words(name) not in (("time",), ("clock",), ("hour",)):
        return False
    return any(words(n) in (("date",), ("day",)) for n in fields) or _clock_seconds(clock) > _LONGEST_CLOCK


def _left(name: str, value: Any, fields: Mapping[str, Any], context: Context, *, fresh: bool) -> float | None:
    zone = context.timezone
    if isinstance(value, dict):
        zone = _named_zone(value.get("timezone"), zone)
        value = next((value[name] for name in _OF_A_DATE if name in value), None)
    at = moment(_with_day(name, value, fields), zone) or _at_clock(name, value, context)
    if at is not None:
        return _until(at, fields, context, fresh=fresh)
    whole = "".join(words(name)) in TOTAL
    length = span(name, value, guess_minutes=fresh or (whole and words(name) != ("time",)))
    if fresh and length is not None and length < _LEAST:
        return None
    if length is None or fresh or not whole:
        return length
    return _from_creation(length, fields, context, counts_down=words(name) == ("time",))


def _until(at: datetime, fields: Mapping[str, Any], context: Context, *, fresh: bool) -> float:
    """Seconds until a moment, between times of the provider's own (contract, Answers).

    Its clock is what the answer's `Date` says, or counted on from the moment at which it says that the number was
    bought. A new number's life is the shorter of both: a `Date` may be a cache's. This machine's clock is asked only
    where the provider tells no time, or one that makes a number of it that nobody sells.
    """
    born = _clock_since_birth(fields, context, fresh=fresh)
    own = (at - context.now).total_seconds()
    told = [(at - clock).total_seconds() for clock in (context.date, born) if clock is not None]
    if not fresh and told:
        return 0.0 if -_LATE <= told[0] < 0 else _believed(told[0], own)
    lives = [left for left in told if 0 < left <= LONGEST]
    return _believed(min(lives), own) if lives else own


def _believed(left: float, own: float) -> float:
    """What is left by the provider's clock, unless that is much and this machine's clock makes a usual life of it."""
    return own if left > _USUAL and 0 < own <= _USUAL else left


def _clock_since_birth(fields: Mapping[str, Any], context: Context, *, fresh: bool) -> datetime | None:
    """The provider's clock, counted on from the moment at which it says that the number was bought."""
    age = 0.0 if fresh else context.known.age
    created = _created(fields, context)
    return None if age is None or created is None else created + timedelta(seconds=age)


def _created(fields: Mapping[str, Any], context: Context) -> datetime | None:
    return next((m for n, v in fields.items() if CREATED.weight(n) and (m := moment(v, context.timezone))), None)


def _at_clock(name: str, value: Any, context: Context) -> datetime | None:
    """The next moment at which clocks show this, where the name is a moment's and no number lives so long."""
    clock = _CLOCK.fullmatch(ascii_digits(value).strip()) if MOMENT.weight(name) and isinstance(value, str) else None
    if clock is None or _clock_seconds(clock) <= _LONGEST_CLOCK:
        return None
    now = context.date or context.now
    local = now.astimezone(context.timezone)
    since_midnight = timedelta(hours=local.hour, minutes=local.minute, seconds=local.second)
    return now + (timedelta(seconds=_clock_seconds(clock)) - since_midnight) % timedelta(days=1)


def _named_zone(name: Any, otherwise: ZoneInfo) -> Any:
    """The zone that stands beside a date, as PHP writes it: "UTC", "Asia/Tehran", "+03:30"."""
    if not isinstance(name, str):
        return otherwise
    try:
        return _zone_of(f"00:00{name}", otherwise) if name[:1] in ("+", "-") else ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return otherwise


def _from_creation(length: float, fields: Mapping[str, Any], context: Context, *, counts_down: bool) -> float | None:
    """What is left of a whole life, counted from the moment the number was bought, where that is named."""
    created = _created(fields, context)
    if created is None:
        # `time` is what is left with some sisters, and the whole life as "00:20:00" with others: a round one is a life.
        return length if counts_down and length % _ROUND else None
    if context.date is None and context.known.age is not None:
        return max(0.0, length - context.known.age)
    return max(0.0, length - ((context.date or context.now) - created).total_seconds())


def _with_day(name: str, value: Any, fields: Mapping[str, Any]) -> Any:
    """A time of day together with the day that a field of the same stem names (`expire_date` and `expire_time`)."""
    if not isinstance(value, str):
        return value
    text = ascii_digits(value).strip()
    stem = [w for w in words(name) if w not in ("time", "date", "at", "day", "hour", "clock")]
    if not stem:
        return value
    missing = _DATE if _CLOCK.fullmatch(text) else _CLOCK if _DATE.fullmatch(text) else None
    if missing is None:
        return value
    for other, given in fields.items():
        if other != name and isinstance(given, str) and set(stem).intersection(words(other)):
            more = ascii_digits(given).strip()
            if missing.fullmatch(more):
                return f"{more} {text}" if missing is _DATE else f"{text} {more}"
    return value


def _apart(fields: Mapping[str, Any], context: Context) -> float | None:
    """A lone `date` beside a lone `time`: the end of the number only where they lie ahead."""
    days = [v for n, v in fields.items() if words(n) in (("date",), ("day",)) and isinstance(v, str)]
    clocks = [v for n, v in fields.items() if words(n) in (("time",), ("clock",), ("hour",)) and isinstance(v, str)]
    if len(days) != 1 or len(clocks) != 1:
        return None
    at = moment(f"{days[0]} {clocks[0]}", context.timezone)
    left = None if at is None else (at - (context.date or context.now)).total_seconds()
    return left if left is not None and 0 < left <= LONGEST else None
