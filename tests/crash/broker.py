"""A broker that outlives the daemon: a file of what happened, and the daemon's session with it.

What the broker has (a PUBLISH or a PUBACK that reached it) is a line in the file. A message whose PUBACK did not reach
it comes again with DUP and the same packet id (MQTT 5, section 4.4).
"""

from __future__ import annotations

import asyncio
import json
import os
from typing import TYPE_CHECKING, Any

from shomare_mqtt.model import Incoming, Message
from shomare_mqtt.mqtt.session import ConnectionFacts, SessionListener

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.crash.plan import Command, Plan
    from tests.crash.points import Points

BASE = "shomare/"


class BrokerLog:
    """What the broker knows, in a file that a dying process cannot spoil."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._events: list[dict[str, Any]] = []
        self._read = 0

    def add(self, **event: Any) -> None:
        """Write one line at once."""
        file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(file, json.dumps(event).encode() + b"\n")
        os.close(file)

    def events(self) -> list[dict[str, Any]]:
        """Everything so far, oldest first."""
        if self.path.exists():
            with self.path.open("rb") as file:
                file.seek(self._read)
                self._events += map(json.loads, file)
                self._read = file.tell()
        return self._events

    def packets(self, kind: str) -> set[int]:
        """The packet ids of `delivered` or `puback`."""
        return {e["packet"] for e in self.events() if e["event"] == kind}

    def published(self, topic: str) -> list[str]:
        """Payloads that the daemon published on a topic under the base topic, oldest first."""
        return [e["payload"] for e in self.events() if e["event"] == "publish" and e["topic"] == f"{BASE}{topic}"]

    def retained(self) -> dict[str, str]:
        """Whole topics and the payloads they hold."""
        return {e["topic"]: e["payload"] for e in self.events() if e["event"] == "publish" and e["retain"]}


class Held:
    """What the broker holds of the daemon's when that connects."""

    def __init__(self, retained: dict[str, str]) -> None:
        self._retained = {t.removeprefix(BASE): payload.encode() for t, payload in retained.items() if payload}

    async def journal(self) -> bytes | None:
        return self._retained.get("bridge/journal")

    async def orders(self) -> dict[str, bytes]:
        return {t.removeprefix("orders/"): p for t, p in self._retained.items() if t.startswith("orders/")}


class BrokerSession:
    """Stands where mqtt.session.Session stands. The plan's commands come one after another, each once answered."""

    def __init__(
        self,
        log: BrokerLog,
        points: Points,
        plan: Plan,
        listener: SessionListener,
    ) -> None:
        self._log = log
        self._points = points
        self._commands = plan.commands
        self._forgotten = set(plan.forgotten)
        self._deadly_from_answer = plan.deadly_from_answer
        self._deadly_from_start = plan.deadly_from_start
        self._look = listener.look
        self._on_message = listener.message
        self._on_connected = listener.connected
        self._stopping = asyncio.Event()
        self._connected = asyncio.Event()
        self._unheard: list[Callable[[], None]] = []
        self.first_attempt = asyncio.Event()
        self.put_clock_right: Callable[[], None] = lambda: None
        self.answered = len(self._answers())

    # --- what the daemon sees ---------------------------------------------------------------------------------------

    @property
    def connected(self) -> bool:
        return self._connected.is_set()

    def stood(self) -> float:
        return 0.0

    async def wait_connected(self) -> None:
        await self._connected.wait()

    async def run(self) -> None:
        if self._deadly_from_start:
            self._points.arm()
        await self._look(Held(self._log.retained()))
        self._connected.set()
        self._on_connected(ConnectionFacts("5", True, 0, None, 20))
        self.first_attempt.set()
        self._bring_again()
        self._bring_next()
        await self._stopping.wait()

    async def stop(self, *, quietly: bool = False) -> None:
        del quietly
        self._stopping.set()

    async def publish(self, message: Message) -> None:
        """The bytes lie in our socket; then the broker has them; then its PUBACK is here."""
        topic = message.topic if message.absolute else f"{BASE}{message.topic}"
        await asyncio.sleep(0)
        if topic == f"{BASE}query/orders":  # the daemon's word to others, which it hears too; nobody else is here
            self._on_message(Incoming(topic, message.payload), lambda *_: None)
            return
        self._points.reached(f"before the broker has {message.topic.split('/')[0]}")
        self._log.add(event="publish", topic=topic, payload=message.payload.decode(), retain=message.retain)
        heard, self._unheard = self._unheard, []
        self._points.reached(f"before the PUBACK for {message.topic.split('/')[0]}")
        await asyncio.sleep(0)
        for each in heard:
            each()
        if topic.startswith(f"{BASE}response/"):
            self.answered = len(self._answers())
            self._bring_next()
            if self._deadly_from_answer:
                self._points.arm()

    # --- what the senders do ----------------------------------------------------------------------------------------

    def _answers(self) -> set[int]:
        return answered(self._log, self._commands) | self._forgotten

    def _bring_again(self) -> None:
        """What an earlier connection brought and nobody acknowledged."""
        for packet in sorted(self._log.packets("delivered") - self._log.packets("puback")):
            self._bring(packet, dup=True)

    def _bring_next(self) -> None:
        """The next command, once all before it are answered, or taken where it comes at once."""
        begun = len(self._log.packets("delivered"))
        if begun == len(self._commands):
            return
        at_once = self._commands[begun].at_once
        ready = len(self._log.packets("puback")) if at_once else self.answered
        if ready >= begun:
            self._bring(begun + 1, dup=False)

    def _bring(self, packet: int, *, dup: bool) -> None:
        command = self._commands[packet - 1]
        self._log.add(event="delivered", packet=packet)
        if command.puts_clock_right:
            self.put_clock_right()
        if command.deadly:
            self._points.arm()
        incoming = Incoming(f"{BASE}{command.topic}", command.payload, dup=dup, packet_id=packet)
        self._on_message(incoming, lambda heard=None: self._acknowledge(packet, heard))

    def _acknowledge(self, packet: int, heard: Callable[[], None] | None) -> None:
        """The PUBACK lies in our socket; the loop sends it."""
        asyncio.get_running_loop().call_soon(self._acknowledged, packet, heard)

    def _acknowledged(self, packet: int, heard: Callable[[], None] | None) -> None:
        self._points.reached("before the broker has our PUBACK")
        self._log.add(event="puback", packet=packet)
        if heard is not None:
            self._unheard.append(heard)
        self._points.reached("after the broker has our PUBACK")
        self._bring_next()


def answered(log: BrokerLog, commands: tuple[Command, ...]) -> set[int]:
    """The numbers of the commands that were answered, by their transactions or their topics."""
    given: dict[tuple[str, Any], list[dict[str, Any]]] = {}
    had: dict[int, int] = {}
    for event in log.events():
        if event["event"] == "delivered":
            command = commands[event["packet"] - 1]
            had.setdefault(event["packet"] - 1, len(given.get((command.topic, command.transaction), [])))
        elif event["event"] == "publish" and "/response/" in event["topic"]:
            answer = json.loads(event["payload"])
            topic = event["topic"].removeprefix(f"{BASE}response/")
            given.setdefault((topic, answer["transaction"]), []).append(answer)
    return {number for number, count in had.items() if _is_answered(commands, number, count, given)}


def _is_answered(
    commands: tuple[Command, ...], number: int, had: int, given: dict[tuple[str, Any], list[dict[str, Any]]]
) -> bool:
    """Whether there is an answer to it, and not to the same command before: `had` were there when it came."""
    command = commands[number]
    answers = given.get((command.topic, command.transaction), [])
    if not any(each.asks_the_same(command) for each in commands[:number]):
        return bool(answers)
    before, after = answers[:had], answers[had:]
    return any(a.get("replayed") or a["status"] == "error" or a not in before for a in after)
