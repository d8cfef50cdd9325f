"""How the discovery reaches the broker: until it has it, unless it says that it will not take it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from shomare_mqtt.daemon.announcer_link import AnnouncerLink
from shomare_mqtt.model import Message
from shomare_mqtt.mqtt.failures import DisconnectedError, NotConnectedError, PublishRefusedError, TooLargeError
from tests.patience import PATIENCE

NOT_AUTHORIZED = PublishRefusedError("Not authorized", 0x87)
CONFIG = Message("homeassistant/device/shomare_x/config", b"{}", retain=True, absolute=True)


class Session:
    """A session whose publishing comes to one thing after the other, and then goes well."""

    def __init__(self, *outcomes: Exception) -> None:
        self.outcomes = list(outcomes)
        self.taken: list[Message] = []

    async def wait_connected(self) -> None:
        await asyncio.sleep(0)

    async def publish(self, message: Message) -> None:
        if self.outcomes:
            raise self.outcomes.pop(0)
        self.taken.append(message)


async def no_time(_: float) -> None:
    await asyncio.sleep(0)


def link(session: Session) -> AnnouncerLink:
    unused: Any = None
    broker: Any = SimpleNamespace(session=session)
    return AnnouncerLink("shomare", broker, unused, unused, no_time)


@pytest.mark.parametrize("error", [TooLargeError(9, 5), NOT_AUTHORIZED], ids=lambda e: type(e).__name__)
async def test_what_the_broker_will_not_take_is_said_and_given_up(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    session = Session(*[error] * 3)
    async with asyncio.timeout(PATIENCE):
        await link(session).deliver(CONFIG)
    assert len(session.outcomes) == 2, "it is not tried again for ever"
    assert f"Home Assistant is not told of the device: {error}" in caplog.text


@pytest.mark.parametrize(
    "error",
    [NotConnectedError("away"), DisconnectedError("broke"), PublishRefusedError("Quota exceeded", 0x97)],
    ids=lambda e: type(e).__name__,
)
async def test_what_may_pass_is_waited_for(error: Exception) -> None:
    session = Session(*[error] * 3)
    async with asyncio.timeout(PATIENCE):
        await link(session).deliver(CONFIG)
    assert session.taken == [CONFIG]
