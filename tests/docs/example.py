"""What `config.example.toml` says of each table and key: the one place where that is written."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

FILE = Path(__file__).parents[2] / "config.example.toml"
_TABLE = re.compile(r"#?\[{1,2}([a-z._]+)\]{1,2}")
_KEY = re.compile(r'#(?:([a-z_]+)|"([a-z._]+)") = .+')


class Said(NamedTuple):
    """`meaning`: its comment. `is_another`: the comment stands before another key already, and is of both."""

    meaning: str
    is_another: bool


def said() -> dict[str, Said]:
    """By path, such as `mqtt.tls.enabled`, and of tables, `[mqtt.tls]`.

    A comment holds for all keys that follow it at once; that of a table for those that have none.
    """
    found: dict[str, Said] = {}
    table, comment, is_another = "", list[str](), False
    for line in FILE.read_text(encoding="utf-8").splitlines():
        if match := _TABLE.fullmatch(line):
            table = match[1]
            found[f"[{table}]"] = Said(" ".join(comment), is_another=False)
            is_another = False
            if line.startswith("["):
                comment = []
        elif match := _KEY.fullmatch(line):
            meaning = " ".join(comment) or found[f"[{table}]"].meaning
            found[f"{table}.{match[1] or match[2]}"] = Said(meaning, is_another)
            is_another = True
        elif line.startswith("# ") and not line.startswith("# ---"):
            comment = [line[2:]] if is_another else [*comment, line[2:]]
            is_another = False
        else:
            comment, is_another = [], False
    return found
