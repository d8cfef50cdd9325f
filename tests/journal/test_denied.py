"""What is said of a state directory that cannot be used, whatever the reason; as real users see it: tests/cli."""

from __future__ import annotations

import errno
import os
import pwd
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shomare_mqtt.journal.denied import what_to_do
from shomare_mqtt.users import user

if TYPE_CHECKING:
    from collections.abc import Callable


def failed(number: int) -> OSError:
    return OSError(number, os.strerror(number))


def nobody_has(uid: int) -> pwd.struct_passwd:
    raise KeyError(uid)


def test_a_user_is_named_by_name_and_number(monkeypatch: pytest.MonkeyPatch) -> None:
    assert user(0) == "root (uid 0)"
    monkeypatch.setattr(pwd, "getpwuid", nobody_has)
    assert user(12345) == "uid 12345"
    assert user() == f"uid {os.geteuid()}"


def mounted_read_only(folder: Path) -> tuple[Path, int, str]:
    return folder, errno.EROFS, f"{folder} lies on a file system that is mounted read-only, for {user()} too. "


def no_directory(folder: Path) -> tuple[Path, int, str]:
    (folder / "file").touch()
    return folder / "file" / "state", errno.ENOTDIR, f"{folder / 'file'} is no directory. Move it away, or "


def gone_wrong_otherwise(folder: Path) -> tuple[Path, int, str]:
    return folder, errno.EIO, f"Set state.directory to a place where {user()} may write"


def not_to_be_made(folder: Path) -> tuple[Path, int, str]:
    directory = folder / "my state"
    command = f"sudo install -d -o {os.geteuid()} -m 700 '{directory}'"
    return directory, errno.EACCES, f"may not make {directory} in {folder}. Make it for that user ({command}), or "


def not_to_be_written_to(folder: Path) -> tuple[Path, int, str]:
    folder.chmod(0o750)
    return folder, errno.EPERM, f"may not write in {folder}, which belongs to {user()} and has the mode 750. "


@pytest.mark.parametrize(
    "case", [mounted_read_only, no_directory, gone_wrong_otherwise, not_to_be_made, not_to_be_written_to]
)
def test_what_is_wrong_and_what_to_do(tmp_path: Path, case: Callable[[Path], tuple[Path, int, str]]) -> None:
    directory, number, wanted = case(tmp_path)
    said = what_to_do(directory, failed(number))
    assert wanted in said
    assert f"et state.directory to a place where {user()} may write" in said


def test_a_folder_that_may_not_be_entered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may enter any
    said = what_to_do(tmp_path / "state", failed(errno.EACCES))
    assert f"may not enter {tmp_path}, which belongs to {user()} and has the mode 700. Let that user in, or " in said


def test_where_nothing_can_be_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unseen(_: Path) -> os.stat_result:
        raise failed(errno.EIO)

    monkeypatch.setattr(Path, "lstat", unseen)
    monkeypatch.setattr(Path, "stat", unseen)
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert "who runs this, may not enter /. Let that user in" in what_to_do(tmp_path, failed(errno.EACCES))
