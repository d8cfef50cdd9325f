"""What lies on this machine: each finding, good and bad."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shomare_mqtt import config
from shomare_mqtt.doctor import machine
from shomare_mqtt.doctor.finding import State
from tests.doctor.places import settings

if TYPE_CHECKING:
    from shomare_mqtt.doctor.finding import Finding


def of(directory: Path) -> Finding:
    found = settings()
    return machine.of_state_directory(
        found.model_copy(update={"state": found.state.model_copy(update={"directory": directory})})
    )


def mounts(folder: Path, *lines: str) -> Path:
    path = folder / "mountinfo"
    path.write_text("\n".join(lines) + "\n")
    return path


def on(kind: str) -> object:
    return lambda _: kind


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Tests may lie in memory."""
    monkeypatch.setattr(machine, "kind_of_file_system", on("ext4"))
    return monkeypatch


def test_where_the_settings_come_from() -> None:
    assert "from the environment alone" in machine.of_settings(None, settings()).text
    assert machine.of_settings(Path("/etc/x.toml"), settings()).text == "read from /etc/x.toml"


def test_what_is_set_by_hand_is_counted() -> None:
    by_hand = settings(provider={"fields": {"countries.id": "code"}, "states": {"OK": "received"}})
    assert "2 fields and states are set by hand" in machine.of_settings(None, by_hand).text


def test_secrets_that_others_can_read(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('[provider]\ntoken = "tok-5f0c1e7a9b"\n')
    file.chmod(0o644)
    (found,) = machine.of_secrets(config.load(file))
    assert (found.name, found.state) == ("secrets", State.BAD)
    assert "every user of this machine can read it" in found.text
    assert found.advice == f"chmod o-r {file}"
    file.chmod(0o600)
    (found,) = machine.of_secrets(config.load(file))
    assert found.state is State.GOOD


def test_a_directory_that_can_be_written(tmp_path: Path, disk: pytest.MonkeyPatch) -> None:
    found = of(tmp_path)
    assert (found.name, found.state) == ("state directory", State.GOOD)
    assert "it lies on ext4, with " in found.text


def test_a_directory_that_is_not_there_yet(tmp_path: Path, disk: pytest.MonkeyPatch) -> None:
    found = of(tmp_path / "a" / "b")
    assert found.state is State.GOOD
    assert "the daemon makes it" in found.text
    assert not (tmp_path / "a").exists()


def test_one_that_cannot_be_made(tmp_path: Path, disk: pytest.MonkeyPatch) -> None:
    disk.setattr(os, "access", lambda *_: False)
    found = of(tmp_path / "a")
    assert found.state is State.BAD
    assert "cannot make it" in found.text


def test_one_that_cannot_be_written(tmp_path: Path, disk: pytest.MonkeyPatch) -> None:
    disk.setattr(os, "access", lambda *_: False)
    found = of(tmp_path)
    assert found.state is State.BAD
    assert "cannot be written" in found.text


def test_a_file_in_its_place_or_above(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert of(tmp_path / "file").state is State.BAD
    found = of(tmp_path / "file" / "state")
    assert found.state is State.BAD
    assert "cannot be looked at" in found.text


def test_a_link_that_leads_nowhere_above(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    found = of(tmp_path / "link" / "state")
    assert found.state is State.BAD
    assert "is no directory" in found.text


def test_one_that_several_users_share(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    found = of(tmp_path)
    assert found.state is State.BAD
    assert "share" in found.text


def test_one_of_another_user(tmp_path: Path, disk: pytest.MonkeyPatch) -> None:
    other = tmp_path.stat().st_uid + 1
    disk.setattr(os, "geteuid", lambda: other)
    disk.setattr(os, "access", lambda *_: False)
    found = of(tmp_path)
    assert found.state is State.BAD
    assert "belongs to another user" in found.text
    disk.setattr(os, "access", lambda *_: True)
    assert of(tmp_path).state is State.UNKNOWN


def test_one_of_a_service_with_a_user_of_its_own(tmp_path: Path, disk: pytest.MonkeyPatch) -> None:
    """What root sees behind the link /var/lib/shomare-mqtt; the service's user is there while it runs alone."""
    state = tmp_path / "private" / "shomare-mqtt"
    state.mkdir(mode=0o700, parents=True)
    (tmp_path / "shomare-mqtt").symlink_to(state)
    disk.setattr(machine, "SERVICES", tmp_path / "private")
    if os.geteuid() == 0:
        os.chown(state, 54321, -1)
    disk.setattr(os, "geteuid", lambda: 0)
    found = of(tmp_path / "shomare-mqtt")
    assert found.state is State.GOOD
    assert "can be written by the service whose own it is" in found.text
    state.chmod(0o500)
    assert of(tmp_path / "shomare-mqtt").state is State.UNKNOWN


def test_a_directory_in_memory(tmp_path: Path, disk: pytest.MonkeyPatch) -> None:
    disk.setattr(machine, "kind_of_file_system", on("tmpfs"))
    found = of(tmp_path)
    assert found.state is State.UNKNOWN
    assert "after a restart" in found.advice


def test_a_directory_over_the_network(tmp_path: Path, disk: pytest.MonkeyPatch) -> None:
    disk.setattr(machine, "kind_of_file_system", on("nfs4"))
    assert of(tmp_path).state is State.BAD


def test_a_full_disk(tmp_path: Path, disk: pytest.MonkeyPatch) -> None:
    disk.setattr(machine, "LEAST_ROOM", 1 << 60)
    found = of(tmp_path)
    assert found.state is State.BAD
    assert "make room" in found.advice


def test_the_kind_of_a_file_system_is_that_of_the_nearest_mount(tmp_path: Path) -> None:
    there = tmp_path / "with blank"
    there.mkdir()
    blank = str(there).replace(" ", "\\040")
    table = mounts(
        tmp_path,
        "1 0 8:1 / / rw - ext4 /dev/sda1 rw",
        f"2 1 0:9 / {blank} rw,nosuid shared:7 - nfs4 box:/x rw",
        "3 1 0:9 / /elsewhere rw - tmpfs tmpfs rw",
    )
    assert machine.kind_of_file_system(there, table) == "nfs4"
    assert machine.kind_of_file_system(tmp_path, table) == "ext4"
    assert machine.kind_of_file_system(tmp_path, tmp_path / "nothing") is None
