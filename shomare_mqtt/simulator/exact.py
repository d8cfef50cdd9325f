"""JSON in which a Decimal is a number with all its digits."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

_MARKED = re.compile(r'"\\u0000([-+0-9.E]+)\\u0000"')


def dumps(content: Any, *, indent: int | None = None) -> str:
    """The JSON text. Raises TypeError for what has no JSON form."""
    return _MARKED.sub(r"\1", json.dumps(content, ensure_ascii=False, indent=indent, default=_marked))


def _marked(value: object) -> str:
    """A float would lose digits, so the number goes through as a text between marks that no other text has."""
    if isinstance(value, Decimal):
        return f"\0{value}\0"
    raise TypeError(f"{type(value).__name__} has no JSON form")
