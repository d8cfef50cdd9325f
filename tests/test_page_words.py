"""The words of the page: what is said in one language is said in the other, with the same things filled in."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import shomare_mqtt

WORDS = Path(shomare_mqtt.__file__).parent / "web" / "page" / "words"
_ENTRY = re.compile(r'^ *"?([\w.]+)"?: (".*"|\[.*\]),$', re.MULTILINE)
_GROUP = re.compile(r"^ *(\w+): \{$")
VIEWS = sorted(path.name for path in (WORDS / "en").glob("*.js"))


def told(language: str, view: str) -> dict[str, frozenset[str]]:
    """Of each text by its key, what is filled into it. Every line between the first and the last is an entry."""
    lines = (WORDS / language / view).read_text("utf-8").strip().splitlines()
    entries, group = dict[str, frozenset[str]](), ""
    for line in lines[1:-1]:
        begun = _GROUP.fullmatch(line)
        if begun or line.strip() == "},":
            assert bool(begun) is not bool(group), f"{language}/{view}: a group in a group, or none that ends: {line}"
            group = f"{begun[1]}." if begun else ""
        elif not line.strip().startswith("//"):
            entry = _ENTRY.fullmatch(line)
            assert entry, f"{language}/{view} holds a line that is no entry: {line}"
            entries[group + entry[1]] = frozenset(re.findall(r"\{(\w+)\}", entry[2]))
    return entries


def test_there_are_words() -> None:
    assert {"buy.js", "now.js", "history.js", "figures.js", "system.js", "shell.js"} <= set(VIEWS)
    assert sorted(path.name for path in (WORDS / "fa").glob("*.js")) == VIEWS


@pytest.mark.parametrize("view", VIEWS)
def test_both_languages_say_the_same_things(view: str) -> None:
    """English has the daemon's own sentence for an error: its words for those are Persian alone."""
    english, persian = told("en", view), told("fa", view)
    assert {key: persian.get(key) for key in english} == english
    assert [key for key in persian if key not in english and not key.startswith("error.")] == []
