"""Dialects written in files: sample answers of a provider, with placeholders where the simulator's own values go."""

from __future__ import annotations

from shomare_mqtt.simulator.written.dialect import ENDING, read

__all__ = ["ENDING", "read"]
