"""One command that changes something on its way through the core, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shomare_mqtt.core.clearance import Clearance, given
from shomare_mqtt.core.records import Batch
from shomare_mqtt.errors import CommandRefusedError, ErrorCode

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from shomare_mqtt.core.clock import SteadyTime
    from shomare_mqtt.core.render import Answer
    from shomare_mqtt.model import Action, Envelope


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Ticket:
    """A command that was taken. `deadline`: steady seconds after which it must not be carried out any more.

    `resumed`: an earlier process took it, and may have carried it out in part. `close` puts the answer, and the word
    that the command is done, into a batch. `clearance`: whether another daemon may have got it too. `came`: by the wall
    clock, when it was taken.
    """

    row: int
    envelope: Envelope
    request: Action
    received: float
    came: datetime
    deadline: float | None
    close: Callable[[Batch, Answer], None]
    resumed: bool = False
    clearance: Clearance = field(default_factory=given)

    @property
    def is_asked_here(self) -> bool:
        """Whether it came by no broker, and whoever gave it to this very process may wait for its answer."""
        return self.envelope.asker is not None and not self.resumed

    def check_expired(self, time: SteadyTime) -> None:
        """Raise CommandRefusedError (`expired_command`) where its time is over."""
        if self.deadline is not None and time.now() >= self.deadline:
            raise CommandRefusedError(ErrorCode.EXPIRED_COMMAND, "the command's time was over; nothing was done")


@dataclass(slots=True, eq=False, repr=False)
class Outcome:
    """What a command comes to: its answer and what the journal has to hold with it, in one transaction.

    `after` runs once that is committed. `batch` is None where the answer was closed into a batch and committed already.
    """

    answer: Answer
    batch: Batch | None = field(default_factory=Batch)
    after: Callable[[], Awaitable[None]] | None = None
