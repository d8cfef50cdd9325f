"""One settings file for root's commands and for the service, whose user may read no secret of root's."""

from __future__ import annotations

import codecs
import os
import tempfile
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shomare_mqtt import config
from shomare_mqtt.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

NOBODY = 65534
SECRETS = ("token", "mqtt_password", "web_password", "web_viewer_password")


@pytest.fixture
def _usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, _usual_umask: None) -> Iterator[Path]:
    """Where everybody may look (as pytest's own is not), with files of secrets that nobody but root may read."""
    monkeypatch.setenv("HOME", "/nonexistent")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "given").mkdir(mode=0o755)
        for secret in SECRETS:
            (folder / secret).write_text(f"root's {secret}")
            (folder / secret).chmod(0o000)
        (folder / "config.toml").write_text(
            f'[mqtt]\nusername = "me"\npassword_file = "{folder}/mqtt_password"\n'
            f'[provider]\ntoken_file = "{folder}/token"\n'
            f'[web]\npassword_file = "{folder}/web_password"\nviewer_password_file = "{folder}/web_viewer_password"'
        )
        yield folder


@contextmanager
def no_super_user() -> Iterator[None]:
    """Files are opened as another user opens them, where the tests run as root."""
    if os.geteuid() != 0:
        yield
        return
    codecs.lookup("utf-8-sig")  # Python's files and ours may lie where another user cannot look
    for module in ("reading", "mistakes"):
        import_module(f"shomare_mqtt.config.{module}")
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def secrets_of(folder: Path) -> tuple[str, ...]:
    file = folder / "config.toml"
    with no_super_user():
        settings = config.load(file)
        assert config.load_mqtt(file).password == settings.mqtt.password
    passwords = (settings.mqtt.password, settings.web.password, settings.web.viewer_password)
    return settings.token, *(password.get_secret_value() for password in passwords if password is not None)


def test_a_credential_stands_in_for_a_file_that_may_not_be_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder / "given"))
    for secret in SECRETS:
        (folder / "given" / secret).write_text(f"systemd's {secret}")
    assert secrets_of(folder) == tuple(f"systemd's {secret}" for secret in SECRETS)
    for secret in SECRETS:
        (folder / secret).chmod(0o644)
    assert secrets_of(folder) == tuple(f"root's {secret}" for secret in SECRETS)


@pytest.mark.parametrize("with_others", [False, True])
def test_no_credential_of_that_name(folder: Path, monkeypatch: pytest.MonkeyPatch, with_others: bool) -> None:
    if with_others:
        monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder / "given"))
        (folder / "given" / "mqtt_password").write_text("systemd's")
    with no_super_user(), pytest.raises(SettingsError) as caught:
        config.load(folder / "config.toml")
    wrong = "cannot be read (Permission denied); where root alone may read it, use sudo"
    assert f"{folder}/config.toml:5: provider.token_file: {folder}/token {wrong}" in str(caught.value).splitlines()


def test_a_file_that_is_not_there_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong path must not work in the service and nowhere else."""
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder / "given"))
    (folder / "given" / "token").write_text("systemd's")
    (folder / "token").unlink()
    with no_super_user(), pytest.raises(SettingsError, match=r"provider\.token_file: there is no such file"):
        config.load(folder / "config.toml")
