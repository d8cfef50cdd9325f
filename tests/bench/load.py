"""`python -m tests.bench.load`: asks a daemon, or what stands in for it, and prints what came as one line of JSON.

A process of its own that costs little, so that what is measured is the other side. A price is asked for, of another
product each time, so that no two questions can share an answer; or the profile. `--window` questions are under way at
any time; with `--every` one is sent each so many seconds instead, however many are.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench.costs import cpu
from tests.bench.wire import (
    PUBLISH,
    SUBACK,
    Splitter,
    acknowledge_at_once,
    connect,
    message,
    puback,
    publish,
    subscribe,
)

if TYPE_CHECKING:
    import socket

_ROOT = Path(__file__).parents[2]
TRANSACTION = re.compile(rb'"transaction": ?"(\d+)"')
_IS_OK = re.compile(rb'"status": ?"ok"')
_APPLICATIONS, _COUNTRIES, _OPERATORS = 200, 10, 5
"""What the stub lists."""
_ALL_PACKETS = 65535
LEAST = 30


@dataclass(frozen=True)
class Plan:
    """What to send. It ends with `count` answers, or after `seconds`, or once nothing came for `silence` seconds.

    The first `leave_out` questions are asked beside those and count nowhere, whether or not they are answered.
    The first `warm` answers count nowhere either, and at least LEAST others are waited for, however long that takes.
    `watch`: the process whose processor time is read, 0 for none.
    """

    port: int = 0
    base: str = "shomare"
    query: str = "price"
    qos: int = 0
    window: int = 1
    every: float = 0.0
    count: int = 1_000_000
    leave_out: int = 0
    seconds: float = 60.0
    silence: float = 10.0
    warm: int = 0
    watch: int = 0


@dataclass(frozen=True)
class Result:
    """What came. Times in seconds, of answers after the warming up.

    `cpu`: of the watched process for each answer. `busy`: the share of its time that the load itself was at work.
    """

    answers: int
    errors: int
    """Of the answers."""
    unanswered: int
    p50: float
    p99: float
    rate: float
    """Answers a second."""
    cpu: float
    busy: float


def run(plan: Plan) -> Result:
    """A load as a process. Raises subprocess.CalledProcessError where it fails."""
    options = [word for name, value in asdict(plan).items() for word in (f"--{name}", str(value))]
    command = [sys.executable, "-m", "tests.bench.load", *options]
    done = subprocess.run(command, cwd=_ROOT, check=True, stdout=subprocess.PIPE)
    return Result(**json.loads(done.stdout))


class Load(asyncio.Protocol):
    """The connection. `done` is set at the end."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._splitter = Splitter()
        self._sent: dict[int, float] = {}
        self._next = 0
        self._questions = plan.leave_out + plan.count
        self._answers = self._errors = 0
        self._times: list[float] = []
        self._began = self._last = time.perf_counter()
        self._cpu_began = self._own_began = 0.0
        self.done = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._socket: socket.socket = transport.get_extra_info("socket")
        transport.write(connect("") + subscribe(self._plan.qos, f"{self._plan.base}/response/#"))

    def connection_lost(self, error: Exception | None) -> None:
        self.done.set()

    def data_received(self, data: bytes) -> None:
        acknowledge_at_once(self._socket)
        out: list[bytes] = []
        for first, content in self._splitter.feed(data):
            kind = first & 0xF0
            if kind == PUBLISH:
                self._answered(*message(first, content)[1:], out)
            elif kind == SUBACK:
                self._begin(out)
        if out:
            self._transport.write(b"".join(out))

    def _begin(self, out: list[bytes]) -> None:
        self._start_measuring()
        self._watch()
        if self._plan.every:
            self._send_now_and_then()
        else:
            out.extend(self._question() for _ in range(min(self._plan.window, self._questions)))

    def _start_measuring(self) -> None:
        self._began = self._last = time.perf_counter()
        self._cpu_began, self._own_began = self._watched(), time.process_time()

    def _answered(self, payload: bytes, packet: int, out: list[bytes]) -> None:
        now = time.perf_counter()
        if packet:
            out.append(puback(packet))
        found = TRANSACTION.search(payload)
        asked_at = self._sent.pop(int(found[1]), None) if found else None
        if asked_at is None:
            return  # to somebody else, the same once more, or left out
        self._answers += 1
        self._last = now
        if self._answers == self._plan.warm:
            self._start_measuring()
        elif self._answers > self._plan.warm:
            self._times.append(now - asked_at)
            self._errors += not _IS_OK.search(payload)
        if self._answers >= self._plan.count:
            self.done.set()
        elif self._next < self._questions and not self._plan.every:
            out.append(self._question())

    def _question(self) -> bytes:
        n = self._next
        self._next += 1
        topic = f"{self._plan.base}/query/{_product(n) if self._plan.query == 'price' else self._plan.query}"
        packet = n % _ALL_PACKETS + 1 if self._plan.qos else 0
        if n >= self._plan.leave_out:
            self._sent[n] = time.perf_counter()
        return publish(topic, b'{"transaction":"%d"}' % n, packet)

    def _send_now_and_then(self) -> None:
        self._transport.write(self._question())
        if self._next < self._questions:
            asyncio.get_running_loop().call_later(self._plan.every, self._send_now_and_then)

    def _watch(self) -> None:
        """Once a tenth of a second: is it over?"""
        now = time.perf_counter()
        enough = len(self._times) >= min(LEAST, self._plan.count) and now - self._began > self._plan.seconds
        if enough or now - self._last > self._plan.silence:
            self.done.set()
        elif not self.done.is_set():
            asyncio.get_running_loop().call_later(0.1, self._watch)

    def _watched(self) -> float:
        return cpu(self._plan.watch) if self._plan.watch else 0.0

    def result(self) -> Result:
        times = sorted(self._times)
        measured = len(times)
        took = max(self._last - self._began, 1e-9)
        return Result(
            answers=self._answers,
            errors=self._errors,
            unanswered=len(self._sent),
            p50=times[measured // 2] if times else 0.0,
            p99=times[measured * 99 // 100] if times else 0.0,
            rate=measured / took,
            cpu=(self._watched() - self._cpu_began) / max(measured, 1),
            busy=(time.process_time() - self._own_began) / took,
        )


def _product(n: int) -> str:
    """One of ten thousand, `price/<country>/<operator>/<application>`."""
    n, application = divmod(n, _APPLICATIONS)
    n, country = divmod(n, _COUNTRIES)
    return f"price/{country + 1}/{n % _OPERATORS + 1}/{application + 1}"


async def carry_out(plan: Plan) -> Result:
    loop = asyncio.get_running_loop()
    transport, load = await loop.create_connection(lambda: Load(plan), "127.0.0.1", plan.port)
    await load.done.wait()
    result = load.result()
    transport.close()
    return result


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.load")
    for each in fields(Plan):
        parser.add_argument(f"--{each.name}", type=type(each.default), default=each.default)
    print(json.dumps(asdict(asyncio.run(carry_out(Plan(**vars(parser.parse_args())))))))


if __name__ == "__main__":
    main()
