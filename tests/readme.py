"""The README's code blocks, as they stand there: tests run them so."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

README = Path(__file__).parent.parent / "README.md"
_PARTS = re.compile(r"^## (?P<section>[^\n]*)$|^```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)


class Block(NamedTuple):
    """A code block: the heading (`## …`) that it stands under, its kind (`sh`, `toml`, …; empty: none) and its text."""

    section: str
    kind: str
    text: str


def blocks(path: Path = README) -> list[Block]:
    """Every code block of a document, in its order."""
    found, section = list[Block](), ""
    for part in _PARTS.finditer(path.read_text(encoding="utf-8")):
        if part["section"] is not None:
            section = part["section"]
        else:
            found.append(Block(section, part["kind"], part["text"]))
    return found
