"""What the client commands print for people: tables and lines. Nothing that a stranger wrote can steer the terminal."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from shomare_mqtt.cli.tables import Cell, Column, Line, console, show_pairs, show_table
from shomare_mqtt.cli.words import (
    LISTS,
    NOTHING,
    Known,
    is_id,
    local_time,
    moment_of,
    money,
    name_beside,
    named,
    objects,
    plain,
    readable,
    readable_id,
    reason,
    said,
)
from shomare_mqtt.normalization import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rich.console import Console

__all__ = [
    "NOTHING",
    "Known",
    "console",
    "local_time",
    "money",
    "named",
    "objects",
    "order_line",
    "plain",
    "reason",
    "show",
    "show_orders",
    "sms_line",
]

_ORDER_ROWS = (
    "order",
    "purchase",
    "state",
    "phone",
    "country",
    "operator",
    "application",
    "price",
    "created_at",
    "expires_at",
    "closed_at",
    "refunded",
    "charged",
)
_LABELS = {
    "id": "ID",
    "name": "Name",
    "order": "Order",
    "purchase": "Purchase",
    "transaction": "Transaction",
    "state": "State",
    "phone": "Number",
    "country": "Country",
    "country_name": "Country",
    "operator": "Operator",
    "operator_name": "Operator",
    "application": "Application",
    "application_name": "Application",
    "price": "Price",
    "balance": "Balance",
    "currency": "Currency",
    "created_at": "Made",
    "updated_at": "Updated",
    "expires_at": "Lives until",
    "closed_at": "Closed",
    "refunded": "Refunded",
    "charged": "Charged",
}
"""What people call the fields of the contract; all others are the provider's own, and stay as they are."""
_FIGURES = (
    ("orders", "Bought", 0),
    ("received", "With SMS", 1),
    ("unused", "Without", 4),
    ("failed", "Failed", 5),
    ("unknown", "In doubt", 3),
    ("success", "Success", 2),
    ("seconds_to_sms", "Seconds to SMS", 7),
    ("spent", "Spent", 0),
    ("refunded", "Refunded", 6),
    ("cost_per_code", "Per code", 8),
)
"""Fields of `query/statistics`, what people call them, and which are left out first where there is no room."""
_OFFER_LABELS = {"price": "Price", "count": "In stock", "orders": "Bought", "success": "With SMS"}
"""Of the columns of offers: `orders` and `success` are our own."""
_MONEY = ("price", "balance", "charged", "spent", "refunded", "cost_per_code")
_LONG = "--long shows a line for each field"
_CODE = "bold green"


def _cell(row: Mapping[str, Any], key: str, known: Known) -> Cell:
    """A field of which the name alone is known: a number is a sum or a count, unless it is an id."""
    value = row.get(key)
    if is_id(key):
        return Cell(visible(readable_id(value)))
    if key in _MONEY:
        return Cell(visible(money(value, known.unit)))
    if key.endswith("_at"):
        return Cell(visible(local_time(value)))
    part = key.removesuffix("_name")
    if part != key and part in LISTS and not value:
        return Cell.folding(visible(name_beside(row, part, known) or readable(value)))
    if isinstance(value, str | list | dict):
        return Cell.folding(said(value))
    return Cell(said(value))


def _named_cell(row: Mapping[str, Any], part: str, known: Known) -> Cell:
    words, identity = visible(named(row, part, known)), visible(readable_id(row.get(part)))
    return Cell.folding(words, whole=[identity if words == identity else f"({identity})"])


def _label(key: str, row: Iterable[str]) -> str:
    """What people call a field, beside the others of its row."""
    if key in LISTS and f"{key}_name" in row:
        return "ID" if sum(f"{part}_name" in row for part in LISTS) == 1 else f"{_LABELS[key]} ID"
    if key == "count" and "price" in row:
        return "In stock"
    return _LABELS.get(key) or visible(key)


# --- orders ---------------------------------------------------------------------------------------------------------


def _show_order(screen: Console, order: Mapping[str, Any], known: Known) -> None:
    """One order, a line for each thing that is known of it, and its SMS."""
    pairs = [(_LABELS[key], _order_cell(order, key, known)) for key in _ORDER_ROWS if order.get(key) is not None]
    for sms in objects(order.get("sms")):
        if "text" in sms:  # a retained order keeps codes and texts to itself
            pairs += [("Code", Cell(said(sms.get("code")), _CODE)), ("SMS", Cell.folding(said(sms["text"])))]
    for tried in objects(order.get("tries")):
        place = ", ".join(visible(named(tried, part, known)) for part in ("country", "operator"))
        pairs.append(("Tried", Cell.folding(f"{place}: {said(reason(tried.get('error')))}")))
    if error := order.get("error"):
        pairs.append(("Why", Cell.folding(said(reason(error)))))
    show_pairs(screen, pairs)


def _order_cell(order: Mapping[str, Any], key: str, known: Known) -> Cell:
    if key in LISTS:
        return _named_cell(order, key, known)
    return _cell(order, key, known) if key != "state" else Cell(said(order[key]))


def _last_code(order: Mapping[str, Any]) -> Any:
    codes = [sms.get("code") for sms in objects(order.get("sms")) if sms.get("code")]
    return codes[-1] if codes else None


def show_orders(
    screen: Console, orders: Sequence[Mapping[str, Any]], known: Known = NOTHING, hint: str = _LONG
) -> None:
    """Prints orders, one a line, or on the narrowest terminal some lines each; order, number and code stay whole."""
    codes = [Cell(visible(readable_id(_last_code(order)))) for order in orders]
    has_codes = any(cell.text != "–" for cell in codes)

    def column(key: str, rank: int, *, right: bool = False) -> Column:
        return Column(_LABELS[key], [_order_cell({key: None, **o}, key, known) for o in orders], rank, right)

    columns = [
        column("order", 0),
        column("state", 1),
        column("phone", 0),
        column("application", 2),
        column("country", 4),
        column("price", 3, right=True),
        _times("created_at", orders, 5),
    ]
    if has_codes or not any(order.get("sms_count") for order in orders):  # retained orders keep theirs to themselves
        columns.append(Column("Code", codes, 0 if has_codes else 6))

    def flow() -> None:
        for row in zip(*(each.cells for each in columns), strict=True):
            screen.print(Line([cell for cell in row if cell.text != "–"]))

    show_table(screen, columns, hint, flow)


def _times(key: str, rows: Sequence[Mapping[str, Any]], rank: int) -> Column:
    """A column of times; the zone stands at its head where all have the same."""
    moments = [moment_of(row.get(key)) for row in rows]
    zones = {f"{moment:%Z}" for moment in moments if moment is not None}
    if len(zones) != 1:
        return Column(_label(key, ()), [_cell(row, key, NOTHING) for row in rows], rank)
    cells = [
        _cell(row, key, NOTHING) if moment is None else Cell(f"{moment:%Y-%m-%d %H:%M:%S}")
        for row, moment in zip(rows, moments, strict=True)
    ]
    return Column(f"{_label(key, ())} ({visible(zones.pop())})", cells, rank)


def order_line(order: Mapping[str, Any], previous: Any) -> Line:
    """A change of an order."""
    state = said(order.get("state"))
    change = f"{said(previous)} → {state}" if previous else state
    product = visible(f"{named(order, 'application')}, {named(order, 'country')}")
    cells = [Cell.folding(f"Order {said(order.get('order'))}"), Cell.folding(change), Cell.folding(product)]
    if phone := order.get("phone"):
        cells.append(Cell(said(phone)))
    if error := order.get("error"):
        cells.append(Cell.folding(said(reason(error))))
    return Line(cells)


def sms_line(sms: Mapping[str, Any]) -> Line:
    """An SMS: number, code, text."""
    code = Cell(said(sms["code"]), _CODE) if sms.get("code") else Cell("no code")
    return Line([Cell.folding(f"SMS for {said(sms.get('phone'))}:"), code, Cell.folding(said(sms.get("text")))])


# --- everything else ------------------------------------------------------------------------------------------------


def _show_rows(screen: Console, rows: Sequence[Mapping[str, Any]], known: Known, *, long: bool) -> None:
    """Any list of objects: a column for each field that one of them has, those behind left out first."""
    fields = list(dict.fromkeys(key for row in rows for key in row))

    def one_by_one() -> None:
        for number, row in enumerate(rows):
            if number:
                screen.print()
            show_pairs(screen, [(_label(key, fields), _cell(row, key, known)) for key in row])

    def column(key: str, rank: int) -> Column:
        if key.endswith("_at"):
            return _times(key, rows, rank)
        right = key == "count" or key in _MONEY
        return Column(_label(key, fields), [_cell(row, key, known) for row in rows], rank, right)

    if long:
        one_by_one()
    else:
        show_table(screen, [column(key, rank) for rank, key in enumerate(fields)], _LONG, one_by_one)


def _show_object(screen: Console, data: Mapping[str, Any], known: Known) -> None:
    """Any object: a line for each field. A currency among them is the unit of its sums."""
    own = data.get("currency")
    known = replace(known, unit=own) if isinstance(own, str) and own else known
    pairs = []
    for key in data:
        if key in LISTS:
            pairs.append((_LABELS[key], _named_cell(data, key, known)))
        elif key.removesuffix("_name") not in data or key.removesuffix("_name") not in LISTS:
            pairs.append((_label(key, data), _cell(data, key, known)))
    show_pairs(screen, pairs)


def _show_offers(screen: Console, data: Mapping[str, Any], offers: Sequence[Mapping[str, Any]], known: Known) -> None:
    """Where an application can be had, one place a line, and what that does not tell."""
    screen.print(Line([Cell.folding(f"{visible(named(data, 'application'))}, cheapest first:")]))

    def column(key: str, rank: int) -> Column:
        """`_cell` knows what is money."""
        return Column(_OFFER_LABELS[key], [_cell(each, key, known) for each in offers], rank, right=True)

    def part(key: str) -> Column:
        return Column(_LABELS[key], [_named_cell(each, key, known) for each in offers])

    columns = [
        column("price", 0),
        part("country"),
        part("operator"),
        column("count", 1),
        column("orders", 3),
        Column(_OFFER_LABELS["success"], [Cell(_in_percent(each.get("success"))) for each in offers], 2, right=True),
        _times("updated_at", offers, 4),
    ]

    def flow() -> None:
        for row in zip(*(each.cells for each in columns), strict=True):
            screen.print(Line([cell for cell in row if cell.text != "–"]))

    if offers:
        show_table(screen, columns, "a wider terminal shows it", flow)
    else:
        screen.print("Nothing there.")
    if unread := data.get("unread"):
        words = f"{said(unread)} of {said(data['places'])} places could not be read; asked again, they are tried again."
        screen.print(Line([Cell.folding(words, "yellow")]))


def _in_percent(share: Any) -> str:
    is_number = isinstance(share, int | float | Decimal) and not isinstance(share, bool) and 0 <= share <= 1
    return f"{float(share):.0%}" if is_number else said(share)


def _show_figures(screen: Console, data: Mapping[str, Any], known: Known) -> None:
    """What was bought and what came of it: a line for each group, and one for all of them."""
    groups = objects(data.get("groups"))
    total = data["total"]
    screen.print(Line([Cell.folding(f"Since {local_time(data.get('since'))}:")]))
    columns = [_of_groups(key, groups, known) for key in ("day", *LISTS) if any(key in group for group in groups)]
    if not columns:
        columns = [Column("", [Cell("All")])]
    columns += [
        Column(title, [_figure(row, key, known) for row in (*groups, total)], rank, right=True)
        for key, title, rank in _FIGURES
        if key not in ("failed", "unknown") or total.get(key)
    ]

    def flow() -> None:
        for row in zip(*(each.cells for each in columns), strict=True):
            screen.print(Line([cell for cell in row if cell.text not in ("", "–")]))

    show_table(screen, columns, "", flow)
    screen.print(Line([Cell.folding(f"Spent today: {visible(money(total.get('spent_today'), known.unit))}")]))


def _of_groups(key: str, groups: Sequence[Mapping[str, Any]], known: Known) -> Column:
    """What each line is of; the last one is of all."""
    cells = [Cell(said(group.get(key))) if key == "day" else _named_cell(group, key, known) for group in groups]
    return Column("Day" if key == "day" else _LABELS[key], [*cells, Cell("All" if key == _first(groups) else "")])


def _first(groups: Sequence[Mapping[str, Any]]) -> str:
    return next(key for key in ("day", *LISTS) if any(key in group for group in groups))


def _figure(row: Mapping[str, Any], key: str, known: Known) -> Cell:
    value = row.get(key)
    return Cell(_in_percent(value)) if key == "success" else _cell({key: value}, key, known)


def show(screen: Console, what: str, data: Any, known: Known = NOTHING, *, long: bool = False) -> None:
    """Prints the `data` of an answer in the form that suits it; `long` is a line for each field of every row."""
    match data:
        case []:
            screen.print("Nothing there.")
        case {"order": str(), "state": str()}:
            _show_order(screen, data, known)
        case {"groups": list(), "total": {}}:
            _show_figures(screen, data, known)
        case {"offers": list() as offers, "places": _}:
            _show_offers(screen, data, objects(offers), known)
        case {"prices": list() as prices}:
            _show_object(screen, {key: value for key, value in data.items() if key != "prices"}, known)
            _show_rows(screen, objects(prices), known, long=long)
        case [{}, *_] if len(rows := objects(data)) == len(data):
            _show_list(screen, what, rows, known, long=long)
        case {}:
            _show_object(screen, data, known)
        case _:
            screen.print(plain(data))


def _show_list(screen: Console, what: str, rows: Sequence[Mapping[str, Any]], known: Known, *, long: bool) -> None:
    if what != "orders" or not all(isinstance(row.get("order"), str) for row in rows):
        _show_rows(screen, rows, known, long=long)
    elif not long:
        show_orders(screen, rows, known)
    else:
        for number, order in enumerate(rows):
            if number:
                screen.print()
            _show_order(screen, order, known)
