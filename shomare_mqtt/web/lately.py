"""What happened lately, for a page that is opened after it did: `GET api/lately`."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, cast

from shomare_mqtt import topics
from shomare_mqtt.core.render import dumps, timestamp

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

MOST = 100
"""Events that are remembered."""


class Lately:
    """Each `event/bridge` of this process, up to so many. `wall`: the time."""

    def __init__(self, wall: Callable[[], datetime]) -> None:
        self._wall = wall
        self._events: deque[tuple[str, bytes]] = deque(maxlen=MOST)

    def happened(self, topic: str, payload: bytes) -> None:
        """An event; others than `event/bridge` are not remembered: they may hold codes."""
        if topic == topics.BRIDGE_EVENT:
            self._events.appendleft((cast("str", timestamp(self._wall())), payload))

    def body(self, sees: Callable[[str, bytes], bytes | None]) -> bytes:
        """A list of them as somebody may see them, the newest first: each as it was told, and `at`, its time."""
        seen = ((at, sees(topics.BRIDGE_EVENT, payload)) for at, payload in self._events)
        return b"[" + b",".join(_timed(at, payload) for at, payload in seen if payload is not None) + b"]"


def _timed(at: str, payload: bytes) -> bytes:
    return b'{"at":' + dumps(at) + b"," + payload[1:]
