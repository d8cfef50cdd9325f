"""How each plugin does, and how its failures are said: named, without codes, and not without end."""

from __future__ import annotations

import threading
import traceback
from typing import TYPE_CHECKING

from shomare_mqtt.model import Order, Sms
from shomare_mqtt.plugin.api import PluginError
from shomare_mqtt.plugin.worker import HookHungError, HookTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from shomare_mqtt.core.clock import Clock

_REPEAT = 600.0
"""Seconds after which a failure that goes on is said again."""
_LONGEST = 300


class Bucket:
    """Lets through `burst` at once and `per_second` in the long run. Not locked by itself."""

    def __init__(self, clock: Clock, per_second: float, burst: float) -> None:
        self._clock = clock
        self._rate = per_second
        self._burst = burst
        self._level = burst
        self._seen = clock.monotonic()

    def take(self) -> bool:
        """Whether one more may pass now."""
        now = self._clock.monotonic()
        self._level = min(self._burst, self._level + (now - self._seen) * self._rate)
        self._seen = now
        if self._level < 1:
            return False
        self._level -= 1
        return True


class Standing:
    """What `bridge/info` shows of one plugin; usable in every thread.

    `tell` is called with a message for the operator, or with None where only the state changed.
    """

    def __init__(self, clock: Clock, tell: Callable[[str | None], None]) -> None:
        self._clock = clock
        self._tell = tell
        self._lock = threading.Lock()
        self._errors: dict[str, tuple[str, float]] = {}
        self._bucket = Bucket(clock, per_second=0.1, burst=5)
        self._left_out: str | None = None

    @property
    def left_out(self) -> str | None:
        """Why the plugin is called no more until the restart; None while it is called."""
        return self._left_out

    @property
    def state(self) -> str:
        """`running`, `failed` (and still called) or `left_out`."""
        return "left_out" if self._left_out else "failed" if self._errors else "running"

    @property
    def error(self) -> str | None:
        """The newest thing that is wrong."""
        with self._lock:
            return self._left_out or next((message for message, _ in reversed(self._errors.values())), None)

    def failed(self, what: str, message: str) -> None:
        """Something of the plugin failed; said at once, again after a while, at most a few times a minute."""
        with self._lock:
            now = self._clock.monotonic()
            last = self._errors.pop(what, None)
            due = (last is None or now - last[1] > _REPEAT) and self._bucket.take()
            self._errors[what] = (message, now if due or last is None else last[1])
        if due:
            self._tell(message)
        elif last is None:
            self._tell(None)

    def succeeded(self, what: str) -> None:
        """What failed before works again."""
        with self._lock:
            known = self._errors.pop(what, None)
        if known is not None:
            self._tell(None)

    def leave_out(self, message: str) -> None:
        """Calls the plugin no more; the first reason counts, and is always said."""
        with self._lock:
            first = self._left_out is None
            self._left_out = self._left_out or message
        if first:
            self._tell(f"{message}; it is left out until the daemon is restarted")


def describe(error: BaseException | None, home: str, given: Iterable[object] = ()) -> str:
    """What went wrong in a hook, fit for a log: kind and place, and only a PluginError's own words, codes taken out."""
    if isinstance(error, HookHungError):
        return "does not end and cannot be cut off"
    if isinstance(error, HookTimeoutError):
        return "took too long and was cut off"
    if isinstance(error, PluginError):
        return _without_secrets(str(error), given)
    return f"raised {type(error).__name__}{_place(error, home)}"


def is_of(error: BaseException | None, home: str) -> bool:
    """Whether the error came through a plugin's own code."""
    return bool(_place(error, home))


def _place(error: BaseException | None, home: str) -> str:
    frames = traceback.walk_tb(error.__traceback__) if error else ()
    own = [f" in {f.f_code.co_filename}, line {n}" for f, n in frames if f.f_code.co_filename.startswith(home)]
    return own[-1] if own else ""


def _without_secrets(text: str, given: Iterable[object]) -> str:
    for secret in sorted(_secrets(given), key=len, reverse=True):
        text = text.replace(secret, "***")
    plain = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return plain[:_LONGEST] or "gave no reason"


def _secrets(given: Iterable[object]) -> Iterator[str]:
    for value in given:
        match value:
            case Sms():
                yield from (text for text in (value.code, value.text) if text)
            case Order():
                yield from _secrets(value.sms)
                yield from (text for text in (value.phone,) if text)
