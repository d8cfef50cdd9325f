"""How long a test waits for something that has to happen: no bound on speed, and never waited out where all is well."""

from __future__ import annotations

PATIENCE = 60.0
"""Seconds: even a machine with ten times the work that it can do gets there; `timeout` in pyproject.toml is longer."""
