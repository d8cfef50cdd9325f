"""The session against a real mosquitto: connecting, receiving, sending, ending."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from shomare_mqtt.errors import InstanceConflictError, TakenOverError
from shomare_mqtt.model import Message
from shomare_mqtt.mqtt.client import Client
from shomare_mqtt.mqtt.connection import open_link
from shomare_mqtt.mqtt.connector import LOOKS
from shomare_mqtt.mqtt.failures import DisconnectedError, NotConnectedError, PublishRefusedError, TooLargeError
from shomare_mqtt.mqtt.other_daemons import another_answers
from shomare_mqtt.mqtt.packets import Opening, Publication
from tests.denying import Denying
from tests.mosquitto import Mosquitto
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from shomare_mqtt.model import Ack, Incoming
    from shomare_mqtt.mqtt.connection import Link
    from shomare_mqtt.mqtt.packets import Version
    from tests.mqtt.conftest import Watched

    Watch = Callable[..., Watched]

pytestmark = pytest.mark.mosquitto


async def plain_link(broker: Mosquitto, **opening: object) -> tuple[Link, asyncio.Queue[Incoming]]:
    """A client with a session of its own, for what `Client` does not do."""
    received: asyncio.Queue[Incoming] = asyncio.Queue()

    def take(incoming: Incoming, ack: Ack) -> None:
        ack()
        received.put_nowait(incoming)

    plan = Opening(**({"protocol": "5", "client_id": "plain", "clean": True} | opening))  # type: ignore[arg-type]
    return await open_link(broker.settings(), plan, take), received


async def read_retained(broker: Mosquitto, topic: str) -> bytes | None:
    async with Client(broker.settings()) as client:
        await client.subscribe(topic)
        await client.subscribe("round/trip")
        try:
            async with asyncio.timeout(0.2):
                return (await anext(client)).payload
        except TimeoutError:
            return None


async def send(broker: Mosquitto, topic: str, payload: bytes, **how: object) -> None:
    async with Client(broker.settings()) as client:
        await client.publish(topic, payload, **how)  # type: ignore[arg-type]


async def test_what_is_said_of_a_connection(broker: Mosquitto, watch: Watch) -> None:
    watched = watch(broker.settings())
    facts = await watched.connected()
    assert (facts.protocol, facts.session_present, facts.session) == ("5", False, 1)
    assert facts.receive_maximum == 20
    assert watched.session.first_attempt.is_set()
    assert watched.session.connected


async def test_a_message_with_all_that_mqtt_5_tells(broker: Mosquitto, watch: Watch) -> None:
    watched = watch(broker.settings())
    await watched.connected()
    link, replies = await plain_link(broker)
    await link.subscribe(["my/answers"])
    # Publishing with a Response Topic is nothing that our own clients do: ask paho itself.
    properties = link._adapter._publish_properties(Publication("", b"", correlation=b"\x00\xff", expiry=600))
    properties.ResponseTopic = "my/answers"
    link._adapter.publish("shomare/query/profile", b"{}", 1, retain=False, properties=properties)
    incoming = await watched.message()
    assert incoming.topic == "shomare/query/profile"
    assert incoming.payload == b"{}"
    assert not incoming.retain
    assert not incoming.dup
    assert incoming.packet_id > 0
    assert incoming.reply is not None
    assert incoming.reply.topic == "my/answers"
    assert incoming.reply.correlation == b"\x00\xff"
    assert incoming.expiry is not None
    assert 600 - PATIENCE <= incoming.expiry <= 600
    answer = Message("my/answers", b"here", absolute=True, correlation=incoming.reply.correlation)
    await watched.session.publish(answer)
    assert (await asyncio.wait_for(replies.get(), PATIENCE)).payload == b"here"
    await link.disconnect()


async def test_a_burst_comes_here_though_none_of_it_is_acknowledged_yet(broker: Mosquitto, watch: Watch) -> None:
    """The broker keeps 1,000 messages for us, and drops what goes beyond."""
    watched = watch(broker.settings(), ack=False)
    await watched.connected()
    link, _ = await plain_link(broker)
    wanted = [str(n).encode() for n in range(2500)]
    await asyncio.gather(*(link.publish(Publication("shomare/query/profile", each)) for each in wanted))
    assert [(await watched.message()).payload for _ in wanted] == wanted
    await link.disconnect()


async def test_correlation_data_comes_back(broker: Mosquitto, watch: Watch) -> None:
    watched = watch(broker.settings())
    await watched.connected()
    seen: asyncio.Queue[bytes] = asyncio.Queue()
    link, _ = await plain_link(broker)
    link._adapter.on_message = lambda *call: seen.put_nowait(call[2].properties.CorrelationData)
    await link.subscribe(["there"])
    await watched.session.publish(Message("there", b"x", absolute=True, correlation=b"c-1"))
    assert await asyncio.wait_for(seen.get(), PATIENCE) == b"c-1"
    await link.disconnect()


async def test_a_retained_message_shows_it_when_it_comes_the_first_time(broker: Mosquitto, watch: Watch) -> None:
    watched = watch(broker.settings())
    await watched.connected()
    link, _ = await plain_link(broker)
    await link.publish(Publication("shomare/buy", b"{}", retain=True))
    assert (await watched.message()).retain
    await link.publish(Publication("shomare/buy", b"{}"))
    assert not (await watched.message()).retain
    await link.disconnect()


async def test_absolute_subscriptions(broker: Mosquitto, watch: Watch) -> None:
    watched = watch(broker.settings(base_topic="a/b"))
    await watched.connected()
    link, _ = await plain_link(broker)
    await link.publish(Publication("homeassistant/status", b"online"))
    assert (await watched.message()).topic == "homeassistant/status"
    await link.publish(Publication("a/b/buy", b"{}"))
    assert (await watched.message()).topic == "a/b/buy"
    await link.disconnect()


async def test_what_was_not_acknowledged_comes_again(broker: Mosquitto, watch: Watch) -> None:
    first = watch(broker.settings(), ack=False)
    await first.connected()
    await send(broker, "buy", b"one")
    await send(broker, "buy", b"two")
    one, ack = await first.message_and_ack()
    two = await first.message()
    ack()
    ack()  # once more does nothing: the packet id may be another message's by now
    await send(broker, "buy", b"three")
    await first.message()
    await first.end()

    second = watch(broker.settings())
    facts = await second.connected()
    assert facts.session_present
    assert facts.session == 0
    again = await second.message()
    assert (again.payload, again.dup, again.packet_id) == (b"two", True, two.packet_id)
    assert again.packet_id != one.packet_id
    assert (await second.message()).payload == b"three"
    assert second.order[0] == "connected"


async def test_an_ack_of_an_earlier_connection_is_ignored(broker: Mosquitto, watch: Watch) -> None:
    watched = watch(broker.settings(), ack=False)
    await watched.connected()
    await send(broker, "buy", b"one")
    _, old_ack = await watched.message_and_ack()
    assert watched.session._link is not None
    watched.session._link.close()
    await watched.ended()
    await watched.connected()
    again, ack = await watched.message_and_ack()
    assert again.dup
    old_ack()
    watched.session._link.close()
    await watched.ended()
    await watched.connected()
    assert (await watched.message()).dup
    ack()


async def test_puback_is_awaited_and_the_message_there(broker: Mosquitto, watch: Watch) -> None:
    watched = watch(broker.settings())
    await watched.connected()
    await watched.session.publish(Message("profile/balance", b"17", retain=True))
    assert await read_retained(broker, "profile/balance") == b"17"


async def test_many_at_once_keep_their_order(broker: Mosquitto, watch: Watch) -> None:
    watched = watch(broker.settings())
    await watched.connected()
    link, received = await plain_link(broker)
    await link.subscribe(["shomare/event/#"])
    numbers = [str(n).encode() for n in range(200)]
    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
        for number in numbers:
            group.create_task(watched.session.publish(Message("event/sms", number)))
    assert [(await received.get()).payload for _ in numbers] == numbers
    await link.disconnect()


async def test_without_a_connection_nothing_is_published(watch: Watch, tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path)
    watched = watch(broker.settings())
    with pytest.raises(NotConnectedError):
        await watched.session.publish(Message("event/sms", b""))
    await asyncio.wait_for(watched.session.first_attempt.wait(), PATIENCE)
    assert not watched.session.connected
    await broker.start()
    await watched.connected()
    await broker.stop()


async def test_a_broker_that_restarts(broker: Mosquitto, watch: Watch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    watched = watch(broker.settings())
    await watched.connected()
    await broker.kill()
    await watched.ended()
    with pytest.raises(NotConnectedError):
        await watched.session.publish(Message("event/sms", b""))
    for _ in range(5):
        await watched.pauses.get()
    await broker.start()
    facts = await watched.connected()
    assert (facts.session_present, facts.session) == (False, 2)
    warnings = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert "ended" in warnings[0]


async def test_what_the_broker_may_not_take(tmp_path: Path, watch: Watch) -> None:
    async with Mosquitto(tmp_path, lines=["max_packet_size 1000"]) as broker:
        watched = watch(broker.settings())
        assert (await watched.connected()).maximum_packet_size == 1000
        for correlation in (None, b"c" * 10):
            over = 1000 - len(b"shomare/event") - 2 - 2 - 1 - 3 - (13 if correlation else 0)
            await watched.session.publish(Message("event", b"x" * over, correlation=correlation))
            with pytest.raises(TooLargeError) as caught:
                await watched.session.publish(Message("event", b"x" * (over + 1), correlation=correlation))
            assert (caught.value.size, caught.value.limit) == (1001, 1000)
        assert watched.session.connected


async def test_sizes_without_a_word_of_the_broker(broker: Mosquitto, watch: Watch) -> None:
    watched = watch(broker.settings())
    assert (await watched.connected()).maximum_packet_size is None
    with pytest.raises(TooLargeError):
        await watched.session.publish(Message("event", b"x" * 2_000_000))
    with pytest.raises(TooLargeError):
        await watched.session.publish(Message("t" * 65536, b"x", absolute=True))
    await watched.session.publish(Message("event", b"x" * 1_999_000))


@pytest.mark.parametrize("topic", ["", "a/+/b", "a/#", "a\0b", "\ud800"])
async def test_topics_that_nobody_can_publish_to(broker: Mosquitto, watch: Watch, topic: str) -> None:
    watched = watch(broker.settings())
    await watched.connected()
    with pytest.raises(PublishRefusedError):
        await watched.session.publish(Message(topic, b"x", absolute=True))
    assert watched.session.connected


async def test_a_refused_publish_names_the_reason(tmp_path: Path, watch: Watch) -> None:
    acl = ["user daemon", "topic readwrite shomare/#"]
    async with Mosquitto(tmp_path, users={"daemon": "p"}, acl=acl) as broker:
        watched = watch(broker.settings(username="daemon", password="p"))
        await watched.connected()
        with pytest.raises(PublishRefusedError) as caught:
            await watched.session.publish(Message("elsewhere", b"x", absolute=True))
        assert caught.value.reason == 0x87
        await watched.session.publish(Message("event", b"x"))


async def test_a_wrong_password_is_said_once_and_tried_once_a_minute(
    tmp_path: Path, watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    async with Mosquitto(tmp_path, users={"daemon": "right"}) as broker:
        watched = watch(broker.settings(username="daemon", password="wr0ng-secret"))
        await asyncio.wait_for(watched.session.first_attempt.wait(), PATIENCE)
        assert [await watched.pauses.get() for _ in range(3)] == [60, 60, 60]
        assert not watched.session.connected
    warnings = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    refused = [each for each in warnings if "refuses" in each]
    assert len(refused) == 1
    assert "Not authorized" in refused[0]
    assert "wr0ng-secret" not in caplog.text


async def test_user_and_password(tmp_path: Path, watch: Watch) -> None:
    async with Mosquitto(tmp_path, users={"daemon": "right"}) as broker:
        watched = watch(broker.settings(username="daemon", password="right"))
        await watched.connected()
        assert (watched.session.connected, watched.pauses.empty()) == (True, True)


async def test_backing_off(watch: Watch, caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    watched = watch(Mosquitto(tmp_path).settings(), pause=0)
    pauses = [await watched.pauses.get() for _ in range(60)]
    assert pauses[0] <= 1
    assert all(pause <= min(60, 2**n) for n, pause in enumerate(pauses))
    assert 30 < max(pauses) <= 60
    assert min(pauses[10:]) < 20  # full jitter
    assert len([r for r in caplog.records if r.levelno == logging.WARNING]) == 1


async def test_stopping(broker: Mosquitto, watch: Watch) -> None:
    watched = watch(broker.settings())
    await watched.connected()
    await watched.session.publish(Message("bridge/state", b"online", retain=True))
    await watched.session.stop()
    await watched.task
    assert await read_retained(broker, "bridge/state") == b"offline"
    assert "sending-Will" not in broker.log.read_text()
    assert watched.endings.qsize() == 1
    with pytest.raises(NotConnectedError):
        await watched.session.publish(Message("event", b"x"))


async def test_cancelled_the_will_says_offline(broker: Mosquitto, watch: Watch) -> None:
    watched = watch(broker.settings())
    await watched.connected()
    await watched.session.publish(Message("bridge/state", b"online", retain=True))
    await watched.end()
    assert await read_retained(broker, "bridge/state") == b"offline"


async def test_stopping_while_the_broker_is_away(watch: Watch, tmp_path: Path) -> None:
    watched = watch(Mosquitto(tmp_path).settings(), pause=None)
    await watched.pauses.get()
    async with asyncio.timeout(PATIENCE):
        await watched.session.stop()
        await watched.task
    assert (watched.session.connected, watched.facts) == (False, [])


async def test_a_session_outlives_a_short_stop(broker: Mosquitto, watch: Watch) -> None:
    first = watch(broker.settings(session_expiry=30))
    await first.connected()
    await first.session.stop()
    await send(broker, "buy", b"meanwhile")
    second = watch(broker.settings(session_expiry=30))
    assert (await second.connected()).session_present
    assert (await second.message()).payload == b"meanwhile"


async def test_a_session_that_expires(broker: Mosquitto, watch: Watch) -> None:
    first = watch(broker.settings(session_expiry=0))
    await first.connected()
    await first.session.stop()
    await send(broker, "buy", b"meanwhile")
    second = watch(broker.settings(session_expiry=0))
    assert not (await second.connected()).session_present
    assert second.incoming.empty()


async def test_pending_publishes_fail_when_the_link_drops(broker: Mosquitto, watch: Watch) -> None:
    watched = watch(broker.settings())
    await watched.connected()
    assert broker._process is not None
    broker._process.send_signal(19)  # SIGSTOP: takes bytes, and answers nothing
    publishing = [asyncio.create_task(watched.session.publish(Message("event", b"x"))) for _ in range(25)]
    await asyncio.sleep(0.05)
    assert not any(each.done() for each in publishing)
    await broker.kill()
    assert (await watched.ended()).startswith("the connection broke"), "and was not given up on"
    outcomes = await asyncio.gather(*publishing, return_exceptions=True)
    assert [type(each) for each in outcomes] == [DisconnectedError] * 20 + [NotConnectedError] * 5


async def test_two_daemons_on_one_base_topic(broker: Mosquitto, watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(another_answers, "__defaults__", (PATIENCE,))
    first = watch(broker.settings())
    await first.connected()
    async with Client(broker.settings()) as client:
        assert not await another_answers(client)
    first.answering = True
    await first.session.publish(Message("bridge/state", b"online", retain=True))
    second = watch(broker.settings(client_id="another"))
    with pytest.raises(InstanceConflictError, match="'shomare'"):
        await asyncio.wait_for(second.task, PATIENCE)
    assert second.session.first_attempt.is_set()
    assert not second.facts
    assert first.session.connected


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_two_daemons_that_take_the_session_from_each_other(
    broker: Mosquitto, watch: Watch, protocol: str
) -> None:
    """Mosquitto 2.0.11 gives no reason over MQTT 5 either."""
    first, second = watch(broker.settings(protocol=protocol)), watch(broker.settings(protocol=protocol))
    for each in (first, second):  # both have looked around by then, and found nobody
        await each.connected()
    first.answering = second.answering = True
    done, _ = await asyncio.wait((first.task, second.task), return_when=asyncio.FIRST_COMPLETED, timeout=PATIENCE)
    assert [type(task.exception()) for task in done] == [TakenOverError]
    left = second if first.task in done else first
    await left.connected()


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_a_foreign_client_that_keeps_taking_our_client_id(
    broker: Mosquitto, watch: Watch, caplog: pytest.LogCaptureFixture, protocol: Version
) -> None:
    """It is no daemon, so that nobody answers for it, and mosquitto gives no reason."""

    async def foreigner() -> None:
        opening = Opening(protocol, "shomare-mqtt-shomare", clean=False)
        while True:
            link = await open_link(broker.settings(), opening, lambda *_: None)
            try:
                await asyncio.wait((link.ended,))
            finally:
                link.close()

    watched = watch(broker.settings(protocol=protocol))
    await watched.connected()
    foreign = asyncio.create_task(foreigner())
    try:
        async with asyncio.timeout(PATIENCE):
            event, text = await watched.troubles.get()
            while watched.pauses.qsize() < 14:
                await watched.ended()
    finally:
        foreign.cancel()
        await asyncio.wait((foreign,))
    assert event == "instance_suspected"
    assert "'shomare-mqtt-shomare'" in text
    assert "set another mqtt.client_id" in text
    said = [r.levelname for r in caplog.records if r.getMessage() == text]
    assert said == ["WARNING"]
    assert watched.troubles.empty()
    pauses = [watched.pauses.get_nowait() for _ in range(14)]
    assert all(pause <= min(60, 2**n) for n, pause in enumerate(pauses))
    assert max(pauses) > 20, "it grows, so that they do not fight for ever"


async def test_a_broker_that_hangs_up_on_the_question_for_another_daemon(
    broker: Mosquitto, watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    """A daemon's access list may let it read commands alone; after a crash of all, `online` makes it ask."""
    link, _ = await plain_link(broker)
    await link.publish(Publication("shomare/bridge/state", b"online", retain=True))
    await link.disconnect()
    async with Denying(broker.port, lambda topic: topic == "shomare/query/orders") as front:
        watched = watch(broker.settings(port=front.port))
        await watched.connected()
        assert len(front.hung_up) == LOOKS
        assert "taken as there being none" in caplog.text


async def test_what_a_crash_left_is_no_daemon(broker: Mosquitto) -> None:
    link, _ = await plain_link(broker)
    await link.publish(Publication("shomare/bridge/state", b"online", retain=True))
    async with Client(broker.settings()) as client:
        assert not await another_answers(client, 0.3)
    await link.disconnect()


async def test_no_thread_and_no_socket_stay(broker: Mosquitto) -> None:
    """Checked in an event loop of its own, which may be closed."""
    settings = broker.settings()

    async def live() -> None:
        async with Client(settings) as client:
            await client.publish("x", b"y")

    await asyncio.to_thread(asyncio.run, live())
    assert not [t.name for t in threading.enumerate() if "paho" in t.name]


async def test_the_sockets_options(broker: Mosquitto) -> None:
    link, _ = await plain_link(broker)
    tcp = link._opened.tcp
    assert tcp is not None
    assert tcp.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
    await link.publish(Publication("x", b"y"))
    assert tcp.getsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK) == 1
    await link.disconnect()


async def test_a_handler_that_raises_ends_the_run(broker: Mosquitto, watch: Watch) -> None:
    watched = watch(broker.settings())
    await watched.connected()

    def fail(*_: object) -> None:
        raise KeyError("a fault")

    object.__setattr__(watched.session._listener, "message", fail)
    await send(broker, "buy", b"x")
    with pytest.raises(KeyError):
        await asyncio.wait_for(watched.task, PATIENCE)


async def test_keep_alive_keeps_a_quiet_connection(broker: Mosquitto, watch: Watch) -> None:
    """Two pings in one life, longer than the broker waits. A busy machine may be too late for a life before it."""
    watched = watch(broker.settings(keepalive=2))

    def pings() -> int:
        return broker.log.read_text().count("PINGRESP to shomare-mqtt-shomare\n")

    async with asyncio.timeout(PATIENCE):
        stays = False
        while not stays:
            await watched.connected()
            endings, before = watched.endings.qsize(), pings()
            while watched.endings.qsize() == endings and pings() < before + 2:  # noqa: ASYNC110 - a file tells nobody
                await asyncio.sleep(0.05)
            stays = watched.endings.qsize() == endings
