"""Journals as years of use leave them, written by SQL into a file that the project's own code has made."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from shomare_mqtt.core.clock import SystemClock
from shomare_mqtt.journal.store import Journal

if TYPE_CHECKING:
    from pathlib import Path

YEARS = 3 * 365 * 86400.0
DAY = 86400.0
_LIFE = 1210.0
"""Seconds that a number lives from when it is first asked for, as the API's stub has it, and a few more."""
_NUMBERS = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count)"
_TIME = "strftime('%Y-%m-%dT%H:%M:%S', {}, 'unixepoch') || '.250000+00:00'"
"""A moment in seconds, as the journal writes it."""
_OPEN = f"""
INSERT INTO orders (id, state, country, operator, application, country_name, operator_name, application_name, key,
                    purchase, phone, price, created_at, updated_at, expires_at, made, deadline)
{_NUMBERS}
SELECT printf('01D%023d', i), 'waiting', '7', '1', '3', 'Russia', 'MTS', 'Telegram', '"bench-' || i || '"',
       printf('8%07d', i), printf('7900%07d', i), '2200', {_TIME.format(":wall")}, {_TIME.format(":wall")},
       {_TIME.format(":wall + :left")}, :now, :now + :left
FROM n
"""
_CLOSED = f"""
INSERT INTO orders (id, state, country, operator, application, country_name, operator_name, application_name, key,
                    purchase, phone, price, refunded, created_at, updated_at, expires_at, closed_at, made, deadline,
                    closed)
{_NUMBERS}
SELECT printf('01C%023d', i), 'finished', '7', '1', '3', 'Russia', 'MTS', 'Telegram', '"bench-' || i || '"',
       printf('9%07d', i), printf('7901%07d', i), '2200', NULL, {_TIME.format(":wall - :since + i * :each")},
       {_TIME.format(":wall - :since + i * :each + 300")}, {_TIME.format(":wall - :since + i * :each + 1200")},
       {_TIME.format(":wall - :since + i * :each + 300")}, :now - :since + i * :each,
       :now - :since + i * :each + 1200, :now - :since + i * :each + 300
FROM n
"""
_SMS = """
INSERT INTO sms (id, order_id, code, text, sender, received_at, provider_id)
SELECT id || '-1', id, substr(phone, -5), 'Your code is ' || substr(phone, -5) || '. Do not give it to anybody.',
       'Telegram', closed_at, purchase || '-1'
FROM orders WHERE closed_at IS NOT NULL
"""


async def fill(directory: Path, *, open_orders: int = 0, closed_orders: int = 0) -> None:
    """Put orders into a journal that nobody has open; it is made where there is none.

    The open ones wait for an SMS for twenty minutes yet. The closed ones got one each; they lie over three years, the
    last of them more than a day ago, so that nothing of them is to be shown.
    """
    now = await _steady_now(directory)
    wall = datetime.now(UTC).timestamp()
    since = YEARS + 2 * DAY
    with closing(sqlite3.connect(directory / "journal.sqlite3", isolation_level=None)) as connection:
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -262144"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("BEGIN")
        if closed_orders:
            values = {"count": closed_orders, "now": now, "wall": wall, "since": since, "each": YEARS / closed_orders}
            connection.execute(_CLOSED, values)
            connection.execute(_SMS)
        if open_orders:
            connection.execute(_OPEN, {"count": open_orders, "now": now, "wall": wall, "left": _LIFE})
        connection.execute("COMMIT")


async def _steady_now(directory: Path) -> float:
    journal = Journal(directory, SystemClock())
    await journal.open()
    try:
        return journal.time.now()
    finally:
        await journal.close()
