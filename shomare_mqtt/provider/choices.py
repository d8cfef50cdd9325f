"""Which of several places a field is read at, as trying told (contract, Answers, "Trying outranks guessing").

Kept beside the dialect, in the notation of `[provider.fields]`: `{"countries.id": "api_name"}`. A place is kept once it
was tried and works, also where it is the one that would have been taken anyway.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shomare_mqtt.model import FIELDS_BY_HAND
from shomare_mqtt.provider.reading.places import Place, notation, place_of

if TYPE_CHECKING:
    from collections.abc import Mapping


class Choices:
    """The places that were tried and work. `changed` says that there is something to save."""

    def __init__(self, learnt: Mapping[str, str]) -> None:
        places = {name: place_of(text) for name, text in learnt.items() if name in FIELDS_BY_HAND}
        self._places = {name: place for name, place in places.items() if place is not None}
        self.changed = False

    @property
    def places(self) -> Mapping[str, Place]:
        """By field."""
        return self._places

    def choose(self, field: str, place: Place) -> bool:
        """A place was tried and works. Whether that is news."""
        news = self._places.get(field) != place
        self._places[field] = place
        self.changed |= news
        return news

    def drop(self, field: str) -> bool:
        """What was chosen no longer works. Whether anything was."""
        news = self._places.pop(field, None) is not None
        self.changed |= news
        return news

    def as_dict(self) -> dict[str, str]:
        """What was learnt, for the memory."""
        return {name: notation(place) for name, place in self._places.items()}
