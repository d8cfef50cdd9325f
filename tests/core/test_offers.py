"""`query/offers`: where an application can be had (contract, Commands, 'Offers')."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from shomare_mqtt.core.render import timestamp
from shomare_mqtt.model import Price, PriceList
from tests.core.provider import Late

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.core.world import World

PLACES = [(country, operator) for country in "123" for operator in "12"]
"""All that the lists hold."""


def at_prices(prices: dict[tuple[str, str], Any]) -> Callable[[tuple[str, str]], Any]:
    """What the provider gives for the price list of each place: a price, prices with stock by application, an error."""

    def answer(place: tuple[str, str]) -> Any:
        told = prices.get(place, 500)
        if isinstance(told, Exception | Late):
            return told
        rows = told if isinstance(told, dict) else {"1": (told, 5)}
        return PriceList(*place, tuple(Price(a, None if p is None else Decimal(p), n) for a, (p, n) in rows.items()))

    return answer


def told(world: World) -> list[Any]:
    """Every `event/offers`."""
    return [json.loads(m.payload) for m in world.broker.sent() if m.topic == "event/offers"]


def where(data: Any) -> list[tuple[str, str]]:
    return [(offer["country"], offer["operator"]) for offer in data["offers"]]


async def test_all_places_cheapest_first_then_by_more_stock(world: World) -> None:
    world.provider.always["prices"] = at_prices(
        {
            ("1", "1"): {"1": (900, 2)},
            ("1", "2"): {"1": ("850.50", 1)},
            ("2", "1"): {"1": (900, 7)},
            ("2", "2"): {"1": (900, None)},
            ("3", "1"): {"2": (100, 9)},
            ("3", "2"): {"1": (None, 9)},
        }
    )
    data = await world.data("query/offers", {"application": "Telegram"})
    assert where(data) == [("1", "2"), ("2", "1"), ("1", "1"), ("2", "2")]
    assert {key: value for key, value in data.items() if key != "offers"} == {
        "application": "1",
        "application_name": "Telegram",
        "places": 6,
        "read": 6,
        "unread": 0,
    }
    assert data["offers"][0] == {
        "country": "1",
        "country_name": "Iran",
        "operator": "2",
        "operator_name": "Irancell",
        "price": 850.5,
        "count": 1,
        "updated_at": timestamp(world.clock.now()),
        "orders": 0,
        "success": None,
    }
    assert [offer["count"] for offer in data["offers"]] == [1, 7, 2, None]
