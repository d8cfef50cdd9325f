"""The picture in `docs/architecture.md`: which room imports which, from the imports themselves."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import grimp

if TYPE_CHECKING:
    from collections.abc import Iterable

BEGIN, END = "<!-- rooms: made from the code with `make docs` -->\n", "<!-- /rooms -->\n"
ROOT = "shomare_mqtt"
_DEEP = "core"
"""The room whose own rooms are drawn."""
_PLUG = "bridge"
"""Its file that puts those together; what else lies flat in it is below them."""
_SPOKEN = ("config", "logs", "topics", "model", "normalization", "errors", "systemd", "users")
"""What nearly all rooms speak, drawn once for all."""
_GROUPS = (
    ("what is started", ("__main__", "cli", "simulator", "doctor", "daemon")),
    ("the world outside", ("provider", "mqtt", "journal", "homeassistant", "plugin")),
)


def _room(module: str) -> str:
    """The room that a module lies in: `core.desk` for `shomare_mqtt.core.desk.intake`, `core` for a file of its own."""
    parts = module.split(".")[1:]
    if parts[:1] == [_DEEP] and len(parts) > 1:
        return ".".join(parts[:2]) if parts[1] in (*_DEEP_ROOMS, _PLUG) else _DEEP
    return parts[0] if parts else ROOT


_GRAPH = grimp.build_graph(ROOT)
_DEEP_ROOMS = {
    child.rpartition(".")[2] for child in _GRAPH.find_children(f"{ROOT}.{_DEEP}") if _GRAPH.find_children(child)
}


def arrows() -> list[tuple[str, str]]:
    """Every pair of rooms of which the first imports the second; what all of them speak left out."""
    pairs = {
        (_room(module), _room(imported))
        for module in _GRAPH.modules
        for imported in _GRAPH.find_modules_directly_imported_by(module)
    }
    apart = {*_SPOKEN, ROOT}
    return sorted((a, b) for a, b in pairs if a != b and not apart & {a, b})


def reduced(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Without the arrows that a way over other rooms says already."""
    below: dict[str, set[str]] = {}
    for a, b in pairs:
        below.setdefault(a, set()).add(b)

    def reached(room: str, seen: frozenset[str]) -> set[str]:
        found = set(below.get(room, ()))
        for each in below.get(room, set()) - seen:
            found |= reached(each, seen | {each})
        return found

    return sorted(
        (a, b) for a, b in pairs if not any(b in reached(c, frozenset({a})) for c in below[a] - {b} if c != a)
    )


def _node(room: str) -> str:
    return room.replace(".", "_").strip("_")


def _drawn(room: str, indent: str) -> str:
    name = f"{room} (its other files)" if room == _DEEP else room.replace(".", "/")
    return f'{indent}{_node(room)}["{name}"]'


def drawing() -> str:
    """The block of mermaid."""
    pairs = arrows()
    rooms = {room for pair in pairs for room in pair}
    lines = ["```mermaid", "flowchart TD"]
    for title, named in _GROUPS:
        lines += [f'    subgraph {_node(named[0])}_rooms["{title}"]']
        lines += [_drawn(room, " " * 8) for room in named if room in rooms]
        lines += ["    end"]
    deep = sorted(room for room in rooms if room.partition(".")[0] == _DEEP)
    lines += [f'    subgraph {_DEEP}_rooms["the core"]', *(_drawn(room, " " * 8) for room in deep), "    end"]
    lines += [_drawn(room, "    ") for room in sorted(rooms - set(deep) - {r for _, named in _GROUPS for r in named})]
    lines += [f'    words["{", ".join(_SPOKEN)}"]']
    lines += [f"    {_node(a)} --> {_node(b)}" for a, b in [*reduced(pairs), (_DEEP, "words")]]
    return "\n".join([*lines, "```", ""])


def page(before: str) -> str:
    """`docs/architecture.md` with the picture as it is now."""
    pattern = re.compile(f"({re.escape(BEGIN)}).*?({re.escape(END)})", re.DOTALL)
    made, count = pattern.subn(lambda found: f"{found[1]}{drawing()}{found[2]}", before)
    if count != 1:
        raise LookupError(f"docs/architecture.md must hold {BEGIN!r} and {END!r} once")
    return made
