"""Which files hold secrets of the settings, and which of those others may read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from shomare_mqtt.config.rights import readable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shomare_mqtt.config.settings import Settings

_SECRET_WORDS = ("token", "password", "secret", "key")
_OF_A_FILE = "_file"


def exposed_secrets(file: Path | None, tables: Mapping[str, Any], settings: Settings) -> tuple[str, ...]:
    """What is to be said of the settings file, whose tables these are, and of the files of secrets that are named."""
    said = (readable(path) for path in dict.fromkeys(_with_secrets(file, tables, settings)))
    return tuple(text for text in said if text)


def _with_secrets(file: Path | None, tables: Mapping[str, Any], settings: Settings) -> Iterator[Path]:
    if file is not None and _is_secret("", tables):
        yield file
    yield from _files_in("", settings.model_dump())


def _is_secret(key: str, value: Any) -> bool:
    """Whether a value is secret by the name of its key, or by a password or a query in its address."""
    match value:
        case dict():
            return any(_is_secret(name.lower(), inner) for name, inner in value.items())
        case list():
            return any(_is_secret(key, inner) for inner in value)
        case str() if value and not key.endswith(_OF_A_FILE):
            return any(word in key for word in _SECRET_WORDS) or _is_secret_address(value)
    return False


def _is_secret_address(value: str) -> bool:
    """Services of messages take their whole access as an address (`tgram://…`); those of the web show it."""
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    web = parts.scheme in ("http", "https")
    return "://" in value and (not web or bool(parts.query) or "@" in parts.netloc)


def _files_in(key: str, value: Any) -> Iterator[Path]:
    """What any table, a plugin's too, calls a file of a secret: `token_file`, `password_file`, `key_file`."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _files_in(name.lower(), inner)
    elif isinstance(value, str | Path) and key.endswith(_OF_A_FILE) and any(word in key for word in _SECRET_WORDS):
        yield Path(os.path.expanduser(value))  # noqa: PTH111 - Path raises without a home
