"""`offers`: where an application can be had, with a progress bar while the daemon reads price lists."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from shomare_mqtt import topics
from shomare_mqtt.cli.bridge import ConnectionLostError, reach
from shomare_mqtt.cli.commands import present
from shomare_mqtt.cli.showing import Known, console
from shomare_mqtt.cli.status import CommandFailedError

if TYPE_CHECKING:
    from shomare_mqtt.cli.bridge import Bridge, Heard
    from shomare_mqtt.cli.commands import Manner
    from shomare_mqtt.config import Mqtt

_COMMAND = "query/offers"
_EVENT = "event/offers"
_LONGEST = 4 * 3600.0
"""Seconds after which the daemon answers with what it has read: ten thousand price lists by the usual limit."""
_SILENCE = 60.0
"""Seconds without a word after which the daemon is asked whether it is still there: all else is read before offers."""
_TICK = 1.0
_INTERRUPTED = "interrupted; nothing was bought. The daemon reads on, and the same command goes on where it is by then"


async def offers(settings: Mqtt, fields: dict[str, Any], manner: Manner) -> None:
    """Asks, and shows what was found once all was read. Raises CommandFailedError, also when cancelled."""
    try:
        async with reach(settings, manner.timeout) as bridge:
            await bridge.listen(_EVENT)
            await bridge.require_daemon(*(() if manner.json else Known.topics(_COMMAND)))
            transaction = await bridge.send(_COMMAND, fields, _LONGEST)
            answer = await _answer(bridge, transaction, manner)
    except asyncio.CancelledError:
        raise CommandFailedError(_INTERRUPTED) from None
    present(answer, _COMMAND, manner, Known.from_topics(bridge.beside))


async def _answer(bridge: Bridge, transaction: str, manner: Manner) -> Heard:
    """The answer, however long it takes while it is seen to go on. Raises CommandFailedError."""
    screen = console()
    is_shown = screen.is_terminal and not manner.json and not manner.quiet
    clock = asyncio.get_running_loop().time
    silent_until = clock() + _SILENCE
    with _progress(screen, is_shown=is_shown) as bar:
        while True:
            bar.refresh()
            try:
                async with asyncio.timeout(min(_TICK, silent_until - clock())):
                    heard = await bridge.next()
            except TimeoutError:
                if clock() < silent_until:
                    continue
                await bridge.ask("query/orders", {"limit": 1})
                silent_until = clock() + _SILENCE
                continue
            silent_until = clock() + _SILENCE
            if _is_answer(heard, transaction):
                return heard
            _advance(bar, heard)


def _is_answer(heard: Heard, transaction: str) -> bool:
    """Raises ConnectionLostError for the word that the daemon has gone."""
    if heard.topic == topics.BRIDGE_STATE and heard.text == "offline":
        raise ConnectionLostError("the daemon went offline before it had read all; ask again once it is back")
    is_here = heard.topic == topics.response(_COMMAND) and isinstance(heard.body, dict)
    return is_here and heard.body.get("transaction") == transaction


def _progress(screen: Any, *, is_shown: bool) -> Progress:
    columns = (TextColumn("Reading price lists"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=screen, auto_refresh=False, transient=True, disable=not is_shown)
    bar.add_task("", total=None)
    return bar


def _advance(bar: Progress, heard: Heard) -> None:
    """Show how far it is, where a message says so."""
    match heard.topic, heard.body:
        case "event/offers", {"read": int(read), "unread": int(unread), "places": int(places)}:
            bar.update(bar.task_ids[0], total=places, completed=read + unread)
