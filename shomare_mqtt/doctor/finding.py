"""What was found, one thing at a time."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How it is."""

    GOOD = "good"
    BAD = "bad"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line. `text`: what was seen, without any value of an answer; `advice`: what to do, empty where nothing.

    `aside`: what the owner alone should see beside it, such as the balance; it is not for a report.
    """

    name: str
    state: State
    text: str
    advice: str = ""
    aside: str = ""

    @property
    def told(self) -> str:
        """What was seen, for the owner."""
        return f"{self.aside.removesuffix('.')}; {self.text}" if self.aside else self.text

    def as_json(self) -> dict[str, str]:
        """As `--json` prints it (contract, Command line)."""
        return {"name": self.name, "state": self.state.value, "text": self.told, "advice": self.advice}

    def without_values(self) -> dict[str, str]:
        """As a report holds it."""
        return {"name": self.name, "state": self.state.value, "text": self.text, "advice": self.advice}


def good(name: str, text: str, advice: str = "", aside: str = "") -> Finding:
    """It works."""
    return Finding(name, State.GOOD, text, advice, aside)


def bad(name: str, text: str, advice: str = "", aside: str = "") -> Finding:
    """It does not."""
    return Finding(name, State.BAD, text, advice, aside)


def unknown(name: str, text: str, advice: str = "", aside: str = "") -> Finding:
    """Nobody can tell yet, or it may be meant so."""
    return Finding(name, State.UNKNOWN, text, advice, aside)
