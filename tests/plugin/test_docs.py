"""docs/plugins.md names every hook with its exact signature, and what it shows as an example works."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

from shomare_mqtt.plugin import Api, hookspecs, kit
from tests.plugin.conftest import SHIPPED

PAGE = (Path(__file__).parents[2] / "docs" / "plugins.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("hook", sorted(hookspecs.HOOKS))
def test_every_hook_is_there_with_its_signature(hook: str) -> None:
    arguments = ", ".join(inspect.signature(getattr(hookspecs, hook)).parameters)
    assert f"`{hook}({arguments})`" in PAGE


def test_no_hook_is_there_that_is_none() -> None:
    assert set(re.findall(r"\bshomare_(?!mqtt|plugin)[a-z_]+", PAGE)) <= hookspecs.HOOKS


@pytest.mark.parametrize("name", [n for n in (*Api.__dataclass_fields__, "http") if n != "session"])
def test_everything_that_a_plugin_is_given_is_there(name: str) -> None:
    assert f"`api.{name}" in PAGE


@pytest.mark.parametrize("field", kit.FIELDS)
def test_every_field_of_a_template_is_there(field: str) -> None:
    assert f"`{{{field}}}`" in PAGE


@pytest.mark.parametrize("plugin", sorted(path.stem for path in SHIPPED.glob("*.py")))
def test_every_plugin_that_we_ship_is_there(plugin: str) -> None:
    assert f"`{plugin}`" in PAGE


def test_the_first_example_has_ten_lines_and_works(shomare_plugin: Any, tmp_path: Path) -> None:
    assert len(list(filter(None, EXAMPLES[0].splitlines()))) <= 10  # blank lines are the formatter's
    (tmp_path / "hello.py").write_text(EXAMPLES[0])
    trial = shomare_plugin(tmp_path / "hello.py")
    trial.sms("Your code is 12345", code="12345")
    assert [(p.topic, p.payload) for p in trial.published] == [("plugin/hello/length", b"5")]


def test_the_second_example_works(shomare_plugin: Any, tmp_path: Path) -> None:
    (tmp_path / "night_guard.py").write_text(EXAMPLES[1])
    trial = shomare_plugin(tmp_path / "night_guard.py", settings={"most": 3000})
    assert trial.authorize_buy(price=2200) is None
    assert "3001" in str(trial.authorize_buy(price=3001))


def test_the_test_in_the_examples_works(tmp_path: Path) -> None:
    (tmp_path / "night_guard.py").write_text(EXAMPLES[1])
    (tmp_path / "test_night_guard.py").write_text(EXAMPLES[-1])
    installed = any(entry.value == "shomare_mqtt.plugin.testing" for entry in entry_points(group="pytest11"))
    given = [] if installed else ["-p", "shomare_mqtt.plugin.testing"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *given, str(tmp_path)]
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": root}, capture_output=True, text=True, check=False
    )
    assert "1 passed" in done.stdout, done.stdout + done.stderr
