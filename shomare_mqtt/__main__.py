"""The way into every command: `shomare-mqtt …` and `python -m shomare_mqtt …`."""

from __future__ import annotations

import sys


def main() -> int:
    """Runs the command that the arguments name; the exit status."""
    try:
        return _main(sys.argv[1:])
    except KeyboardInterrupt:
        # Before (or after) the command listens to signals itself, there is nothing to tidy up.
        return 1


def _main(arguments: list[str]) -> int:
    # What is imported here costs the daemon memory and time; a Pi may run it for years.
    if arguments[:1] == ["run"]:
        from shomare_mqtt.cli.run import run  # noqa: PLC0415 - see above

        return run(arguments[1:])
    from shomare_mqtt.cli.app import app  # noqa: PLC0415 - see above

    app(arguments, prog_name="shomare-mqtt")
    return 0


if __name__ == "__main__":
    sys.exit(main())
