"""What `-q` prints: values alone, for a script; several on one line have tabs between them."""

from __future__ import annotations

import sys
from decimal import Decimal
from typing import Any

from shomare_mqtt.cli.showing import objects, plain
from shomare_mqtt.cli.status import CommandFailedError
from shomare_mqtt.core.render import dumps

_DONE = ("cancel", "resolve")
_VALUE = {"buy": "phone", "profile": "balance", "price": "price"}
_ROWS = {"prices": "prices", "offers": "offers", "check": "sms"}
_COLUMNS = {
    "countries": ("id", "name"),
    "operators": ("id", "name"),
    "applications": ("id", "name"),
    "prices": ("application", "application_name", "price", "count"),
    "offers": ("country", "operator", "price", "count"),
    "check": ("code",),
    "orders": ("order",),
}
"""What a line holds; a row that lacks the first of them is left out."""


_GROUPED = ("application", "country", "operator", "day")
_FIGURES = ("orders", "received", "spent")
"""What a line of statistics holds behind what it is of."""


def write_bare(*values: Any) -> None:
    """One line to standard output, at once. A value that is not there is empty; numbers have all digits and no more."""
    sys.stdout.write("\t".join(map(_bare, values)) + "\n")
    sys.stdout.flush()


def _bare(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return dumps(value).decode()
    return plain(value).plain


def show_bare(what: str, data: Any) -> None:
    """Prints what was asked for of an answer's `data`, and nothing of what was merely done.

    Raises CommandFailedError where the answer does not hold it.
    """
    if what in _DONE:
        return
    if what in _VALUE and isinstance(data, dict) and data.get(_VALUE[what]) is not None:
        write_bare(data[_VALUE[what]])
    elif what == "statistics" and isinstance(data, dict):
        for group in objects(data.get("groups")):
            write_bare(*(group[key] for key in group if key in _GROUPED), *map(group.get, _FIGURES))
    elif what in _COLUMNS and isinstance(rows := data.get(_ROWS[what]) if _is_nested(what, data) else data, list):
        for row in objects(rows):
            if row.get(_COLUMNS[what][0]) is not None:
                write_bare(*map(row.get, _COLUMNS[what]))
    else:
        raise CommandFailedError("the answer does not hold what was asked for; --json prints it as it came")


def _is_nested(what: str, data: Any) -> bool:
    """Whether the rows stand in a field of the answer's `data`, and are not all of it."""
    return what in _ROWS and isinstance(data, dict)
