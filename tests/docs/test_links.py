"""Links in the documents lead somewhere: to files that are there, and to headings that stand in them."""

from __future__ import annotations

import re
import subprocess
import unicodedata
from functools import cache
from typing import TYPE_CHECKING

import pytest

from tests.docs.pages import TOP

if TYPE_CHECKING:
    from pathlib import Path

_CODE = re.compile(r"^(```|~~~).*?^\1", re.DOTALL | re.MULTILINE)
_LINK = re.compile(
    r"\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)|<(?:img|a|source)\b[^>]*?\b(?:src|href|srcset)=\"([^\"]+)\""
)
_ELSEWHERE = re.compile(r"[a-z][a-z+.-]*:|//")
"""The world outside is no matter of a test, which must not fail with it."""


def documents() -> list[str]:
    """Every page of the repository, those that are not committed yet as well."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"]
    try:
        found = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=True).stdout.split()
    except (OSError, subprocess.CalledProcessError):  # a source distribution
        found = [str(path.relative_to(TOP)) for path in [*TOP.glob("*.md"), *TOP.glob("docs/**/*.md")]]
    return sorted(each for each in found if (TOP / each).exists())


@cache
def anchors(path: Path) -> frozenset[str]:
    """The names by which GitHub lets headings be linked to; of two that are alike the second has `-1` behind it."""
    text = _CODE.sub("", path.read_text(encoding="utf-8"))
    found: dict[str, int] = {}
    names = re.findall(r"<a (?:id|name)=\"([^\"]+)\"", text)
    for heading in re.findall(r"^#{1,6} +(.+?)[ #]*$", text, re.MULTILINE):
        plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)
        kept = "".join(c for c in plain.lower() if c in "-_ " or unicodedata.category(c)[0] in "LMN")
        slug = kept.replace(" ", "-")
        found[slug] = count = found.get(slug, -1) + 1
        names.append(f"{slug}-{count}" if count else slug)
    return frozenset(names)


def dead(page: Path) -> list[str]:
    """The links of a page that lead nowhere."""
    text = _CODE.sub("", page.read_text(encoding="utf-8"))
    text = re.sub(r"`[^`\n]*`", "", text)
    return [link for pair in _LINK.findall(text) if (link := "".join(pair)) and not leads_somewhere(page, link)]


def leads_somewhere(page: Path, link: str) -> bool:
    if _ELSEWHERE.match(link):
        return True
    file, _, anchor = link.partition("#")
    target = (TOP / file[1:] if file.startswith("/") else page.parent / file) if file else page
    if not target.exists() or not target.resolve().is_relative_to(TOP):
        return False
    return not anchor or target.suffix != ".md" or anchor in anchors(target)


@pytest.mark.parametrize("name", documents())
def test_its_links_lead_somewhere(name: str) -> None:
    assert dead(TOP / name) == []


def test_every_page_is_linked_to() -> None:
    """Nobody finds a page that no other one names."""
    linked = set()
    for name in documents():
        text = (TOP / name).read_text(encoding="utf-8")
        targets = ("".join(pair).partition("#")[0] for pair in _LINK.findall(text))
        linked |= {((TOP / name).parent / each).resolve() for each in targets if not _ELSEWHERE.match(each)}
    pages = [path for path in (TOP / "docs").rglob("*.md") if path.name != "README.md"]
    assert [str(path.relative_to(TOP)) for path in pages if path.resolve() not in linked] == []


def test_a_dead_link_is_found(tmp_path: Path) -> None:
    page = TOP / "docs" / "contract.md"
    assert leads_somewhere(page, "provider.md")
    assert leads_somewhere(page, "contract.md#state-retained-qos-1")
    assert leads_somewhere(page, "#commands-the-daemon-subscribes-qos-1")
    assert not leads_somewhere(page, "nowhere.md")
    assert not leads_somewhere(page, "#nowhere")
    assert not leads_somewhere(page, "provider.md#nowhere")
    assert not leads_somewhere(page, f"../..{tmp_path}")
