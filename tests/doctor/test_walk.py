"""The walk through docs/provider.md: its commands print what stands there."""

from __future__ import annotations

import pytest

from tests.walk import TOP, walked

DOCUMENT = (TOP / "docs" / "provider.md").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.mosquitto
async def test_the_documents_commands_print_what_it_says() -> None:
    """`python -m tests.walk docs/provider.md` writes down what they print now."""
    assert await walked(DOCUMENT) == DOCUMENT
