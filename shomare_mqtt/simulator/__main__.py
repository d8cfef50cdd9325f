"""`python -m shomare_mqtt.simulator`: for tests that need the provider in a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from dataclasses import MISSING, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from shomare_mqtt.simulator.dialects import DIALECTS
from shomare_mqtt.simulator.options import SimulatorOptions
from shomare_mqtt.simulator.serve import serve
from shomare_mqtt.simulator.written import ENDING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shomare_mqtt.simulator.server import Simulator

_USAGE = 2
_MORE = {"dialect": f"{', '.join(DIALECTS)}, or a file that ends in {ENDING} (docs/dialects.md); "}
"""What `--help` says of an option beside its default."""


def main(argv: Sequence[str] | None = None, prog: str = "python -m shomare_mqtt.simulator") -> int:
    """Run until a signal. Exit status 0, 1 where the port is taken, 2 for wrong arguments."""
    parser = _parser(prog)
    arguments = vars(parser.parse_args(argv))
    host, port = arguments.pop("host"), arguments.pop("port")
    try:
        options = SimulatorOptions(**{name: value for name, value in arguments.items() if value is not None})
        asyncio.run(serve(options, host, port, announce))
    except ValidationError as error:
        first = error.errors()[0]
        parser.error(f"--{str(first['loc'][0]).replace('_', '-')}: {first['msg']}")
    except ValueError as error:
        sys.stderr.write(f"{prog}: {error}\n")
        return _USAGE
    except BrokenPipeError:
        # Whoever was to read the address has gone.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        sys.stderr.write(f"{prog}: cannot listen on {host}, port {port}: {error.strerror}\n")
        return 1
    return 0


def announce(sim: Simulator) -> None:
    """One line, at once: whoever started this process waits for it."""
    sys.stdout.write(f"listening on {sim.base_url}\n")
    sys.stdout.flush()


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= 65535):  # noqa: PLR2004 - the largest there is
        raise argparse.ArgumentTypeError("must be a number from 0 to 65535")
    return int(text)


def _parser(prog: str) -> argparse.ArgumentParser:
    """An option for each field of SimulatorOptions; values are checked there."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description="The simulated provider alone, until a signal. It prints the address for provider.base_url; "
        "times in seconds, money in Toman.",
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=_port, default=0, help="default: any free one")
    parser.add_argument("--state", dest="state_file", type=Path, metavar="FILE")
    for field in fields(SimulatorOptions):
        if field.name != "state_file":
            kind: Any = (
                {} if field.default is MISSING else {"help": f"{_MORE.get(field.name, '')}default: {field.default}"}
            )
            parser.add_argument(f"--{field.name.replace('_', '-')}", **kind)
    return parser


if __name__ == "__main__":
    sys.exit(main())
