"""How long a message takes there and back: as the daemon is connected, and as a client is that sets nothing.

Nagle's algorithm (RFC 896) holds a small packet back until the one before is acknowledged, and the other side may
acknowledge 40 ms later (tcp(7), TCP_QUICKACK). The daemon sets TCP_NODELAY and acknowledges at once; a broker may hold
its own packets back all the same, and other programs wait by their own doing.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from statistics import median
from typing import TYPE_CHECKING

from shomare_mqtt.doctor.finding import Finding, good, unknown
from shomare_mqtt.doctor.probing import Probe, own_topic
from shomare_mqtt.mqtt.failures import LinkError
from shomare_mqtt.mqtt.transport import OPEN_TIMEOUT

if TYPE_CHECKING:
    from shomare_mqtt.config import Mqtt
    from shomare_mqtt.mqtt.packets import Version

_TIMES = 25
"""Linux acknowledges the first sixteen packets of a connection at once."""
HELD_UP = 0.03
"""Seconds more than the way itself takes: Linux waits 40 with an acknowledgement, or a little more."""
FAR = 0.5
_NAME = "round trip"
_BROKERS = (
    "the broker, or what stands before it, holds small packets: set `set_tcp_nodelay true` in mosquitto.conf (EMQX "
    "has nodelay; other brokers have their own word for it); if it stays, the broker's machine is slow"
)
_OTHERS = (
    "the daemon does not wait, so this costs it nothing; a program of yours that waits 40 ms with each message sets "
    "TCP_NODELAY on its own connection"
)


async def of_round_trip(mqtt: Mqtt, protocol: Version) -> Finding:
    """Some messages one after the other, in both manners."""
    try:
        way = await _way(mqtt)
        async with Probe(mqtt, protocol) as probe:
            well = await _measured(probe, mqtt)
        async with Probe(mqtt, protocol, ordinary=True) as probe:
            ordinary = await _measured(probe, mqtt)
    except (LinkError, OSError) as error:
        return unknown(_NAME, f"could not be measured: {error}", "see `access list`")
    if well is None or ordinary is None:
        return unknown(_NAME, "could not be measured: what was published did not come back", "see `access list`")
    return judged(way, well, ordinary)


def judged(way: float, well: float, ordinary: float) -> Finding:
    """What it means, in seconds: a connection's first exchange, and a message's way there and back in both manners."""
    said = (
        f"{well * 1000:.1f} ms at QoS 1 as the daemon is connected (TCP_NODELAY); "
        f"{ordinary * 1000:.1f} ms for a client that sets nothing"
    )
    if way > FAR:
        return unknown(_NAME, said, f"the broker is far away: to connect takes {way:.1f} s; how is the net in between?")
    if well - way > HELD_UP:
        return unknown(_NAME, said, _BROKERS)
    return good(_NAME, said, _OTHERS if ordinary - well > HELD_UP else "")


async def _way(mqtt: Mqtt) -> float:
    """Seconds until a connection is made, once there and back. Raises OSError."""
    if mqtt.transport == "unix":
        return 0.0
    began = time.perf_counter()
    async with asyncio.timeout(OPEN_TIMEOUT):
        _, writer = await asyncio.open_connection(mqtt.host, mqtt.effective_port)
    took = time.perf_counter() - began
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return took


async def _measured(probe: Probe, mqtt: Mqtt) -> float | None:
    """Seconds until a message is back, usually; None where one does not come. Raises LinkError."""
    topic, took = own_topic(mqtt.base_topic), []
    if await probe.link.subscribe([topic]):
        return None
    for _ in range(_TIMES):
        began = time.perf_counter()
        await probe.publish(topic)
        if await probe.received(topic) is None:
            return None
        took.append(time.perf_counter() - began)
    return median(took)
