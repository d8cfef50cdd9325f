"""What of a plugin's settings is a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, SecretStr

if TYPE_CHECKING:
    from collections.abc import Iterator


def secrets_of(value: object) -> Iterator[str]:
    """Every SecretStr in a plugin's settings, at any depth."""
    match value:
        case SecretStr():
            yield value.get_secret_value()
        case BaseModel():
            yield from secrets_of({field: getattr(value, field) for field in type(value).model_fields})
        case dict():
            for inner in value.values():
                yield from secrets_of(inner)
        case list() | tuple() | set() | frozenset():
            for inner in value:
                yield from secrets_of(inner)
