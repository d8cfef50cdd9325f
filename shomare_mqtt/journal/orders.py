"""SQL of orders and their SMS: functions on a connection, run in the journal's thread."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Context, Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from shomare_mqtt.core.records import Evidence, Ids, NewSms, Record, SpendFacts
from shomare_mqtt.errors import ErrorCode, Upstream
from shomare_mqtt.model import Candidate, ErrorInfo, Order, OrderState, Product, Sms, Transaction, Try

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

_COLUMNS = (
    "id, state, country, operator, application, country_name, operator_name, application_name, key, purchase, phone, "
    "price, refunded, charged, error, created_at, updated_at, expires_at, closed_at, made, deadline, closed, "
    "balance_before, moves_before, quiet_before, balance_asked, balance_told, settled, command, cancel_sent, refusal, "
    "ids_stay, shows_all, by_hand, ids, balance_place, began, tries"
)
_NAMES = _COLUMNS.split(", ")
_OF_PRODUCT = ("country", "operator", "application", "country_name", "operator_name", "application_name")
_OF_EVIDENCE = ("balance_before", "moves_before", "quiet_before", "balance_asked", "balance_told", "balance_place")
_UPSERT = (
    f"INSERT INTO orders ({_COLUMNS}) VALUES ({', '.join(':' + n for n in _NAMES)}) "  # noqa: S608 - our own names
    f"ON CONFLICT (id) DO UPDATE SET {', '.join(f'{n} = excluded.{n}' for n in _NAMES[1:])}"
)
_ALL_DIGITS = Context(prec=100_000)
"""A payload's size bounds the digits of a number; none may be lost."""
_ADOPTED = (
    "seq IN (SELECT seq FROM orders WHERE made >= ? UNION SELECT seq FROM orders WHERE closed_at IS NULL)"
    " AND command IS NULL"
)
_SELECT = f"SELECT {_COLUMNS} FROM orders"  # noqa: S608 - our own names
_OPEN = "SELECT seq FROM orders WHERE closed_at IS NULL"
_OPEN_AND_LATE = f"seq IN ({_OPEN} UNION ALL SELECT seq FROM orders WHERE closed >= ?)"  # noqa: S608 - our own names
"""Each half by its index: with OR, or sorted as it is read, SQLite would go through the orders of years."""

_COUNTED = """
SELECT CASE WHEN made >= :midnight AND state != 'failed' AND coalesce(refunded, 0) = 0
            THEN coalesce(charged, price, '0') END AS cost,
       count(*), sum(made >= :hour AND state != 'failed'),
       sum(made >= :midnight AND state IN ('cancelled', 'expired')
           AND NOT EXISTS (SELECT 1 FROM sms WHERE sms.order_id = orders.id))
FROM orders WHERE made >= :since AND (state != 'cancelled' OR purchase IS NOT NULL){} GROUP BY cost
"""
"""By what they cost, since most cost the same: how many, those of the last hour, and those of today without an SMS.
Once for all limits: each purchase asks twice, and a day may have had thousands. One that was cancelled before a number
was to be had cost nothing."""
_BUT = " AND id != :but"
_COUNTED_ALL, _COUNTED_OTHERS = (_COUNTED.format(which) for which in ("", _BUT))
_COUNTED_OPEN = "SELECT count(*) FROM orders WHERE closed_at IS NULL AND (state != 'unknown' OR made >= :doubted)"


def save(connection: sqlite3.Connection, record: Record) -> None:
    """Insert or replace one order, its SMS aside."""
    connection.execute(_UPSERT, _to_row(record))


def note_ids(connection: sqlite3.Connection, record: Record, ids: Ids) -> None:
    """Replace an order's ids, where they are still those of the record: what was written since knows better."""
    connection.execute(
        "UPDATE orders SET ids = ? WHERE id = ? AND ids IS ?",
        (_ids_text(ids), record.order.order, _ids_text(record.ids)),
    )


def note_end(connection: sqlite3.Connection, record: Record, noted: Record) -> None:
    """Replace the moment at which an order ends, where it is still that of the record."""
    order = noted.order
    connection.execute(
        "UPDATE orders SET deadline = ?, expires_at = ?, updated_at = ? WHERE id = ? AND deadline IS ?",
        (noted.deadline, _time_text(order.expires_at), order.updated_at.isoformat(), order.order, record.deadline),
    )


def save_sms(connection: sqlite3.Connection, new: NewSms) -> None:
    """Add one SMS, or what is known of one by now whose id alone was."""
    sms = new.sms
    connection.execute(
        "INSERT INTO sms (id, order_id, code, text, sender, received_at, provider_id) VALUES (?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (id) DO UPDATE SET code = excluded.code, text = excluded.text, sender = excluded.sender, "
        "received_at = excluded.received_at, provider_id = excluded.provider_id",
        (sms.sms, new.order, sms.code, sms.text, sms.sender, sms.received_at.isoformat(), sms.provider_id),
    )


def find(connection: sqlite3.Connection, order: str) -> Record | None:
    """One order."""
    return _first(_load(connection, f"{_SELECT} WHERE id = ?", (order,)))


def find_purchase(connection: sqlite3.Connection, purchase: str) -> Record | None:
    """The newest order that holds a purchase."""
    return _first(_load(connection, f"{_SELECT} WHERE purchase = ? ORDER BY seq DESC LIMIT 1", (purchase,)))


def find_adopted(connection: sqlite3.Connection, transaction: Transaction, made_since: float) -> Record | None:
    """The first order of a transaction that no command of this journal made: an open one, or one since a steady time.

    The age of an open one tells nothing: a clock that was wrong may have made it.
    """
    sql = f"{_SELECT} WHERE {_ADOPTED} AND key = ? ORDER BY seq LIMIT 1"
    return _first(_load(connection, sql, (made_since, key_of(transaction))))


def has_adopted(connection: sqlite3.Connection, made_since: float) -> bool:
    """Whether there is such an order of any transaction."""
    sql = f"SELECT EXISTS (SELECT 1 FROM orders WHERE {_ADOPTED} AND key IS NOT NULL)"  # noqa: S608 - our own names
    return bool(connection.execute(sql, (made_since,)).fetchone()[0])


def newest_first(connection: sqlite3.Connection, state: str, limit: int) -> list[Record]:
    """Orders that are `open`, `closed` or `all`."""
    where = {"open": f"WHERE seq IN ({_OPEN})", "closed": "WHERE closed_at IS NOT NULL", "all": ""}[state]
    return _load(connection, f"{_SELECT} {where} ORDER BY seq DESC LIMIT ?", (limit,))


def open_and_late(connection: sqlite3.Connection, closed_after: float) -> list[Record]:
    """Every open order and every one that closed after a steady time, newest first."""
    return _load(connection, f"{_SELECT} WHERE {_OPEN_AND_LATE} ORDER BY seq DESC", (closed_after,))


def coded(connection: sqlite3.Connection, closed_after: float) -> list[str]:
    """Of the same orders those that got a code, the one that got the newest last."""
    among = f"SELECT id FROM orders WHERE {_OPEN_AND_LATE}"  # noqa: S608 - our own names
    sql = f"SELECT order_id FROM sms WHERE code IS NOT NULL AND order_id IN ({among}) GROUP BY order_id"  # noqa: S608
    return [order for (order,) in connection.execute(f"{sql} ORDER BY max(seq)", (closed_after,))]


def facts(
    connection: sqlite3.Connection, midnight: float, now: float, lifetime: float, but: str | None = None
) -> SpendFacts:
    """What the limits count, less an order; `midnight` and `now` in steady seconds.

    An order's day is told by steady time alone: its `created_at` may be of a clock that was wrong, and would then count
    it on a day that it does not belong to.
    """
    hour = now - 3600
    values: dict[str, Any] = {"midnight": midnight, "hour": hour, "since": min(midnight, hour)}
    values |= {"doubted": now - lifetime, "but": but}
    counted, which = (_COUNTED_ALL, "") if but is None else (_COUNTED_OTHERS, _BUT)
    rows = connection.execute(counted, values).fetchall()
    spent = sum((Decimal(cost) * count for cost, count, _, _ in rows if cost is not None), Decimal(0))
    bought, unused = (sum(row[column] for row in rows) for column in (2, 3))
    still_open = connection.execute(f"{_COUNTED_OPEN}{which}", values)
    return SpendFacts(spent, bought, still_open.fetchone()[0], unused)


def _first(records: list[Record]) -> Record | None:
    return records[0] if records else None


def _load(connection: sqlite3.Connection, sql: str, values: Iterable[object]) -> list[Record]:
    rows = connection.execute(sql, tuple(values))  # one at a time: there may be thousands
    return [_from_row(dict(zip(_NAMES, row, strict=True)), _sms_of(connection, row[0])) for row in rows]


def _sms_of(connection: sqlite3.Connection, order: str) -> tuple[Sms, ...]:
    rows = connection.execute(
        "SELECT id, code, text, sender, received_at, provider_id FROM sms WHERE order_id = ? ORDER BY seq", (order,)
    )
    return tuple(Sms(i, code, text, sender, datetime.fromisoformat(at), own) for i, code, text, sender, at, own in rows)


def _to_row(record: Record) -> dict[str, Any]:
    order, product, evidence = record.order, record.order.product, record.evidence
    return {
        "id": order.order,
        "state": order.state.value,
        "country": product.country,
        "operator": product.operator,
        "application": product.application,
        "country_name": product.country_name,
        "operator_name": product.operator_name,
        "application_name": product.application_name,
        "key": key_of(order.transaction),
        "purchase": order.purchase,
        "phone": order.phone,
        "price": _decimal_text(order.price),
        "refunded": order.refunded,
        "charged": _decimal_text(order.charged),
        "error": _error_text(order.error),
        "created_at": order.created_at.isoformat(),
        "updated_at": order.updated_at.isoformat(),
        "expires_at": _time_text(order.expires_at),
        "closed_at": _time_text(order.closed_at),
        "made": record.made,
        "deadline": record.deadline,
        "closed": record.closed,
        "balance_before": _decimal_text(evidence.balance),
        "moves_before": evidence.moves,
        "quiet_before": evidence.quiet,
        "balance_asked": evidence.asked,
        "balance_told": evidence.told,
        "settled": record.settled,
        "command": record.command,
        "cancel_sent": record.cancel_sent,
        "refusal": _error_text(record.refusal),
        "ids_stay": record.ids_stay,
        "shows_all": record.shows_all,
        "by_hand": record.by_hand,
        "ids": _ids_text(record.ids),
        "balance_place": evidence.place,
        "began": record.began,
        "tries": _tries_text(order.tries),
    }


def _from_row(row: dict[str, Any], sms: tuple[Sms, ...]) -> Record:
    return Record(
        _order(row, sms),
        row["made"],
        row["deadline"],
        row["closed"],
        _evidence(*(row[name] for name in _OF_EVIDENCE)),
        settled=bool(row["settled"]),
        command=row["command"],
        cancel_sent=bool(row["cancel_sent"]),
        refusal=_error(row["refusal"]),
        ids_stay=bool(row["ids_stay"]),
        shows_all=bool(row["shows_all"]),
        by_hand=bool(row["by_hand"]),
        ids=_ids(row["ids"]),
        began=row["began"],
    )


def _order(row: dict[str, Any], sms: tuple[Sms, ...]) -> Order:
    return Order(
        order=row["id"],
        state=OrderState(row["state"]),
        product=_product(*(row[name] for name in _OF_PRODUCT)),
        created_at=_moment(row["created_at"]),
        updated_at=_moment(row["updated_at"]),
        transaction=transaction_of(row["key"]),
        purchase=row["purchase"],
        phone=row["phone"],
        price=_decimal(row["price"]),
        expires_at=_time(row["expires_at"]),
        closed_at=_time(row["closed_at"]),
        sms=sms,
        refunded=None if row["refunded"] is None else bool(row["refunded"]),
        charged=_decimal(row["charged"]),
        error=_error(row["error"]),
        tries=_tries(row["tries"]),
    )


# What many orders have alike is held once: the same text, so that no digit of a number is another.


@lru_cache(maxsize=100)
def _product(*columns: str) -> Product:
    return Product(*columns)


@lru_cache(maxsize=10)
def _evidence(balance: str | None, moves: int, quiet: int, asked: float, told: float, place: str | None) -> Evidence:
    return Evidence(_decimal(balance), moves, bool(quiet), asked, told, place)


@lru_cache(maxsize=10)
def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def key_of(transaction: Transaction | None) -> str | None:
    """A transaction as text in which `17` and `"17"` differ, and `1.0` and `1` do not."""
    if transaction is None:
        return None
    if isinstance(transaction, str):
        return json.dumps(transaction)
    return str(Decimal(transaction).normalize(_ALL_DIGITS)) if transaction else "0"


def transaction_of(key: str | None) -> Transaction | None:
    """What `key_of` made a key of."""
    if key is None:
        return None
    if key.startswith('"'):
        return str(json.loads(key))
    number = Decimal(key)
    return int(number) if number == number.to_integral_value() else number


def _ids_text(ids: Ids | None) -> str | None:
    if ids is None:
        return None
    candidates = [[each.place, each.value] for each in ids.candidates]
    return json.dumps([candidates, ids.is_tried, ids.is_confirmed, ids.is_told])


def _ids(text: str | None) -> Ids | None:
    if text is None:
        return None
    candidates, *known = json.loads(text)
    return Ids(tuple(Candidate(place, value) for place, value in candidates), *known)


def _decimal_text(value: Decimal | None) -> str | None:
    return None if value is None else str(value)


@lru_cache(maxsize=100)
def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _time_text(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()


def _time(text: str | None) -> datetime | None:
    return None if text is None else _moment(text)


def _error_text(error: ErrorInfo | None) -> str | None:
    return None if error is None else json.dumps(_error_row(error))


def _error_row(error: ErrorInfo) -> list[Any]:
    upstream = [error.upstream.http, error.upstream.code] if error.upstream else None
    return [error.code.value, error.message, error.retryable, upstream]


def _error(text: str | None) -> ErrorInfo | None:
    return None if text is None else _error_of(*json.loads(text))


def _error_of(code: str, message: str, retryable: bool, upstream: list[Any] | None) -> ErrorInfo:  # noqa: FBT001
    return ErrorInfo(ErrorCode(code), message, retryable, Upstream(*upstream) if upstream else None)


def _tries_text(tries: tuple[Try, ...]) -> str | None:
    if not tries:
        return None
    return json.dumps([[t.country, t.operator, _decimal_text(t.price), _error_row(t.error)] for t in tries])


def _tries(text: str | None) -> tuple[Try, ...]:
    if text is None:
        return ()
    rows = json.loads(text)
    return tuple(Try(place, operator, _decimal(price), _error_of(*error)) for place, operator, price, error in rows)
