"""From the bytes of an answer to its JSON, or to the knowledge that it holds none."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from shomare_mqtt.provider.reading.by_hand import ByHand
from shomare_mqtt.provider.reading.markup import is_markup, json_within, markup_before
from shomare_mqtt.provider.reading.names import CONTENTS
from shomare_mqtt.provider.reading.streamed import (
    MAX_DEPTH,
    MOST_VALUES,
    JsonStream,
    TooMuchError,
    without_lone_surrogates,
)
from shomare_mqtt.provider.reading.values import CONTAINERS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from shomare_mqtt.model import Known
    from shomare_mqtt.provider.reading.places import Place

_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_BOM_BEGINS = frozenset(mark[:1] for mark, _ in _BOMS)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_NOT_JSON = (ValueError, RecursionError, ArithmeticError)
_ENVELOPES = CONTENTS | {"d"}
_CHARSETS = re.compile(r"(?:windows|cp|iso|latin|utf|ascii|us-ascii|koi8|gb|big5|shift|euc|mac)[\w.-]*", re.IGNORECASE)
"""Those that are believed: Python knows others that take for ever, or give what cannot be stored."""
_LONGEST_NUMBER = 200
_SHORT = 64 * 1024
"""Characters of JSON that cannot hold too many values."""
_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"', re.DOTALL)


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """An HTTP answer as it came, its body already decompressed. `retry_after` in seconds, from the header.

    `date`: when it came by the provider's clock, where its headers tell. `streamed`: what a long body holds, which was
    read as it came and is not kept. `location`: where a redirect leads, less its query and a user in it.
    """

    http: int
    body: bytes
    content_type: str = ""
    retry_after: float | None = None
    charset: str | None = None
    date: datetime | None = None
    streamed: Decoded | None = None
    location: str = ""

    @property
    def is_long(self) -> bool:
        """Whether to read it takes a while."""
        return self.streamed is not None or len(self.body) > _SHORT


@dataclass(frozen=True, eq=False, repr=False)
class Context:
    """What a reader needs besides the answer: the time (UTC), the zone of naive times, and what is known already.

    `unit`: that of money where an answer names none, `IRT`, `IRR` or the owner's own word.
    `now` is this machine's clock, `date` the provider's, where the answer tells it.
    `by_hand`: what the owner says of the answers. `chosen`: of several places of a field (`"countries.id"`,
    `"buy.purchase"`) the one that trying told, for as long as answers have it.
    """

    now: datetime
    timezone: ZoneInfo
    known: Known
    unit: str | None = None
    date: datetime | None = None
    by_hand: ByHand = field(default_factory=ByHand)
    chosen: Mapping[str, Place] = field(default_factory=dict)


class Decoded(NamedTuple):
    """An answer's content. `broken`: it begins like JSON and is none (cut off, say).

    `wrapped`: the JSON has markup around it, so that another program than the provider's API may have a hand in it.
    `too_much`: it holds more values or text than may be taken up.
    """

    value: Any
    is_json: bool
    broken: bool = False
    wrapped: bool = False
    too_much: bool = False


def decode(answer: RawAnswer) -> Decoded:
    """The JSON of an answer, whatever its label says (provider page: JSON labelled as HTML, with a byte order mark).

    One object or list with nothing but markup around it counts too (contract, section Answers).
    """
    if answer.streamed is not None:
        return answer.streamed
    text = _text(answer).strip("\ufeff\0 \t\r\n")
    if not text:
        return Decoded(None, is_json=False)
    try:
        return Decoded(parse(text), is_json=True)
    except TooMuchError:
        return Decoded(None, is_json=False, broken=True, too_much=True)
    except _NOT_JSON:
        value = _within_markup(text)
    if value is not None:
        return Decoded(value, is_json=True, wrapped=True)
    return Decoded(None, is_json=False, broken=text[0] in "{[")


class Streaming:
    """A long body, read as it comes. `feed` says whether to go on: what is no JSON for sure is not waited for.

    Markup before the JSON, which the first piece holds whole, is gone past, and so is what stands behind it.
    """

    def __init__(self) -> None:
        self._stream = JsonStream(_DECODER.decode)
        self._failed = self._too_much = self._wrapped = False
        self._is_first = True

    def feed(self, piece: bytes) -> bool:
        """Read on, where it makes sense."""
        if self._is_first:
            self._is_first, piece = False, self._unwrapped(piece)
        try:
            self._stream.feed(piece)
        except _NOT_JSON as error:
            self._failed, self._too_much = True, isinstance(error, TooMuchError)
        return not self._failed

    def close(self) -> Decoded:
        """What was read."""
        if not self._failed:
            try:
                value, rest = _finished(self._stream.close()), self._stream.rest
                if not rest or is_markup(rest):
                    return Decoded(value, is_json=True, wrapped=self._wrapped or bool(rest))
            except _NOT_JSON:
                pass
        broken = self._stream.begun in ("{", "[") and not self._wrapped
        return Decoded(None, is_json=False, broken=broken, too_much=self._too_much)

    def _unwrapped(self, piece: bytes) -> bytes:
        text = piece.decode(errors="surrogateescape")
        at = markup_before(text)
        self._wrapped = at > 0
        return text[at:].encode(errors="surrogateescape")


def _within_markup(text: str) -> Any:
    try:
        value = json_within(text, _affordable_decode)
        return None if value is None else _finished(_scrubbed(value))
    except _NOT_JSON:
        return None


def _affordable_decode(text: str, at: int) -> tuple[Any, int]:
    _check_size(text)
    return _DECODER.raw_decode(text, at)


def parsed(text: str) -> Any:
    """The JSON in a text; None for what is none."""
    try:
        return parse(text)
    except _NOT_JSON:
        return None


def _text(answer: RawAnswer) -> str:
    body = answer.body
    if body[:1] in _BOM_BEGINS:
        for mark, encoding in _BOMS:
            if body.startswith(mark):
                return body[len(mark) :].decode(encoding, errors="replace")
    try:
        return body.decode()
    except UnicodeError:
        return _otherwise(answer)


def _otherwise(answer: RawAnswer) -> str:
    """The text of a body that is no UTF-8."""
    named = answer.charset if _CHARSETS.fullmatch(answer.charset or "") else None
    for encoding in (named or "cp1256", "latin-1"):
        try:
            return answer.body.decode(encoding)
        except (LookupError, UnicodeError):
            continue
    return ""


def parse(text: str) -> Any:
    """The JSON that a text is. Raises ValueError, RecursionError, ArithmeticError for what is none."""
    return _finished(_loads(text))


def _finished(value: Any) -> Any:
    """A value with what is JSON within it read too."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        value = _loads(value)  # JSON that was encoded twice
    if isinstance(value, dict) and any(isinstance(v, str) and v.lstrip()[:1] in ("{", "[") for v in value.values()):
        value = {k: _unquoted(k, v) for k, v in value.items()}
    if _depth_exceeds(value, MAX_DEPTH):
        raise ValueError("nested too deeply")
    return value


def _unquoted(name: str, value: Any) -> Any:
    """What an envelope holds, where that is JSON written as text: `{"d": "[1, 2]"}`."""
    if not isinstance(value, str) or name.lower() not in _ENVELOPES or value.lstrip()[:1] not in ("{", "["):
        return value
    try:
        return _loads(value)
    except _NOT_JSON:
        return value


def _loads(text: str) -> Any:
    """The JSON that a text is, without what cannot be stored. Raises TooMuchError before it takes up any memory."""
    _check_size(text)
    value = _DECODER.decode(text)
    return _scrubbed(value) if "\\u" in text and _SURROGATE.search(text) else value


def _check_size(text: str) -> None:
    if len(text) > _SHORT:
        between = _STRING.sub("", text)
        if sum(map(between.count, ",[{")) > MOST_VALUES:
            raise TooMuchError


def _decimal(text: str) -> Decimal:
    if len(text) > _LONGEST_NUMBER:
        raise ValueError("no number has so many digits")
    number = Decimal(text)
    if abs(number.adjusted()) > 60:  # noqa: PLR2004 - no money and no id; as an integer it would fill the memory
        raise ValueError("a number beyond all bounds")
    return number


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


_DECODER = json.JSONDecoder(parse_float=_decimal, parse_constant=_refuse, strict=False)


def _depth_exceeds(value: Any, levels: int) -> bool:
    layer = [value] if isinstance(value, CONTAINERS) else []
    for _ in range(levels):
        layer = [
            child
            for item in layer
            for child in (item.values() if isinstance(item, dict) else item)
            if isinstance(child, CONTAINERS)
        ]
        if not layer:
            return False
    return True


def _scrubbed(value: Any) -> Any:
    """A value without lone surrogates."""
    if isinstance(value, str):
        return without_lone_surrogates(value)
    if isinstance(value, dict):
        return {_scrubbed(k): _scrubbed(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_scrubbed(v) for v in value]
    return value
