"""The account: profile and balance, read now and then and after money has moved."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from shomare_mqtt.core import render
from shomare_mqtt.core.waiting import Shared, pause
from shomare_mqtt.errors import ProviderError
from shomare_mqtt.model import Endpoint, Priority, Profile

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from shomare_mqtt.core.clock import Clock
    from shomare_mqtt.core.market.provider_state import ObservedProvider
    from shomare_mqtt.core.ports import Extensions, Journal, Retained

_SETTLING = 1.0
"""Seconds between a movement of money and the look at the balance that follows it."""
RENEWED_EVERY = 1.0
"""Seconds between two times that `profile` is published though nothing but its `updated_at` is another: a hundred
queries a second are not a hundred messages more."""
_FIRST_RETRY, _LONGEST_CALM = 5.0, 300.0


class Account:
    """The newest profile, and when it was asked for and told (steady seconds)."""

    def __init__(
        self,
        clock: Clock,
        journal: Journal,
        provider: ObservedProvider,
        retained: Retained,
        extensions: Extensions,
        currency: str,
    ) -> None:
        self._clock = clock
        self._journal = journal
        self._provider = provider
        self._retained = retained
        self._extensions = extensions
        self._currency = currency
        self._shared = Shared(clock, anew=True)
        self._wake = asyncio.Event()
        self._due = clock.monotonic()
        self._interval = float("inf")
        self._retry = _FIRST_RETRY
        self._calm, self._calm_until = 0.0, self._due
        self._in_doubt = False
        self._is_polling = False
        self._ended = float("-inf")  # of the calls that ended, when the newest was asked for
        self._shown: dict[str, object] = {}
        self._shown_at, self._show_at = float("-inf"), float("inf")
        self.profile: Profile | None = None
        self.asked_at = self.told_at = float("-inf")
        self.on_read: Callable[[Profile, float], None] = lambda *_: None
        """Told of each profile, and when it was asked for (steady seconds)."""
        self.listeners: list[Callable[[], object]] = []
        """Told that a profile was taken up."""
        self.follows_purchases = True
        """False once a purchase of a known price took nothing from the balance."""

    @property
    def balance(self) -> Decimal | None:
        """The balance as it was read last."""
        return self.profile.balance if self.profile else None

    @property
    def currency(self) -> str:
        """The unit of money: the one that the provider names, else that of the settings."""
        return (self.profile and self.profile.currency) or self._currency

    def said(self, value: Decimal) -> str:
        """Money in that unit as a person reads it."""
        return render.money_said(value, self.currency)

    @property
    def is_doubtful(self) -> bool:
        """Whether the balance may be another figure: that it stays says nothing of a purchase."""
        return not self.follows_purchases or (self.profile is not None and bool(self.profile.doubtful))

    @property
    def place(self) -> str | None:
        """Where that balance was read; another place's is another figure."""
        return self.profile.place if self.profile else None

    async def read(self, priority: Priority = Priority.QUERY) -> dict[str, object]:
        """Ask now; the payload of `query/profile`: the retained topic's, and all else that the provider said.

        Raises ProviderError.
        """
        profile: Profile = await self._shared.get("profile", lambda: self._read(priority), priority)
        return self._payload(profile)

    async def read_fresh(self, priority: Priority) -> Profile:
        """A profile that was asked for after this call began. Raises ProviderError."""
        return await self._read(priority)

    async def _read(self, priority: Priority) -> Profile:
        asked_at = self._journal.time.now()
        try:
            async with self._provider.taking(Endpoint.PROFILE):
                profile = self._take(await self._provider.profile(priority=priority), asked_at)
        except ProviderError as error:
            if asked_at >= self._ended:  # else a later question was answered earlier, and told when to look again
                self._ended = asked_at
                self._look_again(error)
            raise
        self._ended, self._retry = max(self._ended, asked_at), _FIRST_RETRY
        return profile

    def _look_again(self, error: ProviderError) -> None:
        if error.retry_after:
            self._due = float("inf")  # what was due before that is too early
        self.look_within(error.retry_after or min(self._retry, self._interval))
        self._retry = min(2 * self._retry, self._interval)

    def _take(self, profile: Profile, asked_at: float) -> Profile:
        """Make use of a profile; the newest one."""
        previous = self.profile
        if previous is not None and asked_at < self.asked_at:
            return previous  # a later question was answered earlier
        self.profile = profile
        self.asked_at, self.told_at = asked_at, self._journal.time.now()
        self._show(profile)
        if previous is None or previous.balance != profile.balance:
            before = previous and replace(previous, currency=previous.currency or self._currency)
            self._extensions.balance_changed(replace(profile, currency=self.currency), before)
        self.on_read(profile, asked_at)
        for listener in tuple(self.listeners):  # some go once they were told
            listener()
        return profile

    def _payload(self, profile: Profile) -> dict[str, object]:
        return {**profile.extra, **render.profile_json(profile, self._currency, self._clock.now())}

    def _show(self, profile: Profile) -> None:
        """Renew the retained topics; where they say the same, once a second, with the time of the newest look."""
        said = render.profile_json(profile, self._currency, self._clock.now())
        before, self._shown = self._shown, said
        if said["balance"] == before.get("balance") and said["currency"] == before.get("currency"):
            if self._clock.monotonic() - self._shown_at < RENEWED_EVERY:
                self._show_later()
                return
        elif profile.balance is not None:
            self._retained.put("profile/balance", render.money_text(profile.balance).encode())
        self._show_now()

    def _show_now(self) -> None:
        self._shown_at, self._show_at = self._clock.monotonic(), float("inf")
        self._retained.put("profile", render.dumps(self._shown))

    def _show_later(self) -> None:
        if self._show_at == float("inf"):
            self._show_at = self._shown_at + RENEWED_EVERY
            self._wake.set()

    def money_moved(self) -> None:
        """A purchase or a refund happened: look at the balance soon."""
        self.look_within(_SETTLING)

    def provider_lost(self) -> None:
        """Another call found the provider away: ask from now on until it is back, and do not sleep out the interval."""
        if not self._is_polling:
            self.look_within(_SETTLING)

    def doubted(self) -> None:
        """Another call got what may hold for all of them, such as a 401: look at once, then ever more seldom.

        Only what the profile gets as well is believed of more than that one call (contract, Answers).
        """
        self._in_doubt = True
        self.look_within(max(0.0, self._calm_until - self._clock.monotonic()))

    def look_within(self, seconds: float) -> None:
        """Look at the balance in so many seconds, at the latest."""
        due = self._clock.monotonic() + seconds
        if due < self._due:
            self._due = due
            self._wake.set()

    def _calm_down(self) -> None:
        """Doubts that come again and again, as of one order, are looked into ever more seldom."""
        self._calm = min(max(2 * self._calm, _FIRST_RETRY), _LONGEST_CALM) if self._in_doubt else 0.0
        self._calm_until = self._clock.monotonic() + self._calm
        self._in_doubt = False

    async def run(self, interval: Callable[[], float]) -> None:
        """Renew the profile every `interval` seconds, after money has moved and in doubt, for ever.

        Where the interval becomes a shorter one, `look_within` it is to be called.
        """
        while True:
            self._interval = interval()
            self._wake.clear()
            if await pause(self._clock, min(self._due, self._show_at) - self._clock.monotonic(), self._wake):
                continue
            if self._clock.monotonic() >= self._show_at:
                self._show_now()
                continue
            self._due = self._clock.monotonic() + interval()
            self._calm_down()
            self._is_polling = True
            try:
                with suppress(ProviderError):  # the provider's state tells of it, and the next look is due
                    await self.read(Priority.POLL)
            finally:
                self._is_polling = False
