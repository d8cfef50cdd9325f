"""What is wrong with a dialect's file."""

from __future__ import annotations


class WrongFileError(ValueError):
    """A dialect's file that cannot be; one line with the place in it."""

    def __init__(self, place: str, what: str) -> None:
        super().__init__(f"{place}: {what}" if place else what)
