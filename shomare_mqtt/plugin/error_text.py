"""What went wrong in a plugin, in words fit for a log: kind and place, without codes."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

from shomare_mqtt.model import Order, Sms
from shomare_mqtt.plugin.api import PluginError
from shomare_mqtt.plugin.worker import HookHungError, HookTimeoutError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

_LONGEST = 300


def describe(error: BaseException | None, home: str, given: Collection[object] = ()) -> str:
    """What went wrong in a hook, fit for a log: kind and place, and only a PluginError's own words, codes taken out.

    What was `given` nothing but an SMS's text has no words of its own: nobody knows which of them is the code.
    """
    if isinstance(error, HookHungError):
        return "does not end and cannot be cut off"
    if isinstance(error, HookTimeoutError):
        return "took too long and was cut off"
    if isinstance(error, PluginError) and not _is_text_alone(given):
        return _without_secrets(str(error), given)
    return f"raised {type(error).__name__}{_place(error, home)}"


def is_of(error: BaseException | None, home: str) -> bool:
    """Whether the error came through a plugin's own code."""
    return bool(_place(error, home))


def _is_text_alone(given: Collection[object]) -> bool:
    return bool(given) and all(isinstance(value, str) for value in given)


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
