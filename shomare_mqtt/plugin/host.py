"""The plugin host: the core's `Extensions`, one typed method per hook, and each plugin apart from the others.

pluggy alone would run all implementations in one stack, where one that raises ends the others.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from shomare_mqtt.errors import CommandRefusedError, ErrorCode
from shomare_mqtt.plugin.api import BuyRequest, Veto
from shomare_mqtt.plugin.call_journal import Call
from shomare_mqtt.plugin.call_queue import CallQueue
from shomare_mqtt.plugin.error_text import describe, is_of
from shomare_mqtt.plugin.health import PluginHealth
from shomare_mqtt.plugin.runner import Runner, TimeLimits
from shomare_mqtt.plugin.worker import HookFailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from decimal import Decimal

    from shomare_mqtt.core.clock import Clock
    from shomare_mqtt.model import Order, PriceList, Product, Profile, Sms
    from shomare_mqtt.plugin.api_factory import ApiFactory
    from shomare_mqtt.plugin.call_journal import CallJournal, Noted
    from shomare_mqtt.plugin.health import FailureReports
    from shomare_mqtt.plugin.loading import Loaded

_LONGEST_CODE = 64
_TURN = 0.0001
"""Seconds for which a plugin that computes holds the interpreter, instead of Python's 5 ms: the daemon waits so long
whenever it wants to go on, some hundred times for a purchase, and for each plugin that computes."""
_LAST_CALLS = 3.0
"""Seconds that a call at work has to end when the daemon stops."""


class PluginHost:
    """Runs the plugins that were loaded. Life: `start`, `run` as a task, `stop`.

    `on_exception` gets what a hook raised, for the tests of a plugin's author.
    """

    def __init__(
        self,
        plugins: tuple[Loaded, ...],
        *,
        apis: ApiFactory,
        reports: FailureReports,
        journal: CallJournal,
        clock: Clock,
        limits: TimeLimits | None = None,
        on_exception: Callable[[str, BaseException], None] | None = None,
    ) -> None:
        self._apis = apis
        self._reports = reports
        self._journal = journal
        self._limits = limits or TimeLimits()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._excepthook = threading.excepthook
        self._tasks: list[asyncio.Task[None]] = []
        self._owners: dict[str, Runner] = {}
        self._runners = tuple(
            Runner(loaded, PluginHealth(clock, partial(self._tell, loaded.name)), self._limits, on_exception)
            for loaded in plugins
        )
        self._queues = {runner.name: CallQueue(runner, journal, clock, self._limits) for runner in self._runners}

    # --- life -------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Starts every plugin (10 s at most) and takes up the calls that an earlier process left."""
        self._loop = asyncio.get_running_loop()
        if self._runners:
            sys.setswitchinterval(_TURN)
            self._excepthook, threading.excepthook = threading.excepthook, self._thread_failed
        await asyncio.gather(*(runner.startup(self._apis.make(runner, self._on_loop)) for runner in self._runners))
        if self._runners:
            await self._take_up_noted()

    async def run(self) -> None:
        """Makes the calls of observing hooks, until `stop` or cancelled. Raises what the memory raises."""
        async with asyncio.TaskGroup() as group:
            self._tasks = [group.create_task(queue.run()) for queue in self._queues.values()]

    async def settled(self) -> None:
        """Returns once every call that waits for its turn was made."""
        await asyncio.gather(*(queue.settled() for queue in self._queues.values()))

    async def stop(self) -> None:
        """Lets the calls at work end, notes those that wait, calls `shomare_shutdown`, ends the threads."""
        await asyncio.gather(*(self._rest(queue) for queue in self._queues.values()))
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        for queue in self._queues.values():
            await queue.note_rest()
        await asyncio.gather(*(runner.stop() for runner in self._runners))
        threading.excepthook = self._excepthook

    def describe(self) -> list[dict[str, str | None]]:
        """For `bridge/info`: `[{"name", "version", "state": "running" / "failed" / "left_out", "error"}]`."""
        return [
            {
                "name": runner.name,
                "version": runner.loaded.version,
                "state": runner.health.state,
                "error": runner.health.error,
            }
            for runner in self._runners
        ]

    def secrets(self) -> tuple[str, ...]:
        """Every secret in the plugins' settings, for the log to mask."""
        if not self._runners:
            return ()
        from shomare_mqtt.plugin.secret_texts import secrets_of  # noqa: PLC0415 - pydantic, which nobody else may need

        return tuple(secret for runner in self._runners for secret in secrets_of(runner.loaded.settings) if secret)

    # --- hooks that decide ------------------------------------------------------------------------------------------

    async def authorize_buy(self, product: Product, price: Decimal | None, spend: Decimal) -> None:
        """Raises CommandRefusedError (`vetoed`) where a plugin denies, fails, or was left out."""
        request = BuyRequest(product, price)
        for runner in self._with("shomare_authorize_buy"):
            try:
                verdict = await runner.decide("shomare_authorize_buy", request=request, spend=spend)
            except HookFailedError as error:
                raise _vetoed(f"{error}, and a plugin that decides must answer") from None
            if verdict is not None and verdict is not True:
                raise _vetoed(_reason(runner, verdict))

    async def extract_code(self, text: str) -> str | None:
        """The first plugin's reading of an SMS text; None where none has any, a failing one counting as none."""
        for runner in self._with("shomare_extract_code"):
            try:
                code = await runner.decide("shomare_extract_code", text=text)
            except HookFailedError:
                continue
            if isinstance(code, str) and 0 < len(code.strip()) <= _LONGEST_CODE and code.strip().isprintable():
                return code.strip()
            if code is not None:
                runner.odd("shomare_extract_code", "no code and not None")
        return None

    async def discovery(self, order: Order | None) -> dict[str, dict[str, Any]]:
        """More components for Home Assistant's device, their keys prefixed with the plugin's name."""
        components: dict[str, dict[str, Any]] = {}
        for runner in self._with("shomare_discovery"):
            try:
                given = await runner.decide("shomare_discovery", order=order)
            except HookFailedError:
                continue
            if isinstance(given, Mapping) and all(_is_component(key, value) for key, value in given.items()):
                own = {f"{runner.name}_{key}": dict(value) for key, value in given.items()}
                components |= own
                self._owners |= dict.fromkeys(own, runner)
            elif given is not None:
                runner.odd("shomare_discovery", "something that is no mapping of components with a platform")
        return components

    def components_refused(self, reasons: Mapping[str, str]) -> None:
        """Says which of the components that `discovery` gave cannot be announced, and why; none: all can again."""
        for runner in self._with("shomare_discovery"):
            said = "; ".join(f"{key}: {why}" for key, why in reasons.items() if self._owners.get(key) is runner)
            if said:
                runner.health.failed("components", f"plugin {runner.name}: Home Assistant is not told of {said}")
            else:
                runner.health.succeeded("components")

    # --- hooks that observe -----------------------------------------------------------------------------------------

    def order_changed(self, order: Order, previous: Order | None) -> None:
        """Tells the plugins, after the commit."""
        self._observe("shomare_order_changed", order.order, order=order, previous=previous)

    def sms_received(self, order: Order, sms: Sms) -> None:
        """Tells the plugins, after the commit; a code has a hook of its own."""
        self._observe("shomare_sms_received", order.order, sms.sms, order=order, sms=sms)
        if sms.code:
            self._observe("shomare_code_received", order.order, sms.sms, order=order, sms=sms, code=sms.code)

    def balance_changed(self, profile: Profile, previous: Profile | None) -> None:
        """Tells the plugins."""
        for runner in self._with("shomare_balance_changed"):
            # `extra` is the one thing in all of it that a plugin could change for the others.
            given = {"profile": _frozen(profile), "previous": previous and _frozen(previous)}
            self._queues[runner.name].put(Call("shomare_balance_changed", given, self._journal.now()))

    def prices_changed(self, prices: PriceList, previous: PriceList | None) -> None:
        """Tells the plugins."""
        self._observe("shomare_prices_changed", prices=prices, previous=previous)

    def _observe(self, hook: str, order_id: str | None = None, sms_id: str | None = None, **given: Any) -> None:
        for runner in self._with(hook):
            self._queues[runner.name].put(Call(hook, given, self._journal.now(), order_id, sms_id))

    def _with(self, hook: str) -> Iterator[Runner]:
        return (runner for runner in self._runners if runner.has(hook))

    # --- the inside -------------------------------------------------------------------------------------------------

    def _on_loop(self, function: Callable[..., None], *arguments: Any) -> None:
        """From a plugin's thread to the event loop."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, *arguments)

    def _tell(self, name: str, message: str | None) -> None:
        self._on_loop(self._reports.tell, name, message)

    def _thread_failed(self, failure: threading.ExceptHookArgs) -> None:
        """In a thread that a plugin started itself: Python would print the error's text, which may hold a code."""
        runner = next((r for r in self._runners if is_of(failure.exc_value, r.loaded.home)), None)
        if runner is None:
            self._excepthook(failure)
        elif failure.exc_type is not SystemExit:  # which ends a thread, and is no failure there
            runner.escaped(failure.exc_value)

    async def _rest(self, queue: CallQueue) -> None:
        try:
            async with asyncio.timeout(_LAST_CALLS):
                await queue.come_to_rest()
        except TimeoutError:
            return

    async def _take_up_noted(self) -> None:
        """Queues what an earlier process noted; what is too old or has nobody to be told is forgotten."""
        for plugin, call in await self._journal.load(self._is_wanted):
            self._queues[plugin].put(call)

    def _is_wanted(self, noted: Noted) -> bool:
        listening = any(runner.name == noted.plugin for runner in self._with(noted.hook))
        return listening and self._journal.now() - noted.created <= self._limits.keep


def _frozen(profile: Profile) -> Profile:
    return replace(profile, extra=MappingProxyType(dict(profile.extra)))


def _is_component(key: object, value: object) -> bool:
    return isinstance(key, str) and bool(key) and isinstance(value, Mapping) and isinstance(value.get("platform"), str)


def _reason(runner: Runner, verdict: object) -> str:
    match verdict:
        case False:
            return f"plugin {runner.name} denied it and gave no reason"
        case str() if verdict.strip():
            return f"plugin {runner.name}: {describe(Veto(verdict), '')}"
        case Veto():
            return f"plugin {runner.name}: {describe(verdict, '')}"
    return runner.odd("shomare_authorize_buy", "neither None, True, False, a text nor a Veto")


def _vetoed(message: str) -> CommandRefusedError:
    return CommandRefusedError(ErrorCode.VETOED, f"{message}; nothing was bought")
