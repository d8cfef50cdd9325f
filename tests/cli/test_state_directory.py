"""A state directory that cannot be used: said with the user who runs this and what to do, and status 78."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator

NOBODY = 65534
AS_NOBODY = """
import codecs, os, sys
from pathlib import Path
import shomare_mqtt.cli.typed, shomare_mqtt.config.handing_over
from shomare_mqtt import config
from shomare_mqtt.cli.run import run
from shomare_mqtt.daemon.settings_process import forked
codecs.lookup("ascii")
config.load(config.find_file(Path(sys.argv[1])))
# All is imported by now: it may lie where an ordinary user cannot read it.
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
sys.exit(run(Path(sys.argv[1]), forked(Path(sys.argv[1]))))
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that every user may enter, which pytest's own are not."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    for each in (folder, *folder.rglob("*")):
        if each.is_dir():
            each.chmod(0o755)
    shutil.rmtree(folder)


def me() -> str:
    uid = NOBODY if os.geteuid() == 0 else os.geteuid()
    try:
        return f"{pwd.getpwuid(uid).pw_name} (uid {uid})"
    except KeyError:  # as in a container that runs under any number
        return f"uid {uid}"


def started(place: Path, directory: Path) -> subprocess.CompletedProcess[str]:
    """`run` as an ordinary user: root may write anywhere."""
    file = place / "settings.toml"
    file.write_text(f'[provider]\ntoken = "t"\n[state]\ndirectory = "{directory}"\n[mqtt]\nport = 1\n')
    file.chmod(0o644)
    top = Path(__file__).parents[2]
    environ = {**os.environ, "PYTHONPATH": str(top), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "-c", AS_NOBODY, str(file)],
        capture_output=True,
        text=True,
        env=environ,
        cwd="/",
        timeout=PATIENCE,
        check=False,
    )


def complained(done: subprocess.CompletedProcess[str]) -> str:
    assert (done.returncode, done.stdout) == (78, ""), done
    line = done.stderr.splitlines()[-1]
    assert me() in line, line
    assert "et state.directory to a place where" in line
    assert "nothing is bought without a journal" in line
    return line


def test_one_that_cannot_be_made(place: Path) -> None:
    (place / "above").mkdir(mode=0o555)
    directory = place / "above" / "inner" / "state"
    line = complained(started(place, directory))
    assert f"the journal in {directory} cannot be opened: Permission denied" in line
    assert f"may not make {directory} in {place / 'above'}. " in line
    assert f"sudo install -d -o {me()[:-1].split()[-1]} -m 700 {directory}" in line


def test_one_that_cannot_be_written_to(place: Path) -> None:
    directory = place / "state"
    directory.mkdir(mode=0o500)
    if os.geteuid() == 0:
        os.chown(directory, NOBODY, NOBODY)
    line = complained(started(place, directory))
    assert f"may not write in {directory}, which belongs to {me()} and has the mode 500" in line


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has directories of another user")
@pytest.mark.parametrize("mode", [0o700, 0o755])
def test_one_of_another_user(place: Path, mode: int) -> None:
    directory = place / "state"
    directory.mkdir()
    directory.chmod(mode)
    done = started(place, directory)
    assert done.returncode == 78
    assert me() in done.stderr
    assert "root (uid 0)" in done.stderr
    assert "state.directory" in done.stderr


def test_one_where_nothing_can_be_made_by_anybody(place: Path) -> None:
    line = complained(started(place, Path("/proc/no-such-process/state")))
    assert "No such file or directory" in line
    assert "sudo" not in line


def test_the_command_that_makes_it_holds_its_name_whatever_it_is(place: Path) -> None:
    (place / "above").mkdir(mode=0o555)
    directory = place / "above" / "my state"
    assert f"-m 700 '{directory}')" in complained(started(place, directory))


@pytest.mark.parametrize("is_there", [False, True])
def test_one_within_a_folder_that_is_closed(place: Path, is_there: bool) -> None:
    """Nobody can tell whether it is there, and making it would not help."""
    (place / "above").mkdir()
    directory = place / "above" / "state"
    if is_there:
        directory.mkdir()
    (place / "above").chmod(0o600)
    if os.geteuid() == 0:
        os.chown(place / "above", NOBODY, NOBODY)
    line = complained(started(place, directory))
    assert f"may not enter {place / 'above'}, which belongs to {me()} and has the mode 600. Let that user in" in line
    assert "sudo install" not in line


@pytest.mark.parametrize("deeper", ["", "inner"])
def test_a_file_in_its_place(place: Path, deeper: str) -> None:
    (place / "state").write_text("")
    line = complained(started(place, place / "state" / deeper))
    assert f"{place / 'state'} is no directory. Move it away" in line


def test_a_file_system_that_is_read_only(place: Path) -> None:
    line = complained(_read_only(place))
    assert "mounted read-only" in line


def _read_only(place: Path) -> subprocess.CompletedProcess[str]:
    readonly = place / "readonly"
    readonly.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", readonly], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    try:
        return started(place, readonly / "state")
    finally:
        subprocess.run(["umount", readonly], check=True)
