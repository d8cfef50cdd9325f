"""Every command, declared for typer; what they do stands in the modules beside this one.

Those are imported by the command that needs them: a shell that completes a word waits for what stands here alone. `run`
does not even come here, unless there is something wrong with it or its help is asked for.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated

import typer

from shomare_mqtt import __version__
from shomare_mqtt.cli import client_commands
from shomare_mqtt.cli.declaring import WIDEST, App, Config, Group, one_of, quietly
from shomare_mqtt.cli.simulating import simulate
from shomare_mqtt.cli.status import CommandFailedError, plain_failures

EXIT_STATUS = "Exit status: 0 done, 1 failed, 2 usage, 78 settings, state directory, or base topic in use."

app = App(
    cls=Group,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": WIDEST},
    epilog=f"`shomare-mqtt COMMAND --help` tells more of a command. {EXIT_STATUS}",
)


def _new(path: Path | None) -> Path | None:
    if path is not None and os.path.lexists(path):
        raise typer.BadParameter(f"{path} is there already, and is not overwritten")
    if path is not None and not path.parent.is_dir():
        raise typer.BadParameter(f"there is no folder {path.parent}")
    return path


@app.callback(invoke_without_command=True)
def options(
    context: typer.Context,
    *,
    version: Annotated[bool, typer.Option("--version", help="Print the version, and exit.")] = False,
) -> None:
    """Bridges the SMS-number provider shomare.online to MQTT and Home Assistant."""
    if version:
        typer.echo(f"shomare-mqtt {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        context.fail("A command is missing.")


@app.command(epilog=EXIT_STATUS)
def run(file: Config = None) -> None:
    """Run the daemon, until SIGTERM or SIGINT ends it.

    It stops cleanly, and reads the settings file again on SIGHUP.
    """
    from shomare_mqtt.cli.run import run as run_in_this_process

    raise typer.Exit(run_in_this_process(file))


@app.command()
def check(*, quiet: Annotated[bool, quietly(": what is wrong")] = False, file: Config = None) -> None:
    """Say what is wrong with the settings, or print them.

    Secrets are masked.
    """
    from shomare_mqtt import config
    from shomare_mqtt.cli.checking import print_settings

    with plain_failures():
        print_settings(config.find_file(file), named=file, quiet=quiet)


@app.command()
def doctor(
    *,
    report: Annotated[
        Path | None,
        typer.Option(
            "--report", metavar="FILE", help="Write a report without secrets into FILE, a new one.", callback=_new
        ),
    ] = None,
    quiet: Annotated[bool, quietly(": what is not good")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print all findings as JSON, on one line.")] = False,
    file: Config = None,
) -> None:
    """Look whether broker and provider work and are understood.

    Its calls only read: it never buys, and runs beside a running daemon. Each finding is a line: good, bad or unknown,
    what was seen, what to do.
    """
    from shomare_mqtt import config
    from shomare_mqtt.cli.checking import load_all
    from shomare_mqtt.cli.doctoring import doctor as look

    with plain_failures():
        found = config.find_file(file)
        settings = load_all(found)
        try:
            is_well = asyncio.run(look(settings, found, json_=json, quiet=quiet, report_to=report, named=file))
        except KeyboardInterrupt:
            raise CommandFailedError("interrupted; nothing was changed") from None
    if not is_well:
        raise typer.Exit(1)


@app.command()
def init(
    *,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that are there.")] = False,
    file: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", readable=False, help="Write FILE, not the one in the usual place."),
    ] = None,
) -> None:
    """Ask for broker and token, try both, write a settings file.

    It is what a new installation begins with. Neither the token nor a password is shown.
    """
    from shomare_mqtt.cli.init import init as ask_and_write

    with plain_failures():
        ask_and_write(file, overwrite=force)


@app.command()
def demo(
    *,
    once: Annotated[bool, typer.Option("--once", help="End when the code has arrived.")] = False,
    broker: Annotated[
        str | None,
        typer.Option(
            metavar="BROKER",
            help="Use this one, mosquitto or amqtt (default: mosquitto where it is installed).",
            **one_of("mosquitto", "amqtt"),
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(metavar="PORT", min=0, max=65535, help="The broker's port (default: 1883 where that is free)."),
    ] = None,
    sms_delay: Annotated[
        float, typer.Option(metavar="SECONDS", min=0, max=600, help="Let the SMS come so late (default: 4).")
    ] = 4.0,
    quiet: Annotated[bool, quietly(": the messages, without an introduction")] = False,
) -> None:
    """Show a whole system at work, without any real money.

    On this machine and gone at the end: a broker, a simulated provider, and the daemon between them. No number is real.
    """
    from shomare_mqtt.cli import demo as whole_system
    from shomare_mqtt.cli.demo_broker import Kind

    wishes = whole_system.Wishes(once, Kind(broker) if broker else None, port, sms_delay, quiet)
    with plain_failures():
        asyncio.run(whole_system.demo(wishes))


app.command()(simulate)
for each in (
    client_commands.buy,
    client_commands.cancel,
    client_commands.query,
    client_commands.offers,
    client_commands.statistics,
    client_commands.watch,
    client_commands.resolve,
    client_commands.buying,
    client_commands.defaults,
):
    app.command(rich_help_panel=client_commands.SECTION)(each)
