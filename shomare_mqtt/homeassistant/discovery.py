"""The device discovery message, understood by Home Assistant 2024.12 to 2026.11 (contract, section Home Assistant).

Its top level, `device` and `origin` are strict: one key that a version does not know and the whole device is refused.
Within a component unknown keys are passed over, so that `default_entity_id` does no harm before 2025.10.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

from shomare_mqtt import topics
from shomare_mqtt.homeassistant import entities, selects, words
from shomare_mqtt.model import CatalogKind, Message

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shomare_mqtt.homeassistant.context import DiscoveryContext, WatchedProduct
    from shomare_mqtt.homeassistant.entities import Component

PLATFORMS = frozenset(
    {
        "alarm_control_panel",
        "binary_sensor",
        "button",
        "camera",
        "climate",
        "cover",
        "device_tracker",
        "event",
        "fan",
        "humidifier",
        "image",
        "lawn_mower",
        "light",
        "lock",
        "notify",
        "number",
        "scene",
        "select",
        "sensor",
        "siren",
        "switch",
        "text",
        "update",
        "vacuum",
        "valve",
        "water_heater",
    }
)
"""Platforms of entities that every one of these versions knows: an unknown one makes it refuse the whole device."""

_IDS = {"bridge_state": "bridge"}
"""Keys of which the entity id is not made: the event's key came first."""
_PLAIN = re.compile(r"[A-Za-z0-9]{1,24}")
_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NO_SLUG = re.compile(r"[^a-z0-9]+")


def discovery_topic(prefix: str, instance: str) -> str:
    """Where the message stands."""
    return f"{prefix}/device/shomare_{instance}/config"


def discovery_message(context: DiscoveryContext, removed: Mapping[str, str] | None = None) -> Message:
    """The retained message. `removed`: keys that are no more, and the platform, all that is then said of them."""
    components: dict[str, Any] = dict(build_components(context))
    components |= {key: {"platform": platform} for key, platform in (removed or {}).items()}
    body = {
        "device": _device(context),
        "origin": {"name": "shomare-mqtt", "sw_version": context.version},
        "availability": [entities.bridge_online(context.settings.mqtt.base_topic)],
        "components": components,
    }
    payload = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    topic = discovery_topic(context.settings.homeassistant.discovery_prefix, context.instance)
    return Message(topic, payload, retain=True, absolute=True)


def _device(context: DiscoveryContext) -> dict[str, Any]:
    device: dict[str, Any] = {
        "identifiers": [f"shomare_{context.instance}"],
        "name": context.settings.homeassistant.device_name,
        "manufacturer": "shomare.online",
        "model": words.MODELS[context.settings.homeassistant.language],
        "sw_version": context.version,
    }
    web = context.settings.web
    if web.enabled and web.url:
        device["configuration_url"] = web.url
    return device


def build_components(context: DiscoveryContext) -> dict[str, Component]:
    """Every component by its key. Of a plugin's, those in `refused_extra` are left out."""
    base, currency = context.settings.mqtt.base_topic, context.settings.provider.currency
    found = entities.money(base, currency) | entities.orders(base) | entities.events(base) | entities.diagnostics(base)
    found |= entities.figures(base, currency)
    found |= {kind.field: _select(context, kind) for kind in CatalogKind}
    if len(found[CatalogKind.APPLICATIONS.field]["options"]) > entities.MANY:
        found |= entities.application_by_name(base)
    found |= entities.controls(base, currency) | entities.buttons(base) | entities.settling(base)
    language = context.settings.homeassistant.language
    names = words.NAMES[language]
    found = {key: {"name": name, **found[key]} for key, name in names.items() if key in found}
    for product in context.watched:
        topic = f"{base}/{topics.prices(product.country, product.operator)}"
        named = {"name": words.watched_price(language, product.name)}
        found[watched_key(product)] = named | entities.watched_price(topic, product, currency)
    refused = refused_extra(context)
    found = {key: dict(c) for key, c in context.extra.items() if key not in refused} | found
    return {key: _complete(context, key, component) for key, component in found.items()}


def refused_extra(context: DiscoveryContext) -> dict[str, str]:
    """Keys of plugins' components that cannot be announced, with the reason: to be said to the owner."""
    return {key: why for key, component in context.extra.items() if (why := _objection(key, component))}


def watched_key(product: WatchedProduct) -> str:
    """The key of a watched price's sensor: of its ids, whatever they are."""
    ids = (product.country, product.operator, product.application)
    if all(_PLAIN.fullmatch(i) for i in ids):
        return "price_" + "_".join(ids)
    return "price_" + hashlib.sha256("\0".join(ids).encode()).hexdigest()[:16]


def _select(context: DiscoveryContext, kind: CatalogKind) -> Component:
    catalog = context.catalogs.get(kind)
    only: tuple[str, ...] = getattr(context.settings.homeassistant, kind.value)
    offered = selects.offered(catalog, only, context.defaults.get(kind.field))
    options = [option for option in dict.fromkeys(offered.values()) if option.strip()]
    return entities.select(context.settings.mqtt.base_topic, kind, options, selects.renamed(offered, catalog))


def _complete(context: DiscoveryContext, key: str, component: Component) -> Component:
    """What every component has. Messages and commands are acknowledged (QoS 1), which no version takes at the top."""
    slug = _NO_SLUG.sub("_", context.settings.mqtt.base_topic.lower()).strip("_") or "shomare"
    object_id = f"{slug}_{_IDS.get(key, key).lower().replace('-', '_')}"
    return {
        "qos": 1,
        "default_entity_id": f"{component['platform']}.{object_id}",
        # The same before 2025.10, which would make it of the names. Beside `default_entity_id` no version warns of it.
        "object_id": object_id,
        **component,
        "unique_id": f"shomare_{context.instance}_{key}",
    }


def _objection(key: str, component: Mapping[str, Any]) -> str:
    """Why a plugin's component cannot be announced; empty where it can."""
    if not _KEY.fullmatch(key):
        return "its key must be letters, digits, _ and -"
    if component.get("platform") not in PLATFORMS:
        return f"Home Assistant has no platform {component.get('platform')!r}"
    try:
        json.dumps(dict(component), ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError):
        return "it is no JSON"
    return ""
