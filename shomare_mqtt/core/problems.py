"""What needs a person's eyes and is not over: `bridge/problem` (contract, section State).

What holds as long as something is so (an order in doubt, a provider that is away) is asked of whoever knows, its
sources. What happened once (a command was refused) is noted here, until a later command of the kind went well or its
time is over.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from shomare_mqtt import topics
from shomare_mqtt.core import render
from shomare_mqtt.core.problem_words import DOUBTFUL, OF_AN_OPEN_NUMBER, fitting
from shomare_mqtt.core.waiting import pause
from shomare_mqtt.errors import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from shomare_mqtt.core.bridge_events import BridgeEvent
    from shomare_mqtt.core.clock import Clock, SteadyTime
    from shomare_mqtt.core.ports import Retained
    from shomare_mqtt.model import Transaction

LASTS = 3600.0
"""Seconds after which a refusal is over (contract)."""
MOST = 1000
"""Refusals that are remembered; of more the oldest go."""
_NEVER = float("inf")


class Gravity(IntEnum):
    """Which problem is told first: the lowest (contract)."""

    ORDER = 0
    JOURNAL = 1
    PROVIDER = 2
    COMMAND = 3


@dataclass(frozen=True, slots=True)
class Problem:
    """`at`: when its cause came about. `message`: a sentence for its owner; it never holds what an SMS says."""

    gravity: Gravity
    event: BridgeEvent
    message: str
    at: datetime
    code: ErrorCode | None = None
    order: str | None = None
    transaction: Transaction | None = None

    def as_json(self, more: int) -> dict[str, Any]:
        """As the topic tells it; `more`: how many others there are."""
        return {
            "event_type": self.event.value,
            "code": self.code and self.code.value,
            "message": fitting(self.message),
            "at": render.timestamp(self.at),
            "order": self.order,
            "transaction": self.transaction,
            "more": more,
        }


class Noted(NamedTuple):
    """A problem of something that happened once. It is over at `until` (steady seconds).

    Or once a command of its `kind` that came later went well; `row`: that of the command that it is of, None where it
    has none.
    """

    problem: Problem
    kind: str
    row: int | None
    until: float


class Problems:
    """Gathers them, and tells the gravest. Nothing is told before `begin`."""

    def __init__(self, clock: Clock, time: SteadyTime, retained: Retained) -> None:
        self._clock = clock
        self._time = time
        self._retained = retained
        # Many may be refused in a moment, and each is told: the gravest of those noted, and when the next one is over,
        # are kept rather than looked for.
        self._noted: deque[Noted] = deque()
        self._gravest: Noted | None = None
        self._next_over = _NEVER
        self._has_begun = False
        self._changed = asyncio.Event()
        self.sources: list[Callable[[], Iterable[Problem]]] = []

    def begin(self) -> None:
        """What an earlier process left is taken up: tell it."""
        self._has_begun = True
        self.show()

    def note(self, noted: Noted) -> None:
        """Something happened that its owner has to know of."""
        oldest = self._noted.popleft() if len(self._noted) == MOST else None
        self._noted.append(noted)
        self._next_over = min(self._next_over, noted.until)
        if oldest is not None and oldest is self._gravest:
            self._gravest = min(self._noted, key=_rank_noted)
        elif self._gravest is None or _rank_noted(noted) < _rank_noted(self._gravest):
            self._gravest = noted
        self._changed.set()
        self.show()

    def went_well(self, kind: str, row: int | None) -> None:
        """A command was carried out: what came to nothing before it is over."""
        if self._keep(lambda n: n.kind != kind or (n.row is not None and row is not None and n.row > row)):
            self.show()

    def closed(self, order: str) -> None:
        """An order closed: that it could not be cancelled is over, where it is not over for another reason."""
        if self._keep(lambda noted: not (noted.problem.order == order and is_of_an_open_number(noted))):
            self.show()

    def settled(self, order: str) -> None:
        """An order is in doubt no more: so is over what was refused because it was."""
        if self._keep(lambda noted: not (noted.problem.order in (None, order) and is_of_a_doubt(noted))):
            self.show()

    def newest(self, kind: str) -> Problem | None:
        """The newest of a kind that is not over."""
        now = self._time.now()
        return next((n.problem for n in reversed(self._noted) if n.kind == kind and n.until > now), None)

    def _keep(self, is_kept: Callable[[Noted], bool]) -> bool:
        """Take away the others; whether there were any."""
        kept = deque(noted for noted in self._noted if is_kept(noted))
        if len(kept) == len(self._noted):
            return False
        self._noted = kept
        self._gravest = min(kept, key=_rank_noted, default=None)
        self._next_over = min((noted.until for noted in kept), default=_NEVER)
        self._changed.set()
        return True

    def show(self) -> None:
        """Put what is to be told by now."""
        if not self._has_begun:
            return
        if (now := self._time.now()) >= self._next_over:
            self._keep(lambda n: n.until > now)
        problems = [problem for source in self.sources for problem in source()]
        count = len(self._noted) + len(problems)
        if self._gravest is not None:
            problems.insert(0, self._gravest.problem)
        gravest = min(problems, key=_rank, default=None)
        told = None if gravest is None else gravest.as_json(count - 1)
        self._retained.put(topics.BRIDGE_PROBLEM, render.dumps({"problem": told}))

    async def run(self) -> None:
        """Take away what is over, for ever."""
        while True:
            self._changed.clear()
            left = self._next_over - self._time.now()
            if left > 0:
                await pause(self._clock, None if left == _NEVER else left, self._changed)
            else:
                self.show()


def is_of_an_open_number(noted: Noted) -> bool:
    """Whether a problem is over with the order that it is about: its sentence says to press Cancel again."""
    return noted.kind == "cancel" and noted.problem.code in OF_AN_OPEN_NUMBER


def is_of_a_doubt(noted: Noted) -> bool:
    """Whether a problem is over once its order is in doubt no more: its sentence says to settle that."""
    if noted.kind == "resolve":
        return noted.problem.code is ErrorCode.INVALID_COMMAND
    return noted.kind == "cancel" and noted.problem.message == f"{DOUBTFUL}."


def _rank(problem: Problem) -> tuple[Gravity, float]:
    """Of those that are as grave as each other the newest: what its owner has just done is what is asked about."""
    return problem.gravity, -problem.at.timestamp()


def _rank_noted(noted: Noted) -> tuple[Gravity, float]:
    return _rank(noted.problem)
