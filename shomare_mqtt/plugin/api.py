"""What a plugin is given, and what it may raise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Coroutine
    from decimal import Decimal

    from aiohttp import ClientSession

    from shomare_mqtt.model import Product


class PluginError(Exception):
    """A failure in the plugin's own words: they are shown to the operator, so they must hold no code and no secret."""


class Retry(PluginError):  # noqa: N818 - a wish rather than an error
    """Raised by an observing hook that wants to be called again, `after` seconds from now or with growing pauses."""

    def __init__(self, reason: str = "asks to be called again", *, after: float | None = None) -> None:
        super().__init__(reason)
        # A header's text is one as well. What is no number fails here, in the plugin, and not where the pause is made.
        self.after = None if after is None else float(after)


class Veto(PluginError):  # noqa: N818 - a decision rather than an error
    """Returned or raised by `shomare_authorize_buy`: nothing is bought, and the sender reads the reason."""


@dataclass(frozen=True, slots=True)
class BuyRequest:
    """What is about to be bought.

    `price`: where no limit needs it, the one that was read last, None where there is none.
    """

    product: Product
    price: Decimal | None


class Publish(Protocol):
    """Publishes one message under `plugin/<name>/`."""

    def __call__(self, topic: str, payload: str | bytes, *, retain: bool = False) -> bool:
        """Whether it was taken; False beyond the rate, the size or the number of retained topics allowed."""
        ...


@dataclass(frozen=True, slots=True)
class Api:
    """All that a plugin has of the daemon, handed to `shomare_startup`. Usable in every thread but for `http`.

    `settings` is the plugin's own `Settings` (None without one), `topic` the whole topic that `publish` writes under.
    `create_task` runs a coroutine on the plugin's own event loop until it ends or the daemon stops; raises PluginError
    where too many run already.
    """

    name: str
    settings: Any
    logger: logging.Logger
    topic: str
    publish: Publish
    create_task: Callable[[Coroutine[Any, Any, object]], None]
    session: Callable[[], ClientSession]

    @property
    def http(self) -> ClientSession:
        """The plugin's HTTP session, made when first asked for; only in async hooks and in tasks of `create_task`."""
        return self.session()
