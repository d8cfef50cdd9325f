"""The Persian pages name codes, states and commands that there are, right to left, with code left to right."""

from __future__ import annotations

import re
import shlex
import tomllib

import pytest

from shomare_mqtt import config
from shomare_mqtt.core.bridge_events import BRIDGE_EVENT_TYPES
from shomare_mqtt.model import OrderState
from tests.readme import blocks
from tests.test_docs import CONTRACT, TOP, quoted, rows

PAGES = sorted((TOP / "docs" / "fa").glob("*.md"))
page = pytest.mark.parametrize(
    "text", [path.read_text(encoding="utf-8") for path in PAGES], ids=[p.stem for p in PAGES]
)


def prose(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)


@page
def test_it_is_written_right_to_left_and_its_code_left_to_right(text: str) -> None:
    assert text.startswith('<div dir="rtl">\n')
    assert text.count("<div") == text.count("</div>")
    for before in re.findall(r"(.*)\n\n```\w+\n", text):
        assert before == '<div dir="ltr">'


@page
def test_what_it_names_stands_in_the_contract(text: str) -> None:
    for name in quoted(prose(text)):
        if re.fullmatch(r"[a-z_]+", name):
            assert name in CONTRACT or name in BRIDGE_EVENT_TYPES, name


@page
def test_its_letters_are_persian(text: str) -> None:
    assert not re.search("[يكى٠-٩]", prose(text)), "Arabic letters or digits"


def test_every_state_of_an_order_is_explained() -> None:
    text = (TOP / "docs" / "fa" / "money.md").read_text(encoding="utf-8")
    states = [quoted(row[0]) for row in rows(text.split("## وضعیت سفارش")[1].split("\n## ")[0])]
    assert states == [[state.value] for state in OrderState]


def test_its_commands_are_there_in_english_too() -> None:
    english = "".join((TOP / name).read_text(encoding="utf-8") for name in ("README.md", "docs/money.md"))
    for path in PAGES:
        for block in blocks(path):
            if block.kind == "toml":
                config.GivenSettings.model_validate(tomllib.loads(block.text))
            else:
                assert " ".join(shlex.split(block.text)[:2]) in english, block.text
