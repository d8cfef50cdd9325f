"""The log, to stderr: one line for each thing that matters, as text or JSON, and no secret in any of them.

The daemon's code logs to `logging.getLogger(__name__)` as usual; `extra={"order": …}` becomes fields of the JSON form.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TextIO

from shomare_mqtt.core.masking import Mask
from shomare_mqtt.normalization import escaped_for, one_line, visible

if TYPE_CHECKING:
    from shomare_mqtt.config.held import Log

_ORDINARY = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_PRIORITIES = ((logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
_OTHERS = ("asyncio", "aiohttp", "amqtt", "transitions", "paho")


def set_up(log: Log, secrets: tuple[str, ...], stream: TextIO | None = None, *, whole: tuple[str, ...] = ()) -> Mask:
    """Makes stderr (or `stream`) the only handler of the root logger, in the wanted level and format; its mask.

    For `secrets` and `whole` see Mask.
    """
    mask = Mask(secrets, whole)
    change(log, mask, stream)
    for name in _OTHERS:
        # Libraries tell of connections that come and go, which the daemon says in words of its own.
        logging.getLogger(name).setLevel(logging.ERROR if name != "asyncio" else logging.WARNING)
    return mask


def change(log: Log, mask: Mask, stream: TextIO | None = None) -> None:
    """Another level and format from now on; what the mask has learnt stays masked."""
    target = sys.stderr if stream is None else stream
    handler = logging.StreamHandler(target)
    handler.setFormatter(_formatter(log.format, mask, target))
    logging.basicConfig(level=log.level.upper(), handlers=[handler], force=True)


def _formatter(kind: str, mask: Mask, stream: TextIO) -> logging.Formatter:
    if kind == "json":
        return JsonFormatter(mask, stream.encoding)
    return JournalFormatter(mask) if _is_journal(stream) else TextFormatter(mask)


def _is_journal(stream: TextIO) -> bool:
    """Whether the stream is the journal's own (systemd.exec, $JOURNAL_STREAM): it adds the time itself."""
    try:
        stat = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{stat.st_dev}:{stat.st_ino}"


class TextFormatter(logging.Formatter):
    """`2025-11-24 03:16:00+0330 INFO    orders: message`, in local time; a traceback follows in lines of its own."""

    default_msec_format = None

    def __init__(self, mask: Mask) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(where)s: %(message)s", "%Y-%m-%d %H:%M:%S%z")
        self._mask = mask

    def format(self, record: logging.LogRecord) -> str:
        """One record as text."""
        record.where = record.name.removeprefix("shomare_mqtt.")
        return self._mask.text(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """The line itself, in which nothing that a stranger sent can begin another one."""
        return visible(super().formatMessage(record))


class JournalFormatter(TextFormatter):
    """As systemd's journal wants it: each line with its priority (sd-daemon(3)), and no time."""

    def __init__(self, mask: Mask) -> None:
        super().__init__(mask)
        self._style = logging.PercentStyle("%(where)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """One record, each of its lines with the priority."""
        priority = next((number for level, number in _PRIORITIES if record.levelno >= level), 7)
        return "\n".join(f"<{priority}>{line}" for line in super().format(record).splitlines())


class JsonFormatter(logging.Formatter):
    """One JSON object a line: `time`, `level`, `logger`, `message`, `exception`, and what the record holds as extra."""

    def __init__(self, mask: Mask, encoding: str | None = None) -> None:
        super().__init__()
        self._mask = mask
        self._encoding = encoding

    def format(self, record: logging.LogRecord) -> str:
        """One record as JSON."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC)
            .isoformat(timespec="milliseconds")
            .replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self._mask.text(record.getMessage()),
        }
        if record.exc_info:
            line["exception"] = self._mask.text(self.formatException(record.exc_info))
        if record.stack_info:
            line["stack"] = self._mask.text(record.stack_info)
        extra = {k: self._plain(v) for k, v in vars(record).items() if k not in _ORDINARY and k not in line}
        return escaped_for(self._encoding, one_line(json.dumps(line | extra, ensure_ascii=False)))

    def _plain(self, value: object) -> object:
        return value if value is None or isinstance(value, bool | int | float) else self._mask.text(str(value))
