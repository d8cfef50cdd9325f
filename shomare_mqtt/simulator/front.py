"""Where requests arrive: what goes wrong with them, what is noted of them, and what counts as shown."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from contextlib import contextmanager, suppress
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, TypeVar

from aiohttp import web

from shomare_mqtt.simulator import answering
from shomare_mqtt.simulator.calls import (
    Call,
    UnknownAddressError,
    WrongMethodError,
    endpoint_of,
    read_call,
)
from shomare_mqtt.simulator.faults import Fault, FaultKind, Faults

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from shomare_mqtt.simulator.endpoints import Desk, Outcome
    from shomare_mqtt.simulator.statefile import StateFile

REQUESTS_KEPT = 1000
LONGEST_NOTED = 200
_HANGS = (FaultKind.HANG_BEFORE, FaultKind.HANG_AFTER)
_RESETS = (FaultKind.RESET_BEFORE, FaultKind.RESET_AFTER)
_T = TypeVar("_T")


class Front:
    """Handles requests while the server runs, until `stop`."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.faults = Faults()
        self.calls: Counter[str] = Counter()
        self.requests: deque[dict[str, Any]] = deque(maxlen=REQUESTS_KEPT)
        self.file: StateFile | None = None
        self.stopping = asyncio.Event()
        self.hanging = 0
        self._under_way: set[asyncio.Task[Any]] = set()
        self._waiting: set[asyncio.Future[None]] = set()

    async def wait_until(self, condition: Callable[[], bool], seconds: float = 60.0) -> None:
        """Wait until the condition holds; it is looked at after each step of each request. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while not condition():
                step = asyncio.get_running_loop().create_future()
                self._waiting.add(step)
                try:
                    await step
                finally:
                    self._waiting.discard(step)

    async def save(self) -> None:
        """Returns once the state file, where there is one, holds what is true now."""
        if self.file is not None:
            await self.file.save(self.desk.ledger, self.desk.catalog, self.desk.time)

    async def finish(self) -> None:
        """Returns once nothing is being carried out any more."""
        if self._under_way:
            await asyncio.wait(self._under_way)
        await self.save()

    def reset(self, desk: Desk) -> None:
        """Begin anew with another desk."""
        self.faults.let_go()
        self.desk, self.faults = desk, Faults()
        self.calls.clear()
        self.requests.clear()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer a request to the provider, or fail to as a fault says."""
        entry = self._note(request)
        try:
            call = await read_call(request, self.desk.dialect)
        except UnknownAddressError:
            return self._done(entry, answering.not_found())
        except WrongMethodError:
            return self._done(entry, answering.proper(self.desk.wrong_method(), self.desk.dialect))
        entry["parameters"] = {name: value[:LONGEST_NOTED] for name, value in call.parameters.items()}
        fault = self.faults.take(call.endpoint, complete=call.complete)
        entry["fault"] = fault.kind.value if fault else None
        if fault is not None and fault.kind is FaultKind.HOLD:
            if not await self._held():
                return self._done(entry, answering.reset(request))
            fault = None
        outcome = await self._carry_out(call, entry) if fault is None or fault.kind.acts else None
        response = await self._respond(request, fault, outcome)
        return self._done(entry, response)

    async def _carry_out(self, call: Call, entry: dict[str, Any]) -> Outcome:
        """As real servers do, finish also where the client has gone meanwhile."""
        outcome = await self._shielded(self._act(call))
        entry["purchase"] = outcome.purchase
        return outcome

    async def _act(self, call: Call) -> Outcome:
        await self._pause(self.desk.options.latency)
        outcome = self.desk.carry_out(call)
        await self.save()
        self.tell()
        return outcome

    async def _respond(self, request: web.Request, fault: Fault | None, outcome: Outcome | None) -> web.StreamResponse:
        dialect = self.desk.dialect
        if fault is not None and fault.kind in _HANGS:
            await self._hang()
            return answering.reset(request)
        if fault is not None and fault.kind in _RESETS:
            return answering.reset(request)
        if fault is not None and fault.kind is FaultKind.CUT and outcome is not None:
            return await answering.cut_off(request, outcome, dialect)
        if fault is not None and fault.kind is FaultKind.SLOW:
            await self._pause(fault.delay)
        elif fault is not None or outcome is None:
            return answering.faulty(fault or Fault(kind=FaultKind.EMPTY), outcome, dialect)
        return await self._show(request, outcome)

    async def _show(self, request: web.Request, outcome: Outcome | None) -> web.StreamResponse:
        """The proper answer; only one that was written completely counts as shown."""
        if outcome is None:
            raise web.HTTPInternalServerError
        response = answering.proper(outcome, self.desk.dialect)
        response.headers["Date"] = format_datetime(self.desk.clock(self.desk.time.monotonic()), usegmt=True)
        if await answering.send(request, response) and outcome.shows:
            self.desk.ledger.mark_shown(outcome.shows)
            await self._shielded(self.save())
        return response

    async def _shielded(self, work: Coroutine[Any, Any, _T]) -> _T:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return await asyncio.shield(task)

    async def _hang(self) -> None:
        """Until the server stops, or until the client goes away, which cancels the handler."""
        with self._one_more_hangs():
            await self.stopping.wait()

    async def _held(self) -> bool:
        """Wait until the faults are cleared; False where the server stops before."""
        with self._one_more_hangs():
            if not self.stopping.is_set():
                await self.faults.released.wait()
        return not self.stopping.is_set()

    @contextmanager
    def _one_more_hangs(self) -> Iterator[None]:
        self.hanging += 1
        self.tell()
        try:
            yield
        finally:
            self.hanging -= 1
            self.tell()

    def stop(self) -> None:
        """Let go of everything that hangs or waits."""
        self.stopping.set()
        self.faults.let_go()

    async def _pause(self, seconds: float) -> None:
        """Wait, but not longer than the server lives."""
        if seconds > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.stopping.wait(), seconds)

    def _note(self, request: web.Request) -> dict[str, Any]:
        endpoint = endpoint_of(request)
        if endpoint is not None:
            self.calls[endpoint.value] += 1
        entry: dict[str, Any] = {
            "at": self.desk.time.wall(self.desk.time.monotonic()).isoformat(),
            "method": request.method,
            "path": request.path_qs[:LONGEST_NOTED],
            "endpoint": endpoint.value if endpoint else None,
            "status": None,
        }
        self.requests.append(entry)
        self.tell()
        return entry

    def _done(self, entry: dict[str, Any], response: web.StreamResponse) -> web.StreamResponse:
        """Note the status of an answer that is about to be written, or was."""
        entry["status"] = response.status
        self.tell()
        return response

    def tell(self) -> None:
        """Those who wait for a condition look at it again."""
        for step in self._waiting:
            if not step.done():
                step.set_result(None)
