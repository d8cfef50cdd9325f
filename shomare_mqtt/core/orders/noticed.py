"""What its owner has to see of an open order, and how that is kept over a restart: a single value each."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

from shomare_mqtt.core.bridge_events import BridgeEvent
from shomare_mqtt.core.records import Notice
from shomare_mqtt.core.render import dumps

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shomare_mqtt.core.records import Batch
    from shomare_mqtt.model import Order

_PREFIX = "notice/"


def key(order: str) -> str:
    """Where that of an order stands."""
    return f"{_PREFIX}{order}"


def put(batch: Batch, notice: Notice) -> None:
    """Tell of it once the batch is on disk, and after a restart."""
    batch.notices.append(notice)
    said = {"event": notice.event.value, "message": notice.message, "at": notice.at.isoformat()}
    batch.meta[key(notice.order)] = dumps(said).decode()


def kept(meta: Mapping[str, str]) -> Iterator[Notice]:
    """Those that an earlier process left."""
    for name, text in meta.items():
        if name.startswith(_PREFIX):
            # An event that a newer version of this program knows, or what makes no sense: orders are watched anyway.
            with suppress(ValueError, KeyError, TypeError):
                said = json.loads(text)
                event, at = BridgeEvent(said["event"]), datetime.fromisoformat(said["at"])
                yield Notice(name.removeprefix(_PREFIX), event, said["message"], at)


def in_short(order: Order) -> str:
    """What was asked for, as sentences name it: `Telegram (Russia)`."""
    product = order.product
    return f"{product.application_name or product.application} ({product.country_name or product.country})"
