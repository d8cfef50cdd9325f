"""A broker that brings a message again, or another one under the id of one that it has long had acknowledged."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Any

import pytest

from tests.mqtt.fake_broker import CONNACK, PUBACK, PUBLISH, FakeBroker, Peer, packet
from tests.system.house import PRODUCT, House

if TYPE_CHECKING:
    from pathlib import Path

    from tests.mosquitto import Mosquitto

pytestmark = pytest.mark.mosquitto

BUY, CANCEL, QUERY = "deliveries/buy", "deliveries/cancel", "deliveries/query/profile"


class Keeping(FakeBroker):
    """Keeps the daemon's session; `kept`: what it brings right after the next CONNACK."""

    def __init__(self) -> None:
        super().__init__(self.resume)
        self.kept = b""
        self.topics: set[str] = set()
        self.answers: list[tuple[str, Any]] = []
        self.falls_silent = False
        """Whether it acknowledges nothing any more from the next PUBACK on."""

    def resume(self, peer: Peer) -> bytes:
        if peer.client_id != "shomare-mqtt-deliveries":
            return packet(CONNACK, b"\0\0\0")
        present, kept, self.kept = bool(self.daemons()[:-1]), self.kept, b""
        return packet(CONNACK, bytes([present]) + b"\0\0") + kept

    def daemons(self) -> list[Peer]:
        return [peer for peer in self.peers if peer.client_id == "shomare-mqtt-deliveries"]

    def _answer(self, peer: Peer, kind: int, body: bytes) -> None:
        if kind == PUBLISH:
            size = int.from_bytes(body[:2], "big")
            topic, rest = body[2 : 2 + size].decode(), body[4 + size :]
            self.topics.add(topic)
            if "/response/" in topic:
                self.answers.append((topic, json.loads(rest[1 + rest[0] :])))
        elif kind == PUBACK and self.falls_silent:
            self.acknowledges = False
        super()._answer(peer, kind, body)

    async def until_up(self) -> None:
        """Returns once the daemon takes commands, and has said what it says at its start."""
        await self.until(lambda: {f"deliveries/{t}" for t in ("applications", "profile")} <= self.topics)

    async def answered(self, topic: str, count: int) -> None:
        """Returns once there are so many answers on a topic."""
        wanted = topic.replace("deliveries/", "deliveries/response/")
        await self.until(lambda: [t for t, _ in self.answers].count(wanted) >= count)

    def orders(self) -> list[str]:
        """The orders that answers to `buy` name, each once: an answer whose PUBACK was lost comes again."""
        answers = [answer for topic, answer in self.answers if topic == "deliveries/response/buy"]
        return list(dict.fromkeys(answer["data"]["order"] for answer in answers))

    def bring(self, topic: str, packet_id: int, payload: object = "", *, dup: bool = False) -> bytes:
        text = json.dumps(payload).encode() if payload else b""
        body = len(topic).to_bytes(2, "big") + topic.encode() + packet_id.to_bytes(2, "big") + b"\0" + text
        return bytes([0x3A if dup else 0x32, len(body)]) + body


SETTINGS = {"limits": {"double_press": 0}, "homeassistant": {"enabled": False}}


async def launch(house: House, broker: Keeping) -> None:
    await house.launch({**SETTINGS, "mqtt": {"port": broker.port}})


async def comes_back(house: House, broker: Keeping, *, killed: bool) -> None:
    """The daemon connects anew, after it was killed or the connection broke."""
    if killed:
        await house.daemons[-1].stop(signal.SIGKILL)
        await launch(house, broker)
    else:
        broker.daemons()[-1].close()


@pytest.mark.parametrize("killed", [False, True])
async def test_another_message_under_a_used_id_whose_first_delivery_was_lost(
    mosquitto: Mosquitto, tmp_path: Path, killed: bool
) -> None:
    async with Keeping() as broker, House(tmp_path, mosquitto.port, "deliveries", {}) as house:
        await launch(house, broker)
        await broker.until_up()
        broker.daemons()[-1].send(broker.bring(BUY, 1, PRODUCT))
        await broker.answered(BUY, 1)
        broker.daemons()[-1].send(broker.bring(QUERY, 2))
        await broker.answered(QUERY, 1)
        # That the first PUBACK was read is known by the PUBACK of an answer, and written down with the next command.
        broker.daemons()[-1].send(broker.bring(CANCEL, 3, {"order": "none"}))
        await broker.answered(CANCEL, 1)
        broker.kept = broker.bring(BUY, 1, PRODUCT, dup=True)
        await comes_back(house, broker, killed=killed)
        await broker.until(lambda: len(broker.orders()) == 2)
        assert len(house.bought()) == 2


@pytest.mark.parametrize("killed", [False, True])
async def test_a_message_whose_acknowledgement_may_not_have_come(
    mosquitto: Mosquitto, tmp_path: Path, killed: bool
) -> None:
    """Bought once, and answered again: it may be another one, whose sender waits."""
    async with Keeping() as broker, House(tmp_path, mosquitto.port, "deliveries", {}) as house:
        await launch(house, broker)
        await broker.until_up()
        broker.falls_silent = True
        broker.daemons()[-1].send(broker.bring(BUY, 1, PRODUCT))
        await house.sim.wait_until(lambda: house.sim.calls["check"] > 0)  # what is checked is in the journal
        broker.falls_silent, broker.acknowledges = False, True
        broker.kept = broker.bring(BUY, 1, PRODUCT, dup=True)
        await comes_back(house, broker, killed=killed)
        await broker.answered(BUY, 2)
        assert len(broker.orders()) == 1
        assert len(house.bought()) == 1
