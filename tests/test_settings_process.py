"""The process that reads the settings: what its parent hears of it, and that nothing is left of it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shomare_mqtt import config
from shomare_mqtt.config import held
from shomare_mqtt.config.handing_over import as_held
from shomare_mqtt.daemon import running, settings_answer, settings_process
from shomare_mqtt.daemon.running import run_daemon
from shomare_mqtt.daemon.settings_answer import settings_of
from shomare_mqtt.daemon.settings_process import SettingsProcess, spawned
from shomare_mqtt.errors import SettingsError, SettingsUnreadError
from tests.cli.process import child_of, environment, finish, start
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable

    from shomare_mqtt.core.masking import Mask

WELL = '[provider]\ntoken = "geheim-4711"\n'
FORKS = "from pathlib import Path\nfrom shomare_mqtt.daemon.settings_process import forked\n"
"""The beginning of a program that forks, as a process must that threads run in."""


class EnoughError(Exception):
    """The settings came, and that is all that a test wants of a daemon."""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the settings will stand; none come from elsewhere."""
    for name in os.environ:
        if name.startswith(("SHOMARE_", "CREDENTIALS_")):
            monkeypatch.delenv(name)
    return tmp_path / "settings.toml"


@pytest.fixture
def endless(file: Path) -> Path:
    """A file that whoever reads it waits for."""
    os.mkfifo(file)
    return file


def write(file: Path, text: str) -> None:
    file.write_text(text)


def descriptors() -> list[str]:
    return sorted(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names alone


async def opened(file: Path) -> int:
    """A descriptor to write to, once somebody reads."""
    return await asyncio.to_thread(os.open, file, os.O_WRONLY)


def assert_gone(pid: int) -> None:
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def answer(process: SettingsProcess) -> held.Settings:
    async with asyncio.timeout(PATIENCE):
        return await settings_of(process)


async def test_what_it_reads_arrives_and_it_is_gone(file: Path) -> None:
    write(file, WELL)
    process = spawned(file)
    pid = process._pid
    settings = await answer(process)
    assert type(settings) is held.Settings
    assert (settings.token, settings.origin.file, settings.origin.token) == ("geheim-4711", file, "provider.token")
    assert pid is not None
    assert_gone(pid)
    assert process.pipe.closed


async def test_more_than_a_pipe_holds_arrives(file: Path) -> None:
    large = "x" * 300_000
    write(file, f'{WELL}[plugins.webhook]\nbody = "{large}"\n')
    assert (await answer(spawned(file))).plugins.of("webhook") == {"body": large}


async def test_each_mistake_is_a_line(file: Path) -> None:
    write(file, "nonsense = 1\n[limit]\n")
    with pytest.raises(SettingsError) as caught:
        await answer(spawned(file))
    assert [line.split(": ")[1] for line in caught.value.lines] == ["nonsense", "limit"]


async def test_nothing_is_imported_from_the_working_directory(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(file, WELL)
    for module in ("tomllib", "pydantic", "shomare_mqtt", "pickle"):
        write(tmp_path / f"{module}.py", "raise SystemExit(7)")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(settings_process, "_PATH", ("", *sys.path))
    assert (await answer(spawned(file))).token == "geheim-4711"


async def test_what_a_plugin_has_made_of_the_path_is_not_taken_over(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(file, WELL)
    write(tmp_path / "calendar.py", "raise SystemExit(7)")
    monkeypatch.setattr(sys, "path", [str(tmp_path), tmp_path, *sys.path])
    assert (await answer(spawned(file))).token == "geheim-4711"


async def test_what_others_print_as_it_starts_is_no_answer(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(file, WELL)
    write(tmp_path / "sitecustomize.py", "print('Good morning', flush=True)")
    monkeypatch.setattr(settings_process, "_PATH", (str(tmp_path), *sys.path))
    assert (await answer(spawned(file))).token == "geheim-4711"


async def test_a_signal_does_not_end_it_before_it_can_listen(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(file, WELL)
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    write(
        tmp_path / "sitecustomize.py",
        f"import os\nfor each in {[*map(int, signals)]}: os.kill(os.getpid(), each)",
    )
    monkeypatch.setattr(settings_process, "_PATH", (str(tmp_path), *sys.path))
    assert (await answer(spawned(file))).token == "geheim-4711"


async def test_what_cannot_be_understood_is_told_of(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another version of this program may have been put in the place of ours."""
    write(file, WELL)
    monkeypatch.setattr(settings_answer, "__version__", "0.0.9")
    with pytest.raises(SettingsUnreadError, match=r"^this is version 0\.0\.9, and installed .* restart the daemon$"):
        await answer(spawned(file))


async def test_an_answer_that_breaks_off(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(file, WELL)
    process = spawned(file)
    monkeypatch.setattr(process, "wait", lambda: 0)
    said = await settings_answer._said(process)
    with pytest.raises(SettingsUnreadError, match=r"^the process that reads the settings did not say what it read$"):
        settings_answer._understood(said[:-1])
    process.close()


async def test_its_end_is_known_to_none_but_others(file: Path) -> None:
    """As where SIGCHLD is ignored, which is inherited, or where a plugin waits for every child."""
    write(file, WELL)
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        assert (await answer(spawned(file))).token == "geheim-4711"
        process = spawned(file)
        assert process._pid is not None
        with pytest.raises(ChildProcessError):
            await asyncio.to_thread(os.waitpid, process._pid, 0)  # until it has ended
        process.close()
    finally:
        signal.signal(signal.SIGCHLD, before)


async def test_a_process_that_dies_is_told_of(endless: Path) -> None:
    process = spawned(endless)
    reading = asyncio.create_task(answer(process))
    writing = await opened(endless)
    assert process._pid is not None
    os.kill(process._pid, signal.SIGKILL)
    with pytest.raises(SettingsUnreadError, match=r"^the process that reads the settings was ended by SIGKILL$"):
        await reading
    os.close(writing)


async def test_its_parent_alone_ends_it(endless: Path) -> None:
    """Ctrl-C and systemd signal to all processes at once: a parent that is to end must not hear of a failure first."""
    process = spawned(endless)
    reading = asyncio.create_task(answer(process))
    writing = await opened(endless)
    assert process._pid is not None
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(process._pid, number)
    os.write(writing, WELL.encode())
    os.close(writing)
    assert (await reading).token == "geheim-4711"


async def test_a_fault_is_told_of_without_its_own_words(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They may repeat a secret."""
    write(file.parent / "tomllib.py", "raise ValueError('geh' 'eim-4711')")
    monkeypatch.setattr(settings_process, "_PATH", (str(file.parent), *sys.path))
    with pytest.raises(
        SettingsUnreadError, match=r"^the settings cannot be read, by a fault of this program: "
    ) as told:
        await answer(spawned(file))
    assert "ValueError" in str(told.value)
    assert "tomllib.py" in str(told.value)
    assert "geheim" not in str(told.value)


async def test_no_process_can_be_started(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(file.parent / "python"))
    before = descriptors()
    with pytest.raises(SettingsUnreadError, match=r"^no process can be started that .* \(No such file or directory\)$"):
        spawned(file)
    assert descriptors() == before


async def test_it_ends_where_nobody_waits_for_it_any_more(endless: Path) -> None:
    process = spawned(endless)
    reading = asyncio.create_task(answer(process))
    writing = await opened(endless)
    pid = process._pid
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    assert pid is not None
    assert_gone(pid)
    os.close(writing)


# --- the daemon -----------------------------------------------------------------------------------------------------


def no_log(settings: held.Settings) -> Mask:
    raise EnoughError(settings.provider.currency)


class Processes:
    """Each one that a daemon starts."""

    def __init__(self, start: Callable[[], SettingsProcess]) -> None:
        self._start = start
        self.pids: list[int | None] = []
        self.started = asyncio.Event()

    async def read(self) -> held.Settings:
        process = self._start()
        self.pids.append(process._pid)
        self.started.set()
        return await settings_of(process)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_a_daemon_that_still_reads(endless: Path, number: int) -> None:
    processes = Processes(lambda: spawned(endless))
    daemon = asyncio.create_task(run_daemon(processes.read, no_log))
    writing = await opened(endless)
    os.kill(os.getpid(), number)
    async with asyncio.timeout(PATIENCE):
        await daemon
    (pid,) = processes.pids
    assert pid is not None
    assert_gone(pid)
    os.close(writing)


async def test_sighup_while_the_settings_are_read_has_them_read_again(endless: Path) -> None:
    processes = Processes(lambda: spawned(endless))
    daemon = asyncio.create_task(run_daemon(processes.read, no_log))
    writing = await opened(endless)
    processes.started.clear()
    os.kill(os.getpid(), signal.SIGHUP)
    async with asyncio.timeout(PATIENCE):
        await processes.started.wait()
        first, second = processes.pids
        assert first is not None
        assert_gone(first)
        again = await opened(endless)
        os.write(again, f'{WELL}currency = "IRR"\n'.encode())
        for each in (writing, again):
            os.close(each)
        with pytest.raises(EnoughError, match="IRR"):
            await daemon
    assert second is not None
    assert_gone(second)


@pytest.mark.parametrize(("number", "reads"), [(signal.SIGTERM, 1), (signal.SIGHUP, 2)])
async def test_a_signal_that_comes_as_the_settings_do_is_not_lost(number: int, reads: int) -> None:
    signals: asyncio.Queue[int] = asyncio.Queue()
    signals.put_nowait(number)
    given = as_held(config.GivenSettings())
    count = 0

    async def read() -> held.Settings:
        nonlocal count
        count += 1
        return given

    got = await running._read(signals, read)
    assert (got, count) == (given if number == signal.SIGHUP else None, reads)


# --- forked ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_while_the_parent_imports_ends_both(endless: Path, number: int) -> None:
    script = f"{FORKS}import time\nprocess = forked(Path({str(endless)!r}))\nprint(process._pid)\ntime.sleep(1e6)"
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, env=environment(), stdout=subprocess.PIPE, cwd=Path(__file__).parents[1]
    )
    assert parent.stdout is not None
    async with asyncio.timeout(PATIENCE):
        pid = int(await parent.stdout.readline())
        writing = await opened(endless)
        parent.send_signal(number)
        assert await parent.wait() == -number
    assert_gone(pid)
    os.close(writing)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
async def test_the_first_process_of_a_container_ends_as_well(endless: Path, number: int) -> None:
    """The kernel does not end it by a signal that nobody listens to, though it sends it to itself."""
    script = (
        f"{FORKS}import os, time\nprocess = forked(Path({str(endless)!r}))\nprint(process._pid, flush=True)\n"
        "kill = os.kill\n"
        f"os.kill = lambda pid, number: None if pid == os.getpid() else kill(pid, number)\ntime.sleep({2 * PATIENCE})"
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, env=environment(), stdout=subprocess.PIPE, cwd=Path(__file__).parents[1]
    )
    assert parent.stdout is not None
    async with asyncio.timeout(PATIENCE):
        pid = int(await parent.stdout.readline())
        writing = await opened(endless)
        parent.send_signal(number)
        assert await parent.wait() == 128 + number
    assert_gone(pid)
    os.close(writing)


def test_no_fork() -> None:
    script = (
        f"import os\n{FORKS}from shomare_mqtt.errors import SettingsUnreadError\n"
        "def none(): raise BlockingIOError(11, 'Resource temporarily unavailable')\n"
        "os.fork = none\n"
        "try: forked(None)\nexcept SettingsUnreadError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment(), capture_output=True, text=True, check=True,
        cwd=Path(__file__).parents[1],
    )  # fmt: skip
    assert done.stdout == "no process can be started that reads the settings (Resource temporarily unavailable)\n"


async def test_the_daemon_says_that_its_settings_were_not_read(file: Path) -> None:
    os.mkfifo(file)
    process = await start("run", "--config", str(file))
    writing = await opened(file)
    os.kill(child_of(process.pid), signal.SIGKILL)
    done = await finish(process)
    os.close(writing)
    assert (done.status, done.err) == (1, "shomare-mqtt: the process that reads the settings was ended by SIGKILL\n")
    assert os.listdir(file.parent) == [file.name]  # noqa: PTH208 - which waits for nothing
