"""What is asked of a daemon that meets a provider for the first time, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Look = Callable[[], tuple[Any, Any]]
    """What is seen, and what has to be."""

CHECKS: Mapping[str, tuple[str, ...]] = {
    "balance.start": ("balance",),
    "balance.end": ("balance",),
    "currency": ("currency",),
    "countries.ids": (),
    "countries.names": (),
    "operators.ids": (),
    "operators.names": (),
    "applications.ids": (),
    "applications.names": (),
    "prices.price": (),
    "prices.count": ("count",),
    "price.price": (),
    "price.count": ("count",),
    "buy.ok": (),
    "buy.purchase": (),
    "buy.phone": ("phone",),
    "buy.price": ("price",),
    "buy.expires": ("expires",),
    "waiting.state": (),
    "waiting.no_sms": (),
    "sms.received": (),
    "sms.code": ("code",),
    "sms.text": ("text",),
    "sms.sender": ("sender",),
    "sms.time": ("at", "time"),
    "second.code": ("code",),
    "second.both": (),
    "second.open": (),
    "cancel.ok": (),
    "cancel.refunded": ("refunded",),
    "cancel.ledger": (),
    "end.closes": (),
    "requests.purchases": (),
    "requests.endpoints": (),
    "requests.rate": (),
}
"""Every check, with the words of a dialect's `known.unsaid` that leave it out; its own name does so, too."""

BRIEF = 2.0
"""Seconds to wait for what is known to stay wrong."""


def left_in(unsaid: Iterable[str]) -> tuple[str, ...]:
    """The checks about what a provider says."""
    words = set(unsaid)
    return tuple(name for name, fields in CHECKS.items() if not words & {name, *fields})


@dataclass
class Verdicts:
    """Which checks are right. `hopeless` are known to be wrong; `patience`: seconds to wait for each of the others.

    `strict`: one that is wrong spoils it all, so that nothing more is waited for.
    """

    checks: tuple[str, ...]
    hopeless: frozenset[str] = frozenset()
    patience: float = PATIENCE
    strict: bool = False
    right: set[str] = field(default_factory=set)
    why: dict[str, str] = field(default_factory=dict)

    @property
    def wrong(self) -> list[str]:
        """The checks that are wrong or were never reached."""
        return [name for name in self.checks if name not in self.right]

    def seconds(self, *names: str) -> float:
        """How long to wait for something that these checks need."""
        spoilt = self.strict and any(map(self._hoped, self.why))
        return self.patience if any(map(self._hoped, names)) and not spoilt else BRIEF

    def settled(self, looks: Mapping[str, Look]) -> bool:
        """Whether all that is not hopeless is right by now."""
        return all(seen == wanted for seen, wanted in (look() for name, look in looks.items() if self._hoped(name)))

    def _hoped(self, name: str) -> bool:
        return name in self.checks and name not in self.hopeless

    def judge(self, looks: Mapping[str, Look]) -> None:
        """Look at each, for good."""
        for name, look in looks.items():
            if name not in self.checks:
                continue
            seen, wanted = look()
            if seen == wanted:
                self.right.add(name)
            else:
                self.why[name] = f"{seen!r}, not {wanted!r}"

    def unreached(self, names: Iterable[str], because: str) -> None:
        """These count as wrong."""
        for name in names:
            self.why.setdefault(name, because)
