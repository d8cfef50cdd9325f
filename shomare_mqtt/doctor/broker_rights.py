"""What the broker lets us do: publish and read where the daemon does, tried with messages that mean nothing."""

from __future__ import annotations

import asyncio
from enum import Enum
from typing import TYPE_CHECKING

from shomare_mqtt import topics
from shomare_mqtt.doctor.finding import Finding, State, bad, good, unknown
from shomare_mqtt.doctor.probing import PAYLOAD, Probe, own_topic
from shomare_mqtt.mqtt.failures import DisconnectedError, LinkError, PublishRefusedError

if TYPE_CHECKING:
    from shomare_mqtt.config import Settings
    from shomare_mqtt.mqtt.packets import Version

_BELOW_BASE = ("response", "event", "bridge")
"""Topics below which one of the daemon's kinds of messages stands each: answers, events, state."""


class Right(Enum):
    """What became of a message: in words that go on a topic."""

    BOTH = "may be published to and read"
    NOT_WRITTEN = "may not be published to"
    NOT_READ = "may be published to, and not read"
    HUNG_UP = "may not be published to or read (the broker hangs up)"
    LOST = "may not be published to, or not be read (over MQTT 3.1.1 no broker says which)"
    UNTRIED = "could not be tried"


_NOT = (Right.NOT_WRITTEN, Right.NOT_READ, Right.HUNG_UP, Right.LOST)
_SINGLY = (
    "all is well where the list names each topic of the daemon's by itself, or this user may only read; else see what "
    "the broker must let the daemon do (docs/security.md), and `message_dropped` in the daemon's log"
)


async def of_rights(settings: Settings, protocol: Version, *, online: bool = False) -> Finding:
    """The access list, as far as it can be tried without doing anything. `online`: a daemon is, and its state came."""
    mqtt, discovery = settings.mqtt, settings.homeassistant
    above = [mqtt.base_topic, *(f"{mqtt.base_topic}/{each}" for each in _BELOW_BASE)]
    if discovery.enabled:
        above.append(f"{discovery.discovery_prefix}/device")
    trying = asyncio.gather(*(_tried(settings, protocol, each) for each in above))
    refused, rights = await asyncio.gather(_refused_filters(settings, protocol), trying)
    found = _finding(settings, dict(zip(above, rights, strict=True)), refused)
    # Where a daemon's state comes through and ours beside it does not, the list goes by topics or users that are not
    # ours to try.
    if found.state is State.BAD and online and not refused and rights[above.index(f"{mqtt.base_topic}/bridge")] in _NOT:
        return unknown("access list", f"{found.text}; yet a daemon's state came through", _SINGLY)
    return found


async def _tried(settings: Settings, protocol: Version, above: str) -> Right:
    """Publish on a topic of our own that is subscribed to, over a connection that the broker may end for it."""
    topic = own_topic(above)
    try:
        async with Probe(settings.mqtt, protocol) as probe:
            unread = bool(await probe.link.subscribe([topic]))
            # Whoever reads all announcements of devices takes an empty one for none.
            await probe.publish(topic, b"" if above.endswith("/device") else PAYLOAD)
            came = None if unread else await probe.received(topic)
    except PublishRefusedError:
        return Right.NOT_WRITTEN
    except DisconnectedError:
        return Right.HUNG_UP
    except LinkError:
        return Right.UNTRIED
    if came is not None:
        return Right.BOTH
    return Right.NOT_READ if unread or protocol == "5" else Right.LOST


async def _refused_filters(settings: Settings, protocol: Version) -> list[str]:
    """The filters of the daemon's that the broker refuses; many brokers refuse none, and hand out what may be read."""
    filters = [f"{settings.mqtt.base_topic}/{each}" for each in topics.SUBSCRIPTIONS]
    if settings.homeassistant.enabled:
        filters.append(f"{settings.homeassistant.discovery_prefix}/status")
    try:
        async with Probe(settings.mqtt, protocol) as probe:
            return list(await probe.link.subscribe(filters))
    except LinkError:
        return []


def _finding(settings: Settings, rights: dict[str, Right], refused: list[str]) -> Finding:
    base, prefix = settings.mqtt.base_topic, settings.homeassistant.discovery_prefix
    # Home Assistant's own part need not be read, but for its status.
    wrong = {
        above: right
        for above, right in rights.items()
        if right is not Right.BOTH and not (right is Right.NOT_READ and above.startswith(f"{prefix}/"))
    }
    user = settings.mqtt.username or "whoever names no user"
    advice = f"in the broker's access list let {user} read and write {base}/#"
    if settings.homeassistant.enabled:
        advice = f"{advice} and {prefix}/#"
    said = "; ".join(
        [f"below {above} a topic {right.value}" for above, right in wrong.items()]
        + ([f"{', '.join(refused)} may not be subscribed to"] if refused else [])
    )
    if not said:
        return good("access list", f"{', '.join(f'{above}/#' for above in rights)} can be published to and read")
    if refused or set(wrong.values()) != {Right.UNTRIED}:
        return bad("access list", said, advice)
    return unknown("access list", said, "see the broker's own log")
