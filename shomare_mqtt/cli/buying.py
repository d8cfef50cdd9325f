"""`buy`: one number, and with `--wait` everything until its code is there."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.live import Live
from rich.text import Text

from shomare_mqtt.cli.bridge import ConnectionLostError, reach
from shomare_mqtt.cli.commands import present, refuse_unless_ok
from shomare_mqtt.cli.output import write_json
from shomare_mqtt.cli.showing import console, plain
from shomare_mqtt.cli.status import CommandFailedError
from shomare_mqtt.model import OPEN_STATES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shomare_mqtt.cli.bridge import Bridge, Heard
    from shomare_mqtt.cli.commands import Manner
    from shomare_mqtt.config import Mqtt

_EVENTS = ("event/sms", "event/order")
_TICK = 1.0
_RECONNECT = 2.0
"""Seconds between attempts at a broker or a daemon that went away while a code was awaited."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What ended the waiting: the message as it came; `code` None where the order closed without one."""

    text: str
    code: str | None
    state: str


async def buy(settings: Mqtt, fields: dict[str, Any], manner: Manner, *, wait: bool) -> None:
    """Buys, and waits for the code if so wished. Raises CommandFailedError where there is none."""
    order: dict[str, Any] = {}
    ended: Ended | None = None
    try:
        async with reach(settings, manner.timeout) as bridge:
            if wait:
                await bridge.listen(*_EVENTS)
            await bridge.require_daemon()
            answer = await bridge.ask("buy", fields)
            present(answer, "buy", manner)
            if not wait:
                return
            order = answer.body["data"]
            # A repeated answer shows the order as it was then.
            ended = await _caught_up(bridge, order) if answer.body.get("replayed") else None
            ended = ended or await _wait(bridge, order, manner)
    except ConnectionLostError as error:
        if not order:
            raise
        _say(f"{error}; the order goes on, and so does the waiting")
    while ended is None:
        await asyncio.sleep(_RECONNECT)
        ended = await _wait_again(settings, order, manner)
    _tell(ended, order, manner)


async def _wait_again(settings: Mqtt, order: Mapping[str, Any], manner: Manner) -> Ended | None:
    """Goes on after the connection was lost; None where that failed again."""
    try:
        async with reach(settings, manner.timeout) as bridge:
            await bridge.listen(*_EVENTS)
            await bridge.require_daemon()
            return await _caught_up(bridge, order) or await _wait(bridge, order, manner)
    except CommandFailedError:
        return None


async def _caught_up(bridge: Bridge, order: Mapping[str, Any]) -> Ended | None:
    """What happened while nobody listened; None where the order still waits."""
    answer = await bridge.ask("query/orders", {"state": "all", "limit": 500})
    refuse_unless_ok(answer.body)
    now = next((each for each in answer.body["data"] if each["order"] == order["order"]), None)
    if now is None:
        return Ended("", None, "no longer known to the daemon")
    codes = [sms["code"] for sms in now["sms"] if sms["code"]]
    if codes or now["state"] not in OPEN_STATES:
        return Ended(json.dumps(now, default=float), codes[-1] if codes else None, now["state"])
    return None


async def _wait(bridge: Bridge, order: Mapping[str, Any], manner: Manner) -> Ended:
    screen = console()
    counting = screen.is_terminal and not manner.json
    with Live(console=screen, auto_refresh=False, transient=True) as live:
        while True:
            if counting:
                live.update(_countdown(order), refresh=True)
            try:
                async with asyncio.timeout(_TICK if counting else None):
                    heard = await bridge.next()
            except TimeoutError:
                continue
            if ended := _end_of(heard, order["order"]):
                return ended


def _countdown(order: Mapping[str, Any]) -> Text:
    text = Text.assemble("Waiting for the SMS to ", plain(order.get("phone")))
    try:
        left = (datetime.fromisoformat(order["expires_at"]) - datetime.now(UTC)).total_seconds()
    except (KeyError, TypeError, ValueError):
        return text
    minutes, seconds = divmod(max(0, int(left)), 60)
    return text.append(f", {minutes}:{seconds:02} left")


def _end_of(heard: Heard, order: str) -> Ended | None:
    match heard.topic, heard.body:
        case "event/sms", {"order": named, "code": str(code)} if named == order:
            return Ended(heard.text, code, "received")
        case "event/order", {"order": {"order": named, "state": state}} if named == order and state not in OPEN_STATES:
            return Ended(heard.text, None, state)
    return None


def _tell(ended: Ended, order: Mapping[str, Any], manner: Manner) -> None:
    if manner.json:
        write_json(ended.text)
    if ended.code is None:
        raise CommandFailedError(f"order {order['order']} is {ended.state}, and no code came")
    if not manner.json:
        console().print(Text.assemble("The code: ", (plain(ended.code).plain, "bold green")))


def _say(text: str) -> None:
    sys.stderr.write(f"shomare-mqtt: {text}\n")
