"""The journal, without touching it: whether it is whole, and which orders are open in it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from shomare_mqtt.doctor.finding import Finding, bad, good, unknown
from shomare_mqtt.journal.files import JOURNAL, WAY_OUT
from shomare_mqtt.journal.looking import newest_version

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shomare_mqtt.journal.looking import Looked, OpenOrder

_MOST_NAMED = 5
_UNSEEN = "a daemon that starts looks through all of it, and ends with 78 where it cannot be used: see its log"
_SETTLE = (
    "look at your numbers on the provider's site: `shomare-mqtt resolve ORDER --bought PURCHASE PHONE` where it is "
    "there, `shomare-mqtt resolve ORDER --not-bought` where it is not"
)


def of_journal(directory: Path, seen: Looked | None) -> Iterator[Finding]:
    """What was seen of it; nothing where there is no journal yet but that."""
    path = directory / JOURNAL
    if seen is None:
        yield good("journal", f"there is none yet in {directory}; the daemon makes it")
    elif seen.why_not:
        advice = "run this as root or as the daemon's user, once more" if seen.is_closed else _UNSEEN
        yield unknown("journal", f"{path}: {seen.why_not}", advice)
    elif not seen.is_ours:
        yield bad("journal", f"{path} is a database of another program", "make state.directory another one")
    elif seen.damage:
        yield bad("journal", f"{path} is damaged ({seen.damage})", f"stop the daemon, keep a copy of it all. {WAY_OUT}")
    elif seen.version > (newest := newest_version()):
        said = f"{path} has version {seen.version}, and this program knows {newest}"
        yield bad("journal", said, "it was made by a newer shomare-mqtt: install that again")
    else:
        yield _whole(path, seen)
        yield from _of_orders(seen.open)


def _whole(path: Path, seen: Looked) -> Finding:
    said = f"{path} is whole: version {seen.version}, {seen.size / 1024:,.0f} KiB, {seen.orders:,} orders"
    older = seen.version < newest_version()
    return good("journal", said, "it is brought to the newest version when the daemon starts next" if older else "")


def _of_orders(orders: tuple[OpenOrder, ...]) -> Iterator[Finding]:
    in_doubt = [order for order in orders if order.state == "unknown"]
    live = Counter(order.state for order in orders if order.state != "unknown")
    if live:
        counted = ", ".join(f"{number} {state}" for state, number in live.items())
        yield good("open orders", f"{counted}: `shomare-mqtt query orders` shows them, a running daemon watches them")
    if in_doubt:
        named = ", ".join(f"{each.order} ({each.made})" for each in in_doubt[:_MOST_NAMED])
        more = f", and {len(in_doubt) - _MOST_NAMED} more" if len(in_doubt) > _MOST_NAMED else ""
        said = f"nobody knows whether these were bought: {named}{more}"
        yield bad("unknown orders", said, f"the balance may tell within minutes, while the daemon runs; else {_SETTLE}")
