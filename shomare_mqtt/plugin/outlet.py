"""What a plugin may do to the world around it, so much of it and no more: publish, log, start tasks."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Any

from shomare_mqtt.plugin.api import Api, PluginError
from shomare_mqtt.plugin.standing import Bucket, Standing
from shomare_mqtt.plugin.worker import StoppedError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from shomare_mqtt.core.clock import Clock
    from shomare_mqtt.plugin.worker import Worker

_LARGEST = 64 * 1024
_RETAINED = 100
_SLOW_DOWN = 0.05
"""Seconds that a plugin which floods is held in each call: its thread must not take the processor for itself."""


class Outlet:
    """The limits of one plugin. `send` takes a topic below the base topic, payload and retain flag, in any thread."""

    def __init__(self, name: str, standing: Standing, clock: Clock, send: Callable[[str, bytes, bool], None]) -> None:
        self._name = name
        self._standing = standing
        self._send = send
        self._messages = Bucket(clock, per_second=20, burst=100)
        self._lock = threading.Lock()
        self._retained: set[str] = set()

    def publish(self, topic: str, payload: str | bytes, *, retain: bool = False) -> bool:
        """As `Api.publish`. Raises ValueError for what is no topic or payload."""
        _refuse_after_the_end(self._standing)
        if not topic or topic.startswith("/") or topic.endswith("/") or any(c in topic for c in "+#\0"):
            raise ValueError("a topic of publish has no wildcards, and slashes only inside")
        topic.encode()  # raises ValueError for half of a surrogate pair, which can be neither sent nor stored
        data = payload.encode() if isinstance(payload, str) else bytes(payload)
        problem = self._problem(topic, data, retain=retain)
        if problem:
            self._standing.failed("publish", f"plugin {self._name}: {problem}")
            time.sleep(_SLOW_DOWN)
            return False
        self._send(f"plugin/{self._name}/{topic}", data, retain)
        return True

    def _problem(self, topic: str, data: bytes, *, retain: bool) -> str | None:
        with self._lock:
            if len(data) > _LARGEST:
                return f"a message of more than {_LARGEST} bytes was not published"
            if retain and topic not in self._retained and len(self._retained) >= _RETAINED:
                return f"more than {_RETAINED} retained topics; the rest is not published"
            if not self._messages.take():
                return "publishes too much; messages beyond 20 a second are dropped"
            if retain:
                self._retained.add(topic)
        return None


class LogLimit(logging.Filter):
    """Lets a plugin's logger through at 10 lines a second."""

    def __init__(self, name: str, standing: Standing, clock: Clock) -> None:
        super().__init__()
        self._plugin = name
        self._standing = standing
        self._lines = Bucket(clock, per_second=10, burst=100)
        self._bucket_lock = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is logged."""
        del record
        _refuse_after_the_end(self._standing)
        with self._bucket_lock:
            taken = self._lines.take()
        if not taken:
            self._standing.failed("log", f"plugin {self._plugin}: logs too much; lines beyond 10 a second are dropped")
            time.sleep(_SLOW_DOWN)
        return taken


def make_api(
    name: str,
    settings: Any,
    *,
    logger: logging.Logger,
    standing: Standing,
    outlet: Outlet,
    clock: Clock,
    worker: Callable[[], Worker],
    prefix: str,
) -> Api:
    """One plugin's `Api`. `worker` gives its thread for observing hooks, `prefix` is the base topic and `plugin`."""

    def create_task(coroutine: Coroutine[Any, Any, object]) -> None:
        if standing.left_out:
            coroutine.close()
            raise StoppedError
        if not worker().spawn(coroutine):
            raise PluginError("too many tasks run already")

    own = logger.getChild(name)
    for old in tuple(own.filters):
        own.removeFilter(old)
    own.addFilter(LogLimit(name, standing, clock))
    return Api(name, settings, own, f"{prefix}/{name}", outlet.publish, create_task, lambda: worker().session())


def _refuse_after_the_end(standing: Standing) -> None:
    """Ends the thread of a plugin that was left out, where it still runs."""
    if standing.left_out:
        raise StoppedError
