"""All that the discovery is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shomare_mqtt.config.held import Settings
    from shomare_mqtt.model import Catalog, CatalogKind


class WatchedProduct(NamedTuple):
    """One `[[prices]]` that names an application, its ids found; `name` is what to call it: `Telegram Russia`."""

    country: str
    operator: str
    application: str
    name: str


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DiscoveryContext:
    """What the message depends on. `instance` is made once and kept; it names the device for good.

    `catalogs`: the lists that were read; `defaults`: field (`country`, `operator`, `application`) to the id that is
    set; `extra`: components of plugins by their keys. `complete`: whether each `[[prices]]` was looked up; until
    then nothing is taken back, since it may be there again a moment later.
    """

    instance: str
    version: str
    settings: Settings
    catalogs: Mapping[CatalogKind, Catalog] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    watched: tuple[WatchedProduct, ...] = ()
    extra: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    complete: bool = True
