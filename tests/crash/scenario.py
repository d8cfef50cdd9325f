"""What a life of the daemon is to go through while it dies at each point."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from tests.crash.plan import Boot, Command, Loss, Plan
from tests.crash.points import OUTSIDE, Point

if TYPE_CHECKING:
    from pathlib import Path

PRODUCT = {"country": 7, "operator": 1, "application": 3}
BUY = Command("buy", PRODUCT | {"transaction": "t-1"})
BARE_BUY = Command("buy", PRODUCT)
CANCEL = Command("cancel", {"order": "current", "transaction": "c-1"}, means="t-1")
NEXT_BUY = Command("buy", PRODUCT | {"application": 4, "transaction": "t-2"})
THIRD_BUY = Command("buy", PRODUCT | {"application": 5, "transaction": "t-3"})
BUY_SOMEWHERE = Command("buy", {"country": [7, 2], "operator": [1, 2], "application": 3, "transaction": "t-1"})
BARE_BUY_SOMEWHERE = Command("buy", {"country": [7, 2], "operator": [1, 2], "application": 3, "choose": "cheapest"})
ANOTHER_BUY = Command("buy", PRODUCT | {"application": 4, "transaction": "t-2"}, at_once=True)


class Choice(StrEnum):
    """Which points to die at.

    Journal, provider and broker are all that outlives a death. A COMMIT or a word with the broker changes what they
    hold; a task that only takes a step on the way leaves them as they were, and most steps are those of one loop, which
    publishes a retained topic each time. So it is `EACH_WORD`, and of each other place the first and the last; or
    `EACH_PLACE`, of each the first and the last; or of those of words alone, `WORDS`.
    """

    EACH_WORD = "each word"
    EACH_PLACE = "each place"
    WORDS = "words"

    def of(self, points: list[Point]) -> list[Point]:
        """Of all points those to die at."""
        last = dict(points)
        each_word = self is Choice.EACH_WORD
        found = [
            (place, time)
            for place, time in points
            if time in (1, last[place]) or (each_word and place.startswith(OUTSIDE))
        ]
        return [point for point in found if self is not Choice.WORDS or point[0].startswith(OUTSIDE)]


@dataclass(frozen=True)
class Scenario:
    """What is gone through. `boots`: before the life that dies and before the one after it; () for one boot of all.

    `loss`: what becomes of the journal between the two. `before`: so many commands are carried out in a life before
    them, that ends in order. `least`: fewer points say that counting is broken.
    `sold_out`: countries and operators where no number is to be had.
    """

    name: str
    commands: tuple[Command, ...]
    faults: tuple[tuple[str, str], ...] = ()
    choice: Choice = Choice.EACH_WORD
    least: int = 60
    sms: bool = False
    timeout: float = 20.0
    boots: tuple[Boot, ...] = ()
    most_buys: int | None = None
    before: int = 0
    loss: Loss = Loss.NONE
    sold_out: tuple[tuple[str, str], ...] = ()

    def plan(self, folder: Path, base_url: str) -> Plan:
        """The life that dies."""
        return Plan(
            folder=str(folder),
            base_url=base_url,
            commands=self.commands,
            deadly_from_answer=self.sms and not any(command.deadly for command in self.commands),
            wants_sms=self.sms,
            timeout=self.timeout,
            poll_interval=0.05 if self.sms else 600.0,
            boot=self.boots[0] if self.boots else None,
            most_buys=self.most_buys,
        )

    def plan_after(self, plan: Plan, died_at: Point) -> Plan:
        """The life after a death."""
        return replace(plan, die_at=None, died_at=died_at, boot=self.boots[-1] if self.boots else None)


def deadly(command: Command) -> Command:
    """From its delivery on, points count."""
    return replace(command, deadly=True)


def with_fault(name: str, endpoint: str, kind: str, commands: tuple[Command, ...], timeout: float = 20.0) -> Scenario:
    """A call to the provider fails in the life that dies."""
    return Scenario(name, commands, ((endpoint, kind),), choice=Choice.EACH_PLACE, timeout=timeout)
