"""Purchases as a load: one after the other, several at a time, or at a rate that no broken connection slows down."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from tests.bench.load import TRANSACTION, Load
from tests.bench.wire import PUBLISH, SUBACK, Splitter, connect, message, puback, publish, subscribe

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.bench.load import Plan, Result

_ALL_PACKETS = 65535
_AGAIN_AFTER = 0.01
"""Seconds between two attempts to connect."""


def purchase(base: str, number: int, qos: int) -> bytes:
    """The packet that buys, with a transaction of its own."""
    payload = b'{"country":"7","operator":"1","application":"3","transaction":"%d"}' % number
    return publish(f"{base}/buy", payload, number % _ALL_PACKETS + 1 if qos else 0)


class Purchases(Load):
    """Buys instead of asking; `first` is the first transaction, of those that no other load had."""

    def __init__(self, plan: Plan, first: int) -> None:
        super().__init__(plan)
        self._first = first

    def _question(self) -> bytes:
        number = self._first + self._next
        self._next += 1
        self._sent[number] = time.perf_counter()
        return purchase(self._plan.base, number, self._plan.qos)


class Cancels(Load):
    """Cancels instead, one after the other, what was bought first, second and so on; `before`: the purchase before."""

    def __init__(self, plan: Plan, before: int) -> None:
        super().__init__(plan)
        self._before = before

    def _question(self) -> bytes:
        self._next += 1
        number = self._before + self._next
        self._sent[number] = time.perf_counter()
        payload = b'{"purchase":"%d","transaction":"%d"}' % (number, number)
        return publish(f"{self._plan.base}/cancel", payload, number % _ALL_PACKETS + 1 if self._plan.qos else 0)


def buy(plan: Plan, first: int) -> Result:
    """Carry out a plan in this process."""
    return asyncio.run(_carried_out(plan, Purchases(plan, first)))


def cancel(plan: Plan, before: int) -> Result:
    """The same, of what was bought after a purchase."""
    return asyncio.run(_carried_out(plan, Cancels(plan, before)))


async def _carried_out(plan: Plan, load: Load) -> Result:
    transport, _ = await asyncio.get_running_loop().create_connection(lambda: load, "127.0.0.1", plan.port)
    await load.done.wait()
    transport.close()
    return load.result()


class Customer:
    """Buys at a rate, QoS 1. Where the connection ends it makes another, and asks again for what was not answered.

    That is safe: whoever repeats a transaction is told what became of it. `answers`: when each was heard first.
    """

    def __init__(self, port: int, base: str) -> None:
        self._port, self._base = port, base
        self._writer: asyncio.StreamWriter | None = None
        self.sent: set[int] = set()
        self.answers: dict[int, float] = {}

    async def buy(self, count: int, every: float, patience: float) -> None:
        """So many purchases, one each so many seconds; returns once all are answered, or nothing came for a while."""
        keeping = asyncio.create_task(self._keep_connected())
        try:
            for number in range(1, count + 1):
                self.sent.add(number)
                self._send(number)
                await asyncio.sleep(every)
            last = time.perf_counter()
            while len(self.answers) < count and time.perf_counter() - last < patience:
                last = max([last, *self.answers.values()])
                await asyncio.sleep(_AGAIN_AFTER)
        finally:
            keeping.cancel()

    def _send(self, number: int) -> None:
        if self._writer is not None:
            self._writer.write(purchase(self._base, number, 1))

    async def _keep_connected(self) -> None:
        while True:
            with suppress(OSError):
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
                try:
                    await self._listen(reader, writer)
                finally:
                    self._writer = None
                    writer.close()
            await asyncio.sleep(_AGAIN_AFTER)

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        splitter = Splitter()
        writer.write(connect("") + subscribe(1, f"{self._base}/response/buy"))
        while data := await reader.read(65536):
            for first, content in splitter.feed(data):
                if first & 0xF0 == SUBACK:
                    self._writer = writer
                    for number in sorted(self.sent - set(self.answers)):
                        self._send(number)
                elif first & 0xF0 == PUBLISH:
                    self._heard(content, first, writer.write)

    def _heard(self, content: bytes, first: int, write: Callable[[bytes], None]) -> None:
        _, payload, packet = message(first, content)
        if packet:
            write(puback(packet))
        if found := TRANSACTION.search(payload):
            self.answers.setdefault(int(found[1]), time.perf_counter())
