"""What a plugin may do to the world around it, so much of it and no more: publish, log, start tasks."""

from __future__ import annotations

import logging
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from shomare_mqtt.plugin.api import Api, PluginError
from shomare_mqtt.plugin.rate_limit import RateLimit
from shomare_mqtt.plugin.worker import StoppedError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from shomare_mqtt.core.clock import Clock
    from shomare_mqtt.plugin.health import PluginHealth
    from shomare_mqtt.plugin.runner import Runner

_LARGEST = 64 * 1024
_RETAINED = 100
_SLOW_DOWN = 0.05
"""Seconds that a plugin which floods is held in each call: its thread must not take the processor for itself."""


class ApiFactory:
    """Makes each plugin's `Api`.

    `publish` gets a topic below the base topic, payload and retain flag, on the event loop; `logger` is the parent of
    the plugins' own.
    """

    def __init__(
        self, base_topic: str, publish: Callable[[str, bytes, bool], None], clock: Clock, logger: logging.Logger
    ) -> None:
        self._base_topic = base_topic
        self._publish = publish
        self._clock = clock
        self._logger = logger

    def make(self, runner: Runner, on_loop: Callable[..., None]) -> Api:
        """One plugin's `Api`. `on_loop(function, *arguments)` has the event loop call it, from any thread."""
        publisher = LimitedPublisher(runner.name, runner.health, self._clock, partial(on_loop, self._publish))
        return Api(
            runner.name,
            runner.loaded.settings,
            self._logger_of(runner),
            f"{self._base_topic}/plugin/{runner.name}",
            publisher.publish,
            partial(_create_task, runner),
            lambda: runner.observer().session(),
        )

    def _logger_of(self, runner: Runner) -> logging.Logger:
        own = self._logger.getChild(runner.name)
        for old in tuple(own.filters):
            own.removeFilter(old)
        own.addFilter(LogLimit(runner.name, runner.health, self._clock))
        return own


class LimitedPublisher:
    """What one plugin may publish. `send` takes a topic below the base topic, payload, retain flag, in any thread."""

    def __init__(self, name: str, health: PluginHealth, clock: Clock, send: Callable[[str, bytes, bool], None]) -> None:
        self._name = name
        self._health = health
        self._send = send
        self._messages = RateLimit(clock, per_second=20, burst=100)
        self._lock = threading.Lock()
        self._retained: set[str] = set()

    def publish(self, topic: str, payload: str | bytes, *, retain: bool = False) -> bool:
        """As `Api.publish`. Raises ValueError for what is no topic or payload."""
        _refuse_after_the_end(self._health)
        if not topic or topic.startswith("/") or topic.endswith("/") or any(c in topic for c in "+#\0"):
            raise ValueError("a topic of publish has no wildcards, and slashes only inside")
        topic.encode()  # raises ValueError for half of a surrogate pair, which can be neither sent nor stored
        data = payload.encode() if isinstance(payload, str) else bytes(payload)
        problem = self._problem(topic, data, retain=retain)
        if problem:
            self._health.failed("publish", f"plugin {self._name}: {problem}")
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

    def __init__(self, name: str, health: PluginHealth, clock: Clock) -> None:
        super().__init__()
        self._plugin = name
        self._health = health
        self._lines = RateLimit(clock, per_second=10, burst=100)
        self._lines_lock = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is logged."""
        del record
        _refuse_after_the_end(self._health)
        with self._lines_lock:
            taken = self._lines.take()
        if not taken:
            self._health.failed("log", f"plugin {self._plugin}: logs too much; lines beyond 10 a second are dropped")
            time.sleep(_SLOW_DOWN)
        return taken


def _create_task(runner: Runner, coroutine: Coroutine[Any, Any, object]) -> None:
    """As `Api.create_task`."""
    if runner.health.left_out:
        coroutine.close()
        raise StoppedError
    if not runner.observer().spawn(coroutine):
        raise PluginError("too many tasks run already")


def _refuse_after_the_end(health: PluginHealth) -> None:
    """Ends the thread of a plugin that was left out, where it still runs."""
    if health.left_out:
        raise StoppedError
