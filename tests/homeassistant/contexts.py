"""What the tests announce."""

from __future__ import annotations

import json
from typing import Any

from shomare_mqtt.config import HomeAssistant, Mqtt, Provider, Settings
from shomare_mqtt.homeassistant import DiscoveryContext, WatchedProduct, discovery_message
from shomare_mqtt.model import Catalog, CatalogEntry, CatalogKind

TELEGRAM = WatchedProduct("7", "1", "3", "Telegram Russia")


def catalog(kind: CatalogKind, *named: tuple[str, str]) -> Catalog:
    return Catalog(kind, tuple(CatalogEntry(i, n, (n,)) for i, n in named))


CATALOGS = {
    CatalogKind.COUNTRIES: catalog(CatalogKind.COUNTRIES, ("7", "Russia"), ("57", "ایران"), ("62", "Turkey")),
    CatalogKind.OPERATORS: catalog(CatalogKind.OPERATORS, ("1", "MTS"), ("any", "Any operator")),
    CatalogKind.APPLICATIONS: catalog(
        CatalogKind.APPLICATIONS, ("3", "Telegram"), ("1", "Other"), ("2", "Other"), ("9", "None")
    ),
}


def many_applications(count: int) -> dict[CatalogKind, Catalog]:
    named = [(str(i), f"App {i}") for i in range(count)]
    return CATALOGS | {CatalogKind.APPLICATIONS: catalog(CatalogKind.APPLICATIONS, *named)}


def context(
    *, base: str = "shomare", currency: str = "IRT", homeassistant: dict[str, Any] | None = None, **more: Any
) -> DiscoveryContext:
    settings = Settings(
        mqtt=Mqtt(base_topic=base),
        provider=Provider(currency=currency),
        homeassistant=HomeAssistant(**(homeassistant or {})),
    )
    return DiscoveryContext("k3v9x2", "0.1.0", settings, **{"catalogs": CATALOGS, **more})


def announced(given: DiscoveryContext | None = None) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(discovery_message(given or context()).payload)
    return body


def components(given: DiscoveryContext | None = None) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = announced(given)["components"]
    return found
