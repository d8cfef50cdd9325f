"""Secrets taken out of texts that others see: logs, answers, topics."""

from __future__ import annotations

import re
import traceback
from typing import Any

MASK = "***"
_SHORTEST = 4
"""A secret shorter than this would mask half of every text; whoever chose it has none."""


class Mask:
    """Knows the secrets of this process."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        self._secrets: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self.learn(secrets)

    def learn(self, secrets: tuple[str, ...]) -> None:
        """Mask these as well."""
        self._secrets |= {s for s in secrets if len(s) >= _SHORTEST}
        longest_first = sorted(self._secrets, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def text(self, text: str) -> str:
        """The text with every secret replaced."""
        return self._pattern.sub(MASK, text) if self._pattern else text

    def value(self, value: Any) -> Any:
        """A JSON value with every text in it masked, keys as well."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(str(k)): self.value(v) for k, v in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(v) for v in value]
        return value


def trace_of(error: BaseException) -> str:
    """Where and what kind of fault, without the exception's own words: they may repeat a code or a text."""
    return f"{type(error).__name__}\n{''.join(traceback.format_tb(error.__traceback__))}"


def masked_phone(phone: str | None) -> str:
    """A phone number for logs: enough to recognise it, too little to use it."""
    if not phone:
        return "unknown number"
    shown = 4 if len(phone) > 2 * _SHORTEST else 0
    return f"{phone[:shown]}{'*' * (len(phone) - 2 * shown)}{phone[len(phone) - shown :]}" if shown else MASK
