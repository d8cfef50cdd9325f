"""The way into every command: `shomare-mqtt …` and `python -m shomare_mqtt …`."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path

from shomare_mqtt.cli import output
from shomare_mqtt.cli.status import plain_failures


def main() -> int | str | None:
    """Runs the command that the arguments name; the exit status."""
    output.prepare()
    try:
        status: int | str | None = _main(sys.argv[1:])
    except SystemExit as end:
        status = end.code
    except KeyboardInterrupt:
        # Before (or after) the command listens to signals itself, there is nothing to tidy up.
        status = 1
    except OSError as error:
        status = output.failed(error)
    return output.finish(status)


def _main(arguments: list[str]) -> int:
    # What is imported here costs the daemon memory and time; a Pi may run it for years.
    if (named := _plain_run(arguments)) is not None:
        return _run(*map(Path, named))
    from shomare_mqtt.cli.app import app  # noqa: PLC0415 - see above

    app(arguments, prog_name="shomare-mqtt")
    return 0


def _run(named: Path | None = None) -> int:
    from shomare_mqtt.daemon.settings_process import forked  # noqa: PLC0415 - see above

    # Another process reads the settings, while this one imports the rest.
    with plain_failures(), closing(forked(named)) as process:
        from shomare_mqtt.cli.run import run  # noqa: PLC0415 - see above

        return run(named, process)


def _plain_run(arguments: list[str]) -> list[str] | None:
    """The settings file, if one is named, of a `run` that says no more; None for all that typer must understand."""
    match arguments:
        case ["run"]:
            return []
        case ["run", "--config", file] if not file.startswith("-"):
            return [file]
        case ["run", option] if option.startswith("--config="):
            return [option.removeprefix("--config=")]
    return None


if __name__ == "__main__":
    sys.exit(main())
