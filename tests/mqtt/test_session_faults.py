"""The session against a scripted broker: windows, refusals, takeovers, silence and nonsense."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING

import pytest

from shomare_mqtt.config import Mqtt
from shomare_mqtt.errors import TakenOverError
from shomare_mqtt.model import Message
from shomare_mqtt.mqtt import client as client_module
from shomare_mqtt.mqtt import connection
from shomare_mqtt.mqtt.backoff import LONGEST_PAUSE
from shomare_mqtt.mqtt.client import Client
from shomare_mqtt.mqtt.connector import LOOKS
from shomare_mqtt.mqtt.failures import (
    BrokerUnreachableError,
    ConnectRefusedError,
    DisconnectedError,
    HungUpError,
    PublishRefusedError,
)
from tests.mosquitto import free_port
from tests.mqtt.fake_broker import CONNACK, DISCONNECT, PUBACK, PUBLISH, SUBSCRIBE, FakeBroker, Peer, packet
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.mqtt.conftest import Watched

    Watch = Callable[..., Watched]


def publish_all(watched: Watched, count: int) -> list[asyncio.Task[None]]:
    return [asyncio.create_task(watched.session.publish(Message("event", b"x"))) for _ in range(count)]


async def test_the_window_is_the_brokers_receive_maximum(watch: Watch) -> None:
    async with FakeBroker(properties=b"\x21\x00\x03") as broker:
        watched = watch(broker.settings())
        assert (await watched.connected()).receive_maximum == 3
        broker.acknowledges = False
        peer = broker.sessions()[-1]
        publishing = publish_all(watched, 6)
        await broker.until(lambda: len(peer.published) == 3)
        await asyncio.sleep(0.05)
        assert len(peer.published) == 3
        peer.send(packet(PUBACK, peer.published[1]))  # out of turn, and still the fourth is the next to go
        await broker.until(lambda: len(peer.published) == 4)
        assert [task.done() for task in publishing] == [False, True, False, False, False, False]
        publishing[4].cancel()
        publishing[2].cancel()  # sent already: its place stays taken until the PUBACK
        await asyncio.sleep(0.05)
        assert len(peer.published) == 4
        peer.send(packet(PUBACK, peer.published[2]))
        await broker.until(lambda: len(peer.published) == 5)
        for number in (0, 3, 4):
            peer.send(packet(PUBACK, peer.published[number]))
        await asyncio.wait_for(publishing[5], PATIENCE)
        assert [task.cancelled() for task in publishing] == [False, False, True, False, True, False]


async def test_our_window_where_the_broker_takes_more(watch: Watch) -> None:
    async with FakeBroker() as broker:
        watched = watch(broker.settings())
        await watched.connected()
        broker.acknowledges = False
        peer = broker.sessions()[-1]
        publishing = publish_all(watched, 25)
        await broker.until(lambda: len(peer.published) == 20)
        await asyncio.sleep(0.05)
        assert len(peer.published) == 20
        await watched.end()
        await asyncio.gather(*publishing, return_exceptions=True)


async def test_a_puback_with_a_reason(watch: Watch) -> None:
    async with FakeBroker() as broker:
        watched = watch(broker.settings())
        await watched.connected()
        broker.acknowledges = False
        peer = broker.sessions()[-1]
        (publishing,) = publish_all(watched, 1)
        await broker.until(lambda: len(peer.published) == 1)
        peer.send(packet(PUBACK, peer.published[0] + b"\x97\0"))
        with pytest.raises(PublishRefusedError, match="Quota exceeded") as caught:
            await publishing
        assert caught.value.reason == 0x97


async def test_who_hears_of_the_end_can_wait_for_the_next_connection(watch: Watch) -> None:
    """An answer that was hung up on goes over that one; the old one must not look as if it still stood."""
    async with FakeBroker() as broker:
        watched = watch(broker.settings())
        await watched.connected()
        broker.hangs_up_on = lambda _, kind: kind == PUBLISH
        with pytest.raises(DisconnectedError):
            await watched.session.publish(Message("event", b"x"))
        assert not watched.session.connected
        broker.hangs_up_on = lambda *_: False
        await watched.connected()
        assert watched.session.connections == 2
        await asyncio.wait_for(watched.session.publish(Message("event", b"x")), PATIENCE)


async def test_a_broker_that_never_acknowledges(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "PUBACK_PATIENCE", 0.1)
    async with FakeBroker() as broker:
        watched = watch(broker.settings(keepalive=4))
        await watched.connected()
        broker.acknowledges = False
        with pytest.raises(DisconnectedError):
            await asyncio.wait_for(watched.session.publish(Message("event", b"x")), PATIENCE)
        assert "acknowledged nothing" in await watched.ended()


async def test_a_broker_that_no_longer_answers(watch: Watch) -> None:
    async with FakeBroker() as broker:
        watched = watch(broker.settings(keepalive=1))
        await watched.connected()
        broker.pings = False
        assert "no longer answers" in await watched.ended()


async def test_taken_over_with_a_reason(watch: Watch) -> None:
    async with FakeBroker() as broker:
        watched = watch(broker.settings())
        await watched.connected()
        broker.sessions()[-1].send(packet(DISCONNECT, b"\x8e\0"))
        with pytest.raises(TakenOverError, match="does not fight for it"):
            await asyncio.wait_for(watched.task, PATIENCE)
        assert len(broker.sessions()) == 1


async def test_another_reason_is_said_and_connected_again(watch: Watch, caplog: pytest.LogCaptureFixture) -> None:
    async with FakeBroker() as broker:
        watched = watch(broker.settings())
        for _ in range(4):  # also when soon and often: the reason says that it is no takeover
            await watched.connected()
            broker.sessions()[-1].send(packet(DISCONNECT, b"\x8b\0"))
            assert "Server shutting down" in await watched.ended()
        await watched.connected()
        assert "Server shutting down" in caplog.text
        assert len(broker.peers) == len(broker.sessions()) + 1


async def test_short_lives_with_nobody_else_there(watch: Watch) -> None:
    async with FakeBroker() as broker:
        watched = watch(broker.settings())
        for _ in range(3):
            await watched.connected()
            broker.sessions()[-1].close()
            await watched.ended()
        await watched.connected()
        assert len(broker.peers) - len(broker.sessions()) == 2  # looked at the start, and after the third


@pytest.mark.parametrize(
    "nonsense", [b"\x00\x00", b"\xf0\x00", b"\x30\x03\xff\xff\xff", b"\x40\x01\x00", b"\x20\xff\xff\xff\xff\xff"]
)
async def test_nonsense_ends_the_connection_alone(watch: Watch, nonsense: bytes) -> None:
    async with FakeBroker() as broker:
        watched = watch(broker.settings())
        await watched.connected()
        first = broker.sessions()[-1]
        first.send(nonsense)
        await watched.ended()
        await watched.connected()
        assert broker.sessions()[-1] is not first
        assert not watched.task.done()


async def test_a_refused_subscription_is_said_once(watch: Watch, caplog: pytest.LogCaptureFixture) -> None:
    async with FakeBroker() as broker:
        broker.granted = 0x87
        watched = watch(broker.settings())
        for _ in range(2):
            await watched.connected()
            broker.sessions()[-1].close()
            await watched.ended()
        await watched.connected()
        said = [
            r for r in caplog.records if "refuses the subscription to shomare/buy (Not authorized)" in r.getMessage()
        ]
        assert [r.levelname for r in said] == ["ERROR"]


HAS_WILL = 0x04


@pytest.mark.parametrize("refusal", [b"\0\x87\0", b"\0\x9a\0", b""])
async def test_a_broker_that_refuses_the_last_will_and_nothing_else(
    watch: Watch, caplog: pytest.LogCaptureFixture, refusal: bytes
) -> None:
    """By name, or by hanging up."""

    def connect(peer: Peer) -> bytes:
        if not peer.flags & HAS_WILL:
            return broker.accept(peer)
        if not refusal:
            peer.close()
        return packet(CONNACK, refusal) if refusal else b""

    async with FakeBroker(connect) as broker:
        watched = watch(broker.settings())
        for _ in range(2):
            await watched.connected()
            assert not broker.sessions()[-1].flags & HAS_WILL
            broker.sessions()[-1].close()
            await watched.ended()
        await watched.connected()
        assert caplog.text.count("refuses our last will") == 1


async def test_credentials_that_are_refused_later_are_not_taken_for_the_will(watch: Watch) -> None:
    async with FakeBroker() as broker:
        watched = watch(broker.settings())
        await watched.connected()
        broker._connect = lambda _: packet(CONNACK, b"\0\x87\0")
        begun = len(broker.peers)
        broker.sessions()[-1].close()
        await watched.ended()
        async with asyncio.timeout(PATIENCE):
            while await watched.pauses.get() != LONGEST_PAUSE:
                pass
        assert len(broker.peers) == begun + 1, "tried at most once a minute"


async def test_a_broker_that_keeps_nothing_retained_is_not_sent_such(watch: Watch) -> None:
    async with FakeBroker(properties=b"\x25\x00") as broker:
        watched = watch(broker.settings())
        await watched.connected()
        with pytest.raises(PublishRefusedError, match="keeps no retained"):
            await watched.session.publish(Message("bridge/state", b"online", retain=True))
        await watched.session.publish(Message("event", b"x"))


async def test_messages_wait_for_on_connected(watch: Watch) -> None:
    """A broker that resumes a session sends what it kept right after CONNACK."""

    def resume(peer: Peer) -> bytes:
        if peer.client_id != "shomare-mqtt-shomare":
            return packet(CONNACK, b"\0\0\0")
        kept = b"\0\x0bshomare/buy\0\x07\0{}"
        return packet(CONNACK, b"\x01\0\0") + bytes([0x3A, len(kept)]) + kept

    async with FakeBroker(resume) as broker:
        watched = watch(broker.settings())
        facts = await watched.connected()
        assert facts.session_present
        incoming = await watched.message()
        assert (incoming.payload, incoming.dup, incoming.packet_id) == (b"{}", True, 7)
        assert watched.order == ["connected", "message"]


async def test_it_is_told_whose_acknowledgement_the_broker_has_read(watch: Watch) -> None:
    """What arrives in order: it is, once the broker acknowledges what was sent after it, and not before."""

    def message(number: int) -> bytes:
        body = b"\0\x0bshomare/buy" + number.to_bytes(2, "big") + b"\0{}"
        return bytes([0x32, len(body)]) + body

    async with FakeBroker() as broker:
        watched = watch(broker.settings(), ack=False)
        await watched.connected()
        peer = broker.sessions()[-1]
        broker.acknowledges = False
        (earlier,) = publish_all(watched, 1)
        await broker.until(lambda: len(peer.published) == 1)
        heard: list[str] = []
        for number, name in ((1, "one"), (2, "two"), (1, "one again")):
            peer.send(message(number))
            _, ack = await watched.message_and_ack()
            if name != "one again":
                ack(partial(heard.append, name))
        peer.send(packet(PUBACK, peer.published[0]))
        await earlier
        assert heard == []
        (later,) = publish_all(watched, 1)
        await broker.until(lambda: len(peer.published) == 2)
        peer.send(packet(PUBACK, peer.published[1]))
        await later
        assert heard == ["two"], "the id of one means another message by now"
        peer.send(message(3))
        _, ack = await watched.message_and_ack()
        ack(partial(heard.append, "three"))
        peer.close()
        await watched.ended()
        broker.acknowledges = True
        await watched.connected()
        await asyncio.gather(*publish_all(watched, 1))
        assert heard == ["two"]


async def test_what_the_hearing_of_an_acknowledgement_raises_ends_the_run(watch: Watch) -> None:
    """It is a fault of this side, and not that the broker's bytes cannot be read, which is tried again for ever."""

    def fail() -> None:
        raise KeyError("a fault")

    async with FakeBroker() as broker:
        watched = watch(broker.settings(), ack=False)
        await watched.connected()
        body = b"\0\x0bshomare/buy\0\x07\0{}"
        broker.sessions()[-1].send(bytes([0x32, len(body)]) + body)
        _, ack = await watched.message_and_ack()
        ack(fail)
        publishing = publish_all(watched, 1)
        with pytest.raises(KeyError):
            await asyncio.wait_for(watched.task, PATIENCE)
        await asyncio.gather(*publishing)


async def test_a_second_ack_is_not_another_messages(watch: Watch) -> None:
    """Packet ids are used again once they are free."""

    def message(name: bytes) -> bytes:
        body = b"\0\x0bshomare/buy\0\x07\0" + name
        return bytes([0x32, len(body)]) + body

    async with FakeBroker() as broker:
        watched = watch(broker.settings(), ack=False)
        await watched.connected()
        peer = broker.sessions()[-1]
        peer.send(message(b"one"))
        _, first = await watched.message_and_ack()
        first()
        await broker.until(lambda: len(peer.acknowledged) == 1)
        peer.send(message(b"two"))
        _, second = await watched.message_and_ack()
        first()
        await watched.session.publish(Message("event", b"a round trip"))
        assert len(peer.acknowledged) == 1
        second()
        await broker.until(lambda: len(peer.acknowledged) == 2)


# --- which MQTT ------------------------------------------------------------------------------------------------------


def only_3_1_1(peer: Peer) -> bytes:
    if peer.version == 5:
        peer.close()
        return b""
    return packet(CONNACK, b"\0\0")


async def test_a_broker_that_hangs_up_on_mqtt_5(watch: Watch, caplog: pytest.LogCaptureFixture) -> None:
    async with FakeBroker(only_3_1_1) as broker:
        watched = watch(broker.settings())
        facts = await watched.connected()
        assert facts.protocol == "3.1.1"
        assert [peer.version for peer in broker.peers] == [5, 5, 4, 5, 4, 4]  # tried, checked; a clean one, and ours
        assert [peer.clean for peer in broker.sessions()] == [True, False]
        broker.sessions()[-1].close()
        await watched.ended()
        await watched.connected()
        assert [peer.version for peer in broker.peers][6:] == [4]
        assert len([r for r in caplog.records if "refuses MQTT 5" in r.getMessage()]) == 1


@pytest.mark.parametrize("answer", [b"\0\x84\0", b"\0\x01"])
async def test_a_broker_that_says_that_it_has_no_mqtt_5(watch: Watch, answer: bytes) -> None:
    def refuse(peer: Peer) -> bytes:
        return packet(CONNACK, answer if peer.version == 5 else b"\0\0")

    async with FakeBroker(refuse) as broker:
        assert (await watch(broker.settings()).connected()).protocol == "3.1.1"
        assert [peer.version for peer in broker.peers][:3] == [5, 4, 4]


async def test_a_broker_that_is_silent_on_mqtt_5(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "SILENCE", 0.1)
    async with FakeBroker(lambda peer: b"" if peer.version == 5 else packet(CONNACK, b"\0\0")) as broker:
        async with Client(broker.settings()) as client:
            assert client.protocol == "3.1.1"
        assert [peer.version for peer in broker.peers] == [5, 4, 5]


async def test_a_broker_that_was_only_starting_keeps_mqtt_5() -> None:
    """Docker's proxy takes connections and hangs up until the broker behind it listens."""
    async with FakeBroker() as broker:

        def starting(peer: Peer) -> bytes:
            if len(broker.peers) <= 2:
                peer.close()
                return b""
            return broker.accept(peer)

        broker._connect = starting
        async with Client(broker.settings()) as client:
            assert client.protocol == "5"
        assert [peer.version for peer in broker.peers] == [5, 5, 4, 5]


async def test_a_broker_that_hangs_up_on_all() -> None:
    def hang_up(peer: Peer) -> bytes:
        peer.close()
        return b""

    async with FakeBroker(hang_up) as broker:
        with pytest.raises(HungUpError, match="without an answer"):
            await Client(broker.settings()).__aenter__()
        assert [peer.version for peer in broker.peers] == [5, 5, 4]


async def test_a_broker_that_changes_to_3_1_1_while_we_live(watch: Watch) -> None:
    async with FakeBroker() as broker:
        watched = watch(broker.settings())
        assert (await watched.connected()).protocol == "5"
        broker._connect = only_3_1_1
        broker.sessions()[-1].close()
        await watched.ended()
        assert (await watched.connected()).protocol == "3.1.1"


async def test_3_1_1_by_the_settings(watch: Watch, caplog: pytest.LogCaptureFixture) -> None:
    async with FakeBroker() as broker:
        assert (await watch(broker.settings(protocol="3.1.1")).connected()).protocol == "3.1.1"
        assert {peer.version for peer in broker.peers} == {4}
    assert "refuses MQTT 5" not in caplog.text


@pytest.mark.parametrize("answer", [b"\0\x86\0", b"\0\x87\0", b"\0\x85\0"])
async def test_refusals_that_only_a_person_can_end(watch: Watch, answer: bytes) -> None:
    async with FakeBroker(lambda _: packet(CONNACK, answer)) as broker:
        watched = watch(broker.settings())
        assert [await watched.pauses.get() for _ in range(2)] == [60, 60]


async def test_a_refusal_that_passes(watch: Watch) -> None:
    async with FakeBroker(lambda _: packet(CONNACK, b"\0\x88\0")) as broker:
        watched = watch(broker.settings())
        assert await watched.pauses.get() <= 1
        with pytest.raises(ConnectRefusedError, match="Server unavailable"):
            await Client(broker.settings()).__aenter__()
        broker._connect = broker.accept
        await watched.connected()


async def test_a_broker_that_hangs_up_on_a_subscription(watch: Watch, caplog: pytest.LogCaptureFixture) -> None:
    """As EMQX does with `deny_action = disconnect`: the daemon never comes up, and its log must say why."""
    async with FakeBroker() as broker:
        broker.hangs_up_on = lambda peer, kind: kind == SUBSCRIBE and not peer.clean
        watched = watch(broker.settings())
        async with asyncio.timeout(PATIENCE):
            for _ in range(3):
                await watched.pauses.get()
        said = [r.getMessage() for r in caplog.records if "access list" in r.getMessage()]
        assert len(said) == 1
        assert "cannot be used: the connection ended before it answered a SUBSCRIBE" in said[0]
        assert "client id" in said[0]
        broker.hangs_up_on = lambda *_: False
        await watched.connected()


async def test_chance_cuts_over_the_years_do_not_end_the_listening(watch: Watch) -> None:
    """A broker that restarts just then is none that forbids to hear of other daemons."""
    async with FakeBroker() as broker:
        asked: dict[int, int] = {}
        cut: set[int] = set()

        def hangs_up(peer: Peer, kind: int) -> bool:
            if peer.clean or kind != SUBSCRIBE:
                return False
            asked[id(peer)] = asked.get(id(peer), 0) + 1
            if asked[id(peer)] == 2 and len(cut) == len(watched.facts):
                cut.add(id(peer))
                return True
            return False

        broker.hangs_up_on = hangs_up
        watched = watch(broker.settings())
        watched.session._also = ("shomare/bridge/state",)
        for times in range(1, LOOKS + 2):
            await watched.connected()
            assert len(cut) == times
            assert watched.session._connector.may_listen
            broker.sessions()[-1].close()
            await watched.ended()


async def test_nobody_listens() -> None:
    with pytest.raises(BrokerUnreachableError, match="refused"):
        await Client(Mqtt(host="127.0.0.1", port=free_port())).__aenter__()


async def test_a_host_that_does_not_resolve(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with FakeBroker() as broker:
        with pytest.raises(BrokerUnreachableError):
            await Client(broker.settings(host="no-such-host.invalid")).__aenter__()


async def test_the_client_ends_with_its_connection() -> None:
    async with FakeBroker() as broker, Client(broker.settings()) as client:
        assert await client.subscribe("event/#") == {}
        broker.peers[-1].close()
        for _ in range(2):
            with pytest.raises(DisconnectedError):
                await asyncio.wait_for(anext(client), PATIENCE)
