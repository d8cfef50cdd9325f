"""One entry that cannot be used never spoils a list (contract, Answers)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from shomare_mqtt.model import CatalogKind, Known
from shomare_mqtt.provider import reading

CONTEXT = reading.Context(datetime(2026, 1, 1, tzinfo=UTC), ZoneInfo("Asia/Tehran"), Known(), "IRT")
LONG = "x" * 70_000
MTS = ("1", "MTS")


def entries_of(data: Any) -> list[tuple[str, str]]:
    answer = reading.RawAnswer(200, json.dumps({"status": True, "data": data}).encode())
    return [(e.id, e.name) for e in reading.read_catalog(CatalogKind.OPERATORS, answer, CONTEXT).entries]


@pytest.mark.parametrize(
    "data",
    [
        {"1": "MTS", "": ""},
        {"1": "MTS", "": "Tele2"},
        {"1": "MTS", " ": None},
        {"1": "MTS", "\0": "Tele2"},
        {"1": "MTS", LONG: "Tele2"},
        {"1": {"name": "MTS"}, "": {"name": ""}},
        {"1": {"name": "MTS"}, "": {"id": "", "name": ""}},
        {"1": {"name": "MTS"}, "\u200f": {"name": "Tele2"}},
        {"1": {"name": "MTS"}, LONG: {"name": "Tele2"}},
        [{"id": "", "name": ""}, {"id": 1, "name": "MTS"}],
        [{"id": 1, "name": "MTS"}, {"id": None, "name": None}],
        [{"id": 1, "name": "MTS"}, {"id": LONG, "name": LONG}],
        [{"id": 1, "name": "MTS"}, {"id": "", "name": "\0"}],
        [{"id": 1, "name": "MTS"}, {"id": [], "name": {}}],
        [{"id": 1, "name": "MTS"}, None, [], True],
    ],
    ids=lambda data: str(data)[:60],
)
def test_an_entry_that_cannot_be_used_is_left_out(data: Any) -> None:
    assert entries_of(data) == [MTS]


def test_ids_and_names_of_any_kind_are_kept() -> None:
    data = [
        {"id": 1, "name": "MTS"},
        {"id": 1, "name": "once more"},
        {"id": "a/+#\0b", "name": "Signs"},
        {"id": "MTS", "name": "mts"},
        {"id": "2", "name": "\ud800"},
        {"id": "3", "name": "Long " + LONG},
    ]
    assert entries_of(data) == [MTS, ("a/+#\0b", "Signs"), ("MTS", "mts"), ("2", "\ufffd"), ("3", "Long " + LONG)]
