"""When a changed setting takes effect as the file is read again: one place for all keys, for the daemon and the docs.

Without imports of weight: a page of the settings is made of this beside the models.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Effect(NamedTuple):
    """`connects_anew`: the daemon ends its connection to the broker, and begins anew with the changed key.

    `how`: else, what that means for what is under way; empty where there is nothing to say.
    """

    connects_anew: bool
    how: str = ""


ANEW = Effect(connects_anew=True)


def _at_once(how: str = "") -> Effect:
    return Effect(connects_anew=False, how=how)


_LIMIT = _at_once("counts for each `buy` that was not sent to the provider yet")
_SECRET_FILE = _at_once("another secret in it connects anew, as one in its place does")
_OFFERS = _at_once("from the next `query/offers` on")
_LOOKED_UP = _at_once("looked up at once")

EFFECTS: Mapping[str, Effect] = {
    "mqtt.host": ANEW,
    "mqtt.port": ANEW,
    "mqtt.transport": ANEW,
    "mqtt.path": ANEW,
    "mqtt.username": ANEW,
    "mqtt.password": ANEW,
    "mqtt.password_file": _SECRET_FILE,
    "mqtt.client_id": ANEW,
    "mqtt.base_topic": ANEW,
    "mqtt.protocol": ANEW,
    "mqtt.keepalive": ANEW,
    "mqtt.session_expiry": ANEW,
    "mqtt.tls.enabled": ANEW,
    "mqtt.tls.ca_file": ANEW,
    "mqtt.tls.cert_file": ANEW,
    "mqtt.tls.key_file": ANEW,
    "provider.base_url": ANEW,
    "provider.token": ANEW,
    "provider.token_file": _SECRET_FILE,
    "provider.timeout": ANEW,
    "provider.requests_per_minute": ANEW,
    "provider.currency": ANEW,
    "provider.timezone": ANEW,
    "provider.proxy": ANEW,
    "provider.dialect.parameters": ANEW,
    "provider.dialect.buy": ANEW,
    "provider.dialect.country": ANEW,
    "provider.dialect.operator": ANEW,
    "provider.dialect.application": ANEW,
    "provider.dialect.purchase": ANEW,
    "provider.fields": ANEW,
    "provider.states": ANEW,
    "state.directory": ANEW,
    "orders.poll_interval": _at_once("a shorter one shortens what each open order waits"),
    "orders.lifetime": _at_once("of numbers bought from then on; an open order keeps its end"),
    "orders.cancel_on_expiry": _at_once("of open orders, too"),
    "orders.keep_closed": _at_once("of closed orders that still have their topic, too"),
    "orders.remember": _at_once("a longer one brings back nothing that is forgotten"),
    "orders.settle_delay": _at_once("an order that is `unknown` by then waits as long as before"),
    "limits.max_price": _LIMIT,
    "limits.max_spend_per_day": _LIMIT,
    "limits.max_buys_per_hour": _LIMIT,
    "limits.max_open_orders": _LIMIT,
    "limits.min_balance": _LIMIT,
    "limits.double_press": _at_once("from the next `buy` on"),
    "limits.max_unused_per_day": _LIMIT,
    "defaults.country": _LOOKED_UP,
    "defaults.operator": _LOOKED_UP,
    "defaults.application": _LOOKED_UP,
    "defaults.max_price": _at_once("from the next `buy` on"),
    "refresh.profile": _at_once(),
    "refresh.catalog": _at_once(),
    "refresh.prices": _at_once(),
    "prices": _at_once("new ones are read; the topics of those that are gone are emptied"),
    "offers.countries": _OFFERS,
    "offers.operators": _OFFERS,
    "offers.max_requests": _OFFERS,
    "homeassistant.enabled": ANEW,
    "homeassistant.discovery_prefix": ANEW,
    "homeassistant.device_name": _at_once(),
    "homeassistant.language": _at_once(),
    "homeassistant.countries": _at_once(),
    "homeassistant.operators": _at_once(),
    "homeassistant.applications": _at_once(),
    "plugins": ANEW,
    "plugins.enabled": ANEW,
    "plugins.directories": ANEW,
    "metrics.enabled": ANEW,
    "metrics.host": ANEW,
    "metrics.port": ANEW,
    "web.enabled": ANEW,
    "web.host": ANEW,
    "web.port": ANEW,
    "web.password": ANEW,
    "web.password_file": _SECRET_FILE,
    "web.viewer_password": ANEW,
    "web.viewer_password_file": _SECRET_FILE,
    "web.allowed_hosts": _at_once("from the next request on"),
    "web.ingress_port": ANEW,
    "web.ingress_peer": ANEW,
    "web.url": _at_once(),
    "web.language": _at_once("from the next opening of the page on"),
    "privacy.retain_codes": _at_once("off: retained codes are taken away; on: from what comes next on"),
    "log.level": _at_once(),
    "log.format": _at_once(),
}
"""By a key's path; `plugins` stands for the plugins' own tables, and a key that holds a table for all in it."""


def effect_of(key: str) -> Effect:
    """That of a key, or of the table that it stands in; what nobody thought of connects anew."""
    while key:
        if key in EFFECTS:
            return EFFECTS[key]
        key = key.rpartition(".")[0]
    return ANEW
