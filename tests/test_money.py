"""docs/money.md says of each failure what it means for the money: none is left out, and what it quotes is said."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from shomare_mqtt import config
from shomare_mqtt.core.bridge_events import BridgeEvent
from shomare_mqtt.errors import ErrorCode
from shomare_mqtt.model import OrderState
from tests.test_docs import TOP, quoted, rows

PAGE = (TOP / "docs" / "money.md").read_text(encoding="utf-8")
SPENDS = "**may be gone**"


def part(title: str) -> str:
    """What stands under a heading."""
    return re.split(r"^## ", PAGE.split(f"\n## {title}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def first_cells(title: str) -> list[str]:
    return [name for row in rows(part(title)) for name in quoted(row[0])]


def test_every_error_code_is_there_once() -> None:
    assert sorted(first_cells("Every error code of an answer")) == sorted(ErrorCode)


def test_one_code_alone_is_said_to_cost_money() -> None:
    costly = [row[0] for row in rows(part("Every error code of an answer")) if row[1] == SPENDS]
    assert costly == [f"`{ErrorCode.OUTCOME_UNKNOWN}`"]


def test_every_message_on_the_bridge_is_there_once() -> None:
    assert sorted(first_cells("Every message on `event/bridge`")) == sorted(BridgeEvent)


def test_every_state_of_an_order_is_there_once() -> None:
    assert sorted(first_cells("How an order ends, and who has the money then")) == sorted(OrderState)


def test_every_limit_is_named_where_an_automation_runs_wild() -> None:
    (row,) = [row for row in rows(part("The sender")) if "runs wild" in row[0]]
    assert set(quoted(row[1])) >= set(config.Limits.model_fields)


@cache
def said() -> tuple[str, ...]:
    """Each text of the program, with `…` where it puts in a value."""
    texts = set[str]()
    for file in sorted(Path(config.__file__).parent.parent.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                texts.add("".join(str(p.value) if isinstance(p, ast.Constant) else "…" for p in node.values))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.add(node.value)
    return tuple(texts)


PROSE = re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL).splitlines()
IS_COMMAND = re.compile("shomare-mqtt |make |[a-z_.]+ = ")
SENTENCES = sorted({each for line in PROSE for each in quoted(line) if " " in each and not IS_COMMAND.match(each)})


@pytest.mark.parametrize("sentence", SENTENCES)
def test_what_is_quoted_is_what_the_program_says(sentence: str) -> None:
    assert any(sentence.removeprefix("order …: ") in text for text in said()), sentence


def test_some_are_quoted() -> None:
    assert len(SENTENCES) >= 6
