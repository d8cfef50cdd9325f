"""What all tests share: tests marked `mosquitto` need that broker, and what was left out is said at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.programs import LEFT_OUT, PACKAGES, program

if TYPE_CHECKING:
    import pytest
    from _pytest.terminal import TerminalReporter


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("mosquitto"):
        program("mosquitto")


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    reasons = [str(report.longrepr) for report in terminalreporter.stats.get("skipped", [])]
    missing = sorted({reason.split(LEFT_OUT)[1].strip("')") for reason in reasons if LEFT_OUT in reason})
    for name in missing:
        count = sum(LEFT_OUT + name in reason for reason in reasons)
        terminalreporter.write_sep("!", f"{count} tests were LEFT OUT: this machine has no {name}", red=True, bold=True)
        terminalreporter.write_line(f"To test it all: apt install {PACKAGES.get(name, name)}, and run again.")
