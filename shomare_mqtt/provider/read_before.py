"""Answers that came before, byte for byte: what was read of them then is what is read of them now.

To find each field by vote takes longer than the whole HTTP exchange, and most answers are the last ones again: the
balance stands, a price stays. Readers are pure functions (`reading`), so nothing is guessed here: an answer that
differs in one byte, or of which something else is known by now, is read anew.
"""

from __future__ import annotations

from operator import is_
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from shomare_mqtt.model import Known
    from shomare_mqtt.provider.reading import RawAnswer
    from shomare_mqtt.provider.reading.places import Place

T = TypeVar("T")

LONGEST = 32 * 1024
"""Bytes of an answer that is kept; a longer one takes too much memory, and is seldom asked for."""
MOST, MOST_BYTES = 64, 4 * LONGEST
"""So many answers are kept, and so many bytes of them."""


class _Reading(NamedTuple):
    """What was read of an answer, with all that it depended on."""

    answer: RawAnswer
    known: Known
    chosen: Mapping[str, Place]
    result: Any

    def is_of(self, answer: RawAnswer, known: Known, chosen: Mapping[str, Place]) -> bool:
        """Whether to read this answer gives the same: in all but its `Date`, which none of these readers looks at."""
        own = self.answer
        return (
            own.body == answer.body
            and own.http == answer.http
            and own.charset == answer.charset
            and own.content_type == answer.content_type
            and self.known == known
            and self.chosen == chosen
        )


class ReadBefore:
    """The last answers that could be read. Only for readers that do not ask what time it is: not what a number says.

    `chosen`: what trying told, as readers see it now; see `reading.Context`.
    """

    def __init__(self, chosen: Mapping[str, Place]) -> None:
        self._chosen = chosen
        self._kept: dict[Hashable, _Reading] = {}
        self._bytes = 0
        self._lists: tuple[object, ...] = ()

    def reader(self, asked: Hashable, known: Known, read: Callable[[RawAnswer], T]) -> Callable[[RawAnswer], T]:
        """A reader that looks first whether it has read the same for the same question, `asked`."""

        def read_now(answer: RawAnswer) -> T:
            if answer.streamed is not None or len(answer.body) > LONGEST:
                return read(answer)
            self._drop_of_other_lists(known)
            kept = self._kept.get(asked)
            if kept is not None and kept.is_of(answer, known, self._chosen):
                found: T = kept.result
                return found
            result = read(answer)
            self._keep(asked, _Reading(answer, known, dict(self._chosen), result))
            return result

        return read_now

    def _drop_of_other_lists(self, known: Known) -> None:
        """The provider's lists are large: none is held on to once another one is known in its place."""
        lists = known.countries, known.operators, known.applications
        if not all(map(is_, self._lists, lists)):
            self._kept.clear()
            self._bytes = 0
        self._lists = lists

    def _keep(self, asked: Hashable, reading: _Reading) -> None:
        self._drop(asked)
        self._kept[asked] = reading
        self._bytes += len(reading.answer.body)
        while len(self._kept) > MOST or self._bytes > MOST_BYTES:
            self._drop(next(iter(self._kept)))

    def _drop(self, asked: Hashable) -> None:
        dropped = self._kept.pop(asked, None)
        if dropped is not None:
            self._bytes -= len(dropped.answer.body)
