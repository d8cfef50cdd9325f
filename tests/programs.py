"""The policy for programs that may be missing on a machine.

On a developer's machine a test that needs such a program is left out, and the run's last lines say so plainly (see
conftest.py). Where everything must be there (CI=true, or SHOMARE_REQUIRE_MOSQUITTO=1), its absence is a failure.
"""

from __future__ import annotations

import os
import shutil

import pytest

PACKAGES = {"systemd-analyze": "systemd"} | dict.fromkeys(
    ("mosquitto_pub", "mosquitto_sub", "mosquitto_rr"), "mosquitto-clients"
)
"""The package of a program, where it has another name."""
LEFT_OUT = "NOT TESTED, since this machine has no "


def program(name: str) -> str:
    """The path of a program that a test needs. Where it is missing, skips the test, or fails it if it must be there."""
    path = shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin")
    if path is not None and not _pretended_missing(name):
        return path
    if os.environ.get("CI") == "true" or os.environ.get("SHOMARE_REQUIRE_MOSQUITTO") == "1":
        pytest.fail(f"{name} is not installed, and CI or SHOMARE_REQUIRE_MOSQUITTO says that it must be", pytrace=False)
    pytest.skip(LEFT_OUT + name)


def _pretended_missing(name: str) -> bool:
    return name.startswith("mosquitto") and os.environ.get("SHOMARE_TEST_NO_MOSQUITTO") == "1"
