"""Where a price list's rows lie, and where in a row its application, its price and its stock were read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from operator import is_
from typing import TYPE_CHECKING, Any

from shomare_mqtt.model import Found, Sureness
from shomare_mqtt.provider.reading.amounts import amounts, best_first, stocks
from shomare_mqtt.provider.reading.columns import KEY
from shomare_mqtt.provider.reading.found import MOST_OTHERS, missing
from shomare_mqtt.provider.reading.places import notation, place_in, place_of_object, shown, value_at
from shomare_mqtt.provider.reading.rows import Row
from shomare_mqtt.provider.reading.shapes import keyed, leaves
from shomare_mqtt.provider.reading.values import figure, is_scalar

if TYPE_CHECKING:
    from shomare_mqtt.provider.reading.amounts import Vote
    from shomare_mqtt.provider.reading.columns import Column, Columns
    from shomare_mqtt.provider.reading.places import Place

SHOWN = 3
"""So many rows show where the fields of all of them are."""

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
        best = next((each[at] for each in told if each[at].sureness is not Sureness.MISSING), None)
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


def places_of_price(answer: Any, shown: Shown, columns: Columns, unit: str | None) -> tuple[Found, ...]:
    """Where one product's price and stock were read in the whole answer."""
    ((application, row),) = shown.items()
    inside = place_of_object(answer, columns.by_hand.came(row))
    told = _of_a_row(application, row, columns, unit)[1:]
    return tuple(_within(inside, found) for found in told)


def _within(outer: Place | None, found: Found) -> Found:
    """The same with places that begin at the answer and not at the row."""
    field = found.field.replace("prices.", "price.")
    before = shown(outer) if outer else ""

    def whole(place: str) -> str:
        return place if not before else before if place == notation(()) else f"{before}.{place}"

    if found.place is None or outer is None or before is None:
        return Found(field, None, found.sureness, (), found.why)
    return Found(field, whole(found.place), found.sureness, tuple(map(whole, found.others)), found.why)


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


def _of_a_row(application: str, row: Row, columns: Columns, unit: str | None) -> tuple[Found, Found, Found]:
    """Where in one row its fields were read."""
    came = columns.by_hand.came(row)
    application_, price, count = (
        _of_application(row, came, columns),
        _voted("prices.price", came, best_first(amounts(row, columns, unit))),
        _voted("prices.count", came, best_first(stocks(row, columns, application))),
    )
    by_hand = (columns.by_hand.found(what, is_there=True) for what in ("application", "price", "count"))
    taken = {each.place for each in (application_, price, count, *filter(None, by_hand))}
    rest = _figures(came, taken, columns)
    return application_, _with_others(price, rest), _with_others(count, rest)


def _figures(came: Any, taken: set[str | None], columns: Columns) -> tuple[str, ...]:
    """Where else in a row figures stand, if their names say nothing else: what is read wrongly may be one of them."""
    others = (leaf for leaf in leaves(came) if is_scalar(leaf.value) and not columns.is_named((0, leaf.name)))
    told = (shown(place_in(came, o.name, o.value, o.parents)) for o in others if figure(o.value) is not None)
    return tuple(place for place in dict.fromkeys(told) if place is not None and place not in taken)


def _with_others(found: Found, rest: tuple[str, ...]) -> Found:
    """The same with what else it might be; where several are alike these alone are told."""
    if found.sureness is Sureness.DOUBTFUL:
        return found
    others = dict.fromkeys((*found.others, *rest))
    return replace(found, others=tuple(others)[:MOST_OTHERS])


def _voted(field: str, came: Any, votes: list[Vote]) -> Found:
    if not votes:
        return missing(field)
    best = votes[0]
    if best.distance:
        return Found(field, None, Sureness.DOUBTFUL, why="it stands around the row")
    others = dict.fromkeys(_place(came, vote.place) for vote in votes[1:] if not vote.distance)
    rest = tuple(place for place in others if place not in (None, _place(came, best.place)))[:MOST_OTHERS]
    equal = [v for v in votes[1:] if v.weight == best.weight and v.figure != best.figure]
    sureness = Sureness.DOUBTFUL if equal else Sureness.SURE
    return Found(
        field, _place(came, best.place), sureness, tuple(map(str, rest)), "of several alike" if equal else "its name"
    )


def _place(came: Any, names: tuple[str, ...]) -> str | None:
    """The place within a row, as it came, of what lies there by these names."""
    value = _leaf(came, names)
    return None if value is None else shown(place_in(came, names[-1], value, names[:-1]))


def _leaf(came: Any, names: tuple[str, ...]) -> Any:
    """The value under a name whose parents end as told, wherever a framework keeps it (`attributes`)."""
    return next(
        (
            leaf.value
            for leaf in leaves(came)
            if leaf.name == names[-1] and is_scalar(leaf.value) and (not names[:-1] or leaf.parents[-1:] == names[:-1])
        ),
        None,
    )


def _of_application(row: Row, came: Any, columns: Columns) -> Found:
    field = "prices.application"
    told = columns.told_by(row)
    if not told:
        return missing(field)
    column, value, known = told[0]
    why = "the list knows it" if known else "its name" if columns.is_named(column) else "for want of a better one"
    sureness = Sureness.SURE if known or columns.is_named(column) else Sureness.DOUBTFUL
    if column[1].startswith(KEY) or column[0]:
        why = f"the key it stands under; {why}" if column[1].startswith(KEY) else f"it stands around the row; {why}"
        return Found(field, None, sureness, why=why)
    places = dict.fromkeys(_of_column(came, each, own) for each, own, _ in told if not each[0])
    place = _of_column(came, column, value)
    return Found(field, place, sureness, tuple(p for p in places if p not in (None, place))[:MOST_OTHERS], why)


def _of_column(came: Any, column: Column, value: Any) -> str | None:
    """The place of a column's value, whose name may be made of two: `service_id` in `{"service": {"id": 3}}`."""
    for leaf in leaves(came):
        inner = f"{leaf.parents[-1]}_{leaf.name}" if leaf.parents else leaf.name
        if leaf.value is value and (column[1] in (leaf.name, inner) or column[1].endswith(f"_{leaf.name}")):
            return shown(place_in(came, leaf.name, value, leaf.parents))
    return None
