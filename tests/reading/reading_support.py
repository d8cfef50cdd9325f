"""What the tests of the reading share: a clock, the lists that are known, and answers from JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from shomare_mqtt.model import CatalogEntry, Known
from shomare_mqtt.provider.reading import Context, RawAnswer

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
COUNTRIES = (
    CatalogEntry("7", "Russia", ("Russia", "روسیه", "russia"), {"areacode": "+7"}),
    CatalogEntry("98", "Iran", ("Iran", "ایران", "iran"), {"areacode": "+98"}),
    CatalogEntry("44", "England", ("England", "انگلیس", "england"), {"prefix": "44"}),
)
OPERATORS = (
    CatalogEntry("1", "Server 1", ("Server 1", "mts")),
    CatalogEntry("2", "Server 2", ("Server 2", "beeline")),
    CatalogEntry("any", "Any", ("Any",)),
)
APPLICATIONS = (
    CatalogEntry("3", "Telegram", ("Telegram", "تلگرام", "telegram", "tg")),
    CatalogEntry("5", "WhatsApp", ("WhatsApp", "واتساپ", "whatsapp", "wa")),
    CatalogEntry("9", "Instagram", ("Instagram", "اینستاگرام", "instagram", "ig")),
)
KNOWN = Known(
    country="7",
    operator="1",
    application="3",
    purchase="74001",
    countries=COUNTRIES,
    operators=OPERATORS,
    applications=APPLICATIONS,
)
BARE = Known(country="7", operator="1", application="3", purchase="74001")


def context(known: Known = KNOWN) -> Context:
    """The context of most tests."""
    return Context(now=NOW, timezone=ZoneInfo("Asia/Tehran"), known=known)


def answer(value: Any, http: int = 200, **more: Any) -> RawAnswer:
    """An answer with this JSON, or with these bytes as they are."""
    body = value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False, default=_plain).encode()
    return RawAnswer(http=http, body=body, content_type="application/json", **more)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(type(value))
