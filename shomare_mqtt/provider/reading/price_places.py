"""Where a price list's rows lie, and where in a row its application, its price and its stock were read."""

from __future__ import annotations

from collections.abc import Mapping
from operator import is_
from typing import TYPE_CHECKING, Any, NamedTuple

from shomare_mqtt.model import Found, Sureness
from shomare_mqtt.provider.reading.amounts import amounts, best_first, stocks
from shomare_mqtt.provider.reading.columns import KEY
from shomare_mqtt.provider.reading.found import MOST_OTHERS, missing
from shomare_mqtt.provider.reading.places import Spots, notation, place_of_object, shown, shown_name, value_at
from shomare_mqtt.provider.reading.rows import Row, Vote
from shomare_mqtt.provider.reading.shapes import MOST_FIELDS, Leaf, is_flat, keyed, leaves
from shomare_mqtt.provider.reading.values import is_figure, is_scalar

if TYPE_CHECKING:
    from shomare_mqtt.provider.reading.columns import Column, Columns

SHOWN = 3
"""So many rows show where the fields of all of them are."""

_WHOLE = notation(())

Shown = Mapping[str, Row]
"""Some rows, by their application."""


def places_of_prices(answer: Any, shown: Shown, columns: Columns, unit: str | None) -> tuple[Found, ...]:
    """Where the list is and, within a row, its fields."""
    hand, rows = columns.by_hand, list(shown.values())
    # A row that was made of a table's name and number is none that the answer shows.
    there = {app: row for app, row in shown.items() if place_of_object(answer, hand.came(row)) is not None}
    told = [_of_a_row(app, row, columns, unit) for app, row in there.items()]
    found = [hand.found("", is_there=True) or _of_list(answer, columns, rows)]
    for at, what in enumerate(("application", "price", "count")):
        seen = (each[at] for each in told if each[at].sureness is not Sureness.MISSING)
        best = next((Found(f"prices.{what}", *each) for each in seen), None)
        is_there = hand.sets(what) and (not rows or any(_has(what, row, columns) for row in rows))
        set_by_hand = hand.found(what, is_there=is_there)
        table = rows and not told
        none = Found(f"prices.{what}", None, Sureness.SURE, why="a table") if table else missing(f"prices.{what}")
        found.append(set_by_hand or best or none)
    return tuple(found)


def _has(what: str, row: Row, columns: Columns) -> bool:
    """Whether a row has what is set by hand."""
    hand = columns.by_hand
    if what == "application":
        return hand.application(row) is not None
    return hand.price(row) is not None if what == "price" else hand.count(row)[0]


def places_of_price(answer: Any, rows: Shown, columns: Columns, unit: str | None) -> tuple[Found, ...]:
    """Where one product's price and stock were read in the whole answer."""
    ((application, row),) = rows.items()
    inside = place_of_object(answer, columns.by_hand.came(row))
    before = shown(inside) if inside != () else ""
    price, count = _of_a_row(application, row, columns, unit)[1:]
    return _within(before, "price.price", price), _within(before, "price.count", count)


def _within(before: str | None, field: str, told: _Told) -> Found:
    """The same with places that begin at the answer and not at the row.

    `before`: where the row lies, empty for the whole answer; None where nobody can say.
    """
    if told.place is None or before is None:
        return Found(field, None, told.sureness, (), told.why)
    if not before:
        return Found(field, told.place, told.sureness, told.others, told.why)
    others = tuple([_below(before, place) for place in told.others])
    return Found(field, _below(before, told.place), told.sureness, others, told.why)


def _below(before: str, place: str) -> str:
    return before if place == _WHOLE else f"{before}.{place}"


def _of_list(answer: Any, columns: Columns, rows: list[Row]) -> Found:
    """Where the rows lie, where they lie in one list or one object that tells their applications."""
    if not rows:
        return missing("prices")
    came = columns.by_hand.came(rows[0])
    inside = place_of_object(answer, came) if _lie_together(columns.rows[0], columns.rows[-1]) else None
    place = None if inside is None else inside[:-1]
    told = columns.told_by(rows[0])
    if place is None or (told and told[0][0][0]):
        return Found("prices", None, Sureness.DOUBTFUL, why="no one list holds the rows and all that is said of them")
    holder = value_at(answer, place)
    if isinstance(came, list) or (isinstance(holder, dict) and not keyed(holder)):
        return Found("prices", None, Sureness.DOUBTFUL, why="one row alone, or a table with a header")
    return Found("prices", shown(place), Sureness.SURE, why="what its entries hold")


def _lie_together(one: Row, other: Row) -> bool:
    """Whether two rows lie in one list or object."""
    around, beside = one.levels[1:], other.levels[1:]
    return one.levels[0].place == other.levels[0].place and len(around) == len(beside) and all(map(is_, around, beside))


class _Told(NamedTuple):
    """What `Found` says of a field of a row, less the field's name."""

    place: str | None
    sureness: Sureness
    others: tuple[str, ...] = ()
    why: str = ""


_MISSING = _Told(None, Sureness.MISSING)


def _of_a_row(application: str, row: Row, columns: Columns, unit: str | None) -> tuple[_Told, _Told, _Told]:
    """Where in one row its application, price and count were read."""
    came = _Came(columns.by_hand.came(row))
    application_, price, count = (
        _of_application(row, came, columns),
        _voted(came, best_first(amounts(row, columns, unit))),
        _voted(came, best_first(stocks(row, columns, application))),
    )
    taken = {application_.place, price.place, count.place}
    if columns.by_hand.sets_rows:
        by_hand = (columns.by_hand.found(what, is_there=True) for what in ("application", "price", "count"))
        taken |= {each.place for each in by_hand if each is not None}
    rest = _figures(came, taken, columns)
    return application_, _with_others(price, rest), _with_others(count, rest)


class _Came:
    """A row as it came, gone through once for all that is looked for in it.

    `fields`: those of a row of plain values, each of which stands under its name; None for every other one.
    """

    def __init__(self, row: Any) -> None:
        self.fields: Mapping[str, Any] | None = None
        if isinstance(row, dict) and len(row) <= MOST_FIELDS and is_flat(row):
            self.fields = row
        else:
            self.leaves = list(leaves(row))
            self._spots = Spots(row, {leaf.name for leaf in self.leaves})

    def place(self, leaf: Leaf) -> str | None:
        """Where one of the leaves' values stands, as it is shown."""
        return shown(self._spots.place_in(leaf.name, leaf.value, leaf.parents))


def _figures(came: _Came, taken: set[str | None], columns: Columns) -> tuple[str, ...]:
    """Where else in a row figures stand, if their names say nothing else: what is read wrongly may be one of them."""
    if came.fields is not None:
        told = [
            shown_name(name)
            for name, value in came.fields.items()
            if not columns.is_named((0, name)) and is_figure(value)
        ]
    else:
        told = [
            came.place(leaf)
            for leaf in came.leaves
            if is_scalar(leaf.value) and not columns.is_named((0, leaf.name)) and is_figure(leaf.value)
        ]
    return tuple(place for place in dict.fromkeys(told) if place is not None and place not in taken)


def _with_others(told: _Told, rest: tuple[str, ...]) -> _Told:
    """The same with what else it might be; where several are alike these alone are told."""
    if not rest or told.sureness is Sureness.DOUBTFUL:
        return told
    return told._replace(others=tuple(dict.fromkeys((*told.others, *rest)))[:MOST_OTHERS])


def _voted(came: _Came, votes: list[Vote]) -> _Told:
    if not votes:
        return _MISSING
    best = votes[0]
    if best.distance:
        return _Told(None, Sureness.DOUBTFUL, why="it stands around the row")
    own = _place(came, best.place)
    if len(votes) == 1:
        return _Told(own, Sureness.SURE, why="its name")
    others = dict.fromkeys(_place(came, vote.place) for vote in votes[1:] if not vote.distance)
    rest = tuple(place for place in others if place not in (None, own))[:MOST_OTHERS]
    equal = [v for v in votes[1:] if v.weight == best.weight and v.figure != best.figure]
    sureness = Sureness.DOUBTFUL if equal else Sureness.SURE
    return _Told(own, sureness, tuple(map(str, rest)), "of several alike" if equal else "its name")


def _place(came: _Came, names: tuple[str, ...]) -> str | None:
    """The place within a row, as it came, of what lies there by these names, wherever a framework keeps it."""
    name, parents = names[-1], names[:-1]
    if came.fields is not None:
        return None if parents or came.fields.get(name) is None else shown_name(name)
    for leaf in came.leaves:
        if leaf.name == name and is_scalar(leaf.value) and (not parents or leaf.parents[-1:] == parents):
            return None if leaf.value is None else came.place(Leaf(name, leaf.value, parents))
    return None


def _of_application(row: Row, came: _Came, columns: Columns) -> _Told:
    told = columns.told_by(row)
    if not told:
        return _MISSING
    column, _, known = told[0]
    why = "the list knows it" if known else "its name" if columns.is_named(column) else "for want of a better one"
    sureness = Sureness.SURE if known or columns.is_named(column) else Sureness.DOUBTFUL
    if column[1].startswith(KEY) or column[0]:
        why = f"the key it stands under; {why}" if column[1].startswith(KEY) else f"it stands around the row; {why}"
        return _Told(None, sureness, why=why)
    place, *others = dict.fromkeys(_of_column(came, each, own) for each, own, _ in told if not each[0])
    return _Told(place, sureness, tuple(p for p in others if p is not None)[:MOST_OTHERS], why)


def _of_column(came: _Came, column: Column, value: Any) -> str | None:
    """The place of a column's value, whose name may be made of two: `service_id` in `{"service": {"id": 3}}`."""
    name = column[1]
    # That the name ends in the field's, too, is seen where it is made of the field's and that of its object.
    if came.fields is not None:
        for own, inner in came.fields.items():
            if inner is value and (name == own or name.endswith(f"_{own}")):
                return shown_name(own)
        return None
    for leaf in came.leaves:
        if leaf.value is value and (name == leaf.name or name.endswith(f"_{leaf.name}")):
            return came.place(leaf)
    return None
