"""Which SMS of an answer are new: by the ids that the provider gives them, else by what they say (contract, Events).

What a provider calls an id may be none: made up for each answer, a place in the list, the purchase's own. An id is
believed once it was shown twice, and no more once it stood beside two different texts.
"""

from __future__ import annotations

from heapq import merge
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from shomare_mqtt.model import Sms, SmsReading

_MOST_AGAIN = 5
"""Times that the same text and code is taken for another SMS where no id tells, or where each id puts out the one
before it: answers may come of two minds, or with ids of their own out of a cache that keeps each for some polls.
"""


class Shown(NamedTuple):
    """An SMS as an answer shows it, with the code that it has: the provider's, a plugin's or the one in its text."""

    sms: SmsReading
    code: str | None

    @property
    def id(self) -> str | None:
        """The provider's id for it."""
        return self.sms.provider_id

    def is_like(self, other: Shown | Sms) -> bool:
        """Whether it says the same. A code may stand with the newest SMS alone.

        One that was found in the text has no say: a plugin may fail the next time.
        """
        text = other.sms.text if isinstance(other, Shown) else other.text
        if self.sms.text is not None and text is not None:
            return self.sms.text == text and (not self.sms.code or self.sms.code == other.code)
        return self.code == other.code and (self.code is not None or self.sms.text == text)


class Alike:
    """Finds the SMS that say the same as another without looking at all of them: there may be hundreds in each answer.

    Found are their places, in order. Two that say the same have the same text or the same code (`Shown.is_like`).
    """

    def __init__(self, sms: Sequence[Shown | Sms]) -> None:
        self._sms = sms
        self._places: dict[tuple[object, ...], list[int]] = {}
        for place, one in enumerate(sms):
            text, own = _text_and_id(one)
            for key in (("text", text), ("code", one.code), ("text", text, own), ("code", one.code, own)):
                self._places.setdefault(key, []).append(place)

    def of(self, one: Shown) -> Iterator[int]:
        """All that say the same."""
        return self._like(one, ("text", one.sms.text), ("code", one.code))

    def of_id(self, one: Shown, own: str | None) -> Iterator[int]:
        """Those with an id, or without one, that say the same."""
        return self._like(one, ("text", one.sms.text, own), ("code", one.code, own))

    def _like(self, one: Shown, *keys: tuple[object, ...]) -> Iterator[int]:
        last = -1
        for place in merge(*(self._places.get(key, ()) for key in keys)):
            if place != last and one.is_like(self._sms[place]):
                yield place
            last = place


def _text_and_id(sms: Shown | Sms) -> tuple[str | None, str | None]:
    return (sms.sms.text, sms.id) if isinstance(sms, Shown) else (sms.text, sms.provider_id)


class Manner(NamedTuple):
    """How a provider shows an order's SMS, as far as its answers have told.

    `ids_stay`: an SMS kept its id from one answer to the next. `shows_all`: an answer held several SMS, so that one
    that is no more in it was not put out by a newer one.
    """

    ids_stay: bool = False
    shows_all: bool = False

    def after(self, shown: Sequence[Shown], stored: Sequence[Sms], before: Collection[str]) -> Manner:
        """What is known with one more answer; `before`: the ids in the answer before it."""
        known = Alike(stored)
        kept = any(s.id in before or any(True for _ in known.of_id(s, s.id)) for s in shown if s.id)
        several = len({(s.id, s.sms.text, s.code) for s in shown}) > 1
        return Manner(self.ids_stay or kept, self.shows_all or several)


def new_among(shown: Sequence[Shown], stored: Sequence[Sms], manner: Manner) -> list[Shown]:
    """The SMS of an answer that are not stored yet, in its order."""
    if len(shown) == 1 and _is_again(shown[0], stored, manner):
        return list(shown)
    alike, in_answer = Alike(stored), Alike(shown)
    unknown = _unmatched(shown, stored, alike, manner)
    ids = {one.id for one in shown}

    def twins(number: int) -> list[Sms]:
        return [stored[place] for place in alike.of(shown[number])]

    return [shown[n] for n in unknown if _is_another(shown, n, in_answer, ids, twins(n))]


def _unmatched(shown: Sequence[Shown], stored: Sequence[Sms], alike: Alike, manner: Manner) -> list[int]:
    """Which of the shown are not stored: each stored SMS is one of them at most."""
    taken = set[int]()
    apart = _ids_tell(shown, stored)
    in_answer = {one.id for one in shown}

    def differ(one: Shown, sms: Sms) -> bool:
        if not (apart and one.id and sms.provider_id) or one.id == sms.provider_id:
            return False
        return manner.ids_stay or sms.provider_id in in_answer

    def take(places: Iterable[int]) -> bool:
        place = next((p for p in places if p not in taken), None)
        if place is not None:
            taken.add(place)
        return place is not None

    left = [number for number, one in enumerate(shown) if not take(alike.of_id(one, one.id))]
    return [n for n in left if not take(p for p in alike.of(shown[n]) if not differ(shown[n], stored[p]))]


def _is_another(
    shown: Sequence[Shown], number: int, in_answer: Alike, ids: AbstractSet[str | None], twins: Sequence[Sms]
) -> bool:
    """Whether an SMS that no stored one is left for is new: nothing says the same (`twins`), or ids tell it apart."""
    one = shown[number]

    def is_beside(places: Iterator[int]) -> bool:
        return next(places, number) < number

    if not is_beside(in_answer.of(one)) and not twins:
        return True
    if one.id is None or is_beside(in_answer.of_id(one, one.id)) or is_beside(in_answer.of_id(one, None)):
        return False
    return len({sms.provider_id for sms in twins} - ids) < _MOST_AGAIN


def _is_again(one: Shown, stored: Sequence[Sms], manner: Manner) -> bool:
    """Whether the only SMS of an answer says what one before the newest said: where each puts out the one before it."""
    if not stored or manner.shows_all or one.is_like(stored[-1]):
        return False
    twins = [sms for sms in stored if one.is_like(sms)]
    if not 0 < len(twins) < _MOST_AGAIN:
        return False
    if one.id and _ids_tell([one], stored) and any(one.id == sms.provider_id for sms in twins):
        return False
    at = one.sms.received_at
    return at is None or at == stored[-1].received_at or all(at != sms.received_at for sms in twins)


def _ids_tell(shown: Sequence[Shown], stored: Sequence[Sms]) -> bool:
    """Whether no id stands beside two texts: else it is a place in the list, or the purchase's."""
    held: dict[str | None, Sms] = {}
    for sms in stored:
        first = held.setdefault(sms.provider_id, sms) if sms.provider_id else sms
        if (first.text, first.code) != (sms.text, sms.code):
            return False
    return all(one.is_like(held[one.id]) for one in shown if one.id in held)
