"""Writes what the Debian package has beside the program: its manual page, completions for three shells, a changelog.

    python packaging/debian/generate.py FOLDER SECONDS

All of it is made from the code, so that none of it can say anything else. SECONDS (since 1970) is when the program was
released; the same program and the same time give the same files.
"""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import typer
from typer.completion import get_completion_script  # type: ignore[attr-defined]  # typer declares no exports

from shomare_mqtt import __version__
from shomare_mqtt.cli.app import EXIT_STATUS, app

NAME = "shomare-mqtt"
COMPLETIONS = {"bash": NAME, "zsh": f"_{NAME}", "fish": f"{NAME}.fish"}
"""The shells, and the name of the file that each of them looks for."""
_MAINTAINER = "The shomare-mqtt authors <shomare-mqtt@users.noreply.github.com>"
_FILES = """\
.SH FILES
.TP
.I /etc/shomare-mqtt/config.toml
The settings of the service; /usr/share/doc/shomare-mqtt/examples/config.example.toml explains every key.
.TP
.I /etc/shomare-mqtt/token
The account's token, alone. Root alone may read it; systemd hands it to the service.
.TP
.I /etc/shomare-mqtt/mqtt_password
The broker's password, where it asks for one and the settings name this file.
.TP
.I /var/lib/shomare-mqtt
The journal: orders and SMS, which the service alone may read.
.TP
.I ./shomare-mqtt.toml\\fR, \\fI~/.config/shomare-mqtt/config.toml
Where settings are looked for first, unless
.B \\-\\-config
or
.B SHOMARE_CONFIG
names a file.
.SH ENVIRONMENT
Every setting can be given as a variable, which outranks the file:
.BR SHOMARE_MQTT__HOST ,
.BR SHOMARE_LIMITS__MAX_PRICE .
.SH SEE ALSO
.BR mosquitto_sub (1),
.BR mosquitto (8),
.BR systemctl (1);
/usr/share/doc/shomare-mqtt
"""


def manual(released: datetime) -> str:
    """The page shomare-mqtt(1): each command with all of its arguments and options, in man(7)."""
    program: Any = typer.main.get_command(app)
    context = program.make_context(NAME, [], resilient_parsing=True)
    lines = [
        f'.TH {NAME.upper()} 1 "{released:%Y-%m-%d}" "{NAME} {__version__}" "User Commands"',
        *(".SH NAME", f"{_text(NAME)} \\- {_text(_summary(program.help))}"),
        *(".SH SYNOPSIS", f".B {_text(NAME)}", "[\\fIOPTIONS\\fR] \\fICOMMAND\\fR [\\fIARGUMENTS\\fR]"),
        *(".SH DESCRIPTION", *_paragraphs(program.help)),
        *(".SH OPTIONS", *_parameters(program, context)),
        ".SH COMMANDS",
    ]
    for name, command in program.commands.items():
        lines += _command(name, command, command.make_context(name, [], parent=context, resilient_parsing=True))
    lines += [".SH EXIT STATUS", _text(EXIT_STATUS.removeprefix("Exit status: ")), _FILES]
    return "\n".join(lines)


def completion(shell: str) -> str:
    """What the shell loads once somebody presses TAB behind the program's name."""
    script = get_completion_script(prog_name=NAME, complete_var="_SHOMARE_MQTT_COMPLETE", shell=shell)
    if shell == "zsh" and "loadautofunc" not in script:
        # zsh reads the file at the first TAB, and wants that one answered, too.
        script += '\n[[ $zsh_eval_context[-1] == loadautofunc ]] && _shomare_mqtt_completion "$@"'
    return f"{script.strip()}\n"


def changelog(released: datetime) -> str:
    """One entry, which leads to the changes that were written for people."""
    version = debian_version(__version__)
    return (
        f"{NAME} ({version}) stable; urgency=medium\n\n"
        f"  * Version {__version__}: what is new stands in NEWS.md.gz beside this file.\n\n"
        f" -- {_MAINTAINER}  {format_datetime(released)}\n"
    )


def debian_version(version: str) -> str:
    """The version as Debian sorts it: `1.0.0~rc1` comes before `1.0.0`, as `1.0.0rc1` does for Python."""
    return re.sub(r"\.?(?=(a|b|rc|dev)\d)", "~", version, count=1)


def main(folder: Path, released: datetime) -> None:
    """Write all of it below a folder."""
    files = {f"{NAME}.1": manual(released), "changelog": changelog(released), "version": debian_version(__version__)}
    files |= {f"{shell}/{name}": completion(shell) for shell, name in COMPLETIONS.items()}
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def _command(name: str, command: Any, context: Any) -> list[str]:
    usage = " ".join([f"\\fB{_text(name)}\\fR", *(_text(piece) for piece in command.collect_usage_pieces(context))])
    return [f'.SS "{usage}"', *_paragraphs(command.help), *_parameters(command, context)]


def _parameters(command: Any, context: Any) -> list[str]:
    shown = [each for each in command.get_params(context) if not getattr(each, "hidden", False)]
    return [line for each in shown for line in (".TP", _names(each), _text(each.help or ""))]


def _names(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"\\fI{_text(parameter.metavar or parameter.name.upper())}\\fR"
    names = ", ".join(f"\\fB{_text(name)}\\fR" for name in sorted(parameter.opts, key=len))
    return names if parameter.is_flag else f"{names} \\fI{_text(parameter.metavar)}\\fR"


def _paragraphs(text: str) -> list[str]:
    found = [" ".join(part.split()) for part in text.split("\n\n")]
    return [line for part in found if part for line in (".PP", _text(part))]


def _summary(text: str) -> str:
    return " ".join(text.split("\n\n", maxsplit=1)[0].split()).removesuffix(".")


def _text(text: str) -> str:
    """A text as man(7) has it; a line of it never begins a request."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("`", "\\(ga").replace("~", "\\(ti")
    return f"\\&{text}" if text.startswith((".", "'")) else text


if __name__ == "__main__":
    main(Path(sys.argv[1]), datetime.fromtimestamp(int(sys.argv[2]), UTC))
