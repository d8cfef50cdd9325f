"""Which of several places a field is read at, as trying told (contract, Answers, "Trying outranks guessing").

Kept beside the dialect, in the notation of `[provider.fields]`: `{"countries.id": "api_name"}`. A place is kept once it
was tried and works, also where it is the one that would have been taken anyway.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shomare_mqtt.model import FIELDS_BY_HAND
from shomare_mqtt.provider.reading.places import Place, notation, place_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


_JUDGED = "of "
"""Before a field's name: the candidates of which nothing more is to be found out, `{"of countries.id": "id code"}`."""


class Choices:
    """The places that were tried and work. `changed` says that there is something to save; `edition` counts changes.

    Of a field that has one candidate alone, or whose candidates trying cannot tell apart, the candidates are kept, so
    that they are not tried again and again.
    """

    def __init__(self, learnt: Mapping[str, str]) -> None:
        places = {name: place_of(text) for name, text in learnt.items() if name in FIELDS_BY_HAND}
        self._places = {name: place for name, place in places.items() if place is not None}
        self._written = {name: notation(place) for name, place in self._places.items()}
        judged = {name.removeprefix(_JUDGED): text for name, text in learnt.items() if name.startswith(_JUDGED)}
        self._judged = {name: text for name, text in judged.items() if name in FIELDS_BY_HAND}
        self.changed = False
        self.edition = 0

    @property
    def places(self) -> Mapping[str, Place]:
        """By field."""
        return self._places

    def written(self, field: str) -> str | None:
        """A field's place in its notation; None where none is chosen."""
        return self._written.get(field)

    def choose(self, field: str, place: Place) -> bool:
        """A place was tried and works. Whether that is news."""
        news = self._places.get(field) != place
        self._places[field], self._written[field] = place, notation(place)
        self._note(news=news)
        return news

    def drop(self, field: str) -> bool:
        """What was chosen no longer works. Whether anything was."""
        self._written.pop(field, None)
        news = self._places.pop(field, None) is not None
        self._note(news=news)
        return news

    def close(self, field: str, candidates: Iterable[str]) -> None:
        """Nothing more is to be found out about these candidates of a field."""
        text = " ".join(candidates)
        self._note(news=self._judged.get(field) != text)
        self._judged[field] = text

    def reopen(self, field: str) -> None:
        """There is something to find out after all."""
        self._note(news=self._judged.pop(field, None) is not None)

    def _note(self, *, news: bool) -> None:
        self.changed |= news
        self.edition += news

    def is_known(self, field: str) -> bool:
        """Whether the field was ever settled, in one way or the other."""
        return field in self._places or field in self._judged

    def is_closed(self, field: str, candidates: Iterable[str]) -> bool:
        """Whether nothing more is to be found out about just these candidates."""
        return self._judged.get(field) == " ".join(candidates)

    def as_dict(self) -> dict[str, str]:
        """What was learnt, for the memory."""
        judged = {_JUDGED + name: text for name, text in self._judged.items()}
        return self._written | judged
