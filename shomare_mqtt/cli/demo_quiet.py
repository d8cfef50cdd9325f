"""Keeps libraries' logs off the demo's screen, on which a story is told."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_LIBRARIES = ("amqtt", "asyncio", "transitions", "websockets")


@contextmanager
def quiet() -> Iterator[None]:
    """Nothing that amqtt, or asyncio on its behalf, has to say of clients that come and go is shown by anybody."""
    loggers = [logging.getLogger(name) for name in _LIBRARIES]
    before = [(each.propagate, each.handlers[:]) for each in loggers]
    for each in loggers:
        each.propagate, each.handlers = False, [logging.NullHandler()]
    try:
        yield
    finally:
        for each, (propagate, handlers) in zip(loggers, before, strict=True):
            each.propagate, each.handlers = propagate, handlers
