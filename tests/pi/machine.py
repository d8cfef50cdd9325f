"""A pretended Raspberry Pi: the documents' commands run on it as they stand there, with no rights but a user's.

All that is not as on a real one stands in this file and in `systemd.py`: where its folders lie (`PLACES`), the programs
that stand in for others (`STANDINS`), and the two variables that lead to this test's broker and provider.
"""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.cli.process import environment
from tests.patience import PATIENCE
from tests.pi.systemd import SYSTEMCTL, Systemd
from tests.programs import program

if TYPE_CHECKING:
    from collections.abc import Iterable

TOP = Path(__file__).parents[2]
TOKEN = "tok-5f0c1e7a9b"
CLONED = ("shomare_mqtt", "plugins", "systemd", "pyproject.toml", "requirements.lock", "README.md", "LICENSE")
"""What an installation needs of this repository."""

PLACES = re.compile(r"(?<![\w./])/(?=(?:etc|opt|usr/local/bin|var/lib)\b)|(?<= -C )/(?= |$)", re.MULTILINE)
"""The slash that a path begins with where the machine's own folders are meant: it becomes the pretended machine's."""

STANDINS = {
    "sudo": 'exec "$@"',
    "apt": 'test "$1" = install && shift && echo "$@" >>"{root}/packages"',
    "nano": 'printf "%s\\n" "$1" >>"{root}/edited"; exec sh "{root}/person" "$1"',
    "mosquitto_pub": 'exec {mosquitto_pub} -p {port} "$@"',
    "mosquitto_sub": """again=12
while test $again != 0 && again=$((again - 1)); do
    ended=0
    {mosquitto_sub} -p {port} "$@" >"{root}/heard" || ended=$?
    test ! -s "{root}/heard" || break
done
cat "{root}/heard"
exit $ended""",
    "git": """test "$1 $2" != "clone ADDRESS-OF-THIS-REPOSITORY" || set -- clone -q "{root}/published" "$3"
exec {git} "$@" """,
    "python3": 'exec {python} "$@"',
}
"""Programs as shell scripts. At the editor sits `Machine.person`, who listens again where nothing was heard in the time
that is documented: this machine did other work."""

QUICK_PYTHON = """test "$1 $2" = "-m venv" && shift 2
test "$1" != --clear || {{ shift; rm -r "$1"; }}
mkdir -p "$1/bin"
printf '#!/bin/sh\\nexec sh "{root}/quick-pip" "%s" "$@"\\n' "$1" >"$1/bin/pip"
chmod 755 "$1/bin/pip"
"""
"""What stands in for `python3 -m venv` where nothing is to be fetched: an environment whose pip is this one."""
QUICK_PIP = """venv=$1
test "$2 $3 $4 $5" = "install -c requirements.lock ."
rm -rf "$venv/lib"
mkdir "$venv/lib"
cp -r shomare_mqtt plugins "$venv/lib/"
printf '#!/bin/sh\\nPYTHONPATH=%s/lib exec {python} -m shomare_mqtt "$@"\\n' "$venv" >"$venv/bin/shomare-mqtt"
chmod 755 "$venv/bin/shomare-mqtt"
"""


class Machine:
    """`root` is its `/`, with no symbol in its name; `quick`: pip is pretended too, and nothing is fetched."""

    def __init__(self, root: Path, *, port: int, provider: str, quick: bool) -> None:
        self.root, self.home, self.here = root, root / "home", root / "home"
        self.variables = {"SHOMARE_MQTT__PORT": str(port), "SHOMARE_PROVIDER__BASE_URL": provider}
        self.systemd = Systemd(root, self.variables)
        self.port, self._quick = port, quick
        self._stand_in()

    def placed(self, text: str) -> str:
        """A text of the documents, or of a file of ours, with this machine's own paths."""
        return PLACES.sub(f"{self.root}/", text)

    def path(self, documented: str) -> Path:
        """Where something lies that the documents name."""
        return Path(self.placed(documented))

    def _stand_in(self) -> None:
        self.home.mkdir()
        for folder in ("etc/systemd/system", "opt", "usr/local/bin", "usr/bin", "var/lib"):
            (self.root / folder).mkdir(parents=True)
        programs = {name: program(name) for name in ("git", "mosquitto_pub", "mosquitto_sub")}
        names = {"root": self.root, "port": self.port, "python": sys.executable, **programs}
        scripts = {name: text.format(**names) for name, text in STANDINS.items()}
        if self._quick:
            scripts["python3"] = QUICK_PYTHON.format(**names)
            (self.root / "quick-pip").write_text(f"set -e\n{QUICK_PIP.format(**names)}")
        for name, text in scripts.items():
            (self.root / "usr" / "bin" / name).write_text(f"#!/bin/sh\nset -e\n{text}\n")
        systemctl = SYSTEMCTL.format(python=sys.executable, socket=self.root / "systemd")
        (self.root / "usr" / "bin" / "systemctl").write_text(systemctl)
        for file in (self.root / "usr" / "bin").iterdir():
            file.chmod(0o755)

    def person(self, script: str) -> None:
        """What the person at the editor does to the file `$1` from now on, as a shell script."""
        (self.root / "person").write_text(f"set -e\n{self.placed(script)}\n")

    def publish(self, version: str) -> None:
        """Put our repository where it is cloned from, of some version; only what names places differs from ours."""
        published = self.root / "published"
        for name in CLONED:
            source, target = TOP / name, published / name
            if source.is_dir():
                shutil.copytree(source, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, target)
        for file in (published / "systemd").iterdir():
            file.write_text(self.placed(file.read_text()))
        init = published / "shomare_mqtt" / "__init__.py"
        init.write_text(re.sub(r'(?<=__version__ = ")[^"]+', version, init.read_text()))
        commit = "git init -q . && git add -A && git -c user.name=me -c user.email=me@localhost commit -qm release"
        subprocess.run(["sh", "-c", commit], cwd=published, env=self._environment(), check=True)

    def _environment(self) -> dict[str, str]:
        path = ":".join(map(str, (self.root / "usr/bin", self.root / "usr/local/bin", os.environ["PATH"])))
        # The place where settings are looked for without --config; the only one that the program itself knows.
        config = str(self.root / "etc/shomare-mqtt/config.toml")
        variables = environment(**self.variables, PATH=path, SHOMARE_CONFIG=config, HOME=str(self.home))
        variables.pop("PYTHONPATH", None)  # what was installed runs, not what is tested
        for theirs in (Path.home() / ".config/pip/pip.conf", Path.home() / ".pip/pip.conf"):
            if theirs.exists():  # which index pip asks is no matter of the pretended home
                variables.setdefault("PIP_CONFIG_FILE", str(theirs))
        return variables

    async def run(self, block: str) -> tuple[int, str]:
        """Type a block of commands; the exit status of the first that fails, and all that they print.

        The folder that they lead to is where the next block begins.
        """
        script = f"trap 'pwd >{shlex.quote(str(self.root))}/here' EXIT\n{self.placed(block)}"
        shell = await asyncio.create_subprocess_exec(
            "sh", "-e", "-c", script, cwd=self.here, env=self._environment(),
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        async with asyncio.timeout(5 * PATIENCE if self._quick else 10 * PATIENCE):
            out, _ = await shell.communicate()
        self.here = Path((self.root / "here").read_text().strip())
        assert shell.returncode is not None
        return shell.returncode, out.decode()

    def paste(self, table: str, file: str) -> None:
        """Put a table at the end of a settings file."""
        with self.path(file).open("a") as settings:
            settings.write(f"\n{table}")

    def gone(self, paths: Iterable[str]) -> bool:
        return not any(os.path.lexists(self.path(path)) for path in paths)
