"""What must not be acted on for a reason that its content does not show: retained, too late, or another daemon's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shomare_mqtt.errors import CommandRefusedError, ErrorCode
from shomare_mqtt.model import Buy, Parsed, Unparsed

if TYPE_CHECKING:
    from collections.abc import Callable

    from shomare_mqtt.core.clock import Clock, SteadyTime
    from shomare_mqtt.model import Incoming


class Screening:
    """Reads messages as commands. `parse` tells what one says by itself."""

    def __init__(
        self, base_topic: str, parse: Callable[[Incoming], Parsed | Unparsed], clock: Clock, time: SteadyTime
    ) -> None:
        self._queries = f"{base_topic}/query/"
        self.parse = parse
        self._clock = clock
        self._time = time

    def is_query(self, incoming: Incoming) -> bool:
        """Whether a message can only ask, whatever it says."""
        return incoming.topic.startswith(self._queries)

    def screened(self, incoming: Incoming) -> Parsed | Unparsed:
        """The command, unless it must not be acted on for a reason that its content does not show."""
        what = self.parse(incoming)
        if incoming.retain:
            message = "the command is retained; it is never acted on, and nothing was done: send it without retain"
            return Unparsed(what.envelope, CommandRefusedError(ErrorCode.RETAINED_COMMAND, message))
        if isinstance(what, Unparsed):
            return what
        if (late := self.why_late(incoming, what)) is not None:
            return Unparsed(what.envelope, CommandRefusedError(ErrorCode.EXPIRED_COMMAND, late))
        return what

    def why_late(self, incoming: Incoming, parsed: Parsed) -> str | None:
        """Why a command comes too late, None where it does not."""
        expires_at = parsed.envelope.expires_at
        if expires_at is None:
            return "the command's time was over; nothing was done" if incoming.expiry == 0 else None
        if isinstance(parsed.request, Buy) and self._time.wall_is_behind():
            return (
                "this machine's clock is earlier than the newest time in the journal, so nobody can tell whether the "
                "command is late; nothing was bought: set the clock, or send it without expires_at"
            )
        if self._clock.now() >= expires_at:
            return "the command came after its expires_at; nothing was done"
        return None

    def deadline(self, incoming: Incoming, parsed: Parsed, received: float | None = None) -> float | None:
        """Steady seconds after which a command that came then must not be carried out any more; None: it may.

        `received`: in steady seconds; None: now.
        """
        ends = []
        received = self._time.now() if received is None else received
        if incoming.expiry is not None:
            ends.append(received + incoming.expiry)
        if parsed.envelope.expires_at is not None:
            left = (parsed.envelope.expires_at - self._clock.now()).total_seconds()
            ends.append(self._time.now() + left)
        return min(ends, default=None)
