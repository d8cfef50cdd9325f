"""What the broker holds of ours at the first connection: read before commands are taken, once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shomare_mqtt.mqtt import held as held_module
from shomare_mqtt.mqtt.connector import LOOKS
from shomare_mqtt.mqtt.packets import Publication
from tests.mqtt.conftest import until
from tests.mqtt.fake_broker import SUBSCRIBE, FakeBroker, Peer
from tests.mqtt.test_session import plain_link
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.mosquitto import Mosquitto
    from tests.mqtt.conftest import Watched

    Watch = Callable[..., Watched]

JOURNAL = b'{"journal":"j","sequence":5}'


@pytest.fixture(autouse=True)
def _as_long_as_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker on a busy machine may be late."""
    monkeypatch.setattr(held_module, "GRACE", PATIENCE)


async def hold(broker: Mosquitto, topics: dict[str, bytes]) -> None:
    """The broker holds these, under the base topic."""
    link, _ = await plain_link(broker)
    for topic, payload in topics.items():
        await link.publish(Publication(f"shomare/{topic}", payload, retain=True))
    await link.disconnect()


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_all_that_it_holds_is_read_before_a_command_comes(broker: Mosquitto, watch: Watch, protocol: str) -> None:
    orders = {f"order-{n}": b"%d" % n for n in range(60)}  # more than may be unacknowledged at once
    await hold(broker, {"bridge/journal": JOURNAL, **{f"orders/{name}": p for name, p in orders.items()}})
    watched = watch(broker.settings(protocol=protocol), wants_orders=True)
    await watched.connected()
    assert (watched.journal, watched.orders) == (JOURNAL, orders)


async def test_it_is_read_at_the_first_connection_alone(broker: Mosquitto, watch: Watch) -> None:
    await hold(broker, {"bridge/journal": JOURNAL})
    watched = watch(broker.settings())
    await watched.connected()
    assert watched.journal == JOURNAL
    watched.journal = None
    await broker.restart()
    await watched.ended()
    await until(watched.session.wait_connected(), watched.task)
    assert watched.journal is None


async def test_a_broker_that_holds_nothing_costs_no_time_to_speak_of(
    broker: Mosquitto, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held_module, "GRACE", 0.2)
    monkeypatch.setattr(held_module, "QUIET", 0.2)
    watched = watch(broker.settings(), wants_orders=True)
    await watched.connected()
    assert (watched.journal, watched.orders) == (None, {})


async def test_orders_that_keep_coming_are_not_waited_for_for_ever(
    broker: Mosquitto, watch: Watch, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(held_module, "QUIET", PATIENCE)
    monkeypatch.setattr(held_module, "LONGEST", 0.5)
    await hold(broker, {"bridge/journal": JOURNAL})
    watched = watch(broker.settings(), wants_orders=True)
    await watched.connected()
    assert "did not send" in caplog.text


async def test_an_access_list_that_lets_us_read_nothing(watch: Watch, caplog: pytest.LogCaptureFixture) -> None:
    """Over MQTT 5 mosquitto says so, and the daemon does: a backup that was put back would not be noticed."""
    async with FakeBroker() as broker:
        broker.granted = 0x87
        watched = watch(broker.settings(), wants_orders=True)
        await watched.connected()
    assert (watched.journal, watched.orders) == (None, {})
    assert "refuses the subscription to bridge/journal" in caplog.text
    assert "access list" in caplog.text


@pytest.mark.parametrize("which", ["journal", "orders"])
async def test_a_broker_that_hangs_up_on_the_question(
    watch: Watch, which: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked a few times, and then the daemon serves all the same."""
    monkeypatch.setattr(held_module, "GRACE", 0.0)
    asked: dict[int, int] = {}

    def hangs_up(peer: Peer, kind: int) -> bool:
        if kind != SUBSCRIBE or peer in broker.sessions():
            return False
        asked[id(peer)] = asked.get(id(peer), 0) + 1
        return asked[id(peer)] == (1 if which == "journal" else 3)

    async with FakeBroker() as broker:
        broker.hangs_up_on = hangs_up
        watched = watch(broker.settings(), wants_orders=True)
        await watched.connected()
        assert (watched.journal, watched.orders) == (None, {})
        assert len(broker.peers) - len(broker.sessions()) == LOOKS
