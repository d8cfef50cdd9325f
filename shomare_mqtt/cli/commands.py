"""`cancel` and `query`: one command to the daemon, its answer shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from shomare_mqtt import topics
from shomare_mqtt.cli.bridge import reach
from shomare_mqtt.cli.output import write_json
from shomare_mqtt.cli.showing import NOTHING, Known, console, plain, reason, show
from shomare_mqtt.cli.status import CommandFailedError
from shomare_mqtt.core.ids import is_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shomare_mqtt.cli.bridge import Heard
    from shomare_mqtt.config import Mqtt


_LONGEST_COMMAND = 10_000
"""Characters of a topic that no id comes near, and that MQTT carries in any script (65,535 bytes)."""


class Manner(NamedTuple):
    """How a client command behaves: `timeout` in seconds for the answer; `json` prints it as it came.

    `long`: what is listed is shown with a line for each field.
    """

    timeout: float
    json: bool
    long: bool = False


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
    refuse_unless_ok(answer.body)
    if not manner.json:
        what = command.split("/")[1] if command.startswith("query/") else command
        show(console(), what, answer.body.get("data"), known, long=manner.long)


def refuse_unless_ok(answer: dict[str, Any]) -> None:
    """Raises CommandFailedError with what an answer says went wrong, and what it means for the money."""
    status, error = answer.get("status"), answer.get("error")
    if status == "ok":
        return
    code = error.get("code") if isinstance(error, dict) else None
    text = plain(reason(error) or "the daemon gave no reason").plain + (f" ({plain(code).plain})" if code else "")
    if status == "unknown":
        named = order_of(answer.get("data"))
        text = (
            f"nobody knows yet whether the number was bought, and the money may be gone: {text}. It is not bought "
            f"again by itself; `shomare-mqtt query orders` shows how {f'order {named}' if named else 'its order'} ends"
        )
    elif status != "error":
        text = (
            f"the answer has no status that is known ({plain(status).plain}), so nobody can tell what was done: {text}"
        )
    raise CommandFailedError(text)


def order_of(data: Any) -> str | None:
    """Which order the `data` of an answer names; None where it names none."""
    order = data.get("order") if isinstance(data, dict) else None
    return order if isinstance(order, str) and order else None
