"""`cancel` and `query`: one command to the daemon, its answer shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from shomare_mqtt import topics
from shomare_mqtt.cli.bridge import reach
from shomare_mqtt.cli.output import write_json
from shomare_mqtt.cli.showing import console, show
from shomare_mqtt.cli.status import CommandFailedError
from shomare_mqtt.core.ids import is_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shomare_mqtt.cli.bridge import Heard
    from shomare_mqtt.config import Mqtt


class Manner(NamedTuple):
    """How a client command behaves: `timeout` in seconds for the answer; `json` prints it as it came."""

    timeout: float
    json: bool


async def cancel(settings: Mqtt, target: str, manner: Manner) -> None:
    """Cancels an order, `current`, or a purchase. Raises CommandFailedError."""
    await _once(settings, "cancel", {"order" if target == "current" or is_id(target) else "purchase": target}, manner)


async def query(settings: Mqtt, what: str, ids: Sequence[str], fields: dict[str, Any], manner: Manner) -> None:
    """Asks for something; ids travel in the topic. Raises CommandFailedError."""
    await _once(settings, "/".join(("query", what, *map(topics.encode, ids))), fields, manner)


async def _once(settings: Mqtt, command: str, fields: dict[str, Any], manner: Manner) -> None:
    async with reach(settings, manner.timeout) as bridge:
        await bridge.require_daemon()
        answer = await bridge.ask(command, fields)
    present(answer, command, manner)


def present(answer: Heard, command: str, manner: Manner) -> None:
    """Prints an answer. Raises CommandFailedError for every status but `ok`."""
    if manner.json:
        write_json(answer.text)
    refuse_unless_ok(answer.body)
    if not manner.json:
        what = command.split("/")[1] if command.startswith("query/") else command
        show(console(), what, answer.body.get("data"))


def refuse_unless_ok(answer: dict[str, Any]) -> None:
    """Raises CommandFailedError with what an answer says went wrong, and what it means for the money."""
    if answer.get("status") == "ok":
        return
    error = answer.get("error") or {}
    text = f"{error.get('message') or 'the daemon gave no reason'} ({error.get('code')})"
    if answer.get("status") == "unknown":
        order = (answer.get("data") or {}).get("order")
        text = (
            f"nobody knows yet whether the number was bought, and the money may be gone: {text}. It is not bought "
            f"again by itself; `shomare-mqtt query orders` shows how order {order} ends"
        )
    raise CommandFailedError(text)
