"""What doctor tries on a real broker with messages of its own, where all is well and where little is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.doctor import broker_keeping, probing
from shomare_mqtt.doctor.broker_keeping import of_keeping, of_limits
from shomare_mqtt.doctor.broker_rights import of_rights
from shomare_mqtt.doctor.finding import Finding, State
from shomare_mqtt.doctor.home_assistant import of_home_assistant
from shomare_mqtt.doctor.round_trip import judged, of_round_trip
from shomare_mqtt.mqtt.packets import Connack
from tests.denying import Denying
from tests.doctor.places import settings
from tests.doctor.test_troubleshooting import hold_whole
from tests.mosquitto import Mosquitto, free_port
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shomare_mqtt.config import GivenSettings
    from shomare_mqtt.mqtt.packets import Version

BOTH: tuple[Version, ...] = ("5", "3.1.1")
DEVICE = {"components": {"x": {"state_topic": "shomare/profile/balance"}}}


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "HELD_WITHIN", PATIENCE)
    monkeypatch.setattr(probing, "RETURNS_WITHIN", PATIENCE)


def at(port: int, **tables: Any) -> GivenSettings:
    return settings(mqtt={"port": port, **tables.pop("mqtt", {})}, **tables)


async def everything(found: GivenSettings, protocol: Version) -> list[Finding]:
    mqtt = found.mqtt
    return [
        await of_rights(found, protocol),
        *await of_keeping(mqtt, protocol),
        await of_round_trip(mqtt, protocol),
        *await of_home_assistant(found, protocol, "x", online=True),
    ]


@pytest.mark.mosquitto
@pytest.mark.parametrize("protocol", BOTH)
async def test_all_is_well_and_nothing_is_left(protocol: Version, tmp_path: Path) -> None:
    kept = ("# persistence false", "persistence true", f"persistence_location {tmp_path}/")
    async with Mosquitto(tmp_path, lines=kept) as mosquitto:
        own = {"homeassistant/device/shomare_x/config": DEVICE, "homeassistant/status": "online"}
        await hold_whole(mosquitto.port, own)
        found = await everything(at(mosquitto.port), protocol)
        assert {each.name: each.state for each in found} == dict.fromkeys(
            ("access list", "retained messages", "persistence", "round trip", "Home Assistant", "birth message"),
            State.GOOD,
        )
        async with probing.Probe(mosquitto.settings(), "5") as probe:
            last = probing.own_topic("zzz")
            await probe.link.subscribe(["#"])
            held = await probe.held(last, lambda topic: topic == last)
    assert set(held) == set(own)


@pytest.mark.mosquitto
async def test_persistence_as_far_as_it_can_be_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "conf.d"
    folder.mkdir()
    (folder / "mine.conf").write_text("persistence false\n")
    async with Mosquitto(tmp_path, lines=(f"include_dir {folder}",)) as mosquitto:
        for processes, said in ((Path("/proc"), "put `persistence true` there"), (folder, "mosquitto: persistence")):
            monkeypatch.setattr(broker_keeping, "PROCESSES", processes)
            _, found = await of_keeping(mosquitto.settings(), "5")
            assert (found.name, found.state) == ("persistence", State.UNKNOWN)
            assert said in found.advice


def test_persistence_of_the_mosquitto_that_has_the_port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker_keeping, "PROCESSES", tmp_path)
    for number, (program, port) in enumerate(
        (("mosquitto", 1883), ("mosquitto", 1999), ("vi", 2000), ("mosquitto", 1999))
    ):
        conf, process = tmp_path / f"{number}.conf", tmp_path / str(number)
        conf.write_text(f"listener {port}\n")
        process.mkdir()
        (process / "cmdline").write_text(f"/usr/sbin/{program}\0-c\0{conf}\0")
    found = {port: broker_keeping._settings_in_use(port) for port in (1883, 1999, 2000)}
    assert found == {1883: tmp_path / "0.conf", 1999: None, 2000: None}


@pytest.mark.mosquitto
@pytest.mark.parametrize("protocol", BOTH)
async def test_nothing_is_left_by_one_that_was_killed(protocol: Version, tmp_path: Path) -> None:
    async with Mosquitto(tmp_path) as mosquitto:
        topic = probing.own_topic("shomare")
        async with probing.Probe(mosquitto.settings(), "5") as other:
            await other.link.subscribe([topic])
            probe = probing.Probe(mosquitto.settings(), protocol, cleared=topic)
            await probe.__aenter__()
            await probe.publish(topic, retain=True)
            assert (await other.received(topic)) is not None
            probe.link.close()
            left = await other.received(topic)
        assert left is not None
        assert left.payload == b""


@pytest.mark.mosquitto
@pytest.mark.parametrize("protocol", BOTH)
@pytest.mark.parametrize(
    ("acl", "said"),
    [
        (["topic read shomare/#"], "may not be published to"),
        (["topic readwrite shomare/#"], "below homeassistant/device a topic may not be published to"),
    ],
)
async def test_what_the_access_list_denies(
    acl: Sequence[str], said: str, protocol: Version, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probing, "RETURNS_WITHIN", 0.3)
    async with Mosquitto(tmp_path, users={"me": "password-1"}, acl=["user me", *acl]) as mosquitto:
        given = at(mosquitto.port, mqtt={"username": "me", "password": "password-1"})
        found = await of_rights(given, protocol)
        assert found.state is State.BAD
        assert said in found.text
        assert found.advice == "in the broker's access list let me read and write shomare/# and homeassistant/#"
        if "read shomare" in acl[0]:
            kept, *_ = await of_keeping(given.mqtt, protocol)
            assert kept.state is State.UNKNOWN
            assert (await of_round_trip(given.mqtt, protocol)).state is State.UNKNOWN


@pytest.mark.mosquitto
async def test_what_may_be_written_and_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "RETURNS_WITHIN", 0.3)
    acl = ["user me", "topic write shomare/#", "topic write homeassistant/#"]
    async with Mosquitto(tmp_path, users={"me": "password-1"}, acl=acl) as mosquitto:
        found = await of_rights(at(mosquitto.port, mqtt={"username": "me", "password": "password-1"}), "5")
    assert found.state is State.BAD
    assert "below shomare/event a topic may be published to, and not read" in found.text
    assert "homeassistant" not in found.text, "which need not be read"


@pytest.mark.mosquitto
@pytest.mark.parametrize(
    ("acl", "with_daemon"),
    [
        (["topic read shomare/#"], State.UNKNOWN),
        (["topic readwrite shomare/bridge/state", "topic read shomare/buy"], State.UNKNOWN),
        (["topic readwrite shomare/bridge/#", "topic read shomare/#"], State.BAD),
    ],
    ids=["a reader", "each topic by itself", "no answers"],
)
async def test_a_list_that_lets_a_daemon_work_is_not_bad(
    acl: Sequence[str], with_daemon: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probing, "RETURNS_WITHIN", 0.3)
    async with Mosquitto(tmp_path, users={"me": "password-1"}, acl=["user me", *acl]) as mosquitto:
        given = at(mosquitto.port, mqtt={"username": "me", "password": "password-1"})
        assert (await of_rights(given, "5", online=False)).state is State.BAD
        assert (await of_rights(given, "5", online=True)).state is with_daemon


@pytest.mark.mosquitto
async def test_a_broker_that_refuses_a_subscription(tmp_path: Path) -> None:
    async with (
        Mosquitto(tmp_path) as mosquitto,
        Denying(mosquitto.port, lambda _: False, subscriptions=("shomare/buy",)) as way,
    ):
        found = await of_rights(at(way.port), "5")
    assert found.state in (State.BAD, State.GOOD)  # one that hangs up says no more than that
    if found.state is State.BAD:
        assert "shomare/buy" in found.text


async def test_a_broker_that_has_gone_meanwhile() -> None:
    found = await everything(at(free_port()), "5")
    assert {each.state for each in found} == {State.UNKNOWN}


def test_bounds() -> None:
    assert of_limits(Connack(False), "5").state is State.GOOD
    assert "65,535 messages unacknowledged" in of_limits(Connack(False), "5").text
    assert of_limits(Connack(False, maximum_packet_size=2_000_000, receive_maximum=20, keep_alive=30), "5").text == (
        "it takes packets of 2,000,000 bytes at most, 20 messages unacknowledged at once, QoS 2 at most, 0 topic "
        "aliases, a keep alive of 30 s"
    )
    assert of_limits(Connack(False, maximum_packet_size=1000), "5").state is State.UNKNOWN
    assert of_limits(Connack(False, maximum_qos=0), "5").state is State.BAD
    assert of_limits(Connack(False), "3.1.1").state is State.UNKNOWN


def test_round_trips() -> None:
    assert not judged(0.001, 0.002, 0.002).advice
    others = judged(0.001, 0.002, 0.045)
    assert others.state is State.GOOD
    assert "TCP_NODELAY on its own connection" in others.advice
    assert "set_tcp_nodelay" in judged(0.001, 0.045, 0.045).advice
    assert "far away" in judged(1.0, 1.2, 1.2).advice
    assert judged(0.1, 0.11, 0.11).state is State.GOOD


@pytest.mark.mosquitto
async def test_an_announcement_of_another_daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "HELD_WITHIN", 0.5)
    async with Mosquitto(tmp_path) as mosquitto:
        topics = {"homeassistant/device/shomare_y/config": {"a": "second/event"}, "homeassistant/device/z/config": "{"}
        await hold_whole(mosquitto.port, topics)
        online, _ = await of_home_assistant(at(mosquitto.port), "5", "", online=True)
        offline, status = await of_home_assistant(at(mosquitto.port), "5", "", online=False)
    assert (online.state, offline.state, status.state) == (State.BAD, State.UNKNOWN, State.GOOD)
    assert "which is usual" in status.text


async def test_home_assistant_that_is_not_wanted() -> None:
    (found,) = await of_home_assistant(at(9, homeassistant={"enabled": False}), "5", "", online=True)
    assert found.state is State.GOOD
