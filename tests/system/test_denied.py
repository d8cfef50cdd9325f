"""Topics that the broker's access list denies, on brokers that answer with a code, not at all, or by hanging up."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from shomare_mqtt.mqtt import backoff, suspects
from tests.denying import ByChance, Denying
from tests.mosquitto import Mosquitto, plugin
from tests.patience import PATIENCE
from tests.system.house import PRODUCT, House
from tests.system.serving import serving, told

if TYPE_CHECKING:
    from pathlib import Path

    from tests.system.probe import Seen

pytestmark = pytest.mark.mosquitto

TRIES = 5
"""Publishes of one payload to a denied topic at most: beside others twice, and three times alone."""
QUIET = 0.1


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suspects, "QUIET", QUIET)
    for bound in ("LONGEST_PAUSE", "_SHORT_BOUND"):  # dozens of them come to most of a test's patience
        monkeypatch.setattr(backoff, bound, 0.02)


async def dropped(house: House, word: str) -> None:
    """Returns once `event/bridge` says that something is not published."""

    def look(seen: Seen) -> bool:
        return seen.json["event_type"] == "message_dropped" and word in seen.json["message"]

    await house.probe.message("event/bridge", 0, look)


async def logged(caplog: pytest.LogCaptureFixture, word: str) -> None:
    async with asyncio.timeout(2 * PATIENCE):  # dozens of connections may come before it
        while word not in caplog.text:  # noqa: ASYNC110 - a log tells nobody that it has grown
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_topics_that_the_broker_hangs_up_for_are_left_out_one_after_the_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, protocol: str
) -> None:
    denied = "denied/bridge/info", "denied/countries", "denied-ha/device/", "denied/event/order"
    async with (
        Mosquitto(tmp_path) as broker,
        Denying(broker.port, lambda topic: topic.startswith(denied)) as front,
        House(tmp_path, broker.port, "denied", {}) as house,
        serving(house, {"mqtt": {"protocol": protocol, "port": front.port}}),
    ):
        for topic in denied[:3]:
            await dropped(house, topic)
            await logged(caplog, f"the topic {topic}")
        await house.probe.text("bridge/state", "online")
        for _ in range(3):
            assert (await house.probe.ok("buy", {**PRODUCT, "country": 7}))["state"] == "waiting"
        await dropped(house, "event/order")
        assert (await house.probe.ok("query/profile", {}))["balance"] is not None
        said = told(house, "message_dropped")
        assert len(said) == len(set(said)) == len(denied)
        # Two payloads on event/order were tried; from then on the topic is closed for a while.
        assert all(count <= 2 * TRIES for count in Counter(front.hung_up).values()), front.hung_up
        assert told(house, "instance_suspected") == []


async def test_a_daemon_that_may_publish_nothing_stays_and_works(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever may not be told of a purchase may still hear of it through a plugin."""
    settings = {"homeassistant": {"enabled": False}, "mqtt": {"protocol": "3.1.1"}}
    async with (
        Mosquitto(tmp_path) as broker,
        Denying(broker.port, lambda topic: topic.startswith("mute/")) as front,
        House(tmp_path, broker.port, "mute", {}) as house,
        serving(house, {**settings, "mqtt": {"protocol": "3.1.1", "port": front.port}}),
    ):
        await logged(caplog, "the topic mute/bridge/state cannot be published")
        await house.probe.publish("buy", PRODUCT)
        await house.called("check")
        assert len(house.bought()) == 1
        assert caplog.text.count("the topic mute/bridge/state cannot") == 1


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_what_mosquitto_denies_keeps_no_connection_from_standing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, protocol: str
) -> None:
    """Version 2.0.11 answers with a reason code over MQTT 5; over 3.1.1 nobody can tell that it threw it away."""
    denied = "profile", "orders/#", "bridge/info"
    acl = ["topic readwrite #", *(f"topic deny codes/{each}" for each in denied)]
    async with (
        Mosquitto(tmp_path, acl=acl) as broker,
        House(tmp_path, broker.port, "codes", {}) as house,
        serving(house, {"mqtt": {"protocol": protocol}}),
    ):
        await house.probe.text("bridge/state", "online")
        await house.probe.message("applications", 0, lambda s: bool(s.payload))
        await house.buy()
        if protocol == "5":
            for topic in ("codes/profile", "codes/orders/", "codes/bridge/info"):
                await dropped(house, topic)
            assert caplog.text.count("the topic codes/profile cannot be published") == 1
        said = told(house, "message_dropped")
        assert bool(said) == (protocol == "5")
        assert len(said) == len(set(said))
        assert "Connecting again" not in caplog.text


async def test_an_answer_under_which_the_link_dropped_by_chance_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three times alone, on connections that stood well: nobody can tell it from a denied topic, so it is kept."""
    monkeypatch.setattr("shomare_mqtt.mqtt.publisher.AGAIN_AFTER", 0.5)
    chance = ByChance("chance/response/buy", suspects.STRIKES)
    async with (
        Mosquitto(tmp_path) as broker,
        Denying(broker.port, chance) as front,
        House(tmp_path, broker.port, "chance", {}) as house,
        serving(house, {"mqtt": {"port": front.port}}),
    ):
        await house.until_up()
        assert (await house.probe.ok("buy", PRODUCT))["state"] == "waiting"
        assert chance.left == 0


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_a_broker_that_keeps_nothing_retained_takes_all_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, protocol: str
) -> None:
    """It refuses a CONNECT with our retained last will, and over 3.1.1 hangs up on it and on each retained topic."""
    async with (
        Mosquitto(tmp_path, lines=["retain_available false"]) as broker,
        House(tmp_path, broker.port, "fleeting", {}) as house,
        serving(house, {"mqtt": {"protocol": protocol}, "homeassistant": {"enabled": False}}),
    ):
        await logged(caplog, "refuses our last will")
        await logged(caplog, "the topic fleeting/bridge/state cannot be published")
        assert (await house.probe.ok("buy", PRODUCT))["state"] == "waiting"


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_a_subscription_that_is_refused_is_an_error_that_says_what_it_means(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, protocol: str
) -> None:
    """Mosquitto's access lists refuse none; its plugin for roles does, with 0x87 or 0x80."""
    everything = {"publishClientSend": True, "publishClientReceive": True, "subscribe": True, "unsubscribe": True}
    deny = {"acltype": "subscribePattern", "topic": "deaf/buy", "priority": 1, "allow": False}
    roles = {
        "defaultACLAccess": everything,
        "anonymousGroup": "all",
        "groups": [{"groupname": "all", "roles": [{"rolename": "deaf"}]}],
        "roles": [{"rolename": "deaf", "acls": [deny]}],
        "clients": [],
    }
    (tmp_path / "roles.json").write_text(json.dumps(roles))
    lines = [f"plugin {plugin('dynamic_security')}", f"plugin_opt_config_file {tmp_path / 'roles.json'}"]
    async with (
        Mosquitto(tmp_path, lines=lines) as broker,
        House(tmp_path, broker.port, "deaf", {}) as house,
        serving(house, {"mqtt": {"protocol": protocol}}),
    ):
        await house.probe.text("bridge/state", "online")
        errors = [r.getMessage() for r in caplog.records if r.levelname == "ERROR"]
        assert [text for text in errors if "refuses the subscription to deaf/buy" in text and "no command" in text]
        assert not [text for text in errors if "deaf/cancel" in text]


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_nobody_may_ask_who_else_is_there(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, protocol: str
) -> None:
    """Where the broker hangs up on the question, the daemon works all the same, and comes to rest."""
    denied = "lonely/query/orders", "lonely/bridge/state", "lonely/bridge/info"
    async with (
        Mosquitto(tmp_path) as broker,
        Denying(broker.port, lambda topic: topic.startswith(denied)) as front,
        House(tmp_path, broker.port, "lonely", {}) as house,
        serving(house, {"mqtt": {"protocol": protocol, "port": front.port}, "homeassistant": {"enabled": False}}),
    ):
        await logged(caplog, "Nobody can tell whether another daemon is on the base topic lonely")
        for topic in denied[1:]:
            await logged(caplog, f"the topic {topic}")
        assert (await house.probe.ok("buy", PRODUCT))["state"] == "waiting"
        assert caplog.text.count("Nobody can tell whether") == 1
        connections = -1
        for _ in range(5):  # the first answers to `buy` and `check` are news for `bridge/info`
            before, connections = connections, caplog.text.count("Connecting again")
            if before == connections:
                break
            assert (await house.probe.ok("buy", PRODUCT))["state"] == "waiting"
        assert before == connections
        assert all(count <= 3 * TRIES for count in Counter(front.hung_up).values()), front.hung_up


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
@pytest.mark.parametrize("denied", ["bridge/state", "response/query/orders"])
async def test_a_broker_that_hangs_up_on_a_subscription_that_can_be_done_without(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, protocol: str, denied: str
) -> None:
    async with (
        Mosquitto(tmp_path) as broker,
        Denying(broker.port, lambda _: False, subscriptions=(f"deafened/{denied}",)) as front,
        House(tmp_path, broker.port, "deafened", {}) as house,
        serving(house, {"mqtt": {"protocol": protocol, "port": front.port}}),
    ):
        await house.until_up()
        assert (await house.probe.ok("buy", PRODUCT))["state"] == "waiting"
        assert 1 <= len(front.hung_up) <= TRIES
        assert "whether another daemon is on the base topic" in caplog.text


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_what_mosquitto_throws_away_unsaid_keeps_nobody_from_buying(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, protocol: str
) -> None:
    """It acknowledges what its access list denies over MQTT 3.1.1: the question never comes back."""
    monkeypatch.setattr("shomare_mqtt.mqtt.voice.ECHO_WITHIN", 0.5)
    acl = ["topic readwrite #", "topic deny unheard/query/orders"]
    async with (
        Mosquitto(tmp_path, acl=acl) as broker,
        House(tmp_path, broker.port, "unheard", {}) as house,
        serving(house, {"mqtt": {"protocol": protocol}}),
    ):
        await house.until_up()
        assert (await house.probe.ok("buy", PRODUCT))["state"] == "waiting"
        assert caplog.text.count("Nobody can tell whether") == 1
