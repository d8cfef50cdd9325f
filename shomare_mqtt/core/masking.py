"""Secrets taken out of texts that others see: logs, answers, topics."""

from __future__ import annotations

import re
import traceback
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from shomare_mqtt.core.disguises import Disguises

if TYPE_CHECKING:
    from collections.abc import Iterator

MASK = "***"
_SHORTEST = 4
"""A secret shorter than this would mask half of every text; whoever chose it has none."""
_SHOWN = 4
"""Characters of a phone number that are shown at either end."""
_MOST_NAMES, _LONGEST_NAME = 256, 64
"""So many names of so many characters are remembered as they are shown: the same ones come with every answer."""


class Mask:
    """Knows the secrets of this process.

    Of `secrets`, twelve characters in a row and more are masked as well (contract, Events); of `whole`, which people
    may have made of words, only all of it. Either way also as others may write it, see `Disguises`.
    """

    def __init__(self, secrets: tuple[str, ...], whole: tuple[str, ...] = ()) -> None:
        self._exact: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self._disguises = Disguises()
        self._name = lru_cache(_MOST_NAMES)(self.text)
        self.edition = 0
        """Rises each time that more secrets are known."""
        self._add(secrets, partly=True)
        self.learn(whole)

    def learn(self, whole: tuple[str, ...]) -> None:
        """Mask these as well."""
        self._add(whole, partly=False)

    def _add(self, secrets: tuple[str, ...], *, partly: bool) -> None:
        self.edition += 1
        self._name.cache_clear()
        new = {s for s in secrets if len(s) >= _SHORTEST}
        for secret in new:
            self._disguises.add(secret, partly=partly)
        self._exact |= new
        longest_first = sorted(self._exact, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def text(self, text: str) -> str:
        """The text with every secret replaced. Takes time in proportion to its length."""
        if self._pattern is None:
            return text
        rest, end = [], 0
        plain = self._pattern.sub(MASK, text)
        for start, stop in self._disguises.spans(plain):
            rest += [plain[end:start], MASK]
            end = stop
        return "".join((*rest, plain[end:]))

    def name(self, name: str) -> str:
        """A name that comes again and again, as `text` shows it."""
        return self._name(name) if len(name) <= _LONGEST_NAME else self.text(name)

    def value(self, value: Any) -> Any:
        """A JSON value with every text in it masked, keys as well, and numbers that are a secret."""
        together = "\n".join(_texts(value))
        return self._masked(value) if self.text(together) != together else value

    def _masked(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {self.text(str(k)): self._masked(v) for k, v in value.items()}
        if isinstance(value, list | tuple):
            return [self._masked(v) for v in value]
        if value is None or isinstance(value, bool):
            return value
        text = self.text(str(value))
        return text if isinstance(value, str) or text != str(value) else value


def _texts(value: Any) -> Iterator[str]:
    """Every key and every leaf as text."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def trace_of(error: BaseException) -> str:
    """Where and what kind of fault, without the exception's own words: they may repeat a code or a text."""
    return f"{type(error).__name__}\n{''.join(traceback.format_tb(error.__traceback__))}"


def masked_phone(phone: str | None) -> str:
    """A phone number for logs: enough to recognise it, too little to use it."""
    if not phone:
        return "unknown number"
    hidden = len(phone) - 2 * _SHOWN
    return f"{phone[:_SHOWN]}{'*' * hidden}{phone[-_SHOWN:]}" if hidden > 0 else MASK
