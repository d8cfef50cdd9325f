"""Commands that were answered with an error, as problems for their owner's eyes (contract, State, `bridge/problem`).

The journal holds how each was answered for longer than that is a problem: it is taken up from there after a restart,
and nothing is written for it.
"""

from __future__ import annotations

import json
from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING

from shomare_mqtt.core import problem_words as words
from shomare_mqtt.core.bridge_events import BridgeEvent
from shomare_mqtt.core.problems import LASTS, MOST, Gravity, Noted, Problem, is_of_a_doubt, is_of_an_open_number
from shomare_mqtt.core.render import Status
from shomare_mqtt.errors import ErrorCode
from shomare_mqtt.model import OrderState

if TYPE_CHECKING:
    from datetime import datetime

    from shomare_mqtt.core.orders.ledger import Ledger
    from shomare_mqtt.core.ports import Journal
    from shomare_mqtt.core.problems import Problems
    from shomare_mqtt.core.records import Answered
    from shomare_mqtt.core.render import Answer
    from shomare_mqtt.model import Envelope, ErrorInfo

_LONGEST_KIND = 64
_OK = b'{"status":"ok"'


class Refusals:
    """Tells `problems` of them."""

    def __init__(self, journal: Journal, ledger: Ledger, problems: Problems) -> None:
        self._journal = journal
        self._ledger = ledger
        self._problems = problems

    async def load(self) -> None:
        """Take up those of the last hour. Raises JournalError."""
        for answered in await self._journal.answered(LASTS, MOST):
            with suppress(ValueError, KeyError, TypeError):  # another version of this program wrote it
                self._take_up(answered)

    def _take_up(self, answered: Answered) -> None:
        if answered.answer.startswith(_OK):
            self._problems.went_well(_kind(answered.command), answered.row)
            return
        body = json.loads(answered.answer, parse_float=Decimal)
        if body["status"] != Status.ERROR.value:
            return
        code, message = ErrorCode(body["error"]["code"]), body["error"]["message"]
        problem = Problem(
            Gravity.COMMAND,
            BridgeEvent.COMMAND_REFUSED,
            words.refused(answered.command, code, message),
            answered.received_at,
            code,
            answered.order,
            body["transaction"],
        )
        noted = Noted(problem, _kind(answered.command), answered.row, answered.received + LASTS)
        if self._is_so_still(noted):
            self._problems.note(noted)

    def _is_so_still(self, noted: Noted) -> bool:
        """Whether what it says of its order holds yet."""
        order = noted.problem.order
        if is_of_a_doubt(noted):
            doubted = [r.order.order for r in self._ledger.open() if r.order.state is OrderState.UNKNOWN]
            return order in doubted if order else bool(doubted)
        if order and is_of_an_open_number(noted):
            held = self._ledger.get(order)
            return held is not None and held.order.is_open
        return True

    def ended(self, envelope: Envelope, answer: Answer, row: int | None = None, came: datetime | None = None) -> None:
        """A command that came then (None: now) was answered, and that is on disk where it has a row."""
        if answer.status is Status.OK:
            self._problems.went_well(_kind(envelope.command), row)
        elif answer.status is Status.ERROR and answer.error is not None:
            self._refused(envelope, answer, answer.error, row, came)

    def _refused(
        self, envelope: Envelope, answer: Answer, error: ErrorInfo, row: int | None, came: datetime | None
    ) -> None:
        problem = Problem(
            Gravity.COMMAND,
            BridgeEvent.COMMAND_REFUSED,
            words.refused(envelope.command, error.code, error.message),
            came or self._journal.time.wall(),
            error.code,
            answer.order or answer.about,
            envelope.transaction,
        )
        until = self._journal.time.now() + LASTS
        self._problems.note(Noted(problem, _kind(envelope.command), row, until))


def _kind(command: str) -> str:
    """A command's kind: its topic, without the ids that a query's may hold, cut where it is very long: it is none."""
    kind = "/".join(command.split("/", 2)[:2]) if command.startswith("query/") else command
    return kind[:_LONGEST_KIND]
