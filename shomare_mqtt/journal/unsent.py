"""The outbox as far as it is held in memory: what was just written need not be read back to be sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shomare_mqtt.core.records import OutboxRow

MOST = 100
"""Messages beyond which they are read from the file again: with the broker away they add up there."""


class Unsent:
    """Messages that wait, in the order of their rows; as the file has them, or nothing is known of that."""

    def __init__(self) -> None:
        self._rows: dict[int, OutboxRow] = {}
        self._is_known = False
        self._changes = 0

    def first(self, after: int, limit: int) -> list[OutboxRow] | None:
        """Those behind a row; None where the file is to be asked."""
        if not self._is_known:
            return None
        return [row for number, row in self._rows.items() if number > after][:limit]

    def mark(self) -> int:
        """Before the file is asked: what is handed to `read` with what it says."""
        return self._changes

    def read(self, mark: int, rows: Iterable[OutboxRow]) -> None:
        """All that the file held since `mark`; of no use where it has changed meanwhile."""
        if mark == self._changes:
            self._rows = {row.row: row for row in rows}
            self._keep(is_known=True)

    def written(self, rows: list[OutboxRow]) -> None:
        """These are on disk from now on, behind all others."""
        self._changes += 1
        self._rows.update((row.row, row) for row in rows)
        self._keep(is_known=self._is_known)

    def sent(self, rows: Iterable[int]) -> None:
        """These wait no more."""
        for row in rows:
            self._rows.pop(row, None)

    def changed(self) -> None:
        """The file was changed otherwise, or is about to be."""
        self._changes += 1
        self._keep(is_known=False)

    def _keep(self, *, is_known: bool) -> None:
        self._is_known = is_known and len(self._rows) <= MOST
        if not self._is_known:
            self._rows.clear()
