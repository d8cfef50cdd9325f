"""That the provider does not work, as a problem for its owner's eyes (contract, State, `bridge/problem`).

It is kept over a restart: until the provider was asked again, what was wrong with it is not over.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

from shomare_mqtt.core import problem_words as words
from shomare_mqtt.core.bridge_events import BridgeEvent
from shomare_mqtt.core.problems import Gravity, Problem
from shomare_mqtt.core.render import dumps
from shomare_mqtt.errors import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shomare_mqtt.core.market.provider_state import ProviderState
    from shomare_mqtt.core.ports import Journal
    from shomare_mqtt.core.problems import Problems

_KEPT = "provider_problem"


class ProviderProblem:
    """Tells `problems` of it."""

    def __init__(self, state: ProviderState, journal: Journal, problems: Problems) -> None:
        self._provider = state
        self._journal = journal
        self._problems = problems
        self._kind: str | None = None
        self._problem: Problem | None = None
        problems.sources.append(self._told)
        state.on_become = self._became

    async def load(self) -> None:
        """Take up what an earlier process left. Raises JournalError."""
        kept = _read((await self._journal.meta()).get(_KEPT))
        if kept is not None:
            self._kind, self._problem = kept

    def _told(self) -> Iterator[Problem]:
        if self._problem is not None:
            yield self._problem

    def _became(self) -> None:
        """How the provider stands may be something else; before that is said, so that one writing holds both."""
        kind = None if self._provider.state == "online" else self._provider.state
        if kind == self._kind:
            return
        self._kind, self._problem = kind, None
        if kind is not None:
            self._problem = _problem(kind, self._provider.since, self._provider.error_code)
        self._journal.note_value(_KEPT, None if self._problem is None else _written(kind or "", self._problem))
        self._problems.show()


def _problem(kind: str, at: datetime, code: ErrorCode | None) -> Problem:
    return Problem(Gravity.PROVIDER, BridgeEvent.PROVIDER_STATE, f"{words.PROVIDER[kind]}.", at, code)


def _written(kind: str, problem: Problem) -> str:
    return dumps({"state": kind, "at": problem.at.isoformat(), "code": problem.code and problem.code.value}).decode()


def _read(text: str | None) -> tuple[str, Problem] | None:
    """What `_written` wrote; None where it makes no sense: the next call tells."""
    try:
        body = json.loads(text or "")
        code = body["code"] and ErrorCode(body["code"])
        return body["state"], _problem(body["state"], datetime.fromisoformat(body["at"]), code)
    except (ValueError, KeyError, TypeError):
        return None
