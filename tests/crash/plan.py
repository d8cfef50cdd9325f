"""What one life of the daemon is to go through: data that travels to the process that lives it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import Any, Self


@dataclass(frozen=True)
class Command:
    """What a sender publishes, at QoS 1. `deadly`: from its delivery on, points count."""

    topic: str
    fields: dict[str, Any]
    deadly: bool = False

    @property
    def payload(self) -> bytes:
        return json.dumps(self.fields).encode()

    @property
    def transaction(self) -> Any:
        return self.fields.get("transaction")


@dataclass(frozen=True)
class Plan:
    """One life. `folder` holds the state directory, the broker's file and the points.

    `die_at`: the point to die at; None: live until all is quiet. `deadly_from_answer`: points count from the first
    answer on. `wants_sms`: it is quiet only once each number that was bought has its SMS.
    """

    folder: str
    base_url: str
    commands: tuple[Command, ...]
    die_at: int | None = None
    deadly_from_answer: bool = False
    wants_sms: bool = False
    timeout: float = 20.0

    def to_line(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_line(cls, line: str) -> Self:
        plan = cls(**json.loads(line))
        return replace(plan, commands=tuple(Command(**c) for c in plan.commands))  # type: ignore[arg-type]
