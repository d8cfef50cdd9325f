"""What Home Assistant says and is told on the broker: its birth message, and the device that it is to show."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING

from shomare_mqtt.doctor.finding import Finding, bad, good, unknown
from shomare_mqtt.doctor.probing import Probe, own_topic
from shomare_mqtt.homeassistant.discovery import discovery_topic
from shomare_mqtt.mqtt.failures import LinkError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shomare_mqtt.config import Settings
    from shomare_mqtt.mqtt.packets import Version

_USUAL = "homeassistant"
_NAME, _STATUS = "Home Assistant", "birth message"


async def of_home_assistant(settings: Settings, protocol: Version, instance: str, *, online: bool) -> list[Finding]:
    """What is retained there. `instance`: of the journal, empty where there is none; `online`: a daemon is."""
    if not settings.homeassistant.enabled:
        return [good(_NAME, "homeassistant.enabled is off: nothing is announced there")]
    prefix = settings.homeassistant.discovery_prefix
    device = discovery_topic(prefix, instance) if instance else f"{prefix}/device/+/config"
    statuses = dict.fromkeys((f"{prefix}/status", f"{_USUAL}/status"))
    own = own_topic(settings.mqtt.base_topic)
    try:
        async with Probe(settings.mqtt, protocol) as probe:
            await probe.link.subscribe([own, device, *statuses])
            held = await probe.held(own, lambda topic: topic.startswith(f"{prefix}/device/shomare_"))
    except LinkError as error:
        return [unknown(_NAME, f"could not be looked at: {error}", "see `access list`")]
    return [_of_device(settings, device, held, online=online), *_of_status(prefix, held)]


def _of_device(settings: Settings, device: str, held: dict[str, bytes], *, online: bool) -> Finding:
    base = settings.mqtt.base_topic
    own = [topic for topic, payload in held.items() if "/device/" in topic and _is_of(payload, base)]
    if own:
        return good(_NAME, f"the device is announced on {own[0]}")
    said = f"no device of {base} is announced on {device}"
    if not online:
        return unknown(_NAME, said, "the daemon announces it as it starts: see `daemon`")
    return bad(
        _NAME, said, "see `access list` and `retained messages`; then restart the daemon, which announces it anew"
    )


def _is_of(payload: bytes, base: str) -> bool:
    """Whether a device's message is one of a base topic's daemon."""
    with suppress(ValueError, RecursionError):
        found = json.loads(payload)
        return isinstance(found, dict) and f"{base}/" in json.dumps(found)
    return False


def _of_status(prefix: str, held: dict[str, bytes]) -> Iterator[Finding]:
    own, usual = held.get(f"{prefix}/status"), held.get(f"{_USUAL}/status")
    if own is not None:
        said = f"{prefix}/status holds `{own.decode(errors='replace')[:20]}`"
        yield good(_STATUS, f"{said}: Home Assistant uses this prefix")
    elif usual is not None:
        said = f"{_USUAL}/status is there, and {prefix}/status is not"
        advice = f"homeassistant.discovery_prefix is {prefix}: is that Home Assistant's too (its MQTT integration)?"
        yield bad(_STATUS, said, advice)
    else:
        said = f"nothing is retained on {prefix}/status, which is usual: Home Assistant's birth message is not retained"
        yield good(_STATUS, said, "where the device does not appear: is its MQTT integration on this broker?")
