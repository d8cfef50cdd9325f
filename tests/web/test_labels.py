"""What stands in the label `command`: a topic of the contract without ids, and else one word for all."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from shomare_mqtt.mqtt.commands import DEFAULT_FIELDS
from shomare_mqtt.web.labels import COMMANDS, command_label

CONTRACT = (Path(__file__).parents[2] / "docs" / "contract.md").read_text()


@pytest.mark.parametrize(
    ("command", "label"),
    [
        ("buy", "buy"),
        ("buying/set", "buying/set"),
        ("defaults/max_price/set", "defaults/max_price/set"),
        ("query/prices/7/1", "query/prices"),
        ("query/price/7/1/3", "query/price"),
        ("query/check/74001", "query/check"),
        ("query/74001", "other"),
        ("query/", "other"),
        ("query", "other"),
        ("query/check\n/1", "other"),
        ("defaults/74001/set", "other"),
        ("defaults/country/74001", "other"),
        ("buy/74001", "other"),
        ("other", "other"),
        ("", "other"),
    ],
)
def test_the_label_of_a_command(command: str, label: str) -> None:
    assert command_label(command) == label


def test_every_command_of_the_contract_has_its_own() -> None:
    rows = re.findall(
        r"^\| ((?:`[^`]+`(?:, )?)+) \|", CONTRACT.split("\n## Commands")[1].split("\n## Answers")[0], re.MULTILINE
    )
    topics = {topic for row in rows for topic in re.findall(r"`([^`]+)`", row)}
    topics |= {f"defaults/{field}/set" for field in DEFAULT_FIELDS}
    topics.discard("defaults/<field>/set")
    assert len(topics) >= 14
    assert {command_label(topic) for topic in topics} == topics == set(COMMANDS) - {"other"}
