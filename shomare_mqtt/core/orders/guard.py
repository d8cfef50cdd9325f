"""The limits that the owner set: one place says whether a purchase is allowed (contract, `[limits]`)."""

from __future__ import annotations

from datetime import datetime, time
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from shomare_mqtt.core.orders.old_journal import IN_WORDS
from shomare_mqtt.core.records import Condition
from shomare_mqtt.errors import CommandRefusedError, ErrorCode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from decimal import Decimal

    from shomare_mqtt.config.held import Limits
    from shomare_mqtt.config.in_force import InForce
    from shomare_mqtt.core.ports import Journal
    from shomare_mqtt.core.records import SpendFacts


_DAY = 86400.0


class Guard:
    """Says no where a limit, the switch or a pause says no."""

    def __init__(
        self,
        settings: InForce,
        journal: Journal,
        switch: Callable[[], bool],
        pause: Callable[[bool], str | None],
        money: Callable[[Decimal], str],
    ) -> None:
        self._settings = settings
        self._zone = ZoneInfo(settings.now.provider.timezone)
        self._journal = journal
        self._switch = switch
        self._pause = pause
        self._money = money

    @property
    def limits(self) -> Mapping[str, object]:
        """Each limit as it is now; those of another moment that are equal are the same."""
        return vars(self._settings.now.limits)

    @property
    def _limits(self) -> Limits:
        return self._settings.now.limits

    @property
    def _lifetime(self) -> float:
        return self._settings.now.orders.lifetime

    def why_paused(self, *, here: bool = False) -> str | None:
        """Why nothing may be bought right now, None where it may; `here`: by whom Ticket.is_asked_here says so."""
        if not self._switch():
            return "the switch buying is off"
        return self._pause(here)

    def check_paused(self, *, here: bool = False) -> None:
        """Raise CommandRefusedError (`buying_paused`) where nothing may be bought right now; `here`: as above."""
        if (reason := self.why_paused(here=here)) is not None:
            raise CommandRefusedError(ErrorCode.BUYING_PAUSED, f"{IN_WORDS.get(reason, reason)}; nothing was bought")

    def max_price(self, *others: Decimal | None) -> Decimal | None:
        """The lowest of the limits that are set."""
        return min((p for p in (self._limits.max_price, *others) if p is not None), default=None)

    def needs_price(self, *bounds: Decimal | None) -> bool:
        """Whether a limit can only be checked with the price; `bounds`: those of the command and the defaults."""
        return any(v is not None for v in (*bounds, self._limits.max_spend_per_day, self._limits.min_balance))

    @property
    def needs_balance(self) -> bool:
        """Whether a limit can only be checked with the balance."""
        return self._limits.min_balance is not None

    async def facts(self, but: str | None = None) -> SpendFacts:
        """What the limits count now, less an order."""
        return await self._journal.facts(self._today(), self._lifetime, but)

    def condition(self, price: Decimal | None, but: str | None = None) -> Condition:
        """That no count and no sum is used up as a purchase is written down: what was written before it counts.

        `but`: the order, where it is written already.
        """
        limits = self._limits
        return Condition(lambda facts: self._check_facts(limits, facts, price), self._today(), self._lifetime, but)

    def _today(self) -> float:
        """Seconds since the day began."""
        now = self._journal.time.civil().astimezone(self._zone)
        midnight = datetime.combine(now.date(), time.min, self._zone)
        # Not as they stand: where the clocks change, a day is not what its hours say.
        today = now.timestamp() - midnight.timestamp()
        if not self._journal.time.knows_day():
            today = max(today, _DAY)  # a clock that starts at some midnight would free what was used up before
        return today

    def check_price(self, price: Decimal | None, max_price: Decimal | None) -> None:
        """Raise CommandRefusedError (`price_too_high`) where the price is above the limit."""
        if price is not None and max_price is not None and price > max_price:
            raise CommandRefusedError(
                ErrorCode.PRICE_TOO_HIGH,
                f"the price is {self._money(price)}, max_price allows {self._money(max_price)}; nothing was bought",
            )

    def check_least(self, price: Decimal | None, min_price: Decimal | None) -> None:
        """Raise CommandRefusedError (`price_too_low`) where the price is below what the command asks for."""
        if price is not None and min_price is not None and price < min_price:
            raise CommandRefusedError(
                ErrorCode.PRICE_TOO_LOW,
                f"the price is {self._money(price)}, min_price asks for {self._money(min_price)} at least; nothing was "
                "bought",
            )

    def check_balance(self, balance: Decimal | None, price: Decimal | None) -> None:
        """Raise CommandRefusedError (`limit_reached`) where `min_balance` would not be left after the purchase."""
        least = self._limits.min_balance
        if least is None:
            return
        if balance is None or price is None:
            raise CommandRefusedError(
                ErrorCode.MALFORMED_ANSWER,
                "min_balance is set, and the provider's answers name no balance or no price; nothing was bought",
            )
        if balance - price < least:
            raise CommandRefusedError(
                ErrorCode.LIMIT_REACHED,
                f"min_balance: {self._money(balance - price)} would be left after the purchase, {self._money(least)} "
                "must be; nothing was bought",
            )

    def check_facts(self, facts: SpendFacts, price: Decimal | None) -> None:
        """Raise CommandRefusedError (`limit_reached`) where a count or a sum is used up."""
        self._check_facts(self._limits, facts, price)

    def check_unsent(self, facts: SpendFacts, price: Decimal | None, max_price: Decimal | None) -> None:
        """As all the others, for an order that is written down, so that it counts itself, and was not sent yet.

        The limits may need a price that was not asked for, since those from before did not.
        """
        if price is None and self.needs_price(max_price):
            raise CommandRefusedError(
                ErrorCode.LIMIT_REACHED,
                "the limits in the settings changed meanwhile, and need the price, which was not asked for; nothing "
                "was bought",
            )
        self.check_price(price, max_price)
        others = facts._replace(
            spent_today=facts.spent_today - (price or 0),
            bought_last_hour=facts.bought_last_hour - 1,
            open_orders=facts.open_orders - 1,
        )
        self.check_facts(others, price)

    def _check_facts(self, limits: Limits, facts: SpendFacts, price: Decimal | None) -> None:
        most = limits.max_spend_per_day
        if most is not None and price is not None and facts.spent_today + price > most:
            spent, price_said = self._money(facts.spent_today), self._money(price)
            raise _reached("max_spend_per_day", f"{spent} of {self._money(most)} is spent, and this costs {price_said}")
        for name, limit, count, what in (
            ("max_buys_per_hour", limits.max_buys_per_hour, facts.bought_last_hour, "bought within the last hour"),
            ("max_open_orders", limits.max_open_orders, facts.open_orders, "orders open"),
            ("max_unused_per_day", limits.max_unused_per_day, facts.unused_today, "numbers of today got no SMS"),
        ):
            if limit is not None and count >= limit:
                raise _reached(name, f"{count} {what}, {limit} are allowed")


def _reached(name: str, how: str) -> CommandRefusedError:
    return CommandRefusedError(ErrorCode.LIMIT_REACHED, f"{name}: {how}; nothing was bought")
