"""Values as people read them: money with its unit, names beside ids, times with their zone, `yes` and `no`.

Nothing that a stranger wrote can steer the terminal: what goes there passes `said` or `plain`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self

from rich.text import Text

from shomare_mqtt.core.render import money_said
from shomare_mqtt.normalization import visible

if TYPE_CHECKING:
    from collections.abc import Mapping

LISTS = {"country": "countries", "operator": "operators", "application": "applications"}
"""The parts of a product, and the retained list that has the names of each."""
_IDS = (*LISTS, "id", "order", "purchase", "phone", "transaction", "code")
_LONGEST_NUMBER = 30
"""Digits beyond which a number is no amount of anything."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the daemon's retained topics say beside an answer: the unit of money, and names by id for each field."""

    unit: str = ""
    names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def from_topics(cls, retained: Mapping[str, Any]) -> Self:
        """Of whatever came: `profile`, and the lists that were asked for."""
        profile = retained.get("profile")
        unit = profile.get("currency") if isinstance(profile, dict) else None
        names = {
            part: {
                readable_id(each.get("id")): name for each in objects(retained.get(topic)) if (name := _name_of(each))
            }
            for part, topic in LISTS.items()
        }
        return cls(unit if isinstance(unit, str) else "", names)

    @staticmethod
    def topics(command: str) -> list[str]:
        """The retained topics that help to show a command's answer; the lists are long, and few answers need them."""
        what = command.split("/")[1] if command.startswith("query/") else command
        return ["profile", *(LISTS.values() if what in ("price", "prices", "check", "orders") else ())]


def _name_of(entry: Mapping[str, Any]) -> str:
    name = entry.get("name")
    return name if isinstance(name, str) else ""


NOTHING = Known()


def plain(value: Any) -> Text:
    """A value as text for the terminal: control characters made visible, since SMS and names are others' words."""
    return Text(said(value))


def said(value: Any) -> str:
    """A value in words, with control characters made visible."""
    return visible(readable(value))


def readable(value: Any) -> str:
    """A value in words, as strangers wrote them."""
    try:
        match value:
            case list():
                return ", ".join(map(_inner, value))
            case dict():
                return _fields(value)
        return _inner(value, _amount)
    except RecursionError:
        return "…"


def _fields(value: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}: {_inner(each, str if is_id(key) else _amount)}" for key, each in value.items())


def is_id(key: str) -> bool:
    """Whether a field holds an id: a number there is no amount."""
    return key in _IDS or key.endswith("_id")


def _inner(value: Any, number: Any = str) -> str:
    """A value within another: `[a, b]`, `{key: value}`, `yes`, `no`, and `–` for nothing."""
    match value:
        case None | True | False:
            return {None: "–", True: "yes", False: "no"}[value]
        case str():
            return value
        case list():
            return f"[{', '.join(map(_inner, value))}]"
        case dict():
            return f"{{{_fields(value)}}}"
    return str(number(value))


def _amount(value: float | Decimal) -> str:
    """A number with its thousands apart; 1e999999 in full would have a million zeros."""
    small = not isinstance(value, Decimal) or abs(value.adjusted()) <= _LONGEST_NUMBER
    return f"{value:,}" if small else str(value)


def money(value: Any, unit: str) -> str:
    """An amount with its unit, where both are known."""
    is_number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    return money_said(value, unit) if is_number and unit else readable(value)


def moment_of(value: Any) -> datetime | None:
    """A time of the contract in this machine's zone; None where it is none."""
    try:
        return datetime.fromisoformat(value).astimezone()
    except (TypeError, ValueError, OverflowError):
        return None


def local_time(value: Any) -> str:
    """A time of the contract in this machine's zone, which it names; the text itself where it is none."""
    moment = moment_of(value)
    return readable(value) if moment is None else f"{moment:%Y-%m-%d %H:%M:%S %Z}"


def named(row: Mapping[str, Any], part: str, known: Known = NOTHING) -> str:
    """A product's part: its name, and the id in brackets."""
    name, identity = name_beside(row, part, known), readable_id(row.get(part))
    return f"{name} ({identity})" if name and name != identity else identity


def name_beside(row: Mapping[str, Any], part: str, known: Known) -> str:
    """The name that stands beside an id, or in the list of its kind; nothing where neither has one."""
    own = row.get(f"{part}_name")
    return readable(own) if own else known.names.get(part, {}).get(readable_id(row.get(part)), "")


def readable_id(value: Any) -> str:
    """An id is no amount, whatever type it came in."""
    return str(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else readable(value)


def objects(value: Any) -> list[Mapping[str, Any]]:
    """The objects in what should be a list of them: nobody knows what sent it."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def reason(error: Any) -> Any:
    """The sentence of an `error`, whatever else came in its place."""
    return error.get("message") if isinstance(error, dict) else error
