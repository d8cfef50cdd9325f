"""The README's figures are those of the pages that it takes them from, and its promises are not larger."""

from __future__ import annotations

import re

import pytest

from shomare_mqtt import __version__
from tests.test_docs import README, TOP

OURS, SCRIPT = 5, 6
LINES = (TOP / "docs" / "performance.md").read_text(encoding="utf-8").splitlines()
CELLS = [[cell.strip() for cell in line.split("|")[1:-1]] for line in LINES]
PERFORMANCE = {row[0]: row for row in CELLS if len(row) > SCRIPT}
FIGURES = [
    (r"(\d+) MB of memory", "memory after 10,000 requests", 0),
    (r"([\d.]+) s from the start to the first answer", "first answer after the start", 2),
    (r"([\d.]+) s of processor time in an idle minute", "CPU in an idle minute", 2),
    (r"a query takes ([\d.]+) ms", "query p50, nodelay broker, QoS 0", 2),
    (r"a purchase ([\d.]+) ms", "buy p50, alone", 1),
]
"""What the README says, the row of docs/performance.md, and to how many digits behind the point."""


@pytest.mark.parametrize(("said", "row", "digits"), FIGURES)
def test_a_figure_is_that_of_the_measurement(said: str, row: str, digits: int) -> None:
    found = re.search(said, " ".join(README.split()))
    assert found is not None
    assert float(found[1]) == round(float(PERFORMANCE[row][OURS]), digits)


def test_the_script_beside_it_is_told_fairly() -> None:
    query, memory = PERFORMANCE["query p50, nodelay broker, QoS 0"], PERFORMANCE["memory at rest"]
    assert "three quarters of the time of ours" in " ".join(README.split())
    assert 0.7 < float(query[SCRIPT]) / float(query[OURS]) < 0.8
    (more,) = re.findall(r"it is (\d+) MB smaller", README)
    assert int(more) == round(float(memory[OURS]) - float(memory[SCRIPT]))


def test_the_recording_is_small_and_loads_nothing_from_elsewhere() -> None:
    recording = (TOP / "docs" / "images" / "demo.svg").read_text(encoding="utf-8")
    assert len(recording.encode()) < 150_000
    assert "@keyframes" in recording
    addresses = set(re.findall(r"https?://[^\"\s<)]+", recording))
    assert not {each for each in addresses if "www.w3.org" not in each and "textualize" not in each} - {
        each for each in addresses if each.startswith("http://127.0.0.1:")
    }


def test_the_pictures_of_the_page_are_small_and_of_every_view() -> None:
    pictures = list((TOP / "docs" / "images" / "page").iterdir())
    assert {each.suffix for each in pictures} == {".webp"}
    views = {"buy", "now", "history", "figures", "system", "login", "code"}
    assert {each.stem for each in pictures} == {
        f"{view}-{kind}" for view in views for kind in ("light", "dark", "phone", "persian")
    }
    assert max(each.stat().st_size for each in pictures) < 60_000
    for name in ("README.md", "docs/page.md", "docs/fa/start.md"):
        assert "images/page/" in (TOP / name).read_text(encoding="utf-8")


def test_the_newest_version_of_the_changelog_is_this_one() -> None:
    changelog = (TOP / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## \[(\d[^]]*)\] - \d{4}-\d\d-\d\d$", changelog, re.MULTILINE)[0] == __version__
