"""A process that has the whole package imported, and forks a child for each start of `shomare-mqtt`.

A start costs most of a second, nearly all of it imports, and the tests make hundreds. The child is a process like any
other: with arguments, environment, standard streams, signals and an exit status of its own, and it ends as Python ends.

A start comes as one packet: JSON, and with it the child's three streams and one end of a pair of sockets, through
which the zygote tells the child's pid, and its exit status once it has one.
"""

from __future__ import annotations

import gc
import io
import json
import os
import pkgutil
import runpy
import selectors
import signal
import socket
import sys
from importlib import import_module
from typing import Any, NamedTuple

from tests.limits import set_limits

PACKET = 1 << 17
"""Bytes: no start is longer."""
STREAMS = (0, 1, 2)
PROGRAM = "shomare_mqtt"


class Start(NamedTuple):
    """What a child becomes."""

    arguments: list[str]
    environment: dict[str, str]


class Zygote:
    """Forks as long as the tests, at the other end of `control`, live."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._children: dict[int, socket.socket] = {}
        self._woken, self._wake_up = socket.socketpair()

    def serve(self) -> Start | None:
        """Returns a start in each child, which is to become that; None in the zygote, once the tests are gone."""
        self._hear_of_deaths()
        with selectors.DefaultSelector() as selector:
            for each in (self._control, self._woken):
                selector.register(each, selectors.EVENT_READ)
            while True:
                ready = {key.fileobj for key, _ in selector.select()}
                if self._woken in ready:
                    self._woken.recv(PACKET)
                    self._bury()
                if self._control in ready:
                    packet, fds, _, _ = socket.recv_fds(self._control, PACKET, len(STREAMS) + 1)
                    if not packet:
                        self._end()
                        return None
                    if self._fork(fds) == 0:
                        return Start(**json.loads(packet))

    def _hear_of_deaths(self) -> None:
        self._wake_up.setblocking(False)
        signal.set_wakeup_fd(self._wake_up.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is meant for the tests, which end us and our children

    def _fork(self, fds: list[int]) -> int:
        """The child's pid, or 0 in the child: there, nothing is left of what the zygote holds."""
        *streams, status = fds
        pid = os.fork()
        if pid == 0:
            self._forget()
            for number, stream in zip(STREAMS, streams, strict=True):
                os.dup2(stream, number)
        for fd in (*streams, *([status] if pid == 0 else [])):
            os.close(fd)
        if pid:
            self._children[pid] = socket.socket(fileno=status)
            self._children[pid].send(str(pid).encode())
        return pid

    def _forget(self) -> None:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for each in (self._control, self._woken, self._wake_up, *self._children.values()):
            each.close()

    def _bury(self) -> None:
        """Tell of all that have ended."""
        while self._children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            with self._children.pop(pid) as told:
                told.send(str(os.waitstatus_to_exitcode(status)).encode())

    def _end(self) -> None:
        for pid in self._children:
            os.kill(pid, signal.SIGKILL)


def _import_everything() -> None:
    package: Any = import_module(PROGRAM)
    for module in pkgutil.walk_packages(package.__path__, f"{PROGRAM}."):
        if not module.name.endswith(".__main__"):
            import_module(module.name)


def _open_streams() -> None:
    """Python's streams anew: those that the zygote was started with remember what they were opened on."""
    for name, number in (("stdout", 1), ("stderr", 2)):
        raw = open(number, "wb", buffering=0, closefd=False)  # noqa: SIM115 - a descriptor
        # As Python itself opens them under PYTHONUNBUFFERED.
        setattr(sys, name, io.TextIOWrapper(raw, errors=getattr(sys, name).errors, write_through=True))


def main() -> None:
    _import_everything()
    gc.collect()
    gc.freeze()  # else each child's first collection copies all that it shares with us
    start = Zygote(socket.socket(fileno=int(sys.argv[1]))).serve()
    if start is None:
        return
    os.environ.clear()
    os.environ.update(start.environment)
    set_limits()
    sys.argv[1:] = start.arguments
    _open_streams()
    runpy.run_module(PROGRAM, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
