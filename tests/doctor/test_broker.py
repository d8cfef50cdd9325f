"""The broker and the daemon there: each finding, good and bad."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt import __version__
from shomare_mqtt.cli.demo_amqtt import embedded
from shomare_mqtt.config import Mqtt
from shomare_mqtt.core.masking import Mask
from shomare_mqtt.doctor import broker as looking
from shomare_mqtt.doctor.broker import look_at_broker
from shomare_mqtt.doctor.finding import State
from shomare_mqtt.mqtt.connection import open_link
from shomare_mqtt.mqtt.packets import Opening, Publication
from tests.mosquitto import Mosquitto, free_port
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from shomare_mqtt.doctor.broker import Broker
    from shomare_mqtt.model import Incoming

MASK = Mask(("tok-5f0c1e7a9b2d",))
INFO = {"version": __version__, "started_at": "2026-11-24T03:00:00.000Z", "learnt": {"places": {"countries.id": "iso"}}}


def on(port: int, **more: Any) -> Mqtt:
    return Mqtt.model_validate({"port": port, **more})


async def retain(port: int, **topics: Any) -> None:
    """What a daemon would have left there; `bridge_state` stands for `bridge/state`."""
    link = await open_link(on(port, protocol="3.1.1"), Opening("3.1.1", "left", clean=True), ignored)
    for topic, said in topics.items():
        text = said if isinstance(said, str) else json.dumps(said)
        await link.publish(Publication(f"shomare/{topic.replace('_', '/', 1)}", text.encode(), retain=True))
    await link.disconnect()


def ignored(incoming: Incoming, ack: Callable[[], None]) -> None:
    ack()


async def left(**topics: Any) -> Broker:
    """What is seen where this is held, and an empty object on each topic of which nothing is said."""
    async with embedded() as port:
        held = {"bridge_state": "offline", "bridge_info": {}, "provider_state": {}, "bridge_problem": {}, **topics}
        await retain(port, **held)
        return await look_at_broker(on(port), MASK)


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is held comes, however long it takes."""
    monkeypatch.setattr(looking, "HELD_WITHIN", PATIENCE)


@pytest.fixture
def _nothing_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "HELD_WITHIN", 0.05)


@pytest.mark.usefixtures("_nothing_comes")
async def test_no_daemon() -> None:
    async with embedded() as port:
        found = await look_at_broker(on(port), MASK)
    assert [each.state for each in found.findings] == [State.GOOD, State.UNKNOWN]
    assert "answers over MQTT 3.1.1 (no TLS, no user name)" in found.findings[0].text
    assert found.info is None


async def test_a_daemon_that_is_offline() -> None:
    found = await left(bridge_state="offline", bridge_info=INFO)
    assert found.findings[1].state is State.UNKNOWN
    assert found.info is None


async def test_a_daemon_that_is_online() -> None:
    state: dict[str, Any] = {"state": "online", "since": "x", "error": None, "fields": {}}
    found = await left(bridge_state="online", bridge_info=INFO, provider_state=state)
    assert [each.state for each in found.findings] == [State.GOOD] * 3
    assert f"version {__version__}, started 2026-11-24T03:00:00.000Z" in found.findings[1].text
    assert not found.findings[1].advice
    assert found.info == INFO


async def test_a_daemon_of_another_version() -> None:
    found = await left(bridge_state="online", bridge_info={"version": "0.0.1"})
    assert "restart the daemon" in found.findings[1].advice


@pytest.mark.parametrize("nonsense", ["[", "[1]", "{" * 100_000, "\x1b[31m"])
async def test_nonsense_on_its_topics(nonsense: str) -> None:
    found = await left(bridge_state="online", bridge_info=nonsense, provider_state=nonsense)
    assert [each.state for each in found.findings] == [State.GOOD, State.GOOD]


@pytest.mark.parametrize("depth", [120, 1200, 100_000])
@pytest.mark.parametrize(("opened", "closed"), [("[", "]"), ('{"a":', "}")])
async def test_what_no_stack_can_walk(depth: int, opened: str, closed: str) -> None:
    deep = f'{{"learnt": {{"y": {opened * depth}{"1" if opened != "[" else ""}{closed * depth}}}}}'
    found = await left(bridge_state="online", bridge_info=deep, provider_state=deep)
    assert found.info == {}
    assert found.findings[-1].name == "daemon"


async def test_what_the_daemon_says_of_the_provider() -> None:
    fields = {"countries": ["id: `id` or `iso`"]}
    doubtful = await left(bridge_state="online", provider_state={"state": "online", "fields": fields})
    assert doubtful.findings[2].state is State.UNKNOWN
    assert "`id` or `iso`" in doubtful.findings[2].text
    error = {"code": "invalid_token", "message": "No: tok-5f0c1e7a9b2d of +79313226657"}
    refused = await left(bridge_state="online", provider_state={"state": "unauthorized", "error": error})
    assert refused.findings[2].state is State.BAD
    assert "unauthorized" in refused.findings[2].text
    assert refused.findings[2].aside == "No: *** of ***"


async def test_what_the_daemon_says_that_needs_eyes() -> None:
    state = {"state": "online", "fields": []}
    problem = {"event_type": "command_refused", "message": "No tok-5f0c1e7a9b2d of +79313226657.", "more": 2}
    found = await left(bridge_state="online", provider_state=state, bridge_problem={"problem": problem})
    assert [each.state for each in found.findings] == [State.GOOD] * 3 + [State.UNKNOWN]
    assert (found.findings[3].text, found.findings[3].aside) == ("No *** of ***.", "2 more")
    found = await left(bridge_state="online", bridge_problem={"problem": {**problem, "more": 0}})
    assert not found.findings[-1].aside
    for none in (None, {**problem, "event_type": "provider_state"}, "nonsense"):
        found = await left(bridge_state="online", provider_state=state, bridge_problem={"problem": none})
        assert [each.state for each in found.findings] == [State.GOOD] * 3


async def test_nobody_listens() -> None:
    found = await look_at_broker(on(free_port()), MASK)
    (only,) = found.findings
    assert only.state is State.BAD
    assert "mqtt.host" in only.advice


async def test_a_broker_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "CONNECTED_WITHIN", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # it takes connections, and answers none
        found = await look_at_broker(on(silent.getsockname()[1]), MASK)
    assert "did not answer within" in found.findings[0].text


@pytest.mark.mosquitto
@pytest.mark.usefixtures("_nothing_comes")
async def test_a_password_that_is_refused(tmp_path: Path) -> None:
    async with Mosquitto(tmp_path, users={"me": "right-password"}) as mosquitto:
        wrong = await look_at_broker(mosquitto.settings(username="me", password="wrong-password"), MASK)
        right = await look_at_broker(mosquitto.settings(username="me", password="right-password"), MASK)
    assert wrong.findings[0].state is State.BAD
    assert "mqtt.username" in wrong.findings[0].advice
    assert right.findings[0].state is State.GOOD
    assert "MQTT 5 (no TLS, user me)" in right.findings[0].text


@pytest.mark.mosquitto
async def test_tls_where_there_is_none(tmp_path: Path) -> None:
    async with Mosquitto(tmp_path) as mosquitto:
        found = await look_at_broker(mosquitto.settings(tls={"enabled": True}), MASK)
    assert found.findings[0].state is State.BAD
    assert "mqtt.tls" in found.findings[0].advice


@pytest.mark.mosquitto
@pytest.mark.usefixtures("_nothing_comes")
async def test_topics_that_may_not_be_read(tmp_path: Path) -> None:
    async with Mosquitto(tmp_path, users={"me": "password-1"}, acl=["user me", "topic write shomare/#"]) as mosquitto:
        found = await look_at_broker(mosquitto.settings(username="me", password="password-1"), MASK)
    # Mosquitto lets everybody subscribe, and hands out what they may read.
    assert [each.name for each in found.findings] == ["broker", "daemon"]


def test_the_address_of_a_socket() -> None:
    assert looking.address(Mqtt.model_validate({"transport": "unix", "path": "/run/x"})) == "the broker at /run/x"
