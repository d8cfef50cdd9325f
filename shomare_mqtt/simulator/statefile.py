"""The ledger on disk, so that a provider that was killed comes back with the same purchases."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict, dataclass, field
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from shomare_mqtt.simulator.ledger import Ledger, Message, Purchase, State

if TYPE_CHECKING:
    from pathlib import Path

    from shomare_mqtt.simulator.catalog import Catalog
    from shomare_mqtt.simulator.timebase import TimeBase

_TIMES = ("created", "expires")


@dataclass(slots=True)
class StateFile:
    """Writes the whole state, one write at a time; who waits for the same change waits for the same write."""

    path: Path
    written: int = -1
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def save(self, ledger: Ledger, catalog: Catalog, time: TimeBase) -> None:
        """Returns once the ledger as it is now is in the file."""
        wanted = ledger.version
        async with self.turn:
            if self.written >= wanted:
                return
            version, content = ledger.version, snapshot(ledger, catalog, time)
            await asyncio.to_thread(_write, self.path, content)
            self.written = version


def load(path: Path, ledger: Ledger, catalog: Catalog, time: TimeBase) -> None:
    """Fill the ledger and the stock from a file, where there is one. Raises ValueError for a file that is no state."""
    if not path.exists():
        return
    try:
        _restore(json.loads(path.read_text(encoding="utf-8")), ledger, catalog, time)
    except (ValueError, KeyError, TypeError, AttributeError, InvalidOperation) as error:
        raise ValueError(f"{path} holds no state of a simulator") from error


def snapshot(ledger: Ledger, catalog: Catalog, time: TimeBase) -> dict[str, Any]:
    """All that outlives the process; times in seconds since 1970, money as text."""
    return {
        "balance": str(ledger.balance),
        "blocked": ledger.blocked,
        "next_purchase": ledger.next_purchase,
        "unbooked": [[time.epoch(due), str(amount)] for due, amount in ledger.unbooked],
        "stock": [[*key, count] for key, count in catalog.changed_stock.items()],
        "purchases": [_kept(bought, time) for bought in ledger.purchases.values()],
    }


def _kept(bought: Purchase, time: TimeBase) -> dict[str, Any]:
    row = asdict(bought) | {"price": str(bought.price)}
    row |= {name: time.epoch(getattr(bought, name)) for name in _TIMES}
    row["ended"] = None if bought.ended is None else time.epoch(bought.ended)
    for name in ("planned", "sms"):
        row[name] = [asdict(message) | {"at": time.epoch(message.at)} for message in getattr(bought, name)]
    return row


def _restore(content: dict[str, Any], ledger: Ledger, catalog: Catalog, time: TimeBase) -> None:
    ledger.balance = Decimal(content["balance"])
    ledger.blocked = content["blocked"]
    ledger.next_purchase = content["next_purchase"]
    ledger.unbooked = [(time.back(due), Decimal(amount)) for due, amount in content["unbooked"]]
    catalog.changed_stock = {(c, o, a): count for c, o, a, count in content["stock"]}
    bought = (_purchase(row, time) for row in content["purchases"])
    ledger.purchases = {purchase.purchase: purchase for purchase in bought}


def _purchase(row: dict[str, Any], time: TimeBase) -> Purchase:
    changed: dict[str, Any] = {name: time.back(row[name]) for name in _TIMES}
    if row.get("ended") is not None:
        changed["ended"] = time.back(row["ended"])
    for name in ("planned", "sms"):
        changed[name] = [Message(**(message | {"at": time.back(message["at"])})) for message in row[name]]
    return Purchase(**(row | changed | {"price": Decimal(row["price"]), "state": State(row["state"])}))


def _write(path: Path, content: dict[str, Any]) -> None:
    """The old file or the new one, never half of one."""
    beside = path.with_name(f"{path.name}.new")
    beside.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    beside.replace(path)
