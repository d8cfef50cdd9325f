"""Facts of the message that Home Assistant 2024.12 to 2026.11 insist on, and the contract's table."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shomare_mqtt.config import Web
from shomare_mqtt.core.bridge_events import BRIDGE_EVENT_TYPES
from shomare_mqtt.homeassistant import WatchedProduct, discovery_message, refused_extra, words
from shomare_mqtt.homeassistant.discovery import watched_key
from shomare_mqtt.model import Catalog, CatalogEntry, CatalogKind, OrderState
from tests.homeassistant.contexts import CATALOGS, TELEGRAM, announced, components, context, many_applications

DOCS = Path(__file__).parents[2] / "docs"

# The keys that Home Assistant 2024.12 knows where it refuses others (components/mqtt/schemas.py).
TOP = {"device", "origin", "components", "availability", "availability_mode", "state_topic", "command_topic", "qos"}
DEVICE = {"identifiers", "name", "manufacturer", "model", "model_id", "sw_version", "hw_version", "serial_number"}
DEVICE |= {"configuration_url"}
ORIGIN = {"name", "sw_version", "support_url"}

TABLE = {
    "balance": ("sensor", "Balance", "profile/balance"),
    "price": ("sensor", "Price", "quote"),
    "open_orders": ("sensor", "Open orders", "orders"),
    "number": ("sensor", "Number", "current"),
    "order_state": ("sensor", "Order state", "current"),
    "expires": ("sensor", "Expires", "current"),
    "code": ("sensor", "Code", "code"),
    "sms": ("event", "SMS", "event/sms"),
    "order": ("event", "Order", "event/order"),
    "bridge": ("event", "Bridge", "event/bridge"),
    "last_problem": ("sensor", "Last problem", "bridge/problem"),
    "bridge_state": ("binary_sensor", "Bridge", "bridge/state"),
    "provider": ("binary_sensor", "Provider", "provider/state"),
    "spent_today": ("sensor", "Spent today", "statistics"),
    "success_rate": ("sensor", "Success rate", "statistics"),
    "country": ("select", "Country", "defaults/country/name"),
    "operator": ("select", "Operator", "defaults/operator/name"),
    "application": ("select", "Application", "defaults/application/name"),
    "maximum_price": ("number", "Maximum price", "defaults/max_price"),
    "buying": ("switch", "Buying", "buying"),
    "buy": ("button", "Buy", None),
    "cancel": ("button", "Cancel", None),
    "refresh": ("button", "Refresh", None),
    "settle_as_not_bought": ("button", "Settle as not bought", None),
    "settle_as_bought": ("text", "Settle as bought", "orders"),
}
COMMANDS = {
    "country": "defaults/country/set",
    "operator": "defaults/operator/set",
    "application": "defaults/application/set",
    "maximum_price": "defaults/max_price/set",
    "buying": "buying/set",
    "buy": "buy",
    "cancel": "cancel",
    "refresh": "query/profile",
    "settle_as_not_bought": "resolve",
    "settle_as_bought": "resolve",
}
IDS = {"bridge_state": "bridge"}
"""What stands in the entity id, where that is not the key."""


def test_message_is_retained_under_the_prefix() -> None:
    message = discovery_message(context(homeassistant={"discovery_prefix": "ha/discovery"}))
    assert message.topic == "ha/discovery/device/shomare_k3v9x2/config"
    assert message.retain
    assert message.absolute


def test_strict_parts_hold_nothing_that_an_old_version_does_not_know() -> None:
    body = announced(context(homeassistant={"device_name": "شماره"}))
    assert set(body) <= TOP
    assert set(body["device"]) <= DEVICE
    assert set(body["origin"]) <= ORIGIN
    assert body["origin"]["name"]
    assert body["device"]["identifiers"] == ["shomare_k3v9x2"]
    assert body["device"]["name"] == "شماره"


@pytest.mark.parametrize(
    ("web", "address"),
    [
        ({"enabled": True, "url": "https://home.example/numbers/"}, "https://home.example/numbers/"),
        ({"enabled": True}, None),
        ({"url": "https://home.example/"}, None),
    ],
)
def test_the_device_leads_to_the_page_where_its_address_is_known(web: dict[str, Any], address: str | None) -> None:
    given = context()
    settings = given.settings.model_copy(update={"web": Web(**web)})  # type: ignore[attr-defined]
    device = announced(replace(given, settings=settings))["device"]
    assert device.get("configuration_url") == address
    assert set(device) <= DEVICE


def test_every_row_of_the_contracts_table_is_there() -> None:
    found = components()
    assert {k: (c["platform"], c["name"], c.get("state_topic")) for k, c in found.items()} == {
        key: (platform, name, topic and f"shomare/{topic}") for key, (platform, name, topic) in TABLE.items()
    }
    assert {k: c["command_topic"] for k, c in found.items() if "command_topic" in c} == {
        key: f"shomare/{topic}" for key, topic in COMMANDS.items()
    }


def test_ids_depend_on_instance_and_key_alone() -> None:
    other = components(context(base="home/sms", homeassistant={"device_name": "Other"}))
    assert {k: c["unique_id"] for k, c in other.items()} == {k: f"shomare_k3v9x2_{k}" for k in TABLE}
    assert other["balance"]["default_entity_id"] == "sensor.home_sms_balance"
    assert {c["default_entity_id"] for c in components().values()} == {
        f"{platform}.shomare_{IDS.get(key, key)}" for key, (platform, _, _) in TABLE.items()
    }


@pytest.mark.parametrize("given", [{}, {"device_name": "Numbers"}, {"language": "fa", "device_name": "شماره"}], ids=str)
def test_entity_ids_are_the_same_where_they_would_be_made_of_names(given: dict[str, Any]) -> None:
    """Before 2025.10 an entity id is made of the device's and the entity's names, but for an `object_id`."""
    for component in components(context(homeassistant=given, watched=(TELEGRAM,))).values():
        assert component["default_entity_id"] == f"{component['platform']}.{component['object_id']}"
    for key, (_, name, _) in TABLE.items():
        assert IDS.get(key, key) == name.lower().replace(" ", "_"), "as those that were made of names before"


def test_what_home_assistant_forbids_is_not_there() -> None:
    for component in components(context(watched=(TELEGRAM,))).values():
        assert "object_id" not in component or "default_entity_id" in component, "alone it is warned of"
        assert "retain" not in component
        assert component.get("device_class") != "monetary"
        if component["platform"] in ("sensor", "binary_sensor", "event"):
            assert component.get("entity_category") in (None, "diagnostic")


def test_enum_and_event_types_are_complete() -> None:
    found = components()
    states = [state.value for state in OrderState]
    renamed = ["outcome_unknown" if state == "unknown" else state for state in states]
    assert found["order_state"]["options"] == [*renamed, "none"]
    assert found["order"]["event_types"] == states
    assert found["sms"]["event_types"] == ["sms_received"]
    assert found["bridge"]["event_types"] == list(BRIDGE_EVENT_TYPES)


def test_expiry_limits_and_the_switchs_words() -> None:
    found = components()
    assert found["code"]["expire_after"] == 1200
    number = found["maximum_price"]
    assert (number["mode"], number["min"], number["max"]) == ("box", 0, 1_000_000_000)
    words = [found["buying"][k] for k in ("payload_on", "payload_off", "state_on", "state_off")]
    assert words == ["on", "off", "on", "off"]


def test_all_need_the_bridge_and_buy_and_cancel_the_provider_too() -> None:
    body = announced()
    assert [a["topic"] for a in body["availability"]] == ["shomare/bridge/state"]
    own = {key: c for key, c in body["components"].items() if "availability" in c}
    asked = dict.fromkeys(["buy", "cancel"], "shomare/provider/state")
    settling = dict.fromkeys(["settle_as_bought", "settle_as_not_bought"], "shomare/orders")
    assert own.pop("bridge_state")["availability"] == [], "it says itself what the others are unavailable by"
    assert set(own) == {*asked, *settling}
    for key, component in own.items():
        assert component["availability_mode"] == "all"
        needed = ["shomare/bridge/state", (asked | settling)[key]]
        assert [a["topic"] for a in component["availability"]] == needed


def test_unit_and_precision_follow_the_currency() -> None:
    toman, dollar, none = (components(context(currency=c))["balance"] for c in ("IRT", "USD", " "))
    assert (toman["unit_of_measurement"], toman["suggested_display_precision"]) == ("IRT", 0)
    assert (dollar["unit_of_measurement"], dollar["suggested_display_precision"]) == ("USD", 2)
    assert "unit_of_measurement" not in none


def test_selects_offer_labels_narrowed_by_the_settings() -> None:
    found = components(context(homeassistant={"countries": ["Russia", 57]}, defaults={"country": "62"}))
    assert found["country"]["options"] == ["Russia", "ایران", "Turkey"]
    assert found["application"]["options"] == ["Telegram", "Other (1)", "Other (2)", "None (9)"]
    assert components(context(catalogs={}))["operator"]["options"] == []
    twice = components(context(defaults={"country": "Russia"}))["country"]["options"]
    assert twice == ["Russia", "ایران", "Turkey"]


def test_watched_prices_have_lasting_keys_and_encoded_topics() -> None:
    odd = WatchedProduct("a/b", "ایران", '"3\\', "Odd one")
    found = components(context(watched=(TELEGRAM, odd)))
    assert found["price_7_1_3"]["name"] == "Price Telegram Russia"
    assert found["price_7_1_3"]["state_topic"] == "shomare/prices/7/1"
    assert found[watched_key(odd)]["state_topic"] == "shomare/prices/a%2Fb/ایران"
    assert re.fullmatch(r"price_[0-9a-f]{16}", watched_key(odd))
    assert watched_key(odd) != watched_key(WatchedProduct("a", "b/ایران", '"3\\', ""))


def test_plugins_components_are_added_and_bad_ones_left_out() -> None:
    endless: list[Any] = []
    for _ in range(100_000):
        endless = [endless]
    extra = {
        "stock": {"platform": "sensor", "name": "Stock", "state_topic": "shomare/plugin/x/stock"},
        "bad": {"platform": "teleporter"},
        "worse": {"platform": "sensor", "name": object()},
        "torn": {"platform": "sensor", "name": "\ud800"},
        "deep": {"platform": "sensor", "name": endless},
        "a b": {"platform": "sensor"},
        "buy": {"platform": "sensor", "name": "Hijacked"},
    }
    given = context(extra=extra)
    found = components(given)
    assert found["stock"]["unique_id"] == "shomare_k3v9x2_stock"
    assert found["buy"]["platform"] == "button"
    refused = {"bad", "worse", "torn", "deep", "a b"}
    assert set(refused_extra(given)) == refused
    assert not refused & set(found)


def test_applications_are_chosen_by_name_too_where_there_are_many() -> None:
    def with_applications(count: int, *only: str) -> dict[str, Any]:
        return components(context(catalogs=many_applications(count), homeassistant={"applications": only}))

    assert "application_by_name" not in with_applications(100)
    assert "application_by_name" not in with_applications(101, "7"), "the select is short"
    found = with_applications(101)["application_by_name"]
    assert (found["platform"], found["name"], found["max"]) == ("text", "Application by name", 255)
    assert found["state_topic"] == "shomare/defaults/application/name"
    assert found["command_topic"] == "shomare/defaults/application/set"
    assert found["default_entity_id"] == "text.shomare_application_by_name"


def test_persian_names_change_nothing_but_names() -> None:
    catalogs = many_applications(101)
    ours = WatchedProduct("57", "1", "3", "تلگرام ایران")

    def told(language: str) -> dict[str, dict[str, Any]]:
        return components(context(catalogs=catalogs, watched=(TELEGRAM, ours), homeassistant={"language": language}))

    english, persian = told("en"), told("fa")
    assert {k: c | {"name": ""} for k, c in persian.items()} == {k: c | {"name": ""} for k, c in english.items()}
    assert all(re.search("[\u0600-\u06ff]", c["name"]) for c in persian.values())
    assert not any(re.search("[A-Za-z]", c["name"]) for k, c in persian.items() if k != "price_7_1_3")
    assert persian["price_7_1_3"]["name"] == "قیمت \u200eTelegram Russia\u200e"
    assert persian["price_57_1_3"]["name"] == "قیمت تلگرام ایران"
    assert announced(context(homeassistant={"language": "fa"}))["device"]["model"] == "شماره‌های پیامکی"


def test_every_entity_is_called_something_in_each_language() -> None:
    assert [list(names) for names in words.NAMES.values()] == [list(words.NAMES["en"])] * len(words.NAMES)
    assert set(words.NAMES["en"]) == {*TABLE, "application_by_name"}, "what has no name is not announced"


def test_names_are_told_apart_in_each_language() -> None:
    for language, names in words.NAMES.items():
        by_platform = [(components(context())[key]["platform"], names[key]) for key in TABLE]
        assert len(set(by_platform)) == len(by_platform), language


def test_what_is_removed_is_its_bare_platform() -> None:
    body = json.loads(discovery_message(context(), {"price_7_1_3": "sensor"}).payload)
    assert body["components"]["price_7_1_3"] == {"platform": "sensor"}
    assert set(TABLE) < set(body["components"])


def test_large_lists_fit_into_the_message() -> None:
    def many(kind: CatalogKind, count: int) -> Catalog:
        return Catalog(kind, tuple(CatalogEntry(str(i), f"نام {i} with some words") for i in range(count)))

    catalogs = CATALOGS | {
        CatalogKind.COUNTRIES: many(CatalogKind.COUNTRIES, 250),
        CatalogKind.APPLICATIONS: many(CatalogKind.APPLICATIONS, 2000),
    }
    message = discovery_message(context(catalogs=catalogs))
    assert len(json.loads(message.payload)["components"]["application"]["options"]) == 2000
    assert len(message.payload) < 200_000


def test_examples_use_entities_that_are_there() -> None:
    known = {c["default_entity_id"] for c in components(context(catalogs=many_applications(101))).values()}
    for name in ("dashboard.yaml", "automation.yaml"):
        text = (DOCS / "homeassistant" / name).read_text(encoding="utf-8")
        used = set(re.findall(r"\b(?:sensor|binary_sensor|select|number|switch|button|event|text)\.shomare_\w+", text))
        assert used, name
        assert used <= known, name


def test_node_red_flow_is_wired_and_speaks_the_contracts_topics() -> None:
    nodes = json.loads((DOCS / "node-red" / "buy-wait-code.json").read_text(encoding="utf-8"))
    known = {node["id"] for node in nodes}
    for node in nodes:
        assert {target for wire in node.get("wires", []) for target in wire} <= known, node["id"]
    topics = {node["topic"] for node in nodes if node["type"].startswith("mqtt ")}
    assert topics == {"shomare/buy", "shomare/response/buy", "shomare/event/sms", "shomare/event/order"}
    assert [n["retain"] for n in nodes if n["type"] == "mqtt out"] == ["false"]
