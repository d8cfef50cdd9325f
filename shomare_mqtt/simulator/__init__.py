"""A provider on this machine: a real HTTP server that behaves as the provider's API page says, with faults on demand.

`Simulator` is for tests and the demo, `serve` for the command line: `shomare-mqtt simulate` is a process of its own.
"""

from __future__ import annotations

from shomare_mqtt.simulator.dialects import DIALECTS, Dialect
from shomare_mqtt.simulator.faults import FaultKind
from shomare_mqtt.simulator.options import SimulatorOptions
from shomare_mqtt.simulator.serve import serve
from shomare_mqtt.simulator.server import Simulator

__all__ = ["DIALECTS", "Dialect", "FaultKind", "Simulator", "SimulatorOptions", "serve"]
