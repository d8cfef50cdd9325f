"""What one life of the daemon is to go through: data that travels to the process that lives it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any, Self


@dataclass(frozen=True)
class Command:
    """What a sender publishes, at QoS 1: `fields` as JSON, or `text`. `deadly`: from its delivery on, points count.

    `at_once`: it comes while the one before is still worked on, once that is in the journal. `means`: the transaction
    of the order that `current` means. `puts_clock_right`: somebody has put the wall clock right before it comes.
    """

    topic: str
    fields: dict[str, Any] = field(default_factory=dict)
    text: str | None = None
    deadly: bool = False
    at_once: bool = False
    means: str | None = None
    puts_clock_right: bool = False

    @property
    def payload(self) -> bytes:
        return (json.dumps(self.fields) if self.text is None else self.text).encode()

    @property
    def transaction(self) -> Any:
        return self.fields.get("transaction")

    def asks_the_same(self, other: Command) -> bool:
        """Whether one repeats the other."""
        return (self.topic, self.transaction) == (other.topic, other.transaction)


class Loss(StrEnum):
    """What became of the journal between two lives. `RESTORED`: a copy from an earlier moment was put back."""

    NONE = ""
    RESTORED = "restored"
    DELETED = "deleted"


@dataclass(frozen=True)
class Boot:
    """The machine has booted. `ahead`: seconds by which its wall clock is wrong until somebody puts it right.

    `is_vouched`: the kernel says all the same that it follows a time server.
    """

    name: str
    ahead: float = 0.0
    is_vouched: bool = True


@dataclass(frozen=True)
class Plan:
    """One life. `folder` holds the state directory, the broker's file and the points.

    `die_at`: the point to die at; None: live until all is quiet. `died_at`: where the life before ended.
    `deadly_from_answer`, `deadly_from_start`: points count from the first answer, from the connection with the broker
    on. `wants_sms`: it is quiet only once each number that was bought has its SMS. `boot`: None for this machine's own.
    `most_buys`: `limits.max_buys_per_hour`. `forgotten`: numbers of commands that were taken, and of which the journal
    knows no more.
    """

    folder: str
    base_url: str
    commands: tuple[Command, ...]
    die_at: tuple[str, int] | None = None
    died_at: tuple[str, int] | None = None
    deadly_from_answer: bool = False
    deadly_from_start: bool = False
    wants_sms: bool = False
    timeout: float = 20.0
    poll_interval: float = 600.0
    boot: Boot | None = None
    most_buys: int | None = None
    forgotten: tuple[int, ...] = ()

    def to_line(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_line(cls, line: str) -> Self:
        plan = cls(**json.loads(line))
        commands: Any = plan.commands
        die_at = None if plan.die_at is None else (plan.die_at[0], plan.die_at[1])
        boot: Any = plan.boot
        return replace(
            plan,
            commands=tuple(Command(**each) for each in commands),
            die_at=die_at,
            boot=Boot(**boot) if boot is not None else None,
        )
