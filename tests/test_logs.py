"""The log: its two formats, and that no secret gets through either of them."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import time
from typing import TYPE_CHECKING, TextIO

import pytest

from shomare_mqtt import config, logs
from shomare_mqtt.core.masking import Mask

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = 'to/k"en'


@pytest.fixture(autouse=True)
def _root_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


def logged(kind: str, message: str, *arguments: object, stream: TextIO | None = None) -> str:
    settings = config.GivenSettings(
        provider=config.Provider.model_validate({"token": TOKEN}), log=config.Log.model_validate({"format": kind})
    )
    target = io.StringIO()
    logs.set_up(settings.log, settings.secrets(), stream or target)
    log = logging.getLogger("shomare_mqtt.core.orders")
    try:
        int(f"refused {TOKEN}")
    except ValueError:
        log.warning(message, *arguments, exc_info=True, extra={"order": "01K", "url": "?token=to%2Fk%22en"})
    log.debug("not wanted")
    return target.getvalue()


def test_text() -> None:
    first, *rest = logged("text", "order %s\nforged line, token %s", "01K", TOKEN).splitlines()
    assert first.endswith(r" WARNING core.orders: order 01K\nforged line, token ***")
    assert rest[0] == "Traceback (most recent call last):"
    assert rest[-1].endswith("refused ***'")


def test_times_have_their_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tehran")
    time.tzset()
    try:
        assert re.match(
            r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+0330 WARNING core.orders: now$", logged("text", "now").splitlines()[0]
        )
    finally:
        monkeypatch.undo()
        time.tzset()


def test_times_are_those_of_the_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tehran")
    time.tzset()
    try:
        afternoon = logging.makeLogRecord({"name": "x", "msg": "now", "levelname": "INFO", "created": 1735732800.0})
        assert logs.TextFormatter(Mask(())).format(afternoon).startswith("2025-01-01 15:30:00+0330 INFO ")
    finally:
        monkeypatch.undo()
        time.tzset()


def test_json() -> None:
    (line,) = logged("json", "token %s\nسلام", TOKEN).splitlines()
    body = json.loads(line)
    assert body.pop("time").endswith("Z")
    assert body.pop("exception").endswith("refused ***'")
    assert body == {
        "level": "warning", "logger": "shomare_mqtt.core.orders", "message": "token ***\nسلام", "order": "01K",
        "url": "?token=***",
    }  # fmt: skip


def test_the_journal_gets_priorities_and_no_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "stream").open("w+") as stream:
        stat = os.fstat(stream.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{stat.st_dev}:{stat.st_ino}")
        logged("text", "hello", stream=stream)
        stream.seek(0)
        first, *rest = stream.read().splitlines()
    assert first == "<4>core.orders: hello"
    assert all(line.startswith("<4>") for line in rest)


def test_a_stream_that_is_not_the_journals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", "1:2")
    assert not logged("text", "hello").startswith("<")


def test_libraries_are_kept_quiet() -> None:
    logged("text", "hello")
    assert not logging.getLogger("aiohttp.access").isEnabledFor(logging.WARNING)
    assert not logging.getLogger("amqtt.broker").isEnabledFor(logging.WARNING)
