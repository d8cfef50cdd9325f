"""Labels of metrics: few, and none that a stranger can make up, since each one takes memory here and in Prometheus."""

from __future__ import annotations

_OTHER = "other"
"""Every topic that is no command of ours."""
_SETS = tuple(f"defaults/{field}/set" for field in ("country", "operator", "application", "max_price"))
_QUERIES = tuple(
    f"query/{what}"
    for what in (
        "profile",
        "countries",
        "operators",
        "applications",
        "prices",
        "price",
        "offers",
        "check",
        "orders",
        "statistics",
    )
)
COMMANDS = ("buy", "cancel", "resolve", "buying/set", *_SETS, *_QUERIES, _OTHER)
"""Every value that the label `command` can have."""
_KNOWN = frozenset(COMMANDS) - {_OTHER}


def command_label(command: str) -> str:
    """A command's topic without the ids in it: `query/prices/7/1` is `query/prices`."""
    if command.startswith("query/"):
        command = "/".join(command.split("/", 2)[:2])
    return command if command in _KNOWN else _OTHER
