"""The broker, and the daemon that may be there: what it says of itself and of the provider."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from shomare_mqtt import __version__, topics
from shomare_mqtt.doctor.finding import Finding, bad, good, unknown
from shomare_mqtt.doctor.likely_secrets import hidden
from shomare_mqtt.mqtt.client import Client
from shomare_mqtt.mqtt.failures import ConnectRefusedError, HungUpError, LinkError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shomare_mqtt.config import Mqtt
    from shomare_mqtt.core.masking import Mask
    from shomare_mqtt.mqtt.packets import Connack, Version

INFO, PROVIDER, PROBLEM = "bridge/info", "provider/state", topics.BRIDGE_PROBLEM
_TOPICS = (topics.BRIDGE_STATE, INFO, PROVIDER, PROBLEM)
CONNECTED_WITHIN = 30.0
HELD_WITHIN = 3.0
"""Seconds until what the broker holds must have come: it sends it right after the subscription."""
_DEEPEST = 100


@dataclass
class Broker:
    """What was seen there. `findings` in order; `info`: what a daemon says of itself, where one is online.

    `protocol` and `facts`: of the connection, where one was made.
    """

    findings: list[Finding] = field(default_factory=list)
    info: dict[str, Any] | None = None
    protocol: Version | None = None
    facts: Connack | None = None


async def look_at_broker(settings: Mqtt, mask: Mask) -> Broker:
    """Connect, read what is retained, publish nothing."""
    seen = Broker()
    where = address(settings)
    async with AsyncExitStack() as stack:
        try:
            async with asyncio.timeout(CONNECTED_WITHIN):
                client = await stack.enter_async_context(Client(settings))
            seen.protocol, seen.facts = client.protocol, client.facts
            await _read(client, settings, seen, mask)
        except LinkError as error:
            seen.findings.append(bad("broker", f"{where}: {hidden(str(error), mask)}", advice_on(error, settings)))
        except TimeoutError:
            said = f"{where} did not answer within {CONNECTED_WITHIN:g} seconds"
            seen.findings.append(bad("broker", said, "is mqtt.port the broker's, and is there a firewall in between?"))
    return seen


async def _read(client: Client, settings: Mqtt, seen: Broker, mask: Mask) -> None:
    secured = "TLS" if settings.tls.enabled else "no TLS"
    user = f"user {settings.username}" if settings.username else "no user name"
    said = f"{address(settings)} answers over MQTT {client.protocol} ({secured}, {user})"
    refused = await client.subscribe(*_TOPICS)
    if refused:
        topics_ = ", ".join(f"{settings.base_topic}/{each}" for each in refused)
        advice = f"let the user read and write {settings.base_topic}/# in the broker's access list"
        seen.findings.append(bad("broker", f"{said}, but does not let this user read {topics_}", advice))
    else:
        seen.findings.append(good("broker", said))
    held = await _held(client)
    seen.findings.extend(_of_daemon(held, settings, mask, seen))


async def _held(client: Client) -> dict[str, bytes]:
    """What is retained on the topics; all of it, or what came in time."""
    held: dict[str, bytes] = {}
    with suppress(TimeoutError):
        async with asyncio.timeout(HELD_WITHIN):
            while len(held) < len(_TOPICS):
                incoming = await anext(client)
                held[client.relative(incoming.topic)] = incoming.payload
    return held


def _of_daemon(held: dict[str, bytes], settings: Mqtt, mask: Mask, seen: Broker) -> Iterator[Finding]:
    state = held.get(topics.BRIDGE_STATE, b"").decode(errors="replace")
    if state != "online":
        said = f"no daemon is online on base topic {settings.base_topic}"
        yield unknown("daemon", said, "start it (shomare-mqtt run); where it runs, is its mqtt.base_topic the same?")
        return
    info = _object(held.get(INFO))
    seen.info = info
    version, since = info.get("version"), info.get("started_at")
    said = f"one is online on base topic {settings.base_topic}, version {version}, started {since}"
    other = version is not None and version != __version__
    advice = f"this program is version {__version__}: restart the daemon to run the same" if other else ""
    yield good("daemon", hidden(said, mask), advice)
    yield from _of_its_provider(_object(held.get(PROVIDER)), mask)
    yield from _of_its_problem(_object(held.get(PROBLEM)).get("problem"), mask)


def _of_its_provider(state: dict[str, Any], mask: Mask) -> Iterator[Finding]:
    """What a running daemon says of the provider; its words for fields are ours."""
    if not state:
        return
    error, fields = state.get("error"), state.get("fields")
    message = error.get("message") if isinstance(error, dict) else error
    aside = hidden(str(message), mask) if message else ""
    name = f"what the daemon says ({PROVIDER})"
    said = f"it is {hidden(str(state.get('state')), mask)}"
    if state.get("state") != "online":
        yield bad(name, said, "see below what doctor itself sees", aside)
    elif fields:
        not_understood = hidden(json.dumps(fields, ensure_ascii=False), mask)
        yield unknown(name, f"{said}; not understood, or doubtful: {not_understood}", "see below, field by field")
    else:
        yield good(name, said, aside=aside)


def _of_its_problem(problem: Any, mask: Mask) -> Iterator[Finding]:
    """What a running daemon says that needs eyes; how the provider stands is said already."""
    if not isinstance(problem, dict) or problem.get("event_type") == "provider_state":
        return
    more = problem.get("more")
    aside = f"{more} more" if isinstance(more, int) and more > 0 else ""
    yield unknown(f"what the daemon says ({PROBLEM})", hidden(str(problem.get("message")), mask), aside=aside)


def _object(payload: bytes | None) -> dict[str, Any]:
    with suppress(ValueError, RecursionError):
        found = json.loads(payload or b"")
        if isinstance(found, dict) and not _is_deep(found):
            return found
    return {}


def _is_deep(value: Any) -> bool:
    """Whether it is deeper than anything of a daemon's: anybody may have written it, and to walk it takes a stack."""
    level = [value]
    for _ in range(_DEEPEST):
        level = [inner for each in level for inner in _within(each)]
        if not level:
            return False
    return True


def _within(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def address(settings: Mqtt) -> str:
    """The broker's, for people."""
    if settings.transport == "unix":
        return f"the broker at {settings.path}"
    return f"the broker at {settings.host}:{settings.effective_port}"


def advice_on(error: LinkError, settings: Mqtt) -> str:
    """What to do about a broker that cannot be used."""
    if isinstance(error, ConnectRefusedError):
        if error.is_credentials:
            return "set mqtt.username, and mqtt.password or mqtt.password_file, as the broker knows them"
        return "see the broker's own log"
    if isinstance(error, HungUpError):
        return "is mqtt.port the broker's, and does mqtt.tls.enabled say whether that port speaks TLS?"
    tls = "; with TLS: mqtt.tls.ca_file names who signed its certificate" if settings.tls.enabled else ""
    return f"is it running, and are mqtt.host and mqtt.port right?{tls}"
