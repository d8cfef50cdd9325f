"""Hosts, web addresses and topics in settings: what can be, and what is refused with the key and what to write."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from shomare_mqtt import config
from shomare_mqtt.cli.status import SETTINGS
from shomare_mqtt.config.addresses import is_loopback, secrets_of_query
from shomare_mqtt.errors import SettingsError
from tests.cli import process

if TYPE_CHECKING:
    from pathlib import Path

HOST_KEYS = ("mqtt.host",)
URL_KEYS = ("provider.base_url", "provider.proxy")
TOPIC_KEYS = ("mqtt.base_topic", "homeassistant.discovery_prefix")

HOSTS = [
    "broker", "BROKER", "core-mosquitto", "mosquitto_1", "broker.local", "broker.local.", "bröker.local",
    "کارگزار.ایران",
    "192.168.1.2", "0.0.0.0", "::1", "::", "fe80::1%eth0", "2001:db8::7", "x" * 63,
]  # fmt: skip
NO_HOSTS = [
    ("", "empty"),
    ("broker:1883", "the key port"),
    (":1883", "the key port"),
    ("192.168.1.2:1883", "the key port"),
    ('"broker"', "quotation marks"),
    ("'broker'", "quotation marks"),
    ("“broker”", "quotation marks"),
    ("mqtt://broker", "://"),
    ("mqtts://me:hush@broker:8883", "://"),
    ("me:hush@broker", "password"),
    ("[::1]", "brackets"),
    ("[::1]:1883", "brackets"),
    ("2001:db8:::7", "the key port"),
    ("a b", "spaces"),
    (" broker", "spaces"),
    ("broker\n", "spaces"),
    ("broker/", "path"),
    ("broker/mqtt", "path"),
    ("broker..", "can be called so"),
    (".", "can be called so"),
    ("a..b", "can be called so"),
    ("-a", "can be called so"),
    ("a,b", "can be called so"),
    ("a;b", "can be called so"),
    ("*", "can be called so"),
    ("x" * 64, "can be called so"),
    ("a." * 127 + "b", "can be called so"),
    ("1883", "four numbers"),
    ("192.168.1", "four numbers"),
    ("192.168.1.256", "four numbers"),
    ("192.168.001.005", "zero in front"),
]
URLS = [
    "https://shomare.online/api", "http://127.0.0.1:8080", "http://[::1]:80/api", "https://me:p%20w@x.y:444/api?x=1",
    "http://me:p'w@x.y", "https://شماره.ایران/api",
]  # fmt: skip
NO_URLS = [
    "", "x.y", "ftp://x", "socks5://x", "https://", "https:///api", "https://sho p/api", " https://x", "https://x\n",
    '"https://x"', 'https://"x"/', "https://https://x", "https://x:/api", "https://x:0/", "https://x:99999/",
    "https://x:port/", "https://x/api#part", "https://x..y/", "https://x;y/", "https://[::1", "https://256.1.1.1/",
    "https://me:hush@/", "https://me:hush@x y/",
]  # fmt: skip
TOPICS = ["shomare", "a/b", "a b", "شماره‌ها", 'a"b']
NO_TOPICS = ["", " a", "a ", '"a"', "'a'", "/a", "a/", "$a", "a+", "a/#", "a\tb", "a\0", "a\ufffe", "a\ufdd0"]


def loaded(folder: Path, key: str, value: str) -> config.Settings:
    table, _, name = key.partition(".")
    (folder / "settings.toml").write_text(f"[{table}]\n{name} = {json.dumps(value)}\n")
    return config.load(folder / "settings.toml")


def complaint(folder: Path, key: str, value: str) -> str:
    with pytest.raises(SettingsError) as caught:
        loaded(folder, key, value)
    place, _, message = str(caught.value).partition(" ")
    assert place == f"{folder}/settings.toml:2:"
    assert message.startswith(f"{key}: must ")
    assert "\n" not in message
    assert "hush" not in message
    return message


@pytest.mark.parametrize("key", HOST_KEYS)
@pytest.mark.parametrize("value", HOSTS)
def test_a_host(tmp_path: Path, key: str, value: str) -> None:
    table, _, name = key.partition(".")
    assert getattr(getattr(loaded(tmp_path, key, value), table), name) == value


@pytest.mark.parametrize("key", HOST_KEYS)
@pytest.mark.parametrize(("value", "told"), NO_HOSTS)
def test_what_is_no_host(tmp_path: Path, key: str, value: str, told: str) -> None:
    assert told in complaint(tmp_path, key, value)


@pytest.mark.parametrize("key", URL_KEYS)
@pytest.mark.parametrize("value", URLS)
def test_a_web_address(tmp_path: Path, key: str, value: str) -> None:
    loaded(tmp_path, key, value)


@pytest.mark.parametrize("key", URL_KEYS)
@pytest.mark.parametrize("value", NO_URLS)
def test_what_is_no_web_address(tmp_path: Path, key: str, value: str) -> None:
    assert "http:// or https:// address" in complaint(tmp_path, key, value)


@pytest.mark.parametrize("key", TOPIC_KEYS)
def test_topics(tmp_path: Path, key: str) -> None:
    for value in TOPICS:
        loaded(tmp_path, key, value)
    for value in NO_TOPICS:
        assert "topic" in complaint(tmp_path, key, value)


def test_a_websocket_has_a_path_alone(tmp_path: Path) -> None:
    def load(path: str) -> config.Settings:
        (tmp_path / "x.toml").write_text(f'[mqtt]\ntransport = "websockets"\npath = {json.dumps(path)}\n')
        return config.load(tmp_path / "x.toml")

    assert load("/mqtt").mqtt.path == "/mqtt"
    for wrong in ("ws://broker/mqtt", "/my path", "/mqtt\r\nX: y"):
        with pytest.raises(SettingsError, match=r"mqtt\.path: must be a path alone"):
            load(wrong)


@pytest.mark.parametrize("value", ["broker:1883", '"broker"'])
async def test_check_and_run_end_with_78(value: str) -> None:
    for command in ("check", "run"):
        ended = await process.run(command, SHOMARE_MQTT__HOST=value, SHOMARE_PROVIDER__TOKEN="t")
        assert (ended.status, "mqtt.host" in ended.err) == (SETTINGS, True), ended


@pytest.mark.parametrize(
    ("query", "secrets"),
    [
        ("api_key=hush-hush-1", {"hush-hush-1"}),
        ("format=json&api_key=hush%2Fhush%2F1", {"hush%2Fhush%2F1", "hush/hush/1"}),
        ("api_key=aHVzaA%2Bhdg==", {"aHVzaA%2Bhdg==", "aHVzaA+hdg=="}),
        ("hush-hush-1", {"hush-hush-1"}),
        ("format=json", set()),
        ("", set()),
    ],
)
def test_what_is_secret_in_a_query(query: str, secrets: set[str]) -> None:
    assert secrets_of_query(f"https://sister.example/api?{query}") == secrets


@pytest.mark.parametrize(
    ("host", "so"),
    [
        ("127.0.0.1", True), ("127.3.2.1", True), ("::1", True), ("localhost", True), ("LOCALHOST.", True),
        ("0.0.0.0", False), ("::", False), ("192.168.1.5", False), ("raspberrypi.local", False),
    ],
)  # fmt: skip
def test_which_hosts_this_machine_alone_reaches(host: str, so: bool) -> None:
    assert is_loopback(host) is so
