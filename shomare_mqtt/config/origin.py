"""Where settings come from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Origin:
    """Where settings come from; those that say the same are equal wherever they come from.

    `file`: None where there is none. `remarks`: what is to be said of them though they can be used. `token`: what the
    account's token was read from, None where there is none. `size`: how many keys the file sets.
    """

    file: Path | None = field(default=None, compare=False)
    remarks: tuple[str, ...] = field(default=(), compare=False)
    token: str | None = field(default=None, compare=False)
    size: int = field(default=0, compare=False)
    is_read: bool = field(default=True, compare=False)


NOWHERE = Origin(is_read=False)
"""Of settings that a program made, and nobody looked for."""
