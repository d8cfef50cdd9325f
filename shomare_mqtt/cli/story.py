"""What the demo tells: each message as it passes the broker, and once for each topic what it is for."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import textwrap
from decimal import Decimal
from shutil import which
from typing import TYPE_CHECKING, Any

from rich.text import Text

from shomare_mqtt.cli.demo_broker import USUAL
from shomare_mqtt.cli.status import CommandFailedError
from shomare_mqtt.core.render import money_said
from shomare_mqtt.mqtt.announcements import TOPIC, announcement_in
from shomare_mqtt.mqtt.client import Client
from shomare_mqtt.topics import BRIDGE_PROBLEM, matches

if TYPE_CHECKING:
    from rich.console import Console

    from shomare_mqtt.cli.demo_broker import Served
    from shomare_mqtt.config import Settings
    from shomare_mqtt.model import Incoming

_PATIENCE = 60.0
"""Seconds after which a demo that is to end by itself has failed."""
_LONGEST = 100
_TOOLS = ("mosquitto_pub", "mosquitto_sub", "mosquitto_rr")
_TOPIC_WIDTH = 42
_INDENT = 9
_NO_BREAK = "\N{NO-BREAK SPACE}"
_TOGETHER = re.compile(r"(?<=\w:) (?=\S)|(?<=\d) (?=[A-Z]{3}\b)")
"""Spaces at which no line ends: between a name and its value, an amount and its currency."""
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
    ("bridge/journal", "How far its records on disk have come: it notices by this when an old backup was put back."),
    ("bridge/health", "How it is doing: uptime, counters, open orders."),
    ("provider/state", "Whether the provider answers, and whether it was understood."),
    (BRIDGE_PROBLEM, "What needs a person's eyes and is not over: null where nothing does."),
    ("countries", "The provider's three lists: what can be named in a buy."),
    ("profile", "The account."),
    ("profile/balance", "The balance as a plain number, for a display."),
    ("buying", "The safety switch: publish off to buying/set, and nothing is bought."),
    ("buy", "THE COMMAND: anything that can publish to MQTT can buy a number, by ids or by names."),
    ("response/buy", "THE ANSWER: the order, with the number to type into the application."),
    ("orders/+", "The order, kept by the broker: whoever connects later sees it too, without the code."),
    ("orders", "All open orders."),
    ("current", "The newest order, for a display."),
    ("statistics", "What was bought, what came of it and what it cost, in the last 30 days."),
    ("defaults/+", "What a buy takes that names less."),
    ("event/order", "Each step of an order, once."),
    ("event/sms", "THE SMS, once, with the code taken out of its text. It is on disk before it is published."),
    ("code", "The code alone, as plain text."),
)

_TOLD_ONCE = ("bridge/info", "bridge/journal")
_MONEY = ("price", "balance")
_BETWEEN_DAEMONS = "(for other daemons)"
_AMONG_DAEMONS = ((TOPIC, "Asks whether another daemon is here: two would buy everything twice."),)


class Story:
    """Listens to everything below the base topic and prints it; buys one number once a daemon is there."""

    def __init__(self, settings: Settings, screen: Console, served: Served, *, once: bool) -> None:
        self._settings = settings.mqtt
        self._provider = settings.provider.base_url
        self._page = f"http://{settings.web.host}:{settings.web.port}/"
        self._unit = settings.provider.currency
        self._screen = screen
        self._served = served
        self._once = once
        self._explained: set[str] = set()
        self._bought = False
        self._invited = False
        self._ready: set[str] = set()

    def _introduce(self) -> None:
        self._say("A whole system, gone when you end it. No real money, no real numbers:\n", "bold")
        self._say(f"  an MQTT broker          127.0.0.1, port {self._served.port}: {self._served.name}")
        if self._served.remark:
            self._say(f"                          ({self._served.remark})")
        self._say(f"  a simulated provider    {self._provider}")
        self._say("  the shomare-mqtt daemon, between the two: it is all you would run yourself")
        self._say(f"  its page                {self._page}\n")
        self._say("What follows are the MQTT messages as they pass the broker.\n")

    async def tell(self, *, quiet: bool = False) -> None:
        """Prints until the code is there (`once`), else for ever; `quiet`: without an introduction.

        Raises CommandFailedError where no code comes.
        """
        if not quiet:
            self._introduce()
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
        if not self._invited:
            self._say(f"\nThe code is {code}. That is all: one message in, the code out.\n", "bold green")
            self._invited = True
            if not self._once:
                self._say(f"Do the same in a browser, buy and see the code arrive: {self._page}\n", "bold")
                self._say(invitation(self._served.port), style="")
        return self._once

    def _print(self, topic: str, incoming: Incoming) -> None:
        among_daemons = topic == TOPIC and announcement_in(incoming.payload) is not None
        meanings = _AMONG_DAEMONS if among_daemons else _MEANINGS
        meaning = next(((pattern, text) for pattern, text in meanings if matches(pattern, topic)), None)
        known = meaning is not None and meaning[0] in self._explained
        if not incoming.payload or (known and (among_daemons or topic in _TOLD_ONCE)):
            return  # a topic that is emptied, or one with news for machines: of no interest to a newcomer
        self._learn_unit(topic, incoming.payload)
        is_yours = _is_command(topic) and not among_daemons
        who = Text("you    → ", "cyan") if is_yours else Text("daemon → ", "green")
        where = Text(f"{self._settings.base_topic}/{topic}", "bold")
        self._line(who, where, _BETWEEN_DAEMONS if among_daemons else excerpt(incoming.payload, self._unit, topic))
        if meaning is not None and not known:
            self._explained.add(meaning[0])
            self._below(meaning[1], "italic dim")

    def _learn_unit(self, topic: str, payload: bytes) -> None:
        """The provider's own word for its money is in the account's profile."""
        if topic == "profile":
            self._unit = json.loads(payload).get("currency") or self._unit

    def _line(self, who: Text, where: Text, what: str) -> None:
        """On one line where the terminal is wide enough."""
        padded = where.copy()
        padded.pad_right(max(0, _TOPIC_WIDTH - len(where)) + 1)
        if len(who) + len(padded) + len(what) <= self._screen.width:
            self._screen.print(who + padded + Text(what))
        else:
            self._screen.print(who + where)
            self._below(what, "")

    def _below(self, text: str, style: str) -> None:
        for line in textwrap.wrap(_TOGETHER.sub(_NO_BREAK, text), max(self._screen.width - _INDENT, 20)):
            self._screen.print(Text(f"{'':{_INDENT}}{line}".replace(_NO_BREAK, " "), style))

    def _say(self, text: str, style: str = "") -> None:
        self._screen.print(Text(text, style))


def _is_command(topic: str) -> bool:
    return topic in ("buy", "cancel", "resolve") or topic.endswith("/set") or topic.startswith("query/")


def invitation(port: int) -> str:
    """What to try next, to be copied; where the port is not the usual one, first what makes it the usual one."""
    lines = ["The system keeps running; Ctrl-C ends it. Try it from another terminal:", ""]
    if port != USUAL:
        lines += [
            f"Its broker is at port {port}, not {USUAL}: in that terminal, first copy this line.",
            "",
            to_copy(port),
            "",
        ]
    if which("mosquitto_sub") is None:
        lines += ["apt install mosquitto-clients brings the tools named here.", ""]
    program = which("shomare-mqtt") or sys.argv[0]
    own = f"{sys.executable} -m shomare_mqtt" if program.endswith(".py") else program
    lines += [
        "mosquitto_sub -v -t 'shomare/#'",
        "mosquitto_rr -V 311 -W 60 -t shomare/query/prices/7/1 -e shomare/response/query/prices/7/1 -n",
        "mosquitto_pub -t shomare/buy -m '" + json.dumps(_BUY).replace(_BUY["transaction"], "'$(date +%s%N)'") + "'",
        "mosquitto_pub -t shomare/cancel -m current",
        f"{own} buy --country Russia --operator MTS --application Telegram --wait",
        "",
    ]
    return "\n".join(lines)


def to_copy(port: int) -> str:
    """A line for a shell, in which mosquitto's tools and our own commands then speak to this port."""
    tools = "".join(f'{tool}() {{ command {tool} -p {port} "$@"; }}; ' for tool in _TOOLS)
    return f"{tools}export SHOMARE_MQTT__PORT={port}"


def excerpt(payload: bytes, unit: str, topic: str = "") -> str:
    """What of a payload a newcomer has to see: the fields that matter, the names in a list, or its beginning.

    Money stands with its `unit`, also where the `topic` holds the plain number.
    """
    text = payload.decode(errors="replace")
    try:
        body = json.loads(text)
    except ValueError:
        return _cut(text)
    if topic == "profile/balance":
        return f"{text}  ({_money(body, unit)})"
    if topic == "statistics":
        return _counted(body["total"], unit)
    if topic == BRIDGE_PROBLEM and body["problem"]:
        return str(body["problem"]["message"])
    if isinstance(body, list):
        names = [str(row.get("name") or row.get("state")) for row in body if isinstance(row, dict)]
        return f"[{_cut(', '.join(names))}]"
    return _fields(body, unit) if isinstance(body, dict) else _cut(text)


def _counted(total: dict[str, Any], unit: str) -> str:
    return f"orders: {total['orders']}  with a code: {total['received']}  spent: {_money(total['spent'], unit)}"


def _fields(body: dict[str, Any], unit: str) -> str:
    order = body.get("data") or body.get("order")
    inner = order if isinstance(order, dict) else {}
    shown = {key: (body | inner)[key] for key in _TELLING if (body | inner).get(key) is not None}
    for key in _MONEY:
        if key in shown:
            shown[key] = _money(shown[key], shown.get("currency") or unit)
    if "balance" in shown:
        shown.pop("currency", None)
    if isinstance(error := body.get("error"), dict):
        shown["error"] = error.get("message")
    return "  ".join(f"{key}: {value}" for key, value in shown.items()) or _cut(json.dumps(body, ensure_ascii=False))


def _money(value: Any, unit: str) -> str:
    """Of anything else than a number, as it is."""
    return money_said(Decimal(str(value)), unit) if isinstance(value, int | float) else str(value)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
