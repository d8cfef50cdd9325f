"""`python -m tests.loaded FILE run --config …`: the program, and at its end the modules that it has loaded, in FILE."""

from __future__ import annotations

import atexit
import runpy
import sys
from pathlib import Path


def _write(file: Path) -> None:
    file.write_text("\n".join(sys.modules))


if __name__ == "__main__":
    atexit.register(_write, Path(sys.argv.pop(1)))
    runpy.run_module("shomare_mqtt", run_name="__main__", alter_sys=True)
