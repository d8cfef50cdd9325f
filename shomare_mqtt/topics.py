"""Every topic of the contract, as pure text: ids in topics are percent-encoded, commands recognised, answers named."""

from __future__ import annotations

from urllib.parse import unquote

SUBSCRIPTIONS = (
    "buy",
    "cancel",
    "defaults/+/set",
    "buying/set",
    "resolve",
    "query/#",
)
"""What the daemon subscribes to under the base topic; nothing that it publishes itself matches."""

BRIDGE_STATE = "bridge/state"
"""Whether a daemon takes commands: `online` or `offline`, retained."""

BRIDGE_EVENT = "event/bridge"
"""Where an operator is told what to see to."""

BRIDGE_PROBLEM = "bridge/problem"
"""What needs a person's eyes and is not over, retained."""

_ENCODED = frozenset("/+#%$")


def encode(segment: str) -> str:
    """An id as one level of a topic: `/ + # % $` and control characters percent-encoded as UTF-8 (contract, State)."""
    return "".join(_percent(c) if c in _ENCODED or (not c.isprintable() and c != " ") else c for c in segment)


def _percent(character: str) -> str:
    """A half of a surrogate pair is no character, and becomes a question mark."""
    return "".join(f"%{byte:02X}" for byte in character.encode(errors="replace"))


def decode(segment: str) -> str:
    """The id that a level of a command's topic names.

    Raises UnicodeDecodeError where the percent-encoded bytes are not UTF-8.
    """
    return unquote(segment, errors="strict")


def prices(country: str, operator: str) -> str:
    """The retained price list's topic."""
    return f"prices/{encode(country)}/{encode(operator)}"


def order(order_id: str) -> str:
    """The retained topic of one order."""
    return f"orders/{encode(order_id)}"


def response(command: str) -> str:
    """Where the answer to a command goes."""
    return f"response/{command}"


def matches(pattern: str, topic: str) -> bool:
    """Whether an MQTT topic filter matches a topic (MQTT 5, section 4.7); both without a leading `$`."""
    wanted, given = pattern.split("/"), topic.split("/")
    for position, level in enumerate(wanted):
        if level == "#":
            return True
        if position >= len(given) or level not in ("+", given[position]):
            return False
    return len(wanted) == len(given)
