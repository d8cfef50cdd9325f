"""Tells when a product gets cheap, or is there again.

    [[prices]]                       # the daemon must keep the list published
    country = "Russia"
    operator = "1"

    [plugins]
    enabled = ["price_alert"]

    [[plugins.price_alert.watch]]
    application = "3"                # ids; leave out country and operator to take any
    below = 2000                     # leave out to be told of stock alone

Each alert is one message on `<base topic>/plugin/price_alert/alert`, and one event of the entity "Price alert" that
Home Assistant shows with the device. After a restart of the daemon a price that still is low may be told once more.
"""

# ruff: noqa: TC001, TC003 - a plugin is a small file: blocks for type checkers alone would be half of it
from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from shomare_mqtt.model import Order, Price, PriceList
from shomare_mqtt.plugin import Api, hookimpl
from shomare_mqtt.plugin.kit import money_said

_TOPIC = "alert"
_KINDS = ("price_below", "back_in_stock")


def _text(value: object) -> object:
    """Ids and money may be written as numbers; money goes through text, so that no digit is lost."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


Id = Annotated[str, BeforeValidator(_text)]


class Watch(BaseModel):
    """One `[[plugins.price_alert.watch]]`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    application: Id
    country: Id | None = None
    operator: Id | None = None
    below: Annotated[Decimal, BeforeValidator(_text), Field(gt=0)] | None = None
    stock: bool = True

    def is_for(self, prices: PriceList) -> bool:
        """Whether the list is one of the places watched."""
        return self.country in (None, prices.country) and self.operator in (None, prices.operator)


class Settings(BaseModel):
    """`[plugins.price_alert]`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    watch: Annotated[tuple[Watch, ...], Field(min_length=1)]


class Plugin:
    """The watcher."""

    def __init__(self) -> None:
        self._api: Api

    @hookimpl
    def shomare_startup(self, api: Api) -> None:
        """Keeps what the other hooks need."""
        self._api = api

    @hookimpl
    def shomare_discovery(self, order: Order | None) -> dict[str, dict[str, Any]]:
        """The entity in Home Assistant."""
        del order
        event = {
            "platform": "event",
            "name": "Price alert",
            "icon": "mdi:tag-arrow-down",
            "state_topic": f"{self._api.topic}/{_TOPIC}",
            "event_types": list(_KINDS),
        }
        return {_TOPIC: event}

    @hookimpl
    def shomare_prices_changed(self, prices: PriceList, previous: PriceList | None) -> None:
        """Compares what is watched with how it was."""
        for watch in self._api.settings.watch:
            if watch.is_for(prices):
                now, before = _price(prices, watch.application), _price(previous, watch.application)
                for kind in _alerts(watch, now, before, known=previous is not None):
                    self._tell(kind, watch, prices, now)

    def _tell(self, kind: str, watch: Watch, prices: PriceList, now: Price | None) -> None:
        assert now is not None and now.price is not None  # noqa: S101, PT018 - nothing is told of what has no price
        name = now.application_name or watch.application
        cost = money_said(now.price, prices.currency)
        words = f"costs {cost}" if kind == "price_below" else f"is there again for {cost}"
        alert = {
            "event_type": kind,
            "message": f"{name} {words}",
            "country": prices.country,
            "operator": prices.operator,
            "application": watch.application,
            "application_name": now.application_name,
            "price": int(now.price) if now.price == int(now.price) else float(now.price),
            "count": now.count,
        }
        self._api.publish(_TOPIC, json.dumps(alert, ensure_ascii=False))
        self._api.logger.info("%s", alert["message"])


def _price(prices: PriceList | None, application: str) -> Price | None:
    return next((p for p in prices.prices if p.application == application), None) if prices else None


def _is_there(price: Price | None) -> bool:
    return price is not None and price.price is not None and price.count != 0


def _is_cheap(price: Price | None, below: Decimal | None) -> bool:
    return below is not None and price is not None and price.price is not None and price.price < below


def _alerts(watch: Watch, now: Price | None, before: Price | None, *, known: bool) -> Iterator[str]:
    """What is new. Stock needs an earlier list to compare with; a low price that nobody can buy is no news."""
    if not _is_there(now):
        return
    if _is_cheap(now, watch.below) and not (_is_cheap(before, watch.below) and _is_there(before)):
        yield "price_below"
    elif watch.stock and known and not _is_there(before):
        yield "back_in_stock"
