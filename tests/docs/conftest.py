"""The whole system's fixtures: one broker, and a house for each test."""

from __future__ import annotations

from tests.system.conftest import house, mosquitto, open_house

__all__ = ["house", "mosquitto", "open_house"]
