"""Whether this daemon is alone on its base topic; until that is settled, nothing that comes is bought (contract).

How it is found out. The broker brings everybody the messages of a topic in one order, and a daemon listens before it
speaks. It sets `bridge/state` to `online`, announces itself, and waits until its own announcement comes back to it.
Whatever another daemon announced before that has come by then, and one that had announced itself before this one
listened has left `online` on `bridge/state`. So of two, however close together they start, the second to speak knows
of the first before it buys what came, and the first need not wait. Where somebody may be there, it has three seconds
to answer; another announcement that comes back shows that all it said has been heard, also by a process that was
paused meanwhile.

What both may have got meanwhile, neither buys: what comes is taken down, and waits for a core.clearance.Clearance that
is given once the announcement is back, and refused where another daemon was heard before it. From then on it is refused
at once, until one of the two has left. A daemon that was away, or paused, finds the other's announcement, or the
question that every daemon asks before it connects, before the commands that the other may have carried out.

Of two, the one with the lower name decides, once the other has shown that it lives, so that there is one decision: who
has been running for longer stays. One that answers and knows no announcements never leaves, so this one does.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from shomare_mqtt import topics
from shomare_mqtt.core.bridge_events import BridgeEvent
from shomare_mqtt.core.clearance import Clearance, given, refused
from shomare_mqtt.mqtt.announcements import ANSWER_TOPIC, TOPIC, Says, announcement_in, look_in
from shomare_mqtt.mqtt.failures import DisconnectedError, LinkError, NotConnectedError
from shomare_mqtt.mqtt.other_daemons import ANSWER_WITHIN
from shomare_mqtt.mqtt.voice import Voice

if TYPE_CHECKING:
    import logging

    from shomare_mqtt.model import Ack, Incoming, Message
    from shomare_mqtt.mqtt.announcements import Announcement
    from shomare_mqtt.mqtt.publisher import Sender

LISTENED_TO = (topics.BRIDGE_STATE, ANSWER_TOPIC)
"""What has to be subscribed to besides the commands."""

LOOK_AGAIN = 10.0
"""Seconds after the start after which it is looked once more: one that knows no announcements may have come up by then
(contract)."""

ONLINE_WITHIN = 3.0
"""Seconds that `online` has to get to the broker; after that it is looked without it, where it may not be published."""

_ONLINE = b"online"
_MOST_SENT_AWAY = 32
"""Daemons of which it is remembered that they were told to leave."""


class AloneListener(Protocol):
    """Whom it tells; all on the loop."""

    def hand_over(self, incoming: Incoming, ack: Ack) -> None:
        """A message from the broker; `Alone.clearance` is what holds for it."""

    def lost(self, text: str) -> None:
        """Another daemon goes on in our place; once. Nothing is handed over from now on."""

    def won(self) -> None:
        """Another daemon was here and is gone: what it left retained is not what we say."""

    def state_was_set(self) -> None:
        """Somebody else set `bridge/state` to something that is not `online`."""

    def trouble(self, event: BridgeEvent, text: str) -> None:
        """What an operator should see; it stands in the log already."""


class Alone:
    """Stands between the session and who takes its messages. `clearance`: what holds for those that come now.

    `journal` is the journal's name, lower-case letters and digits. `sender` publishes.
    """

    def __init__(
        self, base_topic: str, journal: str, sender: Sender, listener: AloneListener, logger: logging.Logger
    ) -> None:
        self._base = base_topic
        self._sender = sender
        self._voice = Voice(journal, sender)
        self._listener = listener
        self._log = logger
        self._loop = asyncio.get_running_loop()
        self._due = asyncio.Event()
        self._news = asyncio.Event()
        self._sent_away: deque[str] = deque(maxlen=_MOST_SENT_AWAY)
        self._rivals: dict[str, float] = {}
        self._mute = False
        self._suspected = False
        self._fresh = True
        self._online_sent = self._online_heard = 0
        self._timer: asyncio.TimerHandle | None = None
        self._connection = 0
        self._leaving = False
        self._undecided: Clearance | None = None
        self._other_was_there = False
        """When the connection ended, and nobody knows of anything else since."""
        self.clearance = given()

    @property
    def clearance_here(self) -> Clearance:
        """What holds for commands that come now to this daemon alone, by no broker.

        No other daemon can carry them out, but two that buy on one base topic watch over no limit together: while
        another is known, this one buys nothing, also while the broker is away.
        """
        if not self.clearance.decided.is_set():
            return self.clearance
        if self.clearance.contested is None and not self._other_was_there:
            return self.clearance
        return self._refused_here()

    @property
    def standing(self) -> Clearance:
        """What holds for what is under way: another daemon that was there is, until it is known that it is not."""
        return self._refused_here() if self._other_was_there else self.clearance

    def _refused_here(self) -> Clearance:
        return refused(
            f"another daemon is on the base topic {self._base}: this one buys nothing until one of the two has ended "
            "and the broker is there; nothing was bought"
        )

    # --- the session's listener -------------------------------------------------------------------------------------

    def connected(self) -> None:
        """After each subscribing, before what came is handed on."""
        self._rivals.clear()
        self._fresh = True
        self.clearance, self._undecided = self._undecided or self.clearance, None
        self._reopen()
        self._online_sent = self._online_heard = 0
        self._due.clear()
        self._wake_in(ONLINE_WITHIN)

    def disconnected(self) -> None:
        """The connection ended: nobody can be asked. What is undecided is decided after the next connecting.

        What comes meanwhile comes from no broker, and no other daemon gets it.
        """
        self._connection += 1
        self._stop_timer()
        self._news.set()
        self._voice.disconnected()
        if self._leaving:
            return
        if not self.clearance.decided.is_set():
            self._undecided = self.clearance
        if self.clearance.contested is not None:
            self._other_was_there = True
        self.clearance = given()

    def message(self, incoming: Incoming, ack: Ack) -> None:
        """A message came: what daemons tell each other is for us, the rest for whoever is told of messages."""
        topic = incoming.topic.removeprefix(f"{self._base}/")
        self._voice.message_came()
        if topic == topics.BRIDGE_STATE:
            ack()
            self._heard_state(incoming.payload)
        elif topic == ANSWER_TOPIC:
            ack()
            self._heard_answer(incoming.payload)
        elif topic == TOPIC and self._is_ours(incoming):
            ack()
        elif not self._leaving:
            self._listener.hand_over(incoming, ack)

    def _is_ours(self, incoming: Incoming) -> bool:
        """Whether a query is a daemon's, which has been heard then; one that somebody made retained says nothing.

        It is refused to nobody either: an answer would look like that of a daemon that knows no announcements.
        """
        said, asked = announcement_in(incoming.payload), look_in(incoming.payload)
        if said is not None and not incoming.retain:
            self._heard(said)
        elif asked is not None and not incoming.retain:
            self._looked_for(asked)
        return said is not None or asked is not None

    def _reopen(self) -> None:
        """What comes from now on waits until it is settled who is there."""
        if self.clearance.decided.is_set() and self.clearance.contested is None and not self._mute:
            self.clearance = Clearance()

    # --- the sender of what is retained -----------------------------------------------------------------------------

    async def wait_connected(self) -> None:
        """As the session's."""
        await self._sender.wait_connected()

    async def publish(self, message: Message) -> None:
        """As the session's. Our own `online` is a reason to look who else is there; never returns once we leave."""
        if self._leaving:
            await asyncio.Event().wait()  # the other's are right now
        is_state = message.topic == f"{self._base}/{topics.BRIDGE_STATE}" and message.payload == _ONLINE
        self._online_sent += is_state
        await self._sender.publish(message)
        if is_state:
            self._due.set()

    # --- life -------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Look who is there whenever there is reason to, for ever; to be begun once `online` can be published."""
        self._due.clear()
        self._wake_in(ONLINE_WITHIN)
        again = self._loop.call_later(LOOK_AGAIN, self._due.set)
        try:
            await asyncio.gather(self._look_for_ever(), self._voice.run())
        finally:
            again.cancel()
            self._stop_timer()

    async def leave(self) -> None:
        """Say that nothing is taken any more, before an orderly end; takes voice.LEAVE_WITHIN at most."""
        self._leaving = True
        await self._voice.leave()

    def _wake_in(self, seconds: float) -> None:
        self._stop_timer()
        self._timer = self._loop.call_later(seconds, self._due.set)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # --- looking ----------------------------------------------------------------------------------------------------

    async def _look_for_ever(self) -> None:
        while True:
            await self._due.wait()
            self._due.clear()
            self._stop_timer()
            with suppress(NotConnectedError, DisconnectedError):  # then it is looked after the next connecting
                await self._look()

    async def _look(self) -> None:
        """Announce ourselves until nobody is there, or one of us has left."""
        connection = self._connection
        while connection == self._connection and not self._leaving:
            if await self._announce() and self._fresh and self._online_heard > self._online_sent:
                self._suspected = True
            self._fresh = False
            if not self._rivals and not self._suspected:
                self._settled()
                return
            await self._listen()

    async def _announce(self) -> bool:
        """Announce ourselves, and wait until that has come back; False where nobody can hear it.

        Raises NotConnectedError, DisconnectedError.
        """
        try:
            await self._voice.announce()
        except (NotConnectedError, DisconnectedError):
            raise
        except (TimeoutError, LinkError) as error:
            if not self._mute:
                self._log.warning(
                    "Nobody can tell whether another daemon is on the base topic %s: the broker does not bring back "
                    "what this one says on %s/%s (%s). Allow its user to read and write there",
                    *(self._base, self._base, TOPIC, str(error) or "nothing came"),
                )
            self._mute = True
            return False
        self._mute = False
        return True

    async def _listen(self) -> None:
        """Until nobody is left of whom we know, or may be there, or for ANSWER_WITHIN."""
        self._news.clear()
        connection = self._connection
        with suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_WITHIN):
                while (self._rivals or self._suspected) and connection == self._connection:
                    await self._news.wait()
                    self._news.clear()
        now = self._clock()
        self._suspected = False
        self._rivals = {name: heard for name, heard in self._rivals.items() if now - heard < ANSWER_WITHIN}

    def _settled(self) -> None:
        """Nobody else is there."""
        self._other_was_there = False
        if self.clearance.contested is None:
            self.clearance.give()
            return
        self.clearance = given()
        text = f"no other daemon is on the base topic {self._base} any more: this one may buy if nothing else forbids"
        self._log.warning("%s", text)
        self._listener.trouble(BridgeEvent.BUYING_RESUMED, text)
        self._listener.won()

    def _clock(self) -> float:
        return self._loop.time()

    # --- hearing ----------------------------------------------------------------------------------------------------

    def _looked_for(self, transaction: str) -> None:
        """One that is not here yet asks. It may be by now, where we were paused."""
        if not self._leaving and self._voice.answer(transaction):
            self._reopen()
            self._due.set()

    def _heard(self, said: Announcement) -> None:
        if said.daemon == self._voice.name:
            self._mute = False
            self._voice.came_back(said.token)
        elif self._leaving:
            return
        elif said.says is Says.LEFT:
            self._heard_leaving(said)
        elif said.says is Says.LEAVE and said.to == self._voice.name:
            self._lose(f"it has been running for {said.running:.0f} seconds, longer than this one")
        else:
            self._heard_rival(said)

    def _heard_leaving(self, said: Announcement) -> None:
        if said.daemon not in self._rivals and said.journal != self._voice.journal:
            self._found(said)  # it was here, and may have what waits
        self._rivals.pop(said.daemon, None)
        self._news.set()
        self._due.set()

    def _heard_rival(self, said: Announcement) -> None:
        lives = self._voice.has_said(said.to)
        if said.journal == self._voice.journal and not lives and said.daemon not in self._rivals:
            # What an earlier process of ours left in the queue, or a daemon with a copy of our journal, which answers.
            self._suspected = True
            self._reopen()
            self._due.set()
        else:
            self._found(said)
        if self._voice.name > said.daemon:
            if not said.to:
                self._voice.reply(Says.HERE, said.token)
        elif not lives:
            self._voice.reply(Says.HERE)
        elif said.daemon in self._sent_away or self._voice.running >= said.running:
            self._sent_away.append(said.daemon)  # decided once: two that start together may seem older in turn
            self._voice.reply(Says.LEAVE, said.daemon)
        else:
            self._lose(f"it has been running for {said.running:.0f} seconds, longer than this one")

    def _found(self, said: Announcement) -> None:
        """Another daemon, or what it said before it went."""
        self._rivals[said.daemon] = self._clock()
        self._fresh = self._suspected = False  # it is known now who that is
        self._due.set()
        self._news.set()
        if self.clearance.contested is not None:
            return
        text = f"another daemon is on the base topic {self._base}"
        if self.clearance.decided.is_set():
            self.clearance = Clearance()
        self.clearance.refuse(
            f"{text} and may carry this out: this one buys nothing until one of the two has ended. Look whether the "
            "other did; if not, ask again with a new transaction"
        )
        self._log.warning("%s: nothing is bought until one of the two has ended", text)
        self._listener.trouble(BridgeEvent.BUYING_PAUSED, f"{text}: nothing is bought until one of the two has ended")

    def _heard_answer(self, payload: bytes) -> None:
        """An answer to our announcement, as to a plain query, comes from a daemon that knows no announcements."""
        said = announcement_in(payload)
        ours = said is not None and said.daemon == self._voice.name and self._voice.has_said(said.token)
        if ours and not self._leaving:
            self._lose("it is of an older version, that leaves to no other")

    def _lose(self, why: str) -> None:
        self._leaving = True
        if self.clearance.decided.is_set():
            self.clearance = Clearance()
        self.clearance.refuse(f"another daemon on the base topic {self._base} goes on in this one's place")
        self._voice.say_left()
        self._listener.lost(f"another daemon answers on the base topic {self._base!r}: {why}")

    def _heard_state(self, payload: bytes) -> None:
        if payload == _ONLINE:
            self._online_heard += 1
            return
        self._online_heard = 0
        if self._online_sent and not self._leaving:
            self._listener.state_was_set()
