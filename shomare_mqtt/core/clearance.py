"""Whether another daemon may have got the same commands: decided once, for all that came in a while."""

from __future__ import annotations

import asyncio


class Clearance:
    """`decided` is set once it was given or refused; `contested`: why none of it may buy, where it was refused."""

    def __init__(self) -> None:
        self.decided = asyncio.Event()
        self.contested: str | None = None

    @property
    def is_given(self) -> bool:
        """Whether it was given by now."""
        return self.decided.is_set() and self.contested is None

    def give(self) -> None:
        """No other daemon is there."""
        self.decided.set()

    def refuse(self, reason: str) -> None:
        """Another daemon may have got it too. `reason` is a sentence for who sent it."""
        self.contested = reason
        self.decided.set()


def given() -> Clearance:
    """One that was given."""
    clearance = Clearance()
    clearance.give()
    return clearance


def refused(reason: str) -> Clearance:
    """One that was refused, for that reason."""
    clearance = Clearance()
    clearance.refuse(reason)
    return clearance
