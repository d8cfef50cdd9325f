"""How often an address may be wrong: five times a minute (contract, Web page)."""

from __future__ import annotations

import ipaddress
import math
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_WRONG = 5
WITHIN = 60.0
"""Seconds."""
_MOST_ADDRESSES = 10_000
"""Remembered at a time; whoever has more of them is not held up by counting."""
_SIZE_OF_A_HOME = 64
"""Bits of an IPv6 address that its owner cannot choose (RFC 6177)."""


class Attempts:
    """Counts wrong passwords by address. `now`: seconds that never jump."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._wrong: dict[str, deque[float]] = {}

    def wait_of(self, address: str) -> int:
        """Whole seconds until this address may try again; 0 for at once."""
        times = self._wrong.get(_counted_as(address))
        if times is None or len(times) < MOST_WRONG:
            return 0
        return max(0, math.ceil(times[0] + WITHIN - self._now()))

    def wrong(self, address: str) -> None:
        """It was wrong."""
        name = _counted_as(address)
        # Taken out and put in again, so that those who were wrong last stand last.
        times = self._wrong.pop(name, None) or deque(maxlen=MOST_WRONG)
        times.append(self._now())
        self._wrong[name] = times
        self._forget()

    def _forget(self) -> None:
        for name, times in list(self._wrong.items()):
            if times[-1] + WITHIN > self._now() and len(self._wrong) <= _MOST_ADDRESSES:
                return
            del self._wrong[name]


def _counted_as(address: str) -> str:
    """An IPv6 network counts as one, an IPv4 address in IPv6's form as itself."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((int(found), _SIZE_OF_A_HOME), strict=False))
