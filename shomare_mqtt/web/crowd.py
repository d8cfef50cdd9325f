"""How many connections the page has: bounded, and none that works is cut off for a new one."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

MOST_CONNECTIONS = 200
"""Open ones at a time: a browser takes six at most for a page. Each is one of the files that the journal and the
provider need as well, of which a process has a thousand."""


class Crowd:
    """Who is inside, of all listeners of the page together."""

    def __init__(self) -> None:
        self._at_work: Counter[object] = Counter()

    @web.middleware
    async def counted(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Stands outermost: a connection is at work while a request on it is answered."""
        self._at_work[request.protocol] += 1
        try:
            return await handler(request)
        finally:
            self._at_work[request.protocol] -= 1
            if not self._at_work[request.protocol]:
                del self._at_work[request.protocol]

    def make_room(self, inside: Sequence[web.RequestHandler]) -> None:
        """The last of them has just come: where they are too many, who does nothing goes, longest there first.

        Where all are at work the newcomer goes: a browser tries again.
        """
        beyond = len(inside) - MOST_CONNECTIONS
        if beyond <= 0:
            return
        idle = [each for each in inside[:-1] if each not in self._at_work]
        for each in idle[:beyond] or inside[-1:]:
            if each.transport is not None:
                each.transport.abort()
