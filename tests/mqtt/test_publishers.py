"""What goes out: the outbox until PUBACK, retained topics as they are wanted; the sender fails at will."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from typing import TYPE_CHECKING

import pytest

from shomare_mqtt.core import render
from shomare_mqtt.core.bridge_events import BridgeEvent
from shomare_mqtt.core.records import MessageKind, OutboxRow
from shomare_mqtt.errors import JournalError
from shomare_mqtt.model import Message
from shomare_mqtt.mqtt import retained as retained_module
from shomare_mqtt.mqtt.failures import (
    DisconnectedError,
    HangsUpError,
    NotConnectedError,
    PublishRefusedError,
    TooLargeError,
)
from shomare_mqtt.mqtt.publisher import (
    AGAIN_AFTER,
    AT_ONCE,
    LONGEST_BREAK,
    MOST_REFUSALS,
    MOST_VOLATILE,
    WAIT_AFTER_REFUSAL,
    OutboxPublisher,
)
from shomare_mqtt.mqtt.retained import LONGEST_REST, SHORT, RetainedPublisher
from shomare_mqtt.mqtt.shortening import WHOLE_AGAIN
from tests.patience import PATIENCE, let_pass, stand_still

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from shomare_mqtt.mqtt.failures import LinkError

LOG = logging.getLogger("publishers")
OVER_QUOTA = PublishRefusedError("quota exceeded", 0x97)
HANGS_UP = HangsUpError("it hangs up", others_carried=True)


class FakeSender:
    """A broker that takes everything but what `faults` names: for a payload, what sending it comes to, in turn."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes]] = []
        self.correlations: list[bytes | None] = []
        self.tried: list[bytes] = []
        self.faults: dict[bytes, deque[Exception]] = {}
        self.always: dict[bytes, Exception] = {}
        self.connected = asyncio.Event()
        self.connected.set()
        self.connections = 1
        self.before: Callable[[bytes], None] = lambda _: None

    async def publish(self, message: Message) -> None:
        self.tried.append(message.payload)
        self.before(message.payload)
        await asyncio.sleep(0)
        if (error := self.always.get(message.payload)) is not None:
            raise error
        if queue := self.faults.get(message.payload):
            raise queue.popleft()
        self.sent.append((message.topic, message.payload))
        self.correlations.append(message.correlation)

    async def wait_connected(self) -> None:
        await self.connected.wait()


class FakeStore:
    """An outbox in memory."""

    def __init__(self) -> None:
        self.rows: dict[int, OutboxRow] = {}
        self.aside: list[int] = []
        self.kept: dict[int, OutboxRow] = {}

    def post(self, *payloads: bytes, kind: MessageKind = MessageKind.ANSWER) -> None:
        for payload in payloads:
            row = len(self.rows) + len(self.aside) + 1
            self.rows[row] = OutboxRow(row, kind, Message(f"topic/{payload.decode()}", payload))

    async def outbox(self, after: int, limit: int) -> list[OutboxRow]:
        return [row for number, row in sorted(self.rows.items()) if number > after][:limit]

    async def sent(self, rows: list[int]) -> None:
        for row in rows:
            del self.rows[row]

    async def set_aside(self, row: int, *, keep: bool) -> None:
        self.aside.append(row)
        removed = self.rows.pop(row)
        if keep:
            self.kept[row] = removed

    async def take_back_aside(self) -> int:
        back, self.kept = self.kept, {}
        self.rows |= back
        return len(back)

    async def replace_answer(self, row: int, payload: bytes) -> None:
        old = self.rows[row]
        self.rows[row] = OutboxRow(row, old.kind, Message(old.message.topic, payload))


class Outbox:
    """A publisher under test, and all that it was told and said."""

    def __init__(self) -> None:
        self.sender, self.store = FakeSender(), FakeStore()
        self.said: list[str] = []
        self.slept: list[float] = []
        self.minute_over = asyncio.Event()
        self.publisher = OutboxPublisher(
            self.store, self.sender, lambda payload, _: payload[:3], self._say, self._sleep, LOG
        )

    def _say(self, event: BridgeEvent, text: str) -> None:
        assert event is BridgeEvent.MESSAGE_DROPPED
        self.said.append(text)

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if seconds == AGAIN_AFTER:
            await self.minute_over.wait()
            self.minute_over.clear()

    @property
    def sent(self) -> list[bytes]:
        return [payload for _, payload in self.sender.sent]

    async def drained(self) -> None:
        self.publisher.wake()
        async with asyncio.timeout(PATIENCE):
            await self.publisher.drained()


@pytest.fixture
async def outbox() -> AsyncIterator[Outbox]:
    outbox = Outbox()
    task = asyncio.create_task(outbox.publisher.run())
    yield outbox
    task.cancel()
    await asyncio.wait((task,))
    assert task.cancelled()


async def test_all_is_sent_in_order_and_leaves_on_the_puback(outbox: Outbox) -> None:
    wanted = [str(n).encode() for n in range(3 * AT_ONCE)]
    outbox.store.post(*wanted)
    outbox.sender.before = lambda payload: None if payload in rows() else pytest.fail("it left before its PUBACK")

    def rows() -> set[bytes]:
        return {row.message.payload for row in outbox.store.rows.values()}

    await outbox.drained()
    assert outbox.sent == wanted
    assert outbox.store.rows == {}


async def test_a_link_that_drops_brings_it_again_alone_and_then_the_rest(outbox: Outbox) -> None:
    outbox.store.post(b"a", b"b", b"c")
    outbox.sender.faults = {p: deque([DisconnectedError("gone")]) for p in (b"a", b"b")}
    outbox.sender.faults[b"c"] = deque([NotConnectedError("no link")])
    await outbox.drained()
    assert outbox.sent == [b"a", b"b", b"c"]
    assert outbox.said == []


async def test_one_that_ends_each_link_is_set_aside_and_the_rest_goes_on(outbox: Outbox) -> None:
    outbox.store.post(b"good", b"poison", b"fine")
    outbox.sender.always[b"poison"] = HANGS_UP
    await outbox.drained()
    assert outbox.sent == [b"good", b"fine"]
    assert (outbox.store.aside, outbox.publisher.set_aside) == ([2], 1)
    assert outbox.said == [
        "a message on topic/poison was set aside: it hangs up; it is kept, and tried again within an hour"
    ]


async def test_an_answer_that_ended_the_link_by_chance_goes_out_a_minute_later(outbox: Outbox) -> None:
    outbox.store.post(b"answer")
    outbox.sender.faults[b"answer"] = deque([HANGS_UP])
    await outbox.drained()
    assert outbox.sent == []
    outbox.minute_over.set()
    async with asyncio.timeout(PATIENCE):
        while not outbox.sent:  # noqa: ASYNC110 - a list tells nobody
            await asyncio.sleep(0)
    assert outbox.sent == [b"answer"]
    assert outbox.slept == [AGAIN_AFTER]


@pytest.mark.parametrize("reason", [0x80, 0x83])
async def test_what_a_broker_refuses_without_a_reason_is_kept_and_tried_again(outbox: Outbox, reason: int) -> None:
    """It may be the broker's own trouble: the answer to a `buy` must not be lost for that."""
    outbox.store.post(b"answer")
    outbox.sender.faults[b"answer"] = deque([PublishRefusedError("error", reason)])
    await outbox.drained()
    assert (outbox.sent, list(outbox.store.kept)) == ([], [1])
    outbox.minute_over.set()
    async with asyncio.timeout(PATIENCE):
        while not outbox.sent:  # noqa: ASYNC110 - a list tells nobody
            await asyncio.sleep(0)
    assert outbox.sent == [b"answer"]


async def test_a_journal_that_fails_a_minute_later_ends_it_too() -> None:
    """In a task that nobody awaits, the daemon would go on with a journal that it cannot use."""

    async def broken() -> int:
        raise JournalError("the disk is gone")

    outbox = Outbox()
    outbox.store.post(b"answer")
    outbox.sender.faults[b"answer"] = deque([HANGS_UP])
    outbox.store.take_back_aside = broken  # type: ignore[method-assign]
    running = asyncio.create_task(outbox.publisher.run())
    await outbox.drained()
    outbox.minute_over.set()
    with pytest.raises(JournalError):
        await asyncio.wait_for(running, PATIENCE)


async def test_one_that_ends_the_link_again_an_hour_later_is_not_said_again(outbox: Outbox) -> None:
    outbox.store.post(b"poison")
    outbox.sender.always[b"poison"] = HANGS_UP
    await outbox.drained()
    await outbox.store.take_back_aside()
    await outbox.drained()
    assert outbox.sender.tried == [b"poison", b"poison"]
    assert len(outbox.said) == 1
    assert outbox.slept.count(AGAIN_AFTER) <= 1


async def test_an_sms_that_is_set_aside_is_kept_and_that_is_said(outbox: Outbox) -> None:
    outbox.store.post(b"sms", kind=MessageKind.SMS)
    outbox.sender.always[b"sms"] = PublishRefusedError("not authorised", 0x87)
    await outbox.drained()
    assert outbox.said[0].endswith("(reason code 0x87)); it is kept, and tried again within an hour")


async def test_no_connection_is_nobodys_fault(outbox: Outbox) -> None:
    outbox.store.post(b"a")
    outbox.sender.faults[b"a"] = deque([NotConnectedError("no link")] * 10)
    await outbox.drained()
    assert (outbox.sent, outbox.said) == ([b"a"], [])


async def test_a_broker_over_its_quota_is_given_time(outbox: Outbox) -> None:
    outbox.store.post(b"a")
    outbox.sender.faults[b"a"] = deque([OVER_QUOTA])
    await outbox.drained()
    assert (outbox.sent, outbox.slept, outbox.said) == ([b"a"], [WAIT_AFTER_REFUSAL], [])


async def test_the_time_is_given_once_for_all_that_went_together(outbox: Outbox) -> None:
    """Else a burst that a broker refuses would keep answers and SMS back for minutes."""
    payloads = [str(n).encode() for n in range(AT_ONCE)]
    outbox.store.post(*payloads)
    outbox.sender.faults |= {payload: deque([OVER_QUOTA]) for payload in payloads}
    await outbox.drained()
    assert (outbox.sent, outbox.slept, outbox.said) == (payloads, [WAIT_AFTER_REFUSAL], [])


async def test_an_answer_that_is_too_large_becomes_a_smaller_one(outbox: Outbox) -> None:
    outbox.store.post(b"large answer", b"next")
    outbox.sender.always[b"large answer"] = TooLargeError(12, 3)
    await outbox.drained()
    assert outbox.sent == [b"next", b"lar"]
    assert outbox.said == []


def sms_event(text: str) -> bytes:
    return render.dumps({"sms": "o-1", "code": "48213", "text": text, "sender": None})


@pytest.mark.parametrize(
    ("error", "length"),
    [
        (TooLargeError(20_160, 10_000), 2_048),
        (PublishRefusedError("packet too large", 0x95), 2_048),
        (HangsUpError("it hangs up", others_carried=True), 2_048),
        (TooLargeError(20_160, 500), 256),
    ],
)
async def test_an_sms_that_is_too_large_comes_cut(outbox: Outbox, error: LinkError, length: int) -> None:
    large = sms_event("x" * 20_000)
    outbox.store.post(large, b"next", kind=MessageKind.SMS)
    outbox.sender.always[large] = error
    await outbox.drained()
    event = json.loads(outbox.sent[1])
    assert (event["text"], event["truncated"], event["code"]) == ("x" * length, True, "48213")
    assert (outbox.store.aside, outbox.said) == ([], [])


async def test_what_is_no_longer_than_people_send_comes_whole_after_the_broker_hung_up(outbox: Outbox) -> None:
    small, answer = sms_event("x" * 2000), render.dumps({"data": {"sms": [json.loads(sms_event("x" * 200))] * 100}})
    outbox.minute_over.set()
    for payload, kind in ((small, MessageKind.SMS), (answer, MessageKind.ANSWER)):
        outbox.sender.faults[payload] = deque([HANGS_UP])
        outbox.store.post(payload, kind=kind)
        await outbox.drained()
        outbox.minute_over.set()
        await asyncio.gather(*outbox.publisher._tasks)
        await outbox.drained()
    assert outbox.sent == [small, answer]


async def test_on_a_topic_that_is_closed_it_is_tried_once_that_is_open_again(outbox: Outbox) -> None:
    """However often that is."""
    outbox.store.post(b"sms", kind=MessageKind.SMS)
    closed = HangsUpError("it hangs up", others_carried=True, closed=300.0)
    outbox.sender.faults[b"sms"] = deque([closed] * 3)
    for _ in range(3):
        await outbox.drained()
        await asyncio.gather(*outbox.publisher._tasks)
    await outbox.drained()
    assert (outbox.sent, outbox.slept) == ([b"sms"], [300.0] * 3)


@pytest.mark.parametrize(("payload", "kind"), [(b"abc", MessageKind.ANSWER), (b"large event", MessageKind.EVENT)])
async def test_what_cannot_be_made_smaller_does_not_stop_the_rest(
    outbox: Outbox, payload: bytes, kind: MessageKind
) -> None:
    outbox.store.post(payload, kind=kind)
    outbox.store.post(b"next")
    outbox.sender.always[payload] = TooLargeError(12, 2)
    await outbox.drained()
    assert outbox.sent == [b"next"]
    assert "the packet has 12 bytes, and the broker takes 2" in outbox.said[0]


async def test_what_is_volatile_is_tried_once(outbox: Outbox) -> None:
    outbox.sender.always[b"lost"] = NotConnectedError("no link")
    outbox.publisher.send_volatile(Message("a", b"lost"))
    outbox.publisher.send_volatile(Message("a", b"sent"))
    await outbox.drained()
    assert outbox.sent == [b"sent"]
    assert outbox.sender.tried.count(b"lost") == 1
    assert outbox.said == []


async def test_what_is_volatile_is_told_here_also_where_no_broker_hears_it(outbox: Outbox) -> None:
    heard: list[Message] = []
    outbox.publisher.on_volatile = heard.append
    outbox.sender.always[b"lost"] = NotConnectedError("no link")
    outbox.publisher.send_volatile(Message("a", b"lost"))
    assert heard == [Message("a", b"lost")]
    await outbox.drained()
    assert len(heard) == 1


async def test_what_is_volatile_goes_out_in_order_and_together(outbox: Outbox) -> None:
    """As many at once as the broker takes, so that one that is slow holds up no other."""
    wanted = [str(n).encode() for n in range(3 * AT_ONCE)]
    go_on, publish = asyncio.Event(), outbox.sender.publish

    async def slow(message: Message) -> None:
        await publish(message)
        await go_on.wait()

    outbox.sender.publish = slow  # type: ignore[method-assign]
    for each in wanted:
        outbox.publisher.send_volatile(Message("a", each))
    async with asyncio.timeout(PATIENCE):
        while len(outbox.sent) < AT_ONCE:  # noqa: ASYNC110 - a list tells nobody
            await asyncio.sleep(0)
    assert outbox.sent == wanted[:AT_ONCE]
    go_on.set()
    await asyncio.wait_for(asyncio.gather(*outbox.publisher._tasks), PATIENCE)
    assert outbox.sent == wanted
    outbox.publisher.send_volatile(Message("a", b"one more"))
    await asyncio.wait_for(asyncio.gather(*outbox.publisher._tasks), PATIENCE)
    assert outbox.sent[-1] == b"one more"


async def test_an_end_waits_for_what_is_volatile_too(outbox: Outbox) -> None:
    """Queries are refused then, by hundreds."""
    await outbox.drained()
    wanted = [str(n).encode() for n in range(1000)]
    for each in wanted:
        outbox.publisher.send_volatile(Message("a", each))
    await outbox.drained()
    assert outbox.sent == wanted


async def test_of_what_is_volatile_some_thousands_may_wait(outbox: Outbox, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        for n in range(MOST_VOLATILE + 5):
            outbox.publisher.send_volatile(Message("a", str(n).encode()))
        await asyncio.wait_for(asyncio.gather(*outbox.publisher._tasks), PATIENCE)
    assert outbox.sent == [str(n).encode() for n in range(MOST_VOLATILE)] * 2
    said = [record.getMessage() for record in caplog.records]
    assert said == ["5000 messages wait for the broker to take them: more are lost"] * 2


async def test_what_is_volatile_and_refused_is_said_once_for_its_topic(outbox: Outbox) -> None:
    outbox.sender.faults[b"x"] = deque([HANGS_UP, HANGS_UP])
    for payload in (b"x", b"x", b"x"):
        outbox.publisher.send_volatile(Message("plugin/mine/a", payload))
        await asyncio.gather(*outbox.publisher._tasks)
    assert outbox.said == ["a message on plugin/mine/a was not published: it hangs up"]
    assert outbox.sent == [b"x"]


async def test_an_answer_beside_the_outbox_is_done_on_the_puback(outbox: Outbox) -> None:
    waiting = asyncio.Event()
    publish = outbox.sender.publish

    async def slow(message: Message) -> None:
        await waiting.wait()
        await publish(message)

    outbox.sender.publish = slow  # type: ignore[method-assign]
    answering = asyncio.create_task(outbox.publisher.publish_once(Message("a", b"answer")))
    await asyncio.sleep(0)
    assert not answering.done()
    waiting.set()
    await asyncio.wait_for(answering, PATIENCE)
    assert outbox.sent == [b"answer"]


async def test_an_answer_beside_the_outbox_that_is_too_much_at_once_is_tried_again_later(outbox: Outbox) -> None:
    outbox.sender.faults[b"answer"] = deque([OVER_QUOTA] * MOST_REFUSALS)
    await outbox.publisher.publish_once(Message("a", b"answer"))
    assert (outbox.sent, outbox.said) == ([b"answer"], [])
    assert outbox.slept == [WAIT_AFTER_REFUSAL] * MOST_REFUSALS


async def test_an_answer_beside_the_outbox_that_stays_too_much_is_given_up_and_told(outbox: Outbox) -> None:
    outbox.sender.always[b"answer"] = OVER_QUOTA
    await outbox.publisher.publish_once(Message("a", b"answer"))
    assert len(outbox.sender.tried) == 1 + MOST_REFUSALS
    assert [text.startswith("a message on a was not published: ") for text in outbox.said] == [True]


async def test_an_answer_beside_the_outbox_that_was_too_much_goes_over_no_other_connection(outbox: Outbox) -> None:
    """What was asked may come again over that, and is answered then."""
    outbox.sender.always[b"answer"] = OVER_QUOTA
    sleep = outbox.publisher._sleep

    async def reconnecting(seconds: float) -> None:
        await sleep(seconds)
        outbox.sender.connections += 1

    outbox.publisher._sleep = reconnecting
    await outbox.publisher.publish_once(Message("a", b"answer"))
    assert (outbox.sender.tried, outbox.said) == ([b"answer"], [])


@pytest.mark.parametrize("error", [NotConnectedError("no link"), DisconnectedError("gone")])
async def test_an_answer_beside_the_outbox_is_lost_with_the_connection(outbox: Outbox, error: LinkError) -> None:
    outbox.sender.always[b"answer"] = error
    await outbox.publisher.publish_once(Message("a", b"answer"))
    assert (outbox.sender.tried, outbox.sent, outbox.said) == ([b"answer"], [], [])


async def test_an_answer_beside_the_outbox_that_is_refused_is_said_once_for_its_topic(outbox: Outbox) -> None:
    outbox.sender.faults[b"x"] = deque([PublishRefusedError("not authorised", 0x87)] * 2)
    for _ in range(3):
        await outbox.publisher.publish_once(Message("a", b"x"))
    assert outbox.sent == [b"x"]
    assert [text.startswith("a message on a was not published: ") for text in outbox.said] == [True]


async def test_an_answer_beside_the_outbox_that_is_too_large_says_so(outbox: Outbox) -> None:
    outbox.sender.always[b"large answer"] = TooLargeError(12, 3)
    await outbox.publisher.publish_once(Message("a", b"large answer", correlation=b"7"))
    assert (outbox.sent, outbox.sender.correlations, outbox.said) == ([b"lar"], [b"7"], [])


async def test_an_answer_beside_the_outbox_that_cannot_be_smaller_is_given_up_and_told(outbox: Outbox) -> None:
    outbox.sender.always[b"abc"] = TooLargeError(12, 2)
    await outbox.publisher.publish_once(Message("a", b"abc"))
    assert (outbox.sent, outbox.sender.tried) == ([], [b"abc"])
    assert outbox.said == ["a message on a was not published: the packet has 12 bytes, and the broker takes 2"]


@pytest.mark.parametrize("error", [TooLargeError(20_160, 10_000), PublishRefusedError("packet too large", 0x95)])
async def test_an_sms_in_an_answer_beside_the_outbox_comes_cut(outbox: Outbox, error: LinkError) -> None:
    large = sms_event("x" * 20_000)
    outbox.sender.always[large] = error
    await outbox.publisher.publish_once(Message("a", large))
    event = json.loads(outbox.sent[0])
    assert (event["text"], event["truncated"], event["code"]) == ("x" * 2_048, True, "48213")


async def test_an_answer_beside_the_outbox_that_was_hung_up_on_comes_cut_over_the_next_connection(
    outbox: Outbox,
) -> None:
    large = sms_event("x" * 20_000)
    outbox.sender.always[large] = HANGS_UP
    outbox.sender.before = lambda _: outbox.sender.connected.clear()
    answering = asyncio.create_task(outbox.publisher.publish_once(Message("a", large)))
    for _ in range(5):
        await asyncio.sleep(0)
    assert outbox.sender.tried == [large]
    outbox.sender.connected.set()
    await asyncio.wait_for(answering, PATIENCE)
    assert json.loads(outbox.sent[0])["text"] == "x" * 2_048
    assert outbox.said == []


async def test_an_answer_beside_the_outbox_that_was_hung_up_on_waits_a_minute_at_most(outbox: Outbox) -> None:
    large = sms_event("x" * 20_000)
    outbox.sender.always[large] = HANGS_UP
    outbox.sender.before = lambda _: outbox.sender.connected.clear()
    answering = asyncio.create_task(outbox.publisher.publish_once(Message("a", large)))
    for _ in range(5):
        await asyncio.sleep(0)
    let_pass(LONGEST_BREAK)
    await asyncio.wait_for(answering, PATIENCE)
    assert outbox.sender.tried == [large]
    assert outbox.said == ["a message on a was not published: it hangs up"]


@pytest.mark.parametrize("error", [HANGS_UP, PublishRefusedError("packet too large", 0x95)])
async def test_what_was_too_much_of_an_answer_is_known_for_an_hour(outbox: Outbox, error: LinkError) -> None:
    first, second = sms_event("x" * 20_000), sms_event("y" * 20_000)
    outbox.sender.always[first] = error
    for large in (first, second):
        await outbox.publisher.publish_once(Message("a", large))
    assert second not in outbox.sender.tried
    assert [json.loads(payload)["text"][0] for payload in outbox.sent] == ["x", "y"]
    let_pass(WHOLE_AGAIN)
    await outbox.publisher.publish_once(Message("a", second))
    assert outbox.sent[-1] == second


async def test_answers_beside_the_outbox_go_out_in_the_order_of_asking(outbox: Outbox) -> None:
    wanted = [str(n).encode() for n in range(3 * AT_ONCE)]
    await asyncio.gather(*(outbox.publisher.publish_once(Message("a", each)) for each in wanted))
    assert outbox.sent == wanted


# --- retained topics ------------------------------------------------------------------------------------------------


class FakeMemory:
    """The names of our retained topics."""

    def __init__(self, *topics: str) -> None:
        self.topics = set(topics)
        self.on_forgotten: Callable[[], None] = lambda: None

    async def retained(self) -> set[str]:
        return set(self.topics)

    async def remember_retained(self, topics: list[str]) -> None:
        self.topics.update(topics)

    async def forget_retained(self, topics: list[str]) -> None:
        self.topics.difference_update(topics)
        self.on_forgotten()


class Retained:
    """A publisher under test, with a memory that an earlier process left."""

    def __init__(self, *topics: str) -> None:
        self.sender, self.memory = FakeSender(), FakeMemory(*topics)
        self.slept: list[float] = []
        self.said: list[str] = []
        self.publisher = RetainedPublisher("shomare", self.memory, self.sender, self._say, self._sleep, LOG)
        self.task: asyncio.Task[None] | None = None

    def _say(self, event: BridgeEvent, text: str) -> None:
        assert event is BridgeEvent.MESSAGE_DROPPED
        self.said.append(text)

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def settled(self) -> list[tuple[str, bytes]]:
        """What was sent since the last time, once nothing waits."""
        if self.task is None:
            await self.publisher.load()
            self.task = asyncio.create_task(self.publisher.run())
        async with asyncio.timeout(PATIENCE):
            await self.publisher.drained()
        sent, self.sender.sent = self.sender.sent, []
        return sent


async def test_a_topic_says_the_newest_once_and_all_of_it_after_a_reconnect() -> None:
    retained = Retained()
    for payload in (b"1", b"2", b"2"):
        retained.publisher.put("a", payload)
    assert await retained.settled() == [("shomare/a", b"2")]
    retained.publisher.put("a", b"2")
    retained.publisher.connected()
    assert await retained.settled() == [("shomare/a", b"2")]


async def test_what_topics_are_to_say_is_told_here_also_where_no_broker_takes_it() -> None:
    retained, parts = Retained(), [b"1"]
    heard: list[str] = []
    retained.publisher.on_wanted = heard.append
    for payload in (b"1", b"2", b"2"):
        retained.publisher.put("a", payload)
    retained.publisher.put_made("orders", lambda: b",".join(parts))
    retained.publisher.put_again("shomare/never")
    assert heard == ["shomare/a", "shomare/a", "shomare/orders"]
    parts.append(b"2")
    assert retained.publisher.wanted() == ["shomare/a", "shomare/orders"]
    told = [retained.publisher.payload(f"shomare/{topic}") for topic in ("a", "orders", "never", "nothing")]
    assert told == [b"2", b"1,2", b"", b""]
    retained.publisher.put("a", b"")
    assert (heard[3:], retained.publisher.wanted()) == (["shomare/a"], ["shomare/orders"])


async def test_what_is_made_as_it_is_published_says_the_newest_also_after_a_reconnect() -> None:
    retained, parts = Retained(), [b"1"]
    retained.publisher.put_made("orders", lambda: b",".join(parts))
    parts.append(b"2")
    assert await retained.settled() == [("shomare/orders", b"1,2")]
    parts.append(b"3")
    retained.publisher.connected()
    assert await retained.settled() == [("shomare/orders", b"1,2,3")]
    assert retained.memory.topics == {"shomare/orders"}


async def test_what_is_long_rests_after_it_was_published_and_then_says_the_newest() -> None:
    """What is short is published for each change, and all else does not wait for it."""
    stand_still()
    retained, parts = Retained(), [bytes(SHORT)]
    retained.publisher.put_made("orders", lambda: parts[-1])
    for change in (bytes(SHORT), b"." * (SHORT + 1)):
        assert await retained.settled() == [("shomare/orders", parts[-1])]
        parts.append(change)
        retained.publisher.put_made("orders", lambda: parts[-1])
    assert await retained.settled() == [("shomare/orders", parts[-1])]
    for change in (b"," * (SHORT + 1), b";" * (SHORT + 1)):
        parts.append(change)
        retained.publisher.put_made("orders", lambda: parts[-1])
    sent = asyncio.Event()
    retained.sender.before = lambda payload: sent.set() if payload == b"{}" else None
    retained.publisher.put("current", b"{}")
    await sent.wait()
    for _ in range(10):  # turns in which all that need not wait is done
        await asyncio.sleep(0)
    assert not retained.publisher._empty.is_set(), "an end would not wait for the newest"
    let_pass(LONGEST_REST)
    assert await retained.settled() == [("shomare/current", b"{}"), ("shomare/orders", parts[-1])]
    let_pass(LONGEST_REST)
    assert await retained.settled() == []


async def test_what_is_long_is_published_at_once_after_a_reconnect() -> None:
    stand_still()
    retained = Retained()
    retained.publisher.put_made("orders", lambda: b"." * (SHORT + 1))
    await retained.settled()
    retained.publisher.connected()
    assert [topic for topic, _ in await retained.settled()] == ["shomare/orders"]


async def test_what_is_long_and_changed_is_published_once_where_a_reconnect_comes_before_its_time() -> None:
    stand_still()
    retained, parts = Retained(), [b"." * (SHORT + 1)]
    retained.publisher.put_made("orders", lambda: parts[-1])
    await retained.settled()
    parts.append(b"," * (SHORT + 1))
    retained.publisher.put_made("orders", lambda: parts[-1])
    retained.publisher.connected()
    assert await retained.settled() == [("shomare/orders", parts[-1])]
    let_pass(LONGEST_REST)
    assert await retained.settled() == []


@pytest.mark.parametrize("breaks", [True, False])
async def test_what_is_long_and_changes_while_it_is_on_its_way_says_the_newest(breaks: bool) -> None:
    """Also where a connection that came before its time breaks in that moment."""
    stand_still()
    retained, parts = Retained(), [b"." * (SHORT + 1)]
    retained.publisher.put_made("orders", lambda: parts[-1])
    await retained.settled()
    parts.append(b"," * (SHORT + 1))
    retained.sender.faults[parts[-1]] = deque([DisconnectedError("gone")] if breaks else [])

    changed = asyncio.Event()

    def change(payload: bytes) -> None:
        if payload == parts[1] and not changed.is_set():
            parts.append(b";" * (SHORT + 1))
            retained.publisher.put_made("orders", lambda: parts[-1])
            changed.set()

    retained.sender.before = change
    retained.publisher.connected()
    await changed.wait()
    let_pass(LONGEST_REST)
    assert (await retained.settled())[-1] == ("shomare/orders", parts[-1])
    let_pass(LONGEST_REST)
    assert await retained.settled() == []


async def test_what_is_long_and_not_taken_is_left_out_until_it_says_something_else() -> None:
    stand_still()
    retained, parts = Retained(), [b"." * (SHORT + 1)]
    retained.sender.always[parts[0]] = PublishRefusedError("not now", 0x80)
    retained.publisher.put_made("orders", lambda: parts[-1])
    assert await retained.settled() == []
    retained.publisher.put_made("orders", lambda: parts[-1])
    let_pass(LONGEST_REST)
    assert await retained.settled() == []
    assert len(retained.sender.tried) == 1
    parts.append(b"[]")
    retained.publisher.put_made("orders", lambda: parts[-1])
    assert await retained.settled() == [("shomare/orders", b"[]")]


async def test_what_was_refused_while_it_changed_is_published_where_it_says_that_again() -> None:
    """What the broker took since is not what it is to hold then."""
    retained = Retained()
    retained.sender.faults[b"[]"] = deque([PublishRefusedError("not now", 0x80)])
    retained.sender.before = lambda payload: retained.publisher.put("orders", b"[{}]") if payload == b"[]" else None
    retained.publisher.put("orders", b"[]")
    assert await retained.settled() == [("shomare/orders", b"[{}]")]
    retained.sender.before = lambda _: None
    retained.publisher.connected()
    assert await retained.settled() == [("shomare/orders", b"[{}]")]
    retained.publisher.put("orders", b"[]")
    assert await retained.settled() == [("shomare/orders", b"[]")]


async def test_what_was_written_down_with_what_it_tells_of_is_not_written_down_again() -> None:
    """It is forgotten like all others once it was emptied."""
    retained = Retained()
    retained.publisher.put("a", b"1")
    await retained.settled()
    order, forgotten = retained.publisher.whole("orders/o"), asyncio.Event()
    retained.memory.on_forgotten = forgotten.set
    retained.publisher.remembered([order])
    retained.publisher.put("orders/o", b"{}")
    assert await retained.settled() == [(order, b"{}")]
    assert retained.memory.topics == {"shomare/a"}
    retained.publisher.put("orders/o", b"")
    assert await retained.settled() == [(order, b"")]
    assert forgotten.is_set()


async def test_an_order_that_is_too_large_comes_with_the_newest_of_its_sms() -> None:
    retained = Retained()
    order = render.dumps({"order": "o", "sms_count": 600, "sms": [{"sms": f"o-{n}"} for n in range(600)]})
    retained.sender.always[order] = TooLargeError(len(order) + 50, 5000)
    retained.publisher.put("orders/o", order)
    ((topic, sent),) = await retained.settled()
    shown = json.loads(sent)
    assert (topic, shown["sms_count"], shown["truncated"]) == ("shomare/orders/o", 600, True)
    assert [s["sms"] for s in shown["sms"]] == [f"o-{n}" for n in range(500, 600)]
    retained.publisher.put("countries", b"[]")
    retained.sender.always[b"[]"] = TooLargeError(52, 50)
    assert await retained.settled() == []
    assert len(retained.said) == 1


async def test_what_the_broker_hung_up_for_is_cut_for_an_hour_and_then_comes_whole() -> None:
    """Another client that took the connection each time looks like a broker that minds the size."""
    retained = Retained()
    text = "a" * 20_000
    first, second, third = (
        render.dumps({"order": name, "sms": [{"sms": name, "code": None, "sender": None, "text": text}]})
        for name in ("one", "two", "three")
    )
    retained.sender.faults[first] = deque([HANGS_UP])
    retained.publisher.put("orders/one", first)
    assert len((await retained.settled())[0][1]) < 8192
    retained.publisher.put("orders/two", second)
    assert len((await retained.settled())[0][1]) < 8192
    assert second not in retained.sender.tried
    let_pass(retained_module.TRIED_AGAIN)
    retained.publisher.put("orders/three", third)
    assert await retained.settled() == [("shomare/orders/three", third)]
    retained.publisher.connected()
    assert [len(payload) > 20_000 for _, payload in await retained.settled()] == [True, True, True]


async def test_an_order_comes_whole_from_a_broker_that_takes_more_than_it_did() -> None:
    retained = Retained()
    order = render.dumps({"order": "o", "sms": [{"sms": "s", "code": None, "sender": None, "text": "a" * 20_000}]})
    retained.sender.faults[order] = deque([TooLargeError(len(order) + 50, 5000)])
    retained.publisher.put("orders/o", order)
    assert len((await retained.settled())[0][1]) < 5000
    retained.publisher.connected()
    assert await retained.settled() == [("shomare/orders/o", order)]


async def test_an_emptied_topic_is_forgotten_by_all() -> None:
    retained = Retained()
    retained.publisher.put("orders/1", b"{}")
    await retained.settled()
    assert retained.memory.topics == {"shomare/orders/1"}
    retained.publisher.put("orders/1", b"")
    assert await retained.settled() == [("shomare/orders/1", b"")]
    assert retained.memory.topics == set()
    assert retained.publisher._wanted == {}, "years of orders must not add up"


async def test_a_topic_that_is_filled_again_while_it_is_emptied_stays() -> None:
    retained = Retained()
    retained.publisher.put("a", b"1")
    await retained.settled()
    retained.publisher.put("a", b"")
    retained.sender.before = lambda payload: None if payload else retained.publisher.put("a", b"2")
    assert await retained.settled() == [("shomare/a", b""), ("shomare/a", b"2")]
    assert retained.memory.topics == {"shomare/a"}


async def test_a_topic_that_is_filled_again_while_it_is_forgotten_stays() -> None:
    retained = Retained()
    retained.publisher.put("a", b"1")
    await retained.settled()
    retained.publisher.put("a", b"")
    retained.memory.on_forgotten = lambda: retained.publisher.put("a", b"2")
    assert await retained.settled() == [("shomare/a", b""), ("shomare/a", b"2")]
    assert retained.memory.topics == {"shomare/a"}


async def test_what_an_earlier_process_left_is_emptied_where_it_no_longer_applies() -> None:
    retained = Retained("shomare/old", "shomare/kept", "shomare/put")
    await retained.publisher.load()
    retained.publisher.put("put", b"1")
    retained.publisher.forget_leftovers(lambda topic: topic != "shomare/kept")
    assert await retained.settled() == [("shomare/put", b"1"), ("shomare/old", b"")]
    assert retained.memory.topics == {"shomare/kept", "shomare/put"}


async def test_topics_beyond_a_brokers_quota_are_sent_again_after_a_while() -> None:
    """All are published at each connecting: what a broker then refuses must not be missing until the next change."""
    retained = Retained()
    for number in range(3):
        retained.publisher.put(str(number), b"%d" % number)
    retained.sender.faults |= {payload: deque([OVER_QUOTA]) for payload in (b"1", b"2")}
    assert sorted(await retained.settled()) == [("shomare/0", b"0"), ("shomare/1", b"1"), ("shomare/2", b"2")]
    assert retained.slept == [WAIT_AFTER_REFUSAL]


async def test_a_topic_that_changes_while_the_broker_is_given_time_says_the_newest() -> None:
    retained = Retained()
    retained.publisher.put("a", b"1")
    retained.sender.faults[b"1"] = deque([OVER_QUOTA])
    retained.sender.before = lambda payload: retained.publisher.put("a", b"2") if payload == b"1" else None
    assert await retained.settled() == [("shomare/a", b"2")]


async def test_what_the_link_dropped_is_sent_again_and_what_is_refused_is_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    retained = Retained()
    retained.sender.faults[b"1"] = deque([DisconnectedError("gone"), NotConnectedError("no link")])
    retained.sender.always[b"x"] = PublishRefusedError("not authorised", 0x87)
    retained.publisher.put("a", b"1")
    retained.publisher.put("b", b"x")
    assert await retained.settled() == [("shomare/a", b"1")]
    retained.publisher.put("b", b"y")
    retained.publisher.put("b", b"x")
    await retained.settled()
    assert len([r for r in caplog.records if "cannot be published" in r.message]) == 1
    assert len(retained.said) == 1


async def test_what_the_broker_hangs_up_for_is_left_out_until_its_payload_changes() -> None:
    retained = Retained()
    retained.sender.always[b"x"] = HANGS_UP
    retained.publisher.put("a", b"x")
    retained.publisher.put("b", b"1")
    assert await retained.settled() == [("shomare/b", b"1")]
    retained.publisher.connected()  # nor after any other loss of the link
    retained.publisher.put_again("shomare/a")
    assert await retained.settled() == [("shomare/b", b"1")]
    assert retained.sender.tried.count(b"x") == 1
    assert [text.split(":")[0] for text in retained.said] == ["the topic shomare/a cannot be published"]
    retained.publisher.put("a", b"y")
    assert await retained.settled() == [("shomare/a", b"y")]


async def test_what_the_broker_hung_up_for_is_tried_once_more_after_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have been another client that took the connection each time; `bridge/state` never says anything new."""
    monkeypatch.setattr(retained_module, "TRIED_AGAIN", 0.01)
    retained = Retained()
    retained.sender.faults[b"online"] = deque([HANGS_UP])
    retained.publisher.put("bridge/state", b"online")
    sent = await retained.settled()
    async with asyncio.timeout(PATIENCE):
        while not sent:
            await asyncio.sleep(0.01)
            sent = await retained.settled()
    assert (sent, retained.sender.tried) == ([("shomare/bridge/state", b"online")], [b"online", b"online"])


async def test_what_was_left_out_while_the_broker_took_nothing_comes_with_the_first_that_it_takes() -> None:
    """Else `bridge/state` would be missing until the next start, though the broker is well again."""
    retained = Retained()
    nothing_taken = HangsUpError("it hangs up", others_carried=False)
    retained.sender.faults |= {payload: deque([nothing_taken]) for payload in (b"1", b"2")}
    retained.publisher.put("a", b"1")
    retained.publisher.put("b", b"2")
    assert await retained.settled() == []
    retained.publisher.put("c", b"3")
    assert sorted(await retained.settled()) == [("shomare/a", b"1"), ("shomare/b", b"2"), ("shomare/c", b"3")]


async def test_what_was_not_tried_since_its_topic_was_closed_is_tried_when_that_is_over() -> None:
    retained = Retained()
    closed = HangsUpError("it hung up", others_carried=True, closed=0.01)
    retained.sender.faults[b"1"] = deque([closed])
    retained.publisher.put("a", b"1")
    sent = await retained.settled()
    async with asyncio.timeout(PATIENCE):
        while not sent:
            await asyncio.sleep(0.01)
            sent = await retained.settled()
    assert (sent, retained.sender.tried) == ([("shomare/a", b"1")], [b"1", b"1"])


async def test_what_the_broker_refused_without_a_reason_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """`bridge/state` says the same as long as the process lives, and a connection may stand for weeks."""
    monkeypatch.setattr(retained_module, "AGAIN_AFTER", 0.01)
    retained = Retained("shomare/old")
    retained.sender.faults |= {payload: deque([PublishRefusedError("error", 0x83)]) for payload in (b"online", b"")}
    retained.publisher.put("bridge/state", b"online")
    sent = await retained.settled()
    retained.publisher.put("old", b"")
    async with asyncio.timeout(PATIENCE):
        while len(sent) < 2:
            await asyncio.sleep(0.01)
            sent += await retained.settled()
    assert sorted(sent) == [("shomare/bridge/state", b"online"), ("shomare/old", b"")]
    assert "shomare/old" not in retained.memory.topics
    assert len(retained.said) == 2


async def test_what_was_emptied_is_published_as_empty_again() -> None:
    """Brokers keep no empty message: only another one tells Home Assistant, once it is back, that nothing is set."""
    retained = Retained()
    for payload in (b"100", b""):
        retained.publisher.put("limit", payload)
        await retained.settled()
    retained.publisher.put_again("shomare/limit")
    assert await retained.settled() == [("shomare/limit", b"")]
