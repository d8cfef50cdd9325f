"""A process that has everything imported, and forks one child after another: a life of the daemon in each.

It lives once itself: what Python does at the first time only (half of all that a life takes) is done for its children.
A plan comes as a line on standard input; the child's exit status goes as a line to standard output.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from shomare_mqtt.simulator import Simulator, SimulatorOptions
from tests.crash.life import live
from tests.crash.plan import Command, Plan


def main() -> None:
    with TemporaryDirectory() as folder:
        asyncio.run(_practise(folder))
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _be_child(Plan.from_line(line))
        _, status = os.waitpid(pid, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


async def _practise(folder: str) -> None:
    async with Simulator(SimulatorOptions(sms_delay=0)) as simulator:
        product = {"country": 7, "operator": 1, "application": 3}
        commands = (Command("buy", product), Command("query/check/current", {}))
        await asyncio.to_thread(live, Plan(folder, simulator.base_url, commands, wants_sms=True, poll_interval=0.05))


def _be_child(plan: Plan) -> None:
    """What the child says goes to a file; it ends without a clean-up in any case."""
    out = os.open(Path(plan.folder, "output"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(out, 1)
    os.dup2(out, 2)
    logging.basicConfig(stream=sys.stderr, level=logging.DEBUG)
    status = 1
    try:
        live(plan)
        status = 0
    except BaseException:  # noqa: BLE001 - a child must never go on as its parent
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    main()
