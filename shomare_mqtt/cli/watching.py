"""`watch`: orders and SMS as they come, until a signal."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

from shomare_mqtt import topics
from shomare_mqtt.cli.bridge import reach
from shomare_mqtt.cli.output import write_json
from shomare_mqtt.cli.showing import Known, console, objects, order_line, plain, show_orders, sms_line
from shomare_mqtt.cli.tables import Cell, Line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from shomare_mqtt.cli.bridge import Bridge, Heard
    from shomare_mqtt.cli.commands import Manner
    from shomare_mqtt.config import Mqtt

_ROOMY = 60
"""Columns from which on what is left of a line stands below its words, not below its time."""


async def watch(settings: Mqtt, manner: Manner) -> None:
    """Shows what happens until it is cancelled, as a signal does; raises CommandFailedError without a daemon."""
    with suppress(asyncio.CancelledError):
        await _watch(settings, manner)


async def _watch(settings: Mqtt, manner: Manner) -> None:
    async with reach(settings, manner.timeout) as bridge:
        await bridge.require_daemon(*(() if manner.json else Known.topics("watch")))
        if manner.json:
            await bridge.listen("event/order", "event/sms")
            await _print_each(bridge)
        await bridge.listen("orders", topics.BRIDGE_PROBLEM, "event/order", "event/sms", topics.BRIDGE_EVENT)
        await _show_each(bridge, console(), quiet=manner.quiet)


async def _print_each(bridge: Bridge) -> None:
    while True:
        heard = await bridge.next()
        if heard.topic.startswith("event/") and heard.body is not None:
            write_json(heard.text)


async def _show_each(bridge: Bridge, screen: Console, *, quiet: bool = False) -> None:
    if not quiet:
        screen.print("Watching; Ctrl-C ends it.")
    opened = told = quiet
    while True:
        heard = await bridge.next()
        if heard.topic == "orders" and not opened:
            opened = True
            _show_open(screen, objects(heard.body), Known.from_topics(bridge.beside))
        elif heard.topic == topics.BRIDGE_PROBLEM:
            # What needs eyes already; what comes is told as an event.
            if not told and (line := _problem(heard)) is not None:
                screen.print(line)
            told = True
        elif line := _line(heard):
            now = f"{datetime.now().astimezone():%H:%M:%S %Z}"
            indent = len(now) + 2 if screen.width >= _ROOMY else 2
            screen.print(Line([Cell(now, "dim"), *line.cells], indent))


def _show_open(screen: Console, orders: list[Mapping[str, Any]], known: Known) -> None:
    if orders:
        show_orders(screen, orders, known, hint="")
    else:
        screen.print("No order is open.")


def _problem(heard: Heard) -> Line | None:
    match heard.body:
        case {"problem": {"message": message}}:
            return Line([Cell.folding(plain(message).plain, "yellow")])
    return None


def _line(heard: Heard) -> Line | None:
    """One event in one line; None for what is no event."""
    match heard.topic, heard.body:
        case "event/order", {"order": dict() as order, "previous": previous}:
            return order_line(order, previous)
        case "event/sms", dict() as sms:
            return sms_line(sms)
        case topics.BRIDGE_EVENT, {"message": message}:
            return Line([Cell.folding(plain(message).plain, "yellow")])
        case topics.BRIDGE_STATE, _:
            return Line([Cell.folding(f"The daemon is {plain(heard.text)}.")])
    return None
