"""This machine's clock, beside the provider's and beside what the journal knows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from shomare_mqtt.core.clock import SystemClock
from shomare_mqtt.doctor.finding import Finding, bad, good, unknown

if TYPE_CHECKING:
    from shomare_mqtt.core.clock import MachineClock

MAY_DIFFER = 60.0
"""Seconds between the provider's clock and ours: within them a `Date` vouches for ours (contract, Commands)."""
_SET_IT = "set it and have it follow a time server: sudo timedatectl set-ntp true"
_MEANS = "a command may be taken for expired (`expired_command`) or an old one for a new one, and days begin wrongly"


def of_clock(ahead: float | None, newest: str, clock: MachineClock | None = None) -> Finding:
    """How right it is. `ahead`: seconds by which the provider's is ahead of it; `newest`: time in the journal."""
    clock = clock or SystemClock()
    now, synchronised = clock.now(), clock.is_synchronised()
    follows = "follows a time server" if synchronised else "does not follow a time server, as far as the kernel knows"
    said = f"it is {now.isoformat(timespec='seconds').replace('+00:00', 'Z')} by this machine, which {follows}"
    said = f"{said}; the provider's {_difference(ahead)}"
    if ahead is not None and abs(ahead) > MAY_DIFFER:
        who = "the provider's is probably wrong, and nothing is to be done: " if synchronised else f"{_SET_IT}; else "
        return (unknown if synchronised else bad)("clock", said, f"{who}{_MEANS}")
    if (behind := _behind(newest, now)) and not synchronised:
        said = f"{said}; the journal holds times {behind}"
        return bad("clock", said, f"{_SET_IT}; a `buy` with `expires_at` is refused until it is right")
    return good("clock", said) if synchronised or ahead is not None else unknown("clock", said, _SET_IT)


def _difference(ahead: float | None) -> str:
    if ahead is None:
        return "was not told"
    if abs(ahead) <= 2:  # noqa: PLR2004 - seconds: a `Date` has whole ones, and an answer takes its time
        return "says the same"
    return f"is {_span(abs(ahead))} {'ahead of' if ahead > 0 else 'behind'} it"


def _behind(newest: str, now: datetime) -> str:
    """By how much the journal is ahead of the clock, in words; empty where it is not."""
    try:
        ahead = (datetime.fromisoformat(newest).astimezone(UTC) - now).total_seconds()
    except ValueError:
        return ""
    return f"that are {_span(ahead)} ahead of it" if ahead > MAY_DIFFER else ""


def _span(seconds: float) -> str:
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
