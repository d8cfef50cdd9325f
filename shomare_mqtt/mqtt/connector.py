"""One attempt at the broker: which MQTT it speaks, whether another daemon is there, with or without a last will."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shomare_mqtt.errors import InstanceConflictError
from shomare_mqtt.mqtt.client import Client
from shomare_mqtt.mqtt.connection import Link, open_link
from shomare_mqtt.mqtt.failures import ConnectRefusedError, DisconnectedError, HungUpError
from shomare_mqtt.mqtt.held import Held
from shomare_mqtt.mqtt.other_daemons import another_answers
from shomare_mqtt.mqtt.packets import Opening, Publication
from shomare_mqtt.mqtt.transport import address

if TYPE_CHECKING:
    import logging
    from collections.abc import Awaitable, Callable

    from shomare_mqtt.config.held import Mqtt
    from shomare_mqtt.core.ports import OnBroker
    from shomare_mqtt.mqtt.connection import OnMessage
    from shomare_mqtt.mqtt.packets import Version

HANG_UPS = 2
"""So many connections in a row that end without a CONNACK are a reason to try both versions of MQTT again, and to
leave the last will out."""

LOOKS = 3
"""So many times the broker may hang up on the question whether another daemon is there; then nobody can tell."""


class Connector:
    """Makes the daemon's connections. `will` is what says `offline`, `will_refused` that the broker takes none."""

    def __init__(self, settings: Mqtt, logger: logging.Logger, look: Callable[[OnBroker], Awaitable[None]]) -> None:
        self._settings = settings
        self._log = logger
        self._look = look
        self._address = address(settings)
        self._protocol: Version | None = None
        self._alone = False
        self._looks_cut_off = 0
        self._has_old_session = True
        self._hang_ups = 0
        self._will_was_taken = False
        self.will = Publication(f"{settings.base_topic}/bridge/state", b"offline", retain=True)
        self.will_refused = False

    async def connect(self, take: OnMessage) -> Link:
        """A connection that is not yet subscribed. Raises LinkError or InstanceConflictError."""
        protocol = self._protocol if self._alone and self._protocol else await self._look_around()
        try:
            if protocol == "3.1.1" and self._has_old_session:
                await self._leave_no_session()
                self._has_old_session = False
            link = await self._open(protocol, take)
        except (HungUpError, ConnectRefusedError) as error:
            self._doubt_protocol(error)
            raise
        self._hang_ups = 0
        return link

    @property
    def may_listen(self) -> bool:
        """Whether the broker lets us listen to what other daemons say, or at least does not hang up on it."""
        return self._looks_cut_off < LOOKS

    def listening_was_cut_off(self) -> None:
        """The connection ended when we asked to."""
        self._looks_cut_off += 1

    def listening_was_taken(self) -> None:
        """It answered: a connection that ended then was chance, and over the years there are many."""
        self._looks_cut_off = 0

    async def end_session(self, *, always: bool = False) -> None:
        """At the daemon's end: sessions of MQTT 3.1.1 never end by themselves. Raises LinkError."""
        if always or not self._has_old_session:
            await self._leave_no_session()

    async def another_answers(self) -> bool:
        """Whether another daemon answers on the base topic, though our own connection was just taken. Raises LinkError.

        Brokers of 3.1.1 give no reason when another client takes the session: one has to ask.
        """
        async with Client(self._settings, protocol=self._protocol) as client:
            return await another_answers(client, insist=True)

    async def _look_around(self) -> Version:
        """Find out which MQTT the broker speaks and, the first time, whether we are alone and what it holds."""
        held = Held(self._log)
        async with Client(self._settings, on_retained=held.take) as client:
            if client.protocol not in {self._settings.protocol, self._protocol}:
                self._log.warning(
                    "The broker at %s refuses MQTT 5; MQTT 3.1.1 it is, as long as this process lives", self._address
                )
            self._protocol = client.protocol
            if not self._alone and await self._is_taken(client, held):
                raise InstanceConflictError(
                    f"another daemon answers on the base topic {self._settings.base_topic!r} at {self._address}: "
                    "nothing was started; stop that one, or set another mqtt.base_topic"
                )
            if not self._alone:
                await self._look_at(held)
            self._alone = True
            return client.protocol

    async def _look_at(self, held: Held) -> None:
        """Have it compared; without what the broker hangs up on each time that it is asked for it."""
        try:
            await self._look(held)
        except DisconnectedError:
            self._looks_cut_off += 1
            if self._looks_cut_off < LOOKS:
                raise
            held.give_up()
            await self._look(held)

    async def _is_taken(self, client: Client, held: Held) -> bool:
        """Whether another daemon answers; False too where an access list forbids the question and hangs up on it."""
        try:
            await held.subscribe(client)
            return await another_answers(client)
        except DisconnectedError as error:
            self._looks_cut_off += 1
            if self._looks_cut_off < LOOKS:
                raise
            self._log.warning(
                "The broker at %s ends the connection whenever it is asked whether another daemon is on the base "
                "topic %s (%s): taken as there being none",
                *(self._address, self._settings.base_topic, error),
            )
            held.give_up()
            return False

    def _doubt_protocol(self, error: HungUpError | ConnectRefusedError) -> None:
        """The broker may have become another one: next time find out anew which MQTT it speaks."""
        self._hang_ups += 1
        refused = isinstance(error, ConnectRefusedError) and error.is_protocol
        if refused or (isinstance(error, HungUpError) and self._hang_ups >= HANG_UPS):
            self._hang_ups = 0
            self._protocol = None

    async def _open(self, protocol: Version, take: OnMessage) -> Link:
        """Connect, without the last will where the broker takes the rest but not that."""
        if not self.will_refused:
            try:
                link = await open_link(self._settings, self._opening(protocol, self.will), take)
            except (HungUpError, ConnectRefusedError) as error:
                if not self._may_be_the_will(error):
                    raise
            else:
                self._will_was_taken = True
                return link
        link = await open_link(self._settings, self._opening(protocol, None), take)
        self.will_refused = True
        return link

    def _may_be_the_will(self, error: HungUpError | ConnectRefusedError) -> bool:
        """Whether to try without: the same credentials were taken without one, when we looked around."""
        if self._will_was_taken:
            return False
        if isinstance(error, HungUpError):
            return self._hang_ups >= HANG_UPS - 1
        return error.may_mean_will

    def _opening(self, protocol: Version, will: Publication | None) -> Opening:
        client_id = self._settings.effective_client_id
        return Opening(protocol, client_id, clean=False, session_expiry=self._settings.session_expiry, will=will)

    async def _leave_no_session(self) -> None:
        """A clean connection ends a session; over 3.1.1 nothing else does (section 3.1.2.4)."""
        opening = Opening(self._protocol or "3.1.1", self._settings.effective_client_id, clean=True)
        link = await open_link(self._settings, opening, lambda *_: None)
        await link.disconnect()
