"""Commands that a message names work where they are typed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from shomare_mqtt.cli.typed import to_be_typed

TEXT = "to cancel it: `shomare-mqtt cancel 01K`"


@pytest.mark.parametrize(
    ("started_by", "is_on_path", "said"),
    [
        (".venv/bin/shomare-mqtt", False, "`.venv/bin/shomare-mqtt cancel 01K`"),
        ("my place/shomare-mqtt", False, "`'my place/shomare-mqtt' cancel 01K`"),
        (".venv/bin/shomare-mqtt", True, "`shomare-mqtt cancel 01K`"),
        ("/usr/lib/python3/shomare_mqtt/__main__.py", False, "`shomare-mqtt cancel 01K`"),
    ],
)
def test_the_program_is_called_as_the_shell_finds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started_by: str, said: str, *, is_on_path: bool
) -> None:
    if is_on_path:
        (tmp_path / "shomare-mqtt").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "argv", [started_by])
    assert to_be_typed(TEXT, None) == f"to cancel it: {said}"


def test_the_settings_file_is_named_too() -> None:
    assert to_be_typed(TEXT, Path("a b.toml")).endswith("shomare-mqtt cancel 01K --config 'a b.toml'`")
