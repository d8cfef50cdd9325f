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
LONGEST_TEXT = 255
"""Characters that a state may have in Home Assistant."""
MANY = 100
"""Options of a select beyond which looking for one is a labour: then a text takes a name, too."""
HIGHEST_PRICE = 1_000_000_000
_WHOLE_UNITS = frozenset({"IRT", "IRR"})
_ICONS = {
    CatalogKind.COUNTRIES: "mdi:earth",
    CatalogKind.OPERATORS: "mdi:radio-tower",
    CatalogKind.APPLICATIONS: "mdi:apps",
}
# What is chosen most often stands beside the buttons, where the device's page sorts by name; the rest is configuration.
_SELECT_CATEGORIES: Mapping[CatalogKind, Component] = {
    CatalogKind.COUNTRIES: {"entity_category": "config"},
    CatalogKind.OPERATORS: {"entity_category": "config"},
    CatalogKind.APPLICATIONS: {},
}


def money(base: str, currency: str) -> dict[str, Component]:
    """Balance and price."""
    return {
        "balance": {
            "platform": "sensor",
            "icon": "mdi:wallet",
            "state_topic": f"{base}/profile/balance",
            "value_template": templates.TEXT,
            **_amount(currency),
        },
        "price": {
            "platform": "sensor",
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
            "icon": "mdi:phone",
            "state_topic": current,
            "value_template": templates.field("phone"),
        },
        "order_state": {
            "platform": "sensor",
            "icon": "mdi:progress-clock",
            "device_class": "enum",
            "options": [*(templates.STATES.get(state, state.value) for state in OrderState), "none"],
            "state_topic": current,
            "value_template": templates.ORDER_STATE,
            "json_attributes_topic": current,
            "json_attributes_template": templates.CURRENT,
        },
        "expires": {
            "platform": "sensor",
            "icon": "mdi:timer-sand",
            "device_class": "timestamp",
            "state_topic": current,
            "value_template": templates.field("expires_at"),
        },
        "code": {
            "platform": "sensor",
            "icon": "mdi:message-lock",
            "state_topic": f"{base}/code",
            "value_template": templates.TEXT,
            "json_attributes_topic": f"{base}/event/sms",
            "json_attributes_template": templates.CODE_ATTRIBUTES,
            "expire_after": CODE_SECONDS,
        },
    }


def events(base: str) -> dict[str, Component]:
    """What happens: an SMS, another state of an order, something that the owner should see."""
    return {
        "sms": {
            "platform": "event",
            "icon": "mdi:message-text",
            "event_types": ["sms_received"],
            "state_topic": f"{base}/event/sms",
            "value_template": templates.SMS_EVENT,
        },
        "order": {
            "platform": "event",
            "icon": "mdi:cart",
            "event_types": [state.value for state in OrderState],
            "state_topic": f"{base}/event/order",
            "value_template": templates.ORDER_EVENT,
        },
        "bridge": {
            "platform": "event",
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
            "icon": "mdi:alert",
            "state_topic": f"{base}/bridge/problem",
            "value_template": templates.PROBLEM,
            "json_attributes_topic": f"{base}/bridge/problem",
            "json_attributes_template": templates.PROBLEM_ATTRIBUTES,
        },
        "bridge_state": {
            "platform": "binary_sensor",
            "device_class": "running",
            "entity_category": "diagnostic",
            "state_topic": f"{base}/bridge/state",
            "payload_on": "online",
            "payload_off": "offline",
            # What every other entity is unavailable by, this one tells; an empty list outranks the device's.
            "availability": [],
        },
        "provider": {
            "platform": "binary_sensor",
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
        "icon": _ICONS[kind],
        **_SELECT_CATEGORIES[kind],
        "options": options,
        "state_topic": f"{topic}/name",
        "value_template": templates.option(renamed),
        "command_topic": f"{topic}/set",
    }


def application_by_name(base: str) -> dict[str, Component]:
    """Where a select offers too much to look through on a phone, the same default by name."""
    topic = f"{base}/defaults/application"
    return {
        "application_by_name": {
            "platform": "text",
            "icon": "mdi:form-textbox",
            "max": LONGEST_TEXT,
            "state_topic": f"{topic}/name",
            "value_template": templates.NAME,
            "command_topic": f"{topic}/set",
        }
    }


def controls(base: str, currency: str) -> dict[str, Component]:
    """The limit and the switch."""
    return {
        "maximum_price": {
            "platform": "number",
            "icon": "mdi:cash-lock",
            "entity_category": "config",
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
            "icon": "mdi:cart-plus",
            "command_topic": f"{base}/buy",
            "command_template": templates.BUY,
            **availability,
        },
        "cancel": {
            "platform": "button",
            "icon": "mdi:cart-remove",
            "command_topic": f"{base}/cancel",
            "command_template": templates.CANCEL,
            **availability,
        },
        "refresh": {
            "platform": "button",
            "icon": "mdi:refresh",
            "entity_category": "diagnostic",
            "command_topic": f"{base}/query/profile",
            "payload_press": "{}",
        },
    }


def settling(base: str) -> dict[str, Component]:
    """What settles an order of which nobody knows whether it was bought; there only while one is."""
    settled = {
        "entity_category": "config",  # rarely needed, and not to be pressed in passing: in no automatic dashboard
        "command_topic": f"{base}/resolve",
        "availability": [bridge_online(base), order_in_doubt(base)],
        "availability_mode": "all",
    }
    return {
        "settle_as_not_bought": {
            "platform": "button",
            "icon": "mdi:cart-off",
            "command_template": templates.SETTLE_NOT_BOUGHT,
            **settled,
        },
        "settle_as_bought": {
            "platform": "text",
            "icon": "mdi:cart-heart",
            "max": LONGEST_TEXT,
            # What was typed is not kept: it belongs to one order, and the next one in doubt needs its own.
            "state_topic": f"{base}/orders",
            "value_template": templates.EMPTY,
            "command_template": templates.SETTLE_BOUGHT,
            **settled,
        },
    }


def watched_price(topic: str, product: WatchedProduct, currency: str) -> Component:
    """A sensor of one `[[prices]]` that names an application. `topic`: the whole topic of its price list."""
    return {
        "platform": "sensor",
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


def order_in_doubt(base: str) -> Mapping[str, str]:
    """The further availability of what settles an order."""
    return {
        "topic": f"{base}/orders",
        "value_template": templates.IN_DOUBT,
        "payload_available": "online",
        "payload_not_available": "offline",
    }


def _amount(currency: str) -> Component:
    """Money as a sensor: no `monetary` class, which takes ISO 4217 codes alone."""
    precision = 0 if currency in _WHOLE_UNITS else 2
    return {"state_class": "measurement", "suggested_display_precision": precision, **_unit(currency)}


def _unit(currency: str) -> Component:
    return {"unit_of_measurement": currency.strip()} if currency.strip() else {}
