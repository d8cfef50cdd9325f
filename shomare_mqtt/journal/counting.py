"""SQL of the figures: what was bought, what came of it and what it cost; run in the journal's thread."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING

from shomare_mqtt.core.records import Counted, Names, Outcome, PlaceSuccess

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

_FIRST_SMS = "(SELECT received_at FROM sms WHERE order_id = orders.id ORDER BY seq LIMIT 1)"
_COUNTED = f"""
SELECT country, operator, application, outcome, refunded, cost,
       round((julianday(first_sms) - julianday(created_at)) * 86400, 1) AS seconds, count(*), max(seq)
FROM (SELECT seq, country, operator, application, coalesce(refunded, 0) AS refunded, first_sms, created_at,
             CASE WHEN state IN ('failed', 'unknown') THEN state
                  WHEN first_sms IS NOT NULL THEN 'received'
                  WHEN state IN ('cancelled', 'expired') THEN 'unused'
                  ELSE 'open' END AS outcome,
             CASE WHEN state = 'unknown' THEN charged ELSE coalesce(charged, price) END AS cost
      FROM (SELECT *, {_FIRST_SMS} AS first_sms FROM orders
            WHERE made >= ? AND made < ? AND state != 'buying' AND (state != 'cancelled' OR purchase IS NOT NULL)))
GROUP BY country, operator, application, outcome, refunded, cost, seconds
"""  # noqa: S608 - our own names
"""What is alike is counted together, since most orders are like many others. Cancelled without a purchase is a `buy`
that ended before one was to be had."""
_DAY = 86400.0


def counted(connection: sqlite3.Connection, starts: Sequence[float]) -> tuple[int, list[Counted]] | None:
    """The first stretch with orders in it of those that begin at these steady moments, and what was bought in it.

    The last one has no end. None where nothing was bought since the first began. One stretch a call, so that what must
    be written is never kept waiting by years.
    """
    found = connection.execute("SELECT min(made) FROM orders WHERE made >= ?", (starts[0],)).fetchone()[0]
    if found is None:
        return None
    which = bisect_right(starts, found) - 1
    until = starts[which + 1] if which + 1 < len(starts) else float("inf")
    rows = connection.execute(_COUNTED, (starts[which], until))
    return which, [
        Counted(country, operator, application, Outcome(outcome), bool(refunded), Decimal(cost or 0), *more)
        for country, operator, application, outcome, refunded, cost, *more in rows
    ]


def names(connection: sqlite3.Connection, orders: Iterable[int]) -> dict[int, Names]:
    """What country, operator and application of some orders were called when they were made, by the orders' rows."""
    sql = "SELECT country_name, operator_name, application_name FROM orders WHERE seq = ?"
    return {order: Names(*connection.execute(sql, (order,)).fetchone()) for order in orders}


def days_since(since: float, now: float) -> list[float]:
    """The beginnings of stretches of a day from one steady moment to another."""
    return [since + _DAY * day for day in range(max(1, round((now - since) / _DAY)))]


def success_by_place(rows: Iterable[Counted]) -> dict[tuple[str, str], PlaceSuccess]:
    """How it went in each country and with each operator."""
    orders, received, unused = Counter[tuple[str, str]](), Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for row in rows:
        place = row.country, row.operator
        orders[place] += row.orders if row.outcome.is_purchase else 0
        received[place] += row.orders if row.outcome is Outcome.RECEIVED else 0
        unused[place] += row.orders if row.outcome is Outcome.UNUSED else 0
    return {place: PlaceSuccess(orders[place], received[place], unused[place]) for place in +orders}
