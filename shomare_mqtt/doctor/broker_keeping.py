"""What the broker keeps: retained messages, also over its own restart; and the bounds that it names."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from shomare_mqtt.config.addresses import is_loopback
from shomare_mqtt.doctor.finding import Finding, State, bad, good, unknown
from shomare_mqtt.doctor.probing import PAYLOAD, Probe, own_topic
from shomare_mqtt.mqtt.failures import LinkError, PublishRefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shomare_mqtt.config import Mqtt
    from shomare_mqtt.mqtt.packets import Connack, Version

SMALL = 256 * 1024
"""Bytes of a packet: a provider's list of applications may come near it."""
PROCESSES = Path("/proc")
USUAL_PORT = 1883
_VERSION = "$SYS/broker/version"
_RETAINED = "retained messages"
_MEANS = "what is retained (balance, orders, Home Assistant's device) is seen only by who listens at that moment"
_NOT_KEPT = "a command sent while the broker restarts is lost then; the daemon itself publishes its state again"


def of_limits(facts: Connack, protocol: Version) -> Finding:
    """The bounds that the broker names as it takes a connection (MQTT 5, section 3.2.2.3)."""
    if protocol != "5":
        return unknown("broker limits", "over MQTT 3.1.1 a broker names none", "use MQTT 5 where the broker has it")
    packet, window = facts.maximum_packet_size, facts.receive_maximum
    said = [
        f"packets of {packet:,} bytes at most" if packet else "packets of any size",
        f"{window} messages unacknowledged at once" if window else "65,535 messages unacknowledged at once",
        f"QoS {facts.maximum_qos} at most",
        f"{facts.topic_aliases or 0} topic aliases",
    ]
    if facts.keep_alive is not None:
        said.append(f"a keep alive of {facts.keep_alive} s")
    text = f"it takes {', '.join(said)}"
    if facts.maximum_qos < 1:
        return bad("broker limits", text, "the daemon needs QoS 1: let the broker take it, or use another broker")
    if packet and packet < SMALL:
        advice = "long lists may not fit (`too_large`): raise max_packet_size (mosquitto) or its like to 2000000"
        return unknown("broker limits", text, advice)
    return good("broker limits", text)


async def of_keeping(mqtt: Mqtt, protocol: Version) -> list[Finding]:
    """Whether it keeps retained messages, and over a restart."""
    try:
        kept = await _kept(mqtt, protocol)
    except LinkError as error:
        return [unknown(_RETAINED, f"could not be tried: {error}", "see `access list`, and the broker's own log")]
    if kept.state is State.BAD:
        return [kept]
    return [kept, *_of_persistence(mqtt, await _version(mqtt, protocol))]


async def _kept(mqtt: Mqtt, protocol: Version) -> Finding:
    """With a last will that tidies up, or without where the broker takes none, as daemons do. Raises LinkError."""
    topic = own_topic(mqtt.base_topic)
    probe = Probe(mqtt, protocol, cleared=topic)
    try:
        await probe.__aenter__()
    except LinkError:
        probe = Probe(mqtt, protocol)
        await probe.__aenter__()
    try:
        return await _keeps(probe, topic, mqtt, protocol)
    finally:
        await probe.link.disconnect()


async def _keeps(probe: Probe, topic: str, mqtt: Mqtt, protocol: Version) -> Finding:
    """Retain a message of our own, look for it over another connection, and take it away. Raises LinkError."""
    advice = f"let it keep them (mosquitto: retain_available true); else {_MEANS}"
    if not probe.link.facts.keeps_retained:
        return bad(_RETAINED, "the broker says that it keeps none", advice)
    try:
        await probe.link.subscribe([topic])
        await probe.publish(topic)
        if await probe.received(topic) is None:
            return _denied(topic)
        await probe.publish(topic, retain=True)
        async with Probe(mqtt, protocol) as other:
            await other.link.subscribe([topic])
            came = await other.received(topic)
    except PublishRefusedError:
        return _denied(topic)
    finally:
        await _emptied(probe, topic)
    if came is not None and came.payload == PAYLOAD:
        return good(_RETAINED, "one was kept, and was taken away again")
    return bad(_RETAINED, "one that the broker took was not there for the next who subscribed", advice)


def _denied(topic: str) -> Finding:
    return unknown(_RETAINED, f"could not be tried: {topic} may not be published to, or not read", "see `access list`")


async def _emptied(probe: Probe, topic: str) -> None:
    try:
        await probe.publish(topic, b"", retain=True)
    except LinkError:
        return


async def _version(mqtt: Mqtt, protocol: Version) -> str:
    """What the broker calls itself, where it does."""
    try:
        async with Probe(mqtt, protocol) as probe:
            if await probe.link.subscribe([_VERSION]):
                return ""
            came = await probe.received(_VERSION, within=0.5)
    except LinkError:
        return ""
    return came.payload.decode(errors="replace")[:60] if came else ""


def _of_persistence(mqtt: Mqtt, version: str) -> Iterator[Finding]:
    """No broker tells over MQTT; of a mosquitto on this machine its settings do."""
    called = version or "the broker"
    file = _settings_in_use(mqtt.effective_port) if version.startswith("mosquitto") and _is_here(mqtt) else None
    if file is None or not (lines := list(_settings(file))):
        said = f"{called} does not say whether what it keeps outlives its restart"
        yield unknown("persistence", said, f"see to it (mosquitto: persistence true); else {_NOT_KEPT}")
        return
    set_ = [line.split()[1] for line in lines if line.split()[:1] == ["persistence"] and len(line.split()) > 1]
    if set_ and set_[-1].lower() in ("true", "1"):
        yield good("persistence", f"{called}: what it keeps outlives its restart, as {file} says")
    else:
        said = f"{called}: what it keeps is lost as it restarts, as {file} says"
        yield unknown("persistence", said, f"put `persistence true` there and restart it; else {_NOT_KEPT}")


def _is_here(mqtt: Mqtt) -> bool:
    return mqtt.transport == "unix" or is_loopback(mqtt.host)


def _settings_in_use(port: int) -> Path | None:
    """The settings file of the one mosquitto on this machine that listens on a port; None where that cannot be told.

    The file that is usual says nothing of one that was started with another.
    """
    files = [file for file in map(_started_with, PROCESSES.glob("[0-9]*")) if file and port in _ports(file)]
    return files[0] if len(files) == 1 else None


def _started_with(process: Path) -> Path | None:
    """The file that a process was given with -c, where it is a mosquitto (proc(5), cmdline)."""
    try:
        words = (process / "cmdline").read_bytes().decode(errors="surrogateescape").split("\0")
    except OSError:
        return None
    if Path(words[0]).name != "mosquitto":
        return None
    named = [Path(after) for word, after in pairwise(words) if word in ("-c", "--config-file")]
    return named[-1] if named and named[-1].is_absolute() else None


def _ports(file: Path) -> set[int]:
    """Those that it listens on (mosquitto.conf(5), listener and port); 1883 where none is named."""
    words = [line.split() for line in _settings(file)]
    named = [each[1] for each in words if each[0] in ("listener", "port") and len(each) > 1]
    return {int(each) for each in named if each.isdecimal()} or {USUAL_PORT}


def _settings(file: Path) -> Iterator[str]:
    """The lines of a mosquitto's settings that count, with those of the folders that it includes."""
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    for line in lines:
        words = line.split()
        if words[:1] == ["include_dir"] and len(words) > 1:
            for each in sorted(Path(words[1]).glob("*.conf")):
                yield from _settings(each)
        elif words and not words[0].startswith("#"):
            yield line
