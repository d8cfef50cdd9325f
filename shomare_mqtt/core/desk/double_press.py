"""Two presses of a button that were meant as one (contract, Commands; `limits.double_press`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shomare_mqtt.errors import CommandRefusedError, ErrorCode
from shomare_mqtt.model import Buy

if TYPE_CHECKING:
    from shomare_mqtt.core.tickets import Ticket


class DoublePress:
    """The `buy` commands without a transaction of the last `window` seconds; 0 is off."""

    def __init__(self, window: float) -> None:
        self._window = window
        self._presses: dict[str, Ticket] = {}

    def check(self, ticket: Ticket) -> None:
        """Raise CommandRefusedError (`duplicate_command`) where the same `buy` came within the window."""
        if self.note(ticket) is not ticket:
            raise CommandRefusedError(
                ErrorCode.DUPLICATE_COMMAND,
                f"the same buy came within {self._window:g} seconds: taken for one press, this one is not carried out "
                "(give each buy a transaction of its own to buy several)",
            )

    def note(self, ticket: Ticket) -> Ticket:
        """Remember a press; the first of the same within the window."""
        if not isinstance(ticket.request, Buy) or ticket.envelope.transaction is not None or not self._window:
            return ticket
        self._presses = {k: t for k, t in self._presses.items() if ticket.received - t.received < self._window}
        return self._presses.setdefault(repr(ticket.request), ticket)

    def forget(self, ticket: Ticket) -> None:
        """Let a `buy` that was refused before it cost anything be pressed again."""
        press = repr(ticket.request)
        if self._presses.get(press) is ticket:
            del self._presses[press]
