"""Everything in its order, and what is needed for a report of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from shomare_mqtt.core.masking import Mask
from shomare_mqtt.core.records import stored
from shomare_mqtt.doctor.asking import Answers, ask
from shomare_mqtt.doctor.broker import look_at_broker
from shomare_mqtt.doctor.finding import Finding, State
from shomare_mqtt.doctor.machine import of_secrets, of_settings, of_state_directory
from shomare_mqtt.doctor.metrics import of_metrics
from shomare_mqtt.doctor.provider import of_provider
from shomare_mqtt.doctor.purchases import of_purchases
from shomare_mqtt.journal.memories import DIALECT
from shomare_mqtt.journal.peeking import peeked_meta
from shomare_mqtt.provider import learnt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from shomare_mqtt.config import Settings


@dataclass
class Examination:
    """What was found. `learnt`: what a daemon learnt of the provider, as `learnt.shown` has it."""

    settings: Settings
    mask: Mask
    findings: list[Finding] = field(default_factory=list)
    answers: Answers = field(default_factory=Answers)
    learnt: dict[str, Any] = field(default_factory=dict)

    @property
    def is_well(self) -> bool:
        """Whether nothing is bad."""
        return not any(finding.state is State.BAD for finding in self.findings)


async def examine(settings: Settings, file: Path | None, tell: Callable[[Finding], None]) -> Examination:
    """Look at everything; `tell` hears of each finding at once. Raises SettingsError where there is no token."""
    token = settings.token
    seen = Examination(settings, Mask(settings.tokens(), settings.secrets()))

    def note(findings: Iterable[Finding]) -> None:
        for finding in findings:
            seen.findings.append(finding)
            tell(finding)

    note([of_settings(file, settings), *of_secrets(settings), of_state_directory(settings)])
    broker = await look_at_broker(settings.mqtt, seen.mask)
    note(broker.findings)
    seen.learnt = _learnt(broker.info, settings)
    seen.answers = await ask(settings, token, learnt.taken_back(seen.learnt))
    note(of_provider(settings, seen.answers, seen.mask))
    answers = seen.learnt.get("answers")
    note(of_purchases(answers if isinstance(answers, dict) else {}, settings, seen.mask))
    note(of_metrics(settings))
    return seen


def _learnt(info: dict[str, Any] | None, settings: Settings) -> dict[str, Any]:
    """What the running daemon says that it learnt, else what the journal keeps."""
    told = info.get("learnt") if info else None
    if isinstance(told, dict):
        return told
    meta = peeked_meta(settings.state.directory) or {}
    return learnt.shown(stored(meta.get(DIALECT), dict, {}))
