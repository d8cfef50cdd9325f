"""From the bytes of an answer to its JSON, or to the knowledge that it holds none."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NoReturn

from shomare_mqtt.provider.reading.markup import json_within
from shomare_mqtt.provider.reading.names import CONTENTS

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from shomare_mqtt.model import Known

_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_NOT_JSON = (ValueError, RecursionError, ArithmeticError)
_ENVELOPES = CONTENTS | {"d"}
MAX_DEPTH = 40
"""Deeper answers are taken for broken: no reader follows them, and a hostile one would exhaust the stack."""


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """An HTTP answer as it came, its body already decompressed. `retry_after` in seconds, from the header.

    `date`: when it came by the provider's clock, where its headers tell.
    """

    http: int
    body: bytes
    content_type: str = ""
    retry_after: float | None = None
    charset: str | None = None
    date: datetime | None = None


@dataclass(frozen=True)
class Context:
    """What a reader needs besides the answer: the time (UTC), the zone of naive times, and what is known already.

    `unit`: that of money where an answer names none, `IRT`, `IRR` or the owner's own word.
    `now` is this machine's clock, `date` the provider's, where the answer tells it.
    """

    now: datetime
    timezone: ZoneInfo
    known: Known
    unit: str | None = None
    date: datetime | None = None


@dataclass(frozen=True, slots=True)
class Decoded:
    """An answer's content. `broken`: it begins like JSON and is none (cut off, say).

    `wrapped`: the JSON has markup around it, so that another program than the provider's API may have a hand in it.
    """

    value: Any
    is_json: bool
    broken: bool = False
    wrapped: bool = False


def decode(answer: RawAnswer) -> Decoded:
    """The JSON of an answer, whatever its label says (provider page: JSON labelled as HTML, with a byte order mark).

    One object or list with nothing but markup around it counts too (contract, section Answers).
    """
    text = _text(answer).strip("\ufeff\0 \t\r\n")
    if not text:
        return Decoded(None, is_json=False)
    try:
        return Decoded(_parse(text), is_json=True)
    except _NOT_JSON:
        value = _within_markup(text)
    if value is not None:
        return Decoded(value, is_json=True, wrapped=True)
    return Decoded(None, is_json=False, broken=text[0] in "{[")


def _within_markup(text: str) -> Any:
    value = json_within(text, _DECODER.raw_decode)
    try:
        return None if value is None else _finished(value, text)
    except _NOT_JSON:
        return None


def parsed(text: str) -> Any:
    """The JSON in a text; None for what is none."""
    try:
        return _parse(text)
    except _NOT_JSON:
        return None


def _text(answer: RawAnswer) -> str:
    body = answer.body
    for mark, encoding in _BOMS:
        if body.startswith(mark):
            return body[len(mark) :].decode(encoding, errors="replace")
    for encoding in ("utf-8", answer.charset or "cp1256", "latin-1"):
        try:
            return body.decode(encoding)
        except (LookupError, UnicodeError):
            continue
    return ""


def _parse(text: str) -> Any:
    return _finished(_loads(text), text)


def _finished(value: Any, text: str) -> Any:
    """A value with what is JSON within it read too, and without what cannot be stored; `text`: where it was in."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        value = _loads(value)  # JSON that was encoded twice
    if isinstance(value, dict):
        value = {k: _unquoted(k, v) for k, v in value.items()}
    if _depth_exceeds(value, MAX_DEPTH):
        raise ValueError("nested too deeply")
    return _scrubbed(value) if _SURROGATE.search(text) else value


def _unquoted(name: str, value: Any) -> Any:
    """What an envelope holds, where that is JSON written as text: `{"d": "[1, 2]"}`."""
    if not isinstance(value, str) or name.lower() not in _ENVELOPES or value.lstrip()[:1] not in ("{", "["):
        return value
    try:
        return _loads(value)
    except _NOT_JSON:
        return value


def _loads(text: str) -> Any:
    return _DECODER.decode(text)


def _decimal(text: str) -> Decimal:
    number = Decimal(text)
    if abs(number.adjusted()) > 60:  # noqa: PLR2004 - no money and no id; as an integer it would fill the memory
        raise ValueError("a number beyond all bounds")
    return number


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


_DECODER = json.JSONDecoder(parse_float=_decimal, parse_constant=_refuse, strict=False)


def _depth_exceeds(value: Any, levels: int) -> bool:
    layer = [value]
    for _ in range(levels):
        layer = [child for item in layer for child in _children(item) if isinstance(child, dict | list)]
        if not layer:
            return False
    return True


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _scrubbed(value: Any) -> Any:
    """Lone surrogates, legal in JSON's escapes, can be neither stored nor published as UTF-8."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_scrubbed(k): _scrubbed(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_scrubbed(v) for v in value]
    return value
