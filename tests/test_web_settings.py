"""`[web]`: what would leave the page open to strangers is no setting (78), and no secret of it is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shomare_mqtt import config
from shomare_mqtt.errors import SettingsError
from tests.readme import blocks

if TYPE_CHECKING:
    from pathlib import Path

HUSH, OTHER = "hush-hush-4711", "another-4711"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SHOMARE_STATE__DIRECTORY", str(tmp_path))
    monkeypatch.setenv("SHOMARE_PROVIDER__TOKEN", "tok")
    for name, secret in (("owner", HUSH), ("viewer", OTHER), ("empty", "")):
        (tmp_path / name).write_text(f"{secret}\n")
        (tmp_path / name).chmod(0o600)
    return tmp_path / "config.toml"


def test_what_the_readme_says_opens_the_page(file: Path) -> None:
    (block,) = [each for each in blocks() if each.section == "The page"]
    file.write_text(block.text)
    file.chmod(0o600)
    web = config.load(file).web
    assert (web.enabled, web.host, web.port) == (True, "127.0.0.1", 8099)


def loaded(file: Path, *lines: str) -> config.Web:
    file.write_text("\n".join(["[web]", *lines]).replace("DIR", str(file.parent)))
    file.chmod(0o600)
    return config.load(file).web


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "localhost", "::1"])
def test_on_loopback_no_password_is_needed(file: Path, host: str) -> None:
    assert loaded(file, "enabled = true", f'host = "{host}"').password is None


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "192.168.1.5", "server", "localhost.example", "fe80::1", "128.0.0.1"]
)
def test_elsewhere_it_does_not_start_without_a_password(file: Path, host: str) -> None:
    with pytest.raises(SettingsError, match=r"^\S+:1: web\.password: is missing: others reach web\.host") as caught:
        loaded(file, "enabled = true", f'host = "{host}"')
    assert len(caught.value.lines) == 1
    assert loaded(file, "enabled = true", f'host = "{host}"', f'password = "{HUSH}"').host == host
    assert loaded(file, "enabled = true", f'host = "{host}"', 'password_file = "DIR/owner"').host == host
    assert loaded(file, f'host = "{host}"').host == host  # no page, nobody to keep out


@pytest.mark.parametrize(
    ("lines", "wrong"),
    [
        ([f'viewer_password = "{OTHER}"'], "web.viewer_password: needs web.password beside it"),
        (['viewer_password_file = "DIR/viewer"'], "web.viewer_password: needs web.password beside it"),
        ([f'password = "{HUSH}"', f'viewer_password = "{HUSH}"'], "web.viewer_password: must be another one"),
        (['password_file = "DIR/owner"', f'viewer_password = "{HUSH}"'], "web.viewer_password: must be another one"),
        (['password = ""'], "web.password: must not be empty"),
        (['password = "  "'], "web.password: must not be empty"),
        (['password = "a\\nb"'], "web.password: must be one line"),
        (['password_file = "DIR/empty"'], "is empty"),
        (['password_file = "DIR/nowhere"'], "web.password_file: there is no such file"),
        ([f'password = "{HUSH}"', 'password_file = "DIR/owner"'], "web.password: stands beside password_file"),
        (
            [f'password = "{HUSH}"', f'viewer_password = "{OTHER}"', 'viewer_password_file = "DIR/viewer"'],
            "web.viewer_password: stands beside viewer_password_file",
        ),
        (["ingress_port = 8099"], "web.ingress_port: must be another one than web.port"),
        (["ingress_port = 70000"], "web.ingress_port: must be 65535 or less"),
        (['ingress_peer = "supervisor"'], "web.ingress_peer: must be an address such as 172.30.32.2"),
        (['ingress_peer = "172.30.32.0/23"'], "web.ingress_peer: must be an address such as"),
        (['allowed_hosts = ["page.example:8099"]'], "web.allowed_hosts.0: must be a name or an address alone"),
        (['allowed_hosts = ["*"]'], "web.allowed_hosts.0: must be a name or an address alone"),
        (['url = "page.example"'], "web.url: must be an http:// or https:// address"),
        (['url = "https://me:hush@page.example"'], "web.url: must be an http:// or https:// address without a user"),
        (['url = "https://page.example/?key=1"'], "web.url: must be an http:// or https:// address without a user"),
        (['language = "de"'], 'web.language: must be "auto", "en" or "fa"'),
        (['pasword = "x"'], "web.pasword: unknown key (did you mean password"),
    ],
)
def test_what_cannot_be(file: Path, lines: list[str], wrong: str) -> None:
    with pytest.raises(SettingsError) as caught:
        loaded(file, *lines)
    assert wrong in str(caught.value)
    assert len(caught.value.lines) == 1
    assert HUSH not in str(caught.value)
    assert OTHER not in str(caught.value)


def test_the_environment_and_credentials_give_passwords(
    file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given = tmp_path / "given"
    given.mkdir()
    (given / "web_password").write_text("from systemd\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(given))
    monkeypatch.setenv("SHOMARE_WEB__VIEWER_PASSWORD", "from the environment")
    web = loaded(file, "enabled = true", 'host = "0.0.0.0"')
    assert web.password is not None
    assert web.viewer_password is not None
    assert web.password.get_secret_value() == "from systemd"
    assert web.viewer_password.get_secret_value() == "from the environment"
    monkeypatch.setenv("SHOMARE_WEB__PASSWORD_FILE", str(tmp_path / "owner"))
    assert loaded(file, 'password = "of the file"').password == web.password.__class__(HUSH)


def test_no_password_is_shown(file: Path) -> None:
    loaded(file, 'password_file = "DIR/owner"', f'viewer_password = "{OTHER}"')
    settings = config.load(file)
    assert {HUSH, OTHER} <= set(settings.secrets())
    shown = settings.masked()["web"]
    assert (shown["password"], shown["viewer_password"]) == ("***", "***")
    assert HUSH not in repr(settings) + str(settings.masked())


def test_a_secret_that_others_can_read_is_said(file: Path, tmp_path: Path) -> None:
    for name in ("owner", "viewer"):
        (tmp_path / name).chmod(0o644)
    loaded(file, 'password_file = "DIR/owner"', 'viewer_password_file = "DIR/viewer"')
    said = "\n".join(config.load(file).remarks)
    for name in ("owner", "viewer"):
        assert f"{tmp_path / name} holds a secret" in said
    loaded(file, f'password = "{HUSH}"')
    file.chmod(0o644)
    assert f"{file} holds a secret" in "\n".join(config.load(file).remarks)
