"""One daemon a base topic (contract, section Settings): looks whether another one is there."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from shomare_mqtt import topics
from shomare_mqtt.mqtt.announcements import ANSWER_TOPIC, TOPIC, look
from shomare_mqtt.mqtt.failures import PublishRefusedError

if TYPE_CHECKING:
    from shomare_mqtt.mqtt.client import Client

ANSWER_WITHIN = 3.0
"""Seconds that another daemon has for its answer (contract)."""

_GRACE = 0.2
"""Seconds for a retained message after its SUBACK and one more round trip: brokers send it at once, but need not."""

_INSISTENT_GRACE = 2.0
"""Seconds where two daemons may just be taking the session from each other, and `offline` is a last will in between."""


async def another_answers(client: Client, seconds: float = ANSWER_WITHIN, *, insist: bool = False) -> bool:
    """Whether `bridge/state` says `online` and somebody answers a query: what a crash left does not answer.

    `insist`: wait for an `online`, also after an `offline`. Where the broker lets us not ask, nobody can tell: False.
    Raises LinkError.
    """
    refused = await client.subscribe(topics.BRIDGE_STATE)
    refused |= await client.subscribe(ANSWER_TOPIC)
    if refused or not await _says_online(client, insist=insist):
        return False
    transaction, query = look()
    try:
        await client.publish(TOPIC, query)  # without an expiry: one that is paused has to learn that it was looked for
    except PublishRefusedError:
        return False
    return await _answered(client, transaction, seconds)


async def _says_online(client: Client, *, insist: bool) -> bool:
    try:
        async with asyncio.timeout(_INSISTENT_GRACE if insist else _GRACE):
            async for incoming in client:
                online = incoming.payload == b"online"
                if client.relative(incoming.topic) == topics.BRIDGE_STATE and (online or not insist):
                    return online
    except TimeoutError:
        pass
    return False


async def _answered(client: Client, transaction: str, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            async for incoming in client:
                if client.relative(incoming.topic) == ANSWER_TOPIC and _transaction(incoming.payload) == transaction:
                    return True
    except TimeoutError:
        pass
    return False


def _transaction(payload: bytes) -> object:
    try:
        answer = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    return answer.get("transaction") if isinstance(answer, dict) else None
