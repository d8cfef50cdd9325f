"""Writes the version, and the owner of the repository on GitHub, into the files that cannot look them up.

python packaging/stamp.py                  the version of shomare_mqtt/__init__.py, everywhere
python packaging/stamp.py --owner NAME     and the owner, whose images and whose repository these files name
python packaging/stamp.py --check          says what differs, and ends with 1 where something does
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

TOP = Path(__file__).parent.parent
NOBODY = "owner-of-this-repository"
"""Stands where the owner's name belongs, until somebody publishes this."""
IMAGE = re.compile(r"(ghcr\.io/)([\w-]+)(/shomare-mqtt(?:-homeassistant)?)(:[\w.-]+)?")
"""An image of ours: owner in its second part, version in its fourth."""
PLACE = re.compile(r"(github\.com/)([\w-]+)(/shomare-mqtt)\b()")
"""The repository's address."""
VERSIONS = {
    "packaging/homeassistant/config.yaml": re.compile(r'^(version: ")()([^"]+)', re.MULTILINE),
    "packaging/homeassistant/Dockerfile": re.compile(r"^(ARG BUILD_VERSION=)()(.+)$", re.MULTILINE),
}
FILES = (
    *VERSIONS,
    "packaging/homeassistant/CHANGELOG.md",
    "packaging/image/compose.yaml",
    "repository.yaml",
    "docs/start-docker.md",
    "docs/start-home-assistant-os.md",
)


def version() -> str:
    """The one place."""
    text = (TOP / "shomare_mqtt" / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "(.+)"$', text, re.MULTILINE)
    assert found is not None  # noqa: S101 - pyproject.toml has the build look for the same
    return found[1]


def owner() -> str:
    """Whom the app's settings name."""
    found = IMAGE.search((TOP / "packaging" / "homeassistant" / "config.yaml").read_text(encoding="utf-8"))
    assert found is not None  # noqa: S101 - tests/packaging/test_app.py says that it names one
    return found[2]


def stamped(name: str, text: str, whose: str) -> str:
    """A file's text with both in it."""

    def image(match: re.Match[str]) -> str:
        return f"{match[1]}{whose}{match[3]}" + (f":{version()}" if match[4] else "")

    text = PLACE.sub(rf"\g<1>{whose}\g<3>", IMAGE.sub(image, text))
    return VERSIONS[name].sub(rf"\g<1>{version()}", text) if name in VERSIONS else text


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--owner", default=owner(), help="the account on GitHub, in small letters")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    differing = []
    for name in FILES:
        path = TOP / name
        text = path.read_text(encoding="utf-8")
        wanted = stamped(name, text, arguments.owner)
        if wanted == text:
            continue
        differing.append(name)
        if not arguments.check:
            path.write_text(wanted, encoding="utf-8")
    for name in differing:
        sys.stdout.write(f"{name} {'differs' if arguments.check else 'was written'}\n")
    return 1 if arguments.check and differing else 0


if __name__ == "__main__":
    sys.exit(main())
