"""Whether this journal is older than what the broker knows of it (contract, State, An old journal).

A copy of the journal that was put back, or one whose end was lost, knows nothing of what was bought since. The broker
does: the retained `bridge/journal` says how far the journal had come, and `orders/` what was open. That is compared
before anything may be bought.

Transactions are counted, so a copy that went on by itself would soon be as far as the one it was taken of. So a journal
that is found to be older gets another name, `<name>.<something>`, and whichever of the two is used later is told apart
from the other. `bridge/journal` is published after all of that is durable: a crash in between hides nothing, and the
same old message on the broker raises no second alarm.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from enum import StrEnum
from typing import TYPE_CHECKING

from shomare_mqtt.core import problem_words as words
from shomare_mqtt.core.bridge_events import BridgeEvent
from shomare_mqtt.core.orders.adopting import answer
from shomare_mqtt.core.orders.settling import buying_resumed
from shomare_mqtt.core.problems import Gravity, Problem
from shomare_mqtt.core.records import (
    JOURNAL,
    JOURNAL_PAUSE,
    JOURNALS_KNOWN,
    PAUSED_AT,
    Batch,
    JournalMark,
    bridge_posting,
)
from shomare_mqtt.core.tickets import Outcome

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterator, Mapping

    from shomare_mqtt.core.clock import Clock
    from shomare_mqtt.core.orders.adopting import Adopting
    from shomare_mqtt.core.orders.ledger import Ledger
    from shomare_mqtt.core.ports import Journal, OnBroker, Retained
    from shomare_mqtt.core.records import Record
    from shomare_mqtt.core.tickets import Ticket

TOPIC = "bridge/journal"
RESTORED = "journal_restored"
UNCOMPARED = "the broker was not reached yet since the start, and it may know of newer purchases than the journal"
IN_WORDS = {
    RESTORED: f"{RESTORED}: the journal is older than what the broker knows of it, and what is asked for may have been "
    "bought earlier; look at your numbers on the provider's site, then publish on to buying/set"
}
"""Reasons of a pause that are one word in `bridge/health`, as a refused `buy` tells them."""
SOON, AT_MOST = 1.0, 9.0
"""Seconds after a change, and between two messages on `bridge/journal`, which may be ten behind (contract).

Where a purchase is begun or made it is shown at once.
"""
_MOST_KNOWN = 50


class _Verdict(StrEnum):
    """What the broker's message on `bridge/journal` means."""

    RESTORED = "restored"
    NEW = "new"


class OldJournal:
    """Compares, takes up what the broker still holds, and shows how far this journal is.

    Life: `compare` once the broker is reached, before commands are taken from it; `start` once commands that were left
    unanswered go on; `run`.
    """

    def __init__(
        self,
        clock: Clock,
        journal: Journal,
        ledger: Ledger,
        adopting: Adopting,
        retained: Retained,
        logger: logging.Logger,
    ) -> None:
        self._clock = clock
        self._journal = journal
        self._ledger = ledger
        self._adopting = adopting
        self._retained = retained
        self._logger = logger
        self._opened = journal.identity
        self._name = self._opened.name
        self._pause = self._opened.pause
        self._paused_at = self._opened.paused_at or clock.now()
        self._compared = False
        self._started = False
        self._found: tuple[_Verdict, JournalMark, Mapping[str, bytes]] | None = None
        self._taken_up = asyncio.Event()
        self._taken_up.set()
        self._alone = asyncio.Lock()
        self._advanced = asyncio.Event()
        journal.on_advanced = self._advanced.set
        ledger.listeners.append(self._show_purchase)
        self.on_changed: Callable[[], object] = lambda: None
        """Told whenever `why_paused` says something else."""
        self.held_up: Callable[[], str | None] = lambda: None
        """Why buying pauses for another reason, None where it does not."""

    async def bought_before(self, ticket: Ticket) -> Outcome | None:
        """What a `buy` comes to where another journal carried its transaction out, as the command is not known here.

        None where that is not known of any order, or where nothing may be bought because of the journal: a sender that
        asks again while it is an older one is told so (contract, State, An old journal).
        """
        await self._taken_up.wait()
        transaction = ticket.envelope.transaction
        if transaction is None or self.why_paused() is not None:
            return None
        record = await self._ledger.find_adopted(transaction)
        return None if record is None else Outcome(answer(record.order))

    def why_paused(self, *, here: bool = False) -> str | None:
        """Why nothing may be bought, None where it may.

        `here`: somebody at the daemon's own page asks for it now (Ticket.is_asked_here). That is no command from before
        a backup was put back, come again: a broker that is away does not forbid it (contract, Web page).
        """
        if self._pause is not None:
            return RESTORED
        return None if self._compared or here else UNCOMPARED

    def problems(self) -> Iterator[Problem]:
        """That a journal was put back, until somebody publishes `on` to `buying/set`."""
        if self._pause is not None:
            message, event = f"{words.JOURNAL_RESTORED}.", BridgeEvent.JOURNAL_RESTORED
            yield Problem(Gravity.JOURNAL, event, message, self._paused_at)

    # --- comparing --------------------------------------------------------------------------------------------------

    async def compare(self, broker: OnBroker) -> None:
        """Compare, once, with what the broker holds. Raises what that does, and then nothing was compared."""
        mark = JournalMark.read(await broker.journal())
        verdict = None if mark is None else self._judge(mark)
        if mark is not None and verdict is not None:
            orders = await broker.orders()
            before = [command.row for command in await self._journal.pending()]
            if verdict is _Verdict.RESTORED:
                self._pause = max((self._pause or 0, *before))
                self._paused_at = self._clock.now()
            self._found = verdict, mark, orders
            self._taken_up.clear()
        self._compared = True
        if self._started:
            await self._take_up()

    def _judge(self, mark: JournalMark) -> _Verdict | None:
        own = {self._opened.name: self._opened.sequence}
        if mark.sequence <= {**self._opened.known, **own}.get(mark.journal, -1):
            return None
        return _Verdict.RESTORED if _root(mark.journal) == _root(self._opened.name) else _Verdict.NEW

    async def start(self) -> None:
        """Take up what was found, if it was; orders of commands that a crash cut off are `unknown` by now."""
        self._started = True
        if self._pause is not None and self._found is None:
            self._logger.warning("nothing is bought yet: %s", IN_WORDS[RESTORED])
        if self._compared:
            await self._take_up()

    async def _take_up(self) -> None:
        """Make what was found durable, all of it at once, and only then show this journal in the other's place."""
        async with self._alone:
            await self._write_down_what_was_found()
        self.show()
        self.on_changed()

    async def _write_down_what_was_found(self) -> None:
        if self._found is not None:
            await self._write_down(*self._found)
            self._found = None
            self._taken_up.set()

    async def _write_down(self, verdict: _Verdict, mark: JournalMark, orders: Mapping[str, bytes]) -> None:
        known = {**self._opened.known, mark.journal: max(mark.sequence, self._opened.known.get(mark.journal, 0))}
        batch = Batch(moves=1)  # money moved, and nobody here knows how: no balance is evidence any more
        self._ledger.may_be_refunded(batch)  # nor is one that is read before a refund is booked
        watched = await self._adopting.take(batch, orders)
        if verdict is _Verdict.RESTORED:
            known.setdefault(self._name, self._journal.sequence)
            self._name = f"{_root(self._name)}.{secrets.token_hex(4)}"
            batch.meta |= {JOURNAL: self._name, JOURNAL_PAUSE: str(self._pause), PAUSED_AT: self._paused_at.isoformat()}
            message = self._restored(mark, watched)
            why = "buying pauses until somebody publishes on to buying/set"
            batch.postings.append(bridge_posting(BridgeEvent.BUYING_PAUSED, why, reason=RESTORED))
            event = BridgeEvent.JOURNAL_RESTORED
        else:
            message = _new(mark, watched)
            event = BridgeEvent.JOURNAL_NEW
        batch.meta[JOURNALS_KNOWN] = json.dumps(dict(list(known.items())[-_MOST_KNOWN:]))
        batch.postings.append(bridge_posting(event, message, journal=mark.journal, watched=watched))
        await self._ledger.commit(batch)
        self._adopting.taken(orders)
        self._logger.warning("%s", message)

    def _restored(self, mark: JournalMark, watched: list[str]) -> str:
        same = mark.journal == self._opened.name
        further = f"it {mark.sequence - self._opened.sequence} steps further" if same else "a copy of it that went on"
        return (
            f"The journal is an older one: the broker knows {further}. A backup was put back, or the journal's end was "
            f"lost. Numbers bought since then are not in it{_again(watched)}. A buy that was answered may come again. "
            "Buying pauses: look at your numbers on the provider's site, then publish on to buying/set"
        )

    async def accept(self, row: int) -> None:
        """Somebody published `on` to `buying/set`, by the command of this row: the pause is over, for good."""
        async with self._alone:
            if self._pause is None or row <= self._pause:
                return  # a command from before the pause knew nothing of it
            batch = Batch(meta={JOURNAL_PAUSE: None, PAUSED_AT: None})
            if self.held_up() is None:
                batch.postings.append(buying_resumed(reason=RESTORED))
            await self._ledger.commit(batch)
            self._pause = None
        self.on_changed()

    # --- showing ----------------------------------------------------------------------------------------------------

    def show(self) -> None:
        """Put how far the journal is; nothing before it was compared."""
        if self._compared and self._found is None:
            self._retained.put(TOPIC, JournalMark(self._name, self._journal.sequence).payload())

    def _show_purchase(self, record: Record, previous: Record | None) -> None:
        """At once, beside the order: a copy from before it is known for one also after a crash in the next second."""
        if previous is None or previous.order.purchase != record.order.purchase:
            self.show()

    async def run(self) -> None:
        """Show each step that is no purchase, a few together, for ever."""
        shown = float("-inf")
        while True:
            await self._advanced.wait()
            await self._clock.sleep(max(SOON, shown + AT_MOST - self._clock.monotonic()))
            self._advanced.clear()
            shown = self._clock.monotonic()
            self.show()


def _root(name: str) -> str:
    """What copies of one journal have in common."""
    return name.partition(".")[0]


def _new(mark: JournalMark, watched: list[str]) -> str:
    return (
        f"The journal is a new one: the broker knows another ({mark.journal}) on this base topic. What was bought with "
        f"that one is not in this one{_again(watched)}. Buying goes on; look at the provider's site for other numbers "
        "that are open there"
    )


def _again(watched: list[str]) -> str:
    if not watched:
        return ", and the broker holds none that could be watched"
    return f"; {len(watched)} that the broker still holds {'is' if len(watched) == 1 else 'are'} watched again"
