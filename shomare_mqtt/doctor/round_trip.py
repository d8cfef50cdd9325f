"""How long a message takes there and back: for a client that sets its connection up well, and for an ordinary one.

Nagle's algorithm (RFC 896) holds a small segment back until the one before is acknowledged, and the other side
acknowledges 40 ms later where it has nothing to say (tcp(7), TCP_QUICKACK). Who sends two small packets waits so long.
"""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING

from shomare_mqtt.doctor.finding import Finding, good, unknown
from shomare_mqtt.doctor.probing import Probe, own_topic
from shomare_mqtt.mqtt.failures import LinkError

if TYPE_CHECKING:
    from shomare_mqtt.config import Mqtt
    from shomare_mqtt.mqtt.packets import Version

_TIMES = 9
HELD_UP = 0.025
"""Seconds more than without: Linux waits 40 with an acknowledgement, or a little more."""
_FAR = 0.5
_NAME = "round trip"


async def of_round_trip(mqtt: Mqtt, protocol: Version) -> Finding:
    """Some messages one after the other, in both manners."""
    try:
        async with Probe(mqtt, protocol) as probe:
            well = await _measured(probe, mqtt)
        async with Probe(mqtt, protocol, ordinary=True) as probe:
            ordinary = await _measured(probe, mqtt)
    except LinkError as error:
        return unknown(_NAME, f"could not be measured: {error}", "see `access list`")
    if well is None or ordinary is None:
        return unknown(_NAME, "could not be measured: what was published did not come back", "see `access list`")
    return judged(well, ordinary)


def judged(well: float, ordinary: float) -> Finding:
    """What two round trips mean, in seconds."""
    said = (
        f"{well * 1000:.1f} ms at QoS 1 as the daemon is connected (TCP_NODELAY); "
        f"{ordinary * 1000:.1f} ms for a client that sets nothing"
    )
    if well > _FAR:
        return unknown(_NAME, said, "the broker is slow or far away: how is its machine, and the net in between?")
    if ordinary - well > HELD_UP:
        advice = (
            "set `set_tcp_nodelay true` in mosquitto.conf (other brokers have their own word for it): others' messages"
        )
        return unknown(_NAME, said, f"{advice} wait 40 ms for nothing; the daemon's do not")
    return good(_NAME, said)


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
