"""Whether the daemon works: what `healthz` answers (contract, Web page), and what systemd's watchdog is fed by.

A loop that has something to do leaves a mark whenever it gets on (`core.pace`). What it waits for lawfully is not
counted: a broker that is away, a time limit of the provider's, a disk that is full, its turn by `requests_per_minute`.
The allowances are generous. To be restarted for nothing costs more than to stand some minutes longer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from shomare_mqtt.config.held import Settings
    from shomare_mqtt.core.bridge import Bridge
    from shomare_mqtt.core.clock import Clock
    from shomare_mqtt.daemon.broker import Broker
    from shomare_mqtt.daemon.tasks import Tasks
    from shomare_mqtt.journal.store import Journal
    from shomare_mqtt.provider.client import Client

AWAY = 60.0
"""Seconds for which the broker may be away (contract, Web page); the daemon goes on waiting for it."""
JOURNAL = 300.0
"""Seconds that one step of the journal's thread may take: some ten times what the worst SD cards need for an fsync."""
LINK = 600.0
"""Seconds for an attempt at the broker, which is made of a dozen steps with a time limit each, or for the pause after
it; and by which the keep alive may be late."""
OUTBOX = 300.0
"""Seconds for one message to be taken by the broker or not: the connection ends after 60 without a PUBACK."""
WATCH = 600.0
"""Seconds in which something comes of some order, where checks are due; see also `_watch_allowance`."""
CHANGE = 1800.0
"""Seconds that a start or an end may take: a long journal is looked through on a slow card."""
_FOR_EVER = ("mqtt", "outbox", "retained", "desk", "watch")
"""Tasks that go on for as long as the daemon does."""


class Loop(NamedTuple):
    """One that may stand: its name in a sentence, seconds for which it has stood, how many may be, what follows.

    `in_line`: what it waits for may be its turn at the provider.
    """

    name: str
    stood: Callable[[], float]
    allowance: float
    means: str
    in_line: bool = False


def journal_loop(journal: Journal) -> Loop:
    """The journal's thread."""
    means = "no command is taken and nothing is bought; what is on disk stays"
    return Loop("the journal", journal.stood, JOURNAL, means)


def loops_of(settings: Settings, broker: Broker, bridge: Bridge) -> Iterable[Loop]:
    """Those on the event loop."""
    unheard = "no command is heard; orders are watched all the same, and their codes kept"
    yield Loop("the link to the broker", broker.session.stood, LINK, unheard)
    unsent = "answers and codes are in the journal and do not go out; they do after a restart"
    yield Loop("the outbox", broker.outbox.pace.stood, OUTBOX, unsent)
    yield Loop("the retained topics", broker.retained.pace.stood, OUTBOX, "what they show is old")
    unasked = "numbers are paid for and nobody asks for their codes; after a restart they are asked for again"
    yield Loop("the watch of the orders", bridge.orders.watch_stood, _watch_allowance(settings), unasked, in_line=True)


def _watch_allowance(settings: Settings) -> float:
    """One request may be tried several times, and wait behind some others where few are allowed."""
    provider = settings.provider
    apart = 60 / provider.requests_per_minute if provider.requests_per_minute else 0.0
    return WATCH + 10 * (provider.timeout + apart)


class Health:
    """What is looked at of one daemon, on the event loop: where that stands, nobody can ask.

    Life: `follow`, `started` once it works, `ends` before its tasks are ended.
    """

    def __init__(self, clock: Clock, journal: Journal, tasks: Tasks, longest_request: float = 0.0) -> None:
        self._now = clock.monotonic
        self._journal = journal
        self._tasks = tasks
        self._own = journal_loop(journal)
        self._loops: tuple[Loop, ...] = ()
        self._away_for: Callable[[], float] = lambda: 0.0
        self._line: Callable[[], tuple[int, int]] = lambda: (0, 0)
        self._calls = 0
        self._change = CHANGE + longest_request
        self._changes: str | None = "the start"
        self._ends = False
        self._changes_since = self._counted_from = self._moved = self._now()

    def follow(self, settings: Settings, broker: Broker, bridge: Bridge, client: Client) -> None:
        """Look at these, too."""
        self._loops = tuple(loops_of(settings, broker, bridge))
        self._away_for = broker.away_for
        self._line = lambda: (client.waiting, client.counters.total())

    def started(self) -> None:
        """From now on all its tasks are there."""
        self._changes = None

    def ends(self) -> None:
        """Its tasks are about to be ended: from now on that has to come to its end, and the journal to work."""
        self._changes, self._changes_since, self._ends = "the end", self._now(), True
        self._loops = ()

    def stood_still(self) -> None:
        """The whole process did, or its machine: what it did not do meanwhile is not counted."""
        self._counted_from = self._changes_since = self._now()

    def stands(self) -> tuple[str, ...]:
        """A sentence for each loop that stands, and will not go on by itself: what a restart is for."""
        self._excuse()
        return tuple(self._standing())

    def faults(self) -> tuple[str, ...]:
        """A sentence for each thing that does not work; none where the daemon does, whether or not the provider does.

        Cheap, and to be called on the loop: nothing is awaited and no file is read.
        """
        return (*self.stands(), *self._troubles())

    def _excuse(self) -> None:
        """What waits for the disk to have room, or in a line that moves, begins to count when that is over."""
        waiting, calls = self._line()
        if self._journal.is_full:
            self._counted_from = self._now()
            if not self._ends:  # an end has its time all the same: systemd waits for no disk
                self._changes_since = self._now()
        if waiting and calls != self._calls:
            self._moved = self._now()
        self._calls = calls

    def _standing(self) -> Iterable[str]:
        now = self._now()
        for loop in (self._own, *self._loops):
            counted_from = max(self._counted_from, self._moved) if loop.in_line else self._counted_from
            stood = min(loop.stood(), now - counted_from)
            if stood > loop.allowance:
                name = loop.name if loop is self._own else f"a loop that stands: {loop.name}"
                yield f"{name} has not got on for {stood:.0f} seconds: {loop.means}"
        if self._changes is None:
            yield from (f"a loop that stands: the task '{name}' has ended" for name in self._dead())
        elif now - self._changes_since > self._change:
            yield f"a loop that stands: {self._changes} of the daemon takes more than {self._change:.0f} seconds"

    def _dead(self) -> Iterable[str]:
        running = self._tasks.names()
        return (name for name in _FOR_EVER if name not in running)

    def _troubles(self) -> Iterable[str]:
        """What a restart does not mend."""
        if self._journal.is_full:
            yield "the journal: the disk is full; what came last waits in memory, and nothing is bought: make room"
        if (away := self._away_for()) > AWAY:
            yield f"the broker has been away for {away:.0f} seconds (a minute is too long)"
