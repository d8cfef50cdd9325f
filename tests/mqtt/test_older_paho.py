"""paho 2.1, which Debian 13 has: what it overlooks, the adapter reads by itself."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import MQTTErrorCode

from shomare_mqtt.errors import TakenOverError
from tests.mqtt.fake_broker import DISCONNECT, FakeBroker, packet
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.mqtt.conftest import Watched

    Watch = Callable[..., Watched]


def _overlooking(client: Any) -> None:
    """As 2.1 takes a DISCONNECT of one or two bytes."""
    client._sock_close()
    client._do_on_disconnect(
        packet_from_broker=True, v1_rc=MQTTErrorCode.MQTT_ERR_SUCCESS, reason=None, properties=None
    )


@pytest.fixture(autouse=True)
def older(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paho.Client, "_handle_disconnect", _overlooking)


@pytest.mark.parametrize("body", [b"\x8e", b"\x8e\0"])
async def test_a_takeover_is_seen(watch: Watch, body: bytes) -> None:
    async with FakeBroker() as broker:
        watched = watch(broker.settings())
        await watched.connected()
        broker.sessions()[-1].send(packet(DISCONNECT, body))
        with pytest.raises(TakenOverError):
            await asyncio.wait_for(watched.task, PATIENCE)


@pytest.mark.parametrize(
    ("body", "said"),
    [(b"\x8b\0", "Server shutting down"), (b"\0", "Normal"), (b"", "Normal"), (b"\x7f\0", "Normal")],
)
async def test_other_reasons_are_said_and_unknown_ones_are_not(watch: Watch, body: bytes, said: str) -> None:
    async with FakeBroker() as broker:
        watched = watch(broker.settings())
        await watched.connected()
        broker.sessions()[-1].send(packet(DISCONNECT, body))
        assert f"the broker said '{said}" in await watched.ended()
