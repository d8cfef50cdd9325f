"""`doctor`: findings as they come, a line each; a report for whoever is to help."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from rich.text import Text

from shomare_mqtt.cli.output import write_json
from shomare_mqtt.cli.showing import console, plain
from shomare_mqtt.cli.status import CommandFailedError
from shomare_mqtt.cli.typed import to_be_typed
from shomare_mqtt.doctor.examination import examine
from shomare_mqtt.doctor.finding import State
from shomare_mqtt.doctor.report import report, written

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from rich.console import Console

    from shomare_mqtt.config import Settings
    from shomare_mqtt.doctor.finding import Finding

_STYLES = {State.GOOD: "green", State.BAD: "bold red", State.UNKNOWN: "yellow"}
_STATE_WIDTH, _NAME_WIDTH = 8, 18
_OF_OWNER = 0o600


async def doctor(
    settings: Settings,
    file: Path | None,
    *,
    json_: bool,
    quiet: bool = False,
    report_to: Path | None = None,
    named: Path | None = None,
) -> bool:
    """Look at everything and show it (`quiet`: what is not good); whether nothing is bad.

    `named`: the file that the user named, which the commands in the advice need, too.
    Raises SettingsError, CommandFailedError.
    """
    screen = console()

    def show(finding: Finding) -> None:
        if not json_ and not (quiet and finding.state is State.GOOD):
            _show(screen, finding, named)

    seen = await examine(settings, file, show)
    if report_to is not None:
        _write(report_to, report(seen))
    if json_:
        findings = [finding.as_json() for finding in seen.findings]
        write_json(json.dumps({"findings": findings, "ok": seen.is_well}, ensure_ascii=False))
    elif report_to is not None and not quiet:
        screen.print(plain(f"The report is in {report_to}. Look through it before you show it to anybody."))
    return seen.is_well


def _show(screen: Console, finding: Finding, named: Path | None) -> None:
    state = Text(finding.state.value.ljust(_STATE_WIDTH), style=_STYLES[finding.state])
    said = f"{finding.told} → {to_be_typed(finding.advice, named)}" if finding.advice else finding.told
    screen.print(Text.assemble(state, plain(finding.name.ljust(_NAME_WIDTH)), "  ", plain(said)))


def _write(path: Path, content: dict[str, Any]) -> None:
    """Make the file, for its owner alone. Raises CommandFailedError; what is there already stays."""
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OF_OWNER), "wb") as out:
            out.write(written(content))
    except OSError as error:
        raise CommandFailedError(f"the report could not be written to {path}: {error.strerror}") from None
