"""SQL of the figures: what was bought, what came of it and what it cost; run in the journal's thread."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from shomare_mqtt.core.records import Counted, Names, Outcome, PlaceSuccess, Stretch

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

MOST = 5_000
"""Orders that are counted at once. What must be written waits for that, some hundredths of a second."""
_DERIVED = """
SELECT made, seq, country, operator, application,
       CASE WHEN state IN ('failed', 'unknown') THEN state
            WHEN first IS NOT NULL THEN 'received'
            WHEN closed_at IS NOT NULL THEN 'unused'
            ELSE 'open' END AS outcome,
       coalesce(refunded, 0) AS refunded,
       CASE WHEN state = 'unknown' THEN charged ELSE coalesce(charged, price) END AS cost,
       round(86400 * (julianday(first) - julianday(created_at))) AS seconds
FROM (SELECT *, (SELECT received_at FROM sms WHERE order_id = orders.id ORDER BY seq LIMIT 1) AS first FROM orders)
"""
"""An order as the table `figures` has it."""
_KEEP = (
    f"INSERT OR REPLACE INTO figures {_DERIVED}"
    " WHERE id = ? AND closed_at IS NOT NULL AND (state != 'cancelled' OR purchase IS NOT NULL)"
)
"""Cancelled without a purchase is a `buy` that ended before one was to be had."""
_SOME = f"""
SELECT * FROM figures WHERE made >= :first AND made < :until
UNION ALL {_DERIVED} WHERE seq IN (SELECT seq FROM orders WHERE closed_at IS NULL) AND state != 'buying'
                           AND +made >= :first AND +made < :until
"""  # noqa: S608 - our own names
"""The plus signs: not by the index of all orders, of which few are open."""


def keep(connection: sqlite3.Connection, order: str) -> None:
    """Have an order among the figures, where it is over."""
    connection.execute(_KEEP, (order,))


@cache
def _counted(by: tuple[str, ...], *, one: bool) -> str:
    """What counts the orders that are alike. `by`: columns of ours; `one`: of one application alone."""
    alike = ", ".join((*by, "outcome", "refunded", "cost", "seconds"))
    where = "WHERE application = :application" if one else ""
    return f"SELECT {alike}, count(*), max(seq) FROM ({_SOME}) {where} GROUP BY {alike}"  # noqa: S608 - our own names


def counted(
    connection: sqlite3.Connection,
    since: float,
    ends: Sequence[float],
    by: tuple[str, ...],
    application: str | None = None,
) -> Stretch | None:
    """The next orders that were made since a steady moment, all before the same of `ends`; None: there are none.

    `ends`: rising. `by`: which of country, operator and application they are told apart by. `application`: its orders
    alone.
    """
    first = connection.execute("SELECT min(made) FROM orders WHERE made >= ?", (since,)).fetchone()[0]
    if first is None:
        return None
    beyond = connection.execute(
        "SELECT made FROM orders WHERE made > ? ORDER BY made LIMIT 1 OFFSET ?", (first, MOST)
    ).fetchone()
    until = min((end for end in (*ends, *(beyond or ())) if end > first), default=float("inf"))
    values = {"first": first, "until": until, "application": application}
    rows = connection.execute(_counted(by, one=application is not None), values)
    return Stretch(first, until, [_alike(row, len(by)) for row in rows])


def _alike(row: tuple[Any, ...], keys: int) -> Counted:
    outcome, refunded, cost, *more = row[keys:]
    return Counted(row[:keys], Outcome(outcome), bool(refunded), _money(cost), *more)


@lru_cache(maxsize=100)
def _money(text: str | None) -> Decimal:
    return Decimal(text or 0)


def names(connection: sqlite3.Connection, orders: Iterable[int]) -> dict[int, Names]:
    """What country, operator and application of some orders were called when they were made, by the orders' rows."""
    sql = "SELECT country_name, operator_name, application_name FROM orders WHERE seq = ?"
    return {order: Names(*connection.execute(sql, (order,)).fetchone()) for order in orders}


def success_by_place(rows: Iterable[Counted]) -> dict[tuple[str, str], PlaceSuccess]:
    """How it went in each country and with each operator, of orders that were told apart by these."""
    counts = Counter[tuple[tuple[str, ...], Outcome]]()
    for row in rows:
        counts[row.key, row.outcome] += row.orders
    places = {(country, operator) for ((country, operator), outcome) in counts if outcome.is_purchase}
    return {
        place: PlaceSuccess(
            sum(counts[place, outcome] for outcome in Outcome if outcome.is_purchase),
            counts[place, Outcome.RECEIVED],
            counts[place, Outcome.UNUSED],
        )
        for place in places
    }
