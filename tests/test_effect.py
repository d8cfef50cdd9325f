"""What a reload says of each key of the settings: when it takes effect, and what changed, without secrets."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel

from shomare_mqtt import config
from shomare_mqtt.config.changes import changes
from shomare_mqtt.config.effect import EFFECTS, effect_of
from shomare_mqtt.config.handing_over import as_held
from tests.system.house import merged
from tests.test_held import FULL

if TYPE_CHECKING:
    from shomare_mqtt.config import held

OF_PLUGINS = "plugins"
"""Stands for the plugins' own tables."""


def keys(table: BaseModel, path: str = "") -> list[str]:
    """The path of each key that a settings file may have."""
    found = []
    for name in type(table).model_fields:
        value, key = getattr(table, name), f"{path}.{name}" if path else name
        found += keys(value, key) if isinstance(value, BaseModel) else [key]
    return found


def read(*parts: dict[str, Any]) -> held.Settings:
    """As a daemon has them."""
    return as_held(config.GivenSettings.model_validate(merged(*parts)))


def lines(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return [change.line for change in changes(read(before), read(after))]


def test_each_key_has_its_effect() -> None:
    assert sorted(EFFECTS) == sorted([*keys(config.GivenSettings()), OF_PLUGINS])


@pytest.mark.parametrize("key", ["provider.fields.buy.phone", "plugins.webhook", "plugins.a.b", "nobody.knows", ""])
def test_what_stands_in_a_table_goes_with_it(key: str) -> None:
    assert effect_of(key).connects_anew


def test_what_needs_a_new_connection() -> None:
    anew = {key.partition(".")[0] for key, effect in EFFECTS.items() if effect.connects_anew}
    assert anew == {"mqtt", "provider", "state", "homeassistant", "plugins", "metrics", "web"}
    at_once = {key.partition(".")[0] for key, effect in EFFECTS.items() if not effect.connects_anew}
    assert at_once >= {"limits", "orders", "defaults", "refresh", "prices", "log", "privacy"}
    assert not [key for key, effect in EFFECTS.items() if effect.connects_anew and effect.how]


def test_each_key_that_changes_has_a_line_and_no_other() -> None:
    """By its own path, for models as for what a daemon holds of them."""
    usual, full = config.GivenSettings(), config.GivenSettings.model_validate(FULL)
    told = {change.key for change in changes(as_held(usual), as_held(full))}
    assert told == {change.key for change in changes(usual, full)}
    by_table = {key if key in EFFECTS else key.partition(".")[0] for key in told} - {"provider"}
    fields = {"provider.fields.buy.phone", "provider.states.Done"}
    assert fields <= told
    not_changed = {"mqtt.tls.enabled", "provider.fields", "provider.states"}  # see tests.test_held
    assert by_table == set(EFFECTS) - not_changed


def test_no_secret_is_said() -> None:
    usual, full = config.GivenSettings(), config.GivenSettings.model_validate(FULL)
    said = "\n".join(change.line for each in ((usual, full), (full, usual)) for change in changes(*each))
    assert "geheim" not in said
    for key in ("mqtt.password", "provider.token", "provider.proxy", "web.password", "web.viewer_password"):
        assert f"{key} is set now; the daemon connects anew" in said
        assert f"{key} is not set any more; the daemon connects anew" in said


def test_nothing_changed() -> None:
    assert lines(FULL, FULL) == []
    assert lines({}, {"mqtt": {"port": 1883, "client_id": "shomare-mqtt-shomare"}}) == [], "they are that by default"


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ({}, {"limits": {"max_price": Decimal("5000.50")}}, ["limits.max_price = 5000.50 (it was not set)"]),
        ({"limits": {"max_price": 5000}}, {"limits": {"max_price": 4000}}, ["limits.max_price = 4000 (it was 5000)"]),
        ({"limits": {"max_price": 5000}}, {}, ["limits.max_price is not set any more (it was 5000)"]),
        ({}, {"refresh": {"profile": 60.5}}, ["refresh.profile = 60.5 (it was 300)"]),
        ({}, {"log": {"level": "debug"}}, ['log.level = "debug" (it was "info")']),
        ({}, {"homeassistant": {"countries": ["7"]}}, ['homeassistant.countries = ["7"] (it was [])']),
        (
            {"mqtt": {"password": "old-one"}},
            {"mqtt": {"password": "new-one"}},
            ["mqtt.password is another now; the daemon connects anew"],
        ),
        (
            {"provider": {"base_url": "http://a:b@c/api"}},
            {"provider": {"base_url": "http://a:d@c/api"}},
            ["provider.base_url is another now; the daemon connects anew"],
        ),
        (
            {},
            {"provider": {"base_url": "http://a:b@c/api"}},
            [
                (
                    'provider.base_url = "http://***@c/api" (it was "https://shomare.online/api")'
                    "; the daemon connects anew"
                ),
            ],
        ),
        (
            {},
            {"mqtt": {"base_topic": "numbers"}},
            [
                'mqtt.client_id = "shomare-mqtt-numbers" (it was "shomare-mqtt-shomare"); the daemon connects anew',
                'mqtt.base_topic = "numbers" (it was "shomare"); the daemon connects anew',
            ],
        ),
        (
            {"prices": [{"country": 7, "operator": 1}, {"country": 7, "operator": 1}]},
            {"prices": [{"country": 7, "operator": 1}, {"country": 2, "operator": "any", "application": "tg"}]},
            [
                'prices: country "2", operator "any", application "tg" is watched now',
                'prices: country "7", operator "1" is not watched any more',
            ],
        ),
        (
            {"provider": {"fields": {"buy.phone": "a"}}},
            {"provider": {"fields": {"buy.phone": "b", "buy.price": "c"}}},
            [
                'provider.fields.buy.phone = "b" (it was "a"); the daemon connects anew',
                'provider.fields.buy.price = "c" (it was not set); the daemon connects anew',
            ],
        ),
        (
            {"plugins": {"one": {"url": "geheim", "inner": {"a": 1, "b": 2}, "gone": 1}, "two": {"a": 1}}},
            {"plugins": {"one": {"url": "anders", "inner": {"a": 1, "b": 3}}, "three": {}}},
            [
                "[plugins.one]: other values of url, inner.b, gone; the daemon connects anew",
                "[plugins.two] is not there any more; the daemon connects anew",
                "[plugins.three] is there now; the daemon connects anew",
            ],
        ),
        (
            {"plugins": {"one": {}}},
            {"plugins": {"one": {"empty": {}}}},
            ["[plugins.one]: other values of its tables; the daemon connects anew"],
        ),
    ],
)
def test_how_it_is_said(before: dict[str, Any], after: dict[str, Any], said: list[str]) -> None:
    assert sorted(lines(before, after)) == sorted(said)
