"""Two presses of a button that were meant as one (contract, Commands; `limits.double_press`)."""

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from shomare_mqtt.core.records import Press, content_digest
from shomare_mqtt.errors import CommandRefusedError, ErrorCode
from shomare_mqtt.model import Buy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shomare_mqtt.config.in_force import InForce
    from shomare_mqtt.core.tickets import Ticket
    from shomare_mqtt.model import Action, Envelope


_LATER = frozenset({"min_price", "among"})
"""Fields that an earlier version did not know: a press that it took without them is the same as one of now."""


class DoublePress:
    """The `buy` commands without a transaction of the last `window` seconds; 0 is off."""

    def __init__(self, settings: InForce) -> None:
        self._settings = settings
        self._presses: dict[str, Press] = {}

    @property
    def window(self) -> float:
        """Seconds."""
        return self._settings.now.limits.double_press

    def take_up(self, presses: Iterable[Press]) -> None:
        """Remember what an earlier process carried out; to be called before any is checked."""
        self._presses = {press.digest: press for press in presses}

    def check(self, ticket: Ticket) -> None:
        """Raise CommandRefusedError (`duplicate_command`) where the same `buy` came within the window."""
        if self.note(ticket) != ticket.row:
            raise CommandRefusedError(
                ErrorCode.DUPLICATE_COMMAND,
                f"the same buy came within {self.window:g} seconds: taken for one press, this one is not carried out "
                "(give each buy a transaction of its own to buy several)",
            )

    def note(self, ticket: Ticket) -> int:
        """Remember a press; the row of the first of the same within the window."""
        content = press_content(ticket.envelope, ticket.request)
        if content is None or not self.window:
            return ticket.row
        self._presses = {d: p for d, p in self._presses.items() if ticket.received - p.received < self.window}
        press = Press(ticket.row, content_digest(content), ticket.received)
        return self._presses.setdefault(press.digest, press).row

    def forget(self, ticket: Ticket) -> None:
        """Let a `buy` that was refused before it cost anything be pressed again."""
        self._presses = {d: p for d, p in self._presses.items() if p.row != ticket.row}


def press_content(envelope: Envelope, request: Action) -> str | None:
    """What is the same text for two presses that ask for the same, in any process; None for what is no press."""
    if not isinstance(request, Buy) or envelope.transaction is not None:
        return None
    said = {field.name: getattr(request, field.name) for field in fields(request)}
    said = {name: value for name, value in said.items() if value is not None or name not in _LATER}
    return " ".join(f"{name}={_plain(value)!r}" for name, value in said.items())


def _plain(value: Any) -> Any:
    """A value in its one form: sets have an order of their own in each process, and 5 may be written as 5.0."""
    if isinstance(value, frozenset):
        return sorted(value)
    return value.normalize() if isinstance(value, Decimal) else value
