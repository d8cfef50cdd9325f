"""The files that `init` writes, and where: modes, links, all or none, and text that TOML can hold."""

from __future__ import annotations

import os
import re
import shlex
import stat
import subprocess
import tomllib
from configparser import ConfigParser
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shomare_mqtt import config
from shomare_mqtt.cli import init
from shomare_mqtt.cli.first_file import File, quoted, settings_text, write_together
from shomare_mqtt.cli.first_questions import Answered
from shomare_mqtt.cli.init import GROUP_OF_THE_SERVICE, OF_THE_SERVICE, as_a_service, place
from shomare_mqtt.cli.status import CommandFailedError
from shomare_mqtt.config import Mqtt

TOKEN, PASSWORD = "tok-5f0c1e7a9b", "pass word"
UNIT = Path(__file__).parents[2] / "systemd" / "shomare-mqtt.service"


def test_the_place_is_where_the_daemon_looks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.chdir(tmp_path)
    assert place(Path("x.toml"), {"SHOMARE_CONFIG": "/y.toml"}) == tmp_path / "x.toml"
    assert place(None, {"SHOMARE_CONFIG": "/y.toml", "XDG_CONFIG_HOME": "/z"}) == Path("/y.toml")
    assert place(None, {"XDG_CONFIG_HOME": "/z"}) == Path("/z/shomare-mqtt/config.toml")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert place(None, {}) == Path("/home/me/.config/shomare-mqtt/config.toml")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert place(None, {}) == OF_THE_SERVICE


def test_the_unit_names_the_same_files_and_group() -> None:
    unit = ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(UNIT)
    assert unit["Service"]["ExecStart"].endswith(f"run --config {OF_THE_SERVICE}")
    assert unit["Service"]["LoadCredential"] == f"token:{OF_THE_SERVICE.with_name('token')}"
    assert unit["Service"]["SupplementaryGroups"] == GROUP_OF_THE_SERVICE


@pytest.mark.parametrize("is_the_services", [False, True])
def test_the_service_has_its_own_state_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_the_services: bool
) -> None:
    """So that root's `doctor` looks at what the unit's StateDirectory= is."""
    file = tmp_path / "config.toml"
    if is_the_services:
        monkeypatch.setattr(init, "OF_THE_SERVICE", file)
        monkeypatch.setattr(init, "GROUP_OF_THE_SERVICE", "nosuch")
    init._write(file, config.Settings(), Answered(Mqtt()), TOKEN, overwrite=False)
    directory = tomllib.loads(file.read_text()).get("state", {}).get("directory")
    unit = ConfigParser(strict=False, interpolation=None)
    unit.read(UNIT)
    assert directory == (f"/var/lib/{unit['Service']['StateDirectory']}" if is_the_services else None)


def test_what_is_said_of_the_password_has_systemd_hand_it_over(tmp_path: Path) -> None:
    """Wherever the unit lies: the package's is not in /etc, and one that is there is not touched."""
    told = "\n".join(as_a_service(with_password=True))
    assert "LoadCredential" not in "\n".join(as_a_service(with_password=False))
    found = re.search(r"^  (printf .*\|\n) *sudo (install .*) (/etc/systemd/system/\S+)$", told, re.MULTILINE)
    assert found is not None
    written = tmp_path / found[3].lstrip("/")
    subprocess.run(["/bin/sh", "-c", f"{found[1]} {found[2]} {shlex.quote(str(written))}"], check=True)
    assert (written.parent.name, written.suffix) == (f"{UNIT.name}.d", ".conf")
    assert written.read_text().splitlines() == [
        "[Service]",
        f"LoadCredential=mqtt_password:{OF_THE_SERVICE.with_name('mqtt_password')}",
    ]


def test_a_service_that_runs_already_takes_the_new_settings() -> None:
    """`enable --now` leaves one that runs as it is: after `init --force` it would go on with the old settings."""
    assert "  sudo systemctl restart shomare-mqtt " in "\n".join(as_a_service(with_password=False))


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone may give files away")
def test_the_settings_are_given_to_a_group(tmp_path: Path) -> None:
    write_together(
        [File(tmp_path / "a", "", 0o640, "nogroup"), File(tmp_path / "b", "", 0o640, "nosuch")], overwrite=False
    )
    assert [(path.group(), stat.S_IMODE(path.stat().st_mode)) for path in (tmp_path / "a", tmp_path / "b")] == [
        ("nogroup", 0o640),
        ("root", 0o640),
    ]


def test_all_files_or_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(descriptor: int) -> None:
        """Just before the second file is complete: what lies there by now is for its owner alone."""
        assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in tmp_path.iterdir())
        if len(list(tmp_path.iterdir())) > 1:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    secrets = [File(tmp_path / "token", TOKEN, 0o600), File(tmp_path / "mqtt_password", PASSWORD, 0o600)]
    with pytest.raises(CommandFailedError, match="No space left on device"):
        write_together(secrets, overwrite=False)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_came_meanwhile_stays(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("another's")
    with pytest.raises(CommandFailedError, match="has come meanwhile"):
        write_together([File(tmp_path / "token", TOKEN, 0o600)], overwrite=False)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["another's"]


@example('\x7f\x00\n"\\')
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_can_be_written(text: str) -> None:
    assert tomllib.loads(f"x = {quoted(text)}") == {"x": text}


def test_the_suggestions_can_be_taken() -> None:
    text = settings_text(Mqtt(), Path("/t"), Path("/p"), "http://[::1]:1/api")
    tables = tomllib.loads(
        "\n".join(line.removeprefix("#") if line[1:4] in ("max", "min") else line for line in text.splitlines())
    )
    assert tables["limits"] == {"max_price": 5000, "max_spend_per_day": 50000, "min_balance": 10000}
    tables["mqtt"].pop("password_file"), tables["provider"].pop("token_file")
    config.GivenSettings.model_validate(tables)
