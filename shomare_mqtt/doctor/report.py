"""The file for a bug report: what was found, and the answers themselves, with nothing in it that is somebody's own.

The file is a dialect of the simulated provider as well, for the endpoints that only read: `simulate --dialect FILE`.
"""

from __future__ import annotations

import json
import platform
import re
import secrets
from typing import TYPE_CHECKING, Any

from shomare_mqtt import __version__
from shomare_mqtt.doctor.asking import READING
from shomare_mqtt.doctor.likeness import Likeness
from shomare_mqtt.model import Endpoint
from shomare_mqtt.normalization import one_line
from shomare_mqtt.provider.reading.decode import decode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shomare_mqtt.doctor.examination import Examination
    from shomare_mqtt.provider.reading import RawAnswer

ABOUT = (
    "A report of `shomare-mqtt doctor`. `answers` are the provider's own, but for this: of the account every text and "
    "number, and everywhere what looked like a secret, a phone number, an address or a code, was replaced by something "
    "like it. `shomare-mqtt simulate --dialect` takes this file."
)
MOST_ENTRIES = 200
_LONGEST_TEXT = 2000


def report(seen: Examination, seed: int | None = None) -> dict[str, Any]:
    """The file's content, as JSON."""
    likeness = Likeness(seen.mask, seed, seen.settings.provider.fields.values())
    found = {endpoint: raw for endpoint in READING if (raw := seen.answers.raw.get(endpoint)) is not None}
    answers = {endpoint.value: answer for endpoint, answer in _answers(found, likeness)}
    styles = seen.answers.learnt
    settings = seen.mask.value(seen.settings.masked())
    return {
        "about": ABOUT + _cuts(found),
        "version": __version__,
        "python": platform.python_version(),
        "parameters": styles.get(Endpoint.PRICES, "path"),
        "buy": styles.get(Endpoint.BUY, "form"),
        "http": {endpoint.value: raw.http for endpoint, raw in found.items()},
        "content_types": {endpoint.value: likeness.plain(raw.content_type) for endpoint, raw in found.items()},
        "answers": answers,
        "findings": [_of_ours(finding.without_values(), likeness) for finding in seen.findings],
        "learnt": {name: _of_ours(table, likeness) for name, table in seen.learnt.items() if name != "answers"},
        "shapes": _of_ours(seen.learnt.get("answers", {}), likeness),
        "settings": _of_ours(settings, likeness),
    }


def written(content: dict[str, Any]) -> bytes:
    """The file's bytes; numbers as they came, with every nought behind a point. Nothing in it steers a terminal."""
    mark = secrets.token_hex(8)
    text = json.dumps(content, ensure_ascii=False, indent=1, default=lambda number: f"{mark}{number}")
    whole = re.sub(rf'"{mark}([^"]*)"', r"\1", text).encode(errors="replace").decode()
    return ("\n".join(map(one_line, whole.split("\n"))) + "\n").encode()


def _answers(found: dict[Endpoint, RawAnswer], likeness: Likeness) -> Iterator[tuple[Endpoint, Any]]:
    for endpoint, raw in found.items():
        decoded = decode(raw)
        if decoded.is_json:
            yield endpoint, as_template(alike(endpoint, cut(decoded.value), likeness))


def alike(endpoint: Endpoint, value: Any, likeness: Likeness) -> Any:
    """An answer like another."""
    return likeness.somebodys(value) if endpoint is Endpoint.PROFILE else likeness.everybodys(value)


def cut(value: Any) -> Any:
    """The value with the first entries of each long list, and the beginning of each long text."""
    if isinstance(value, dict):
        return {name: cut(value[name]) for name in list(value)[:MOST_ENTRIES]}
    if isinstance(value, list):
        return [cut(each) for each in value[:MOST_ENTRIES]]
    return value[:_LONGEST_TEXT] if isinstance(value, str) else value


def _cuts(found: dict[Endpoint, RawAnswer]) -> str:
    """What is said of answers that were cut."""
    whole = {endpoint: decode(raw).value for endpoint, raw in found.items()}
    names = [endpoint.value for endpoint, value in whole.items() if cut(value) != value]
    return f" Of {', '.join(names)} the first {MOST_ENTRIES} entries of each list are here." if names else ""


def as_template(value: Any) -> Any:
    """The value as a dialect's file has it: a brace is doubled there."""
    if isinstance(value, dict):
        return {name.replace("{", "{{"): as_template(each) for name, each in value.items()}
    if isinstance(value, list):
        return [as_template(each) for each in value]
    return value.replace("{", "{{") if isinstance(value, str) else value


def _of_ours(value: Any, likeness: Likeness) -> Any:
    """Texts of this program, in which a stranger's may be quoted."""
    if isinstance(value, dict):
        return {likeness.plain(str(name)): _of_ours(each, likeness) for name, each in value.items()}
    if isinstance(value, list):
        return [_of_ours(each, likeness) for each in value]
    return likeness.plain(value) if isinstance(value, str) else value
