"""`watch`: orders and SMS as they come, until a signal."""

from __future__ import annotations

import asyncio
import signal
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.text import Text

from shomare_mqtt import topics
from shomare_mqtt.cli.bridge import reach
from shomare_mqtt.cli.output import write_json
from shomare_mqtt.cli.showing import console, named, objects, plain, reason, show_orders

if TYPE_CHECKING:
    from rich.console import Console

    from shomare_mqtt.cli.bridge import Bridge, Heard
    from shomare_mqtt.cli.commands import Manner
    from shomare_mqtt.config import Mqtt

_ENDING = (signal.SIGINT, signal.SIGTERM)


async def watch(settings: Mqtt, manner: Manner) -> None:
    """Shows what happens. Returns once a signal came; raises CommandFailedError where the daemon cannot be reached."""
    loop, watching = asyncio.get_running_loop(), asyncio.create_task(_watch(settings, manner))
    for number in _ENDING:
        loop.add_signal_handler(number, watching.cancel)
    try:
        await watching
    except asyncio.CancelledError:
        if (task := asyncio.current_task()) is not None and task.cancelling():
            raise
    finally:
        for number in _ENDING:
            loop.remove_signal_handler(number)


async def _watch(settings: Mqtt, manner: Manner) -> None:
    async with reach(settings, manner.timeout) as bridge:
        await bridge.require_daemon()
        if manner.json:
            await bridge.listen("event/order", "event/sms")
            await _print_each(bridge)
        await bridge.listen("orders", "event/order", "event/sms", topics.BRIDGE_EVENT)
        await _show_each(bridge, console(), quiet=manner.quiet)


async def _print_each(bridge: Bridge) -> None:
    while True:
        heard = await bridge.next()
        if heard.topic.startswith("event/") and heard.body is not None:
            write_json(heard.text)


async def _show_each(bridge: Bridge, screen: Console, *, quiet: bool = False) -> None:
    if not quiet:
        screen.print("Watching; Ctrl-C ends it.")
    opened = quiet
    while True:
        heard = await bridge.next()
        if heard.topic == "orders" and not opened:
            opened = True
            if orders := objects(heard.body):
                show_orders(screen, orders)
        elif line := _line(heard):
            screen.print(Text.assemble((f"{datetime.now().astimezone():%H:%M:%S}  ", "dim"), line))


def _line(heard: Heard) -> Text | None:
    """One event in one line; None for what is no event."""
    match heard.topic, heard.body:
        case "event/order", {"order": dict() as order, "previous": previous}:
            return _order_line(order, previous)
        case "event/sms", dict() as sms:
            words = Text.assemble("SMS for ", plain(sms.get("phone")), ": ")
            code = (plain(sms["code"]).plain, "bold green") if sms.get("code") else "no code"
            return Text.assemble(words, code, "  ", plain(sms.get("text")))
        case topics.BRIDGE_EVENT, {"message": message}:
            return Text.assemble((plain(message).plain, "yellow"))
        case topics.BRIDGE_STATE, _:
            return Text.assemble("The daemon is ", plain(heard.text), ".")
    return None


def _order_line(order: dict[str, Any], previous: Any) -> Text:
    state = plain(order.get("state")).plain
    change = f"{plain(previous).plain} → {state}" if previous else state
    product = f"{named(order, 'application')}, {named(order, 'country')}"
    text = Text.assemble("Order ", plain(order.get("order")), "  ", plain(change), "  ", plain(product))
    for more in (order.get("phone"), reason(order.get("error"))):
        if more:
            text.append("  ").append(plain(more))
    return text
