"""What moved the money besides an order's own purchase: what a daemon may say of it is held against that."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import combinations
from typing import TYPE_CHECKING, Any

from tests.storm.asking import product_of
from tests.storm.site import REFUND_DELAY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.storm.people import Heard
    from tests.storm.processes import Journal

BEFORE = timedelta(seconds=11)
"""How old the balance from before a purchase may be (contract: ten seconds)."""
SETTLED = timedelta(seconds=3)
"""When a daemon knows at the latest what the balance tells, unless it is killed before."""
MOST_AT_ONCE = 12
"""Of more movements than this about one order nobody can tell which of them the balance had."""


@dataclass(frozen=True)
class Move:
    """`amount` less in the wallet from a moment between `at` and `by` on.

    `owner`: whose daemon's it is; None: people on the site moved it.
    """

    at: datetime
    by: datetime
    amount: Decimal
    what: str
    owner: int | None = None


class Money:
    """The ledger's word on every movement."""

    def __init__(self, purchases: Iterable[dict[str, Any]], journals: list[Journal]) -> None:
        self._prices = {product_of(p): Decimal(str(p["price"])) for p in purchases if not p["by_hand"]}
        orders = [(number, order) for number, journal in enumerate(journals) for order in journal.orders]
        self._owners = {order["id"]: number for number, order in orders}
        owners = {order["purchase"]: number for number, order in orders if order["purchase"] is not None}
        self._moves = [move for p in purchases for move in _moves(p, owners.get(p["purchase"]))]

    def is_unseen(self, order: dict[str, Any], purchase: dict[str, Any]) -> bool:
        """Whether an order may be `failed` though it was bought: no balance could show that it was.

        It was given back on the site before the balance was read, and cost nothing; and a daemon that has read nothing
        but the balance must not say that nothing was bought.
        """
        says_too_much = "nothing was bought" in (order["error"] or "")
        return bool(purchase["ended_by_hand"] and purchase["refunded"] and not says_too_much)

    def untrue_charges(self, heard: Iterable[Heard]) -> list[str]:
        """Every `charged` that is not what the wallet lost about an order: its price, and what the site took."""
        untrue = []
        for order in _said(heard, "charged"):
            possible = self._differences(order)
            charged = Decimal(str(order["charged"]))
            if possible is not None and charged not in possible:
                untrue.append(f"{order['order']} says that {charged} is gone; possible are {sorted(possible)}")
        return untrue

    def near_doubts(self, heard: Iterable[Heard]) -> Counter[str]:
        """How many orders whose outcome nobody knew had movements of each kind about their purchase."""
        orders = _said(heard, "doubt")
        return Counter(
            f"{what} about an unknown order"
            for order in orders
            for what in {move.what for move in self._about(order, most=SETTLED) if move.owner is None}
        )

    def _differences(self, order: dict[str, Any]) -> set[Decimal] | None:
        price, moves = self._prices.get(product_of(order), Decimal(0)), self._about(order)
        if len(moves) > MOST_AT_ONCE:
            return None
        return {
            price + sum(move.amount for move in some)
            for count in range(len(moves) + 1)
            for some in combinations(moves, count)
        }

    def _about(self, order: dict[str, Any], most: timedelta = timedelta.max) -> list[Move]:
        """The movements that the balances about an order may have shown; for so long `most`."""
        created, updated = (datetime.fromisoformat(order[name]) for name in ("created_at", "updated_at"))
        since, until = created - BEFORE, created + min(most, updated - created)
        ours = self._owners.get(order["order"])
        moves = (move for move in self._moves if ours is None or move.owner != ours)
        return [move for move in moves if move.by >= since and move.at <= until]


def _moves(purchase: dict[str, Any], owner: int | None) -> list[Move]:
    """What is no daemon's doing, and what is that of the one that has it."""
    price, by_hand = Decimal(str(purchase["price"])), purchase["by_hand"]
    found = []
    if by_hand or owner is not None:
        at = datetime.fromisoformat(purchase["created_at"])
        found.append(Move(at, at, price, "purchase on the site", None if by_hand else owner))
    if purchase["refunded"]:
        at = datetime.fromisoformat(purchase["ended_at"])
        owner = None if purchase["ended_by_hand"] else owner
        found.append(Move(at, at + timedelta(seconds=REFUND_DELAY), -price, "refund on the site", owner))
    return found


def _said(heard: Iterable[Heard], what: str) -> list[dict[str, Any]]:
    """Orders as they were first told of: `charged`, for each that they ever had; `doubt`, as they left `unknown`."""
    found: dict[tuple[str, object], dict[str, Any]] = {}
    for each in heard:
        if each.topic == "event/order" and what == "doubt" and each.json["previous"] == "unknown":
            order = each.json["order"]
            found.setdefault((order["order"], None), order)
        for order in each.json if each.topic == "orders" and what == "charged" else ():
            if order["charged"] is not None:
                found.setdefault((order["order"], order["charged"]), order)
    return list(found.values())
