"""Faults on demand: which call fails how."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import Annotated, Any

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass as checked

from shomare_mqtt.model import Endpoint

ANY = "*"
MOST_QUEUED = 10_000


class FaultKind(StrEnum):
    """How a call fails. `…_after`, `empty`, `truncated`, `cut` and `slow` carry the call out first; the rest do not.

    `hold` is no failure in the end: the call waits until the faults are cleared, and is carried out and answered then.
    """

    HANG_BEFORE = "hang_before"
    HANG_AFTER = "hang_after"
    RESET_BEFORE = "reset_before"
    RESET_AFTER = "reset_after"
    HTML = "html"
    HTML_AFTER = "html_after"
    FRAMEWORK_500 = "framework_500"
    FRAMEWORK_500_AFTER = "framework_500_after"
    EMPTY = "empty"
    TRUNCATED = "truncated"
    CUT = "cut"
    SLOW = "slow"
    TOO_MANY = "429"
    REDIRECT = "redirect"
    HOLD = "hold"

    @property
    def acts(self) -> bool:
        """Whether the call is carried out before it fails."""
        return self.value.endswith("_after") or self in (
            FaultKind.EMPTY,
            FaultKind.TRUNCATED,
            FaultKind.CUT,
            FaultKind.SLOW,
        )


@checked(frozen=True, slots=True, kw_only=True, config=ConfigDict(extra="forbid", allow_inf_nan=False))
class Fault:
    """One way to fail.

    `status`: of `html`, `html_after` and `empty`. `delay`: seconds of `slow`, after the call was carried out.
    `retry_after`: seconds, of `429`. `location`: of `redirect`.
    """

    kind: FaultKind
    status: Annotated[int, Field(ge=200, le=599)] = 200
    delay: Annotated[float, Field(ge=0)] = 3.0
    retry_after: Annotated[int, Field(ge=0)] = 5
    location: str = "/login"


@dataclass(slots=True)
class Queued:
    """A fault for the next `left` calls; None: for all of them."""

    fault: Fault
    left: int | None


@dataclass(slots=True)
class Mix:
    """Random faults."""

    probability: float
    kinds: tuple[Fault, ...]
    endpoints: frozenset[str]
    chance: Random


@dataclass(slots=True)
class Faults:
    """What is to go wrong, and what went wrong (`done`, by endpoint and kind); `released` is set when it is cleared."""

    queued: dict[str, deque[Queued]] = field(default_factory=dict)
    mix: Mix | None = None
    done: Counter[str] = field(default_factory=Counter)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, endpoint: str, kind: str, times: int | None = 1, **args: Any) -> None:
        """Queue a fault for an endpoint, or for any (`*`). Raises ValueError for what does not exist."""
        if times is not None and (not isinstance(times, int) or times < 1):
            raise ValueError("times must be at least 1, or null for always")
        queue = self.queued.setdefault(_endpoint(endpoint), deque())
        if len(queue) >= MOST_QUEUED:
            raise ValueError("too many faults are queued")
        queue.append(Queued(make(kind, **args), times))

    def set_mix(
        self, probability: float, kinds: list[str], endpoints: list[str] | None = None, seed: int = 1, **args: Any
    ) -> None:
        """From now on calls fail at random, each kind as likely; probability 0 ends it. Raises ValueError."""
        if not 0 <= probability <= 1:
            raise ValueError("probability must be from 0 to 1")
        if not probability:
            self.mix = None
            return
        if not kinds:
            raise ValueError("kinds must name at least one kind of fault")
        named = frozenset(_endpoint(e) for e in endpoints or [ANY])
        chance = Random(seed)  # noqa: S311 - repeatable on purpose
        self.mix = Mix(probability, tuple(make(kind, **args) for kind in kinds), named, chance)

    def clear(self) -> None:
        """Nothing fails any more; `done` stays."""
        self.queued.clear()
        self.mix = None
        self.let_go()

    def let_go(self) -> None:
        """What is held goes on; what comes later may be held again."""
        self.released.set()
        self.released = asyncio.Event()

    def take(self, endpoint: str, *, complete: bool) -> Fault | None:
        """The fault of this call. A queued one waits for a call with all its parameters; random ones hit any."""
        fault = self._from_queue(endpoint) if complete else None
        fault = fault or self._from_mix(endpoint)
        if fault is not None:
            self.done[f"{endpoint}:{fault.kind}"] += 1
        return fault

    def _from_queue(self, endpoint: str) -> Fault | None:
        for name in (endpoint, ANY):
            queue = self.queued.get(name)
            if not queue:
                continue
            first = queue[0]
            if first.left is not None:
                first.left -= 1
                if not first.left:
                    queue.popleft()
            return first.fault
        return None

    def _from_mix(self, endpoint: str) -> Fault | None:
        mix = self.mix
        if mix is None or not mix.endpoints & {endpoint, ANY} or mix.chance.random() >= mix.probability:
            return None
        return mix.chance.choice(mix.kinds)


def make(kind: str, **args: Any) -> Fault:
    """A fault from its kind's name and its arguments. Raises ValueError, also for an argument that there is not."""
    return Fault(kind=FaultKind(kind), **args)


def _endpoint(name: str) -> str:
    if name == ANY:
        return name
    try:
        return Endpoint(name).value
    except ValueError:
        raise ValueError(f"endpoint must be * or one of {', '.join(Endpoint)}") from None
