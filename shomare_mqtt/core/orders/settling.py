"""Orders that may have been bought: buying pauses while the balance is compared (contract, State, Unknown)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shomare_mqtt.core.bridge_events import BridgeEvent
from shomare_mqtt.core.orders.evidence import Doubts
from shomare_mqtt.core.problem_words import MAY_BE_BOUGHT
from shomare_mqtt.core.records import Batch, Posting, Record, bridge_posting
from shomare_mqtt.core.waiting import pause
from shomare_mqtt.errors import ErrorCode, ProviderError
from shomare_mqtt.model import ErrorInfo, OrderState, Priority

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable
    from decimal import Decimal

    from shomare_mqtt.config.in_force import InForce
    from shomare_mqtt.core.clock import Clock
    from shomare_mqtt.core.market.account import Account
    from shomare_mqtt.core.orders.checking import Checker
    from shomare_mqtt.core.orders.ledger import Ledger
    from shomare_mqtt.core.ports import Spawn

_READINGS = 2
_RESOLVE_HINT = (
    'look at your purchases on the provider\'s site and send {{"order": "{order}", "outcome": "bought", "purchase": …, '
    '"phone": …}} or {{"order": "{order}", "outcome": "not_bought"}} to the topic resolve '
    "below the base topic (shomare, unless mqtt.base_topic is set)"
)


def unknown_error(order: str, reason: str) -> ErrorInfo:
    """The `error` of an order that may have been bought."""
    hint = _RESOLVE_HINT.format(order=order)
    message = (
        f"{reason.rstrip('.')}. Nobody knows whether the number was bought, and money may be gone; "
        f"it is not asked for again. To settle it, {hint}"
    )
    return ErrorInfo(ErrorCode.OUTCOME_UNKNOWN, message)


def buying_resumed(**why_paused: str) -> Posting:
    """The event that no pause is left, by whoever ends the last one. `why_paused`: what had caused that."""
    message = "the pause is over: numbers can be bought again, as far as the switch and the limits allow"
    return bridge_posting(BridgeEvent.BUYING_RESUMED, message, **why_paused)


@dataclass(slots=True, eq=False, repr=False)
class _Case:
    """Evidence being taken for one order: buying pauses until `until` (monotonic seconds), at the latest.

    `delay`: the `settle_delay` that it goes by to its end, whatever the settings are meanwhile.

    Steady time may go on by what the machine was off, and the second reading would come with the first.
    """

    until: float
    resolved: asyncio.Event
    delay: float


class Settler:
    """Takes evidence for each order that becomes `unknown`."""

    def __init__(
        self,
        settings: InForce,
        clock: Clock,
        ledger: Ledger,
        account: Account,
        checker: Checker,
        spawn: Spawn,
        logger: logging.Logger,
    ) -> None:
        self._settings = settings
        self._timeout = settings.now.provider.timeout
        self._clock = clock
        self._ledger = ledger
        self._account = account
        self._doubts = Doubts(settings, ledger, checker)
        self._spawn = spawn
        self._logger = logger
        self._cases: dict[str, _Case] = {}
        self.held_up: Callable[[], str | None] = lambda: None
        """Why buying pauses for another reason, None where it does not."""
        ledger.listeners.append(self._changed)

    def start(self) -> None:
        """Take up the evidence that an earlier process did not finish."""
        for record in self._ledger.open():
            if record.order.state is OrderState.UNKNOWN and not record.settled:
                self._open(record)

    def why_paused(self) -> str | None:
        """Why buying pauses, None where it does not."""
        now = self._clock.monotonic()
        paused = [order for order, case in self._cases.items() if now < case.until and not case.resolved.is_set()]
        if not paused:
            return None
        return f"order {paused[0]} {MAY_BE_BOUGHT}: buying pauses until the balance tells"

    def _changed(self, record: Record, previous: Record | None) -> None:
        state = record.order.state
        if state is OrderState.UNKNOWN and (previous is None or previous.order.state is not state):
            if not record.settled:
                self._open(record)
        elif state is not OrderState.UNKNOWN and (case := self._cases.get(record.order.order)):
            case.resolved.set()

    def _open(self, record: Record) -> None:
        order = record.order.order
        delay = self._settings.now.orders.settle_delay
        until = self._clock.monotonic() + 2 * delay + self._timeout
        self._cases[order] = _Case(until, asyncio.Event(), delay)
        self._spawn(self._settle(record, self._cases[order]), f"settle {order}")

    async def _settle(self, record: Record, case: _Case) -> None:
        order = record.order.order
        try:
            balances = await self._readings(case, record.evidence.place)
            # Who was settled by hand needs no evidence, and buying goes on at once.
            live = not case.resolved.is_set() and await self._doubts.all_live(record)
            async with self._ledger.changing(order):
                current = self._ledger.get(order)
                if current is not None and current.order.state is OrderState.UNKNOWN:
                    await self._conclude(current, balances, live=live)
        finally:
            del self._cases[order]
        if not self._cases and self.held_up() is None:
            await self._ledger.commit(Batch(postings=[buying_resumed(order=order)]))

    async def _readings(self, case: _Case, place: str | None) -> list[Decimal | None]:
        """The balance `settle_delay` and twice that after the request ended; None where it could not be read.

        One that was read at another place than the one from before is another figure, and one in doubt may be. Of one
        from before that an older version read, nobody knows the place.
        """
        began = self._clock.monotonic()
        balances: list[Decimal | None] = []
        for number in range(1, _READINGS + 1):
            wait = began + number * case.delay - self._clock.monotonic()
            if await pause(self._clock, wait, case.resolved):
                break
            balances.append(await self._balance(place))
        return balances

    async def _balance(self, place: str | None) -> Decimal | None:
        try:
            async with asyncio.timeout(self._timeout):
                profile = await self._account.read_fresh(Priority.MONEY)
        except (ProviderError, TimeoutError):
            return None
        is_same = place is None or profile.place == place
        return profile.balance if is_same and not self._account.is_doubtful else None

    async def _conclude(self, record: Record, balances: list[Decimal | None], *, live: bool) -> None:
        """Write down what the balances tell."""
        before, doubts = record.evidence.balance, self._doubts
        read = [b for b in balances if b is not None]
        batch = Batch()
        if before is None or len(read) < _READINGS:
            why = "it is in doubt, or could not be read just before and twice after"
            self._stay(batch, record, f"the balance is no evidence: {why}")
        elif doubts.has_moved(record):
            self._stay(batch, record, "the balance is no evidence: money moved for another reason")
        elif all(b == before for b in read) and live and not doubts.others_may_have_given(record):
            self._nothing_paid(batch, record, before)
        elif read[-1] < before and not doubts.others_may_have_taken(record):
            text = f"the balance fell by {self._account.said(before - read[-1])}: the number was probably bought"
            self._stay(batch, record, text, charged=before - read[-1])
        else:
            self._stay(batch, record, "the balance is no evidence: money may have moved for another reason")
        await self._ledger.commit(batch)

    def _nothing_paid(self, batch: Batch, record: Record, before: Decimal) -> None:
        order = record.order
        message = f"the balance stayed at {self._account.said(before)}: nothing was paid for"
        error = ErrorInfo(ErrorCode.OUTCOME_UNKNOWN, f"the provider's answer was lost; {message}")
        self._ledger.changed(batch, replace(record, settled=True), state=OrderState.FAILED, error=error)
        self._logger.warning("order %s: %s", order.order, message)
        batch.postings.append(
            bridge_posting(BridgeEvent.ORDER_PROBLEM, f"order {order.order}: {message}", order=order.order)
        )

    def _stay(self, batch: Batch, record: Record, text: str, charged: Decimal | None = None) -> None:
        order = record.order
        message = f"{text}; {_RESOLVE_HINT.format(order=order.order)}"
        error = unknown_error(order.order, text)
        self._logger.error("order %s stays unknown: %s", order.order, message)
        self._ledger.changed(batch, replace(record, settled=True), charged=charged, error=error)
        batch.postings.append(
            bridge_posting(BridgeEvent.OUTCOME_UNKNOWN, f"order {order.order}: {message}", order=order.order)
        )
