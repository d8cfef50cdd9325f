"""Retained topics: the newest payload of each, published again after each reconnect, emptied when it is no more."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from shomare_mqtt.core.bridge_events import BridgeEvent
from shomare_mqtt.core.fitting import fitted
from shomare_mqtt.core.pace import Pace
from shomare_mqtt.model import Message
from shomare_mqtt.mqtt.failures import HangsUpError, LinkError, PublishRefusedError, TooLargeError
from shomare_mqtt.mqtt.publisher import AGAIN_AFTER, WAIT_AFTER_REFUSAL, is_over_quota
from shomare_mqtt.mqtt.shortening import WHOLE_AGAIN, Learnt, room_for

if TYPE_CHECKING:
    import logging
    from collections.abc import Awaitable, Callable

    from shomare_mqtt.mqtt.publisher import Sender

AT_ONCE = 20
SHORT = 16384
"""Bytes up to which what is made anew for each change is published for each."""
A_SECOND, LONGEST_REST = 4_000_000, 1.0
"""Bytes of one longer one that go out in a second, and seconds after which it is published again whatever its length:
with hundreds of open orders their list would take more than all else that a purchase does."""
TRIED_AGAIN = WHOLE_AGAIN
"""Seconds after which a topic under which the broker hung up is tried once more, though it says the same: a client that
took the connection each time looks like that too, and `bridge/state` says one thing as long as the process lives."""


class RetainedStore(Protocol):
    """The names of our retained topics in the journal, so that none is left behind on the broker."""

    async def retained(self) -> set[str]:
        """Whole topics that hold a message of ours."""
        ...

    async def remember_retained(self, topics: list[str]) -> None:
        """Before they are published for the first time."""
        ...

    async def forget_retained(self, topics: list[str]) -> None:
        """After they were emptied."""
        ...


class RetainedPublisher:
    """Holds what each retained topic is to say; fulfils core.ports.Retained.

    A topic that the broker refuses is left out until it is to say something else, or a while where the broker does not
    say what is wrong with it; `say` tells the operator of it, once.
    """

    def __init__(
        self,
        base_topic: str,
        store: RetainedStore,
        sender: Sender,
        say: Callable[[BridgeEvent, str], None],
        sleep: Callable[[float], Awaitable[None]],
        logger: logging.Logger,
    ) -> None:
        self._base = base_topic
        self._store = store
        self._sender = sender
        self._logger = logger
        self._wanted: dict[str, bytes | Callable[[], bytes]] = {}
        self._dirty: dict[str, None] = {}
        self._remembered: set[str] = set()
        self._news = asyncio.Event()
        self._empty = asyncio.Event()
        self._say = say
        self._sleep = sleep
        self._over_quota = False
        self._learnt = Learnt()
        self.pace = Pace(asyncio.get_running_loop().time)
        self._said: set[str] = set()
        self.on_wanted: Callable[[str], object] = lambda _: None
        """Told of each whole topic that is to say something else from now on, whether or not the broker is there."""
        self._left_out: dict[str, bytes] = {}
        self._doubtful: set[str] = set()
        self._later: dict[str, asyncio.TimerHandle] = {}
        self._resting: dict[str, bool] = {}
        """Long topics that were published a moment ago, and whether they are to say something else by now."""

    def whole(self, topic: str) -> str:
        """The whole topic of one under the base topic."""
        return f"{self._base}/{topic}"

    def remembered(self, topics: list[str]) -> None:
        """Whole topics that somebody else wrote down, beside what they tell of."""
        self._remembered.update(topics)

    def put(self, topic: str, payload: bytes) -> None:
        """Want a topic under the base topic to hold a payload; an empty one empties it."""
        self.put_absolute(self.whole(topic), payload)

    def put_absolute(self, topic: str, payload: bytes) -> None:
        """Want a whole topic to hold a payload."""
        is_news = self._wanted.get(topic) != payload
        if not is_news and topic not in self._dirty:
            return
        self._wanted[topic] = payload
        self._want(topic)
        if is_news:
            self.on_wanted(topic)

    def put_made(self, topic: str, make: Callable[[], bytes]) -> None:
        """Want a topic under the base topic to hold what `make` gives as it is published, never empty.

        After one that is long it rests, and what changes meanwhile is published together.
        """
        whole = self.whole(topic)
        self._wanted[whole] = make
        if whole in self._resting:
            self._resting[whole] = True
            self._empty.clear()
        else:
            self._want(whole)
        self.on_wanted(whole)

    def wanted(self) -> list[str]:
        """Whole topics that are to hold something."""
        return [topic for topic, payload in self._wanted.items() if payload]

    def payload(self, topic: str) -> bytes:
        """What a whole topic is to hold now, whole; empty where it is to hold nothing."""
        return self._payload(topic) if topic in self._wanted else b""

    def _rest(self, topic: str, size: int) -> None:
        if topic in self._resting:
            self._resting[topic] = False  # a reconnect: the newest goes out before its time
        elif size > SHORT and not isinstance(self._wanted[topic], bytes):
            self._resting[topic] = False
            asyncio.get_running_loop().call_later(min(size / A_SECOND, LONGEST_REST), self._rested, topic)

    def _rested(self, topic: str) -> None:
        if self._resting.pop(topic):
            self._want(topic)
            self._news.set()  # also where it says what the broker did not take: then nothing waits any more

    def _payload(self, topic: str) -> bytes:
        wanted = self._wanted[topic]
        return wanted if isinstance(wanted, bytes) else wanted()

    def put_again(self, topic: str) -> None:
        """Publish a whole topic once more, though it says the same; one that was emptied, or never put, as empty."""
        self._wanted.setdefault(topic, b"")
        self._want(topic)

    def _want(self, topic: str) -> None:
        if topic in self._left_out and self._left_out[topic] == self._payload(topic):
            return
        self._left_out.pop(topic, None)
        self._dirty[topic] = None
        self._empty.clear()
        self._news.set()

    def connected(self) -> None:
        """After each connecting: the broker may have lost everything."""
        # What was emptied stays empty on a broker that lost everything, and an empty message is news to others.
        lost = (t for t, payload in self._wanted.items() if payload and t not in self._left_out)
        self._dirty = {**dict.fromkeys(lost), **self._dirty}
        self._empty.clear()
        self._news.set()

    async def load(self) -> None:
        """Take up which topics an earlier process left on the broker; to be called once, before anything is put."""
        self._remembered = await self._store.retained()

    def forget_leftovers(self, is_left: Callable[[str], bool]) -> None:
        """Empty what an earlier process left, and nobody has put since, where `is_left` says so of the whole topic."""
        for topic in self._remembered - set(self._wanted):
            if is_left(topic):
                self.put_absolute(topic, b"")

    async def drained(self) -> None:
        """Returns once nothing waits any more."""
        await self._empty.wait()

    async def run(self) -> None:
        """Publish for ever."""
        while True:
            self.pace.waits()
            await self._news.wait()
            self._news.clear()
            await self._sender.wait_connected()
            while self._dirty:
                self.pace.gets_on()
                if not await self._publish(list(self._dirty)[:AT_ONCE]):
                    self._news.set()
                    break
            else:
                if not any(self._resting.values()):
                    self._empty.set()

    async def _publish(self, topics: list[str]) -> bool:
        """Publish some topics; whether the connection held, and the broker took what it does not refuse for good."""
        payloads = {topic: self._payload(topic) for topic in topics}
        for topic, payload in payloads.items():
            del self._dirty[topic]
            self._rest(topic, len(payload))
        new = [t for t, payload in payloads.items() if payload and t not in self._remembered]
        if new:
            await self._store.remember_retained(new)
            self._remembered.update(new)
        sending = (self._send(topic, payload) for topic, payload in payloads.items())
        held = all(await asyncio.gather(*sending))
        if self._over_quota:
            self._over_quota = False
            await self._sleep(WAIT_AFTER_REFUSAL)
        done = [t for t, p in payloads.items() if not p and t not in self._dirty and t not in self._left_out]
        emptied = [t for t in done if t in self._remembered]
        if emptied:
            await self._store.forget_retained(emptied)
            self._remembered.difference_update(emptied)
            for topic in emptied:
                if topic not in self._dirty:  # each order has its topic: over the years they would add up
                    del self._wanted[topic]
                    self._said.discard(topic)
        return held

    async def _send(self, topic: str, payload: bytes) -> bool:
        """Publish one topic; whether the rest can go on at once."""
        try:
            await self._publish_fitting(topic, payload)
        except HangsUpError as error:
            self._leave_out(topic, payload, error)
            self._tell(topic, f"{error}; it is left out until it is to say something else, and tried once an hour")
        except (TooLargeError, PublishRefusedError) as error:
            if is_over_quota(error):
                self._over_quota = True
                self._dirty.setdefault(topic, None)
                return False
            if isinstance(error, PublishRefusedError) and error.may_pass:
                self._try_later(topic, payload, AGAIN_AFTER)
            self._tell(topic, str(error))
        except LinkError:
            self._dirty.setdefault(topic, None)
            return False
        else:
            self._said.discard(topic)
            self._left_out.pop(topic, None)  # it was refused with what it said before
            self._believe_again()
        finally:
            self.pace.gets_on()
        return True

    async def _publish_fitting(self, topic: str, payload: bytes) -> None:
        """Publish, with the SMS in it cut where it is larger than the broker takes. Raises LinkError."""
        payload = self._learnt.cut(payload)
        try:
            await self._sender.publish(Message(topic, payload, retain=True, absolute=True))
        except LinkError as error:
            room = room_for(payload, error)
            smaller = None if room is None else fitted(payload, room)
            if room is None or smaller is None:
                raise
            self._learnt.too_much(room, error)
            await self._publish_fitting(topic, smaller)

    def _leave_out(self, topic: str, payload: bytes, error: HangsUpError) -> None:
        self._try_later(topic, payload, error.closed or TRIED_AGAIN)
        if not error.closed and not error.others_carried:
            self._doubtful.add(topic)

    def _try_later(self, topic: str, payload: bytes, seconds: float) -> None:
        self._left_out[topic] = payload
        if topic not in self._later:
            self._later[topic] = asyncio.get_running_loop().call_later(seconds, self._try_again, topic)

    def _try_again(self, topic: str) -> None:
        if (timer := self._later.pop(topic, None)) is not None:
            timer.cancel()
        if self._left_out.pop(topic, None) is not None:
            self._want(topic)

    def _believe_again(self) -> None:
        """What was left out while the broker took nothing at all is tried again: it may have been its own trouble."""
        doubtful, self._doubtful = self._doubtful, set()
        for topic in doubtful:
            self._try_again(topic)

    def _tell(self, topic: str, why: str) -> None:
        if topic not in self._said:
            self._said.add(topic)
            text = f"the topic {topic} cannot be published: {why}"
            self._logger.error("%s", text)
            self._say(BridgeEvent.MESSAGE_DROPPED, text)
