"""What the demo tells: each message as it passes the broker, and once for each topic what it is for."""

from __future__ import annotations

import asyncio
import json
import sys
from shutil import which
from typing import TYPE_CHECKING, Any

from rich.text import Text

from shomare_mqtt.cli.status import CommandFailedError
from shomare_mqtt.mqtt.announcements import TOPIC, announcement_in
from shomare_mqtt.mqtt.client import Client
from shomare_mqtt.topics import matches

if TYPE_CHECKING:
    from rich.console import Console

    from shomare_mqtt.config import Mqtt
    from shomare_mqtt.model import Incoming

_PATIENCE = 60.0
"""Seconds after which a demo that is to end by itself has failed."""
_LONGEST = 100
_TOPIC_WIDTH = 42
_TELLING = (
    "status",
    "event_type",
    "state",
    "phone",
    "price",
    "code",
    "text",
    "balance",
    "currency",
    "uptime",
    "version",
)
"""Fields that say the most of any message, in the order to show them in."""
_BUY = {"country": "Russia", "operator": "MTS", "application": "Telegram", "transaction": "demo-1"}
_MEANINGS = (
    ("bridge/state", "Whether commands are taken. If the daemon dies, the broker says offline in its place."),
    ("bridge/info", "Which daemon this is, and its settings, secrets masked."),
    ("bridge/health", "How it is doing: uptime, counters, open orders."),
    ("provider/state", "Whether the provider answers, and whether it was understood."),
    ("countries", "The provider's three lists: what can be named in a buy."),
    ("profile", "The account."),
    ("profile/balance", "The balance as a plain number, for a display."),
    ("buying", "The safety switch: publish off to buying/set, and nothing is bought."),
    ("buy", "THE COMMAND: anything that can publish to MQTT can buy a number, by ids or by names."),
    ("response/buy", "THE ANSWER: the order, with the number to type into the application."),
    ("orders/+", "The order, kept by the broker: whoever connects later sees it too, without the code."),
    ("orders", "All open orders."),
    ("current", "The newest order, for a display."),
    ("defaults/+", "What a buy takes that names less."),
    ("event/order", "Each step of an order, once."),
    ("event/sms", "THE SMS, once, with the code taken out of its text. It is on disk before it is published."),
    ("code", "The code alone, as plain text."),
)

_AMONG_DAEMONS = ((TOPIC, "Asks whether another daemon is here: two would buy everything twice."),)


class Story:
    """Listens to everything below the base topic and prints it; buys one number once a daemon is there."""

    def __init__(self, settings: Mqtt, screen: Console, *, once: bool) -> None:
        self._settings = settings
        self._screen = screen
        self._once = once
        self._explained: set[str] = set()
        self._bought = False
        self._ready: set[str] = set()

    def _introduce(self, provider: str) -> None:
        self._say("A whole system in this one process. No real money, no real numbers:\n", "bold")
        self._say(f"  an MQTT broker          127.0.0.1, port {self._settings.effective_port}")
        self._say(f"  a simulated provider    {provider}")
        self._say("  the shomare-mqtt daemon, between the two: it is all you would run yourself\n")
        self._say("What follows are the MQTT messages as they pass the broker.\n")

    async def tell(self, provider: str) -> None:
        """Prints until the code is there (`once`), else for ever. Raises CommandFailedError where no code comes."""
        self._introduce(provider)
        try:
            async with asyncio.timeout(_PATIENCE if self._once else None), Client(self._settings) as client:
                await client.subscribe("#")
                while True:
                    incoming = await anext(client)
                    topic = client.relative(incoming.topic)
                    self._print(topic, incoming)
                    if self._code_came(topic, incoming):
                        return
                    await self._buy_when_ready(client, topic, incoming)
        except TimeoutError:
            raise CommandFailedError(f"the demo's code did not come within {_PATIENCE:g} seconds") from None

    async def _buy_when_ready(self, client: Client, topic: str, incoming: Incoming) -> None:
        if topic in ("bridge/state", "provider/state") and b"online" in incoming.payload:
            self._ready.add(topic)
        if len(self._ready) == 2 and not self._bought:  # noqa: PLR2004 - the two above
            self._bought = True
            self._say("\nBoth are online. Now you buy a number: a publish to shomare/buy.\n", "bold")
            await client.publish("buy", json.dumps(_BUY).encode())

    def _code_came(self, topic: str, incoming: Incoming) -> bool:
        if topic != "code" or not incoming.payload:
            return False
        code = incoming.payload.decode()
        self._say(f"\nThe code is {code}. That is all: one message in, the code out.\n", "bold green")
        if not self._once:
            self._invite()
        return self._once

    def _invite(self) -> None:
        port = self._settings.effective_port
        self._say("The system keeps running. Try it from another terminal; Ctrl-C ends it:\n", "bold")
        self._say(f"  mosquitto_sub -p {port} -v -t 'shomare/#'")
        self._say(f"  mosquitto_pub -p {port} -t shomare/query/prices/7/1 -n")
        self._say(f"  mosquitto_pub -p {port} -t shomare/buy -m '{json.dumps({**_BUY, 'transaction': 'mine-1'})}'")
        self._say(f"  mosquitto_pub -p {port} -t shomare/cancel -m current")
        own = f"SHOMARE_MQTT__PORT={port} {which('shomare-mqtt') or sys.argv[0]}"
        self._say(f"  {own} buy --country Russia --operator MTS --application Telegram --wait\n")

    def _print(self, topic: str, incoming: Incoming) -> None:
        if not incoming.payload:
            return  # a topic that is emptied: of no interest to a newcomer
        among_daemons = topic == TOPIC and announcement_in(incoming.payload) is not None
        is_yours = _is_command(topic) and not among_daemons
        who = Text("you    → ", "cyan") if is_yours else Text("daemon → ", "green")
        where = Text(f"{f'{self._settings.base_topic}/{topic}':<{_TOPIC_WIDTH}} ", "bold")
        self._screen.print(who + where + Text(excerpt(incoming.payload)))
        meanings = _AMONG_DAEMONS if among_daemons else _MEANINGS
        meaning = next(((pattern, text) for pattern, text in meanings if matches(pattern, topic)), None)
        if meaning is not None and meaning[0] not in self._explained:
            self._explained.add(meaning[0])
            self._screen.print(Text(f"         {meaning[1]}", "italic dim"))

    def _say(self, text: str, style: str = "") -> None:
        self._screen.print(Text(text, style))


def _is_command(topic: str) -> bool:
    return topic in ("buy", "cancel", "resolve") or topic.endswith("/set") or topic.startswith("query/")


def excerpt(payload: bytes) -> str:
    """What of a payload a newcomer has to see: the fields that matter, the names in a list, or its beginning."""
    text = payload.decode(errors="replace")
    try:
        body = json.loads(text)
    except ValueError:
        return _cut(text)
    if isinstance(body, list):
        names = [str(row.get("name") or row.get("state")) for row in body if isinstance(row, dict)]
        return f"[{_cut(', '.join(names))}]"
    return _fields(body) if isinstance(body, dict) else _cut(text)


def _fields(body: dict[str, Any]) -> str:
    order = body.get("data") or body.get("order")
    inner = order if isinstance(order, dict) else {}
    shown = {key: (body | inner)[key] for key in _TELLING if (body | inner).get(key) is not None}
    return "  ".join(f"{key}: {value}" for key, value in shown.items()) or _cut(json.dumps(body, ensure_ascii=False))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
