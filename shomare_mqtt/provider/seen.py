"""What answers to `buy`, `check` and `cancel` looked like, for an owner who has to say where a field stands in them.

Nobody else can ask for such an answer: a `buy` costs money, and its answer is seen once. So its outline is kept, and
where each field was read in it; never a value (contract, Events). Kept with the dialect, as `{"seen buy": "<JSON>"}`.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from shomare_mqtt.core.masking import Mask
from shomare_mqtt.errors import ProviderError, ProviderRefusedError
from shomare_mqtt.model import CheckReading, Endpoint, Found, Sureness
from shomare_mqtt.provider.outlines import bounded, plain_notation
from shomare_mqtt.provider.reading.decode import decode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shomare_mqtt.core.clock import Clock
    from shomare_mqtt.provider.reading import RawAnswer

T = TypeVar("T")

WITH_SMS = "check with SMS"
NAMES = (Endpoint.BUY.value, Endpoint.CHECK.value, WITH_SMS, Endpoint.CANCEL.value)
_PREFIX = "seen "
_LONGEST = 4096
"""Characters of what is kept of one answer."""
_LONGEST_OUTLINE = 2500
_MOST_OTHERS = 5
SELDOM = 60.0
"""Seconds between two times that it is written down: a check comes every few seconds, and may differ each time."""


class Seen(NamedTuple):
    """One answer: its outline, and where fields were read in it. `outline` None where it was no JSON, or too large."""

    outline: Any
    found: tuple[Found, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """As it is kept and shown."""
        return {"outline": self.outline, "found": [_as_json(each) for each in self.found]}


class _Written(NamedTuple):
    """The text of an answer, and all that it depended on: its outline, where it was read, the mask's edition."""

    of: tuple[str, tuple[Found, ...], int]
    text: str


class SeenAnswers:
    """The last answers of each kind. Refusals are none: they say what was wrong, and name no field.

    `mask` knows the secrets, which a provider may have as names of fields.
    """

    def __init__(self, learnt: Mapping[str, str], clock: Clock, mask: Mask | None = None) -> None:
        self._clock = clock
        self._mask = mask or Mask(())
        self._kept = {name: text for name in NAMES if (text := learnt.get(f"{_PREFIX}{name}"))}
        self._written: dict[str, _Written] = {}
        self._changed = False
        self._next = clock.monotonic()

    @property
    def changed(self) -> bool:
        """Whether there is something new to keep."""
        return self._changed

    @property
    def is_due(self) -> bool:
        """Whether there is, and the last time was long enough ago."""
        return self._changed and self._clock.monotonic() >= self._next

    def kept(self) -> None:
        """All of it was written down."""
        self._changed = False
        self._next = self._clock.monotonic() + SELDOM

    def as_dict(self) -> dict[str, str]:
        """For the memory."""
        return {f"{_PREFIX}{name}": text for name, text in self._kept.items()}

    def noting(self, endpoint: Endpoint, read: Callable[[RawAnswer], T]) -> Callable[[RawAnswer], T]:
        """The reader of an endpoint, which has answers noted on the way."""

        def read_and_note(answer: RawAnswer) -> T:
            try:
                result = read(answer)
            except ProviderRefusedError:
                raise
            except ProviderError:
                self._note(endpoint, answer, None)
                raise
            self._note(endpoint, answer, result)
            return result

        return read_and_note

    def _note(self, endpoint: Endpoint, answer: RawAnswer, result: Any) -> None:
        if answer.is_long:
            return  # no answer about one number is, and to look at it takes time
        name = WITH_SMS if isinstance(result, CheckReading) and result.sms else endpoint.value
        with suppress(Exception):  # whatever is wrong here, a purchase must not be lost over it
            text = self._text(name, answer, getattr(result, "found", ()))
            self._changed |= self._kept.get(name) != text
            self._kept[name] = text

    def _text(self, name: str, answer: RawAnswer, found: tuple[Found, ...]) -> str:
        """What is kept of an answer: most look like the one before, and are not written and masked once more."""
        decoded = decode(answer)
        shape = bounded(decoded.value, _LONGEST_OUTLINE) if decoded.is_json else None
        of = str(shape), found, self._mask.edition
        before = self._written.get(name)
        if before is None or before.of != of:
            before = self._written[name] = _Written(of, _written(shape, found, self._mask))
        return before.text


def _written(shape: Any, found: tuple[Found, ...], mask: Mask) -> str:
    whole, short = Seen(shape, tuple(map(_without_values, found))), Seen(shape)
    texts = (json.dumps(mask.value(each.as_json()), ensure_ascii=False) for each in (whole, short))
    return next((text for text in texts if len(text) <= _LONGEST), json.dumps(Seen(None).as_json()))


def _without_values(found: Found) -> Found:
    """The same with places in which no key can be a value: a number, an id."""
    others = [other for each in found.others[:_MOST_OTHERS] if (other := plain_notation(each))]
    return Found(found.field, plain_notation(found.place), found.sureness, tuple(others), found.why)


def _as_json(found: Found) -> dict[str, Any]:
    said = {"field": found.field, "place": found.place, "sureness": found.sureness.value}
    return said | ({"others": list(found.others)} if found.others else {}) | ({"why": found.why} if found.why else {})


def seen_in(learnt: Mapping[str, str]) -> dict[str, Any]:
    """What a memory holds of answers, by their names, each as `Seen.as_json` has it."""
    kept: dict[str, Any] = {}
    for name in NAMES:
        with suppress(ValueError, RecursionError):
            kept[name] = json.loads(learnt.get(f"{_PREFIX}{name}", ""))
    return {name: each for name, each in kept.items() if isinstance(each, dict)}


def understood(shown: Any) -> Seen | None:
    """One such answer, from JSON of any origin; None where it is none."""
    if not isinstance(shown, dict) or "outline" not in shown:
        return None
    rows = shown.get("found")
    found = [_found(row) for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    return Seen(shown["outline"], tuple(each for each in found if each is not None))


def _found(row: dict[str, Any]) -> Found | None:
    name, place, others = row.get("field"), row.get("place"), row.get("others", [])
    try:
        sureness = Sureness(str(row.get("sureness")))
    except ValueError:
        return None
    if not isinstance(name, str) or not isinstance(place, str | None) or not isinstance(others, list):
        return None
    return Found(name, place, sureness, tuple(o for o in others if isinstance(o, str)), str(row.get("why", "")))
