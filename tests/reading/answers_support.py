"""What the tests of whole answers share: noon in Tehran, a shop's lists with dialling codes, a purchase."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from shomare_mqtt.model import CatalogEntry, Known
from shomare_mqtt.provider.reading import Context

NOW = datetime(2026, 11, 25, 9, 0, 0, tzinfo=UTC)
"""12:30 in Tehran, 1405/09/04; 1795597200 since the epoch."""
ANY: Any = object()
"""An expectation that anything fulfils."""
PHONE = "+79313226657"


def _country(own: str, name: str, code: str) -> CatalogEntry:
    return CatalogEntry(own, name, (name,), {"areacode": code})


COUNTRIES = (
    _country("7", "Russia", "7"),
    _country("0", "Россия", "7"),
    _country("1", "Iran", "98"),
    _country("22", "India", "+91"),
    _country("187", "USA", "1"),
    _country("16", "England", "44"),
    _country("43", "Germany", "49"),
)
OPERATORS = (CatalogEntry("1", "Server 1", ("Server 1",)), CatalogEntry("3", "mts", ("mts",)))
APPLICATIONS = (CatalogEntry("3", "Telegram", ("Telegram", "تلگرام")), CatalogEntry("2", "WhatsApp", ("WhatsApp",)))


def context(country: str = "7", purchase: str | None = None) -> Context:
    """What is known when an answer is read; of a purchase, its number too."""
    known = Known(
        country=country,
        operator="1",
        application="3",
        purchase=purchase,
        phone=PHONE if purchase else None,
        price=Decimal(2200),
        balance=Decimal(192100),
        countries=COUNTRIES,
        operators=OPERATORS,
        applications=APPLICATIONS,
    )
    return Context(now=NOW, timezone=ZoneInfo("Asia/Tehran"), known=known)
