"""Which documents are made from the code, and by what."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tests.docs import asyncapi, commands, rooms, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TOP = Path(__file__).parents[2]

PAGES: Mapping[str, Callable[[str], str]] = {
    "docs/asyncapi.yaml": lambda _: asyncapi.page(),
    "docs/architecture.md": rooms.page,
    "docs/commands.md": lambda _: commands.page(),
    "docs/settings.md": lambda _: settings.page(),
    "docs/settings.schema.json": lambda _: settings.schema(),
}
"""By name: what makes its text of the one that is there, which all but pages that are made in part ignore."""
