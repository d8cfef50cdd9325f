"""Which of two daemons stays, and what may be bought until that is settled: over a broker that is a list."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING

import pytest

from shomare_mqtt.core.bridge_events import BridgeEvent
from shomare_mqtt.model import Ack, Incoming, Message
from shomare_mqtt.mqtt import alone as module
from shomare_mqtt.mqtt import voice
from shomare_mqtt.mqtt.alone import Alone
from shomare_mqtt.mqtt.announcements import Announcement, Says, announcement_in, look, look_in
from shomare_mqtt.mqtt.failures import LinkError, NotConnectedError, PublishRefusedError
from shomare_mqtt.mqtt.other_daemons import ANSWER_WITHIN
from tests.patience import let_pass, stand_still

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

BASE = "shomare"
ONLINE = Message(f"{BASE}/bridge/state", b"online", retain=True, absolute=True)
LOW, HIGH = "0" * 16, "f" * 16
"""Names before and after any other."""


def acknowledged(heard: Callable[[], None] | None = None) -> None:
    """The broker hears of no PUBACK here."""
    del heard


class Air:
    """A broker: what one daemon publishes comes to all that are connected, in one order."""

    def __init__(self) -> None:
        self.daemons: list[Daemon] = []
        self.said: list[tuple[str, bytes]] = []
        self.state = b""
        self.fault: LinkError | None = None
        self.drops = False

    async def publish(self, message: Message) -> None:
        await asyncio.sleep(0)
        if self.fault is not None:
            raise self.fault
        if self.drops:
            return
        self.send(message.topic if message.absolute else f"{BASE}/{message.topic}", message.payload)

    def send(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        self.said.append((topic, payload))
        if topic == ONLINE.topic:
            self.state = payload
        for each in self.daemons:
            each.alone.message(Incoming(topic, payload, retain=retain), lambda *_: None)

    async def wait_connected(self) -> None:
        await asyncio.sleep(0)


class Daemon:
    """Who takes the messages; `got`: the clearances of what it was handed."""

    def __init__(self, air: Air, name: str, journal: str = "") -> None:
        self.air = air
        self.alone = Alone(BASE, journal or f"j{name}", air, self, logging.getLogger("alone"))
        self.alone._voice.name = name
        self.got: list[object] = []
        self.why: list[str] = []
        self.wins = self.settings = 0
        self.events: list[BridgeEvent] = []
        self.task: asyncio.Task[None] | None = None

    def hand_over(self, incoming: Incoming, ack: Ack) -> None:
        self.got.append(incoming.payload)
        ack()

    def lost(self, text: str) -> None:
        self.why.append(text)

    def won(self) -> None:
        self.wins += 1

    def state_was_set(self) -> None:
        self.settings += 1

    def trouble(self, event: BridgeEvent, text: str) -> None:
        assert BASE in text
        self.events.append(event)

    def connect(self) -> None:
        self.air.daemons.append(self)
        self.alone.connected()
        if self.air.state:
            self.alone.message(Incoming(ONLINE.topic, self.air.state, retain=True), lambda *_: None)

    def disconnect(self) -> None:
        self.air.daemons.remove(self)
        self.alone.disconnected()

    async def start(self) -> None:
        if self not in self.air.daemons:
            self.connect()
        self.task = asyncio.create_task(self.alone.run())
        await asyncio.sleep(0)
        await self.alone.publish(ONLINE)

    def running_for(self, seconds: float) -> None:
        self.alone._voice._began -= seconds

    @property
    def state(self) -> str:
        clearance = self.alone.clearance
        if clearance.contested is not None:
            return "contested"
        return "given" if clearance.decided.is_set() else "open"


async def turns(count: int = 60) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.fixture
async def air() -> AsyncIterator[Air]:
    stand_still()
    made = Air()
    yield made
    for daemon in made.daemons:
        if daemon.task is not None:
            daemon.task.cancel()
            await asyncio.gather(daemon.task, return_exceptions=True)


async def test_one_that_is_alone_waits_for_its_own_word_alone(air: Air) -> None:
    daemon = Daemon(air, LOW)
    assert daemon.state == "given", "while there is no broker, nobody can be asked"
    daemon.connect()
    assert daemon.state == "open"
    before = daemon.alone.clearance
    await daemon.start()
    await turns()
    assert daemon.state == "given"
    assert before.decided.is_set()
    assert [announcement_in(p) is not None for t, p in air.said if t.endswith("query/orders")] == [True]
    assert (daemon.events, daemon.wins, daemon.why, daemon.got) == ([], 0, [], [])


@pytest.mark.parametrize("names", [(LOW, HIGH), (HIGH, LOW)])
@pytest.mark.parametrize("older", [0, 1])
async def test_of_two_that_start_together_one_stays(air: Air, names: tuple[str, str], older: int) -> None:
    daemons = [Daemon(air, name) for name in names]
    daemons[older].running_for(0.5)
    await asyncio.gather(*(each.start() for each in daemons))
    for _ in range(200):
        await asyncio.sleep(0)
        assert sorted(each.state for each in daemons) != ["given", "given"] or any(each.why for each in daemons)
    assert [len(each.why) for each in daemons] == [older, 1 - older]
    assert daemons[older].state == "given"
    assert daemons[1 - older].state == "contested"
    air.send(f"{BASE}/buy", b"1")
    assert (daemons[older].got, daemons[1 - older].got) == ([b"1"], [])


@pytest.mark.parametrize("names", [(LOW, HIGH), (HIGH, LOW)])
async def test_two_that_cannot_tell_who_was_first(air: Air, names: tuple[str, str]) -> None:
    daemons = [Daemon(air, name) for name in names]
    await asyncio.gather(*(each.start() for each in daemons))
    await turns(200)
    assert sorted(len(each.why) for each in daemons) == [0, 1]


@pytest.mark.parametrize("names", [(LOW, HIGH), (HIGH, LOW)])
async def test_one_that_was_away_refuses_what_lay_in_its_queue(air: Air, names: tuple[str, str]) -> None:
    first, second = (Daemon(air, name) for name in names)
    first.running_for(100)
    await first.start()
    await turns()
    first.disconnect()
    air.state = b"offline"
    await second.start()
    await turns()
    assert second.state == "given"
    queue = list(air.said[-2:])
    air.send(f"{BASE}/buy", b"1")
    first.connect()
    waiting = first.alone.clearance
    for topic, payload in queue:
        first.alone.message(Incoming(topic, payload), lambda *_: None)
    assert first.state == "contested"
    await first.alone.publish(ONLINE)
    await turns(200)
    assert waiting.contested is not None
    assert (len(first.why), len(second.why)) == (0, 1)
    assert "longer than this one" in second.why[0]
    assert (first.state, first.wins) == ("given", 1)
    assert first.events == [BridgeEvent.BUYING_PAUSED, BridgeEvent.BUYING_RESUMED]


async def test_an_online_of_which_nothing_is_heard_has_three_seconds(air: Air) -> None:
    air.state = b"online"
    daemon = Daemon(air, LOW)
    await daemon.start()
    await turns()
    assert daemon.state == "open"
    let_pass(ANSWER_WITHIN)
    await turns()
    assert (daemon.state, daemon.events) == ("given", [])


async def test_a_word_of_one_that_is_gone_pauses_for_three_seconds(air: Air) -> None:
    daemon = Daemon(air, LOW)
    await daemon.start()
    await turns()
    stale = Announcement(Says.HERE, "other", HIGH, 1e9, "a" * 16)
    air.send(f"{BASE}/query/orders", stale.payload())
    assert daemon.state == "contested"
    await turns()
    assert daemon.state == "contested"
    let_pass(ANSWER_WITHIN)
    await turns()
    assert (daemon.state, daemon.why) == ("given", [])


async def test_what_an_earlier_process_of_ours_left_contests_nothing(air: Air) -> None:
    daemon = Daemon(air, LOW, journal="ours")
    daemon.connect()
    daemon.alone.message(
        Incoming(f"{BASE}/query/orders", Announcement(Says.LEFT, "ours", HIGH, 5, "b" * 16).payload()), acknowledged
    )
    daemon.alone.message(
        Incoming(f"{BASE}/query/orders", Announcement(Says.HERE, "ours", HIGH, 5, "a" * 16).payload()), acknowledged
    )
    assert daemon.state == "open"
    await daemon.start()
    await turns()
    assert daemon.state == "open", "it may be one with a copy of our journal"
    let_pass(ANSWER_WITHIN)
    await turns()
    assert (daemon.state, daemon.events) == ("given", [])


async def test_a_copy_of_our_journal_is_another_daemon(air: Air) -> None:
    first, second = Daemon(air, LOW, journal="ours"), Daemon(air, HIGH, journal="ours")
    first.running_for(10)
    await first.start()
    await turns()
    await second.start()
    await turns(200)
    assert (len(first.why), len(second.why)) == (0, 1)


async def test_one_of_an_older_version_stays(air: Air) -> None:
    daemon = Daemon(air, LOW)
    await daemon.start()
    await turns()
    transaction = json.loads(air.said[-1][1])["transaction"]
    for answer in (b"rubbish", b"[]", b'{"transaction": 7}', b'{"transaction": "mine"}'):
        air.send(f"{BASE}/response/query/orders", answer)
    assert daemon.why == []
    order = {"data": [{"order": "x" * 5000}], "status": "ok", "transaction": transaction}
    air.send(f"{BASE}/response/query/orders", json.dumps(order).encode())
    await turns()
    assert len(daemon.why) == 1
    assert "older version" in daemon.why[0]
    assert announcement_in(air.said[-1][1]).says is Says.LEFT  # type: ignore[union-attr]


async def test_a_question_is_answered_and_holds_what_comes_for_a_moment(air: Air) -> None:
    daemon = Daemon(air, LOW)
    await daemon.start()
    await turns()
    transaction, question = look()
    air.send(f"{BASE}/query/orders", question)
    assert daemon.state == "open"
    await turns()
    assert daemon.state == "given"
    answers = [json.loads(p) for t, p in air.said if t == f"{BASE}/response/query/orders"]
    assert answers == [{"status": "ok", "transaction": transaction, "data": []}]
    assert daemon.got == []


RUBBISH = [
    b"",
    b"\xff\xfe",
    b"daemon:",
    b'{"transaction": "daemon:here"}',
    b'{"transaction": ["daemon:here"]}',
    b'["daemon:here"]',
    b'{"transaction": "daemon:here:other:ffffffffffffffff:1e9:aaaaaaaaaaaaaaaa:"}',
    b'{"transaction": "daemon:look:' + "٣".encode() * 16 + b'"}',
    b"[" * 100_000 + b'"daemon:"',
    b'{"transaction": "daemon:here:other:ffffffffffffffff:1:aaaaaaaaaaaaaaaa:", "more": "' + b"x" * 100_000 + b'"}',
]


async def test_rubbish_is_for_others(air: Air) -> None:
    daemon = Daemon(air, LOW)
    await daemon.start()
    await turns()
    for payload in RUBBISH:
        air.send(f"{BASE}/query/orders", payload)
        air.send(f"{BASE}/response/query/orders", payload)
    assert daemon.got == RUBBISH
    assert daemon.state == "given"
    word = Announcement(Says.HERE, "other", HIGH, 5, "a" * 16).payload()
    air.send(f"{BASE}/query/orders", word, retain=True)
    assert daemon.state == "given", "a retained one says nothing of now"
    assert look_in(word) is None


async def test_a_flood_of_words_is_answered_within_bounds(air: Air) -> None:
    daemon = Daemon(air, LOW)
    daemon.connect()
    for number in range(1000):
        air.send(f"{BASE}/query/orders", Announcement(Says.HERE, "other", HIGH, 5, f"{number:016x}").payload())
        air.send(f"{BASE}/query/orders", look()[1])
    assert daemon.alone._voice._replies.qsize() <= 20
    assert daemon.events == [BridgeEvent.BUYING_PAUSED]


async def test_a_broker_that_brings_nothing_back_keeps_nobody_from_buying(
    air: Air, caplog: pytest.LogCaptureFixture
) -> None:
    air.drops = True
    daemon = Daemon(air, LOW)
    await daemon.start()
    await turns()
    assert daemon.state == "open"
    let_pass(voice.ECHO_WITHIN)
    await turns()
    assert daemon.state == "given"
    daemon.disconnect()
    daemon.connect()
    assert daemon.state == "given", "and it is not waited for again"
    assert caplog.text.count("Nobody can tell") == 1
    air.drops = False
    await daemon.alone.publish(ONLINE)
    await turns()
    daemon.disconnect()
    daemon.connect()
    assert daemon.state == "open"


async def test_a_word_that_somebody_made_retained_is_answered_by_nobody(air: Air) -> None:
    """The refusal of a retained command, with our own token in it, would be taken for an older daemon's answer."""
    daemon = Daemon(air, LOW)
    await daemon.start()
    await turns()
    ours = next(payload for _, payload in air.said if announcement_in(payload) is not None)
    for payload in (ours, look()[1], Announcement(Says.HERE, "other", HIGH, 5, "a" * 16).payload()):
        air.send(f"{BASE}/query/orders", payload, retain=True)
    assert daemon.got == []
    assert daemon.state == "given"
    assert daemon.alone._voice._replies.empty()
    air.send(f"{BASE}/query/orders", b"{}", retain=True)
    assert daemon.got == [b"{}"]


async def test_what_else_comes_keeps_nobody_from_buying_for_ever(air: Air) -> None:
    air.drops = True
    daemon = Daemon(air, LOW)
    await daemon.start()
    await turns()
    for _ in range(20):
        air.send(f"{BASE}/query/profile", b"")
        let_pass(voice.ECHO_WITHIN / 2)
        await turns()
    assert daemon.state == "given", "whoever asks for something every few seconds holds up no purchase"


async def test_what_comes_from_elsewhere_while_the_link_is_away_waits_for_nobody(air: Air) -> None:
    daemon = Daemon(air, LOW)
    daemon.connect()
    waiting = daemon.alone.clearance
    daemon.disconnect()
    assert daemon.state == "given", "the page takes a command also while the broker is away"
    assert not waiting.decided.is_set(), "what the broker brought waits on"
    daemon.connect()
    assert daemon.alone.clearance is waiting
    await daemon.start()
    await turns()
    assert waiting.decided.is_set()
    assert waiting.contested is None


def may_buy_here(daemon: Daemon) -> bool | None:
    """Whether what comes by no broker may buy; None: that waits."""
    clearance = daemon.alone.clearance_here
    return clearance.contested is None if clearance.decided.is_set() else None


async def test_what_comes_by_no_broker_buys_nothing_while_another_daemon_is_known(air: Air) -> None:
    """Also while the broker is away: nobody knows then whether the other has ended."""
    daemon = Daemon(air, LOW)
    assert may_buy_here(daemon) is True, "no broker was there yet"
    daemon.connect()
    assert may_buy_here(daemon) is None
    await daemon.start()
    await turns()
    assert may_buy_here(daemon) is True
    air.send(f"{BASE}/query/orders", Announcement(Says.HERE, "other", HIGH, 1e9, "a" * 16).payload())
    assert may_buy_here(daemon) is False
    daemon.disconnect()
    assert (daemon.state, may_buy_here(daemon)) == ("given", False)
    assert BASE in str(daemon.alone.clearance_here.contested)
    assert BASE in str(daemon.alone.standing.contested), "a purchase in several places is under way for long"
    daemon.connect()
    assert may_buy_here(daemon) is None
    assert BASE in str(daemon.alone.standing.contested), "nobody knows yet"
    daemon.disconnect()
    assert may_buy_here(daemon) is False, "nothing was found out meanwhile"
    daemon.connect()
    await daemon.alone.publish(ONLINE)
    await turns()
    let_pass(ANSWER_WITHIN)
    await turns()
    assert may_buy_here(daemon) is True
    assert daemon.alone.standing is daemon.alone.clearance
    daemon.disconnect()
    assert may_buy_here(daemon) is True
    assert daemon.alone.standing.contested is None


async def test_a_broker_that_refuses_the_question(air: Air, caplog: pytest.LogCaptureFixture) -> None:
    daemon = Daemon(air, LOW)
    await daemon.start()
    air.fault = PublishRefusedError("not authorised", 0x87)
    await turns()
    assert daemon.state == "given"
    assert "not authorised" in caplog.text
    daemon.alone._voice.reply(Says.HERE)
    await turns()


async def test_where_online_cannot_be_published_it_is_looked_all_the_same(air: Air) -> None:
    daemon = Daemon(air, LOW)
    daemon.connect()
    daemon.task = asyncio.create_task(daemon.alone.run())
    await turns()
    assert daemon.state == "open"
    let_pass(module.ONLINE_WITHIN)
    await turns()
    assert daemon.state == "given"
    words = len(air.said)
    let_pass(module.LOOK_AGAIN)
    await turns()
    assert len(air.said) == words + 1, "and once more after ten seconds"


async def test_a_link_that_drops_leaves_what_came_undecided(air: Air) -> None:
    air.drops = True
    daemon = Daemon(air, LOW)
    await daemon.start()
    await turns()
    waiting = daemon.alone.clearance
    daemon.disconnect()
    await turns()
    assert not waiting.decided.is_set()
    daemon.connect()
    assert daemon.alone.clearance is waiting
    air.drops, air.fault = False, NotConnectedError("gone")
    daemon.alone._due.set()
    await turns()
    assert not waiting.decided.is_set()
    air.fault = None
    await daemon.alone.publish(ONLINE)
    await turns()
    assert waiting.decided.is_set()
    assert waiting.contested is None


async def test_a_link_that_drops_while_two_talk(air: Air) -> None:
    daemon = Daemon(air, LOW)
    await daemon.start()
    await turns()
    air.send(f"{BASE}/query/orders", Announcement(Says.HERE, "other", HIGH, 5, "a" * 16).payload())
    assert daemon.state == "contested"
    daemon.disconnect()
    assert daemon.state == "given"
    air.state = b"offline"
    daemon.connect()
    assert daemon.state == "open"
    await daemon.alone.publish(ONLINE)
    await turns()
    assert daemon.state == "given"


async def test_who_leaves_in_order_says_so_and_takes_nothing_more(air: Air) -> None:
    first, second = Daemon(air, LOW), Daemon(air, HIGH)
    await first.start()
    await turns()
    second.connect()
    await first.alone.leave()
    assert second.state == "contested", "the first may have what waits here"
    air.send(f"{BASE}/buy", b"1")
    air.send(f"{BASE}/query/orders", Announcement(Says.LEAVE, "other", HIGH, 5, "a" * 16, LOW).payload())
    assert (first.got, first.why) == ([], [])
    air.daemons.remove(first)
    second.task = asyncio.create_task(second.alone.run())
    await asyncio.sleep(0)
    await second.alone.publish(ONLINE)
    await turns()
    assert second.state == "given"
    stuck = asyncio.create_task(first.alone.publish(ONLINE))
    await turns()
    assert not stuck.done(), "what the other keeps retained is not ours any more"
    stuck.cancel()
    assert first.task is not None
    first.task.cancel()
    await asyncio.gather(first.task, stuck, return_exceptions=True)


async def test_a_foreign_state_is_told_once_ours_stands(air: Air) -> None:
    daemon = Daemon(air, LOW)
    daemon.connect()
    air.send(ONLINE.topic, b"offline")
    assert daemon.settings == 0, "what an earlier process left"
    await daemon.start()
    await turns()
    for payload in (b"offline", b"", b"rubbish"):
        air.send(ONLINE.topic, payload)
    assert daemon.settings == 3
