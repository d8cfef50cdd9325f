"""What the contract's payloads have in common."""

from __future__ import annotations

import re
from typing import Any

TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
ORDER_FIELDS = [
    "order", "purchase", "transaction", "state", "country", "country_name", "operator", "operator_name", "application",
    "application_name", "phone", "price", "created_at", "updated_at", "expires_at", "closed_at", "sms_count", "sms",
    "refunded", "charged", "tries", "error",
]  # fmt: skip


def is_time(value: Any) -> bool:
    return isinstance(value, str) and TIME.match(value) is not None


def check_order(order: Any) -> Any:
    """An order in the contract's shape, whatever its state."""
    assert list(order) == ORDER_FIELDS
    assert is_time(order["created_at"])
    assert is_time(order["updated_at"])
    assert order["expires_at"] is None or is_time(order["expires_at"])
    is_open = order["state"] in ("buying", "waiting", "received", "unknown")
    assert order["closed_at"] is None if is_open else is_time(order["closed_at"])
    assert order["sms_count"] == len(order["sms"])
    assert order["refunded"] in (True, False, None)
    for field in ("order", "country", "operator", "application"):
        assert isinstance(order[field], str)
    return order
