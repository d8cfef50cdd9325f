"""`python -m tests.contact.score [FILES...]`: how much of each dialect a daemon understands that was told nothing."""

from __future__ import annotations

import argparse
import asyncio
import itertools
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.cli.process import environment
from tests.contact.checks import Verdicts
from tests.contact.truth import Script
from tests.contact.visit import LIFETIME, Visit, settings
from tests.mosquitto import Mosquitto
from tests.patience import PATIENCE
from tests.system.house import Daemon, House

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_NUMBERS = itertools.count(1)
DIALECTS = Path(__file__).parent / "dialects"


def files() -> list[Path]:
    """Every dialect that lies beside this module."""
    return sorted(DIALECTS.glob("*.json"))


@dataclass(frozen=True)
class Manner:
    """`by_hand`: with the lines of `known.by_hand` in the settings. `code`: another checkout, whose daemon is run."""

    by_hand: bool = False
    code: Path | None = None


class ElsewhereHouse(House):
    """Its daemons are another checkout's."""

    def __init__(self, code: Path, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._code = code

    async def launch(
        self, settings: Mapping[str, Any] | None = None, *, name: str = "settings.toml", **variables: str
    ) -> Daemon:
        path = self.file(settings or {}, name)
        log_file = self.folder / f"daemon-{len(self.daemons)}.log"
        with log_file.open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "shomare_mqtt", "run", "--config", str(path),
                cwd=self._code, env=environment(PYTHONPATH=str(self._code), **variables),
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        self.daemons.append(Daemon(process, log_file))
        return self.daemons[-1]


async def score(script: Script, verdicts: Verdicts, port: int, folder: Path, manner: Manner = Manner()) -> None:
    """Let a new daemon meet the dialect, at the broker of this port, and judge it."""
    options = {"dialect": str(script.path), "lifetime": LIFETIME, "sms_count": 0}
    base = f"contact/{script.path.stem}/{next(_NUMBERS)}"
    house = House(folder, port, base, options)
    if manner.code is not None:
        house = ElsewhereHouse(manner.code, folder, port, base, options)
    async with house:
        await Visit(house, script, verdicts).whole(settings(script, by_hand=manner.by_hand))


# --- the command line ------------------------------------------------------------------------------------------------


async def _all(arguments: argparse.Namespace) -> int:
    right = of = 0
    manner = Manner(arguments.by_hand, arguments.code and arguments.code.resolve())
    with tempfile.TemporaryDirectory(prefix="contact-") as folder:
        async with Mosquitto(Path(folder), lines=["max_queued_messages 10000"]) as broker:
            for path in arguments.files or files():
                script = Script.of(path)
                verdicts = Verdicts(script.checks, patience=arguments.patience)
                own = Path(tempfile.mkdtemp(dir=folder))
                await score(script, verdicts, broker.port, own, manner)
                _print(path.stem, verdicts, why=arguments.why)
                right, of = right + len(verdicts.right), of + len(verdicts.checks)
    print(f"{right}/{of}  in all")
    return 0 if right == of else 1


def _print(name: str, verdicts: Verdicts, *, why: bool) -> None:
    line = f"{len(verdicts.right)}/{len(verdicts.checks)}  {name}"
    print(line if why or not verdicts.wrong else f"{line}  wrong: {', '.join(verdicts.wrong)}", flush=True)
    for check in verdicts.wrong if why else ():
        print(f"    {check}: {verdicts.why.get(check, 'never reached')}", flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status 0 where all is right, else 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.contact.score", description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, help="default: all in tests/contact/dialects")
    parser.add_argument("--by-hand", action="store_true", help="with the file's known.by_hand in the settings")
    parser.add_argument("--code", type=Path, metavar="DIR", help="run the daemon of another checkout")
    parser.add_argument("--why", action="store_true", help="say of each wrong check what was seen, and what has to be")
    parser.add_argument("--patience", type=float, default=PATIENCE / 6, help="seconds to wait for each thing")
    return asyncio.run(_all(parser.parse_args(argv)))


if __name__ == "__main__":
    sys.exit(main())
