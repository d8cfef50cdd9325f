"""`run`, `check` and `simulate` as processes of their own: what they print and the status they end with."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import pytest

from shomare_mqtt import __version__
from shomare_mqtt.cli import run as daemon_command
from tests.bench.starting import BARE
from tests.cli.process import ROOT, ending, environment, finish, run, start_afresh

if TYPE_CHECKING:
    from collections.abc import Iterator

SMS = "Your code is 48213"
WRITE_TRUE = "write true, in small letters and without quotation marks"
TERMINAL = {"typer", "click", "rich", "shellingham", "pygments"}


def test_run_imports_no_command_line_or_terminal_library_and_sets_aside_what_it_imports() -> None:
    script = (
        "import gc, sys\n"
        "from shomare_mqtt.__main__ import main\n"
        "sys.argv = ['shomare-mqtt', 'run', '--config', '/nonexistent']\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert end.code == 78, end.code\n"
        "print(gc.get_freeze_count(), gc.get_threshold()[0], *{name.split('.')[0] for name in sys.modules})\n"
    )
    done = subprocess.run([sys.executable, "-c", script], env=environment(), capture_output=True, text=True, check=True)
    kept, new, *libraries = done.stdout.split()
    assert "paho" in libraries
    assert not TERMINAL & set(libraries)
    assert int(kept) > 10_000, "each search for garbage goes through all that was imported"
    assert int(new) == daemon_command.NEW_OBJECTS


def test_the_daemons_start_takes_little_more_memory_than_its_libraries() -> None:
    """Its time is for `make bench` to compare: on a machine that does other work as well it says nothing."""
    assert _memory("import shomare_mqtt.cli.run") < 1.42 * _memory(BARE)


def _memory(script: str) -> int:
    """What a process that ran the script holds, in pages; not by `ru_maxrss`, in which the spawning process counts."""
    program = f"{script}\nfrom pathlib import Path\nprint(Path('/proc/self/statm').read_text().split()[1])"
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment(), cwd=ROOT, capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@pytest.mark.parametrize("command", ["run", "check", "doctor"])
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[mqtt]\nport = 70000", "settings.toml:2: mqtt.port: "),
        ("[nonsense]", "settings.toml:1: nonsense: unknown table"),
        ("", "provider.token: is missing"),
        ('[provider]\ntoken_file = "/nonexistent"', "settings.toml:2: provider.token_file: there is no such file"),
        (
            '[provider]\ntoken = "t"\n[plugins]\nenabled = ["nosuch"]',
            "settings.toml:4: plugins.enabled: there is no plugin nosuch",
        ),
        (
            '[provider]\ntoken = "t"\n[plugins]\nenabled = ["webhook"]\n[plugins.webhook]\ncolour = 1',
            "settings.toml:6: plugins.webhook.colour: unknown key",
        ),
        ('[provider]\ntoken = "t"\n[plugins]\nenabled = ["price_alert"]', "plugins.price_alert.watch: "),
    ],
)
async def test_settings_that_cannot_be_used(tmp_path: Path, command: str, text: str, words: str) -> None:
    (tmp_path / "settings.toml").write_text(f"{text}\n")
    done = await run(
        command, "--config", str(tmp_path / "settings.toml"), SHOMARE_STATE__DIRECTORY=str(tmp_path / "state")
    )
    assert (done.status, done.out) == (78, "")
    assert done.err.startswith("shomare-mqtt: ")
    assert words in done.err
    assert done.err.count("\n") == 1
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("command", ["run", "check", "doctor", "buy", "cancel 1", "query profile", "watch"])
async def test_a_file_that_was_named_and_is_not_there(command: str) -> None:
    for done in (
        await run(*command.split(), "--config", "/nonexistent"),
        await run(*command.split(), SHOMARE_CONFIG="/no"),
    ):
        assert (done.status, done.out) == (78, "")
        assert "there is no such file" in done.err


async def test_check_prints_what_is_in_force() -> None:
    done = await run("check", SHOMARE_PROVIDER__TOKEN="hush-hush", SHOMARE_MQTT__PORT="1999")
    assert (done.status, done.err) == (0, "")
    assert "mqtt.port = 1999" in done.out
    assert 'provider.token = "***"' in done.out
    assert "hush" not in done.out
    *_, looked_at, not_contacted = done.out.splitlines()
    assert looked_at == (
        "# All is well: no settings file and 2 in the environment; the token is from the variable "
        "SHOMARE_PROVIDER__TOKEN; plugins: none."
    )
    assert not_contacted.startswith("# The broker and the provider were not contacted: `shomare-mqtt doctor`")


async def test_check_says_what_it_looked_at(tmp_path: Path) -> None:
    """Nothing listens where these settings lead; and whatever is no setting in the output is a comment."""
    file = tmp_path / "settings.toml"
    for secret in (file, tmp_path / "token"):
        secret.touch(mode=0o600)
    (tmp_path / "token").write_text("hush-hush")
    file.write_text(
        f'[mqtt]\nhost = "192.0.2.1"\nport = 1\n[provider]\ntoken_file = "{tmp_path}/token"\n'
        '[plugins]\nenabled = ["webhook"]\n[plugins.webhook]\nurl = "http://192.0.2.1/hush-hush"\ntoken = "hush-hush"\n'
    )
    done = await run("check", "--config", str(file))
    assert (done.status, done.err) == (0, "")
    *settings, looked_at, not_contacted = done.out.splitlines()
    assert f"`shomare-mqtt doctor --config {file}`" in not_contacted
    assert looked_at == (
        f"# All is well: 6 settings in {file}; the token is from provider.token_file, {tmp_path}/token; "
        "plugins: webhook."
    )
    assert all(line.startswith("# ") or " = " in line for line in settings)
    assert "hush" not in done.out


@pytest.mark.parametrize("command", ["run", "check", "doctor", "watch"])
async def test_every_mistake_is_a_line_of_its_own(tmp_path: Path, command: str) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('[mqtt]\nprot = 1\n\nport = "5,000"\n[mqtt.tls]\nenabled = True\n')
    done = await run(command, "--config", str(file), SHOMARE_MQTT_HOST="broker", SHOMARE_STATE__DIRECTORY=str(tmp_path))
    assert (done.status, done.out) == (78, "")
    assert done.err.splitlines() == [
        f"shomare-mqtt: {file}:2: mqtt.prot: unknown key (did you mean port?)",
        f"shomare-mqtt: {file}:4: mqtt.port: must not be in quotes, and has no separators: write 5000",
        f"shomare-mqtt: {file}:6: mqtt.tls.enabled: is not TOML: {WRITE_TRUE}",
        "shomare-mqtt: SHOMARE_MQTT_HOST: mqtt.host: this variable sets nothing: its name must be SHOMARE_MQTT__HOST",
    ]
    assert os.listdir(tmp_path) == ["settings.toml"]  # noqa: PTH208 - a moment's work


AS_SOMEBODY = """
import ctypes, sys
from shomare_mqtt.__main__ import main
# Root may read everything, by two capabilities (DAC_OVERRIDE and DAC_READ_SEARCH, capabilities(7)) that others lack.
libc, header, sets = ctypes.CDLL(None), (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
assert libc.capget(header, sets) == 0
sets[0], sets[1] = sets[0] & ~0b110, sets[1] & ~0b110
assert libc.capset(header, sets) == 0
sys.argv = ["shomare-mqtt", *sys.argv[1:]]
sys.exit(main())
"""


def as_somebody(*arguments: str, folder: Path, **variables: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-c", AS_SOMEBODY, *arguments], env=environment(PYTHONPATH=str(ROOT), **variables), cwd=folder,
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.stdout == ""
    return done.returncode, done.stderr


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """One that every user may enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
        for path in (each for each in folder.rglob("*") if not each.is_symlink()):
            path.chmod(0o700)


@pytest.mark.parametrize("command", ["run", "check", "doctor", "watch"])
def test_a_named_file_that_may_not_be_read(open_folder: Path, command: str) -> None:
    file = open_folder / "settings.toml"
    file.touch(mode=0o200)
    status, err = as_somebody(command, "--config", str(file), folder=open_folder)
    assert (status, err.count("\n")) == (78, 1)
    assert err.startswith(f"shomare-mqtt: {file}: cannot be read, since the user ")
    assert err.endswith(" may not read it; use sudo, or name a file of your own with --config\n")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (".", "is a directory, not a file"),
        ("closed/settings.toml", "may not enter a folder on the way to it; use sudo"),
        ("none/x.toml", "there is no such file"),
        ("settings.toml/x.toml", "cannot be read (Not a directory)"),
        ("x" * 300, "cannot be read (File name too long)"),
        ("nowhere", "is a link that leads to no file"),
    ],
)
def test_what_is_no_file_that_can_be_read(open_folder: Path, name: str, words: str) -> None:
    (open_folder / "settings.toml").touch()
    (open_folder / "nowhere").symlink_to("none")
    (open_folder / "closed").mkdir()
    (open_folder / "closed" / "settings.toml").touch()
    (open_folder / "closed").chmod(0)
    status, err = as_somebody("run", folder=open_folder, SHOMARE_CONFIG=str(open_folder / name))
    assert (status, err.count("\n")) == (78, 1)
    assert err.startswith(f"shomare-mqtt: {open_folder / name}: ")
    assert words in err
    assert err.endswith(" (SHOMARE_CONFIG names it)\n")


@pytest.mark.parametrize("command", ["run", "watch"])
def test_a_file_in_a_usual_place_that_may_not_be_read_is_not_left_out(open_folder: Path, command: str) -> None:
    """It may name another broker, and limits."""
    place = open_folder / "shomare-mqtt"
    place.mkdir()
    (place / "config.toml").touch(mode=0o200)
    status, err = as_somebody(command, folder=open_folder, XDG_CONFIG_HOME=str(open_folder))
    assert (status, err.startswith(f"shomare-mqtt: {place}/config.toml: cannot be read, since ")) == (78, True)
    place.chmod(0)
    status, err = as_somebody(command, folder=open_folder, XDG_CONFIG_HOME=str(open_folder))
    assert (status, err.startswith(f"shomare-mqtt: {place}/config.toml: cannot be read, since ")) == (78, True)
    (open_folder / "shomare-mqtt.toml").mkdir()
    status, err = as_somebody(command, folder=open_folder, XDG_CONFIG_HOME=str(open_folder))
    assert (status, err) == (78, "shomare-mqtt: shomare-mqtt.toml: is a directory, not a file\n")


def test_where_settings_were_looked_for(open_folder: Path) -> None:
    status, err = as_somebody("check", folder=open_folder, XDG_CONFIG_HOME=f"{open_folder}/xdg", SHOMARE_TOKEN="hush")
    assert (status, err.count("\n")) == (78, 1)
    assert err.startswith("shomare-mqtt: provider.token: is missing, and no settings file was found: looked for ")
    for place in (f"{open_folder}/shomare-mqtt.toml", f"{open_folder}/xdg/shomare-mqtt/config.toml"):
        assert place in err
    assert "/etc/shomare-mqtt/config.toml" in err
    assert "`shomare-mqtt init`" in err
    assert "SHOMARE_PROVIDER__TOKEN, not SHOMARE_TOKEN" in err
    assert "hush" not in err


@pytest.mark.parametrize("wrong", ["--port=70000", "--port=x", "--latency=x", "--dialect=x", "--colour=red"])
async def test_simulate_with_what_cannot_be(wrong: str) -> None:
    done = await run("simulate", wrong)
    assert (done.status, done.out) == (2, "")
    assert wrong.split("=", maxsplit=1)[0].removeprefix("--") in done.err.splitlines()[-1]


def test_a_fault_that_ends_the_daemon_is_logged_without_its_own_words(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """They may repeat the SMS that nobody foresaw; where it happened is what helps."""

    async def broken_daemon(*_: object) -> None:
        raise ValueError(SMS)

    monkeypatch.setattr(daemon_command, "run_daemon", broken_daemon)
    assert daemon_command.run() == 1
    assert "a fault of this program" in caplog.text
    assert "ValueError" in caplog.text
    assert "in broken_daemon" in caplog.text
    assert SMS not in caplog.text


async def test_simulate_prints_its_address_and_ends_with_a_signal() -> None:
    async with ending(await start_afresh("simulate", "--balance", "5000", "--token", "t")) as process:
        assert process.stdout is not None
        address = (await process.stdout.readline()).decode().split()[-1]
        async with aiohttp.ClientSession() as session, session.get(f"{address}/profile", headers={"token": "t"}) as got:
            assert "5000" in await got.text()
        process.send_signal(signal.SIGTERM)
        assert (await finish(process)).status == 0


async def test_version_and_help() -> None:
    assert (await finish(await start_afresh("--version"))).out == f"shomare-mqtt {__version__}\n"
    for command in ("run", "check", "doctor", "demo", "simulate", "buy", "cancel", "query", "watch"):
        done = await run(command, "--help")
        assert done.status == 0
        assert "--" in done.out
