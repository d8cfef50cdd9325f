"""What all tests share: tests marked `mosquitto` need that broker, and what was left out is said at the end."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from tests.programs import LEFT_OUT, PACKAGES, program

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

# As in every CI: the same examples each time, and no bound on how long a busy machine takes for one.
settings.load_profile("ci")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(_Summary(config), "what was left out")


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("mosquitto"):
        program("mosquitto")


class _Summary:
    """Says at the end what was left out, and why; with pytest-xdist, its workers tell it what they left out."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._deselected = 0

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        self._deselected += len(items)

    def pytest_sessionfinish(self) -> None:
        if hasattr(self._config, "workeroutput"):
            self._config.workeroutput["deselected"] = self._deselected

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Each worker collects, and leaves out, the same."""
        self._deselected = getattr(node, "workeroutput", {}).get("deselected", self._deselected)

    def pytest_terminal_summary(self, terminalreporter: TerminalReporter, exitstatus: int) -> None:
        left_out = [*self._by_the_command_line(), *_skipped(terminalreporter)]
        for line, remedy in left_out:
            terminalreporter.write_sep("!", line, red=True, bold=True)
            terminalreporter.write_line(remedy)
        if not left_out and exitstatus == pytest.ExitCode.OK:
            terminalreporter.write_sep("=", "nothing was left out", green=True)

    def _by_the_command_line(self) -> list[tuple[str, str]]:
        """Pairs of what was left out and what to do about it."""
        config = self._config
        named = config.args if config.args_source is pytest.Config.ArgsSource.ARGS else []
        found = []
        if named:
            found.append(("all tests but those named were LEFT OUT", f"Only these were asked for: {' '.join(named)}"))
        if self._deselected:
            asked = {"-m": config.option.markexpr, "-k": config.option.keyword, "--deselect": config.option.deselect}
            why = " ".join(f"{option} {value!r}" for option, value in asked.items() if value) or "what was asked for"
            found.append((f"{self._deselected} tests were LEFT OUT by {why}", "To test it all, run without that."))
        return found


def _skipped(terminalreporter: TerminalReporter) -> list[tuple[str, str]]:
    skipped = [report.longrepr for report in terminalreporter.stats.get("skipped", [])]
    reasons = Counter(str(each[2] if isinstance(each, tuple) else each).removeprefix("Skipped: ") for each in skipped)
    found = []
    for reason, count in sorted(reasons.items()):
        name = reason.removeprefix(LEFT_OUT)
        if name == reason:
            found.append((f"{count} tests were LEFT OUT", reason))
        else:
            remedy = f"To test it all: apt install {PACKAGES.get(name, name)}, and run again."
            found.append((f"{count} tests were LEFT OUT: this machine has no {name}", remedy))
    return found
