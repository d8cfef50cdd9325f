"""What is made from the code is as the code is, and nothing of the code is left out."""

from __future__ import annotations

import re

import pytest

from shomare_mqtt.core.bridge_events import BridgeEvent
from shomare_mqtt.errors import RETRYABLE, ErrorCode
from tests.docs import commands, rooms, settings
from tests.docs.pages import PAGES, TOP


def read(name: str) -> str:
    return (TOP / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PAGES)
def test_what_is_made_from_the_code_is_of_today(name: str) -> None:
    before = read(name)
    assert PAGES[name](before) == before, "make docs"


def test_every_command_and_each_of_its_options_stands_on_the_page() -> None:
    page = read("docs/commands.md")
    for name, command in commands.group().commands.items():
        section = page.split(f"## `shomare-mqtt {name}`\n")[1].split("\n## ")[0]
        for parameter in command.params:
            assert all(f"`{each}`" in section for each in parameter.opts if each.startswith("-")), (name, parameter)
        assert f"```sh\nshomare-mqtt {name}" in section


def test_every_setting_stands_on_the_page_with_its_variable() -> None:
    page = read("docs/settings.md")
    keys = [key for table, found in settings.tables() for key in found if table != "prices"]
    assert len(keys) > 50
    for key in keys:
        assert f"`{key.path.rpartition('.')[2]}`<br>`{key.variable}`" in page
        assert key.meaning, f"config.example.toml does not say what {key.path} does"


def test_every_kind_of_event_stands_in_the_document_for_machines() -> None:
    page = read("docs/asyncapi.yaml")
    assert all(f"event_type: {{const: {event.value}}}" in page for event in BridgeEvent)


# --- error codes ---


def rows_of_errors() -> list[list[str]]:
    lines = [line for line in read("docs/errors.md").splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_every_error_code_is_explained_once() -> None:
    assert sorted(row[0].strip("`") for row in rows_of_errors()) == sorted(ErrorCode)
    assert all(len(row) == 4 and all(row) for row in rows_of_errors())


def test_the_page_says_which_errors_may_be_tried_again() -> None:
    assert {row[0].strip("`") for row in rows_of_errors() if row[2].startswith("yes")} == RETRYABLE


# --- the picture ---


def test_every_room_that_imports_another_is_drawn() -> None:
    picture = rooms.drawing()
    folders = {folder.name for folder in (TOP / "shomare_mqtt").iterdir() if (folder / "__init__.py").exists()}
    for room in folders - {"config"}:
        assert re.search(rf'^ +{room}\["', picture, re.MULTILINE), room


def test_an_arrow_that_another_way_says_is_left_out_and_no_other() -> None:
    pairs = rooms.arrows()
    drawn = {(a, b) for a, b in rooms.reduced(pairs)}
    assert drawn < set(pairs)
    reached = set(drawn)
    while more := {(a, d) for a, b in reached for c, d in drawn if b == c} - reached:
        reached |= more
    assert reached >= set(pairs)
