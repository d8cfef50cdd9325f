"""What an order counts at, between what was quoted and what the answer to `buy` says (contract, Limits)."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from shomare_mqtt.core import problem_words as words
from shomare_mqtt.core.bridge_events import BridgeEvent
from shomare_mqtt.core.orders.noticed import in_short
from shomare_mqtt.core.records import Notice, Posting, bridge_posting

if TYPE_CHECKING:
    from collections.abc import Callable

    from shomare_mqtt.model import Order

_DIFFERS = Decimal("0.1")
"""Part of the quote by which the answer's price may differ without a word."""


def counted(quoted: Decimal | None, said: Decimal | None) -> Decimal | None:
    """The price at which an order counts: the higher of the two, so that no answer makes a limit void."""
    return max((p for p in (quoted, said) if p is not None), default=None)


def about_price(
    order: Order,
    said: Decimal | None,
    counts_at: Decimal | None,
    max_price: Decimal | None,
    money: Callable[[Decimal], str],
) -> list[Posting]:
    """What an operator should see of the answer's price; `money` writes an amount for people."""
    postings, quoted = [], order.price
    if said is not None and quoted is not None and abs(said - quoted) > _DIFFERS * quoted:
        message = (
            f"order {order.order}: the price was {money(quoted)} before the purchase, and the provider's answer "
            f"says {money(said)}; it counts at the higher of the two"
        )
        prices = {"price": counts_at, "quoted": quoted, "said": said}
        postings.append(bridge_posting(BridgeEvent.PRICE_DIFFERS, message, order=order.order, **prices))
    if counts_at is not None and max_price is not None and counts_at > max_price:
        limit = money(max_price)
        message = f"order {order.order} cost {money(counts_at)}, more than max_price ({limit}); it is kept"
        postings.append(bridge_posting(BridgeEvent.PRICE_ABOVE_LIMIT, message, order=order.order, price=counts_at))
    return postings


def above_limit(order: Order, max_price: Decimal | None, money: Callable[[Decimal], str]) -> Notice | None:
    """What its owner has to see of an order that was just bought, where it came dearer than the limit."""
    if order.price is None or max_price is None or order.price <= max_price:
        return None
    message = words.above_limit(in_short(order), money(order.price), money(max_price))
    return Notice(order.order, BridgeEvent.PRICE_ABOVE_LIMIT, message, order.updated_at)
