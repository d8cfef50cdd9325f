"""What a daemon holds of its settings: all that the models say, through a pipe, and nothing of pydantic."""

from __future__ import annotations

import inspect
import pickle
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

from shomare_mqtt import config
from shomare_mqtt.config import held, settings, tables
from shomare_mqtt.config.handing_over import as_held
from shomare_mqtt.config.origin import Origin
from shomare_mqtt.errors import SettingsError
from shomare_mqtt.model import PurchaseState

TOKEN, PASSWORD, PROXY = "geheim-token-4711", "geheim-password-4711", "http://me:geheim-proxy-4711@proxy.example:3128"
FULL: dict[str, Any] = {
    "mqtt": {
        "host": "broker.example", "port": 8884, "transport": "websockets", "path": "/mqtt?key=geheim-query-4711",
        "username": "me", "password": PASSWORD, "password_file": "/run/password", "client_id": "ours",
        "base_topic": "numbers", "protocol": "3.1.1", "keepalive": 31, "session_expiry": 61,
        "tls": {"enabled": False, "ca_file": "/etc/ca.pem", "cert_file": "/etc/cert.pem", "key_file": "/etc/key.pem"},
    },
    "provider": {
        "base_url": "https://me:geheim-address-4711@provider.example/api?sign=geheim-sign-4711", "token": TOKEN,
        "token_file": "/run/token", "timeout": 21.5, "requests_per_minute": 61, "currency": "IRR",
        "timezone": "Europe/Berlin", "proxy": PROXY, "fields": {"buy.phone": "data.phone"},
        "states": {"Done": PurchaseState.FINISHED},
        "dialect": {
            "parameters": "query", "buy": "json", "country": "land", "operator": "net", "application": "app",
            "purchase": "id",
        },
    },
    "state": {"directory": "/var/lib/numbers"},
    "orders": {
        "poll_interval": 6, "lifetime": 1201, "cancel_on_expiry": False, "keep_closed": 3601, "remember": 86401,
        "settle_delay": 31,
    },
    "limits": {
        "max_price": Decimal("5000.50"), "max_spend_per_day": 9, "max_buys_per_hour": 8, "max_open_orders": 7,
        "min_balance": 6, "double_press": 5, "max_unused_per_day": 4,
    },
    "defaults": {"country": 7, "operator": "any", "application": "tg", "max_price": 5000},
    "refresh": {"profile": 301, "catalog": 86401, "prices": 3601},
    "prices": [{"country": 7, "operator": 1}, {"country": "Russia", "operator": "any", "application": "tg"}],
    "offers": {"countries": ["7"], "operators": ["1", "any"], "max_requests": 601},
    "homeassistant": {
        "enabled": False, "discovery_prefix": "ha", "device_name": "Numbers", "language": "fa",
        "countries": ["7"], "operators": ["1"], "applications": ["3", "4"],
    },
    "plugins": {
        "enabled": ["webhook"], "directories": ["/etc/plugins"],
        "webhook": {"token": "geheim-hook-4711", "since": datetime(2026, 1, 2, tzinfo=UTC), "inner": [{"a": 1.5}]},
    },
    "metrics": {"enabled": True, "host": "0.0.0.0", "port": 9470},
    "web": {
        "enabled": True, "host": "0.0.0.0", "port": 8100, "password": "geheim-page-4711", "password_file": "/run/page",
        "viewer_password": "geheim-viewer-4711", "viewer_password_file": "/run/viewer",
        "allowed_hosts": ["page.example"], "ingress_port": 8101, "ingress_peer": "172.30.32.3",
        "url": "https://page.example/", "language": "fa",
    },
    "privacy": {"retain_codes": True},
    "log": {"level": "debug", "format": "json"},
}  # fmt: skip
"""Every key, none as it is by default."""

_texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
_secrets = st.text(st.characters(categories=["L", "N", "P", "S"]))
_money = st.decimals(min_value=0, max_value=10**12, allow_nan=False, allow_infinity=False)
_seconds = st.floats(min_value=0.001, max_value=1e6)
_toml = st.recursive(
    st.booleans() | st.integers() | st.floats(allow_nan=False) | _texts | st.datetimes() | st.dates() | st.times(),
    lambda inner: st.lists(inner) | st.dictionaries(_texts, inner),
    max_leaves=8,
)
FREE = st.fixed_dictionaries(
    {
        "mqtt": st.fixed_dictionaries(
            {"username": st.text(), "password": _secrets, "client_id": _texts, "path": _texts}
        ),
        "provider": st.fixed_dictionaries(
            {
                "token": _secrets, "currency": _texts, "timeout": _seconds,
                "states": st.dictionaries(
                    st.sampled_from(["Done", "Wartet", "لغو شد"]), st.sampled_from(PurchaseState)
                ),
            }
        ),
        "limits": st.fixed_dictionaries({"max_price": _money, "min_balance": _money, "max_open_orders": st.none()}),
        "prices": st.lists(st.fixed_dictionaries({"country": _texts, "operator": st.integers()})),
        "homeassistant": st.fixed_dictionaries({"device_name": _texts, "countries": st.lists(_texts)}),
        "plugins": st.dictionaries(
            st.from_regex("[a-z]{3,8}_plugin", fullmatch=True), st.dictionaries(_texts, _toml)
        ),
    }
)  # fmt: skip


def arrived(given_: config.Settings) -> held.Settings:
    """As the daemon gets it."""
    said = pickle.dumps(as_held(given_))
    assert b"pydantic" not in said
    for module in (tables, settings):
        assert module.__name__.encode() not in said
    got = pickle.loads(said)
    assert isinstance(got, held.Settings)
    return got


def assert_same(value: Any, got: Any) -> None:
    if isinstance(value, SecretStr):
        assert type(got) is held.HeldSecret
        assert (got.get_secret_value(), len(got)) == (value.get_secret_value(), len(value))
    elif isinstance(value, BaseModel):
        assert type(got).__module__ == held.__name__
        assert isinstance(value, type(got)), "a model is the table that the daemon has in its place"
        shown = [name for name in vars(got) if not name.startswith("_")]
        assert shown == list(type(value).model_fields)
        for name in (*shown, *properties(type(got))):
            assert_same(getattr(value, name), getattr(got, name))
    elif isinstance(value, tuple):
        assert type(got) is tuple
        assert len(got) == len(value)
        for each, its in zip(value, got, strict=True):
            assert_same(each, its)
    else:
        assert (type(got), got) == (type(value), value)


def properties(kind: type) -> list[str]:
    """All but the token, which may not be there."""
    return [name for name, _ in inspect.getmembers(kind, lambda held: isinstance(held, property)) if name != "token"]


def assert_same_settings(given_: config.Settings) -> held.Settings:
    got = arrived(given_)
    assert_same(given_, got)
    assert (got.tokens(), got.secrets(), got.masked()) == (given_.tokens(), given_.secrets(), given_.masked())
    assert got.provider.secrets() == given_.provider.secrets()
    for name in (*given_.plugins.tables, "no_such_plugin"):
        assert got.plugins.of(name) == given_.plugins.of(name)
    return got


def test_what_is_there_by_default() -> None:
    got = assert_same_settings(config.GivenSettings())
    with pytest.raises(SettingsError, match=r"provider\.token: is missing"):
        _ = got.token
    assert_same_settings(config.GivenSettings(provider=config.Provider(token=SecretStr(""))))


def test_every_key_of_every_table() -> None:
    full = config.GivenSettings.model_validate(FULL)
    origin = Origin(Path("/etc/shomare-mqtt/config.toml"), ("a remark",), "provider.token", 3)
    full.plugins.coming_from(origin)
    got = assert_same_settings(full.coming_from(origin))
    assert (got.token, got.remarks, got.plugins.file) == (TOKEN, ("a remark",), origin.file)
    assert vars(got.origin) == vars(origin)
    assert [each.application for each in got.prices] == [None, "tg"]
    assert got.limits.max_price == Decimal("5000.50")


def test_full_leaves_no_key_out() -> None:
    full, usual = config.GivenSettings.model_validate(FULL), config.GivenSettings()
    places = [("", full, usual), *((n, getattr(full, n), getattr(usual, n)) for n in type(full).model_fields)]
    places += [("mqtt.tls", full.mqtt.tls, usual.mqtt.tls), ("dialect", full.provider.dialect, usual.provider.dialect)]
    for place, table, default in places:
        for name in type(table).model_fields if isinstance(table, BaseModel) else ():
            if (place, name) != ("mqtt.tls", "enabled"):  # its files would have to be there
                assert getattr(table, name) != getattr(default, name), (place, name)


@given(FREE)
def test_whatever_is_free(tables_: dict[str, Any]) -> None:
    assert_same_settings(config.GivenSettings.model_validate(tables_))


def test_no_secret_shows_itself() -> None:
    got = arrived(config.GivenSettings.model_validate(FULL))
    every = [got, *vars(got).values(), got.provider.token, got.provider.proxy, got.mqtt.password]
    for text in (f"{each} {each!r} {[each]} {each!s:>20}" for each in every):
        assert "geheim" not in text
    assert repr(got.provider.token) == "HeldSecret('***')"


def test_settings_do_not_change() -> None:
    got = arrived(config.GivenSettings())
    for table in (got, got.mqtt):
        with pytest.raises(AttributeError, match="settings do not change: host"):
            table.host = "elsewhere"
    assert got.mqtt.host == "127.0.0.1"


def test_what_the_package_gives_by_name() -> None:
    for name in config.__all__:
        assert getattr(config, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = config.nonsense
