"""What the balance can tell of a purchase: read just before it, and nothing else that moves money (contract, State).

The balance that stays is a proof only as far as no money may have come back that was spent before it was read: what was
spent after that cannot bring more than it took.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from shomare_mqtt.core.records import LONGEST_LIFE, Evidence, Record
from shomare_mqtt.core.waiting import Shared
from shomare_mqtt.errors import ErrorCode, ProviderError
from shomare_mqtt.model import WATCHED_STATES, OrderState, Priority, PurchaseState

if TYPE_CHECKING:
    from shomare_mqtt.config.in_force import InForce
    from shomare_mqtt.core.clock import Clock
    from shomare_mqtt.core.market.account import Account
    from shomare_mqtt.core.orders.checking import Checker
    from shomare_mqtt.core.orders.ledger import Ledger

_OLDEST = 10.0
"""Seconds before the request at which the balance was asked for, at most (contract, Unknown)."""
_RENEWED = 5.0
"""Seconds after which it is asked for anew, so that it is not too old by the time that the request leaves."""
_TIMEOUT = 5.0
"""Seconds that a purchase waits for the balance from before it; without it, a lost answer leaves no evidence."""
_LIVE = frozenset({PurchaseState.WAITING, PurchaseState.RECEIVED})


class Witness:
    """Reads the balance before a purchase."""

    def __init__(self, settings: InForce, clock: Clock, ledger: Ledger, account: Account) -> None:
        self._settings = settings
        self._time = ledger.time
        self._ledger = ledger
        self._account = account
        self._shared = Shared(clock, anew=True)

    async def take(self, *, needed: bool) -> Evidence:
        """What is known of the money now: the balance, asked for anew where it is old or money has moved since.

        None where it may be another figure: one that stays would say that nothing was paid.

        Raises ProviderError where it is `needed` and cannot be read.
        """
        account, ledger = self._account, self._ledger
        if needed or account.balance is None or self._is_stale():
            await self._read(needed=needed)
        fresh = account.asked_at > ledger.last_move and not self._is_older(account.asked_at, _OLDEST)
        quiet = self._is_quiet(account.asked_at) and not ledger.refunds_in_flight
        balance = account.balance if fresh and not account.is_doubtful else None
        return Evidence(balance, ledger.moves, quiet, account.asked_at, account.told_at, account.place)

    async def renew(self, record: Record) -> Record:
        """The order with newer evidence, where it had some that a wait has spoilt."""
        evidence = record.evidence
        if evidence.balance is None or (
            not self._is_older(evidence.asked, _RENEWED) and evidence.moves == self._ledger.moves
        ):
            return record
        return await self._ledger.note(record, evidence=await self.take(needed=False))

    async def leave(self, record: Record) -> Record:
        """The order as its request leaves: in the journal, too, a balance that is older than it may be is none."""
        evidence = record.evidence
        if evidence.balance is None or not self._is_older(evidence.asked, _OLDEST):
            return record
        return await self._ledger.note(record, evidence=evidence._replace(balance=None))

    def now(self) -> float:
        """Steady seconds."""
        return self._time.now()

    async def _read(self, *, needed: bool) -> None:
        try:
            async with asyncio.timeout(_TIMEOUT):
                # Asked for once by all that come while no money moved: what a balance tells hangs on when it was asked
                # for and told, and not on when a purchase began. One that hangs is asked for anew, for all of them.
                since = self._ledger.last_move, self._is_quiet(self._time.now())
                await self._shared.get(since, lambda: self._account.read_fresh(Priority.MONEY))
        except TimeoutError:
            if needed:
                raise ProviderError(
                    ErrorCode.PROVIDER_TIMEOUT,
                    "min_balance is set, and the balance could not be read; nothing was bought",
                ) from None
        except ProviderError:
            if needed:
                raise

    def _is_older(self, moment: float, seconds: float) -> bool:
        return self._time.now() - moment > seconds

    def _is_quiet(self, moment: float) -> bool:
        """Whether no money may have come back just before a moment (steady seconds): it may be booked late."""
        return moment - self._ledger.last_refund >= self._settings.now.orders.settle_delay

    def _is_stale(self) -> bool:
        """Whether the balance is old, or money has moved since it was read, or was moving then and rests by now."""
        asked_at = self._account.asked_at
        at_rest = self._is_quiet(self._time.now()) and not self._is_quiet(asked_at)
        return at_rest or asked_at <= self._ledger.last_move or self._is_older(asked_at, _RENEWED)


class Doubts:
    """Tells what else may have moved the money while an order was in doubt."""

    def __init__(self, settings: InForce, ledger: Ledger, checker: Checker) -> None:
        self._settings = settings
        self._ledger = ledger
        self._checker = checker

    def has_moved(self, record: Record) -> bool:
        """Whether money is known to have moved since the balance from before was read."""
        ledger, evidence = self._ledger, record.evidence
        return ledger.moves != evidence.moves or ledger.refunds_in_flight > 0 or not evidence.quiet

    def others_may_have_taken(self, record: Record) -> bool:
        """Whether another order may have taken the money that is gone."""
        since = record.made - self._settings.now.orders.settle_delay
        return any(
            r.order.state is OrderState.BUYING or (r.order.state is OrderState.UNKNOWN and r.made >= since)
            for r in self._others(record)
        )

    def others_may_have_given(self, record: Record) -> bool:
        """Whether a number that was perhaps bought before the balance was read was perhaps given back since."""
        told = record.evidence.told
        return any(
            r.order.state in (OrderState.BUYING, OrderState.UNKNOWN) and told - LONGEST_LIFE < r.made < told
            for r in self._others(record)
        )

    async def all_live(self, record: Record) -> bool:
        """Whether every number that could be given back is asked about, and lives: an end may have brought money back.

        An end that shows is written down as the movement of money that it may be. The provider may know of another end
        than we do: one that closed here with its money still gone may live on there.
        """
        lately = await self._ledger.lately(self._settings.now.orders.lifetime)
        numbers = [r for r in lately if r.order.order != record.order.order]
        return all([await self._lives(r) for r in numbers if _may_come_back(r)])

    async def _lives(self, record: Record) -> bool:
        try:
            after, reading = await self._checker.look(record, Priority.MONEY)
        except ProviderError:
            return False
        # One that did its work and is done brings nothing back.
        return reading.state in _LIVE or (reading.state is PurchaseState.FINISHED and bool(after.order.sms))

    def _others(self, record: Record) -> list[Record]:
        return [r for r in self._ledger.open() if r.order.order != record.order.order]


def _may_come_back(record: Record) -> bool:
    order = record.order
    return order.state in WATCHED_STATES or (order.state is OrderState.EXPIRED and not order.refunded)
