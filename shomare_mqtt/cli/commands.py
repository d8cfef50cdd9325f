"""`cancel` and `query`: one command to the daemon, its answer shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from shomare_mqtt import topics
from shomare_mqtt.cli.bare import show_bare
from shomare_mqtt.cli.bridge import reach
from shomare_mqtt.cli.output import write_json
from shomare_mqtt.cli.showing import NOTHING, Known, console, local_time, plain, reason, show
from shomare_mqtt.cli.showing import named as named_part
from shomare_mqtt.cli.status import CommandFailedError
from shomare_mqtt.cli.words import money
from shomare_mqtt.core.ids import is_id

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from shomare_mqtt.cli.bridge import Heard
    from shomare_mqtt.config import Mqtt


_LONGEST_COMMAND = 10_000
"""Characters of a topic that no id comes near, and that MQTT carries in any script (65,535 bytes)."""
_TO_SETTLE = ". Nobody knows whether"
"""What follows in the daemon's message is for whoever settles the order by MQTT."""


_NOT_UNDERSTOOD = ("invalid_command", "unknown_name", "ambiguous_name")
"""Errors of a command that the daemon could not even begin to carry out."""
_REPLAYED = "This transaction was used before: nothing was done again, and this is the answer as it was then."


class Manner(NamedTuple):
    """How a client command behaves: `timeout` in seconds for the answer; `json` prints it as it came.

    `quiet` prints nothing but what was asked for; never together with `json`.
    `long`: what is listed is shown with a line for each field. `file`: the settings file that was named.
    """

    timeout: float
    json: bool
    quiet: bool = False
    long: bool = False
    file: Path | None = None


async def cancel(settings: Mqtt, target: str, manner: Manner) -> None:
    """Cancels an order, `current`, or a purchase. Raises CommandFailedError."""
    await _once(settings, "cancel", {"order" if target == "current" or is_id(target) else "purchase": target}, manner)


async def query(settings: Mqtt, what: str, ids: Sequence[str], fields: dict[str, Any], manner: Manner) -> None:
    """Asks for something; ids travel in the topic. Raises CommandFailedError."""
    command = "/".join(("query", what, *map(topics.encode, ids)))
    if len(command) > _LONGEST_COMMAND:
        raise CommandFailedError("that is too long for an id")
    await _once(settings, command, fields, manner)


async def _once(settings: Mqtt, command: str, fields: dict[str, Any], manner: Manner) -> None:
    async with reach(settings, manner.timeout) as bridge:
        await bridge.require_daemon(*(() if manner.json else Known.topics(command)))
        answer = await bridge.ask(command, fields)
    present(answer, command, manner, Known.from_topics(bridge.beside))


def present(answer: Heard, command: str, manner: Manner, known: Known = NOTHING) -> None:
    """Prints an answer, with what else is known. Raises CommandFailedError for every status but `ok`."""
    if manner.json:
        write_json(answer.text)
    refuse_unless_ok(answer.body, known, command)
    what = command.split("/")[1] if command.startswith("query/") else command
    if manner.quiet:
        show_bare(what, answer.body.get("data"))
    elif not manner.json:
        show(console(), what, answer.body.get("data"), known, long=manner.long)
        if answer.body.get("replayed") is True:
            console().print(_REPLAYED)


def refuse_unless_ok(answer: dict[str, Any], known: Known = NOTHING, command: str = "") -> None:
    """Raises CommandFailedError with what an answer says went wrong, and what it means for the money."""
    status, error = answer.get("status"), answer.get("error")
    if status == "ok":
        return
    code = error.get("code") if isinstance(error, dict) else None
    said = plain(reason(error) or "the daemon gave no reason").plain
    text = said + (f" ({plain(code).plain})" if code else "")
    if status == "unknown":
        text = _in_doubt(said.partition(_TO_SETTLE)[0], code, answer.get("data"), known)
    elif status != "error":
        text = (
            f"the answer has no status that is known ({plain(status).plain}), so nobody can tell what was done: {text}"
        )
    elif code == "buying_paused":
        text += "; `shomare-mqtt buying` shows why, and what to do"
    elif command == "buy" and code in _NOT_UNDERSTOOD:
        text += "; nothing was bought"
    raise CommandFailedError(text)


def _in_doubt(said: str, code: Any, data: Any, known: Known) -> str:
    """A purchase of which nobody knows whether it was made: what was asked for, and how it is settled."""
    order = data if isinstance(data, dict) else {}
    named, who = order_of(order), "ORDER"
    asked = "It"
    if named:
        who = named
        product = f"{named_part(order, 'application')}, {named_part(order, 'country')}"
        price = "" if order.get("price") is None else f", at {money(order['price'], known.unit)}"
        asked = f"Order {named} ({product}{price}, {local_time(order.get('created_at'))})"
    charged = order.get("charged")
    fell = "" if charged is None else f"The balance fell by {money(charged, known.unit)} meanwhile. "
    coded = f" ({plain(code).plain})" if code else ""
    listed = "`shomare-mqtt query orders --state all`"
    return plain(
        f"nobody knows yet whether the number was bought, and the money may be gone: {said}{coded}. {asked} is not "
        f"bought again by itself. {fell}Within a minute or two the balance may tell: {listed}. If it does not, look at "
        f"your numbers on the provider's site: `shomare-mqtt resolve {who} --bought PURCHASE PHONE` where it is "
        f"there, `shomare-mqtt resolve {who} --not-bought` where it is not"
    ).plain


def order_of(data: Any) -> str | None:
    """Which order the `data` of an answer names; None where it names none."""
    order = data.get("order") if isinstance(data, dict) else None
    return order if isinstance(order, str) and order else None
