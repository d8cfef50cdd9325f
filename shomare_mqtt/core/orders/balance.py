"""Which figure of the profile is the balance: the one that a purchase takes its price from (contract, Answers)."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from shomare_mqtt.model import OrderState, Profile

if TYPE_CHECKING:
    import logging
    from collections.abc import Mapping

    from shomare_mqtt.config.in_force import InForce
    from shomare_mqtt.core.market.market import Market
    from shomare_mqtt.core.orders.ledger import Ledger
    from shomare_mqtt.core.ports import Spawn
    from shomare_mqtt.core.records import Record

BALANCE = "profile.balance"
_IN_DOUBT = frozenset({OrderState.BUYING, OrderState.UNKNOWN})
_OTHER_UNITS = frozenset(map(Decimal, ("10", "100", "0.1", "0.01")))
"""By how much an amount is more or less in another unit (Toman and Rial, cents): that alone tells nothing."""


class _Reading(NamedTuple):
    """The figures of one profile by their places, which of them was taken, and the money movements until then."""

    figures: Mapping[str, Decimal]
    place: str | None
    moves: int


class BalanceTrial:
    """Compares the profiles before and after one purchase of a known price, where nothing else moved."""

    def __init__(self, settings: InForce, ledger: Ledger, market: Market, spawn: Spawn, logger: logging.Logger) -> None:
        self._settings = settings
        self._ledger = ledger
        self._provider = market.provider
        self._state = market.provider_state
        self._account = market.account
        self._spawn = spawn
        self._logger = logger
        self._before: _Reading | None = None
        self._bought: list[tuple[float, Decimal | None]] = []
        """Purchases since then: when each was answered (steady seconds), and its price."""
        self._account.on_read = self._read
        ledger.listeners.append(self._changed)

    def _changed(self, record: Record, previous: Record | None) -> None:
        was = previous.order.state if previous is not None else None
        if was is OrderState.BUYING and record.order.state is OrderState.WAITING:
            self._bought.append((self._ledger.time.now(), record.order.price))

    def _read(self, profile: Profile, asked_at: float) -> None:
        """A profile came."""
        figures = {each.place: each.amount for each in profile.candidates}
        if not figures or (profile.place is None and profile.balance is not None) or not self._is_calm(asked_at):
            return
        reading = _Reading(figures, profile.place, self._ledger.moves)
        before = self._before
        if before is not None and self._is_after_one(before, reading) and self._compare(before, reading, asked_at):
            return
        self._before = reading
        self._bought.clear()

    def _is_after_one(self, before: _Reading, after: _Reading) -> bool:
        """Whether one purchase lies between two profiles, and nothing else that moved money."""
        return before.place == after.place and after.moves == before.moves + 1 and len(self._bought) == 1

    def _is_calm(self, asked_at: float) -> bool:
        """Whether no money may be coming back, and no purchase is under way, as a profile is asked for at a moment."""
        ledger = self._ledger
        at_rest = asked_at - ledger.last_refund >= self._settings.now.orders.settle_delay
        in_doubt = any(record.order.state in _IN_DOUBT for record in ledger.open())
        return at_rest and not in_doubt and not ledger.refunds_in_flight

    def _compare(self, before: _Reading, after: _Reading, asked_at: float) -> bool:
        """Conclude from what the one purchase took; whether that is to be seen yet: money may be booked late."""
        (bought_at, price), place = self._bought[0], after.place
        if price is None or price <= 0:
            return False
        delay = self._settings.now.orders.settle_delay
        fell = _fallen(before, after)
        taken = max(Decimal(0), fell.get(place or "", Decimal(0)))
        others = [each for each, by in fell.items() if by == price and each != place]
        if taken:
            self._account.follows_purchases = True
        if taken == price:
            self._spawn(self._choose(place or "", place), "balance")
        elif taken and taken / price not in _OTHER_UNITS:
            self._doubt(f"{place} fell by another amount than the price of a purchase")
        elif asked_at - bought_at < delay:
            self._account.look_within(delay - (asked_at - bought_at))
            return True
        else:
            if fell.get(place or "", taken) >= 0:  # one that rose was paid into, and hides what was taken
                self._account.follows_purchases = taken > 0
            self._conclude_late(place, price, taken, others)
        return False

    def _conclude_late(self, place: str | None, price: Decimal, taken: Decimal, others: list[str]) -> None:
        """Conclude where the price itself did not leave the figure in use, and had the time to."""
        if len(others) == 1:
            self._spawn(self._choose(others[0], place), "balance")
        elif taken:
            self._doubt(f"{place} fell by {(taken / price).normalize():f} times the price of a purchase")
        elif others:
            self._doubt(f"a purchase took its price from {' and '.join(others)}, and not from {place}")

    def _doubt(self, why: str) -> None:
        self._state.doubt(BALANCE, f"balance is doubtful: {why}")

    async def _choose(self, place: str, used: str | None) -> None:
        """Read the balance at a place from now on, and look at it."""
        if not await self._provider.choose(BALANCE, place):
            return
        if place == used:
            self._logger.info("the balance stands under %s: a purchase took its price from it", place)
            return
        self._account.follows_purchases = True
        self._logger.warning(
            "the balance is read under %s from now on, and not under %s: a purchase took its price from it", place, used
        )
        self._account.money_moved()


def _fallen(before: _Reading, after: _Reading) -> dict[str, Decimal]:
    """By how much each figure became less, by its place."""
    return {each: before.figures[each] - now for each, now in after.figures.items() if each in before.figures}
