"""`POST api/doctor`: one process at a time, shared by all who ask, and none that outlives its time."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import sys
from typing import TYPE_CHECKING

import pytest

from shomare_mqtt.web.doctoring import Doctoring
from tests.patience import PATIENCE
from tests.web.house import PASSWORDS, house

if TYPE_CHECKING:
    from pathlib import Path

FOUND = {"findings": [{"name": "settings", "state": "good", "text": "…", "advice": ""}], "ok": True}


def program(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """In Python's place; it notes each time that it is run, and with what."""
    path = folder / "python"
    path.write_text(f'#!/bin/sh\necho "$$ $*" >> {folder}/runs\n{text}\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(sys, "executable", str(path))
    return folder / "runs"


def runs_in(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


async def test_what_doctor_says_is_the_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = program(tmp_path, f"echo '{json.dumps(FOUND)}'; exit 1", monkeypatch)
    async with house(tmp_path, doctoring=Doctoring(tmp_path / "my.toml", str)) as page:
        got = await page.post("/api/doctor")
        assert (got.status, json.loads(got.text), got.headers["Cache-Control"]) == (200, FOUND, "no-store")
    (run,) = runs_in(runs)
    assert run.endswith(f"-P -m shomare_mqtt doctor --json --config {tmp_path}/my.toml")
    await Doctoring(None, str).findings()
    assert runs_in(runs)[1].endswith("doctor --json")


async def test_those_who_ask_meanwhile_share_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "go")
    runs = program(tmp_path, f"read _ < {tmp_path}/go; echo '{json.dumps(FOUND)}'", monkeypatch)
    doctoring = Doctoring(None, str)
    asked = [asyncio.create_task(doctoring.findings()) for _ in range(5)]
    async with asyncio.timeout(PATIENCE):
        go = await asyncio.to_thread((tmp_path / "go").open, "w")
        with go:
            go.write("\n")
        assert await asyncio.gather(*asked) == [FOUND] * 5
    assert len(runs_in(runs)) == 1
    await asyncio.to_thread((tmp_path / "go").unlink)
    assert await doctoring.findings() == FOUND
    assert len(runs_in(runs)) == 2


async def test_one_that_hangs_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = program(tmp_path, "exec sleep 1000", monkeypatch)
    async with asyncio.timeout(PATIENCE):
        found = await Doctoring(None, str, longest=0.5).findings()
    assert not found["ok"]
    assert "was not done" in found["findings"][0]["text"]
    for run in runs_in(runs):
        with pytest.raises(ProcessLookupError):
            os.kill(int(run.split()[0]), 0)


async def test_one_who_asks_goes_and_the_process_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The daemon ends: nothing of it stays behind, and who shared it is let go."""
    os.mkfifo(tmp_path / "began")
    runs = program(tmp_path, f"echo > {tmp_path}/began; exec sleep 1000", monkeypatch)
    doctoring = Doctoring(None, str)
    first, second = [asyncio.create_task(doctoring.findings()) for _ in range(2)]
    async with asyncio.timeout(PATIENCE):
        await asyncio.to_thread((tmp_path / "began").read_text)
        first.cancel()
        found = await asyncio.gather(first, second, return_exceptions=True)
    assert [type(each) for each in found] == [asyncio.CancelledError] * 2
    with pytest.raises(ProcessLookupError):
        os.kill(int(runs_in(runs)[0].split()[0]), 0)


@pytest.mark.parametrize("text", ["exit 0", "echo '[]'", "echo '{}'", "echo 'no: hush-hush' >&2; exit 78"])
async def test_one_that_finds_nothing_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    program(tmp_path, text, monkeypatch)
    found = await Doctoring(None, lambda said: said.replace("hush-hush", "***")).findings()
    (finding,) = found["findings"]
    assert (found["ok"], finding["state"], "hush" in finding["text"]) == (False, "bad", False)
    assert ("no: ***" in finding["text"]) is ("78" in text)


async def test_where_nothing_can_be_started_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nowhere"))
    found = await Doctoring(None, str).findings()
    assert "no process can be started" in found["findings"][0]["text"]


async def test_a_stranger_and_a_viewer_start_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = program(tmp_path, "exit 0", monkeypatch)
    async with house(tmp_path, doctoring=Doctoring(None, str), **PASSWORDS) as page:
        viewer = (await page.sign_in(PASSWORDS["viewer_password"])).cookie
        assert (await page.post("/api/doctor")).status == 401
        assert (await page.post("/api/doctor", viewer)).status == 403
    assert not runs_in(runs)
