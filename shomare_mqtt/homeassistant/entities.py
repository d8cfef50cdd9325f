"""Every entity of the contract's table, as a component of the device discovery. Keys never change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shomare_mqtt.core.bridge_events import BRIDGE_EVENT_TYPES
from shomare_mqtt.homeassistant import templates
from shomare_mqtt.model import CatalogKind, OrderState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shomare_mqtt.homeassistant.context import WatchedProduct

Component = dict[str, Any]
"""One component of a device discovery; topics are whole."""

CODE_SECONDS = 1200
"""For how long a code is shown (contract, section Home Assistant)."""
PROBLEM_SECONDS = 86400
"""For how long a problem is shown; a sensor of an unretained topic outlives Home Assistant's restart only with this."""
HIGHEST_PRICE = 1_000_000_000
_WHOLE_UNITS = frozenset({"IRT", "IRR"})
_ICONS = {
    CatalogKind.COUNTRIES: "mdi:earth",
    CatalogKind.OPERATORS: "mdi:radio-tower",
    CatalogKind.APPLICATIONS: "mdi:apps",
}


def money(base: str, currency: str) -> dict[str, Component]:
    """Balance and price."""
    return {
        "balance": {
            "platform": "sensor",
            "name": "Balance",
            "icon": "mdi:wallet",
            "state_topic": f"{base}/profile/balance",
            "value_template": templates.TEXT,
            **_amount(currency),
        },
        "price": {
            "platform": "sensor",
            "name": "Price",
            "icon": "mdi:tag-outline",
            "state_topic": f"{base}/quote",
            "value_template": templates.field("price"),
            "json_attributes_topic": f"{base}/quote",
            "json_attributes_template": templates.STOCK,
            **_amount(currency),
        },
    }


def orders(base: str) -> dict[str, Component]:
    """The open orders, and the newest one with its number."""
    current = f"{base}/current"
    return {
        "open_orders": {
            "platform": "sensor",
            "name": "Open orders",
            "icon": "mdi:format-list-bulleted",
            "state_topic": f"{base}/orders",
            "value_template": templates.COUNT,
            "json_attributes_topic": f"{base}/orders",
            "json_attributes_template": templates.ORDERS,
            "state_class": "measurement",
            "suggested_display_precision": 0,
        },
        "number": {
            "platform": "sensor",
            "name": "Number",
            "icon": "mdi:phone",
            "state_topic": current,
            "value_template": templates.field("phone"),
        },
        "order_state": {
            "platform": "sensor",
            "name": "Order state",
            "icon": "mdi:progress-clock",
            "device_class": "enum",
            "options": [*(state.value for state in OrderState), "none"],
            "state_topic": current,
            "value_template": templates.field("state"),
            "json_attributes_topic": current,
            "json_attributes_template": templates.CURRENT,
        },
        "expires": {
            "platform": "sensor",
            "name": "Expires",
            "icon": "mdi:timer-sand",
            "device_class": "timestamp",
            "state_topic": current,
            "value_template": templates.field("expires_at"),
        },
        "code": {
            "platform": "sensor",
            "name": "Code",
            "icon": "mdi:message-lock",
            "state_topic": f"{base}/code",
            "value_template": templates.TEXT,
            "expire_after": CODE_SECONDS,
        },
    }


def events(base: str) -> dict[str, Component]:
    """What happens: an SMS, another state of an order, something that the owner should see."""
    return {
        "sms": {
            "platform": "event",
            "name": "SMS",
            "icon": "mdi:message-text",
            "event_types": ["sms_received"],
            "state_topic": f"{base}/event/sms",
            "value_template": templates.SMS_EVENT,
        },
        "order": {
            "platform": "event",
            "name": "Order",
            "icon": "mdi:cart",
            "event_types": [state.value for state in OrderState],
            "state_topic": f"{base}/event/order",
            "value_template": templates.ORDER_EVENT,
        },
        "bridge": {
            "platform": "event",
            "name": "Bridge",
            "icon": "mdi:alert-circle-outline",
            "entity_category": "diagnostic",
            "event_types": list(BRIDGE_EVENT_TYPES),
            "state_topic": f"{base}/event/bridge",
            "value_template": templates.BRIDGE_EVENT,
        },
    }


def diagnostics(base: str) -> dict[str, Component]:
    """How the bridge and the provider are."""
    return {
        "last_problem": {
            "platform": "sensor",
            "name": "Last problem",
            "icon": "mdi:alert",
            "entity_category": "diagnostic",
            "state_topic": f"{base}/event/bridge",
            "value_template": templates.PROBLEM,
            "expire_after": PROBLEM_SECONDS,
        },
        "provider": {
            "platform": "binary_sensor",
            "name": "Provider",
            "device_class": "connectivity",
            "entity_category": "diagnostic",
            "state_topic": f"{base}/provider/state",
            "value_template": templates.PROVIDER,
            "json_attributes_topic": f"{base}/provider/state",
            "json_attributes_template": templates.PROVIDER_ATTRIBUTES,
        },
    }


def figures(base: str, currency: str) -> dict[str, Component]:
    """What was spent today, and how often an SMS came. The first begins anew at the provider's midnight."""
    topic = f"{base}/statistics"
    return {
        "spent_today": {
            "platform": "sensor",
            "name": "Spent today",
            "icon": "mdi:cash-clock",
            "entity_category": "diagnostic",
            "state_topic": topic,
            "value_template": templates.SPENT_TODAY,
            **_amount(currency),
            "state_class": "total",
            "last_reset_value_template": templates.DAY_BEGAN,
        },
        "success_rate": {
            "platform": "sensor",
            "name": "Success rate",
            "icon": "mdi:percent-circle-outline",
            "entity_category": "diagnostic",
            "state_topic": topic,
            "value_template": templates.SUCCESS_RATE,
            "unit_of_measurement": "%",
            "state_class": "measurement",
            "suggested_display_precision": 0,
        },
    }


def select(base: str, kind: CatalogKind, options: list[str], renamed: dict[str, str]) -> Component:
    """One of the three selects."""
    topic = f"{base}/defaults/{kind.field}"
    return {
        "platform": "select",
        "name": kind.field.capitalize(),
        "icon": _ICONS[kind],
        "options": options,
        "state_topic": f"{topic}/name",
        "value_template": templates.option(renamed),
        "command_topic": f"{topic}/set",
    }


def controls(base: str, currency: str) -> dict[str, Component]:
    """The limit and the switch."""
    return {
        "maximum_price": {
            "platform": "number",
            "name": "Maximum price",
            "icon": "mdi:cash-lock",
            "mode": "box",
            "min": 0,
            "max": HIGHEST_PRICE,
            "step": 1 if currency in _WHOLE_UNITS else 0.01,
            "state_topic": f"{base}/defaults/max_price",
            "value_template": templates.NUMBER_OR_ZERO,
            "command_topic": f"{base}/defaults/max_price/set",
            **_unit(currency),
        },
        "buying": {
            "platform": "switch",
            "name": "Buying",
            "icon": "mdi:cart-check",
            "entity_category": "config",
            "state_topic": f"{base}/buying",
            "value_template": templates.TEXT,
            "command_topic": f"{base}/buying/set",
            "payload_on": "on",
            "payload_off": "off",
            "state_on": "on",
            "state_off": "off",
        },
    }


def buttons(base: str) -> dict[str, Component]:
    """Buy, cancel, refresh; the first two need a provider that can be asked."""
    availability = {"availability": [bridge_online(base), provider_usable(base)], "availability_mode": "all"}
    return {
        "buy": {
            "platform": "button",
            "name": "Buy",
            "icon": "mdi:cart-plus",
            "command_topic": f"{base}/buy",
            "command_template": templates.BUY,
            **availability,
        },
        "cancel": {
            "platform": "button",
            "name": "Cancel",
            "icon": "mdi:cart-remove",
            "command_topic": f"{base}/cancel",
            "command_template": templates.CANCEL,
            **availability,
        },
        "refresh": {
            "platform": "button",
            "name": "Refresh",
            "icon": "mdi:refresh",
            "entity_category": "diagnostic",
            "command_topic": f"{base}/query/profile",
            "payload_press": "{}",
        },
    }


def watched_price(topic: str, product: WatchedProduct, currency: str) -> Component:
    """A sensor of one `[[prices]]` that names an application. `topic`: the whole topic of its price list."""
    return {
        "platform": "sensor",
        "name": f"Price {product.name}",
        "icon": "mdi:tag-search-outline",
        "state_topic": topic,
        "value_template": templates.product_price(product.application),
        "json_attributes_topic": topic,
        "json_attributes_template": templates.product_stock(product.application),
        **_amount(currency),
    }


def bridge_online(base: str) -> Mapping[str, str]:
    """The availability of everything."""
    return {"topic": f"{base}/bridge/state", "payload_available": "online", "payload_not_available": "offline"}


def provider_usable(base: str) -> Mapping[str, str]:
    """The further availability of what asks the provider to act."""
    return {
        "topic": f"{base}/provider/state",
        "value_template": templates.PROVIDER_AVAILABLE,
        "payload_available": "online",
        "payload_not_available": "offline",
    }


def _amount(currency: str) -> Component:
    """Money as a sensor: no `monetary` class, which takes ISO 4217 codes alone."""
    precision = 0 if currency in _WHOLE_UNITS else 2
    return {"state_class": "measurement", "suggested_display_precision": precision, **_unit(currency)}


def _unit(currency: str) -> Component:
    return {"unit_of_measurement": currency.strip()} if currency.strip() else {}
