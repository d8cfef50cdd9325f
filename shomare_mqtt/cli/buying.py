"""`buy`: one number, and with `--wait` everything until its code is there."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.live import Live
from rich.text import Text

from shomare_mqtt import topics
from shomare_mqtt.cli.bare import write_bare
from shomare_mqtt.cli.bridge import ConnectionLostError, reach
from shomare_mqtt.cli.commands import order_of, present, refuse_unless_ok
from shomare_mqtt.cli.output import write_json
from shomare_mqtt.cli.showing import Known, console, objects, plain
from shomare_mqtt.cli.status import CommandFailedError, say
from shomare_mqtt.core.render import dumps
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
_AWAY = 45.0
"""Seconds that these have to come back, or as many as the user gives an answer: a restart takes less."""
_SILENCE = 60.0
"""Seconds without a word of the order after which the daemon is asked how it stands."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What ended the waiting: the message as it came; `code` None where the order closed without one."""

    text: str
    code: str | None
    state: str


@dataclass(slots=True)
class _Progress:
    """How far a `buy` has come: sent, perhaps; then the order that it was answered with."""

    sent: bool = False
    order: dict[str, Any] = field(default_factory=dict)

    def interrupted(self) -> str:
        """What it means that the user waits no longer: for the number, for the money, and what to do."""
        if not self.sent:
            return "interrupted; nothing was sent, and nothing is bought"
        order = self.order.get("order")
        if not order:
            return (
                "interrupted before an answer came: the number may be bought all the same; "
                "`shomare-mqtt query orders` tells, and `shomare-mqtt cancel ORDER` gives it back"
            )
        phone = plain(self.order.get("phone") or "the number").plain
        return (
            f"interrupted: {phone} stays bought, as order {plain(order).plain}. To cancel it, so that its money "
            f"returns: `shomare-mqtt cancel {order}`. To see its code: `shomare-mqtt watch` as it comes, or "
            f"`shomare-mqtt query check {order}` later"
        )


async def buy(settings: Mqtt, fields: dict[str, Any], manner: Manner, *, wait: bool) -> None:
    """Buys, and waits for the code if so wished. Raises CommandFailedError where there is none, or when cancelled."""
    progress = _Progress()
    try:
        ended = await _buy(settings, fields, manner, progress, wait=wait)
    except asyncio.CancelledError:
        raise CommandFailedError(progress.interrupted()) from None
    if ended is not None:
        _tell(ended, progress.order, manner)


async def _buy(
    settings: Mqtt, fields: dict[str, Any], manner: Manner, progress: _Progress, *, wait: bool
) -> Ended | None:
    """How the waiting ended; None where nobody wanted to wait. Raises CommandFailedError."""
    try:
        async with reach(settings, manner.timeout) as bridge:
            if wait:
                await bridge.listen(*_EVENTS)
            await bridge.require_daemon(*(() if manner.json else Known.topics("buy")))
            progress.sent = True
            answer = await bridge.ask("buy", fields)
            present(answer, "buy", manner, Known.from_topics(bridge.beside))
            if not wait:
                return None
            progress.order = order = _awaited(answer)
            # A repeated answer shows the order as it was then.
            ended = await _caught_up(bridge, order) if answer.body.get("replayed") else _end_of_order(order)
            return ended or await _wait(bridge, order, manner)
    except CommandFailedError as error:
        if not progress.order:
            raise
        say(f"{error}; the order goes on, and so does the waiting")
    return await _wait_again(settings, progress.order, manner)


def _awaited(answer: Heard) -> dict[str, Any]:
    """The order that was bought. Raises CommandFailedError where the answer names none."""
    data = answer.body.get("data")
    if order_of(data) is None:
        raise CommandFailedError(
            "the answer names no order, so there is nothing to wait for; a number may have been bought all the same: "
            "`shomare-mqtt query orders` tells"
        )
    return dict(data)


class _Absence:
    """How long there has been no daemon to hear from. `longest`: seconds that it may take."""

    def __init__(self, longest: float) -> None:
        self._longest = longest
        self._since: float | None = None

    def over(self) -> None:
        """It is there."""
        self._since = None

    def goes_on(self, error: CommandFailedError, order: str) -> None:
        """Raises CommandFailedError where that is too long."""
        now = asyncio.get_running_loop().time()
        self._since = now if self._since is None else self._since
        if now - self._since >= self._longest:
            later = f"`shomare-mqtt query check {order}` shows its code once the daemon is back"
            raise CommandFailedError(f"{error}; order {order} goes on, and is no longer waited for: {later}") from None


async def _wait_again(settings: Mqtt, order: Mapping[str, Any], manner: Manner) -> Ended:
    """Goes on after the connection or the daemon was lost. Raises CommandFailedError where it stays away."""
    absence = _Absence(max(_AWAY, manner.timeout))
    while True:
        await asyncio.sleep(_RECONNECT)
        try:
            return await _once_more(settings, order, manner, absence)
        except CommandFailedError as error:
            absence.goes_on(error, order["order"])


async def _once_more(settings: Mqtt, order: Mapping[str, Any], manner: Manner, absence: _Absence) -> Ended:
    async with reach(settings, manner.timeout) as bridge:
        await bridge.listen(*_EVENTS)
        await bridge.require_daemon()
        ended = await _caught_up(bridge, order)
        absence.over()
        return ended or await _wait(bridge, order, manner)


async def _caught_up(bridge: Bridge, order: Mapping[str, Any]) -> Ended | None:
    """What happened while nobody listened; None where the order still waits. Raises CommandFailedError."""
    answer = await bridge.ask("query/orders", {"state": "all", "limit": 500})
    refuse_unless_ok(answer.body)
    if not isinstance(known := answer.body.get("data"), list):
        raise CommandFailedError("the daemon's list of orders cannot be understood")
    now = next((each for each in objects(known) if each.get("order") == order["order"]), None)
    return Ended("", None, "no longer known to the daemon") if now is None else _end_of_order(now)


def _end_of_order(order: Mapping[str, Any]) -> Ended | None:
    """How an order has ended, as it is shown; None where it still waits."""
    codes = [code for sms in objects(order.get("sms")) if (code := _code(sms))]
    state = order.get("state")
    if not codes and isinstance(state, str) and state in OPEN_STATES:
        return None
    return Ended(dumps(order).decode(), codes[-1] if codes else None, plain(state).plain)


def _code(sms: Mapping[str, Any]) -> str | None:
    """The code of an SMS, which is text; as a number it is one all the same."""
    code = sms.get("code")
    return str(code) if code and isinstance(code, str | int) and not isinstance(code, bool) else None


async def _wait(bridge: Bridge, order: Mapping[str, Any], manner: Manner) -> Ended:
    """Waits for the end. Raises ConnectionLostError where the daemon goes, and CommandFailedError where it is mute."""
    screen, clock = console(), asyncio.get_running_loop().time
    counting = screen.is_terminal and not manner.json and not manner.quiet
    silent_until = clock() + _SILENCE
    with Live(console=screen, auto_refresh=False, transient=True) as live:
        while True:
            if counting:
                live.update(_countdown(order), refresh=True)
            try:
                async with asyncio.timeout(min(_TICK if counting else _SILENCE, silent_until - clock())):
                    ended = _end_of(await bridge.next(), order["order"])
            except TimeoutError:
                if clock() < silent_until:
                    continue
                ended = await _caught_up(bridge, order)
                silent_until = clock() + _SILENCE
            if ended:
                return ended


def _countdown(order: Mapping[str, Any]) -> Text:
    text = Text.assemble("Waiting for the SMS to ", plain(order.get("phone")))
    try:
        left = (datetime.fromisoformat(order["expires_at"]) - datetime.now(UTC)).total_seconds()
    except (KeyError, TypeError, ValueError, OverflowError):
        return text
    minutes, seconds = divmod(max(0, int(left)), 60)
    return text.append(f", {minutes}:{seconds:02} left")


def _end_of(heard: Heard, order: str) -> Ended | None:
    """Raises ConnectionLostError for the word that the daemon has gone."""
    match heard.topic, heard.body:
        case "event/sms", {"order": named} as sms if named == order and (code := _code(sms)):
            return Ended(heard.text, code, "received")
        case "event/order", {"order": {"order": named, "state": str(state)}} if named == order:
            return None if state in OPEN_STATES else Ended(heard.text, None, state)
        case topics.BRIDGE_STATE, _ if heard.text == "offline":
            raise ConnectionLostError("the daemon went offline")
    return None


def _tell(ended: Ended, order: Mapping[str, Any], manner: Manner) -> None:
    if manner.json and ended.text:
        write_json(ended.text)
    if ended.code is None:
        raise CommandFailedError(f"order {order['order']} is {ended.state}, and no code came")
    if manner.quiet:
        write_bare(ended.code)
    elif not manner.json:
        console().print(Text.assemble("The code: ", (plain(ended.code).plain, "bold green")))
