"""What was learnt of the provider, as `bridge/info` shows it and `doctor` reads it there.

`{"parameters": {"pricebycountry": "path"}, "places": {"countries.id": "api_name"}, "answers": {"buy": {"outline": {…},
"found": […]}}}`: how parameters travel, which of several places of a field works, what answers looked like. No value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shomare_mqtt.model import FIELDS_BY_HAND, Endpoint
from shomare_mqtt.provider.seen import seen_in

if TYPE_CHECKING:
    from collections.abc import Mapping

_ENDPOINTS = frozenset(endpoint.value for endpoint in Endpoint)


def shown(learnt: Mapping[str, str]) -> dict[str, Any]:
    """What a memory holds (see `dialect.DialectMemory`), for people."""
    return {
        "parameters": {name: style for name, style in learnt.items() if name in _ENDPOINTS},
        "places": {name: place for name, place in learnt.items() if name in FIELDS_BY_HAND},
        "answers": seen_in(learnt),
    }


def taken_back(shown_: Any) -> dict[str, str]:
    """The memory that was shown so, without answers; what makes no sense is passed over."""
    tables = [shown_.get(name) for name in ("parameters", "places")] if isinstance(shown_, dict) else []
    pairs = [pair for table in tables if isinstance(table, dict) for pair in table.items()]
    return {name: value for name, value in pairs if isinstance(value, str)}
