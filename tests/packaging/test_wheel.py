"""One version everywhere; what is built and tried stands in packaging/release_check.py."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from shomare_mqtt import __version__
from tests.packaging.files import APP, TOP, read_yaml

if TYPE_CHECKING:
    from pathlib import Path

REPEATING = (
    "packaging/homeassistant/config.yaml",
    "packaging/homeassistant/Dockerfile",
    "packaging/homeassistant/CHANGELOG.md",
    "packaging/image/compose.yaml",
    "repository.yaml",
    "docs/start-docker.md",
    "docs/start-home-assistant-os.md",
)


def stamp(top: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(top / "packaging" / "stamp.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_version_is_the_same_everywhere() -> None:
    done = stamp(TOP, "--check")
    assert done.returncode == 0, f"run: python packaging/stamp.py\n{done.stdout}"
    assert read_yaml(APP / "config.yaml")["version"] == __version__


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in (*REPEATING, "packaging/stamp.py", "shomare_mqtt/__init__.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(TOP / name, tmp_path / name)
    return tmp_path


def test_a_new_version_is_written_to_all_that_repeat_it(copy: Path) -> None:
    (copy / "shomare_mqtt" / "__init__.py").write_text('__version__ = "7.8.9"\n')
    assert stamp(copy, "--check").returncode == 1
    assert stamp(copy).returncode == 0
    assert stamp(copy, "--check").returncode == 0
    for name in REPEATING:
        text = (copy / name).read_text(encoding="utf-8")
        assert set(re.findall(r"ghcr\.io/[\w/-]+:(\S+?)`?(?:[\s\",]|$)", text)) <= {"7.8.9"}
    assert 'version: "7.8.9"' in (copy / "packaging/homeassistant/config.yaml").read_text()
    assert "FROM ghcr.io/" in (copy / "packaging/homeassistant/Dockerfile").read_text()


def test_an_owner_is_written_to_all_that_name_one(copy: Path) -> None:
    assert stamp(copy, "--owner", "somebody").returncode == 0
    for name in REPEATING:
        text = (copy / name).read_text(encoding="utf-8")
        assert set(re.findall(r"(?:ghcr\.io|github\.com)/([\w-]+)/shomare-mqtt", text)) == {"somebody"}
    assert stamp(copy, "--check").returncode == 0
