"""Names of fields as words: `phoneNumber`, `PHONE_NUMBER` and `phone-number` are one name to a vote.

An alias belongs to one field of one endpoint (provider page: `code` or `amount` mean different things in different
answers), so every reader brings its own `Field`; here is only how a name is weighed against it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from shomare_mqtt.normalization import ascii_digits
from shomare_mqtt.provider.reading.finglish import in_english

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

T = TypeVar("T")

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\dA-Za-z_]+")
_MOST_KNOWN = 4096
LONGEST_NAME = 120
"""Characters of a name that count; a longer one is not kept for the next answer either."""
_SAID: set[str] = set()
"""All names and words of all tables; complete once the readers are loaded."""
_JOINERS = str.maketrans({"\u200c": " ", "\u200d": None, "ي": "ی", "ك": "ک"})


class _Kept(dict[str, T]):
    """What is told of names that were met, each looked at when it is met first: to look one up is no call in Python."""

    def __init__(self, tell: Callable[[str], T]) -> None:
        super().__init__()
        self._tell = tell

    def __missing__(self, name: str) -> T:
        if len(name) > LONGEST_NAME:
            return self[name[:LONGEST_NAME]]
        found = self._tell(name)
        if len(self) >= _MOST_KNOWN:
            self.clear()  # an answer with ever new names; those of the next one are the usual ones
        self[name] = found
        return found


def kept_by_name(tell: Callable[[str], T]) -> Callable[[str], T]:
    """A function of a name that keeps what it tells; of a longer name than any has its beginning counts."""
    return _Kept(tell).__getitem__


@kept_by_name
def words(name: str) -> tuple[str, ...]:
    """The name's words in small letters: `walletBalance2` is `("wallet", "balance", "2")`."""
    return tuple(w.lower() for w in _WORD.findall(ascii_digits(name).translate(_JOINERS)))


@kept_by_name
def glued(name: str) -> str:
    """The name's words as one, so that `orderid`, `order_id` and `OrderID` are equal."""
    return "".join(words(name))


@dataclass(frozen=True, eq=False, repr=False)
class Field:
    """How strongly a name speaks for a field.

    `exact` weighs whole names (glued words), `parts` single words of a longer name, `spoilers` are words that make the
    name mean something else (`frozen_balance`). Weights go from 0 to 100. Persian in Latin letters counts as what it
    means in English, too.
    """

    exact: Mapping[str, int]
    parts: Mapping[str, int] = field(default_factory=dict)
    spoilers: frozenset[str] = frozenset()
    weight: Callable[[str], int] = field(init=False, repr=False, compare=False)
    """How strongly a name speaks for this field; 0: not at all."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "weight", kept_by_name(self._weigh))

    def _weigh(self, name: str) -> int:
        parts = words(name)
        exact = self.exact.get("".join(parts), 0)
        if spoken := in_english(parts):
            exact = max(exact, self.exact.get("".join(spoken), 0), self.exact.get("".join(spoken[::-1]), 0))
            parts += spoken
        if exact:
            return exact
        if self.spoilers.intersection(parts):
            return 0
        return max((self.parts.get(p, 0) for p in parts), default=0)


def _say(names: Iterable[str]) -> None:
    _SAID.update(names)
    _telling.cache_clear()
    _is_nameless.cache_clear()


def alias(**weights: str) -> dict[str, int]:
    """A table of aliases from groups: `alias(w90="price", w60="cost amount")`."""
    table = {name: int(weight[1:]) for weight, names in weights.items() for name in names.split()}
    _say(table)
    return table


def wordset(words_of_it: str) -> frozenset[str]:
    """A set of words, written as one text."""
    table = frozenset(words_of_it.split())
    _say(table)
    return table


def telling(name: str) -> int:
    """2 for a name that any reader knows, 1 for one that has a word in it that one knows, else 0."""
    return _telling(name) if len(name) <= LONGEST_NAME else _told(name)


@lru_cache(maxsize=4096)
def _telling(name: str) -> int:
    return _told(name)


def _told(name: str) -> int:
    parts = words(name)
    if "".join(parts) in _SAID:
        return 2
    return int(not _SAID.isdisjoint(parts) or bool(in_english(parts)))


def is_nameless(name: str) -> bool:
    """Whether a name has letters, and no word that any reader knows."""
    return _is_nameless(name) if len(name) <= LONGEST_NAME else _says_nothing(name)


@lru_cache(maxsize=4096)
def _is_nameless(name: str) -> bool:
    return _says_nothing(name)


def _says_nothing(name: str) -> bool:
    return telling(name) == 0 and any(map(str.isalpha, name))


ENVELOPES = wordset(
    "data result results response payload item items list rows records content body output return value "
    "values user order account object info resource entity success message answer details attributes "
    "number purchase activation wallet sms prices price meta status docs source hits offer"
)
"""Names of objects that only wrap others; an object under such a name is not an entry keyed by its id."""

CONTENTS = wordset("data payload result response")
"""Names of what may be all that an answer says, as a plain value too: `{"status": true, "data": 2200}`."""


@kept_by_name
def is_envelope(name: str) -> bool:
    """Whether the name only wraps what is inside."""
    return glued(name) in ENVELOPES or "".join(in_english(words(name))) in ENVELOPES
