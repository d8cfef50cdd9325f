"""The process that reads the settings: what it takes to check them, pydantic above all, the daemon never imports.

It says through a pipe what it read or what is wrong, and ends. Secrets go that way and no other. Begun with the daemon
it works beside its parent's imports, so that here stand those alone that both need.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from shomare_mqtt import __version__
from shomare_mqtt.config import held  # noqa: TC001 - with all that it imports: see above
from shomare_mqtt.errors import SettingsError, SettingsUnreadError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

_ENDING = (signal.SIGTERM, signal.SIGHUP)
"""What would end the daemon, and leave its child behind, before it listens to signals; of SIGINT Python makes an error.
"""
_PATH = tuple(sys.path)
"""Where modules are looked for, before a plugin puts its own folder in front of Python's."""


class SettingsProcess:
    """One that was started; whoever has it closes it. `pipe`: the descriptor to read from what it says."""

    def __init__(self, pid: int, pipe: int) -> None:
        self._pid: int | None = pid
        self.pipe = open(pipe, "rb", buffering=0)  # noqa: SIM115 - a descriptor, which `close` closes

    def wait(self) -> int:
        """Until it has ended: its exit status, or less a signal's number; 0 where nobody can tell any more."""
        assert self._pid is not None  # noqa: S101 - it ends once
        pid, self._pid = self._pid, None
        try:
            _, status = os.waitpid(pid, 0)
        except ChildProcessError:
            return 0  # whoever started us ignores SIGCHLD, which is inherited, or a plugin waits for every child
        return os.waitstatus_to_exitcode(status)

    def close(self) -> None:
        """Ends it, where it goes on."""
        if self._pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
            self.wait()
        self.pipe.close()


def forked(named: Path | None) -> SettingsProcess:
    """A copy of this process, which must be young: no thread runs yet, and no signal has a handler.

    `named`: the settings file that was asked for. Raises SettingsUnreadError.
    """

    def fork(pipe: int, into: int) -> int:
        if (pid := os.fork()) == 0:
            os.close(pipe)
            _say_and_end(named, into)
        return pid

    process = _started(fork)
    _close_with_us(process)
    return process


def spawned(named: Path | None) -> SettingsProcess:
    """A process of its own, started while threads of this one run. As `forked`."""
    # The package is imported from where we have it, and nothing from the working directory.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, _PATH))}
    options = [sys.executable, "-P", "-m", __name__]

    def spawn(_pipe: int, into: int) -> int:
        # It has our streams, since what is to be read may be /dev/stdin, and since others may print as Python starts.
        os.set_inheritable(into, True)  # noqa: FBT003 - its only argument beside the descriptor
        arguments = [*options, str(into), *([os.fspath(named)] if named else ())]
        # Before it can ignore signals, it holds them back.
        return os.posix_spawn(sys.executable, arguments, environment, setsigmask=(signal.SIGINT, *_ENDING))

    return _started(spawn)


def _started(start: Callable[[int, int], int]) -> SettingsProcess:
    """`start` is given the end of a pipe that we read from, and the one that the process writes to; it returns a pid.

    Raises SettingsUnreadError.
    """
    try:
        pipe, into = os.pipe()
        try:
            pid = start(pipe, into)
        except OSError:
            os.close(pipe)
            raise
        finally:
            os.close(into)
    except OSError as error:
        raise SettingsUnreadError(f"no process can be started that reads the settings ({error.strerror})") from None
    return SettingsProcess(pid, pipe)


def _close_with_us(process: SettingsProcess) -> None:
    """Has a signal that ends this process end that one first, for as long as nothing else listens to it."""

    def end(number: int, _frame: FrameType | None) -> None:
        process.close()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        os._exit(128 + number)  # no signal that it sends to itself ends the first process of a container

    for number in _ENDING:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, end)


def _say_and_end(named: Path | None, into: int) -> NoReturn:
    """The whole life of such a process. What was opened or begun before it belongs to its parent."""
    status = 1
    try:
        for number in (signal.SIGINT, *_ENDING):
            signal.signal(number, signal.SIG_IGN)  # Ctrl-C, or systemd, means both: its parent ends it
        _say(named, into)
        status = 0
    finally:
        os._exit(status)


def _say(named: Path | None, into: int) -> None:
    import gc  # noqa: PLC0415 - here and below: see above
    import pickle  # noqa: PLC0415

    gc.disable()  # it ends before any of it is worth collecting
    os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"  # else it looks through all that is installed for some
    with open(into, "wb") as pipe:
        pickle.dump(__version__, pipe)
        pickle.dump(_read(named), pipe)


def _read(named: Path | None) -> held.Settings | tuple[str, ...] | str:
    """The settings, a line for each mistake in them, or where this program is at fault."""
    try:
        from shomare_mqtt import config  # noqa: PLC0415
        from shomare_mqtt.config.handing_over import as_held  # noqa: PLC0415

        return as_held(config.load(config.find_file(named)))
    except SettingsError as error:
        return error.lines
    except Exception as error:  # noqa: BLE001 - the one place for what nobody expected
        from shomare_mqtt.core.masking import trace_of  # noqa: PLC0415

        return " ".join(trace_of(error).split())


if __name__ == "__main__":
    _say_and_end(Path(sys.argv[2]) if sys.argv[2:] else None, int(sys.argv[1]))
