"""The README's five examples as they stand there, and the demo's own hints, in a shell beside a running demo.

Each is run ten times in a row on both brokers, with mosquitto's own tools, and answers at the first try.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import urllib.request
from contextlib import contextmanager
from queue import Queue
from typing import IO, TYPE_CHECKING

import pytest

from tests.cli.process import ROOT, environment
from tests.patience import PATIENCE
from tests.programs import program
from tests.readme import blocks

if TYPE_CHECKING:
    from collections.abc import Iterator

TIMES = 10
SEE, PRICE, BUY, CANCEL, OFF = (each.text for each in blocks() if each.section == "Five examples")
SHELLS = ("sh", "bash", "zsh")
_PAUSE = 0.5
"""Seconds between two SMS to a number whose code somebody waits for."""


class Lines:
    """What a process writes, line by line, as it comes."""

    def __init__(self, stream: IO[str] | None) -> None:
        assert stream is not None
        self.seen: list[str] = []
        self._coming: Queue[str | None] = Queue()
        threading.Thread(target=self._read, args=(stream,), daemon=True).start()

    def _read(self, stream: IO[str]) -> None:
        for line in stream:
            self._coming.put(line.rstrip("\n"))
        self._coming.put(None)

    def until(self, pattern: str) -> str:
        """The next line with it."""
        while (line := self._coming.get(timeout=PATIENCE)) is not None:
            self.seen.append(line)
            if re.search(pattern, line):
                return line
        pytest.fail(f"{pattern!r} never came:\n" + "\n".join(self.seen))


class Demo:
    """`line`: the one to copy. `hints`: the commands that it offers."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.lines = Lines(process.stdout)
        self._provider = self.lines.until("a simulated provider").split()[-1].removesuffix("/api")
        self.lines.until("Try it from another terminal")
        self.line = self.lines.until("SHOMARE_MQTT__PORT=")
        self.lines.until("^mosquitto_sub")
        self.lines.until(" buy .*--wait$")
        self.hints = [each for each in self.lines.seen if each.startswith("mosquitto_") and each != self.line]
        self.hints.append(self.lines.seen[-1])

    def run(self, command: str, shell: str = "sh") -> str:
        """What a command prints that ends by itself, typed after the line to copy."""
        done = subprocess.run(
            [shell, "-c", f"{self.line}\n{command}"],
            capture_output=True, text=True, timeout=2 * PATIENCE, cwd=ROOT, env=environment(), check=False,
        )  # fmt: skip
        assert done.stderr == ""
        return done.stdout

    def buy(self, command: str) -> tuple[str, str]:
        """The answer and the code that the third example prints.

        It listens for the code once it has the answer, in which somebody reads the number first: here SMS come until
        it has heard one.
        """
        with subprocess.Popen(
            ["sh", "-c", f"{self.line}\n{command}"], stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment()
        ) as process:
            lines = Lines(process.stdout)
            answer = lines.until("^{")
            for number in range(int(PATIENCE / _PAUSE)):
                self._deliver(json.loads(answer)["data"]["purchase"], str(50_000 + number))
                try:
                    process.wait(_PAUSE)
                except subprocess.TimeoutExpired:
                    continue
                break
            else:
                process.kill()
            return answer, lines.until(r"^\d{4,8}$")

    def _deliver(self, purchase: str, code: str) -> None:
        body = json.dumps({"purchase": purchase, "code": code}).encode()
        request = urllib.request.Request(f"{self._provider}/_sim/sms", body, method="POST")
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=PATIENCE):
            pass

    @contextmanager
    def running(self, command: str) -> Iterator[Lines]:
        """What one prints that goes on until Ctrl-C."""
        with subprocess.Popen(
            ["sh", "-c", f"{self.line}\n{command}"], stdout=subprocess.PIPE, text=True, start_new_session=True
        ) as process:
            try:
                yield Lines(process.stdout)
            finally:
                os.killpg(process.pid, signal.SIGINT)


@pytest.fixture(scope="module", params=["mosquitto", "amqtt"])
def demo(request: pytest.FixtureRequest) -> Iterator[Demo]:
    for each in ("mosquitto", "mosquitto_sub", "mosquitto_rr"):
        program(each)
    command = [sys.executable, "-m", "shomare_mqtt", "demo", "--broker", request.param, "--port", "0", "--sms-delay"]
    with subprocess.Popen(
        [*command, "3"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(), cwd=ROOT
    ) as process:
        try:
            yield Demo(process)
            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE) == 0
            assert process.stderr is not None
            assert process.stderr.read() == "", "no log of any library is shown"
        finally:
            process.kill()


def test_see_everything(demo: Demo) -> None:
    for number in range(TIMES):
        with demo.running(SEE) as seen:
            seen.until("^shomare/bridge/state online$")
            demo.run(f"mosquitto_pub -t shomare/mark -m {number}")
            seen.until(f"^shomare/mark {number}$")
        retained = [each for each in seen.seen if each.startswith(("shomare/bridge/state", "shomare/buying"))]
        assert sorted(retained) == ["shomare/bridge/state online", "shomare/buying on"], "each of them once"


def test_what_it_costs(demo: Demo) -> None:
    for _ in range(TIMES):
        answer = json.loads(demo.run(PRICE))
        assert (answer["status"], answer["data"]["price"]) == ("ok", 2200)


def test_buy_and_wait_for_the_code(demo: Demo) -> None:
    bought = set()
    for _ in range(TIMES):
        answer, code = demo.buy(BUY)
        order = json.loads(answer)["data"]
        assert order["phone"].startswith("+7")
        demo.lines.until(f"shomare/code +{code}$")
        bought.add(order["order"])
    assert len(bought) == TIMES, "each run is a purchase of its own"


def test_a_purchase_that_is_refused_ends_with_the_reason(demo: Demo) -> None:
    for _ in range(TIMES):
        answer = json.loads(demo.run(BUY.replace("3000", "30")))
        assert answer["error"]["code"] == "price_too_high"


def test_a_replay_ends_with_the_first_answer(demo: Demo) -> None:
    again = re.sub(r"'\$\(date.*?\)'", "the-same", BUY)
    assert again != BUY
    first, _ = demo.buy(again)
    for _ in range(TIMES):
        answer = json.loads(demo.run(again))
        assert answer.pop("replayed") is True
        assert answer == json.loads(first)


def test_cancel(demo: Demo) -> None:
    for _ in range(TIMES):
        bought = json.loads(demo.run(BUY.partition("|")[0]))["data"]
        answer = json.loads(demo.run(CANCEL))
        if answer["status"] == "ok":
            assert (answer["data"]["order"], answer["data"]["state"]) == (bought["order"], "cancelled")
        else:
            assert "SMS" in answer["error"]["message"], "where this machine was slower than the SMS"


def test_buy_nothing_for_now(demo: Demo) -> None:
    with demo.running("mosquitto_sub -t shomare/buying") as switch:
        switch.until("^on$")
        for _ in range(TIMES):
            assert demo.run(OFF) == ""
            switch.until("^off$")
            assert json.loads(demo.run(BUY))["error"]["code"] == "buying_paused"
            demo.run("mosquitto_pub -t shomare/buying/set -m on")
            switch.until("^on$")


@pytest.mark.parametrize("shell", SHELLS)
def test_the_line_to_copy_serves_every_shell(demo: Demo, shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"this machine has no {shell}")
    assert json.loads(demo.run(PRICE, shell))["status"] == "ok"


def test_the_hints(demo: Demo) -> None:
    see, price, buy, cancel, own = demo.hints
    with demo.running(see) as seen:
        seen.until("^shomare/bridge/state online$")
        assert len(json.loads(demo.run(price))["data"]["prices"]) > 1
        assert demo.run(buy) == ""
        assert json.loads(seen.until("^shomare/response/buy ").split(" ", 1)[1])["status"] == "ok"
        assert demo.run(cancel) == ""
        seen.until("^shomare/response/cancel ")
        assert re.search(r"\b\d{4,8}\b", demo.run(own))
        code = seen.until("^shomare/code ").split()[1]
    assert code
    assert not [each for each in demo.lines.seen if "2200" in each and "2,200" not in each], "money has its unit"


def test_the_hints_come_once(demo: Demo) -> None:
    _, code = demo.buy(BUY)
    demo.lines.until(f"shomare/code +{code}$")
    demo.run("mosquitto_pub -t shomare/mark -m told")
    demo.lines.until("shomare/mark +told$")
    assert sum(each.startswith("The code is ") for each in demo.lines.seen) == 1
    assert sum("Try it from another terminal" in each for each in demo.lines.seen) == 1
