"""How the discovery reaches the broker: until it has it, unless it says that it will not take it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from shomare_mqtt.announcing import Announcing
from shomare_mqtt.config import GivenSettings
from shomare_mqtt.model import Message
from shomare_mqtt.mqtt.failures import DisconnectedError, NotConnectedError, PublishRefusedError, TooLargeError
from tests.patience import PATIENCE

NOT_AUTHORIZED = PublishRefusedError("Not authorized", 0x87)
CONFIG = Message("homeassistant/device/shomare_x/config", b"{}", retain=True, absolute=True)


class Broker:
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


def announcing(broker: Broker) -> Announcing:
    clock: Any = SimpleNamespace(sleep=no_time)
    others: dict[str, Any] = dict.fromkeys(("bridge", "journal", "retained", "plugins"))
    session: Any = broker
    return Announcing(GivenSettings(), clock, "x", None, session=session, **others)


@pytest.mark.parametrize("error", [TooLargeError(9, 5), NOT_AUTHORIZED], ids=lambda e: type(e).__name__)
async def test_what_the_broker_will_not_take_is_said_and_given_up(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    broker = Broker(*[error] * 3)
    async with asyncio.timeout(PATIENCE):
        await announcing(broker).deliver(CONFIG)
    assert len(broker.outcomes) == 2, "it is not tried again for ever"
    assert f"Home Assistant is not told of the device: {error}" in caplog.text


@pytest.mark.parametrize(
    "error",
    [NotConnectedError("away"), DisconnectedError("broke"), PublishRefusedError("Quota exceeded", 0x97)],
    ids=lambda e: type(e).__name__,
)
async def test_what_may_pass_is_waited_for(error: Exception) -> None:
    broker = Broker(*[error] * 3)
    async with asyncio.timeout(PATIENCE):
        await announcing(broker).deliver(CONFIG)
    assert broker.taken == [CONFIG]
