"""What systemd is told while the daemon runs (sd_notify(3)): one datagram each, so no library is needed."""

from __future__ import annotations

import os
import socket
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Notifier:
    """Tells the service's supervisor how things stand; silent where there is none (no `NOTIFY_SOCKET`)."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        given = environ.get("NOTIFY_SOCKET", "")
        # A leading @ stands for Linux's abstract namespace (sd_notify(3)).
        self._address = "\0" + given[1:] if given.startswith("@") else given
        self._told = ""
        self.note = ""
        """Stands behind each status: what came of reading the settings again."""
        self._is_ready = False
        self._ending = False

    def ready(self, status: str = "") -> None:
        """The start is over."""
        self._told = status
        self._is_ready = True
        self._send("READY=1" + (f"\nSTATUS={self._noted(status)}" if status else ""))

    def status(self, text: str) -> None:
        """How things stand, in words for `systemctl status`; what was told last is not told again."""
        if text != self._told and not self._ending:
            self._told = text
            self._send(f"STATUS={self._noted(text)}")

    def reloading(self) -> None:
        """The settings are read again; `reloaded`, or `ready` of one that starts anew, follows.

        `systemctl` says so meanwhile, and waits for it from version 253 on where the unit is of Type=notify-reload.
        """
        if self._is_ready:
            self._send(f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def reloaded(self) -> None:
        """That is over, and the daemon goes on. Before its start is over it is too early to say so."""
        if self._is_ready:
            self.ready(self._told)

    def _noted(self, status: str) -> str:
        return _line("; ".join(filter(None, (status, self.note))))

    def stopping(self) -> None:
        """The end has begun; nothing is told after it."""
        self._ending = True
        self._send("STOPPING=1\nSTATUS=Stopping")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as channel:
                channel.sendto(message.encode(), self._address)
        except OSError:
            # A supervisor that does not listen is no reason for a bridge to stop.
            return


def _line(text: str) -> str:
    """One line: a newline would begin another assignment."""
    return " ".join(text.split())
