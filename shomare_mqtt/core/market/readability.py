"""Whether the provider can be understood, from how its answers read (contract, State, `provider/state`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shomare_mqtt.errors import ErrorCode, ProviderPageError
from shomare_mqtt.model import Endpoint

if TYPE_CHECKING:
    from shomare_mqtt.errors import ProviderError

_LEAST = 3
"""Answers in a row that must be unreadable, where others could be read before."""


def is_unreadable(error: ProviderError) -> bool:
    """Whether an answer came and nothing in it could be read: a page, or what is not shaped as any answer we know.

    An address that is said not to exist is one: a filter's page may come with 404, as a wrong `base_url` does.
    """
    return isinstance(error, ProviderPageError) or error.code in (
        ErrorCode.MALFORMED_ANSWER,
        ErrorCode.UNKNOWN_ENDPOINT,
    )


class Readability:
    """`is_lost`: nothing usable was read yet, or every answer since then, three at least, could not be read.

    `has_read`: something usable was, ever.
    """

    def __init__(self) -> None:
        self.is_lost = False
        self.has_read = self._has_understood = False
        self._row: list[Endpoint] = []

    @property
    def is_open(self) -> bool:
        """Whether nobody can tell yet: nothing was read or understood, but too few addresses were said not to exist."""
        return bool(self._row) and not self.is_lost and not self._has_understood

    def read(self) -> None:
        """Something usable was read."""
        self.is_lost, self.has_read, self._has_understood = False, True, True
        self._row.clear()

    def refused(self) -> None:
        """An answer was understood that gave nothing of use: a no, or a failure in words."""
        self._has_understood = True
        self.is_lost = self.is_lost and not self.has_read
        self._row.clear()

    def unreadable(self, endpoint: Endpoint, error: ProviderError) -> None:
        """An answer could not be read.

        Three to one endpoint tell of that endpoint alone (one list, one order), unless it is the profile: that is asked
        in doubt, and is what every provider has.
        """
        self._row.append(endpoint)
        several = len(self._row) >= _LEAST and (Endpoint.PROFILE in self._row or len(set(self._row)) > 1)
        first = not self.has_read and error.code is not ErrorCode.UNKNOWN_ENDPOINT
        self.is_lost = self.is_lost or first or several
