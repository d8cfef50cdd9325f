"""The broker that all meetings share."""

from __future__ import annotations

from tests.system.conftest import mosquitto

__all__ = ["mosquitto"]
