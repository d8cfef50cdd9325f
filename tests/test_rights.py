"""Who can read a secret and who can write a plugin is said in the log, with what mends it (contract, Settings)."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from shomare_mqtt import config
from shomare_mqtt.config import Plugins, rights
from shomare_mqtt.plugin.loading import load_plugins
from tests.cli.process import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

HOOK = "def shomare_sms_received(sms): ...\n"
LOG = logging.getLogger("tests.rights")
NOBODY = 65534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to others")


@pytest.fixture(autouse=True)
def _usual_rights() -> Iterator[None]:
    """Of what a test makes, wherever it runs: some containers let everybody write."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def plugins(tmp_path: Path) -> Path:
    """A folder with a plugin of one file and one that is a package."""
    place = tmp_path / "plugins"
    (place / "package" / "inner").mkdir(parents=True)
    (place / "single.py").write_text(HOOK)
    (place / "package" / "__init__.py").write_text("from .inner.deep import shomare_sms_received\n")
    (place / "package" / "inner" / "__init__.py").write_text("")
    (place / "package" / "inner" / "deep.py").write_text(HOOK)
    return place


def warned(caplog: pytest.LogCaptureFixture, place: Path, name: str) -> list[str]:
    caplog.clear()
    load_plugins(Plugins(enabled=(name,), directories=(place,)), LOG)
    return caplog.messages


@pytest.mark.parametrize("name", ["single", "package"])
def test_what_nobody_else_can_write_is_fine(plugins: Path, caplog: pytest.LogCaptureFixture, name: str) -> None:
    assert warned(caplog, plugins, name) == []


PLACES = {
    "single": ("", "single.py", "__pycache__"),
    "package": ("", "package", "package/__init__.py", "package/inner", "package/inner/deep.py"),
}


@pytest.mark.parametrize(("name", "place"), [(name, place) for name, places in PLACES.items() for place in places])
def test_what_all_can_write(plugins: Path, caplog: pytest.LogCaptureFixture, name: str, place: str) -> None:
    path = plugins / place if place else plugins
    path.mkdir(exist_ok=True) if not path.exists() else None
    path.chmod(path.stat().st_mode | 0o002)
    (said,) = warned(caplog, plugins, name)
    assert said == (
        f"plugin {name}: {path} can be written by every user of this machine, who can so spend your money: "
        f"chmod o-w {path}"
    )
    subprocess.run(said.rpartition(": ")[2], shell=True, check=True)
    assert warned(caplog, plugins, name) == []


def test_a_folder_far_above(plugins: Path, caplog: pytest.LogCaptureFixture) -> None:
    plugins.parent.chmod(0o777)
    (said,) = warned(caplog, plugins, "single")
    assert str(plugins.parent) in said


def test_a_folder_like_tmp_is_no_place_for_plugins(plugins: Path, caplog: pytest.LogCaptureFixture) -> None:
    plugins.parent.chmod(0o1777)
    assert warned(caplog, plugins, "single") == []
    plugins.chmod(0o1777)
    (said,) = warned(caplog, plugins, "single")
    assert said.endswith(": keep plugins elsewhere")


@pytest.mark.parametrize("link", ["file", "package", "folder", "folder above"])
def test_what_a_link_leads_to(plugins: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, link: str) -> None:
    open_folder, real = tmp_path / "open", tmp_path / "linked"
    open_folder.mkdir()
    real.mkdir()
    open_folder.chmod(0o777)
    name, place = ("package" if link == "package" else "single"), real
    if link == "file":
        shutil.move(plugins / "single.py", open_folder / "other.py")
        (real / "single.py").symlink_to("../open/other.py")
    elif link == "package":
        shutil.move(plugins / "package", open_folder / "other")
        (real / "package").symlink_to(open_folder / "other")
    elif link == "folder":
        shutil.move(plugins, open_folder / "plugins")
        place = real / "plugins"
        place.symlink_to(open_folder / "plugins")
    else:
        shutil.move(plugins, open_folder / "plugins")
        (real / "way").symlink_to(open_folder)
        place = real / "way" / "plugins"
    assert any(f"{open_folder} can be written by every user" in said for said in warned(caplog, place, name))


def test_a_link_in_a_folder_of_others(plugins: Path, tmp_path: Path) -> None:
    """Who may replace the link may replace what it leads to."""
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    (tmp_path / "open" / "link").symlink_to(plugins)
    (said,) = rights.writable([tmp_path / "open" / "link" / "single.py"])
    assert said.startswith(f"{tmp_path / 'open'} can be written")


def test_links_that_lead_nowhere_and_round(tmp_path: Path) -> None:
    (tmp_path / "round").symlink_to(tmp_path / "round")
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    assert rights.writable([tmp_path / "round", tmp_path / "nowhere", tmp_path / "gone" / "x"]) == []


def test_a_package_that_links_to_itself(plugins: Path, caplog: pytest.LogCaptureFixture) -> None:
    (plugins / "package" / "again").symlink_to(plugins / "package")
    assert warned(caplog, plugins, "package") == []


def test_many_files_are_not_many_lines(plugins: Path, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(20):
        (plugins / "package" / f"part_{number}.py").write_text("")
        (plugins / "package" / f"part_{number}.py").chmod(0o666)
    assert len(said := warned(caplog, plugins, "package")) == 6
    assert said[-1] == "plugin package: 15 more of its files can be changed by others"


@as_root
@pytest.mark.parametrize("place", ["", "single.py"])
def test_what_belongs_to_another(plugins: Path, caplog: pytest.LogCaptureFixture, place: str) -> None:
    os.chown(plugins / place, NOBODY, -1)
    (said,) = warned(caplog, plugins, "single")
    assert "belongs to another user, nobody (uid 65534), who can so spend your money: chown root" in said
    os.chown(plugins / place, 54321, -1)
    assert "another user, uid 54321," in warned(caplog, plugins, "single")[0]


@as_root
def test_a_link_that_belongs_to_another(plugins: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.py"
    link.symlink_to(plugins / "single.py")
    os.chown(link, NOBODY, -1, follow_symlinks=False)
    (said,) = rights.writable([link])
    assert said.startswith(f"{link} belongs to another user")


@as_root
@pytest.mark.parametrize(("group", "said"), [(0, False), (54321, True), (NOBODY, True)])
def test_what_a_group_can_write(plugins: Path, caplog: pytest.LogCaptureFixture, group: int, said: bool) -> None:
    os.chown(plugins / "single.py", -1, group)
    (plugins / "single.py").chmod(0o664)
    assert bool(found := warned(caplog, plugins, "single")) is said
    assert all("can be written by the group" in text and "chmod g-w" in text for text in found)


def test_a_plugin_that_was_installed(
    plugins: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = plugins / "mine-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[shomare_mqtt]\ninstalled_one = installed_for_rights\n")
    (plugins / "single.py").rename(plugins / "installed_for_rights.py")
    (plugins / "installed_for_rights.py").chmod(0o666)
    monkeypatch.syspath_prepend(plugins)
    load_plugins(Plugins(enabled=("installed_one",)), LOG)
    assert any("installed_for_rights.py can be written by every user" in said for said in caplog.messages)


# --- secrets --------------------------------------------------------------------------------------------------------

TOKEN = '[provider]\ntoken = "tok-5f0c1e7a9b"\n'
SECRET = {
    "token": TOKEN,
    "mqtt password": '[mqtt]\nusername = "me"\npassword = "hush"\n[provider]\ntoken_file = "TOKEN"\n',
    "proxy": '[provider]\ntoken_file = "TOKEN"\nproxy = "http://a:b@proxy:1"\n',
    "base_url": '[provider]\ntoken_file = "TOKEN"\nbase_url = "https://x/api?key=1"\n',
    "plugin": '[provider]\ntoken_file = "TOKEN"\n[plugins.mine]\ninner = [{secret = "x"}]\n',
    "address": '[provider]\ntoken_file = "TOKEN"\n[plugins.mine]\nto = ["tgram://bot/chat"]\n',
}
NO_SECRET = """
provider = {token_file = "TOKEN", base_url = "https://x/api"}
mqtt = {username = "u"}
plugins = {mine = {url = "http://ha:1"}}
"""


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a settings file that all can read, and a token file that nobody else can."""

    def write(text: str) -> Path:
        (tmp_path / "token").write_text("tok-5f0c1e7a9b")
        (tmp_path / "token").chmod(0o600)
        file = tmp_path / "settings.toml"
        file.write_text(text.replace("TOKEN", str(tmp_path / "token")))
        file.chmod(0o644)
        return file

    return write


@pytest.mark.parametrize("text", SECRET.values(), ids=SECRET)
def test_a_settings_file_with_a_secret(written: Callable[[str], Path], text: str) -> None:
    file = written(text)
    assert config.load(file).remarks == (
        f"{file} holds a secret, and every user of this machine can read it: chmod o-r {file}",
    )
    file.chmod(0o640)
    assert config.load(file).remarks == ()


def test_a_settings_file_without_one(written: Callable[[str], Path]) -> None:
    file = written(NO_SECRET)
    assert config.load(file).remarks == ()


def test_files_of_secrets(written: Callable[[str], Path], tmp_path: Path) -> None:
    named = f'token_file = "{tmp_path}/other"\nlog_file = "{tmp_path}/log"'
    file = written(f'[mqtt]\nusername = "me"\npassword_file = "{tmp_path}/token"\n[plugins.mine]\n{named}\n')
    for name in ("token", "other", "log"):
        (tmp_path / name).write_text("hush")
        (tmp_path / name).chmod(0o644)
    said = config.load(file).remarks
    assert [text.partition(" ")[0] for text in said] == [f"{tmp_path}/token", f"{tmp_path}/other"]


def test_what_systemd_hands_over_is_fine(
    written: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials" / "token").write_text("tok-5f0c1e7a9b")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "credentials"))
    file = written('[mqtt]\nhost = "broker"\n')
    settings = config.load(file)
    assert settings.token == "tok-5f0c1e7a9b"
    assert settings.remarks == config.load(None).remarks == ()


@as_root
@pytest.mark.parametrize(("group", "said"), [("bin", True), ("daemon", False), ("root", False)])
def test_a_secret_that_a_group_can_read(tmp_path: Path, group: str, said: bool) -> None:
    file = tmp_path / "token"
    file.write_text("tok-1")
    shutil.chown(file, group=group)
    file.chmod(0o640)
    told = rights.readable(file)
    assert (told is not None) == said
    assert told is None or f"the group {group} can read it: chmod g-r" in told
    file.chmod(0o600)
    assert rights.readable(file) is None


def test_who_could_not_read_it_otherwise_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that runs as a user of its own reads what root owns as all others do."""
    file = tmp_path / "settings.toml"
    file.write_text(TOKEN)
    file.chmod(0o644)
    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    monkeypatch.setattr(os, "getegid", lambda: 54321)
    monkeypatch.setattr(os, "getgroups", list)
    assert "LoadCredential=" in str(rights.readable(file))
    assert "chmod" not in str(rights.readable(file))
    monkeypatch.setattr(os, "getgroups", lambda: [file.stat().st_gid])
    assert "chmod o-r" in str(rights.readable(file))


async def test_it_is_said_in_the_log(written: Callable[[str], Path], tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")  # so that it ends
    file = written(f'{TOKEN}[state]\ndirectory = "{tmp_path}/state"\n')
    for command in ("run", "check"):
        done = await run(command, "--config", str(file))
        assert done.err.count("every user of this machine can read it: chmod o-r") == 1
