"""Everything in its order, and what is needed for a report of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from shomare_mqtt.core.masking import Mask
from shomare_mqtt.core.records import stored
from shomare_mqtt.doctor.asking import Answers, ask
from shomare_mqtt.doctor.broker import look_at_broker
from shomare_mqtt.doctor.broker_keeping import of_keeping, of_limits
from shomare_mqtt.doctor.broker_rights import of_rights
from shomare_mqtt.doctor.clock import of_clock
from shomare_mqtt.doctor.disk import of_disk
from shomare_mqtt.doctor.finding import Finding, State
from shomare_mqtt.doctor.home_assistant import of_home_assistant
from shomare_mqtt.doctor.journal import of_journal
from shomare_mqtt.doctor.machine import of_secrets, of_settings, of_state_directory
from shomare_mqtt.doctor.metrics import of_metrics
from shomare_mqtt.doctor.plugins import of_plugins
from shomare_mqtt.doctor.provider import of_provider
from shomare_mqtt.doctor.proxy import of_proxy
from shomare_mqtt.doctor.purchases import of_purchases
from shomare_mqtt.doctor.round_trip import of_round_trip
from shomare_mqtt.doctor.web import of_web
from shomare_mqtt.journal.looking import Looked, look
from shomare_mqtt.journal.memories import DIALECT, INSTANCE
from shomare_mqtt.journal.peeking import peeked_meta
from shomare_mqtt.provider import learnt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from shomare_mqtt.config import Settings
    from shomare_mqtt.doctor.broker import Broker


@dataclass
class Examination:
    """What was found. `learnt`: what a daemon learnt of the provider, as `learnt.shown` has it."""

    settings: Settings
    mask: Mask
    tell: Callable[[Finding], None] = lambda _: None
    findings: list[Finding] = field(default_factory=list)
    answers: Answers = field(default_factory=Answers)
    learnt: dict[str, Any] = field(default_factory=dict)

    @property
    def is_well(self) -> bool:
        """Whether nothing is bad."""
        return not any(finding.state is State.BAD for finding in self.findings)

    def note(self, findings: Iterable[Finding | None]) -> None:
        """Keep and tell each that is one."""
        for finding in findings:
            if finding is not None:
                self.findings.append(finding)
                self.tell(finding)


async def examine(settings: Settings, file: Path | None, tell: Callable[[Finding], None]) -> Examination:
    """Look at everything; `tell` hears of each finding at once. Raises SettingsError where there is no token."""
    token = settings.token
    seen = Examination(settings, Mask(settings.tokens(), settings.secrets()), tell)
    seen.note([of_settings(file, settings), *of_secrets(settings), *of_plugins(settings)])
    journal = await _look_at_machine(seen)
    meta = (journal and journal.meta) or peeked_meta(settings.state.directory) or {}
    broker = await look_at_broker(settings.mqtt, seen.mask)
    seen.note(broker.findings)
    seen.note(await _closer(settings, broker, seen.mask, meta.get(INSTANCE, "")))
    seen.learnt = _learnt(broker.info, meta)
    proxy = await of_proxy(settings)
    seen.answers = await ask(settings, token, learnt.taken_back(seen.learnt))
    seen.note([of_clock(seen.answers.clock_ahead, journal.newest if journal else ""), proxy])
    seen.note(of_provider(settings, seen.answers, seen.mask))
    answers = seen.learnt.get("answers")
    seen.note(of_purchases(answers if isinstance(answers, dict) else {}, settings, seen.mask))
    seen.note(of_metrics(settings))
    seen.note(of_web(settings))
    return seen


async def _look_at_machine(seen: Examination) -> Looked | None:
    """The state directory, and what is in it; the journal."""
    directory = seen.settings.state.directory
    found = of_state_directory(seen.settings)
    seen.note([found])
    if found.state is State.BAD:
        return None
    journal = await asyncio.to_thread(look, directory)
    seen.note([await asyncio.to_thread(of_disk, directory), *of_journal(directory, journal)])
    return journal


async def _closer(settings: Settings, broker: Broker, mask: Mask, instance: str) -> list[Finding]:
    """What takes messages of our own, where the broker lets us in at all; a stranger's words may be in it."""
    if broker.protocol is None or broker.facts is None:
        return []
    mqtt, protocol = settings.mqtt, broker.protocol
    rights, keeping, announced = await asyncio.gather(
        of_rights(settings, protocol, online=broker.info is not None),
        of_keeping(mqtt, protocol),
        of_home_assistant(settings, protocol, instance, online=broker.info is not None),
    )
    round_trip = await of_round_trip(mqtt, protocol)  # alone, or it would wait for the others' messages
    found = [of_limits(broker.facts, protocol), rights, *keeping, round_trip, *announced]
    return [replace(each, text=mask.text(each.text)) for each in found]


def _learnt(info: dict[str, Any] | None, meta: dict[str, str]) -> dict[str, Any]:
    """What the running daemon says that it learnt, else what the journal keeps."""
    told = info.get("learnt") if info else None
    return told if isinstance(told, dict) else learnt.shown(stored(meta.get(DIALECT), dict, {}))
